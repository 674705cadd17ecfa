//! What a target is: a place at a vendor that rows are written to.

use std::collections::{BTreeMap, HashMap};

use super::{
    call::{Answer, Call, Verdict},
    field::FieldSpec,
    value::Value,
};
use crate::{
    code::{Code, Note},
    settings::{Settings, SettingsError},
    spec::ConnectorSpec,
};

/// A target as the registry knows it.
#[derive(Debug, Clone, Copy)]
pub struct TargetSpec {
    /// Its name behind the source's.
    pub name: &'static str,
    /// One sentence on what is written, without a full stop.
    pub about: &'static str,
    /// The fields that it takes.
    pub fields: &'static [FieldSpec],
    /// Names besides the declared fields.
    pub open: Open,
    /// Fields that only the vendor writes: columns of these names are left out without a word.
    pub read_only: &'static [&'static str],
    /// Whether `--replace` means something, and what: a phrase that follows "`--replace`".
    pub replaces: Option<&'static str>,
    /// Whether nothing is sent without `--yes`, and why: a phrase that follows "needs `--yes`:".
    pub confirm: Option<&'static str>,
    /// Whether `--scope` means something.
    pub scoped: bool,
    /// The stream whose table shows what was written.
    pub stream: Option<&'static str>,
    /// Whether the vendor takes its time until what was written is shown.
    pub eventual: bool,
    /// Makes one for a source.
    pub build: BuildTarget,
}

/// Makes a target of a source's facts and settings.
pub type BuildTarget = fn(&ConnectorSpec, &Settings, &Options) -> Result<Box<dyn Target>, SettingsError>;

/// Which names a target takes besides its declared fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// None.
    Closed,
    /// Every other column is one.
    All,
    /// Columns `PREFIX.NAME`, and the members of the field `PREFIX`.
    Below(&'static str),
    /// Columns that are custom fields of the account, as this stream lists them, and what the user maps.
    Custom(&'static str),
}

/// What the user asks for, besides the rows.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `company` or `property:ID`.
    pub scope: Option<String>,
    /// What is not named is removed.
    pub replace: bool,
    /// Types of open names, over what is inferred.
    pub types: BTreeMap<String, String>,
    /// Display names of open names.
    pub names: BTreeMap<String, String>,
    /// Users that the vendor does not know are refused.
    pub known_users_only: bool,
    /// A type may change.
    pub type_changes: bool,
}

/// One row of the input, mapped: values that say nothing are left out.
#[derive(Debug, Clone, Default)]
pub struct RowFields {
    /// Its number, from 1.
    pub row: u64,
    /// Declared fields, by index, with their values as they came.
    pub fields: Vec<(usize, Value)>,
    /// Open names.
    pub open: Vec<(String, Value)>,
    /// The names of fields to clear.
    pub clear: Vec<String>,
}

impl RowFields {
    /// The declared fields, each taken or refused by its kind.
    ///
    /// # Errors
    /// One fault a field that is refused.
    pub fn checked(&self, spec: &TargetSpec) -> Result<Vec<Entry>, Vec<Fault>> {
        let mut entries = Vec::new();
        let mut faults = Vec::new();
        for (index, value) in &self.fields {
            let field = &spec.fields[*index];
            match field.kind.take(value) {
                Ok(value) => entries.push(Entry { name: field.name.to_owned(), value, row: self.row }),
                Err(reason) => {
                    faults.push(Fault::of_row(self.row, Some(field.name), Code::InvalidValue, reason))
                }
            }
        }
        if faults.is_empty() { Ok(entries) } else { Err(faults) }
    }
}

/// A name and its value, with the row that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The field.
    pub name: String,
    /// Its value, as it is sent.
    pub value: Value,
    /// The row, from 1.
    pub row: u64,
}

/// All that the input says of one thing at the vendor: a user, a company, a membership.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// What it is known by; never kept in the clear.
    pub key: String,
    /// What is written, in order, each name once.
    pub fields: Vec<Entry>,
    /// Names of fields to clear.
    pub clear: Vec<String>,
    /// The rows that it came from, in order.
    pub rows: Vec<u64>,
}

impl Record {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
    }

    /// The text of a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// The row that a field came from; the last row where the field is not there.
    pub fn row_of(&self, name: Option<&str>) -> u64 {
        let named = name.and_then(|name| self.fields.iter().find(|entry| entry.name == name));
        named.map(|entry| entry.row).or(self.rows.last().copied()).unwrap_or_default()
    }
}

/// Why a row, or a value of it, did not get there. Holds nothing of the row itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The row, from 1; none where the fault is not of one row.
    pub row: Option<u64>,
    /// The record, by its index, for verdicts.
    pub record: Option<usize>,
    /// The key of the record that is now incomplete, for faults before sending.
    pub key: Option<String>,
    /// The field.
    pub field: Option<String>,
    /// A word that scripts may look for.
    pub code: Code,
    /// The vendor's reason, or ours.
    pub reason: String,
    /// The status of the answer.
    pub status: Option<u16>,
}

impl Fault {
    /// A fault that was found before sending.
    pub fn of_row(row: u64, field: Option<&str>, code: Code, reason: impl Into<String>) -> Self {
        Self {
            row: Some(row),
            record: None,
            key: None,
            field: field.map(str::to_owned),
            code,
            reason: reason.into(),
            status: None,
        }
    }

    /// A record's fault, from an answer.
    pub fn of_record(record: usize, field: Option<&str>, code: Code, reason: impl Into<String>) -> Self {
        Self {
            row: None,
            record: Some(record),
            key: None,
            field: field.map(str::to_owned),
            code,
            reason: reason.into(),
            status: None,
        }
    }

    /// The same, with the key of what is incomplete by it.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// What is to be pushed, in the making.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The records, each key once.
    pub records: Vec<Record>,
    /// What is refused already.
    pub faults: Vec<Fault>,
    /// What the user should know.
    pub notes: Vec<Note>,
}

/// What a target keeps in mind from one push to the next: for attributes, their types. No personal data.
pub type Memory = BTreeMap<String, String>;

/// What is known of the vendor's side before anything is sent.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What earlier pushes learned.
    pub memory: &'a Memory,
    /// What the vendor holds, where it has been read.
    pub stored: Option<&'a Stored>,
}

/// What a vendor holds, by the keys of records.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Fields by key. A thing with several keys stands under each.
    pub rows: HashMap<String, Seen>,
    /// All names seen on any row.
    pub names: std::collections::BTreeSet<String>,
    /// Whether all rows were read.
    pub whole: bool,
}

/// What a vendor shows of one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its fields.
    pub fields: Vec<(String, Value)>,
    /// Whether a field that is not there has no value, and is not merely left out.
    pub whole: bool,
}

impl Seen {
    /// What it shows of a field: none where it shows nothing of it either way.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        found.or(if self.whole { Some(&Value::Null) } else { None })
    }
}

/// How much of the vendor's side a target must know before it settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// Some rows of its stream.
    Sample,
    /// All rows of its stream.
    All,
}

/// What comes before the records.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Calls that must succeed first, in order.
    pub calls: Vec<Call>,
    /// Lines to show before anything is sent.
    pub shown: Vec<String>,
    /// What is remembered without a call.
    pub learned: Memory,
}

/// Why nothing can be sent; it becomes exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettleError {
    /// A lower-case phrase without a full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// How what was written can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// It cannot.
    No(
        /// Why, a phrase.
        &'static str,
    ),
    /// By the target's stream.
    Stream,
    /// One request a record.
    Record,
}

/// A place at a vendor that rows are written to. A value without I/O.
pub trait Target: Send + Sync {
    /// What the registry says of it.
    fn spec(&self) -> &'static TargetSpec;

    /// The scope in the user's words; empty where there is none.
    fn scope(&self) -> &str;

    /// What tells this account from another at the same address; not secret.
    fn account(&self) -> &str;

    /// Whether calls must follow each other.
    fn one_at_a_time(&self) -> bool;

    /// The records of a row.
    ///
    /// # Errors
    /// Why the row is refused.
    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>>;

    /// What it must know of the vendor's side.
    fn needs(&self, batch: &Batch, memory: &Memory) -> Need;

    /// Looks at all records together: types, limits, lists that must be whole.
    ///
    /// # Errors
    /// When nothing may be sent at all.
    fn settle(&self, batch: &mut Batch, known: Known<'_>) -> Result<Setup, SettleError>;

    /// The steps that the records begin with, in order: which step, and which records go together.
    fn plan(&self, records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)>;

    /// Whether a step waits until all that was planned before it is through.
    fn waits(&self, step: &'static str) -> bool;

    /// The call of a step.
    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call;

    /// What an answer means.
    fn judge(&self, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict;

    /// How a call goes on that must not be repeated and may have arrived: with a step that finds out, or not at all.
    fn doubt(&self, call: &Call) -> Option<&'static str>;

    /// What a refusal of the credential means here: 401 or 403.
    fn forbidden(&self, call: &Call, status: u16) -> Verdict;

    /// How what was written can be read.
    fn read_back(&self) -> ReadBack;

    /// The request that shows a record, for [`ReadBack::Record`].
    fn look_up(&self, record: &Record) -> Option<Call>;

    /// The fields that such a request shows; none where the record is not there.
    fn shown(&self, record: &Record, answer: Answer<'_>) -> Option<Seen>;

    /// What a row of the target's stream holds: keys of records, and fields.
    fn stored(&self, row: &[(String, Value)]) -> Vec<(Vec<String>, Seen)>;

    /// Whether a record that may have arrived has: by what the vendor shows. None where that does not tell.
    fn arrived(&self, record: &Record, seen: Option<&Seen>) -> Option<bool>;

    /// The input row, or the list of rows, that restores what was, from what the vendor showed before; none where nothing can
    /// be restored.
    fn undo(&self, record: &Record, before: Option<&Seen>) -> Option<Value>;
}
