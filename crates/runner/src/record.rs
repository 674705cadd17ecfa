//! The record of a run (contract section 5).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRecord {
    /// UUIDv7 in its text form.
    pub run_id: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// How it ended.
    pub status: RunStatus,
    /// The program's version.
    pub version: String,
    /// The sources by name.
    pub sources: IndexMap<String, SourceRecord>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Everything asked for was done.
    Ok,
    /// Some of it.
    Partial,
    /// Nothing of it.
    Failed,
    /// A signal ended it.
    Interrupted,
}

/// One source of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The streams by name.
    pub streams: IndexMap<String, StreamRecord>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamStatus {
    /// Its table is committed and proven complete.
    Ok,
    /// Its rows are merged in, but it is not known that they are all.
    Unproven,
    /// Nothing was committed, or not everything.
    #[default]
    Failed,
}

/// What is known about the completeness of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// All rows there are.
    Complete,
    /// All rows of the range that was asked for.
    CompleteForScope,
    /// Not known.
    #[default]
    Unproven,
}

/// One stream of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StreamRecord {
    /// How it ended.
    pub status: StreamStatus,
    /// What is known about its completeness.
    pub completeness: Completeness,
    /// Why it is not complete.
    pub reason: Option<String>,
    /// `full_refresh` or `incremental`.
    pub mode: String,
    /// Rows of the table after the run.
    pub rows: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests that repeated a failed one.
    pub retries: u64,
    /// Answers 429.
    pub throttled: u64,
    /// Bytes of bodies on the wire.
    pub bytes_received: u64,
    /// Bytes of the files written.
    pub bytes_written: u64,
    /// Files written, unified ones included.
    pub files: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Time of it that was spent waiting for the quota, over all requests in flight.
    pub waited_on_quota_seconds: f64,
    /// Fields without a column, with the number of rows that had them.
    pub new_fields: IndexMap<String, u64>,
    /// Values that did not fit their column, by column.
    pub type_mismatches: IndexMap<String, u64>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Why it failed.
    pub error: Option<ErrorRecord>,
    /// The cursor's largest value before the run, RFC 3339.
    pub cursor_before: Option<String>,
    /// The cursor's largest value after the run, RFC 3339.
    pub cursor_after: Option<String>,
}

/// Why a stream failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// A word that scripts may look for.
    pub code: String,
    /// What, where and why.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl RunRecord {
    /// How the run ended, by its streams: everything, some or nothing committed.
    pub fn judge(&self) -> RunStatus {
        let streams = || self.sources.values().flat_map(|source| source.streams.values());
        if streams().all(|stream| stream.status == StreamStatus::Ok) {
            RunStatus::Ok
        } else if streams().any(|stream| stream.status != StreamStatus::Failed || stream.files > 0) {
            RunStatus::Partial
        } else {
            RunStatus::Failed
        }
    }
}
