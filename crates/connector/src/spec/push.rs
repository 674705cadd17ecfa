//! The facts about what is written: paths, names and limits, which a user may correct like those of streams.

use indexmap::IndexMap;

use super::SpecError;
use crate::request::{Method, encode_segment};

/// What is known about a target's requests. Which keys there are is the connector's business: a correction changes a
/// value and adds none.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSpec {
    /// The vendor's documentation.
    pub docs: String,
    /// Which assumption of the reference it rests on, where the vendor does not publish it.
    pub assumption: Option<String>,
    /// The verb of the request that carries values, where it may be corrected.
    #[serde(default)]
    method: String,
    /// Paths below the base URL, with `{param}` placeholders, by what they are for.
    #[serde(default)]
    paths: IndexMap<String, String>,
    /// Names of members of bodies, by what they are for.
    #[serde(default)]
    names: IndexMap<String, String>,
    /// Limits, by what they are on.
    #[serde(default)]
    limits: IndexMap<String, usize>,
}

impl PushSpec {
    /// The verb.
    pub fn method(&self) -> Method {
        match self.method.as_str() {
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            _ => Method::Post,
        }
    }

    /// A path with its placeholders filled, each as one segment.
    pub fn path(&self, purpose: &str, params: &[(&str, &str)]) -> String {
        let mut path = self.paths.get(purpose).expect("the connector's own facts name the path").clone();
        for (name, value) in params {
            path = path.replace(&format!("{{{name}}}"), &encode_segment(value));
        }
        path
    }

    /// All paths, for the documentation.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &str)> {
        self.paths.iter().map(|(purpose, path)| (purpose.as_str(), path.as_str()))
    }

    /// A name.
    pub fn name(&self, purpose: &str) -> &str {
        self.names.get(purpose).expect("the connector's own facts give the name")
    }

    /// A limit; at least 1.
    pub fn limit(&self, purpose: &str) -> usize {
        (*self.limits.get(purpose).expect("the connector's own facts set the limit")).max(1)
    }

    /// All limits, for the documentation.
    pub fn limits(&self) -> impl Iterator<Item = (&str, usize)> {
        self.limits.iter().map(|(purpose, limit)| (purpose.as_str(), *limit))
    }
}

/// Refuses corrections that add a key: it would change nothing.
pub(super) fn check(before: &toml::Table, after: &toml::Table) -> Result<(), SpecError> {
    let Some(toml::Value::Table(after)) = after.get("push") else { return Ok(()) };
    let empty = toml::Table::new();
    let before = before.get("push").and_then(toml::Value::as_table).unwrap_or(&empty);
    same_keys("push", before, after)
}

fn same_keys(place: &str, before: &toml::Table, after: &toml::Table) -> Result<(), SpecError> {
    for (key, value) in after {
        let place = format!("{place}.{key}");
        match (before.get(key), value) {
            (None, _) => {
                let known: Vec<&str> = before.keys().map(String::as_str).collect();
                return Err(SpecError::at(place, format!("unknown key; known are {}", known.join(", "))));
            }
            (Some(toml::Value::Table(before)), toml::Value::Table(after)) => {
                same_keys(&place, before, after)?
            }
            (Some(toml::Value::String(_)), toml::Value::String(word))
                if key == "method" && !["POST", "PUT", "PATCH"].contains(&word.as_str()) =>
            {
                return Err(SpecError::at(place, "must be POST, PUT or PATCH"));
            }
            (Some(toml::Value::String(_)), toml::Value::String(path))
                if place.contains(".paths.") && !path.starts_with('/') =>
            {
                return Err(SpecError::at(place, "must begin with `/`"));
            }
            _ => {}
        }
    }
    Ok(())
}
