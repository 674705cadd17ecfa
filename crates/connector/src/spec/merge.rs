//! A user's corrections over the built-in facts.
//!
//! ```toml
//! streams.users.path = "/v3/people"               # one fact
//! streams."*".paging.page = "pageNumber"          # every stream that has that fact
//! streams.activities.axes.window.from = "since"   # one axis, by its kind
//! streams.users.aliases.createdAt = ["made"]      # another name of a field
//! ```
//!
//! Tables are merged key by key; a list, a table of another `kind` and a set of parameters replace what was there.

use toml::{Table, Value};

use super::{
    SpecError,
    shape::{join, streams_of, unknown},
};
use crate::nearest::nearest;

/// Sets of request parameters: a name that is wrong must go, so the whole set is replaced.
const SETS: &[&str] = &["params"];

/// Puts corrections over facts.
///
/// # Errors
/// When a correction is of a stream, an axis or a field that the facts do not have.
pub(crate) fn correct(facts: &mut Table, corrections: &Table) -> Result<(), SpecError> {
    for (key, value) in corrections {
        match (key.as_str(), facts.get_mut(key), value) {
            ("streams", Some(Value::Table(streams)), Value::Table(corrections)) => {
                for (name, correction) in corrections {
                    of_streams(streams, name, correction)?;
                }
            }
            _ => one(facts, key, value, key)?,
        }
    }
    Ok(())
}

/// Corrects the streams that a name or pattern means.
fn of_streams(streams: &mut Table, name: &str, correction: &Value) -> Result<(), SpecError> {
    let place = join("streams", name);
    let meant: Vec<String> = streams_of(name, streams).into_iter().cloned().collect();
    if meant.is_empty() {
        return Err(unknown("stream", name, streams.keys().map(String::as_str), place));
    }
    let Value::Table(correction) = correction else {
        return Err(SpecError::at(place, "must be a table of corrections"));
    };
    if meant == [name] {
        let Some(Value::Table(stream)) = streams.get_mut(name) else { return Ok(()) };
        return over(stream, correction, &place);
    }
    for (key, value) in correction {
        let place = join(&place, key);
        reaches(streams, &meant, key, value, &place)?;
        for stream in &meant {
            let Some(Value::Table(stream)) = streams.get_mut(stream) else { continue };
            if let Some(part) = part_for(stream, key, value) {
                one(stream, key, &part, &place)?;
            }
        }
    }
    Ok(())
}

/// Whether each part of a correction of many streams concerns one of them at least.
fn reaches(
    streams: &Table,
    meant: &[String],
    key: &str,
    value: &Value,
    place: &str,
) -> Result<(), SpecError> {
    let meant = || meant.iter().filter_map(|stream| streams.get(stream)?.as_table());
    let used = |value: &Value| meant().any(|stream| part_for(stream, key, value).is_some());
    let Value::Table(parts) = value else {
        return if used(value) { Ok(()) } else { Err(SpecError::at(place, "no such stream has this fact")) };
    };
    for (part, value) in parts {
        if used(&Value::Table(Table::from_iter([(part.clone(), value.clone())]))) {
            continue;
        }
        let table = if key == "aliases" { "columns" } else { key };
        let mut known: Vec<&str> = Vec::new();
        for names in meant().filter_map(|stream| stream.get(table)) {
            match names {
                Value::Table(names) => known.extend(names.keys().map(String::as_str)),
                Value::Array(list) => known.extend(list.iter().filter_map(kind_of)),
                _ => {}
            }
        }
        known.sort_unstable();
        known.dedup();
        return Err(unknown("name", part, known.into_iter().filter(|name| *name != "_"), join(place, part)));
    }
    Ok(())
}

/// What of a correction of many streams concerns this one: facts that it has.
fn part_for(stream: &Table, key: &str, value: &Value) -> Option<Value> {
    let asked = !stream.contains_key("derived");
    match (key, value) {
        ("aliases" | "columns", Value::Table(fields)) => {
            let columns = stream.get("columns").and_then(Value::as_table)?;
            let first = |field: &str| field.split('/').next().unwrap_or_default().to_owned();
            let own: Table = fields
                .iter()
                .filter(|(field, _)| columns.contains_key(&first(field)))
                .map(|(field, value)| (field.clone(), value.clone()))
                .collect();
            (!own.is_empty()).then_some(Value::Table(own))
        }
        ("axes", Value::Table(kinds)) => {
            let axes = stream.get("axes").and_then(Value::as_array)?;
            let has = |kind: &str| axes.iter().any(|axis| kind_of(axis) == Some(kind));
            let own: Table = kinds
                .iter()
                .filter(|(kind, _)| has(kind))
                .map(|(kind, value)| (kind.clone(), value.clone()))
                .collect();
            (!own.is_empty()).then_some(Value::Table(own))
        }
        ("paging", Value::Table(correction)) => {
            let own = stream.get("paging").and_then(Value::as_table)?;
            if own.get("kind").and_then(Value::as_str) == Some("none") {
                return None;
            }
            if correction.contains_key("kind") {
                return Some(value.clone());
            }
            let known = correction.iter().filter(|(key, _)| own.contains_key(*key) || *key == "first");
            let known: Table = known.map(|(key, value)| (key.clone(), value.clone())).collect();
            (!known.is_empty()).then_some(Value::Table(known))
        }
        ("fallback" | "derived" | "custom_fields" | "computed" | "on_demand", Value::Table(_)) => {
            stream.contains_key(key).then(|| value.clone())
        }
        _ => asked.then(|| value.clone()),
    }
}

/// Merges corrections over the facts of a table.
fn over(facts: &mut Table, corrections: &Table, place: &str) -> Result<(), SpecError> {
    // A column that is added may have other names.
    let (columns, others): (Vec<_>, Vec<_>) = corrections.iter().partition(|(key, _)| *key == "columns");
    for (key, value) in columns.into_iter().chain(others) {
        one(facts, key, value, &join(place, key))?;
    }
    Ok(())
}

fn one(facts: &mut Table, key: &str, value: &Value, place: &str) -> Result<(), SpecError> {
    if key == "aliases" {
        known_fields(facts, value, place)?;
    }
    match (facts.get_mut(key), value) {
        (Some(Value::Table(columns)), Value::Table(correction)) if matches!(key, "columns" | "computed") => {
            of_columns(columns, correction, place)
        }
        (Some(Value::Table(sets)), Value::Table(correction)) if key == "on_demand" => {
            for (name, set) in correction {
                if !sets.contains_key(name) {
                    return Err(unknown("set", name, sets.keys().map(String::as_str), join(place, name)));
                }
                sets.insert(name.clone(), set.clone());
            }
            Ok(())
        }
        (Some(Value::Array(list)), Value::Table(kinds)) if key == "axes" => by_kind(list, kinds, place),
        (Some(Value::Table(inner)), Value::Table(correction))
            if !SETS.contains(&key) && same_kind(inner, correction) =>
        {
            over(inner, correction, place)
        }
        _ => {
            facts.insert(key.to_owned(), value.clone());
            Ok(())
        }
    }
}

fn same_kind(facts: &Table, correction: &Table) -> bool {
    correction.get("kind").is_none_or(|kind| facts.get("kind") == Some(kind))
}

fn kind_of(value: &Value) -> Option<&str> {
    value.get("kind")?.as_str()
}

/// Corrects the elements of a list by their kinds.
fn by_kind(list: &mut [Value], kinds: &Table, place: &str) -> Result<(), SpecError> {
    for (kind, correction) in kinds {
        let place = join(place, kind);
        let Some(index) = list.iter().position(|element| kind_of(element) == Some(kind)) else {
            return Err(unknown("axis", kind, list.iter().filter_map(kind_of), place));
        };
        match (&mut list[index], correction) {
            (Value::Table(inner), Value::Table(correction)) => over(inner, correction, &place)?,
            _ => return Err(SpecError::at(place, "must be a table of corrections")),
        }
    }
    Ok(())
}

/// Columns may be added, but one that is nearly called like another is a slip.
fn of_columns(columns: &mut Table, correction: &Table, place: &str) -> Result<(), SpecError> {
    for (field, notation) in correction {
        let place = join(place, field);
        match (columns.get_mut(field), notation) {
            (Some(Value::Table(members)), Value::Table(correction)) => {
                of_columns(members, correction, &place)?;
            }
            (Some(own), notation) => *own = notation.clone(),
            (None, notation) => {
                let known = columns.keys().map(String::as_str).filter(|name| *name != "_");
                if let Some(near) = nearest(field, known) {
                    return Err(SpecError::at(
                        place,
                        format!("unknown column `{field}`; did you mean `{near}`?"),
                    ));
                }
                columns.insert(field.clone(), notation.clone());
            }
        }
    }
    Ok(())
}

/// Other names are those of fields that the stream has.
fn known_fields(stream: &Table, aliases: &Value, place: &str) -> Result<(), SpecError> {
    let Value::Table(aliases) = aliases else { return Ok(()) };
    let Some(Value::Table(columns)) = stream.get("columns") else { return Ok(()) };
    for field in aliases.keys() {
        let mut members = columns.clone();
        for step in field.split('/') {
            let Some(member) = members.get(step).filter(|_| step != "_") else {
                let known = members.keys().map(String::as_str).filter(|name| *name != "_");
                return Err(unknown("field", step, known, join(place, field)));
            };
            members = members_of(member);
        }
    }
    Ok(())
}

/// What can be named below a column: the members of an object or of a list of objects, or the one member that the type
/// itself looks for.
fn members_of(column: &Value) -> Table {
    match column {
        Value::Table(members) => members.clone(),
        Value::Array(list) => list.first().map(members_of).unwrap_or_default(),
        Value::String(notation) => {
            let inner = match notation.split(':').next().unwrap_or_default().trim() {
                "id_or_object" => Some("id"),
                "wrapped_map" => Some("value"),
                _ => None,
            };
            inner.map(|name| (name.to_owned(), Value::from("text"))).into_iter().collect()
        }
        _ => Table::new(),
    }
}

/// Whether `*` and `?` in the pattern make it the name.
pub fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // The usual walk with one way back: to the last star.
    let (mut p, mut n, mut star, mut mark) = (0, 0, None, 0);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some(p);
            mark = n;
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some(star) = star {
            p = star + 1;
            mark += 1;
            n = mark;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}
