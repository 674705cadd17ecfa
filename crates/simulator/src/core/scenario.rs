//! A scenario file: switches, limits and faults, by vendor.
//!
//! ```toml
//! [sprig]
//! limit = { requests = 100, per_ms = 3000, counting = "sliding" }
//! switches = { last_cursor = "absent", empty = "200" }
//! faults = [{ path = "/v1/responses", from = 2, kind = "status", status = 503, headers = { Retry-After = "0" } }]
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{fault::Fault, limiter::Limit};

/// What a scenario says of one vendor.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VendorScenario {
    /// Overrides the vendor's default limit.
    pub limit: Option<Limit>,
    /// Switch name to value; the vendor's module lists the names and refuses others.
    pub switches: BTreeMap<String, String>,
    /// Faults, in the order in which they are tried.
    pub faults: Vec<Fault>,
}

/// A parsed scenario file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// The Sprig simulator.
    pub sprig: VendorScenario,
    /// The Thrive simulator.
    pub thrive: VendorScenario,
    /// The Userlane simulator.
    pub userlane: VendorScenario,
    /// The Userlot simulator.
    pub userlot: VendorScenario,
}

/// Why a scenario is refused.
#[derive(Debug, thiserror::Error)]
#[error("the scenario does not parse: {0}")]
pub struct ScenarioError(#[from] toml::de::Error);

impl Scenario {
    /// Parses a scenario file's text.
    ///
    /// # Errors
    /// When it is not TOML, or has an unknown key.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        Ok(toml::from_str(text)?)
    }
}

/// The switches of one vendor: a closed list of names with defaults.
#[derive(Debug, Clone)]
pub(crate) struct Switches {
    values: BTreeMap<&'static str, String>,
}

impl Switches {
    /// Takes the vendor's `(name, default)` list and what the scenario sets; refuses an unknown name.
    pub(crate) fn new(
        known: &[(&'static str, &'static str)],
        set: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let mut values: BTreeMap<&'static str, String> =
            known.iter().map(|&(name, default)| (name, default.to_owned())).collect();
        for (name, value) in set {
            match known.iter().find(|(known, _)| known == name) {
                Some(&(known, _)) => {
                    values.insert(known, value.clone());
                }
                None => return Err(format!("unknown switch `{name}`")),
            }
        }
        Ok(Self { values })
    }

    /// The value of a switch that is in the list.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).expect("a simulator asks only for switches of its own list")
    }

    /// Whether the switch is `on`.
    pub(crate) fn on(&self, name: &str) -> bool {
        self.get(name) == "on"
    }

    /// The switch as a number, 0 where it is none.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> &BTreeMap<&'static str, String> {
        &self.values
    }
}
