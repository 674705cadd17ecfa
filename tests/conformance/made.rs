//! Rows that are made of columns: every field has a value of its type, told from the row's number.

use serde_json::{Map, Value, json};
use userhaul_connector::{
    column::{Column, ColumnType},
    spec::StreamSpec,
};

/// 2026-10-01: within the last weeks of every run.
const FIRST: i64 = 1_790_812_800;

/// How many rows stand inside one row.
const INSIDE: usize = 2;

/// The row of this number.
pub(crate) fn row(stream: &StreamSpec, number: usize) -> Map<String, Value> {
    members(&stream.table.columns, number)
}

fn members(columns: &[Column], number: usize) -> Map<String, Value> {
    columns.iter().map(|column| (column.field.clone(), value(&column.field, &column.kind, number))).collect()
}

fn value(field: &str, kind: &ColumnType, number: usize) -> Value {
    let seconds = FIRST + i64::try_from(number).unwrap_or(0) * 3600;
    match kind {
        ColumnType::Text if field.contains("mail") => json!(format!("{field}{number}@example.com")),
        ColumnType::Text => json!(format!("{field} {number}")),
        ColumnType::Id => json!(1000 + number),
        ColumnType::Int | ColumnType::Decimal => json!(number),
        ColumnType::Double => json!(f64::from(u32::try_from(number).expect("a small number")) + 0.5),
        ColumnType::Bool => json!(number.is_multiple_of(2)),
        ColumnType::Instant => json!(seconds),
        ColumnType::Millis => json!(seconds * 1000),
        ColumnType::Date => json!(format!("2026-10-{:02}", number % 28 + 1)),
        ColumnType::Json => json!({ "of": number }),
        ColumnType::Map => json!({ "plan": format!("plan {number}"), "seats": number }),
        ColumnType::WrappedMap => json!({ "plan": { "value": format!("plan {number}") } }),
        ColumnType::IdOrObject => json!({ "id": format!("other-{number}") }),
        ColumnType::List(item) => json!([value(field, item, number)]),
        ColumnType::Struct(columns) => Value::Object(members(columns, number)),
    }
}

/// An instant of ours in microseconds since 1970.
pub(crate) fn micros(value: &Value) -> i64 {
    value.as_i64().expect("instants are made as numbers") * 1_000_000
}

/// A value as it stands in an address.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Puts the rows of a derived stream into the row of this number.
pub(crate) fn put_derived(derived: &StreamSpec, number: usize, row: &mut Map<String, Value>) {
    let from = derived.derived.as_ref().expect("a derived stream");
    let inside = |index| Value::Object(self::row(derived, number * INSIDE + index));
    let mut value: Value = if from.single { inside(0) } else { (0..INSIDE).map(inside).collect() };
    let mut names = from.field.split('/').rev().peekable();
    while let Some(name) = names.next() {
        match names.peek() {
            Some(_) => value = json!({ name: value }),
            None => drop(row.insert(name.to_owned(), value.take())),
        }
    }
}

/// The rows of a derived stream that stand in a row of its parent, with what they inherit.
pub(crate) fn derived_rows(derived: &StreamSpec, parent: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let from = derived.derived.as_ref().expect("a derived stream");
    let pointer = format!("/{}", from.field);
    let parent = Value::Object(parent.clone());
    let rows = match parent.pointer(&pointer) {
        Some(Value::Array(rows)) => rows.clone(),
        Some(row) => vec![row.clone()],
        None => Vec::new(),
    };
    let made = rows.into_iter().enumerate().filter_map(|(index, row)| {
        let Value::Object(mut row) = row else { return None };
        for (column, field) in derived.table.given.iter().zip(&from.inherits) {
            row.insert(column.field.clone(), json!(text(&parent[field])));
        }
        if derived.table.ordinal {
            row.insert("ordinal".to_owned(), json!(index));
        }
        Some(row)
    });
    made.collect()
}
