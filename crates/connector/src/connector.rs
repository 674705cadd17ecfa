//! What a connector is.

use userhaul_record::Unified;

use crate::{
    auth::AuthSpec,
    pager::{Cursor, LastId, Linked, PageNumber, Pager, Single, Unknown},
    rows::{Rows, UnifyError},
    settings::{SettingSpec, Settings, SettingsError},
    spec::{ConnectorSpec, Paging, SpecError, StreamSpec},
};

/// A source's facts, and what facts cannot say: authentication, odd paging, and how its rows become unified records.
///
/// A connector is a value without I/O: nothing in it is async.
pub trait Connector: Send + Sync {
    /// The facts, with the user's corrections and settings applied.
    fn spec(&self) -> &ConnectorSpec;

    /// How requests of a stream are signed.
    fn auth(&self, stream: &StreamSpec) -> AuthSpec;

    /// How a stream's pages are walked.
    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        pager_of(stream)
    }

    /// The values of the stream's computed columns, in their order; not called for streams without any.
    ///
    /// # Errors
    /// When a column is not there: a bug of the connector.
    fn compute(&self, stream: &StreamSpec, rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError>;

    /// Turns vendor rows into unified records.
    ///
    /// # Errors
    /// When a column is not there: a bug of the connector.
    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError>;
}

/// The values of one computed column.
#[derive(Debug, Clone, PartialEq)]
pub enum Computed {
    /// Texts.
    Text(Vec<Option<String>>),
    /// Doubles.
    Double(Vec<Option<f64>>),
}

/// A connector as the registry knows it.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// Its name in the configuration.
    pub name: &'static str,
    /// The text of its `connector.toml`.
    pub facts: &'static str,
    /// The keys that it takes besides those that every source takes.
    pub settings: &'static [SettingSpec],
    /// The streams that it makes unified records of, by table: for the documentation, and for tables without rows.
    pub unifies: &'static [(&'static str, &'static [userhaul_record::Table])],
    /// The vendor's words that have a word of ours: what unifying goes by, and what the documentation shows.
    pub words: &'static [Words],
    /// What can be written to it.
    pub targets: &'static [crate::push::TargetSpec],
    /// Turns what a user writes under `wire` into corrections of the facts; [`as_facts`] where it is such already.
    pub wire: fn(toml::Table) -> Result<toml::Table, SpecError>,
    /// Makes one for a source.
    pub build: Build,
}

/// The words of a vendor's column that become words of a unified column.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The stream.
    pub stream: &'static str,
    /// The column of its table.
    pub column: &'static str,
    /// The column of the unified table.
    pub into: &'static str,
    /// Each of the vendor's words with ours.
    pub pairs: &'static [(&'static str, &'static str)],
}

impl Words {
    /// Our word for the vendor's; none where there is none.
    pub fn ours(&self, word: &str) -> Option<&'static str> {
        self.pairs.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours)
    }
}

/// For [`Registration::wire`]: corrections have the shape of `connector.toml`.
///
/// # Errors
/// Never.
pub fn as_facts(corrections: toml::Table) -> Result<toml::Table, SpecError> {
    Ok(corrections)
}

/// Makes a connector of its facts and a source's settings.
pub type Build = fn(ConnectorSpec, &Settings) -> Result<Box<dyn Connector>, SettingsError>;

/// The walk that a stream's facts ask for.
pub fn pager_of(stream: &StreamSpec) -> Box<dyn Pager> {
    let split_above = stream.window().and_then(|window| window.split_above_pages);
    match &stream.paging {
        Paging::None => Box::new(Single),
        Paging::PageNumber(paging) => Box::new(PageNumber::new(paging, split_above)),
        Paging::Offset(paging) => Box::new(PageNumber::by_offset(paging, split_above)),
        Paging::LastId(paging) => Box::new(LastId::new(paging)),
        Paging::NextUrl(paging) => Box::new(Linked::in_page(paging)),
        Paging::LinkHeader(paging) => Box::new(Linked::in_header(paging)),
        Paging::Cursor(paging) => Box::new(Cursor::new(paging)),
        Paging::Unknown => Box::new(Unknown::new()),
    }
}
