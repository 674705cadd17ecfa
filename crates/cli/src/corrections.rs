//! Corrections of a connector's facts (`wire`), and the line of the one that does not fit.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use userhaul_connector::{
    Registration,
    spec::{self, ConnectorSpec, SpecError},
};

use crate::{
    config::{SourceConfig, Wire},
    failure::{Code, Failure},
};

/// What a user wrote under `wire`, with the place of each key.
pub(crate) struct Corrections {
    pub(crate) table: toml::Table,
    /// The file that they stand in; none for the command line.
    pub(crate) file: Option<PathBuf>,
    pub(crate) leaves: Vec<Leaf>,
}

/// A key of a table: a value, or a table of its own.
pub(crate) struct Leaf {
    pub(crate) path: Vec<String>,
    /// From 1.
    pub(crate) line: usize,
    /// None for tables.
    pub(crate) value: Option<toml::Value>,
}

impl Leaf {
    /// The key behind those that it stands within.
    fn key(&self) -> String {
        key(&self.path)
    }

    /// This correction and no other.
    pub(crate) fn alone(&self) -> Option<toml::Table> {
        let value = self.value.clone()?;
        let nested = self
            .path
            .iter()
            .rev()
            .fold(value, |inner, key| toml::Value::Table([(key.clone(), inner)].into_iter().collect()));
        nested.as_table().cloned()
    }
}

/// The facts with a source's corrections over them. Messages name the file and the line of what is wrong.
pub(crate) fn apply(
    registration: &Registration,
    config: &SourceConfig,
    file: Option<&Path>,
) -> Result<ConnectorSpec, Failure> {
    let corrections = read(config, file)?;
    let table = corrections.as_ref().map(|corrections| &corrections.table);
    let spec =
        facts(registration, table).and_then(|facts| ConnectorSpec::parse(registration.facts, facts.as_ref()));
    spec.map_err(|error| refused(registration, corrections.as_ref(), &error))
}

/// What a source's configuration says under `wire`.
pub(crate) fn read(config: &SourceConfig, file: Option<&Path>) -> Result<Option<Corrections>, Failure> {
    let (table, text, file, roots) = match &config.wire {
        None => return Ok(None),
        Some(Wire::Inline(table)) => {
            let text = file.and_then(|file| std::fs::read_to_string(file).ok());
            let roots = vec![vec!["sources", &config.name, "wire"], vec!["defaults", "wire"]];
            (table.clone(), text, file, roots)
        }
        Some(Wire::File(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::named_file(path, &error))?;
            let table = toml::from_str(&text).map_err(|error| {
                let line = error.span().map_or(1, |span| line_of(&text, span.start));
                Failure::usage(
                    Code::WrongFacts,
                    format!("{}:{line}: not valid TOML: {}", path.display(), error.message()),
                    None,
                )
            })?;
            (table, Some(text), Some(path.as_path()), vec![Vec::new()])
        }
    };
    let leaves = text.map(|text| leaves(&text, &roots)).unwrap_or_default();
    Ok(Some(Corrections { table, file: file.map(Path::to_path_buf), leaves }))
}

/// Corrections in the words of the facts.
pub(crate) fn facts(
    registration: &Registration,
    wire: Option<&toml::Table>,
) -> Result<Option<toml::Table>, SpecError> {
    wire.cloned().map(registration.wire).transpose()
}

/// The facts as a table.
pub(crate) fn merged(
    registration: &Registration,
    wire: Option<&toml::Table>,
) -> Result<toml::Table, SpecError> {
    spec::merged(registration.facts, facts(registration, wire)?.as_ref())
}

/// Why corrections are refused, with the place of the one that is wrong.
pub(crate) fn refused(
    registration: &Registration,
    corrections: Option<&Corrections>,
    error: &SpecError,
) -> Failure {
    let found = corrections.and_then(|corrections| locate(registration, corrections, error));
    let file = corrections.and_then(|corrections| corrections.file.as_ref());
    let message = match found {
        Some(leaf) if leaf.key().starts_with(&error.place) => {
            format!("`{}`: {}", leaf.key(), error.message)
        }
        _ => format!("`{}`: {}", error.place, error.message),
    };
    let place = match (file, found) {
        (Some(file), Some(leaf)) => format!("{}:{}: ", file.display(), leaf.line),
        (Some(file), None) => format!("{}: ", file.display()),
        (None, _) => "--set wire: ".to_owned(),
    };
    let hint = "`userhaul streams --wire SOURCE` prints the facts in force".to_owned();
    Failure::usage(Code::WrongFacts, format!("{place}correction of {message}"), Some(hint))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().get(..offset).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The correction that the error names, or that alone gives the same error, or else the table that holds it.
fn locate<'a>(
    registration: &Registration,
    corrections: &'a Corrections,
    error: &SpecError,
) -> Option<&'a Leaf> {
    let leaves = &corrections.leaves;
    let named = leaves.iter().find(|leaf| leaf.key() == error.place);
    let same = |leaf: &&Leaf| {
        let Some(alone) = leaf.alone() else { return false };
        let read = facts(registration, Some(&alone))
            .and_then(|facts| ConnectorSpec::parse(registration.facts, facts.as_ref()));
        read.err().as_ref() == Some(error)
    };
    let holds = |leaf: &&Leaf| {
        let key = leaf.key();
        error.place == key || error.place.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.'))
    };
    named
        .or_else(|| leaves.iter().find(same))
        .or_else(|| leaves.iter().filter(holds).max_by_key(|leaf| leaf.path.len()))
}

fn leaves(text: &str, roots: &[Vec<&str>]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let Ok(parsed) = DeTable::parse(text) else { return leaves };
    for root in roots {
        let mut table = Some(parsed.get_ref());
        for &key in root {
            table = table.and_then(|table| table.get(key)).and_then(|value| value.get_ref().as_table());
        }
        if let Some(table) = table {
            collect(text, table, &mut Vec::new(), &mut leaves);
        }
    }
    leaves
}

fn collect(text: &str, table: &DeTable<'_>, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let line = line_of(text, key.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => {
                leaves.push(Leaf { path: path.clone(), line, value: None });
                collect(text, inner, path, leaves);
            }
            _ => {
                let value = toml::Value::deserialize(ValueDeserializer::from(value.clone())).ok();
                leaves.push(Leaf { path: path.clone(), line, value });
            }
        }
        path.pop();
    }
}

/// A path as TOML writes it.
pub(crate) fn key(path: &[String]) -> String {
    path.iter().map(|step| quoted(step)).collect::<Vec<_>>().join(".")
}

/// A key as TOML writes it.
pub(crate) fn quoted(key: &str) -> String {
    let bare = !key.is_empty()
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    if bare { key.to_owned() } else { toml::Value::from(key).to_string() }
}
