//! The way back: rows of a file to a target of a vendor.
//!
//! Everything about a vendor is the target's; all HTTP is the client's. The invariant: a record is remembered as pushed only
//! when the vendor has answered that it was applied, and a request that must not arrive twice is never sent twice unseen.

mod cells;
mod custom;
mod finish;
mod gather;
mod read;
mod record;
mod send;
mod state;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use userhaul_connector::{
    code::Code,
    push::{Fault, Known, Mapping, Need, Options, ReadBack, SettleError, Stored, Target, TargetSpec},
};

pub use cells::rows as rows_of;
pub use custom::custom_names;
pub use record::{Change, Input, Planned, PushRecord, Pushed, Rows, Verified};

use crate::{
    progress::Progress,
    record::{ErrorRecord, RunStatus},
    source::Source,
};
use state::State;

/// A push that could not begin, or that this machine ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// Another push writes to this target.
    #[error("another push to this target is under way")]
    Locked,
    /// The state cannot be used.
    #[error("the state `{path}` cannot be used: {why}")]
    State {
        /// The file.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// A file of this machine failed.
    #[error("cannot {act} `{path}`: {source}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// What the user asks for cannot be done; nothing was sent.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The vendor's side could not be read, and must be known before anything is sent.
    #[error("the vendor's side cannot be read, which {why}: {message}")]
    Read {
        /// What needs it.
        why: &'static str,
        /// Why not.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl PushError {
    pub(crate) fn io(act: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { act, path: path.display().to_string(), source }
    }
}

/// A push to be done.
pub struct Push<'a> {
    /// The source, ready to be asked; its selected streams do not matter.
    pub source: &'a Source,
    /// Where to.
    pub target: &'a dyn Target,
    /// What the user asks for.
    pub options: &'a Options,
    /// The rows.
    pub input: &'a Input,
    /// Where their columns go.
    pub mapping: &'a Mapping,
    /// The destination's folder: exports are compared with, and state is kept below it.
    pub destination: &'a Path,
    /// UUIDv7 in its text form.
    pub run_id: &'a str,
    /// Rows that have not changed are sent too.
    pub all: bool,
    /// Nothing is sent, and nothing is remembered.
    pub dry_run: bool,
    /// What was written is read back.
    pub verify: bool,
    /// Where former values are kept.
    pub undo: Option<&'a Path>,
    /// Set when the push is to end soon.
    pub stop: &'a Arc<AtomicBool>,
    /// Somebody who watches.
    pub progress: &'a Arc<dyn Progress>,
    /// Tells the user something before it happens.
    pub say: &'a (dyn Fn(&str) + Send + Sync),
    /// The program's version.
    pub version: &'a str,
}

impl Push<'_> {
    pub(crate) fn spec(&self) -> &'static TargetSpec {
        self.target.spec()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The folder of this target's state: one an address and scope.
    pub(crate) fn folder(&self) -> PathBuf {
        use sha2::{Digest, Sha256};
        let spec = self.source.connector.spec();
        let origin = spec.base_url.as_deref().unwrap_or_default();
        let account = format!("{origin}\0{}\0{}", self.target.scope(), self.target.account());
        let hash = Sha256::digest(account.as_bytes());
        let tag: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}.{}-{tag}", self.source.name, self.spec().name);
        self.destination.join("_userhaul").join("push").join(name)
    }
}

/// Pushes.
///
/// Dropping the future leaves a journal from which the next push goes on.
///
/// # Errors
/// When nothing can be sent. What was refused, or is not known, is told by row.
pub async fn push(push: &Push<'_>) -> Result<Pushed, PushError> {
    let started_at = now();
    let folder = push.folder();
    let mut state = State::open(&folder, !push.dry_run)?;
    let mut pushed = finish::empty(push, started_at);
    let mut batch = gather::batch(push, &mut pushed.record);
    let stored = known(push, &batch, &state, &mut pushed).await?;
    let known = Known { memory: &state.memory, stored: stored.as_ref() };
    let setup = push.target.settle(&mut batch, known)?;
    gather::whole_only(push, &mut batch);
    pushed.record.warnings.extend(std::mem::take(&mut batch.notes));
    pushed.record.types.clone_from(&setup.shown);
    for line in &setup.shown {
        (push.say)(line);
    }
    if push.options.replace
        && let Some(stored) = &stored
    {
        (push.say)(&gather::losses(&batch.records, stored));
    }
    pushed.faults.append(&mut batch.faults);
    let doubts = read::doubts(push, &mut state, &batch.records, &mut pushed).await?;
    let which: Vec<usize> = (0..batch.records.len())
        .filter(|index| !doubts.contains(index))
        .filter(|&index| push.all || !state.has(&batch.records[index], push.options.replace))
        .collect();
    if push.dry_run {
        finish::plan(push, &setup, &batch.records, &which, &state, stored.as_ref(), &mut pushed);
        finish::count(push, &batch.records, &which, &mut pushed);
        return Ok(pushed);
    }
    if let Some(path) = push.undo.filter(|_| !which.is_empty()) {
        finish::undo(push, &batch.records, &which, stored, path, &mut pushed).await?;
    }
    send::all(push, &mut state, &setup, &batch.records, &which, &mut pushed).await;
    state.memory.extend(setup.learned);
    if push.verify && !push.stopped() {
        read::verify(push, &mut state, &batch.records, &which, &mut pushed).await;
    }
    // The journal says as much, and the next push reads it.
    if let Err(error) = state.save() {
        unwritten(&error, &mut pushed);
    }
    finish::count(push, &batch.records, &which, &mut pushed);
    Ok(pushed)
}

/// What must be known of the vendor's side. A dry run looks at the last export only, and so does a sample where there is one.
async fn known(
    push: &Push<'_>,
    batch: &userhaul_connector::push::Batch,
    state: &State,
    pushed: &mut Pushed,
) -> Result<Option<Stored>, PushError> {
    let exported = read::exported(push);
    pushed.compared = exported.is_some();
    let need = push.target.needs(batch, &state.memory);
    if push.dry_run || batch.records.is_empty() {
        return Ok(exported);
    }
    match need {
        Need::Nothing => Ok(exported),
        Need::Sample if exported.is_some() => Ok(exported),
        Need::Sample => match read::stream(push, Some(SAMPLE), pushed).await {
            Ok(stored) => Ok(Some(stored)),
            Err((message, _)) => {
                let text = format!("what the vendor has could not be looked at: {message}");
                pushed.record.warnings.push(Code::VendorUnread.note(text));
                Ok(None)
            }
        },
        Need::All => match read::stream(push, None, pushed).await {
            Ok(stored) => Ok(Some(stored)),
            Err((message, hint)) => Err(PushError::Read { why: "this push needs", message, hint }),
        },
    }
}

/// Rows by which an attribute is taken for new or not, where there is no export.
const SAMPLE: u64 = 10_000;

/// Now, for the record alone.
pub(crate) fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "a push tells when it began and ended")]
    let now = jiff::Timestamp::now();
    now.to_string()
}

/// Ends a push early, with the first reason for it.
pub(crate) fn end_early(pushed: &mut Pushed, code: Code, message: String, hint: Option<String>) {
    if pushed.record.error.is_none() {
        pushed.record.error = Some(ErrorRecord::new(code, message, hint));
    }
}

/// Ends a push because what it knows cannot be written.
pub(crate) fn unwritten(error: &PushError, pushed: &mut Pushed) {
    let (message, hint) = match error {
        PushError::Io { act, path, source } => {
            let message = format!("cannot {act} `{path}`: {}", userhaul_storage::reason(source));
            (message, userhaul_storage::remedy(source).map(str::to_owned))
        }
        _ => (error.to_string(), None),
    };
    end_early(pushed, Code::Output, message, hint);
}

/// Faults of all rows of a record.
pub(crate) fn faults_of(record: &userhaul_connector::push::Record, fault: &Fault) -> Vec<Fault> {
    if fault.field.is_some() {
        return vec![Fault { row: Some(record.row_of(fault.field.as_deref())), ..fault.clone() }];
    }
    record.rows.iter().map(|&row| Fault { row: Some(row), ..fault.clone() }).collect()
}

/// How a push ended, by its rows.
pub(crate) fn judged(rows: &Rows, error: bool, interrupted: bool) -> RunStatus {
    let bad = rows.failed + rows.unknown + rows.not_sent;
    match (interrupted, bad > 0 || error) {
        (true, _) => RunStatus::Interrupted,
        (false, false) => RunStatus::Ok,
        (false, true) if rows.applied > 0 || (rows.unchanged > 0 && !error) => RunStatus::Partial,
        (false, true) => RunStatus::Failed,
    }
}

/// Whether the target can show what was written.
pub(crate) fn shows(target: &dyn Target) -> bool {
    !matches!(target.read_back(), ReadBack::No(_))
}
