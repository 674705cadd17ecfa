//! Tables rebuilt from the archive: the archived runs once more, one after the other, in a place of their own; then what
//! came of it is published.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use indexmap::IndexMap;
use userhaul_connector::spec::ConnectorSpec;
use userhaul_sink::Compression;

use super::{
    chain::{self, Chains},
    notes::{Summary, short_hash},
    publish::{Outcome, Publication},
    shelf::Shelf,
    tape::{Archive, rules_of},
};
use crate::{
    error::StreamError,
    progress::{NoProgress, Progress},
    record::{Command, ErrorRecord, RunRecord, RunStatus, SourceRecord, StreamRecord},
    run::{self, RunError},
    source::{RunOptions, Source},
    stop::Stop,
    stream,
    tables::Folders,
};

/// What a replay is to do.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// The id of the replay itself, a UUIDv7 in its text form.
    pub run_id: String,
    /// When the replay began, in microseconds since 1970.
    pub now: i64,
    /// The destination's folder.
    pub destination: PathBuf,
    /// The codec of data files.
    pub compression: Compression,
    /// The archived run whose tables are wanted; the latest for each stream by default.
    pub run: Option<String>,
    /// Whether a stream without an archive is a failure, because it was asked for by name.
    pub strict: bool,
    /// Whether a snapshot may lose more than half of its rows.
    pub allow_shrink: bool,
}

/// Rebuilds the tables of the selected streams from archived answers, under the facts in force, without a request.
///
/// A table is replaced only where the archive reaches back to a full pass and every answer was found; elsewhere the rows
/// are merged in. Dropping the future leaves every table as it was or as it will be.
///
/// # Errors
/// When the destination cannot be written to, or another run writes to it. A stream that fails is told in the record.
pub async fn replay(
    sources: &[Source],
    options: &ReplayOptions,
    version: &str,
    progress: &Arc<dyn Progress>,
) -> Result<RunRecord, RunError> {
    let started_at = run::wall_clock();
    let _lock = run::lock(&options.destination)?;
    let folders = Folders::new(&options.destination, &options.run_id);
    folders.sweep(sources.iter().map(|source| source.name.as_str()), options.now);
    let mut record = RunRecord {
        run_id: options.run_id.clone(),
        started_at,
        finished_at: String::new(),
        command: Command::Replay,
        status: RunStatus::Failed,
        version: version.to_owned(),
        sources: IndexMap::new(),
        unified: IndexMap::new(),
    };
    for source in sources {
        let streams = Replay { source, options, folders: &folders, progress }.run().await?;
        record.sources.insert(source.name.clone(), streams);
    }
    folders.clear(options.now);
    if record.sources.values().any(|source| !source.streams.is_empty()) {
        record.unified = run::ensure_tables(&folders);
    }
    record.finished_at = run::wall_clock();
    record.status = record.judge();
    Ok(record)
}

/// The records of the archived runs, by stream and run.
type Outcomes = BTreeMap<String, BTreeMap<String, StreamRecord>>;

/// The replay of one source.
struct Replay<'a> {
    source: &'a Source,
    options: &'a ReplayOptions,
    folders: &'a Folders,
    progress: &'a Arc<dyn Progress>,
}

impl Replay<'_> {
    async fn run(&self) -> Result<SourceRecord, StreamError> {
        let source = self.source;
        let spec = source.connector.spec();
        let shelf = Shelf::new(&self.options.destination);
        let roots: BTreeSet<String> = source.selected.iter().filter_map(|name| root(spec, name)).collect();
        let chains = chain::choose(&shelf, &source.name, spec, &roots, self.options.run.as_deref())?;
        let inexact = Arc::new(Mutex::new(BTreeSet::new()));
        let mut outcomes = Outcomes::new();
        for (run_id, streams) in &chains.runs {
            self.one_run(run_id, streams, &shelf, &inexact, &mut outcomes).await;
        }
        let inexact = inexact.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut records = SourceRecord::default();
        for name in spec.streams.keys().filter(|name| roots.contains(*name)) {
            let published = self.publish(name, &chains, &outcomes, &inexact)?;
            records.streams.extend(published);
        }
        let place = |name: &String| spec.streams.get_index_of(name);
        records.streams.sort_by(|one, _, other, _| place(one).cmp(&place(other)));
        for (stream, record) in &records.streams {
            self.progress.finished(&source.name, stream, record);
        }
        Ok(records)
    }

    /// One archived run once more, with the options that it had.
    async fn one_run(
        &self,
        run_id: &str,
        streams: &BTreeMap<String, Summary>,
        shelf: &Shelf,
        inexact: &Arc<Mutex<BTreeSet<String>>>,
        outcomes: &mut Outcomes,
    ) {
        let Some(about) = streams.values().next() else { return };
        let wanted = |name: &str| streams.get(name).is_some_and(|summary| summary.wanted);
        let spec = self.source.connector.spec();
        let selected = spec.streams.values().filter(|stream| match &stream.derived {
            Some(derived) => self.source.selected.contains(&stream.name) && wanted(&derived.stream),
            None => wanted(&stream.name),
        });
        let source = Source {
            selected: selected.map(|stream| stream.name.clone()).collect(),
            start: about.start,
            // The answers are there already: in order they are found fastest.
            concurrency: 1,
            axis_settings: about.settings.clone(),
            id_files: Vec::new(),
            // Former versions are those of the visible table.
            keeps_history: false,
            archive: None,
            ..self.source.clone()
        };
        let options = RunOptions {
            run_id: run_id.to_owned(),
            now: about.now,
            destination: self.folders.scratch(),
            compression: self.options.compression,
            from: about.from,
            to: about.to,
            full: false,
            allow_shrink: true,
            limit: None,
        };
        let folders = Folders::new(&options.destination, run_id);
        let archive =
            Archive::Play { shelf: shelf.clone(), streams: streams.clone(), inexact: Arc::clone(inexact) };
        let quiet: Arc<dyn Progress> = Arc::new(NoProgress);
        let record = run::run_source(&source, (&options, &Stop::default()), &quiet, &folders, archive).await;
        folders.clear(about.now);
        for (stream, record) in record.streams {
            outcomes.entry(stream).or_default().insert(run_id.to_owned(), record);
        }
    }

    /// Publishes a stream's tables and tells what became of them.
    fn publish(
        &self,
        name: &str,
        chains: &Chains,
        outcomes: &Outcomes,
        inexact: &BTreeSet<String>,
    ) -> Result<Vec<(String, StreamRecord)>, StreamError> {
        let spec = self.source.connector.spec();
        let Some(stream) = spec.stream(name) else { return Ok(Vec::new()) };
        let derived = spec.derived_from(name).filter(|child| self.source.selected.contains(&child.name));
        let wanted: Vec<_> =
            std::iter::once(stream).filter(|_| self.source.selected.contains(name)).chain(derived).collect();
        let failed = |error: &StreamError| {
            let mut record = StreamRecord { mode: MODE.to_owned(), ..StreamRecord::default() };
            stream::fail(&mut record, error);
            wanted.iter().map(|stream| (stream.name.clone(), record.clone())).collect()
        };
        // What could not be written here was not missing in the archive: the tables stay as they are.
        if let Some(error) = unwritten(outcomes, name) {
            let mut record = StreamRecord { mode: MODE.to_owned(), ..StreamRecord::default() };
            record.error = Some(error.clone());
            return Ok(wanted.iter().map(|stream| (stream.name.clone(), record.clone())).collect());
        }
        // What is looked up stands nowhere else: rows without it would take the place of rows with it.
        let broken = |needed: &&str| unwritten(outcomes, needed).is_some();
        if let Some(needed) = stream.depends_on().into_iter().find(broken) {
            return Ok(failed(&StreamError::Needs { stream: needed.to_owned() }));
        }
        let Some(chain) = chains.made_of.get(name) else {
            let error = StreamError::not_archived(format!("nothing of `{name}`"));
            return Ok(if self.options.strict { failed(&error) } else { Vec::new() });
        };
        let summaries = || chain.runs.iter().filter_map(|run| chains.runs.get(run)?.get(name));
        let account = short_hash(&self.source.identity);
        let same_rules = summaries().all(|one| rules_of(one, &self.source.rules).1);
        let same = summaries().all(|one| one.account == account) && same_rules && !inexact.contains(name);
        let records = outcomes.get(name);
        let records: Vec<_> = chain.runs.iter().filter_map(|run| records?.get(run).cloned()).collect();
        let outcome = Outcome {
            chain,
            begins_whole: chain.begins_whole && summaries().next().is_some(),
            records: &records,
            same_rules,
            same,
        };
        let publication = Publication {
            source: self.source,
            options: self.options,
            folders: self.folders,
            scratch: Folders::new(&self.folders.scratch(), &self.options.run_id),
            stream,
            wanted: &wanted,
        };
        Ok(publication.publish(&outcome).unwrap_or_else(|error| failed(&error)))
    }
}

/// What the record calls a replay.
pub(crate) const MODE: &str = "replay";

/// Why a stream's table could not be built, where that was for want of room or the like.
fn unwritten<'a>(outcomes: &'a Outcomes, stream: &str) -> Option<&'a ErrorRecord> {
    let records = outcomes.get(stream).into_iter().flat_map(BTreeMap::values);
    records.filter_map(|record| record.error.as_ref()).find(|error| error.code == "output")
}

/// The stream that is read for a table.
fn root(spec: &ConnectorSpec, name: &str) -> Option<String> {
    let stream = spec.stream(name)?;
    Some(stream.derived.as_ref().map_or(name, |derived| derived.stream.as_str()).to_owned())
}
