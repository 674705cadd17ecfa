//! The body of an import, checked before anything is written (section 4.2).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::store::{Definition, Kind};

/// At most so many definitions, and so many users, in one request.
const MOST: usize = 1000;

/// A body that may be written.
#[derive(Debug, Default)]
pub(super) struct Import {
    /// `idempotent`: every other value of the users that are named is removed.
    pub(super) replace: bool,
    pub(super) definitions: Vec<Definition>,
    pub(super) profiles: Vec<Profile>,
}

/// The values of one user.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) user: String,
    pub(super) values: Vec<(String, Value)>,
}

/// What is not known for sure about bodies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Unknown members are passed over.
    pub(super) ignore_unknown: bool,
    /// The last entry of a user that is named twice wins.
    pub(super) last_wins: bool,
}

/// Reads a body; else every fault of it, as `{path, reason}`.
pub(super) fn parse(bytes: &[u8], rules: Rules) -> Result<Import, Vec<Value>> {
    let mut reader = Reader { rules, issues: Vec::new() };
    let import = match serde_json::from_slice(bytes) {
        Ok(Value::Object(body)) => reader.import(&body),
        Ok(_) => {
            reader.issue("", "expected an object");
            Import::default()
        }
        Err(_) => {
            reader.issue("", "the body is not JSON");
            Import::default()
        }
    };
    if reader.issues.is_empty() { Ok(import) } else { Err(reader.issues) }
}

struct Reader {
    rules: Rules,
    issues: Vec<Value>,
}

impl Reader {
    fn issue(&mut self, path: impl Into<String>, reason: &str) {
        self.issues.push(json!({ "path": path.into(), "reason": reason }));
    }

    fn only(&mut self, path: &str, object: &Map<String, Value>, known: &[&str]) {
        if self.rules.ignore_unknown {
            return;
        }
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.issue(format!("{path}{name}"), "unknown member");
        }
    }

    fn import(&mut self, body: &Map<String, Value>) -> Import {
        self.only("", body, &["idempotent", "attributes", "userProfiles"]);
        let replace = match body.get("idempotent") {
            None => false,
            Some(Value::Bool(replace)) => *replace,
            Some(_) => {
                self.issue("idempotent", "expected a boolean");
                false
            }
        };
        let definitions = self.list(body, "attributes");
        let profiles = self.list(body, "userProfiles");
        if definitions.is_empty()
            && profiles.is_empty()
            && self.issues.is_empty()
            && !self.rules.ignore_unknown
        {
            self.issue("", "expected attributes or userProfiles");
        }
        let definitions = definitions
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| self.definition(index, entry))
            .collect();
        let profiles =
            profiles.iter().enumerate().filter_map(|(index, entry)| self.profile(index, entry)).collect();
        Import { replace, definitions, profiles: self.unique(profiles) }
    }

    fn list<'a>(&mut self, body: &'a Map<String, Value>, name: &str) -> &'a [Value] {
        match body.get(name) {
            None => &[],
            Some(Value::Array(entries)) if entries.len() <= MOST => entries,
            Some(Value::Array(_)) => {
                self.issue(name, "more than 1000 entries");
                &[]
            }
            Some(_) => {
                self.issue(name, "expected a list");
                &[]
            }
        }
    }

    fn text(&mut self, path: &str, object: &Map<String, Value>, name: &str) -> Option<String> {
        match object.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => {
                self.issue(format!("{path}{name}"), "expected a text that is not empty");
                None
            }
        }
    }

    fn definition(&mut self, index: usize, entry: &Value) -> Option<Definition> {
        let path = format!("attributes[{index}].");
        let Value::Object(object) = entry else {
            self.issue(path, "expected an object");
            return None;
        };
        self.only(&path, object, &["key", "name", "type"]);
        let (key, name) = (self.text(&path, object, "key"), self.text(&path, object, "name"));
        let kind = self.text(&path, object, "type").and_then(|name| {
            let kind = Kind::named(&name);
            if kind.is_none() {
                self.issue(format!("{path}type"), "unknown type");
            }
            kind
        });
        Some(Definition { key: key?, name: name?, kind: kind? })
    }

    fn profile(&mut self, index: usize, entry: &Value) -> Option<Profile> {
        let path = format!("userProfiles[{index}].");
        let Value::Object(object) = entry else {
            self.issue(path, "expected an object");
            return None;
        };
        self.only(&path, object, &["userId", "attributes"]);
        let user = self.text(&path, object, "userId");
        let Some(Value::Object(attributes)) = object.get("attributes") else {
            self.issue(format!("{path}attributes"), "expected an object");
            return None;
        };
        let mut values = Vec::new();
        for (key, wrapper) in attributes {
            let path = format!("{path}attributes.{key}");
            match wrapper {
                Value::Object(wrapper) if wrapper.contains_key("value") => {
                    self.only(&format!("{path}."), wrapper, &["value"]);
                    match wrapper.get("value") {
                        Some(value) if is_value(value) => values.push((key.clone(), value.clone())),
                        _ => self.issue(format!("{path}.value"), "expected a scalar"),
                    }
                }
                _ => self.issue(path, "expected an object with a value member"),
            }
        }
        Some(Profile { user: user?, values })
    }

    /// Each user once: a second entry is a fault, or replaces the first.
    fn unique(&mut self, profiles: Vec<Profile>) -> Vec<Profile> {
        let mut seen = BTreeSet::new();
        let mut kept = Vec::new();
        for profile in profiles.into_iter().rev() {
            if seen.insert(profile.user.clone()) {
                kept.push(profile);
            } else if !self.rules.last_wins {
                self.issue("userProfiles", "the same user twice");
            }
        }
        kept.reverse();
        kept
    }
}

/// A scalar, null too, or for attributes of type `list` an array of scalars.
fn is_value(value: &Value) -> bool {
    match value {
        Value::Array(values) => {
            values.iter().all(|value| !value.is_array() && !value.is_object() && !value.is_null())
        }
        Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
