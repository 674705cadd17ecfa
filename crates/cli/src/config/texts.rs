//! Values that are texts: literal, with `${VAR}` in them, `{ env = "VAR" }` or `{ file = "path" }`.

use std::{
    fs,
    path::{PathBuf, absolute},
};

use secrecy::SecretString;
use toml::de::{DeTable, DeValue};

use super::{
    expand::{Fault, expand, is_name},
    problem::any_of,
    reading::{Entry, Reading},
};
use crate::nearest::nearest;

/// A text, and where it came from if it does not stand in the configuration itself.
pub(super) struct Text {
    /// The text, with everything put in.
    pub(super) value: String,
    /// What stands in the configuration in its place, for messages.
    origin: Option<String>,
}

impl Text {
    /// The text for a message. What came from outside is not repeated: nobody meant it to be seen.
    pub(super) fn shown(&self) -> String {
        match &self.origin {
            None => format!("`{}`", self.value),
            Some(origin) => format!("something else in {origin}"),
        }
    }

    /// Whether it stands in the configuration itself.
    pub(super) fn is_literal(&self) -> bool {
        self.origin.is_none()
    }
}

impl<'a> Reading<'a> {
    /// A text that is not empty. `expected` says what it must be (`a text`).
    pub(super) fn text(&mut self, entry: &Entry<'a>, expected: &str) -> Option<Text> {
        let text = self.any_text(entry, expected)?;
        if text.value.trim().is_empty() {
            self.refuse_empty(entry, &text);
            return None;
        }
        Some(text)
    }

    /// A secret. It must not be empty, and fit into a header: no line breaks.
    pub(super) fn secret(&mut self, entry: &Entry<'a>) -> Option<SecretString> {
        let text = self.text(entry, "a text")?;
        if text.value.contains(char::is_control) {
            let message = format!("{} has a line break or another control character in it", entry.name);
            self.problem(entry, message, Some("a secret is one line; check how it was copied".to_owned()));
            return None;
        }
        Some(SecretString::from(text.value))
    }

    /// One word of a closed list.
    pub(super) fn choice<'w>(&mut self, entry: &Entry<'a>, words: &[&'w str]) -> Option<&'w str> {
        let expected = any_of(words.iter().copied());
        let text = self.text(entry, &expected)?;
        let choice = words.iter().copied().find(|word| *word == text.value);
        if choice.is_none() {
            let meant = nearest(&text.value, words.iter().copied());
            let hint = meant.map(|word| format!("did you mean `{word}`?"));
            self.mismatch(entry, &expected, &text.shown(), hint);
        }
        choice
    }

    /// The path of a text, relative to the configuration's folder; `~` is refused rather than made a folder of that name.
    pub(super) fn path_of(&mut self, entry: &Entry<'a>, text: &str) -> Option<PathBuf> {
        if text == "~" || text.starts_with("~/") {
            let message = format!("{} begins with `~`, which means nothing here", entry.name);
            self.problem(entry, message, Some("write `${HOME}` for your home folder".to_owned()));
            return None;
        }
        Some(self.folder.join(text))
    }

    /// A file that exists, as an absolute path.
    pub(super) fn existing_file(&mut self, entry: &Entry<'a>, expected: &str) -> Option<PathBuf> {
        let text = self.text(entry, expected)?;
        let path = self.path_of(entry, &text.value)?;
        // Not `is_file`: a pipe made by the shell will do as well.
        if !path.exists() || path.is_dir() {
            let message = format!("{} names a file that does not exist: `{}`", entry.name, path.display());
            self.problem(entry, message, self.path_hint());
            return None;
        }
        // As it is where the working directory is gone.
        Some(absolute(&path).unwrap_or(path))
    }

    fn any_text(&mut self, entry: &Entry<'a>, expected: &str) -> Option<Text> {
        match entry.value.get_ref() {
            DeValue::String(raw) => {
                let expanded = self.expanded(entry, raw)?;
                let origin = expanded.1.then(|| format!("`{raw}`"));
                Some(Text { value: expanded.0, origin })
            }
            DeValue::Table(table) => self.reference(entry, table, expected),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_)
                if matches!(expected, "a text" | "a list of texts") =>
            {
                self.mismatch(entry, expected, entry.found(), Some("put it into quotes".to_owned()));
                None
            }
            _ => {
                self.mismatch(entry, expected, entry.found(), None);
                None
            }
        }
    }

    /// The text with its variables put in, and whether it had any.
    fn expanded(&mut self, entry: &Entry<'a>, raw: &str) -> Option<(String, bool)> {
        let faults = match expand(raw, self.environment) {
            Ok(expanded) => return Some((expanded.text, expanded.has_variables)),
            Err(faults) => faults,
        };
        for fault in faults {
            let literal = "for a `${` that is no variable, write `$${`";
            match fault {
                Fault::Unset(name) => self.refuse_unset(entry, &name),
                Fault::Unclosed => {
                    let message = format!("{} has a `${{` without a `}}`", entry.name);
                    self.problem(entry, message, Some(literal.to_owned()));
                }
                Fault::NoName => {
                    let message = format!("{} has a `${{…}}` without the name of a variable", entry.name);
                    let hint = format!("a name is made of letters, digits and `_`; {literal}");
                    self.problem(entry, message, Some(hint));
                }
            }
        }
        None
    }

    /// The text that `{ env = "VAR" }` or `{ file = "path" }` stands for.
    fn reference(&mut self, entry: &Entry<'a>, table: &'a DeTable<'a>, expected: &str) -> Option<Text> {
        let only = table.iter().next().filter(|_| table.len() == 1);
        let place = only.and_then(|(key, value)| Some((&**key.get_ref(), value.get_ref().as_str()?)));
        match place {
            Some(("env", name)) => self.variable(entry, name),
            Some(("file", path)) => self.content(entry, path),
            _ => {
                let hint = "a table here is `{ env = \"VAR\" }` or `{ file = \"path\" }`";
                self.mismatch(entry, expected, "a table", Some(hint.to_owned()));
                None
            }
        }
    }

    fn variable(&mut self, entry: &Entry<'a>, name: &str) -> Option<Text> {
        if !is_name(name) {
            let message = format!("{} has an `env` that is not the name of a variable", entry.name);
            let hint = "a name is made of letters, digits and `_`, as in `{ env = \"VAR\" }`";
            self.problem(entry, message, Some(hint.to_owned()));
            return None;
        }
        let Some(value) = (self.environment)(name) else {
            self.refuse_unset(entry, name);
            return None;
        };
        Some(Text { value, origin: Some(format!("`${{{name}}}`")) })
    }

    /// The content of a file, without the line breaks at its end.
    fn content(&mut self, entry: &Entry<'a>, path: &str) -> Option<Text> {
        let path = self.expanded(entry, path)?.0;
        let path = self.path_of(entry, &path)?;
        match fs::read_to_string(&path) {
            Ok(content) => {
                let value = content.trim_end_matches(['\r', '\n']).to_owned();
                Some(Text { value, origin: Some(format!("`{}`", path.display())) })
            }
            Err(error) => {
                let why = reason(&error);
                let message = format!("{} cannot be read from `{}`: {why}", entry.name, path.display());
                self.problem(entry, message, self.path_hint());
                None
            }
        }
    }

    fn refuse_unset(&mut self, entry: &Entry<'a>, name: &str) {
        let message = format!("{} needs the environment variable `{name}`, which is not set", entry.name);
        self.problem(entry, message, Some(format!("export {name}=…")));
    }

    fn refuse_empty(&mut self, entry: &Entry<'a>, text: &Text) {
        let (message, hint) = match &text.origin {
            None => (format!("{} is empty", entry.name), "give it a value, or leave the key out"),
            Some(origin) => {
                (format!("{} is empty: nothing in {origin}", entry.name), "check where it is set")
            }
        };
        self.problem(entry, message, Some(hint.to_owned()));
    }

    fn path_hint(&self) -> Option<String> {
        let place =
            if self.file.is_some() { "the folder of the configuration" } else { "the working directory" };
        Some(format!("paths are relative to {place}"))
    }
}

/// Why a file cannot be read, in words that can follow a colon.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "not UTF-8 text".to_owned(),
        std::io::ErrorKind::IsADirectory => "a folder, not a file".to_owned(),
        _ => crate::failure::reason(error),
    }
}
