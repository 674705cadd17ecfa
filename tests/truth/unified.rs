//! What holds for every unified table.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::Outcome;

/// As many rows as expected, each with its own key and lineage, no empty text, and nothing but the contract's words.
pub(crate) fn check(outcome: &Outcome, name: &str, key: &str, rows: usize) -> Vec<String> {
    let table = match outcome.unified(name) {
        Ok(table) => table,
        Err(problem) => return vec![format!("unified {name}: {problem}")],
    };
    let mut problems = Vec::new();
    if table.rows.len() != rows {
        problems.push(format!("unified {name}: {rows} rows expected, {} written", table.rows.len()));
    }
    let keys: BTreeSet<String> = table.rows.iter().map(|row| row[key].to_string()).collect();
    if keys.len() != table.rows.len() {
        problems.push(format!("unified {name}: {} rows have {} keys", table.rows.len(), keys.len()));
    }
    for row in &table.rows {
        for column in ["source", "vendor", "_run_id", "_extracted_at"] {
            if row[column].is_null() {
                problems.push(format!("unified {name}: {column} is null"));
            }
        }
        if row[key].as_str().is_none_or(|text| !text.starts_with("it:")) {
            problems.push(format!("unified {name}: the key {} has no source", row[key]));
        }
        let empty = row.iter().find(|(_, value)| holds_empty(value));
        problems.extend(empty.map(|(column, _)| format!("unified {name}: {column} holds an empty text")));
    }
    problems.truncate(4);
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
