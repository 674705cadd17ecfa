//! From a row as the vendor sends it to the row that the contract promises (section 6), by the table's schema alone.

use std::collections::BTreeMap;

use arrow_schema::{DataType, Field, Fields, SchemaRef};
use serde_json::{Map, Value, json};

use crate::table::Table;

/// What a schema does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Notes {
    /// Fields that hold any JSON, by the vendor's name.
    pub(crate) json: &'static [&'static str],
    /// Lists of ids whose elements may be objects with an `id`.
    pub(crate) id_or_object: &'static [&'static str],
    /// Maps whose values may stand in `{"value": …}`.
    pub(crate) wrapped: &'static [&'static str],
    /// Columns that are computed from others: they are not compared.
    pub(crate) computed: &'static [&'static str],
    /// Other names of fields, in order of preference.
    pub(crate) aliases: &'static [(&'static str, &'static [&'static str])],
}

/// Columns that no vendor sends.
const OURS: &[&str] = &["_source", "_run_id", "_extracted_at", "_extra", "_key", "_deleted_at"];

enum Fit {
    Whole(Value),
    Part(Value),
    Not,
}

/// Compares a table with what the vendor holds; a text for people where they differ.
///
/// `custom` names the fields that belong into the map `custom_fields`.
pub(crate) fn compare(
    table: &Table,
    truth: &[Value],
    key: &[String],
    notes: Notes,
    custom: &[String],
) -> Result<(), String> {
    let mut problems = Vec::new();
    let mut keys = BTreeMap::new();
    for row in &table.rows {
        let values: Vec<&Value> = key.iter().map(|name| row.get(name).unwrap_or(&Value::Null)).collect();
        if values.iter().any(|value| value.is_null()) {
            problems.push(format!("a key has no value: {values:?}"));
        }
        *keys.entry(format!("{values:?}")).or_insert(0) += 1;
        for name in ["_source", "_run_id", "_extracted_at"] {
            if row.get(name).is_none_or(Value::is_null) {
                problems.push(format!("{name} is empty"));
            }
        }
    }
    problems.extend(keys.iter().filter(|(_, count)| **count > 1).map(|(key, _)| format!("twice: {key}")));
    let mut expected: Vec<String> =
        truth.iter().map(|row| text(&expected(row, &table.schema, notes, custom))).collect();
    let mut written: Vec<String> = table.rows.iter().map(|row| text(&plain(row, notes))).collect();
    expected.sort();
    written.sort();
    let missing = only_in(&expected, &written);
    let surplus = only_in(&written, &expected);
    if !missing.is_empty() || !surplus.is_empty() {
        problems.push(format!(
            "{} rows expected, {} written; {} differ or are missing, {} are surplus",
            expected.len(),
            written.len(),
            missing.len(),
            surplus.len()
        ));
        for row in missing.iter().take(2) {
            problems.push(difference(row, &surplus));
        }
        if missing.is_empty() {
            problems.extend(surplus.iter().take(2).map(|row| format!("surplus: {row}")));
        }
    }
    problems.truncate(8);
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n    ")) }
}

/// Elements of the first sorted list that the second has not, or not so often.
fn only_in<'a>(one: &'a [String], two: &[String]) -> Vec<&'a String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for row in two {
        *counts.entry(row).or_default() += 1;
    }
    one.iter()
        .filter(|row| match counts.get_mut(*row) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

/// How a row differs from the one of `others` that it has most in common with.
fn difference(row: &str, others: &[&String]) -> String {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).expect("our own text");
    let row = object(row);
    let unlike = |other: &Map<String, Value>| {
        row.iter().filter(|(name, value)| other.get(*name) != Some(value)).count()
    };
    let Some(nearest) = others.iter().map(|other| object(other)).min_by_key(unlike) else {
        return format!("missing: {}", text(&row));
    };
    if unlike(&nearest) * 2 > row.len() {
        return format!("missing: {}", text(&row));
    }
    let different = row.iter().filter(|(name, value)| nearest.get(*name) != Some(value));
    let lines = different.map(|(name, value)| {
        format!("{name}: expected {value}, written {}", nearest.get(name).unwrap_or(&Value::Null))
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn text(row: &Map<String, Value>) -> String {
    // Members in the order of their names, whatever the map's own order.
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<&String, Value> =
                    members.iter().map(|(name, value)| (name, sorted(value))).collect();
                Value::Object(members.into_iter().map(|(name, value)| (name.clone(), value)).collect())
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Number(number)
                if !number.is_f64() || number.as_f64().is_some_and(|n| n.fract() != 0.0) =>
            {
                value.clone()
            }
            other => other.clone(),
        }
    }
    sorted(&Value::Object(row.clone())).to_string()
}

/// A written row without what changes from run to run, leftovers as values.
fn plain(row: &Map<String, Value>, notes: Notes) -> Map<String, Value> {
    let kept = row.iter().filter(|(name, _)| {
        (!OURS.contains(&name.as_str()) || *name == "_extra") && !notes.computed.contains(&name.as_str())
    });
    kept.map(|(name, value)| match (name.as_str(), value) {
        ("_extra", Value::String(extra)) => {
            (name.clone(), serde_json::from_str(extra).expect("leftovers are JSON"))
        }
        _ => (name.clone(), value.clone()),
    })
    .collect()
}

/// The row that the contract promises for a vendor's row.
fn expected(row: &Value, schema: &SchemaRef, notes: Notes, custom: &[String]) -> Map<String, Value> {
    let mut rest = row.as_object().expect("a row is an object").clone();
    let mut sent_as: BTreeMap<&str, &str> = BTreeMap::new();
    for (field, others) in notes.aliases {
        for other in *others {
            if rest.get(*field).is_none_or(Value::is_null)
                && rest.get(*other).is_some_and(|value| !value.is_null())
            {
                let value = rest.remove(*other).expect("it is there");
                rest.insert((*field).to_owned(), value);
                sent_as.insert(field, other);
            }
        }
    }
    let mut made = Map::new();
    let mut extra = Map::new();
    for field in schema.fields() {
        let name = field.name();
        if OURS.contains(&name.as_str()) || notes.computed.contains(&name.as_str()) {
            continue;
        }
        let vendor = vendor_name(field);
        let (spelled, value) = match rest.remove(vendor) {
            None => (name.as_str(), rest.remove(name).unwrap_or(Value::Null)),
            Some(value) => (sent_as.get(vendor).copied().unwrap_or(vendor), value),
        };
        if name == "custom_fields" {
            let own: Vec<String> =
                custom.iter().filter(|custom| rest.contains_key(*custom)).cloned().collect();
            if !own.is_empty() {
                let entries = own.iter().filter_map(|name| Some((name.clone(), rest.remove(name)?)));
                made.insert(name.clone(), map(&entries.collect(), false));
                continue;
            }
        }
        let fitted = match fit(&value, field, notes) {
            Fit::Whole(fitted) => fitted,
            Fit::Part(fitted) => {
                extra.insert(spelled.to_owned(), value);
                fitted
            }
            Fit::Not => {
                extra.insert(spelled.to_owned(), value);
                Value::Null
            }
        };
        made.insert(name.clone(), fitted);
    }
    extra.extend(rest);
    made.insert("_extra".to_owned(), if extra.is_empty() { Value::Null } else { Value::Object(extra) });
    made
}

fn vendor_name(field: &Field) -> &str {
    field.metadata().get("vendor_field").map_or(field.name(), String::as_str)
}

fn fit(value: &Value, field: &Field, notes: Notes) -> Fit {
    let vendor = vendor_name(field);
    if value.is_null() {
        return Fit::Whole(Value::Null);
    }
    if notes.json.contains(&vendor) {
        return Fit::Whole(value.to_string().into());
    }
    if notes.id_or_object.contains(&vendor)
        && let Value::Object(object) = value
    {
        return match (object.get("id"), object.len()) {
            (Some(Value::String(id)), 1) => Fit::Whole(id.clone().into()),
            (Some(Value::String(id)), _) => Fit::Part(id.clone().into()),
            _ => Fit::Not,
        };
    }
    let whole = |value: Option<Value>| value.map_or(Fit::Not, Fit::Whole);
    match (field.data_type(), value) {
        (DataType::Utf8, Value::String(_)) => Fit::Whole(value.clone()),
        (DataType::Utf8, Value::Number(number)) => Fit::Whole(number.to_string().into()),
        (DataType::Int64, value) => whole(integer(value).map(Value::from)),
        (DataType::Float64, Value::Number(number)) => whole(number.as_f64().map(|number| json!(number))),
        (DataType::Float64, Value::String(text)) => {
            whole(serde_json::from_str::<f64>(text).ok().map(|number| json!(number)))
        }
        (DataType::Boolean, Value::Bool(_)) => Fit::Whole(value.clone()),
        (DataType::Timestamp(..), value) => whole(instant(value).map(Value::from)),
        (DataType::Date32, Value::String(text)) => whole(day(text).map(Value::from)),
        (DataType::Decimal128(..), value) => whole(amount(value).map(Value::from)),
        (DataType::Map(..), Value::Object(members)) => {
            Fit::Whole(map(members, notes.wrapped.contains(&vendor)))
        }
        (DataType::List(item), Value::Array(items)) => {
            // The element has the list's own name as far as notes go.
            let item = item
                .as_ref()
                .clone()
                .with_metadata([("vendor_field".to_owned(), vendor.to_owned())].into_iter().collect());
            let mut part = false;
            let fitted = items
                .iter()
                .map(|value| match fit(value, &item, notes) {
                    Fit::Whole(value) => value,
                    Fit::Part(value) => {
                        part = true;
                        value
                    }
                    Fit::Not => {
                        part = true;
                        Value::Null
                    }
                })
                .collect();
            if part { Fit::Part(fitted) } else { Fit::Whole(fitted) }
        }
        (DataType::Struct(fields), Value::Object(members)) => structure(fields, members, notes),
        _ => Fit::Not,
    }
}

fn structure(fields: &Fields, members: &Map<String, Value>, notes: Notes) -> Fit {
    let mut rest = members.clone();
    let mut part = false;
    let mut made = Map::new();
    for field in fields {
        let value = match rest.remove(vendor_name(field)) {
            None => {
                let other = notes.aliases.iter().find(|(name, _)| *name == vendor_name(field));
                other.and_then(|(_, others)| others.iter().find_map(|other| rest.remove(*other)))
            }
            value => value,
        };
        let fitted = match fit(&value.unwrap_or(Value::Null), field, notes) {
            Fit::Whole(value) => value,
            Fit::Part(value) => {
                part = true;
                value
            }
            Fit::Not => {
                part = true;
                Value::Null
            }
        };
        made.insert(field.name().clone(), fitted);
    }
    let made = Value::Object(made);
    if part || !rest.is_empty() { Fit::Part(made) } else { Fit::Whole(made) }
}

/// Text values as they are, null as null, everything else as its JSON text.
fn map(members: &Map<String, Value>, wrapped: bool) -> Value {
    let entries = members.iter().map(|(name, value)| {
        let value = match value {
            Value::Object(object) if wrapped && object.len() == 1 && object.contains_key("value") => {
                &object["value"]
            }
            value => value,
        };
        let value = match value {
            Value::Null | Value::String(_) => value.clone(),
            value => value.to_string().into(),
        };
        (name.clone(), value)
    });
    Value::Object(entries.collect())
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
            format!("{number:.0}").parse().ok()
        }),
        Value::String(text) => text.parse().ok().filter(|number: &i64| number.to_string() == *text),
        _ => None,
    }
}

/// Microseconds since 1970.
pub(crate) fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => {
            let parsed = text.parse::<jiff::Timestamp>().ok();
            let civil = || text.parse::<jiff::civil::DateTime>().ok();
            let parsed =
                parsed.or_else(|| civil()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp()));
            parsed.map(jiff::Timestamp::as_microsecond)
        }
        Value::Number(_) => {
            let number = integer(value)?;
            // Ten digits are seconds, thirteen milliseconds.
            Some(if number.unsigned_abs() < 100_000_000_000 { number * 1_000_000 } else { number * 1000 })
        }
        _ => None,
    }
}

/// A calendar day, also as an instant at midnight.
pub(crate) fn day(text: &str) -> Option<String> {
    let at = text.trim_end_matches('Z').parse::<jiff::civil::DateTime>().ok()?;
    (at.time() == jiff::civil::Time::midnight()).then(|| at.date().to_string())
}

/// Billionths.
pub(crate) fn amount(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) if serde_json::from_str::<serde_json::Number>(text).is_ok() => text.clone(),
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if fraction.len() > 9 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction:0<9}").parse().ok()?;
    Some(digits.to_string())
}
