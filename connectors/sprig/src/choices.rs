//! Which options were taken, out of an answer's label and the numbers of the options (vendors/sprig.md 3.2.3).
//!
//! ```text
//! response "Address form", selectedIndexes [2, 4], options [Digest, Address form, Size, Card] -> Address form, Card
//! ```
//!
//! Of several options the answer may name one only; the numbers name all, from 0 or from 1, which nobody publishes. A
//! reading of the numbers counts only where its labels agree with the answer's own text; else that text stands alone.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use crate::response;

/// What may stand between labels that come as one text.
const SEPARATORS: [&str; 6] = [", ", ",", "; ", ";", "\n", "|"];

/// The highest number of a scale that does not say otherwise (vendors/sprig.md 3.2.3).
const USUAL_SCALE: f64 = 5.0;

/// The options of a question.
#[derive(Debug, Default)]
pub(crate) struct Options {
    count: u32,
    /// The labels of all options, under each name that an option may have for its label.
    labels: Vec<Vec<Option<String>>>,
}

impl Options {
    /// Reads the options of a question: texts, or objects one of whose members is the label.
    pub(crate) fn read(json: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Choice {
            Label(String),
            Members(BTreeMap<String, Member>),
            Other(IgnoredAny),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Member {
            Text(String),
            Other(IgnoredAny),
        }
        let choices: Vec<Choice> = serde_json::from_str(json).unwrap_or_default();
        let mut named: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        let count = choices.len();
        for (place, choice) in choices.into_iter().enumerate() {
            let texts: Vec<(String, String)> = match choice {
                Choice::Label(label) => vec![(String::new(), label)],
                Choice::Members(members) => members
                    .into_iter()
                    .filter_map(|(name, member)| match member {
                        Member::Text(text) => Some((name, text)),
                        Member::Other(_) => None,
                    })
                    .collect(),
                Choice::Other(_) => Vec::new(),
            };
            for (name, text) in texts {
                named.entry(name).or_insert_with(|| vec![None; count])[place] = Some(text);
            }
        }
        Self { count: u32::try_from(count).unwrap_or(u32::MAX), labels: named.into_values().collect() }
    }

    /// The highest number of a scale: it has as many options as numbers, if it has any.
    pub(crate) fn highest(&self) -> f64 {
        if self.count < 2 { USUAL_SCALE } else { f64::from(self.count) }
    }

    /// The labels that were taken.
    pub(crate) fn taken(&self, response: &str, indexes: Option<&str>) -> Vec<String> {
        let labels = response::labels(response).unwrap_or_default();
        let numbers = indexes.map(numbers).unwrap_or_default();
        match &labels[..] {
            [label] if response.starts_with('"') && numbers.len() > 1 => {
                self.agreeing(label, &numbers).unwrap_or(labels)
            }
            _ => labels,
        }
    }

    /// The reading of the numbers that the label bears out: with all labels in it, as the first of them, or as the
    /// only reading that has it at all.
    fn agreeing(&self, label: &str, numbers: &[usize]) -> Option<Vec<String>> {
        let readings: Vec<Vec<String>> = [1, 0]
            .into_iter()
            .flat_map(|first| self.labels.iter().filter_map(move |labels| reading(labels, numbers, first)))
            .collect();
        let whole = |reading: &&Vec<String>| SEPARATORS.iter().any(|between| reading.join(between) == label);
        let first = |reading: &&Vec<String>| reading.first().is_some_and(|taken| taken == label);
        let mut any = readings.iter().filter(|reading| reading.iter().any(|taken| taken == label));
        let only = any.next().filter(|only| any.all(|other| other == *only));
        readings.iter().find(whole).or_else(|| readings.iter().find(first)).or(only).cloned()
    }
}

/// The labels of options by their numbers, the first option having the number `first`.
fn reading(labels: &[Option<String>], numbers: &[usize], first: usize) -> Option<Vec<String>> {
    numbers.iter().map(|number| labels.get(number.checked_sub(first)?)?.clone()).collect()
}

/// One number or a list of them; none where something else stands there.
fn numbers(json: &str) -> Vec<usize> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Indexes {
        One(f64),
        Many(Vec<f64>),
    }
    let all = match serde_json::from_str(json) {
        Ok(Indexes::One(number)) => vec![number],
        Ok(Indexes::Many(numbers)) => numbers,
        Err(_) => Vec::new(),
    };
    all.into_iter().map(|number| format!("{number}").parse().ok()).collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = r#"[{"id":1,"value":"Digest","order":1},{"id":2,"value":"Form","order":2},
        {"id":3,"value":"Größe","order":3},{"id":4,"value":"Card","order":4}]"#;

    #[test]
    fn numbers_count_where_the_label_agrees() {
        let options = Options::read(OPTIONS);
        for (response, indexes, taken) in [
            (r#""Form""#, "[2, 4]", &["Form", "Card"][..]),
            (r#""Form""#, "[1, 3]", &["Form", "Card"]),
            (r#""Digest""#, "[0, 1]", &["Digest", "Form"]),
            (r#""Form""#, "[1, 2]", &["Form", "Größe"]),
            (r#""Card""#, "[2.0, 4.0]", &["Form", "Card"]),
            (r#""Digest, Größe""#, "[1, 3]", &["Digest", "Größe"]),
            (r#""Digest""#, "[9, 10]", &["Digest"]),
            (r#""Something else""#, "[1, 2]", &["Something else"]),
            (r#""Form""#, "2", &["Form"]),
            (r#""Form""#, "\"x\"", &["Form"]),
            (r#"["Form", "Card"]"#, "[1]", &["Form", "Card"]),
            ("null", "[1, 2]", &[]),
        ] {
            assert_eq!(options.taken(response, Some(indexes)), taken, "{response} {indexes}");
        }
        assert_eq!(options.taken(r#""Form""#, None), ["Form"]);
    }

    #[test]
    fn options_are_texts_or_objects_or_unknown() {
        let texts = Options::read(r#"["Digest", "Form", 3]"#);
        assert_eq!(texts.taken(r#""Digest""#, Some("[1, 2]")), ["Digest", "Form"]);
        for unknown in ["[]", "null", "", "{}", "[[1]]"] {
            let options = Options::read(unknown);
            assert_eq!(options.taken(r#""Digest""#, Some("[1, 2]")), ["Digest"], "{unknown}");
        }
    }
}
