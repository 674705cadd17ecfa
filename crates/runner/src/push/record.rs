//! What a push tells about itself.

use serde::{Deserialize, Serialize};
use userhaul_connector::push::{Fault, Value};

use crate::record::{Command, ErrorRecord, RunStatus, Warnings};

/// One push.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushRecord {
    /// UUIDv7 in its text form.
    pub run_id: String,
    /// The source's name.
    pub source: String,
    /// The target's name.
    pub target: String,
    /// The scope; none where the target has none.
    pub scope: Option<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// Always a push.
    pub command: Command,
    /// How it ended.
    pub status: RunStatus,
    /// The program's version.
    pub version: String,
    /// Whether nothing was sent because nothing was to be.
    pub dry_run: bool,
    /// The rows of the input by what became of them.
    pub rows: Rows,
    /// Requests sent, those that read included.
    pub requests: u64,
    /// Requests that repeated a failed one.
    pub retries: u64,
    /// Answers 429.
    pub throttled: u64,
    /// Definitions sent.
    pub definitions: u64,
    /// What `--verify` found.
    pub verified: Option<Verified>,
    /// What was inferred and shown first.
    pub types: Vec<String>,
    /// What the user should know.
    #[serde(flatten)]
    pub warnings: Warnings,
    /// Why it ended early.
    pub error: Option<ErrorRecord>,
}

/// The rows of an input by what became of them. Each row counts once, but for `merged`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Rows of the input.
    pub read: u64,
    /// Rows that share their key with an earlier one.
    pub merged: u64,
    /// Rows whose content the vendor has already, by what was pushed last.
    pub unchanged: u64,
    /// Rows that were applied; in a dry run, that would be sent.
    pub applied: u64,
    /// Rows that were refused, by us or by the vendor, in whole or in part.
    pub failed: u64,
    /// Rows of which it is not known whether they were applied.
    pub unknown: u64,
    /// Rows that were not sent, because the push ended early.
    pub not_sent: u64,
}

/// What reading back showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Values that are as they were written.
    pub same: u64,
    /// Values that are not.
    pub different: u64,
    /// Values that the vendor does not show.
    pub not_shown: u64,
}

/// A change that a dry run found.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The first row of the record.
    pub row: u64,
    /// What it is known by.
    pub key: String,
    /// The field.
    pub field: String,
    /// The value of the last export, as JSON; none where that does not show it.
    pub before: Option<String>,
    /// The value to be written, as JSON.
    pub after: String,
}

/// A request that a dry run would send.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The verb.
    pub method: &'static str,
    /// The path with its parameters.
    pub path: String,
    /// Headers, secrets masked.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// How many records it carries.
    pub records: usize,
}

/// A push and all that comes of it.
#[derive(Debug)]
pub struct Pushed {
    /// What it tells about itself.
    pub record: PushRecord,
    /// What did not get there, by row.
    pub faults: Vec<Fault>,
    /// The requests of a dry run.
    pub planned: Vec<Planned>,
    /// The changes against the last export, in a dry run.
    pub changes: Vec<Change>,
    /// Whether there is an export to compare with.
    pub compared: bool,
}

/// The rows of a file, read as values.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, a value a column.
    pub rows: Vec<Vec<Value>>,
}
