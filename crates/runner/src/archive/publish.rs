//! What a replay has built, into the visible tables.
//!
//! A table that is all there takes the place of the visible one, file by file. Rows that may be a part of them are merged
//! in, and nothing is removed: rows that the archive cannot rebuild are never lost.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use userhaul_connector::{
    code::Code,
    spec::{StreamSpec, SyncMode},
};
use userhaul_record::Table;

use super::{
    chain::Chain,
    replay::{MODE, ReplayOptions},
    tape::Archive,
};
use crate::{
    cover::Covers,
    error::StreamError,
    inputs,
    progress::{NoProgress, Progress},
    record::{Completeness, StreamRecord, StreamStatus, Warnings},
    shrink::SHRINK_FLOOR,
    source::{RunOptions, Source},
    state::{Loaded, StateStore, StreamState},
    stop::Stop,
    stream::SourceRun,
    tables::{self, Folders},
    writer::{Before, Replace, TableWriter, Written},
};

/// What came of the archived runs.
pub(crate) struct Outcome<'a> {
    pub(crate) chain: &'a Chain,
    /// Whether the runs give all of the table.
    pub(crate) begins_whole: bool,
    /// The records of the runs, in order.
    pub(crate) records: &'a [StreamRecord],
    /// Whether the answers were kept under the privacy rules of now.
    pub(crate) same_rules: bool,
    /// Whether the next run may go on from the rebuilt checkpoint.
    pub(crate) same: bool,
}

impl Outcome<'_> {
    /// Whether every run gave all its rows.
    fn is_done(&self) -> bool {
        self.records.len() == self.chain.runs.len()
            && self.records.iter().all(|record| record.status == StreamStatus::Ok)
    }
}

/// How built tables come over the visible ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Their files take the place of the visible ones.
    Files,
    /// Their rows are all there are; what is gone is marked, and former versions are kept.
    Rows,
    /// Their rows are merged in.
    Merge,
}

/// One stream's tables on their way.
pub(crate) struct Publication<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a ReplayOptions,
    pub(crate) folders: &'a Folders,
    pub(crate) scratch: Folders,
    pub(crate) stream: &'a StreamSpec,
    /// The stream and those derived from it, as far as their tables are wanted.
    pub(crate) wanted: &'a [&'a StreamSpec],
}

impl Publication<'_> {
    pub(crate) fn publish(&self, outcome: &Outcome<'_>) -> Result<Vec<(String, StreamRecord)>, StreamError> {
        let live = self.folders.table(&self.source.name, &self.stream.name, true);
        let built = self.scratch.table(&self.source.name, &self.stream.name, true);
        let mut record = summed(outcome);
        if tables::files(&built)?.is_empty() {
            return Ok(self.told(&record));
        }
        let store = StateStore::new(&self.options.destination);
        let known = match store.load(&self.source.name, &self.stream.name)? {
            Loaded::Found(state) => Some(*state),
            Loaded::Absent | Loaded::Damaged => None,
        };
        self.not_ahead(&live, known.as_ref(), outcome)?;
        let before = tables::count_live(&live)?;
        let done = outcome.is_done();
        let whole = done && outcome.begins_whole;
        let over = self.over(whole, tables::count(&live)?);
        if before > 0 && over != Over::Merge {
            self.not_shrunk(before, &built)?;
        }
        let own = self.wanted.iter().any(|stream| stream.name == self.stream.name);
        if own && over != Over::Merge {
            // Between the first file and the checkpoint there is none: a kill in between costs a full pass.
            store.forget(&self.source.name, &self.stream.name)?;
        }
        let mut told = Vec::new();
        for stream in self.wanted {
            let written = match over {
                Over::Files => self.replace(stream)?,
                Over::Rows => self.write(stream, &Replace::All)?,
                Over::Merge => self.write(stream, &Replace::Covered(Covers::default()))?,
            };
            record.rows = written.rows;
            record.files = written.files;
            record.bytes_written = written.bytes;
            told.push((stream.name.clone(), record.clone()));
        }
        if own {
            self.save(&store, known, done && (whole || outcome.chain.reaches_back), outcome)?;
        }
        Ok(told)
    }

    /// How the built tables come over the visible ones: rows that are gone and former versions are known only there.
    fn over(&self, whole: bool, before: u64) -> Over {
        // Versions are made of rows as they are written, also where the table itself was lost.
        if before == 0 && !self.source.keeps_history {
            return Over::Files;
        }
        if !whole || self.stream.keeps_absent {
            return Over::Merge;
        }
        if self.source.marks_deleted || self.source.keeps_history { Over::Rows } else { Over::Files }
    }

    fn told(&self, record: &StreamRecord) -> Vec<(String, StreamRecord)> {
        self.wanted.iter().map(|stream| (stream.name.clone(), record.clone())).collect()
    }

    /// A table that was written after the last archived run would go back in time.
    fn not_ahead(
        &self,
        live: &Path,
        known: Option<&StreamState>,
        outcome: &Outcome<'_>,
    ) -> Result<(), StreamError> {
        let written = tables::distinct(live, "_run_id")?.into_iter();
        let written = written.chain(known.map(|state| state.run_id.clone()));
        match written.max().filter(|run_id| *run_id > outcome.chain.newest) {
            Some(run_id) => Err(StreamError::Ahead { run_id }),
            None => Ok(()),
        }
    }

    fn not_shrunk(&self, before: u64, built: &Path) -> Result<(), StreamError> {
        let rows = tables::count(built)?;
        let guarded = self.stream.mode == SyncMode::FullRefresh && before >= SHRINK_FLOOR;
        if guarded && !self.options.allow_shrink && rows * 2 < before {
            return Err(StreamError::Shrunk { rows, before });
        }
        Ok(())
    }

    /// Puts the built files in the place of the visible ones.
    fn replace(&self, stream: &StreamSpec) -> Result<Written, StreamError> {
        let mut written = Written::default();
        let built = self.scratch.table(&self.source.name, &stream.name, true);
        let live = self.folders.table(&self.source.name, &stream.name, true);
        written.rows = tables::count(&built)?;
        take_place(&built, &live, "", &mut written)?;
        let prefix = format!("{}.{}.", self.source.name, stream.name);
        for table in self.unified(stream) {
            take_place(&self.scratch.unified(table), &self.folders.unified(table), &prefix, &mut written)?;
        }
        Ok(written)
    }

    fn unified(&self, stream: &StreamSpec) -> impl Iterator<Item = Table> {
        let unifies = self.source.registration.unifies.iter().find(|(name, _)| *name == stream.name);
        unifies.map(|(_, tables)| *tables).unwrap_or_default().iter().copied()
    }

    /// Writes the built rows over the visible files.
    fn write(&self, stream: &StreamSpec, replace: &Replace) -> Result<Written, StreamError> {
        let built = self.scratch.table(&self.source.name, &stream.name, true);
        let generic = tables::has_column(&built, "_key")? == Some(true);
        let generic = stream.with_generic_key().filter(|_| generic);
        let stream = generic.as_ref().unwrap_or(stream);
        // Lookups are those of the archived runs.
        let lookups = self.as_a_run(&self.scratch, |run| inputs::lookups(run, stream))?;
        let around = self.as_a_run(self.folders, |run| Ok(inputs::surroundings(run)))?;
        let mut writer = TableWriter::new(&around, stream, true, lookups)?;
        for batch in tables::live_rows(&built, None)? {
            writer.write_kept(0, batch?, None)?;
        }
        writer.close(0, true)?;
        writer.commit(replace, Before { torn: false, behind: true })
    }

    /// Acts as a run with every table of some folders would.
    fn as_a_run<T>(
        &self,
        folders: &Folders,
        act: impl FnOnce(&SourceRun<'_>) -> Result<T, StreamError>,
    ) -> Result<T, StreamError> {
        let selected = self.source.connector.spec().streams.keys().cloned().collect();
        let source = Source { selected, ..self.source.clone() };
        let options = RunOptions {
            run_id: self.options.run_id.clone(),
            now: self.options.now,
            destination: self.options.destination.clone(),
            compression: self.options.compression,
            from: None,
            to: None,
            full: false,
            allow_shrink: false,
            limit: None,
        };
        let progress: Arc<dyn Progress> = Arc::new(NoProgress);
        act(&SourceRun {
            source: &source,
            options: &options,
            stop: &Stop::default(),
            progress: &progress,
            folders,
            store: StateStore::new(&options.destination),
            archive: Archive::Off,
            failed: BTreeSet::new(),
        })
    }

    /// The checkpoint that the archived runs would have left, where all is there; else what is known stays.
    fn save(
        &self,
        store: &StateStore,
        known: Option<StreamState>,
        whole: bool,
        outcome: &Outcome<'_>,
    ) -> Result<(), StreamError> {
        let (source, stream) = (&self.source.name, &self.stream.name);
        let built = StateStore::new(&self.folders.scratch()).load(source, stream)?;
        let rows = tables::count(&self.folders.table(source, stream, true))?;
        let state = match (built, known) {
            (Loaded::Found(state), _) if whole => {
                let identity = if outcome.same { state.identity.clone() } else { String::new() };
                StreamState { identity, rows, ..*state }
            }
            (_, Some(known)) => StreamState { rows, ..known },
            (_, None) => return Ok(()),
        };
        store.save(source, stream, &state)
    }
}

/// What the records of the archived runs come to.
fn summed(outcome: &Outcome<'_>) -> StreamRecord {
    let last = outcome.records.last().cloned().unwrap_or_default();
    let mut record = StreamRecord { mode: MODE.to_owned(), ..last };
    record.requests = 0;
    record.retries = 0;
    record.throttled = 0;
    record.bytes_received = 0;
    record.waited_on_quota_seconds = 0.0;
    record.seconds = outcome.records.iter().map(|one| one.seconds).sum();
    record.cursor_before = outcome.records.first().and_then(|one| one.cursor_before.clone());
    let mut warnings = Warnings::default();
    outcome.records.iter().for_each(|one| warnings.take_over(&one.warnings));
    if !outcome.same_rules {
        let text = "the answers were archived under other privacy rules: the next sync reads everything";
        warnings.push(Code::ArchivedOtherwise.note(text));
    } else if !outcome.same {
        let text = "the facts ask otherwise than the archived run did: the next sync reads everything";
        warnings.push(Code::ArchivedOtherwise.note(text));
    }
    record.warnings = warnings;
    let built = outcome.records.iter().any(|one| one.files > 0);
    if outcome.is_done() && outcome.chain.reaches_back {
        return record;
    }
    if built {
        let why = |one: &StreamRecord| one.reason.clone().or(one.error.as_ref());
        let reason = outcome.records.iter().find(|one| one.status != StreamStatus::Ok).and_then(why);
        let short = || Some(Code::NotArchived.note("the archive does not reach back to a full pass")).into();
        record.reason = reason.unwrap_or_else(short);
        record.status = StreamStatus::Unproven;
        record.completeness = Completeness::Unproven;
        record.error = None;
    }
    record
}

/// Renames the files of one folder whose names begin so over those of another, and removes what has no successor.
fn take_place(from: &Path, to: &Path, prefix: &str, written: &mut Written) -> Result<(), StreamError> {
    let named = |folder: &Path| -> Result<Vec<PathBuf>, StreamError> {
        let mine =
            |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        Ok(tables::files(folder)?.into_iter().filter(mine).collect())
    };
    tables::make(to)?;
    let failed = |act, path: &Path| {
        let path = path.display().to_string();
        move |source| StreamError::Folder { act, path, source }
    };
    let mut kept = Vec::new();
    for file in named(from)? {
        let Some(name) = file.file_name() else { continue };
        let target = to.join(name);
        written.bytes += std::fs::metadata(&file).map_err(failed("read", &file))?.len();
        written.files += 1;
        userhaul_storage::rename(&file, &target).map_err(failed("rename a finished file to", &target))?;
        kept.push(target);
    }
    for file in named(to)? {
        if !kept.contains(&file) {
            tables::remove(&file)?;
        }
    }
    userhaul_storage::sync_folder(to).map_err(failed("sync", to))
}
