//! The facts about a source, as `connector.toml` states them.
//!
//! There are no expressions in the file; unknown keys are errors. A user's corrections are merged over it, key by key,
//! before it is read.

mod alternative;
mod auth;
mod axis;
mod consistent;
mod date_format;
mod file;
mod keys;
mod merge;
mod paging;
mod push;
mod shape;
mod stream;
mod unified;

use std::time::Duration;

use indexmap::IndexMap;

pub use alternative::{Alternative, Aspect};
pub use auth::{AuthFacts, AuthSetting, BasicAuth, HeaderAuth};
pub use axis::{Axis, Barren, Fallback, ParentAxis, Pass, WindowAxis};
pub use date_format::{DateFormat, Round};
pub use keys::{KeyGroup, KeySpec, key_groups};
pub use merge::glob;
pub use paging::{
    CursorBounds, CursorPaging, LastIdPaging, LinkHeaderPaging, NextUrlPaging, OffsetPaging, PagePaging,
    Paging,
};
pub use push::PushSpec;
pub use stream::{CustomFieldsSpec, DerivedFrom, PartitionBy, Since, Stated, StreamSpec, SyncMode};
pub use unified::{Source, UnifiedSpec};

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
    /// How the credential travels, where facts can say it.
    pub auth: Option<AuthFacts>,
    /// Headers of every request, by name; none of them a credential.
    pub headers: Vec<(String, String)>,
    /// Origins by the word of a setting, where the vendor has several.
    pub hosts: IndexMap<String, String>,
    /// What a probe tries where the facts prove wrong.
    pub alternatives: Vec<Alternative>,
    /// A cheap request that proves reachability and credential.
    pub check: CheckSpec,
    /// The streams, in the order of the file.
    pub streams: IndexMap<String, StreamSpec>,
    /// What is known about writing, by target.
    pub push: IndexMap<String, PushSpec>,
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
        file::read(merged(facts, corrections)?)
    }

    /// How the credential travels to a stream's endpoint; none where the facts do not say.
    pub fn auth_of<'a>(&'a self, stream: &'a StreamSpec) -> Option<&'a HeaderAuth> {
        stream.auth.as_ref().or(self.header_auth())
    }

    /// What a credential must be allowed to do for an export, where the vendor has a word for it.
    pub fn scope(&self) -> Option<&str> {
        match self.auth.as_ref()? {
            AuthFacts::Header(HeaderAuth { scope, .. }) | AuthFacts::ClientCredentials { scope, .. } => {
                scope.as_deref()
            }
            AuthFacts::None | AuthFacts::Basic(_) | AuthFacts::Query { .. } => None,
        }
    }

    /// How credentials travel: to the endpoints of the file, and to those that have one of another kind or another header.
    pub fn auths(&self) -> Vec<AuthFacts> {
        let file = self.auth.clone();
        file.into_iter().chain(self.streams.values().filter_map(StreamSpec::signed_with)).collect()
    }

    /// How the credential travels, where that is a header.
    pub fn header_auth(&self) -> Option<&HeaderAuth> {
        match &self.auth {
            Some(AuthFacts::Header(header)) => Some(header),
            _ => None,
        }
    }

    /// Reads facts that are TOML already.
    ///
    /// # Errors
    /// As [`ConnectorSpec::parse`].
    pub fn read(table: toml::Table) -> Result<Self, SpecError> {
        file::read(table)
    }

    /// The words of types that a column's notation takes, with what each holds.
    pub fn column_types() -> impl Iterator<Item = (&'static str, &'static str)> {
        crate::column::described()
    }

    /// The columns of a unified table that a `unified` block may fill, with the types that fit them.
    pub fn unified_columns(table: userhaul_record::Table) -> Vec<(String, &'static str)> {
        let columns = unified::settable(table).into_iter();
        columns.map(|(name, kind)| (name, unified::fits(&kind))).collect()
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

/// The facts as a table, with a user's corrections over them: every key and its type checked, not yet the facts against
/// each other.
///
/// # Errors
/// When the text is not TOML, or a key or its type is wrong.
pub fn merged(facts: &str, corrections: Option<&toml::Table>) -> Result<toml::Table, SpecError> {
    let mut table: toml::Table =
        toml::from_str(facts).map_err(|error| SpecError::at("connector.toml", error.message()))?;
    if let Some(corrections) = corrections {
        let before = table.clone();
        merge::correct(&mut table, corrections)?;
        push::check(&before, &table)?;
    }
    shape::check(&table)?;
    Ok(table)
}
