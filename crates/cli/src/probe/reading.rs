//! Reading an answer whose shape is not known.

use std::collections::BTreeMap;

use arrow_array::{Array, RecordBatch, StringArray};
use serde_json::Value;
use userhaul_connector::spec::StreamSpec;

/// How deep rows are looked for.
const DEPTH: usize = 4;

/// Where the facts' pointers find rows, with the rows.
pub(super) fn rows_at<'a>(stream: &StreamSpec, body: &'a Value) -> Option<(String, Vec<&'a Value>)> {
    let bare = |pointer: &&String| pointer.is_empty() || matches!(pointer.as_str(), "{}" | "null");
    // The answer itself comes last, as for the engine.
    let (last, first): (Vec<_>, Vec<_>) = stream.items.iter().partition(bare);
    for pointer in first.into_iter().chain(last) {
        let found: Option<Vec<&Value>> = match pointer.as_str() {
            "/*" => {
                let members = body.as_object().into_iter().flat_map(|members| members.values());
                let mut arrays = members.filter_map(Value::as_array).filter(|array| holds_rows(array));
                match (arrays.next(), arrays.next()) {
                    (Some(array), None) => Some(array.iter().collect()),
                    _ => None,
                }
            }
            "{}" => (body.is_object() || body.is_null())
                .then(|| Some(body).filter(|body| body.is_object()).into_iter().collect()),
            "null" => stream
                .items
                .iter()
                .filter(|pointer| pointer.starts_with('/'))
                .all(|pointer| body.pointer(pointer).is_none_or(Value::is_null))
                .then(Vec::new),
            pointer if stream.single => {
                body.pointer(pointer).filter(|value| value.is_object()).map(|value| vec![value])
            }
            pointer => body.pointer(pointer).and_then(Value::as_array).map(|array| array.iter().collect()),
        };
        if let Some(rows) = found {
            return Some((pointer.clone(), rows));
        }
    }
    None
}

/// The pointers at which rows stand, those nearest to the top first.
pub(super) fn find_rows(body: &Value, single: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut level = vec![(String::new(), body)];
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for (pointer, value) in level {
            match value {
                Value::Array(array) if !single && holds_rows(array) => found.push(pointer),
                Value::Object(members) => {
                    if single && !pointer.is_empty() && members.len() > 1 {
                        found.push(pointer.clone());
                    }
                    below.extend(members.iter().map(|(name, value)| (step(&pointer, name), value)));
                }
                _ => {}
            }
        }
        level = below;
    }
    // An empty list is less sure than one with rows.
    found.sort_by_key(|pointer| body.pointer(pointer).and_then(Value::as_array).is_some_and(Vec::is_empty));
    found
}

fn step(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn holds_rows(array: &[Value]) -> bool {
    array.first().is_none_or(Value::is_object)
}

/// Fields that have no column, for columns that no row has: the same name in another spelling.
pub(super) fn respelled(stream: &StreamSpec, rows: &[&Value]) -> Vec<(String, String)> {
    let names: Vec<&String> =
        rows.iter().filter_map(|row| row.as_object()).flat_map(|row| row.keys()).collect();
    let has = |name: &str| names.iter().any(|known| *known == name);
    let aliases = |field: &str| -> Vec<&str> {
        let own = stream.table.aliases.iter().filter(|alias| alias.field == field);
        own.map(|alias| alias.path.split('/').next().unwrap_or_default()).collect()
    };
    let mut found: Vec<(String, String)> = Vec::new();
    for column in &stream.table.columns {
        if has(&column.field) || aliases(&column.field).into_iter().any(has) {
            continue;
        }
        let taken = |name: &str| stream.table.columns.iter().any(|other| other.field == name);
        let same = |name: &&&String| folded(name) == folded(&column.field) && !taken(name);
        if let Some(name) = names.iter().find(same) {
            found.push((column.field.clone(), (*name).clone()));
        }
    }
    found
}

fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Fields that no column takes.
pub(super) fn unknown_fields(stream: &StreamSpec, rows: &[&Value]) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    for name in rows.iter().filter_map(|row| row.as_object()).flat_map(|row| row.keys()) {
        let column = stream.table.columns.iter().any(|column| column.field == *name);
        let alias = stream.table.aliases.iter().any(|alias| alias.path.split('/').next() == Some(name));
        let container =
            stream.table.columns.iter().any(|column| column.field.starts_with(&format!("{name}/")));
        if !column && !alias && !container && !unknown.contains(name) {
            unknown.push(name.clone());
        }
    }
    unknown
}

/// The texts of a batch's first row.
pub(super) fn first_row(batch: &RecordBatch) -> BTreeMap<String, String> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .filter_map(|(field, column)| {
            let texts = column.as_any().downcast_ref::<StringArray>()?;
            let text = (0..texts.len()).find(|&row| texts.is_valid(row) && !texts.value(row).is_empty())?;
            Some((field.name().clone(), texts.value(text).to_owned()))
        })
        .collect()
}

/// What the instants of the rows say of their zone.
pub(super) fn zones(stream: &StreamSpec, rows: &[&Value]) -> Zones {
    use userhaul_connector::column::ColumnType;
    let mut zones = Zones::default();
    for column in &stream.table.columns {
        if !matches!(column.kind, ColumnType::Instant | ColumnType::Millis) {
            continue;
        }
        for value in rows.iter().filter_map(|row| row.get(&column.field)) {
            match value {
                Value::Number(_) => zones.epoch = true,
                Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => zones.told = true,
                Value::String(text) if text.parse::<jiff::civil::DateTime>().is_ok() => zones.bare = true,
                _ => {}
            }
        }
    }
    zones
}

/// In which forms instants came.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Zones {
    pub(super) told: bool,
    pub(super) bare: bool,
    pub(super) epoch: bool,
}
