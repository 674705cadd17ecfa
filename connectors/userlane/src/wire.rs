//! What the facts cannot say about the wire, and the wire profile of the reference (vendors/userlane.md 1.6).
//!
//! A user corrects the wire either in the words of `connector.toml` or in those of the profile:
//!
//! ```toml
//! [auth]
//! scheme = "bearer"
//! [export]
//! application_id_in = "query"
//! from_param = "startDate"
//! paths.heart = "/v1/heart"
//! ```

use toml::{Table, Value};
use userhaul_connector::{
    column::snake_case,
    spec::{SpecError, StreamSpec},
};

use crate::REGISTRATION;

/// The profile's names of the exports, with ours.
const EXPORTS: &[(&str, &str)] = &[
    ("heart", "heart_scores"),
    ("nps", "nps_responses"),
    ("surveys", "survey_responses"),
    ("tags", "tag_interactions"),
    ("guide_events", "guide_events"),
    ("guide_progress", "guide_progress"),
    ("announcement_events", "announcement_events"),
    ("users", "user_profiles"),
];

/// The profile's keys of `[export]`.
const KEYS: &[&str] = &[
    "application_id_in",
    "application_id_name",
    "from_param",
    "to_param",
    "date_format",
    "to_is_inclusive",
    "rows_pointer",
    "paging",
    "page_param",
    "page_first",
    "page_size_param",
    "page_size",
    "page_size_max",
    "paths",
];

/// Corrections of the facts, from a profile or from corrections of the facts.
///
/// # Errors
/// When the profile has a key or a word that it does not know.
pub(crate) fn corrections(mut wire: Table) -> Result<Table, SpecError> {
    if let Some(Value::Table(service)) = wire.remove("service") {
        wire.extend(service);
    }
    if let Some(import) = wire.remove("import") {
        let import = import.as_table().ok_or_else(|| refused("import", "must be a table"))?;
        wire.insert("push".to_owned(), push_facts(import)?);
    }
    let Some(Value::Table(export)) = wire.remove("export") else { return Ok(wire) };
    if let Some(unknown) = export.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(refused(
            &format!("export.{unknown}"),
            format!("unknown key; known are {}", KEYS.join(", ")),
        ));
    }
    let facts: Table =
        toml::from_str(REGISTRATION.facts).map_err(|error| refused("connector.toml", error.message()))?;
    let mut streams = Table::new();
    for (profile, stream) in EXPORTS {
        let own = facts.get("streams").and_then(|streams| streams.get(stream)).and_then(Value::as_table);
        let corrected = own.map(|own| corrected(own, &export, profile)).transpose()?;
        streams.extend(corrected.map(|corrected| ((*stream).to_owned(), Value::Table(corrected))));
    }
    let paths = export.get("paths").and_then(Value::as_table);
    if let Some(unknown) =
        paths.and_then(|paths| paths.keys().find(|key| EXPORTS.iter().all(|(name, _)| name != key)))
    {
        return Err(refused(&format!("export.paths.{unknown}"), "no such export"));
    }
    // Corrections in the words of the facts stand over the profile's.
    if let Some(Value::Table(given)) = wire.remove("streams") {
        for (stream, correction) in given {
            match (streams.get_mut(&stream), correction) {
                (Some(Value::Table(stream)), Value::Table(correction)) => stream.extend(correction),
                (_, correction) => {
                    streams.insert(stream, correction);
                }
            }
        }
    }
    wire.insert("streams".to_owned(), Value::Table(streams));
    Ok(wire)
}

fn refused(place: &str, message: impl Into<String>) -> SpecError {
    SpecError { place: place.to_owned(), message: message.into() }
}

/// The profile's keys of `[import]`, with the place of each in the facts of the target.
const IMPORT: &[(&str, Option<&str>, &str)] = &[
    ("company_path", Some("paths"), "company"),
    ("property_path", Some("paths"), "property"),
    ("method", None, "method"),
    ("idempotent_field", Some("names"), "idempotent"),
    ("definitions_field", Some("names"), "definitions"),
    ("profiles_field", Some("names"), "profiles"),
    ("profiles_form", Some("names"), "profiles_form"),
    ("profile_id_field", Some("names"), "profile_id"),
    ("user_attributes_field", Some("names"), "user_attributes"),
    ("value_field", Some("names"), "value"),
    ("errors_field", Some("names"), "errors"),
    ("max_definitions", Some("limits"), "definitions"),
    ("max_profiles", Some("limits"), "profiles"),
];

/// The facts of the import that the profile says otherwise.
fn push_facts(import: &Table) -> Result<Value, SpecError> {
    let mut facts = Table::new();
    for (key, value) in import {
        let Some((_, group, name)) = IMPORT.iter().find(|(known, ..)| known == key) else {
            let known: Vec<&str> = IMPORT.iter().map(|(known, ..)| *known).collect();
            return Err(refused(
                &format!("import.{key}"),
                format!("unknown key; known are {}", known.join(", ")),
            ));
        };
        let table = match group {
            None => &mut facts,
            Some(group) => facts
                .entry((*group).to_owned())
                .or_insert_with(|| Value::Table(Table::new()))
                .as_table_mut()
                .expect("made as a table above"),
        };
        table.insert((*name).to_owned(), value.clone());
    }
    Ok(Value::Table(Table::from_iter([("attributes".to_owned(), Value::Table(facts))])))
}

/// A stream's facts that the profile says otherwise.
fn corrected(own: &Table, export: &Table, profile: &str) -> Result<Table, SpecError> {
    let word = |key: &str| match export.get(key) {
        None => Ok(None),
        Some(Value::String(word)) => Ok(Some(word.as_str())),
        Some(_) => Err(refused(&format!("export.{key}"), "must be a text")),
    };
    let mut made = Table::new();
    let path = export.get("paths").and_then(|paths| paths.get(profile));
    made.extend(path.map(|path| ("path".to_owned(), path.clone())));
    made.extend(export.get("rows_pointer").map(|pointers| ("items".to_owned(), pointers.clone())));
    let in_query = match word("application_id_in")? {
        None | Some("path") => false,
        Some("query") => true,
        Some(_) => return Err(refused("export.application_id_in", "must be `path` or `query`")),
    };
    let mut axes = own.get("axes").cloned().unwrap_or(Value::Array(Vec::new()));
    for axis in axes.as_array_mut().into_iter().flatten().filter_map(Value::as_table_mut) {
        let corrections = match axis.get("kind").and_then(Value::as_str) {
            Some("window") => vec![
                ("from", word("from_param")?),
                ("to", word("to_param")?),
                ("format", word("date_format")?.map(date_format).transpose()?),
            ],
            _ if in_query => vec![("param", word("application_id_name")?)],
            _ => Vec::new(),
        };
        for (key, word) in corrections {
            axis.extend(word.map(|word| (key.to_owned(), Value::from(word))));
        }
    }
    made.insert("axes".to_owned(), axes);
    if let Some(paging) = paging(own, export, word("paging")?)? {
        made.insert("paging".to_owned(), paging);
    }
    Ok(made)
}
/// The notation of dates, in the words of the facts.
fn date_format(format: &str) -> Result<&'static str, SpecError> {
    match format {
        "%Y-%m-%d" => Ok("day"),
        "%Y-%m-%dT%H:%M:%SZ" => Ok("rfc3339"),
        "%Y-%m-%d %H:%M:%S" => Ok("space_separated"),
        "%Y-%m-%dT%H:%M:%S" => Ok("zoneless"),
        _ => Err(refused("export.date_format", format!("`{format}` is not supported; `%Y-%m-%d` is"))),
    }
}

/// How pages follow each other; none where the facts hold. HEART has no pages (A-09).
fn paging(own: &Table, export: &Table, kind: Option<&str>) -> Result<Option<Value>, SpecError> {
    let Some(Value::Table(facts)) = own.get("paging") else { return Ok(None) };
    if facts.get("kind").and_then(Value::as_str) != Some("page_number") {
        return Ok(None);
    }
    match kind {
        None | Some("page_number") => {}
        Some("none") => {
            return Ok(Some(Value::Table(Table::from_iter([("kind".to_owned(), Value::from("none"))]))));
        }
        Some(_) => return Err(refused("export.paging", "must be `page_number` or `none`")),
    }
    let mut paging = Table::new();
    for (ours, theirs) in
        [("page", "page_param"), ("first", "page_first"), ("size", "page_size_param"), ("rows", "page_size")]
    {
        paging.extend(export.get(theirs).map(|value| (ours.to_owned(), value.clone())));
    }
    Ok(Some(Value::Table(paging)))
}

/// Finds each field, and each other name of it, under its `snake_case` spelling too (A-11).
pub(crate) fn alias_snake_case(stream: &mut StreamSpec) {
    let fields = stream.table.columns.iter().map(|column| (column.field.clone(), column.field.clone()));
    let others = stream.table.aliases.iter().map(|alias| (alias.field.clone(), alias.path.clone()));
    let names: Vec<(String, String)> = fields.chain(others).collect();
    for (field, path) in names {
        let step = |step: &str| if step == "*" { step.to_owned() } else { snake_case(step) };
        let snake = path.split('/').map(step).collect::<Vec<_>>().join("/");
        if snake != path {
            stream.alias(&field, &snake);
        }
    }
}
