//! What else the reference holds possible: corrections that a probe tries where the facts prove wrong.

use serde::Deserialize;

/// Corrections that belong together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// What they are another form of.
    pub of: Aspect,
    /// The corrections, as a user would write them.
    pub correct: toml::Table,
}

/// What about the wire may be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// How the credential travels.
    Auth,
    /// Where endpoints are.
    Path,
    /// How pages are asked for.
    Paging,
    /// How windows are asked for.
    Dates,
}
