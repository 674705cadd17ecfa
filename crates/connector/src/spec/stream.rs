//! The facts about one stream.

use std::time::Duration;

use indexmap::IndexMap;

use super::{AuthFacts, Axis, DateFormat, Fallback, HeaderAuth, Paging, UnifiedSpec};
use crate::{
    column::Column,
    decode::{Alias, TableLayout},
};

/// Everything that is known about a stream.
#[derive(Debug, Clone)]
pub struct StreamSpec {
    /// Its name, which is its table's.
    pub name: String,
    /// One sentence on what a row is.
    pub about: String,
    /// The vendor's documentation.
    pub docs: String,
    /// Which assumption of the reference it rests on, where the vendor does not publish it.
    pub assumption: Option<String>,
    /// Whether it is left out unless a user names it.
    pub experimental: bool,
    /// The path below the base URL, with `{param}` placeholders. Empty for a derived stream.
    pub path: String,
    /// Parameters of every request.
    pub params: Vec<(String, String)>,
    /// Sets of parameters by name, which the connector sends where a setting or a walk asks for them.
    pub on_demand: IndexMap<String, Vec<(String, String)>>,
    /// How the credential travels to this endpoint.
    pub auth: Option<HeaderAuth>,
    /// The credential of this endpoint, where it is of a kind of its own.
    pub own_auth: Option<AuthFacts>,
    /// Where the rows are: pointers, tried in order; see [`DecodeOptions::items`](crate::decode::DecodeOptions::items).
    pub items: Vec<String>,
    /// Whether an answer is one row.
    pub single: bool,
    /// Statuses that mean that there are no rows.
    pub empty: Vec<u16>,
    /// How pages follow each other.
    pub paging: Paging,
    /// Whether the facts say how; where they do not, one answer is taken for everything.
    pub paging_stated: Stated,
    /// Along what it is cut into slices.
    pub axes: Vec<Axis>,
    /// Along what else, where the server refuses that.
    pub fallback: Option<Fallback>,
    /// How its table is cut into files.
    pub partition: PartitionBy,
    /// The column by which it is read incrementally.
    pub cursor: Option<String>,
    /// The column that tells which of two rows with one key is newer.
    pub version: Option<String>,
    /// How it is kept up to date.
    pub mode: SyncMode,
    /// How far back an incremental run reads again what earlier runs have read: late rows and late edits.
    pub look_back: Duration,
    /// After how long everything is read again; none for never.
    pub full_every: Option<Duration>,
    /// How only changed rows are asked for between two full passes.
    pub since: Option<Since>,
    /// Whether rows that no longer come are kept: the list may be partial, or rows leave one window for another.
    pub keeps_absent: bool,
    /// Its table.
    pub table: TableLayout,
    /// Which field is `_key` where the primary key proves not to be unique; where a row has no such field, a hash of it.
    pub generic_key: Option<String>,
    /// Streams whose tables `unify` reads.
    pub needs: Vec<String>,
    /// Custom fields.
    pub custom_fields: Option<CustomFieldsSpec>,
    /// Where its rows are, if they are a pointer below another stream's.
    pub derived: Option<DerivedFrom>,
    /// The unified records that its rows become, as far as facts say so.
    pub unified: Vec<UnifiedSpec>,
}

/// Whether a fact was written down. Facts that say the same are the same, so that it does not show in what they are
/// compared by, which is their `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stated(pub bool);

impl std::fmt::Debug for Stated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

/// How a stream is kept up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Read whole each time.
    FullRefresh,
    /// Read in windows, with a look-back.
    Incremental,
}

impl SyncMode {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullRefresh => "full_refresh",
            Self::Incremental => "incremental",
        }
    }
}

/// The filter of a list for rows that were changed at or after an instant. Rows that are gone show only in a full pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The parameter.
    pub param: String,
    /// How the instant is written.
    pub format: DateFormat,
    /// How much earlier than the end of the last pass it is.
    pub overlap: Duration,
}

/// How a table is cut into files. Fixed for ever: a row must never move from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionBy {
    /// One file.
    One,
    /// One file a value of this column, a property or another given one.
    Value(String),
    /// One file a month (UTC) of this column, an instant or day that never changes for a row.
    Month(String),
    /// Sixteen files, by a hash of the primary key.
    Bucket,
}

/// A stream that is a pointer below the rows of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedFrom {
    /// The other stream.
    pub stream: String,
    /// The vendor's name of its field, or `object/member`; empty where the engine fills the table (ids that are gone).
    pub field: String,
    /// For each given column of the table, the vendor's name of the parent's field that it repeats.
    pub inherits: Vec<String>,
    /// Whether the field holds one row and not an array.
    pub single: bool,
}

/// Where the names of a stream's custom fields are defined.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomFieldsSpec {
    /// The stream of their definitions.
    pub from: String,
    /// The column of it that holds a name; where it is empty, any text of the definition that looks like one is taken.
    pub name: String,
    /// The vendor's name of the map column that takes their values.
    pub column: String,
}

impl StreamSpec {
    /// The streams that must be read before this one: parents, definitions of custom fields, lookups.
    pub fn depends_on(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.needs.iter().map(String::as_str).collect();
        names.extend(self.custom_fields.iter().map(|custom| custom.from.as_str()));
        names.extend(self.derived.iter().map(|derived| derived.stream.as_str()));
        let other_axes = self.fallback.iter().flat_map(|fallback| &fallback.axes);
        names.extend(self.axes.iter().chain(other_axes).filter_map(|axis| match axis {
            Axis::Parent(parent) => Some(parent.stream.as_str()),
            _ => None,
        }));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How the credential travels to its endpoint, where that is not as to the others.
    pub fn signed_with(&self) -> Option<AuthFacts> {
        self.own_auth.clone().or_else(|| self.auth.clone().map(AuthFacts::Header))
    }

    /// Whether it is read without the other stream, unless the server refuses the first way of asking.
    pub fn only_otherwise(&self, other: &str) -> bool {
        let first_way = Self { fallback: None, ..self.clone() };
        self.depends_on().contains(&other) && !first_way.depends_on().contains(&other)
    }

    /// The window axis, where there is one.
    pub fn window(&self) -> Option<&super::WindowAxis> {
        self.axes.iter().find_map(|axis| match axis {
            Axis::Window(window) => Some(window),
            _ => None,
        })
    }

    /// The sets of parameters that it is read with in turn; empty where there is only one.
    pub fn passes(&self) -> &[super::Pass] {
        let passes = self.axes.iter().find_map(|axis| match axis {
            Axis::Passes(passes) => Some(passes.as_slice()),
            _ => None,
        });
        passes.unwrap_or_default()
    }

    /// The parent axis, where there is one.
    pub fn parent(&self) -> Option<&super::ParentAxis> {
        self.axes.iter().find_map(|axis| match axis {
            Axis::Parent(parent) => Some(parent),
            _ => None,
        })
    }

    /// The parameters of that name; none where the facts have no such set.
    pub fn on_demand(&self, name: &str) -> &[(String, String)] {
        self.on_demand.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// All columns of the vendor's table but the lineage: name, type, documentation.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.table.given.iter().chain(&self.table.columns).chain(&self.table.computed)
    }

    /// The stream as it is asked for where a status refuses the first way; none where there is no other.
    pub fn otherwise(&self, status: Option<u16>) -> Option<Self> {
        let fallback = self
            .fallback
            .as_ref()
            .filter(|way| status.is_some_and(|status| way.statuses.contains(&status)))?;
        Some(Self { axes: fallback.axes.clone(), fallback: None, ..self.clone() })
    }

    /// The stream with a key that any row has, where the facts provide for one: `_key` below what the request gives.
    pub fn with_generic_key(&self) -> Option<Self> {
        let mut other = self.clone();
        other.table.synthetic_key = Some(other.generic_key.take()?);
        other.table.primary_key = other.table.given.iter().map(|column| column.name.clone()).collect();
        other.table.primary_key.push("_key".to_owned());
        Some(other)
    }

    /// Adds another name for a field.
    pub fn alias(&mut self, field: &str, path: &str) {
        self.table.aliases.push(Alias { field: field.to_owned(), path: path.to_owned() });
    }
}
