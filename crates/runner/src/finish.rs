//! The end of a stream's reading: rows into files, and the checkpoint.

use std::collections::BTreeMap;

use userhaul_connector::{code::Code, spec::StreamSpec};

use crate::{
    error::StreamError,
    grain, inputs,
    kept::Journal,
    orders::Tables,
    panics,
    reading::{self, Kind, Reading},
    record::{Completeness, StreamRecord, StreamStatus},
    shrink::{self, ByProperty, Stood},
    state::StreamState,
    stream::SourceRun,
    walk::Tally,
    writer::{Before, Replace, Written},
};

/// The end of a stream's reading: its rows into the files, then its checkpoint.
pub(crate) struct Finish<'a> {
    pub(crate) run: &'a SourceRun<'a>,
    pub(crate) stream: &'a StreamSpec,
    pub(crate) derived: &'a [&'a StreamSpec],
    pub(crate) reading: &'a Reading,
    pub(crate) tally: &'a Tally,
}

impl Finish<'_> {
    /// Commits the rows and saves the checkpoint; says in the record what became of it.
    pub(crate) async fn commit(
        &self,
        mut tables: Tables,
        record: &mut StreamRecord,
        children: &mut BTreeMap<String, Written>,
    ) -> Result<(), StreamError> {
        let Self { run, stream, derived, reading, tally } = self;
        inputs::write_missing(run, stream, derived, &mut tables, tally)?;
        let whole = tally.unproven.is_none() && record.error.is_none();
        let keeps = stream.keeps_absent && !grain::changed(run, stream)? && tables.own.fits_former()?;
        let replace = if whole && reading.kind == Kind::Full && !keeps {
            Replace::All
        } else {
            Replace::Covered(reading.covers(run, stream, tally, whole))
        };
        let lookups = tables.own.lookups_hash;
        let stood = if whole { Stood::now(run, stream, reading, tally)? } else { None };
        self.mark()?;
        let known = reading.state.as_ref();
        let before = Before {
            torn: known.is_some_and(|state| state.committing || state.lookups != lookups),
            behind: known.is_none_or(|state| state.committing || state.history.is_none()),
        };
        let commit = move || {
            tables.journal.map_or(Ok(()), Journal::end)?;
            let mut written = BTreeMap::new();
            let own = tables.own.commit(&replace, before)?;
            for (name, table) in tables.derived {
                written.insert(name, table.commit(&replace, Before { torn: false, ..before })?);
            }
            Ok::<_, StreamError>((own, written))
        };
        let committed = tokio::task::spawn_blocking(move || panics::guarded(commit));
        let (own, written) = committed.await.map_err(|_| StreamError::panicked())??;
        // The files are there by now, whatever becomes of the checkpoint.
        add(record, own);
        *children = written;
        let gone = stood.map_or(Ok(ByProperty::new()), |stood| stood.gone(tally))?;
        record.warnings.extend(shrink::held_back(&gone));
        self.save(own, (lookups, whole), gone, record)?;
        for name in derived.iter().map(|spec| &spec.name).chain([&stream.name]) {
            run.folders.forget_kept(&run.source.name, name)?;
        }
        if record.error.is_none() {
            record.status = if whole { StreamStatus::Ok } else { StreamStatus::Unproven };
            let start = run.options.from.or(run.source.start).or(run.options.to);
            let scoped = stream.window().is_some() && start.is_some() || reading.kind != Kind::Full;
            record.completeness = match (whole, scoped) {
                (false, _) => Completeness::Unproven,
                (true, true) => Completeness::CompleteForScope,
                (true, false) => Completeness::Complete,
            };
        }
        Ok(())
    }

    /// Says beforehand that some files may soon be newer than the state.
    fn mark(&self) -> Result<(), StreamError> {
        let Some(state) = self.reading.state.as_ref().filter(|_| self.reading.remembered) else {
            return Ok(());
        };
        let committing_all = self.reading.kind == Kind::Full;
        let state = StreamState { committing: true, committing_all, ..state.clone() };
        self.run.store.save(&self.run.source.name, &self.stream.name, &state)
    }

    fn save(
        &self,
        own: Written,
        (lookups, whole): (u64, bool),
        gone: ByProperty,
        record: &mut StreamRecord,
    ) -> Result<(), StreamError> {
        if !self.reading.remembered {
            return Ok(());
        }
        let Some(mut state) =
            self.reading.after(self.run, self.stream, self.derived, self.tally, (whole, gone))
        else {
            return Ok(());
        };
        (state.rows, state.history) = (own.rows, own.versions);
        state.lookups = lookups;
        if let Some(cursor) = reading::written(&state.through) {
            record.cursor_after = Some(cursor);
        }
        self.run.store.save(&self.run.source.name, &self.stream.name, &state)
    }
}

/// Tells in the record what was written.
pub(crate) fn add(record: &mut StreamRecord, written: Written) {
    record.rows = written.rows;
    record.bytes_written += written.bytes;
    record.files += written.files;
    if written.history_anew {
        let text = "the account, the privacy rules or the key have changed: the history is begun anew";
        record.warnings.push(Code::HistoryAnew.note(text));
    }
    if written.conflicts > 0 {
        record.warnings.push(Code::RowsDiffer.note(format!(
            "{} rows came twice with different content; the newer one stands",
            written.conflicts
        )));
    }
    if written.lost > 0 {
        let (rows, share) = match written.lost {
            1 => ("1 unified row".to_owned(), "shares its key"),
            rows => (format!("{rows} unified rows"), "share their keys"),
        };
        record.warnings.push(Code::UnifiedKeyRepeats.note(format!(
            "{rows} {share} with a row of another content and {}: the columns that make the key are not unique, or a `/` in \
             one of several makes two keys one",
            if written.lost == 1 { "is left out" } else { "are left out" }
        )));
    }
}
