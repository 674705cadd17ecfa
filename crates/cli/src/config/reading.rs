//! A configuration in the reading: its tables and values with their places, and the problems found so far.
//!
//! Whoever reads a value and finds it wrong notes the problem here and goes on, so that all problems are told at once.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    Environment,
    problem::{ConfigError, Problem, listed},
};
use crate::nearest::nearest;

/// A configuration in the reading.
pub(super) struct Reading<'a> {
    /// The file; none when the values come from the command line.
    pub(super) file: Option<&'a Path>,
    /// The folder that paths are relative to.
    pub(super) folder: &'a Path,
    /// Looks up an environment variable.
    pub(super) environment: Environment<'a>,
    text: &'a str,
    problems: Vec<Problem>,
}

/// A table, and what messages call it.
pub(super) struct Section<'a> {
    /// As the user wrote it (`[sources.surveys]`), or nothing for the command line.
    pub(super) title: String,
    /// What stands before its keys in messages (`rate_limit.`).
    prefix: String,
    /// Where it begins in the text, in bytes.
    pub(super) offset: usize,
    table: &'a DeTable<'a>,
}

/// A key and its value.
pub(super) struct Entry<'a> {
    /// The key, behind those that it stands within.
    pub(super) key: String,
    /// The key and where it is, for messages.
    pub(super) name: String,
    /// Where the key stands in the text, in bytes.
    pub(super) offset: usize,
    /// The title of its section.
    title: String,
    /// The value.
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Reading<'a> {
    /// Begins with the text of a file; paths in it are relative to the file's folder.
    pub(super) fn of_file(file: &'a Path, text: &'a str, environment: Environment<'a>) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        Self { file: Some(file), folder, environment, text, problems: Vec::new() }
    }

    /// Begins with values from the command line; paths in them are relative to the working directory.
    pub(super) fn of_command_line(environment: Environment<'a>) -> Self {
        Self { file: None, folder: Path::new(""), environment, text: "", problems: Vec::new() }
    }

    /// The line of a place in the text, from 1; 0 for the command line.
    pub(super) fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        if self.file.is_some() { before.iter().filter(|&&byte| byte == b'\n').count() + 1 } else { 0 }
    }

    /// Notes a problem at a place in the text.
    pub(super) fn problem_at(
        &mut self,
        offset: usize,
        key: Option<&str>,
        message: String,
        hint: Option<String>,
    ) {
        self.problems.push(Problem {
            file: self.file.map(Path::to_path_buf),
            line: self.file.map(|_| self.line(offset)),
            key: key.map(str::to_owned),
            message,
            hint,
        });
    }

    /// Notes a problem with another file.
    pub(super) fn problem_elsewhere(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes a problem with the configuration as a whole.
    pub(super) fn problem_overall(&mut self, message: String, hint: Option<String>) {
        let file = self.file.map(Path::to_path_buf);
        self.problems.push(Problem { file, line: None, key: None, message, hint });
    }

    /// Notes why the text is not TOML. The reader's messages name what it expected, and repeat nothing of the text.
    pub(super) fn refuse_syntax(&mut self, errors: &[toml::de::Error]) {
        let mut lines = Vec::new();
        for error in errors {
            let offset = error.span().map_or(self.text.len(), |span| span.start);
            let line = self.line(offset);
            // What follows on the same line only follows from the first.
            if lines.contains(&line) {
                continue;
            }
            lines.push(line);
            let written = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            let bare = written.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with("${"));
            let hint = bare.then(|| "put the variable into quotes: `\"${VAR}\"`".to_owned());
            self.problem_at(offset, None, format!("not valid TOML: {}", error.message()), hint);
        }
    }

    /// Notes a problem with a value.
    pub(super) fn problem(&mut self, entry: &Entry<'_>, message: String, hint: Option<String>) {
        self.problem_at(entry.offset, Some(&entry.key), message, hint);
    }

    /// Notes that a value is not what it must be.
    pub(super) fn mismatch(&mut self, entry: &Entry<'_>, expected: &str, found: &str, hint: Option<String>) {
        self.problem(entry, format!("{} must be {expected}, found {found}", entry.name), hint);
    }

    /// Notes every key that is not known, with the one that was probably meant.
    pub(super) fn refuse_unknown(
        &mut self,
        section: &Section<'a>,
        known: &[&str],
        hint: impl Fn(&str) -> String,
    ) {
        for (entry, word) in section.entries_and_words() {
            if known.contains(&word) {
                continue;
            }
            let meant = nearest(word, known.iter().copied());
            let question = meant.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
            self.problem(&entry, format!("unknown key {}{question}", entry.name), Some(hint(word)));
        }
    }

    /// The value, if nothing was wrong; otherwise all problems, each once, in the order of their lines.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, ConfigError> {
        self.problems.sort_by_key(|problem| problem.line);
        let mut problems: Vec<Problem> = Vec::new();
        for problem in self.problems {
            // A default is read once for each source that it reaches.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(ConfigError { problems }),
        }
    }
}

impl<'a> Section<'a> {
    /// A table with a title of its own.
    pub(super) fn new(title: impl Into<String>, offset: usize, table: &'a DeTable<'a>) -> Self {
        Self { title: title.into(), prefix: String::new(), offset, table }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<Entry<'a>> {
        self.table.get_key_value(key).map(|(key, value)| self.entry(key, value))
    }

    /// All values, as they stand in the file.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.entries_and_words().map(|(entry, _)| entry)
    }

    /// A key of this table as messages name it.
    pub(super) fn name(&self, key: &str) -> String {
        let within = if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
        format!("`{}{key}`{within}", self.prefix)
    }

    /// The hint that lists the keys of this table.
    pub(super) fn keys_hint(&self, known: &[&str]) -> String {
        let keys = listed(known.iter().copied());
        match (self.prefix.trim_end_matches('.'), self.title.as_str()) {
            ("", "") => format!("valid keys: {keys}"),
            ("", title) => format!("valid keys in {title}: {keys}"),
            (value, _) => format!("valid keys in `{value}`: {keys}"),
        }
    }

    fn entries_and_words(&self) -> impl Iterator<Item = (Entry<'a>, &'a str)> {
        self.table.iter().map(|(key, value)| (self.entry(key, value), &**key.get_ref()))
    }

    fn entry(&self, key: &'a Spanned<DeString<'a>>, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        let word = key.get_ref();
        Entry {
            key: format!("{}{word}", self.prefix),
            name: self.name(word),
            offset: key.span().start,
            title: self.title.clone(),
            value,
        }
    }
}

impl<'a> Entry<'a> {
    /// The value's table.
    pub(super) fn as_table(&self) -> Option<&'a DeTable<'a>> {
        self.value.get_ref().as_table()
    }

    /// One value of this list, told under the list's key but at its own place.
    pub(super) fn item(&self, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            key: self.key.clone(),
            name: self.name.clone(),
            offset: value.span().start,
            title: self.title.clone(),
            value,
        }
    }

    /// The table that this value is: its keys are told behind this key.
    pub(super) fn inner(&self, table: &'a DeTable<'a>) -> Section<'a> {
        Section { title: self.title.clone(), prefix: format!("{}.", self.key), offset: self.offset, table }
    }

    /// What kind of value it is, in words.
    pub(super) fn found(&self) -> &'static str {
        match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }
}
