//! The codes of warnings, findings and failures: one list for all crates, so that nothing is told without a code.
//!
//! A code is stable: scripts and alerts look for it, while the words beside it may be bettered. What a code means, what the
//! program did and what is to be done stand with it, and the documentation and `userhaul explain` are made of that.

use std::fmt;

mod all;

pub use all::{Code, ENTRIES};

/// What is told of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// The code as it is written: words in `snake_case`.
    pub word: &'static str,
    /// What it concerns, a heading.
    pub area: &'static str,
    /// What it means, a sentence.
    pub means: &'static str,
    /// What the program did about it, a sentence.
    pub did: &'static str,
    /// What is to be done, a sentence.
    pub remedy: &'static str,
}

impl Code {
    /// What is told of it.
    pub fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        self.entry().word
    }

    /// What is to be done, as a phrase without a full stop.
    pub fn advice(self) -> String {
        let remedy = self.entry().remedy.trim().trim_end_matches('.');
        let mut letters = remedy.chars();
        letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
    }

    /// The code that is written so.
    pub fn find(word: &str) -> Option<Self> {
        ENTRIES.iter().find(|entry| entry.word == word).map(|entry| entry.code)
    }

    /// The code that is written so, where this version wrote it.
    pub fn of(word: &str) -> Self {
        Self::find(word).unwrap_or(Self::Internal)
    }

    /// Something to be told under this code.
    pub fn note(self, text: impl Into<String>) -> Note {
        Note { code: self, text: text.into() }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Something that the user should know, in words, with its code. Holds no personal data and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The code.
    pub code: Code,
    /// A lower-case phrase without a full stop.
    pub text: String,
}

impl Note {
    /// The same with other words.
    #[must_use]
    pub fn map(self, words: impl FnOnce(String) -> String) -> Self {
        Self { code: self.code, text: words(self.text) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.text, self.code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_each_once_and_in_the_order_of_the_list() {
        let mut words = BTreeSet::new();
        for (index, entry) in ENTRIES.iter().enumerate() {
            let sober = entry.word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(sober && words.insert(entry.word), "{}", entry.word);
            assert_eq!(entry.code as usize, index);
            assert_eq!(entry.code.entry(), entry);
            assert_eq!(Code::find(entry.word), Some(entry.code));
        }
        assert_eq!(Code::find("no_such_code"), None);
    }

    #[test]
    fn every_code_is_explained_in_sentences() {
        for entry in ENTRIES {
            for sentence in [entry.means, entry.did, entry.remedy] {
                let sentence = sentence.trim();
                assert!(sentence.len() > 5 && sentence.ends_with('.'), "{}: {sentence}", entry.word);
            }
        }
    }
}
