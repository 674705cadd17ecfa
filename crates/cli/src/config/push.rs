//! `[push.NAME]`: what a push of that name does.

use std::{collections::BTreeMap, path::PathBuf};

use indexmap::IndexMap;
use toml::de::DeValue;

use super::reading::{Entry, Reading, Section};

/// A push as the configuration states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushConfig {
    /// Its name.
    pub name: String,
    /// `source.target`.
    pub target: String,
    /// The file to read.
    pub from: Option<PathBuf>,
    /// Fields by column.
    pub map: Vec<(String, String)>,
    /// The scope.
    pub scope: Option<String>,
    /// Rows that have not changed are sent too.
    pub all: bool,
    /// What is not named is removed.
    pub replace: bool,
    /// What was written is read back.
    pub verify: bool,
    /// Where former values are kept.
    pub undo: Option<PathBuf>,
    /// Where rows go that were refused.
    pub errors: Option<PathBuf>,
    /// Types by field.
    pub types: BTreeMap<String, String>,
    /// Display names by field.
    pub names: BTreeMap<String, String>,
    /// Users that the vendor does not know are refused.
    pub known_users_only: bool,
    /// A type may change.
    pub allow_type_change: bool,
    /// The line of the file where it begins, from 1.
    pub line: usize,
}

/// A key of `[push.NAME]`, for the documentation.
pub(crate) struct PushKey {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) example: &'static str,
    pub(crate) help: &'static str,
}

const fn key(name: &'static str, kind: &'static str, example: &'static str, help: &'static str) -> PushKey {
    PushKey { name, kind, example, help }
}

/// The keys of `[push.NAME]`.
pub(crate) const KEYS: [PushKey; 13] = [
    key("target", "text", "\"adoption.attributes\"", "Where to, `source.target`; required"),
    key("from", "path", "\"users.parquet\"", "The file: Parquet, CSV or NDJSON; `--from` overrides it"),
    key(
        "map",
        "table of texts",
        "{ plan_name = \"plan\" }",
        "Fields by column, for columns that are named otherwise",
    ),
    key("scope", "text", "\"company\"", "`company` or `property:ID`, for Userlane"),
    key("all", "true or false", "false", "Send rows that have not changed too"),
    key(
        "replace",
        "true or false",
        "false",
        "Remove what the input does not name; `--yes` is needed besides",
    ),
    key("verify", "true or false", "false", "Read back what was written"),
    key("undo", "path", "\"undo.ndjson\"", "Keep former values in this new file"),
    key("errors", "path", "\"errors.ndjson\"", "Keep refused rows with their reasons in this file"),
    key("types", "table of texts", "{ seats = \"number\" }", "Types of attributes, over what is inferred"),
    key("names", "table of texts", "{ seats = \"Seats\" }", "Display names of new attributes"),
    key("known_users_only", "true or false", "false", "Refuse users whom the vendor does not know"),
    key("allow_type_change", "true or false", "false", "Let `types` change the type of an attribute"),
];

/// Reads all pushes.
pub(super) fn read_all<'a>(reading: &mut Reading<'a>, root: &Section<'a>) -> IndexMap<String, PushConfig> {
    let mut pushes = IndexMap::new();
    let Some(entry) = root.get("push") else { return pushes };
    let Some(table) = entry.as_table() else {
        let hint = "begin each push with a line `[push.NAME]`";
        reading.mismatch(&entry, "a table", entry.found(), Some(hint.to_owned()));
        return pushes;
    };
    for entry in Section::new("[push]", entry.offset, table).entries() {
        let Some(table) = entry.as_table() else {
            let hint = "begin each push with a line `[push.NAME]`";
            reading.mismatch(&entry, "a table", entry.found(), Some(hint.to_owned()));
            continue;
        };
        if entry.key.contains('.') || entry.key.is_empty() {
            let message = format!("invalid push name `{}`: a name with a dot is a target", entry.key);
            reading.problem(&entry, message, Some("such as `[push.segments]`".to_owned()));
            continue;
        }
        let section = Section::new(format!("[push.{}]", entry.key), entry.offset, table);
        if let Some(push) = read(reading, &section, &entry.key) {
            pushes.insert(entry.key.clone(), push);
        }
    }
    pushes
}

fn read<'a>(reading: &mut Reading<'a>, section: &Section<'a>, name: &str) -> Option<PushConfig> {
    let known = KEYS.map(|key| key.name);
    reading.refuse_unknown(section, &known, |_| section.keys_hint(&known));
    let target = match section.get("target") {
        Some(entry) => reading.text(&entry, "a text such as `source.target`").map(|text| text.value),
        None => {
            let message = format!("missing key {}", section.name("target"));
            let hint = "say where to: `target = \"source.target\"`";
            reading.problem_at(section.offset, Some("target"), message, Some(hint.to_owned()));
            None
        }
    };
    let path = |reading: &mut Reading<'a>, key: &str| {
        let entry = section.get(key)?;
        let text = reading.text(&entry, "a path")?;
        if text.value == "-" { Some(PathBuf::from("-")) } else { reading.path_of(&entry, &text.value) }
    };
    let on = |reading: &mut Reading<'a>, key: &str| {
        section.get(key).and_then(|entry| reading.boolean(&entry)).unwrap_or(false)
    };
    Some(PushConfig {
        name: name.to_owned(),
        from: path(reading, "from"),
        undo: path(reading, "undo"),
        errors: path(reading, "errors"),
        map: texts(reading, section, "map"),
        types: texts(reading, section, "types").into_iter().collect(),
        names: texts(reading, section, "names").into_iter().collect(),
        scope: section.get("scope").and_then(|entry| reading.text(&entry, "a text")).map(|text| text.value),
        all: on(reading, "all"),
        replace: on(reading, "replace"),
        verify: on(reading, "verify"),
        known_users_only: on(reading, "known_users_only"),
        allow_type_change: on(reading, "allow_type_change"),
        line: reading.line(section.offset),
        target: target?,
    })
}

/// A table whose values are texts, in its order.
fn texts<'a>(reading: &mut Reading<'a>, section: &Section<'a>, key: &str) -> Vec<(String, String)> {
    let Some(entry) = section.get(key) else { return Vec::new() };
    let Some(table) = entry.as_table() else {
        reading.mismatch(&entry, "a table of texts", entry.found(), None);
        return Vec::new();
    };
    let inner = entry.inner(table);
    let mut pairs = Vec::new();
    for (name, value) in table.iter() {
        let item: Option<Entry<'a>> = inner.get(name.get_ref());
        match value.get_ref() {
            DeValue::String(text) => pairs.push((name.get_ref().to_string(), text.to_string())),
            _ => {
                if let Some(item) = item {
                    reading.mismatch(&item, "a text", item.found(), None);
                }
            }
        }
    }
    pairs
}
