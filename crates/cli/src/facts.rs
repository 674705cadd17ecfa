//! The facts in force for a source, and where each comes from.

use std::{collections::BTreeSet, path::Path};

use serde_json::json;
use toml::{Table, Value};
use userhaul_connector::Registration;

use crate::{
    config::SourceConfig,
    corrections::{self, Corrections, key, quoted},
    failure::Failure,
};

/// One fact. A step of the path that counts the tables of a list is its index from 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    pub(crate) path: Vec<Step>,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// One step of a fact's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    BuiltIn,
    /// The file of a declared connector.
    Declared,
    /// A file and a line of it.
    User(String, Option<usize>),
}

impl Origin {
    fn text(&self) -> String {
        match self {
            Self::BuiltIn => "built in".to_owned(),
            Self::Declared => "the connector's file".to_owned(),
            Self::User(file, Some(line)) => format!("{file}:{line}"),
            Self::User(file, None) => file.clone(),
        }
    }
}

/// The facts of a connector, with a source's corrections where there is one; of these streams only, where any are named.
pub(crate) fn in_force(
    registration: &Registration,
    source: Option<(&SourceConfig, &Path)>,
    streams: Option<&BTreeSet<String>>,
) -> Result<Vec<Fact>, Failure> {
    let corrections = match source {
        Some((config, file)) => corrections::read(config, Some(file))?,
        None => None,
    };
    let failed = |error: &userhaul_connector::spec::SpecError| {
        corrections::refused(registration, corrections.as_ref(), error)
    };
    let table = corrections.as_ref().map(|corrections| &corrections.table);
    let built_in = corrections::merged(registration, None).map_err(|error| failed(&error))?;
    let mut merged = corrections::merged(registration, table).map_err(|error| failed(&error))?;
    let mut origins =
        corrections.as_ref().map(|own| origins(registration, own, &built_in)).unwrap_or_default();
    if let Some((config, file)) = source
        && let Some(url) = &config.base_url
    {
        let url = url.as_str().trim_end_matches('/').to_owned();
        merged.insert("base_url".to_owned(), Value::String(url));
        origins.insert(
            0,
            (
                vec![Step::Key("base_url".to_owned())],
                Origin::User(file.display().to_string(), Some(config.line)),
            ),
        );
    }
    complete(&mut merged);
    let declared = source.is_some_and(|(config, _)| config.declared.is_some());
    let unchanged = if declared { Origin::Declared } else { Origin::BuiltIn };
    let mut facts = Vec::new();
    flatten(&merged, &mut Vec::new(), &mut facts);
    let wanted = |path: &[Step]| match (streams, path) {
        (Some(streams), [Step::Key(all), Step::Key(stream), ..]) if all == "streams" => {
            streams.contains(stream)
        }
        _ => true,
    };
    Ok(facts
        .into_iter()
        .filter(|(path, _)| wanted(path))
        .map(|(path, value)| {
            let within = |corrected: &[Step]| path.starts_with(corrected) || corrected.starts_with(&path);
            let found = origins.iter().find(|(corrected, _)| within(corrected));
            let origin = found.map_or(&unchanged, |(_, origin)| origin).clone();
            Fact { path, value, origin }
        })
        .collect())
}

/// States what holds without being stated, and leaves out what is not in force.
fn complete(facts: &mut Table) {
    facts.remove("alternatives");
    let Some(Value::Table(streams)) = facts.get_mut("streams") else { return };
    for (_, stream) in streams.iter_mut() {
        let Value::Table(stream) = stream else { continue };
        if stream.contains_key("derived") {
            continue;
        }
        let defaults = [
            ("items", Value::Array(vec![Value::from("")])),
            ("paging", Value::Table(Table::from_iter([("kind".to_owned(), Value::from("none"))]))),
        ];
        for (key, value) in defaults {
            if !stream.contains_key(key) {
                stream.insert(key.to_owned(), value);
            }
        }
        if let Some(Value::Table(paging)) = stream.get_mut("paging")
            && paging.get("kind").and_then(Value::as_str) == Some("page_number")
            && !paging.contains_key("first")
        {
            paging.insert("first".to_owned(), Value::Integer(1));
        }
    }
}

/// What each correction changes: the paths of the facts that are its doing.
fn origins(registration: &Registration, own: &Corrections, built_in: &Table) -> Vec<(Vec<Step>, Origin)> {
    let file = own.file.as_ref().map_or_else(|| "--set".to_owned(), |file| file.display().to_string());
    let mut origins = Vec::new();
    for leaf in own.leaves.iter().filter(|leaf| leaf.value.is_some()) {
        let origin = Origin::User(file.clone(), Some(leaf.line));
        let path: Vec<Step> = leaf.path.iter().cloned().map(Step::Key).collect();
        if at(built_in, &leaf.path) {
            origins.push((path, origin));
            continue;
        }
        // The correction has words or a reach of its own.
        let alone = leaf.alone().and_then(|alone| corrections::merged(registration, Some(&alone)).ok());
        let Some(alone) = alone else {
            origins.push((path, origin));
            continue;
        };
        let mut changed = Vec::new();
        differences(&Value::Table(built_in.clone()), &Value::Table(alone), &mut Vec::new(), &mut changed);
        origins.extend(changed.into_iter().map(|path| (path, origin.clone())));
    }
    if own.leaves.is_empty() {
        origins.push((Vec::new(), Origin::User(file, None)));
    }
    origins
}

fn at(table: &Table, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match table.get(first) {
        Some(Value::Table(inner)) => at(inner, rest),
        Some(_) => rest.is_empty(),
        None => false,
    }
}

fn differences(before: &Value, after: &Value, path: &mut Vec<Step>, changed: &mut Vec<Vec<Step>>) {
    match (before, after) {
        (Value::Table(before), Value::Table(after)) => {
            for (key, value) in after {
                path.push(Step::Key(key.clone()));
                match before.get(key) {
                    Some(before) => differences(before, value, path, changed),
                    None => changed.push(path.clone()),
                }
                path.pop();
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() && has_tables(after) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                path.push(Step::Index(index));
                differences(before, after, path, changed);
                path.pop();
            }
        }
        (before, after) if before != after => changed.push(path.clone()),
        _ => {}
    }
}

fn has_tables(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(Value::is_table)
}

/// Facts in the order in which TOML can state them: the values of a table before its tables.
fn flatten(table: &Table, path: &mut Vec<Step>, facts: &mut Vec<(Vec<Step>, Value)>) {
    // A column is one fact, whatever its shape.
    let columns = matches!(path.last(), Some(Step::Key(key)) if key == "columns" || key == "computed");
    let nests = |value: &Value| match value {
        Value::Table(inner) => !columns && !inner.is_empty(),
        Value::Array(list) => !columns && has_tables(list),
        _ => false,
    };
    for (key, value) in table.iter().filter(|(_, value)| !nests(value)) {
        path.push(Step::Key(key.clone()));
        facts.push((path.clone(), value.clone()));
        path.pop();
    }
    for (key, value) in table.iter().filter(|(_, value)| nests(value)) {
        path.push(Step::Key(key.clone()));
        match value {
            Value::Table(inner) => flatten(inner, path, facts),
            Value::Array(list) => {
                for (index, element) in list.iter().enumerate() {
                    let Value::Table(element) = element else { continue };
                    path.push(Step::Index(index));
                    // What an element holds besides plain values stays with it.
                    for (key, value) in element {
                        path.push(Step::Key(key.clone()));
                        facts.push((path.clone(), value.clone()));
                        path.pop();
                    }
                    path.pop();
                }
            }
            _ => {}
        }
        path.pop();
    }
}

/// The facts as TOML that can be corrections, each with its origin as a comment.
pub(crate) fn as_toml(facts: &[Fact]) -> String {
    let mut text = String::new();
    let mut open: Option<&[Step]> = None;
    for fact in facts {
        let Some((Step::Key(last), table)) = fact.path.split_last() else { continue };
        if open != Some(table) && !(open.is_none() && table.is_empty()) {
            let names: Vec<String> = table
                .iter()
                .filter_map(|step| match step {
                    Step::Key(key) => Some(key.clone()),
                    Step::Index(_) => None,
                })
                .collect();
            let element = matches!(table.last(), Some(Step::Index(_)));
            let (left, right) = if element { ("[[", "]]") } else { ("[", "]") };
            text.push_str(&format!("\n{left}{}{right}\n", key(&names)));
        }
        open = Some(table);
        text.push_str(&format!("{} = {}  # {}\n", quoted(last), fact.value, fact.origin.text()));
    }
    text
}

/// The facts as data.
pub(crate) fn as_json(source: &str, facts: &[Fact]) -> serde_json::Value {
    let facts: Vec<serde_json::Value> = facts
        .iter()
        .map(|fact| {
            let steps: Vec<String> = fact
                .path
                .iter()
                .map(|step| match step {
                    Step::Key(key) => quoted(key),
                    Step::Index(index) => index.to_string(),
                })
                .collect();
            let mut made = json!({
                "fact": steps.join("."),
                "value": serde_json::to_value(&fact.value).unwrap_or_default(),
                "origin": fact.origin.text(),
            });
            if let Origin::User(file, line) = &fact.origin {
                made["origin"] = json!("user");
                made["file"] = json!(file);
                made["line"] = json!(line);
            }
            made
        })
        .collect();
    json!({ "source": source, "facts": facts })
}
