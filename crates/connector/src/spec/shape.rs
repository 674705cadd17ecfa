//! Which keys a file of facts has, and what each takes: wrong ones are refused with the nearest right one.

use toml::{Table, Value};

use super::{SpecError, merge::glob};
use crate::nearest::nearest;

/// What a key takes.
enum Takes {
    Text,
    Texts,
    Whole,
    Wholes,
    Flag,
    /// A table of free keys with texts.
    TextTable,
    /// A table of free keys with lists of texts.
    TextsTable,
    /// A table of free keys with tables of texts.
    TextTables,
    /// A table with these keys.
    Keys(&'static [Key]),
    /// A list of tables with these keys.
    List(&'static [Key]),
    /// A table whose `kind` decides on its keys.
    Kinds(&'static [Kind]),
    /// A list of such tables.
    KindList(&'static [Kind]),
    /// A table whose `kind` decides on its keys, or, without one, with these keys.
    KeysOrKinds(&'static [Key], &'static [Kind]),
    /// Columns: whatever the notation of columns says.
    Columns,
    /// Corrections.
    Corrections,
    /// Streams by name.
    Streams,
}

type Key = (&'static str, Takes);
type Kind = (&'static str, &'static [Key]);

use Takes::{
    Columns, Corrections, Flag, Keys, KeysOrKinds, KindList, Kinds, List, Streams, Text, TextTable,
    TextTables, Texts, TextsTable, Whole, Wholes,
};

const FILE: &[Key] = &[
    ("connector", Text),
    ("title", Text),
    ("about", Text),
    ("docs", Text),
    ("base_url", Text),
    ("quota", Keys(&[("requests", Whole), ("per", Text), ("mode", Text), ("docs", Text)])),
    ("concurrency", Whole),
    ("timeout", Text),
    ("auth", Kinds(AUTH)),
    ("headers", TextTable),
    ("hosts", TextTable),
    ("path_prefixes", TextTable),
    ("alternatives", List(&[("of", Text), ("correct", Corrections)])),
    ("check", Keys(&[("stream", Text), ("params", TextTable)])),
    ("streams", Streams),
    // A correction of what is written adds no key; that is checked against the facts themselves.
    ("push", Corrections),
];

const AUTH: &[Kind] = &[
    ("none", &[]),
    (
        "header",
        &[("header", Text), ("scheme", Text), ("setting", Text), ("token_path", Text), ("scope", Text)],
    ),
    ("bearer", &[("setting", Text)]),
    (
        "basic",
        &[("username", Text), ("password", Text), ("username_setting", Text), ("password_setting", Text)],
    ),
    ("query", &[("parameter", Text), ("setting", Text)]),
    ("oauth_client_credentials", &[("token_url", Text), ("scopes", Texts)]),
];

const STREAM: &[Key] = &[
    ("about", Text),
    ("docs", Text),
    ("assumption", Text),
    ("experimental", Flag),
    ("path", Text),
    ("params", TextTable),
    ("on_demand", TextTables),
    ("auth", KeysOrKinds(&[("header", Text), ("scheme", Text)], AUTH)),
    ("items", Texts),
    ("single", Flag),
    ("empty", Wholes),
    ("paging", Kinds(PAGING)),
    ("axes", KindList(AXES)),
    ("fallback", Keys(&[("statuses", Wholes), ("axes", KindList(AXES))])),
    ("partition", Text),
    ("primary_key", Texts),
    ("cursor", Text),
    ("version", Text),
    ("mode", Text),
    ("look_back", Text),
    ("full_every", Text),
    ("since", Keys(&[("param", Text), ("format", Text), ("overlap", Text)])),
    ("keeps_absent", Flag),
    ("columns", Columns),
    ("aliases", TextsTable),
    ("computed", Columns),
    ("synthetic_key", Text),
    ("generic_key", Text),
    ("unified", Corrections),
    ("needs", Texts),
    ("custom_fields", Keys(&[("from", Text), ("name", Text), ("column", Text)])),
    (
        "derived",
        Keys(&[
            ("stream", Text),
            ("field", Text),
            ("inherits", TextTable),
            ("ordinal", Flag),
            ("single", Flag),
        ]),
    ),
];

const PAGING: &[Kind] = &[
    ("none", &[]),
    (
        "page_number",
        &[
            ("page", Text),
            ("first", Whole),
            ("size", Text),
            ("rows", Whole),
            ("total_rows", Text),
            ("total_pages", Text),
            ("more", Text),
            ("last", Text),
        ],
    ),
    (
        "offset",
        &[
            ("offset", Text),
            ("size", Text),
            ("rows", Whole),
            ("total_rows", Text),
            ("more", Text),
            ("last", Text),
        ],
    ),
    (
        "last_id",
        &[("param", Text), ("column", Text), ("size", Text), ("rows", Whole), ("more", Text), ("last", Text)],
    ),
    ("next_url", &[("next", Text), ("size", Text), ("rows", Whole), ("more", Text), ("last", Text)]),
    ("link_header", &[("size", Text), ("rows", Whole)]),
    (
        "cursor",
        &[
            ("param", Text),
            ("next", Text),
            ("size", Text),
            ("rows", Whole),
            ("more", Text),
            ("last", Text),
            ("bounds", Keys(&[("from", Text), ("to", Text), ("format", Text)])),
        ],
    ),
    ("unknown", &[]),
];

const AXES: &[Kind] = &[
    (
        "window",
        &[
            ("from", Text),
            ("to", Text),
            ("to_inclusive", Flag),
            ("format", Text),
            ("by", Text),
            ("days", Whole),
            ("years", Flag),
            ("columns", Texts),
            ("pad", Text),
            ("keep_inside", Flag),
            ("start_required", Flag),
            ("split_above_pages", Whole),
        ],
    ),
    ("property", &[("setting", Text), ("param", Text), ("column", Text)]),
    (
        "parent",
        &[
            ("stream", Text),
            ("key", Text),
            ("param", Text),
            ("column", Text),
            ("gone", Wholes),
            ("barren", Keys(&[("column", Text), ("value", Text), ("statuses", Wholes)])),
            ("file", Text),
            ("missing", Text),
            ("block", Whole),
        ],
    ),
    ("passes", &[("passes", List(&[("params", TextTable), ("windowed", Flag), ("all_of", Text)]))]),
];

/// Every table of the file that has keys of its own, with them: `the file`, `paging cursor`, or the key that it stands at.
#[cfg(test)]
pub(crate) fn groups() -> Vec<(String, Vec<&'static str>)> {
    fn below(name: &str, keys: &'static [Key], groups: &mut Vec<(String, Vec<&'static str>)>) {
        groups.push((name.to_owned(), keys.iter().map(|(key, _)| *key).collect()));
        for (key, takes) in keys {
            match takes {
                Keys(inner) | List(inner) | KeysOrKinds(inner, _) => below(key, inner, groups),
                Kinds(_) | KindList(_) | Text | Texts | Whole | Wholes | Flag | TextTable | TextsTable
                | TextTables | Columns | Corrections | Streams => {}
            }
        }
    }
    let mut groups = Vec::new();
    below("the file", FILE, &mut groups);
    below("stream", STREAM, &mut groups);
    for (table, kinds) in [("auth", AUTH), ("paging", PAGING), ("axis", AXES)] {
        for (kind, keys) in kinds {
            below(&format!("{table} {kind}"), keys, &mut groups);
        }
    }
    groups
}

/// Checks every key of a whole file and what it takes.
///
/// # Errors
/// The first key that is unknown, or whose value is of the wrong kind.
pub(crate) fn check(file: &Table) -> Result<(), SpecError> {
    table(file, FILE, "")
}

fn table(table: &Table, keys: &'static [Key], place: &str) -> Result<(), SpecError> {
    for (name, value) in table {
        let place = join(place, name);
        match keys.iter().find(|(known, _)| known == name) {
            Some((_, takes)) => check_value(value, takes, &place)?,
            None => return Err(unknown("key", name, keys.iter().map(|(known, _)| *known), place)),
        }
    }
    Ok(())
}

fn check_value(value: &Value, takes: &Takes, place: &str) -> Result<(), SpecError> {
    let wrong =
        |expected: &str| Err(SpecError::at(place, format!("must be {expected}, found {}", found(value))));
    let texts = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_str));
    let wholes = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_integer));
    let each = |fits: &dyn Fn(&Value) -> bool| value.as_table().is_some_and(|table| table.values().all(fits));
    let text_table = |value: &Value| value.as_table().is_some_and(|table| table.values().all(Value::is_str));
    match (takes, value) {
        (Text, Value::String(_))
        | (Whole, Value::Integer(_))
        | (Flag, Value::Boolean(_))
        | (Columns | Corrections, Value::Table(_)) => Ok(()),
        (Texts, value) if texts(value) => Ok(()),
        (Wholes, value) if wholes(value) => Ok(()),
        (TextTable, value) if text_table(value) => Ok(()),
        (TextsTable, _) if each(&texts) => Ok(()),
        (TextTables, _) if each(&text_table) => Ok(()),
        (Keys(keys), Value::Table(inner)) => table(inner, keys, place),
        (KeysOrKinds(_, kinds), Value::Table(inner)) if inner.contains_key("kind") => {
            kind(inner, kinds, place)
        }
        (KeysOrKinds(keys, _), Value::Table(inner)) => table(inner, keys, place),
        (List(keys), Value::Array(list)) => {
            list.iter().try_for_each(|element| element_of(element, place, |inner| table(inner, keys, place)))
        }
        (Kinds(kinds), Value::Table(inner)) => kind(inner, kinds, place),
        (KindList(kinds), Value::Array(list)) => {
            list.iter().try_for_each(|element| element_of(element, place, |inner| kind(inner, kinds, place)))
        }
        (Streams, Value::Table(streams)) => streams.iter().try_for_each(|(name, value)| {
            let place = join(place, name);
            element_of(value, &place, |inner| table(inner, STREAM, &place))
        }),
        (Text, _) => wrong("a text"),
        (Texts, _) => wrong("a list of texts"),
        (Whole, _) => wrong("a whole number"),
        (Wholes, _) => wrong("a list of whole numbers"),
        (Flag, _) => wrong("true or false"),
        (TextTable, _) => wrong("a table of texts"),
        (TextsTable, _) => wrong("a table of lists of texts"),
        (TextTables, _) => wrong("a table of tables of texts"),
        (Keys(_) | Kinds(_) | KeysOrKinds(..) | Columns | Corrections | Streams, _) => wrong("a table"),
        (List(_) | KindList(_), _) => wrong("a list of tables"),
    }
}

fn element_of(
    value: &Value,
    place: &str,
    check: impl Fn(&Table) -> Result<(), SpecError>,
) -> Result<(), SpecError> {
    match value {
        Value::Table(inner) => check(inner),
        other => Err(SpecError::at(place, format!("must be a table, found {}", found(other)))),
    }
}

/// A table whose `kind` decides on its keys.
fn kind(inner: &Table, kinds: &'static [Kind], place: &str) -> Result<(), SpecError> {
    let names = || kinds.iter().map(|(name, _)| *name);
    let word = match inner.get("kind") {
        Some(Value::String(word)) => word,
        Some(other) => {
            return Err(SpecError::at(
                join(place, "kind"),
                format!("must be a text, found {}", found(other)),
            ));
        }
        None => {
            let known: Vec<&str> = names().collect();
            return Err(SpecError::at(place, format!("`kind` is missing; one of {}", known.join(", "))));
        }
    };
    let Some((_, keys)) = kinds.iter().find(|(name, _)| name == word) else {
        return Err(unknown("kind", word, names(), join(place, "kind")));
    };
    let rest: Table = inner
        .iter()
        .filter(|(name, _)| *name != "kind")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    table(&rest, keys, place)
}

/// A name that is not known, with the one that was probably meant.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    place: String,
) -> SpecError {
    let known: Vec<&str> = known.collect();
    let rest = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("one of {}", known.join(", ")),
    };
    SpecError::at(place, format!("unknown {what} `{name}`; {rest}"))
}

/// A key behind those that it stands within.
pub(crate) fn join(place: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if place.is_empty() { key } else { format!("{place}.{key}") }
}

/// What kind of value it is, in words.
fn found(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// The names of the streams that a name in a correction means: itself, or those that a pattern matches.
pub(crate) fn streams_of<'a>(name: &str, streams: &'a Table) -> Vec<&'a String> {
    if name.contains(['*', '?']) {
        return streams.keys().filter(|stream| glob(name, stream)).collect();
    }
    streams.keys().filter(|stream| *stream == name).collect()
}
