//! JSON bodies of writes, strictly: an unknown field or a wrong type is a 400 and a violation.

use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{Simulator, answer::Refusal, instants};

/// What a field of a body may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// A text of at most so many characters.
    Short(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// `2026-01-31`, or an instant with its zone.
    Date,
    Boolean,
    Object,
    /// A whole number, at least this.
    Whole(i64),
    /// A list of texts, this many at most.
    Texts(usize),
    /// A list of objects, from 1 to 100.
    Objects,
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Short(most) => value.as_str().is_some_and(|text| text.chars().count() <= most),
            Self::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Self::Date => value.as_str().is_some_and(|text| {
                instants::instant(text).or_else(|| instants::date(text, &jiff::tz::TimeZone::UTC)).is_some()
            }),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Whole(least) => value.as_i64().is_some_and(|number| number >= least),
            Self::Texts(most) => value
                .as_array()
                .is_some_and(|texts| texts.len() <= most && texts.iter().all(Value::is_string)),
            Self::Objects => value.as_array().is_some_and(|objects| {
                (1..=100).contains(&objects.len()) && objects.iter().all(Value::is_object)
            }),
        }
    }
}

/// The fields of a body that is an object; those that are there are of the right kind.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    simulator: &'a Simulator,
    fields: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Reads a body in which only `known` fields may stand. A `null` fits every kind.
    pub(super) fn read(
        simulator: &'a Simulator,
        headers: &HeaderMap,
        body: &[u8],
        known: &[(&str, Kind)],
    ) -> Result<Self, Refusal> {
        let Value::Object(fields) = json(simulator, headers, body)? else {
            return Err(simulator.wrong("the body must be an object"));
        };
        for (name, value) in &fields {
            let Some((_, kind)) = known.iter().find(|(known, _)| known == name) else {
                return Err(simulator.wrong(format!("property {name} should not exist")));
            };
            if !value.is_null() && !kind.fits(value) {
                return Err(simulator.wrong(format!("{name} has a wrong type or value")));
            }
        }
        Ok(Self { simulator, fields })
    }

    /// The field, `null` included; none where it is absent.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The text of a field; none where it is absent or null.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| self.simulator.wrong(format!("{name} should not be empty")))
    }

    /// Every field that is there.
    pub(super) fn all(&self) -> &Map<String, Value> {
        &self.fields
    }
}

/// A bare array of 1 to 100 items.
pub(super) fn array(simulator: &Simulator, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Value>, Refusal> {
    match json(simulator, headers, body)? {
        Value::Array(items) if (1..=100).contains(&items.len()) => Ok(items),
        _ => Err(simulator.wrong("the body must be an array of 1 to 100 items")),
    }
}

fn json(simulator: &Simulator, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/json") {
        return Err(simulator.wrong("the body is not declared as application/json"));
    }
    serde_json::from_slice(body).map_err(|_| simulator.wrong("the body is not JSON"))
}
