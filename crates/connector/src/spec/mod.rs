//! The facts about a source, as `connector.toml` states them.
//!
//! There are no expressions in the file; unknown keys are errors. A user's corrections are merged over it, key by key,
//! before it is read.

mod axis;
mod file;
mod merge;
mod paging;
mod stream;

use std::time::Duration;

use indexmap::IndexMap;

pub use axis::{Axis, Barren, DateFormat, Fallback, ParentAxis, Pass, WindowAxis};
pub use paging::{CursorPaging, PagePaging, Paging};
pub use stream::{CustomFieldsSpec, DerivedFrom, PartitionBy, Since, StreamSpec, SyncMode};

use crate::quota::Quota;

/// Everything that is known about a connector's API.
#[derive(Debug, Clone)]
pub struct ConnectorSpec {
    /// The connector's name, `[a-z][a-z0-9_]*`.
    pub name: String,
    /// The vendor's name for people.
    pub title: String,
    /// One sentence on what the vendor holds.
    pub about: String,
    /// The vendor's documentation.
    pub docs: String,
    /// Where the API is; none where every customer has an own host.
    pub base_url: Option<String>,
    /// The quota in force unless the user sets another.
    pub quota: Quota,
    /// Where the quota is published, or which assumption it rests on.
    pub quota_docs: String,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// How the credential travels, where it is a header and a user may correct it.
    pub auth: Option<HeaderAuth>,
    /// A cheap request that proves reachability and credential.
    pub check: CheckSpec,
    /// The streams, in the order of the file.
    pub streams: IndexMap<String, StreamSpec>,
}

/// A credential in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderAuth {
    /// The header's name.
    pub header: String,
    /// The word before the credential; none where it stands alone.
    pub scheme: Option<String>,
}

/// A cheap request.
#[derive(Debug, Clone)]
pub struct CheckSpec {
    /// The stream whose endpoint is asked.
    pub stream: String,
    /// Parameters besides the stream's own.
    pub params: Vec<(String, String)>,
}

/// Why facts are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SpecError {
    /// The key's path in the file, `streams.users.paging` for example.
    pub place: String,
    /// A lower-case phrase without a full stop.
    pub message: String,
}

impl SpecError {
    fn at(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl ConnectorSpec {
    /// Reads facts, with a user's corrections over them.
    ///
    /// # Errors
    /// When the text is not TOML, a key is unknown or missing, or a fact contradicts another.
    pub fn parse(facts: &str, corrections: Option<&toml::Table>) -> Result<Self, SpecError> {
        let mut table: toml::Table =
            toml::from_str(facts).map_err(|error| SpecError::at("connector.toml", error.message()))?;
        if let Some(corrections) = corrections {
            merge::over(&mut table, corrections);
        }
        file::read(table)
    }

    /// A stream by its name.
    pub fn stream(&self, name: &str) -> Option<&StreamSpec> {
        self.streams.get(name)
    }

    /// The streams that are a pointer below the rows of `parent`.
    pub fn derived_from<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = &'a StreamSpec> {
        self.streams
            .values()
            .filter(move |stream| stream.derived.as_ref().is_some_and(|derived| derived.stream == parent))
    }
}
