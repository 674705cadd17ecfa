//! The record of a run (contract section 5).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use userhaul_connector::code::{Code, Note};

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRecord {
    /// UUIDv7 in its text form.
    pub run_id: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// What it was.
    #[serde(default)]
    pub command: Command,
    /// How it ended.
    pub status: RunStatus,
    /// The program's version.
    pub version: String,
    /// The sources by name.
    pub sources: IndexMap<String, SourceRecord>,
    /// Why unified tables that nobody writes have no file, by table; empty where all have one.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub unified: IndexMap<String, ErrorRecord>,
}

/// The command that made a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The sources were asked.
    #[default]
    Sync,
    /// Archived answers were read.
    Replay,
    /// Rows were written to a vendor.
    Push,
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
    #[serde(flatten)]
    pub reason: Reason,
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
    #[serde(flatten)]
    pub warnings: Warnings,
    /// Why it failed.
    pub error: Option<ErrorRecord>,
    /// The cursor's largest value before the run, RFC 3339.
    pub cursor_before: Option<String>,
    /// The cursor's largest value after the run, RFC 3339.
    pub cursor_after: Option<String>,
}

/// What the user should know: `warnings`, texts, and beside them `warning_codes`, in the same order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warnings {
    #[serde(rename = "warnings")]
    texts: Vec<String>,
    // Records of earlier versions have none.
    #[serde(rename = "warning_codes", default)]
    codes: Vec<String>,
}

impl Warnings {
    /// Adds one, as often as it is told.
    pub fn push(&mut self, note: Note) {
        self.codes.push(note.code.word().to_owned());
        self.texts.push(note.text);
    }

    /// Adds one unless it is there.
    pub fn push_new(&mut self, note: Note) {
        let known = self.iter().any(|(code, text)| code == note.code.word() && text == note.text);
        if !known {
            self.push(note);
        }
    }

    /// Adds what another record has, but for what is there.
    pub(crate) fn take_over(&mut self, others: &Self) {
        for (code, text) in others.iter() {
            if !self.iter().any(|known| known == (code, text)) {
                self.codes.push(code.to_owned());
                self.texts.push(text.to_owned());
            }
        }
    }

    /// Puts other words in the place of each text.
    pub fn reword(&mut self, words: impl Fn(&str) -> String) {
        self.texts.iter_mut().for_each(|text| *text = words(text));
    }

    /// Each with its code, which is empty in records of versions that had none.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let codes = self.codes.iter().map(String::as_str).chain(std::iter::repeat(""));
        codes.zip(self.texts.iter().map(String::as_str))
    }
}

impl Extend<Note> for Warnings {
    fn extend<T: IntoIterator<Item = Note>>(&mut self, notes: T) {
        notes.into_iter().for_each(|note| self.push(note));
    }
}

/// Why a stream is not proven complete: `reason`, a text or null, and beside it `reason_code`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    #[serde(rename = "reason")]
    text: Option<String>,
    #[serde(rename = "reason_code", default)]
    code: Option<String>,
}

impl Reason {
    /// The text; none where nothing is unproven.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The code; empty in records of versions that had none.
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }

    /// This one, or else the failure; none without either.
    pub(crate) fn or(self, error: Option<&ErrorRecord>) -> Option<Self> {
        let failed =
            error.map(|error| Self { text: Some(error.message.clone()), code: Some(error.code.clone()) });
        if self.text.is_some() { Some(self) } else { failed }
    }
}

impl From<Option<Note>> for Reason {
    fn from(note: Option<Note>) -> Self {
        let (code, text) = note.map(|note| (note.code.word().to_owned(), note.text)).unzip();
        Self { text, code }
    }
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

impl ErrorRecord {
    /// A failure with its code.
    pub fn new(code: Code, message: String, hint: Option<String>) -> Self {
        Self { code: code.word().to_owned(), message, hint }
    }
}

impl RunRecord {
    /// How the run ended, by its streams: everything, some or nothing committed.
    pub fn judge(&self) -> RunStatus {
        let streams = || self.sources.values().flat_map(|source| source.streams.values());
        if streams().all(|stream| stream.status == StreamStatus::Ok) && self.unified.is_empty() {
            RunStatus::Ok
        } else if streams().any(|stream| stream.status != StreamStatus::Failed || stream.files > 0) {
            RunStatus::Partial
        } else {
            RunStatus::Failed
        }
    }
}
