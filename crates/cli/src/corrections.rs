//! Corrections of a connector's facts (`wire`), and the line of the one that does not fit.

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use userhaul_connector::{
    Registration,
    spec::{ConnectorSpec, SpecError},
};

use crate::{
    config::{SourceConfig, Wire},
    failure::Failure,
};

/// The facts with a source's corrections over them. Messages name the file and the line of what is wrong.
pub(crate) fn apply(
    registration: &Registration,
    config: &SourceConfig,
    file: Option<&Path>,
) -> Result<ConnectorSpec, Failure> {
    let (table, text, path) = match &config.wire {
        None => (None, None, None),
        Some(Wire::Inline(table)) => {
            (Some(table.clone()), file.and_then(|file| std::fs::read_to_string(file).ok()), file)
        }
        Some(Wire::File(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::named_file(path, &error))?;
            let table = toml::from_str(&text).map_err(|error| {
                let line = error.span().map_or(1, |span| line_of(&text, span.start));
                Failure::usage(
                    format!("{}:{line}: not valid TOML: {}", path.display(), error.message()),
                    None,
                )
            })?;
            (Some(table), Some(text), Some(path.as_path()))
        }
    };
    read(registration, table).map_err(|error| {
        let roots: &[&[&str]] = match &config.wire {
            Some(Wire::Inline(_)) => &[&["sources", &config.name, "wire"], &["defaults", "wire"]],
            _ => &[&[]],
        };
        let found = text.as_deref().and_then(|text| {
            roots
                .iter()
                .find_map(|root| locate(registration, text, root, &error))
                .map(|(offset, key)| (line_of(text, offset), key))
        });
        let message = match &found {
            Some((_, key)) if key.starts_with(&error.place) => format!("`{key}`: {}", error.message),
            _ => error.to_string(),
        };
        let place = match (path, found) {
            (Some(path), Some((line, _))) => format!("{}:{line}: ", path.display()),
            (Some(path), None) => format!("{}: ", path.display()),
            (None, _) => "--set wire: ".to_owned(),
        };
        Failure::usage(format!("{place}correction of {message}"), None)
    })
}

fn read(registration: &Registration, wire: Option<toml::Table>) -> Result<ConnectorSpec, SpecError> {
    let corrections = wire.map(registration.wire).transpose()?;
    ConnectorSpec::parse(registration.facts, corrections.as_ref())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().get(..offset).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The correction that alone gives the same error, or else the table that the error names: its place in the text, and its key.
fn locate(
    registration: &Registration,
    text: &str,
    root: &[&str],
    error: &SpecError,
) -> Option<(usize, String)> {
    let parsed = DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    for &key in root {
        table = table.get(key)?.get_ref().as_table()?;
    }
    let mut leaves = Vec::new();
    collect(table, &mut Vec::new(), &mut leaves);
    let alone = leaves.iter().find(|leaf| {
        let Some(value) = &leaf.value else { return false };
        let nested = leaf.path.iter().rev().fold(value.clone(), |inner, key| {
            toml::Value::Table([(key.clone(), inner)].into_iter().collect())
        });
        read(registration, nested.as_table().cloned()).err().as_ref() == Some(error)
    });
    let named = || leaves.iter().find(|leaf| leaf.value.is_none() && leaf.path.join(".") == error.place);
    alone.or_else(named).map(|leaf| (leaf.offset, leaf.path.join(".")))
}

/// A key of a table: a value, or a table of its own.
struct Leaf {
    path: Vec<String>,
    offset: usize,
    /// None for tables.
    value: Option<toml::Value>,
}

fn collect(table: &DeTable<'_>, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let offset = key.span().start;
        match value.get_ref() {
            DeValue::Table(inner) => {
                leaves.push(Leaf { path: path.clone(), offset, value: None });
                collect(inner, path, leaves);
            }
            _ => {
                let value = toml::Value::deserialize(ValueDeserializer::from(value.clone())).ok();
                leaves.push(Leaf { path: path.clone(), offset, value });
            }
        }
        path.pop();
    }
}
