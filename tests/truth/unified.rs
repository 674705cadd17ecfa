//! The unified tables, column by column: what contract sections 4 and 6 promise for what the simulators hold.
//!
//! One module a vendor makes the records, from the vendor's rows and the texts alone; here they are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::run::Outcome;

pub(crate) mod sprig;
pub(crate) mod thrive;
pub(crate) mod userlane;
pub(crate) mod userlot;

/// A row of a unified table.
pub(crate) type Record = Map<String, Value>;

/// The name of the source in every test's configuration.
const SOURCE: &str = "it";

/// The columns of contract section 4, the key first.
const TABLES: &[(&str, &[&str])] = &[
    (
        "users",
        &[
            "user_key",
            "vendor_user_id",
            "external_id",
            "email",
            "first_name",
            "last_name",
            "full_name",
            "status",
            "vendor_status",
            "role",
            "job_title",
            "language",
            "time_zone",
            "company_key",
            "manager_key",
            "created_at",
            "updated_at",
            "first_seen_at",
            "last_seen_at",
            "attributes",
        ],
    ),
    (
        "companies",
        &[
            "company_key",
            "vendor_company_id",
            "external_id",
            "name",
            "domain",
            "status",
            "mrr",
            "arr",
            "currency",
            "owner",
            "created_at",
            "updated_at",
            "attributes",
        ],
    ),
    (
        "events",
        &[
            "event_key",
            "user_key",
            "user_external_id",
            "event_type",
            "vendor_event_type",
            "object_type",
            "object_id",
            "object_name",
            "occurred_at",
            "properties",
        ],
    ),
    (
        "feedback",
        &[
            "feedback_key",
            "user_key",
            "user_external_id",
            "kind",
            "survey_id",
            "survey_name",
            "question_id",
            "question_text",
            "question_type",
            "score",
            "score_min",
            "score_max",
            "text",
            "choices",
            "occurred_at",
        ],
    ),
    ("metrics", &["metric_key", "subject", "date", "metric", "value"]),
];

/// The records of a source, by table.
#[derive(Debug, Default)]
pub(crate) struct Records(BTreeMap<&'static str, Vec<Record>>);

impl Records {
    /// Adds a record; what it does not name is null.
    pub(crate) fn add<const N: usize>(&mut self, table: &'static str, columns: [(&str, Value); N]) {
        let record = columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.0.entry(table).or_default().push(record);
    }
}

/// Compares all five tables: the columns, every value of every row, the keys, and the vendor row behind each.
pub(crate) fn compare(outcome: &Outcome, vendor: &str, mut records: Records) -> Vec<String> {
    let mut problems = Vec::new();
    for (table, columns) in TABLES {
        let expected = records.0.remove(table).unwrap_or_default();
        let compared = outcome.unified(table).and_then(|written| {
            shape(&written, columns)?;
            let mut found = rows(&written.rows, columns[0], vendor);
            found.extend(lost(outcome, table, columns[0], &written.rows));
            found.extend(differences(columns, &expected, &written.rows));
            found.truncate(6);
            if found.is_empty() { Ok(()) } else { Err(found.join("\n    ")) }
        });
        problems.extend(compared.err().map(|problem| format!("unified {table}: {problem}")));
    }
    problems
}

fn shape(written: &crate::table::Table, columns: &[&str]) -> Result<(), String> {
    let names: Vec<&str> = written.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut promised = vec!["source", "vendor"];
    promised.extend(columns);
    promised.extend(["_run_id", "_extracted_at"]);
    if names == promised { Ok(()) } else { Err(format!("columns {names:?}")) }
}

/// What holds for every row by itself.
fn rows(rows: &[Record], key: &str, vendor: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let keys: BTreeSet<String> = rows.iter().map(|row| row[key].to_string()).collect();
    if keys.len() != rows.len() {
        problems.push(format!("{} rows have {} keys", rows.len(), keys.len()));
    }
    for row in rows {
        if row["source"] != SOURCE || row["vendor"] != vendor {
            problems.push(format!("lineage {} {}", row["source"], row["vendor"]));
        }
        if row[key].as_str().is_none_or(|text| !text.starts_with("it:")) {
            problems.push(format!("the key {} has no source", row[key]));
        }
        let empty = row.iter().find(|(_, value)| holds_empty(value));
        problems.extend(empty.map(|(column, _)| format!("{column} holds an empty text")));
    }
    problems
}

fn holds_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().any(holds_empty),
        Value::Object(members) => members.values().any(holds_empty),
        _ => false,
    }
}

/// Rows that lead back to no vendor row, or to one of another page.
fn lost(outcome: &Outcome, table: &str, key: &str, rows: &[Record]) -> Vec<String> {
    let mut origins: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (stream, primary) in &outcome.streams {
        let Ok(vendor) = outcome.table(stream) else { continue };
        for row in &vendor.rows {
            let page = (row["_run_id"].to_string(), row["_extracted_at"].to_string());
            let mut note = |key: String| {
                origins.entry(key).or_default().insert(page.clone());
            };
            let key = if row.contains_key("_key") && !primary.contains(&"_key".to_owned()) {
                let given = row.get("property_id").map(|id| format!("{}/", plain(id))).unwrap_or_default();
                format!("{given}{}", plain(&row["_key"]))
            } else {
                primary.iter().map(|name| plain(&row[name])).collect::<Vec<_>>().join("/")
            };
            if matches!(table, "users" | "companies") {
                let id = match row.get("id") {
                    Some(id) if !id.is_null() => plain(id),
                    _ => key,
                };
                note(format!("{SOURCE}:{id}"));
            } else {
                note(format!("{SOURCE}:{stream}:{key}"));
            }
        }
    }
    let leads_back = |row: &&Record| {
        let mut key = plain(&row[key]);
        if table == "metrics" {
            key.truncate(key.rfind('/').unwrap_or_default());
        }
        let page = (row["_run_id"].to_string(), row["_extracted_at"].to_string());
        origins.get(&key).is_some_and(|pages| pages.contains(&page))
    };
    let lost = rows.iter().filter(|row| !leads_back(row));
    lost.map(|row| format!("{} leads back to no vendor row", row[key])).take(2).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn differences(columns: &[&str], expected: &[Record], written: &[Record]) -> Vec<String> {
    let line = |record: &Record| -> Vec<String> {
        let value = |name: &&str| match record.get(*name) {
            Some(Value::String(key)) if *name == columns[0] || *name == "vendor_user_id" => known(key).into(),
            value => value.cloned().unwrap_or(Value::Null),
        };
        columns.iter().map(|name| value(name).to_string()).collect()
    };
    let mut counts: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    expected.iter().for_each(|record| *counts.entry(line(record)).or_default() += 1);
    written.iter().for_each(|record| *counts.entry(line(record)).or_default() -= 1);
    let missing: Vec<&Vec<String>> = counts.iter().filter(|(_, n)| **n > 0).map(|(line, _)| line).collect();
    let surplus: Vec<&Vec<String>> = counts.iter().filter(|(_, n)| **n < 0).map(|(line, _)| line).collect();
    if missing.is_empty() && surplus.is_empty() {
        return Vec::new();
    }
    let mut problems = vec![format!(
        "{} rows expected, {} written; {} differ or are missing, {} are surplus",
        expected.len(),
        written.len(),
        missing.len(),
        surplus.len()
    )];
    for line in missing.iter().take(3) {
        let unlike = |other: &&&Vec<String>| line.iter().zip(other.iter()).filter(|(a, b)| a != b).count();
        problems.push(match surplus.iter().min_by_key(unlike) {
            None => format!("missing: {line:?}"),
            Some(nearest) => {
                let cells = columns.iter().zip(line.iter().zip(nearest.iter())).filter(|(_, (a, b))| a != b);
                let cells = cells.map(|(name, (a, b))| format!("{name}: expected {a}, written {b}"));
                format!("{}: {}", line[0], cells.collect::<Vec<_>>().join("; "))
            }
        });
    }
    if missing.is_empty() {
        problems.extend(surplus.iter().take(2).map(|line| format!("surplus: {line:?}")));
    }
    problems
}

/// A key without its synthetic part: which hash it is, is the program's own affair (vendors/userlane.md 2.2).
fn known(key: &str) -> String {
    let ends = ['/', ':'];
    let pieces = key.split_inclusive(ends).map(|piece| {
        let body = piece.trim_end_matches(ends);
        let hash = body.split('-').next().unwrap_or_default();
        let hexadecimal = hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if hash.len() == 64 && hexadecimal { piece.replace(body, "#") } else { piece.to_owned() }
    });
    pieces.collect()
}

/// A text that is known: neither null nor empty; numbers as their JSON text.
pub(crate) fn text(value: &Value) -> Value {
    match value {
        Value::String(text) if !text.is_empty() => value.clone(),
        Value::Number(number) => number.to_string().into(),
        _ => Value::Null,
    }
}

/// A key of the source; null without an id.
pub(crate) fn key(id: &Value) -> Value {
    text(id).as_str().map_or(Value::Null, |id| format!("{SOURCE}:{id}").into())
}

/// A number, also from a text that is exactly one.
pub(crate) fn number(value: &Value) -> Value {
    let found = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => serde_json::from_str::<f64>(text).ok(),
        _ => None,
    };
    found.map_or(Value::Null, Value::from)
}

/// An instant, in microseconds.
pub(crate) fn instant(value: &Value) -> Value {
    crate::expect::instant(value).map_or(Value::Null, Value::from)
}

/// A map of texts: other values as JSON text, an unknown one null; null without entries.
pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Value {
    let text = |value: &Value| match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Null | Value::String(_) => value.clone(),
        other => other.to_string().into(),
    };
    let map: Map<String, Value> = entries
        .into_iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

/// A map of what is known: entries without a value are left out.
pub(crate) fn properties<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let known = |value: &Value| !value.is_null() && *value != "";
    let entries: Vec<(&str, Value)> = entries.into_iter().filter(|(_, value)| known(value)).collect();
    map(entries.iter().map(|(name, value)| (*name, value)))
}

/// An instant as text, for a map.
pub(crate) fn moment(value: &Value) -> Value {
    let micros =
        crate::expect::instant(value).and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    micros.map_or(Value::Null, |at| at.to_string().into())
}
