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
    nearest::nearest,
    spec::{DateFormat, SpecError, StreamSpec},
};

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
    let export = match wire.remove("export") {
        Some(Value::Table(export)) => export,
        Some(_) => return Err(refused("export", "must be a table")),
        None => return Ok(wire),
    };
    known(&export, KEYS.iter().copied(), "export")?;
    if let Some(Value::Table(paths)) = export.get("paths") {
        known(paths, EXPORTS.iter().map(|(name, _)| *name), "export.paths")?;
    }
    let mut streams = Table::new();
    for (profile, stream) in EXPORTS {
        streams.insert((*stream).to_owned(), Value::Table(corrected(&export, profile)?));
    }
    // Corrections in the words of the facts stand over the profile's.
    if let Some(Value::Table(given)) = wire.remove("streams") {
        over(&mut streams, given);
    }
    wire.insert("streams".to_owned(), Value::Table(streams));
    Ok(wire)
}

fn known<'a>(
    table: &Table,
    keys: impl Iterator<Item = &'a str> + Clone,
    place: &str,
) -> Result<(), SpecError> {
    let Some(unknown) = table.keys().find(|key| keys.clone().all(|known| known != *key)) else {
        return Ok(());
    };
    let meant = match nearest(unknown, keys.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", keys.collect::<Vec<_>>().join(", ")),
    };
    Err(refused(&format!("{place}.{unknown}"), format!("unknown key `{unknown}`; {meant}")))
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

fn over(under: &mut Table, given: Table) {
    for (key, value) in given {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(value)) => over(under, value),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// What the profile says of a stream. HEART has no pages (A-09), profiles of users have no windows (A-24).
fn corrected(export: &Table, profile: &str) -> Result<Table, SpecError> {
    let mut made = Table::new();
    let path = match export.get("paths").and_then(|paths| paths.get(profile)) {
        None => None,
        Some(Value::String(path)) => Some(path.as_str()),
        Some(_) => return Err(refused(&format!("export.paths.{profile}"), "must be a text")),
    };
    made.extend(path.map(|path| ("path".to_owned(), Value::from(path))));
    match export.get("rows_pointer") {
        None => {}
        Some(Value::String(pointer)) => {
            made.insert("items".to_owned(), Value::Array(vec![Value::from(pointer.as_str())]));
        }
        Some(Value::Array(pointers)) if pointers.iter().all(Value::is_str) => {
            made.insert("items".to_owned(), Value::Array(pointers.clone()));
        }
        Some(_) => return Err(refused("export.rows_pointer", "must be a list of texts")),
    }
    let mut axes = Table::new();
    if let Some(param) = property_param(export, path)? {
        axes.insert(
            "property".to_owned(),
            Value::Table(Table::from_iter([("param".to_owned(), param.into())])),
        );
    }
    let window = window(export)?;
    if profile != "users" && !window.is_empty() {
        axes.insert("window".to_owned(), Value::Table(window));
    }
    if !axes.is_empty() {
        made.insert("axes".to_owned(), Value::Table(axes));
    }
    let paging = paging(export)?;
    if profile != "heart" && !paging.is_empty() {
        made.insert("paging".to_owned(), Value::Table(paging));
    }
    Ok(made)
}

fn word<'a>(export: &'a Table, key: &str) -> Result<Option<&'a str>, SpecError> {
    match export.get(key) {
        None => Ok(None),
        Some(Value::String(word)) => Ok(Some(word.as_str())),
        Some(_) => Err(refused(&format!("export.{key}"), "must be a text")),
    }
}

/// The placeholder or query parameter that takes the application's id.
fn property_param(export: &Table, path: Option<&str>) -> Result<Option<String>, SpecError> {
    let name = word(export, "application_id_name")?;
    match word(export, "application_id_in")? {
        // A path says itself what it calls the application.
        None | Some("path") => Ok(path.and_then(placeholder).map(str::to_owned)),
        Some("query") => Ok(name.map(str::to_owned)),
        Some(_) => Err(refused("export.application_id_in", "must be `path` or `query`")),
    }
}

fn placeholder(path: &str) -> Option<&str> {
    path.split_once('{')?.1.split_once('}').map(|(name, _)| name)
}

/// How windows are asked for.
fn window(export: &Table) -> Result<Table, SpecError> {
    let mut window = Table::new();
    for (ours, theirs) in [("from", "from_param"), ("to", "to_param"), ("format", "date_format")] {
        let Some(word) = word(export, theirs)? else { continue };
        let word = if ours == "format" { date_format(word)? } else { word };
        window.insert(ours.to_owned(), Value::from(word));
    }
    match export.get("to_is_inclusive") {
        None => {}
        Some(Value::Boolean(inclusive)) => {
            window.insert("to_inclusive".to_owned(), Value::from(*inclusive));
        }
        Some(_) => return Err(refused("export.to_is_inclusive", "must be true or false")),
    }
    Ok(window)
}

/// The notation of dates, in the words of the facts where they have one.
fn date_format(format: &str) -> Result<&str, SpecError> {
    match format {
        "%Y-%m-%d" => Ok("day"),
        "%s" => Ok("epoch_s"),
        other => {
            DateFormat::parse(other).map(|_| other).map_err(|message| refused("export.date_format", message))
        }
    }
}

/// How pages follow each other.
fn paging(export: &Table) -> Result<Table, SpecError> {
    let mut paging = Table::new();
    match word(export, "paging")? {
        None | Some("page_number") => {}
        Some("none") => {
            paging.insert("kind".to_owned(), Value::from("none"));
            return Ok(paging);
        }
        Some(_) => return Err(refused("export.paging", "must be `page_number` or `none`")),
    }
    for (ours, theirs) in [("page", "page_param"), ("size", "page_size_param")] {
        paging.extend(word(export, theirs)?.map(|word| (ours.to_owned(), Value::from(word))));
    }
    for (ours, theirs) in [("first", "page_first"), ("rows", "page_size")] {
        match export.get(theirs) {
            None => {}
            Some(number @ Value::Integer(0..)) => {
                paging.insert(ours.to_owned(), number.clone());
            }
            Some(_) => return Err(refused(&format!("export.{theirs}"), "must be a whole number")),
        }
    }
    Ok(paging)
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
