//! A run: all sources side by side, the streams of each in the order in which they need each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use indexmap::IndexMap;
use userhaul_connector::{
    code::{Code, Note},
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::Table;
use userhaul_storage::File;

use crate::{
    archive::{self, Archive, Shelf},
    error::StreamError,
    progress::Progress,
    record::{Command, ErrorRecord, RunRecord, RunStatus, SourceRecord, StreamRecord},
    shared_keys,
    source::{RunOptions, Source},
    state::StateStore,
    stop::Stop,
    stream::{self, SourceRun},
    tables::{self, Folders},
};

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Another run writes to this destination.
    #[error("another run writes to `{path}`{holder}")]
    Locked {
        /// The destination.
        path: String,
        /// Who, where that is known, with a leading phrase.
        holder: String,
    },
    /// The destination cannot be written to.
    #[error("cannot write to `{path}`: {source}")]
    Destination {
        /// The path.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A table cannot be finished.
    #[error(transparent)]
    Table(#[from] StreamError),
}

/// Reads the selected streams of all sources into the destination.
///
/// Dropping the future leaves every table as it was or as it will be; what is in the making is swept by the next run.
///
/// # Errors
/// When the destination cannot be written to, or another run writes to it. A stream that fails is told in the record.
pub async fn sync(
    sources: &[Source],
    options: &RunOptions,
    version: &str,
    progress: &Arc<dyn Progress>,
) -> Result<RunRecord, RunError> {
    sync_until(&Stop::default(), sources, options, version, progress).await
}

/// The same, until an end is asked for: streams that are being committed are, what was read whole of the others is kept for the next
/// run, and the record has the streams that are over.
///
/// # Errors
/// As [`sync`].
pub async fn sync_until(
    stop: &Stop,
    sources: &[Source],
    options: &RunOptions,
    version: &str,
    progress: &Arc<dyn Progress>,
) -> Result<RunRecord, RunError> {
    let started_at = wall_clock();
    let _lock = lock(&options.destination)?;
    let folders = Folders::new(&options.destination, &options.run_id);
    folders.sweep(sources.iter().map(|source| source.name.as_str()), options.now);
    let shelf = Shelf::new(&options.destination);
    let runs = sources.iter().map(|source| {
        let kept = source.archive.is_some() && options.limit.is_none();
        let archive = if kept { Archive::Keep(shelf.clone()) } else { Archive::Off };
        run_source(source, (options, stop), progress, &folders, archive)
    });
    let records = futures::future::join_all(runs).await;
    for source in sources {
        if let Some(keep) = source.archive.filter(|_| options.limit.is_none()) {
            let store = StateStore::new(&options.destination);
            if let Err(error) = shelf.sweep(&source.name, options.now, keep, &store) {
                let text = format!("{}: old answers could not be removed from the archive", source.name);
                userhaul_client::warn(Code::ArchiveNotSwept, &text, &error);
            }
        }
    }
    // What no later run needs makes room for what ends this one.
    folders.clear(options.now);
    let unified = if stop.is_asked() { IndexMap::new() } else { ensure_tables(&folders) };
    let mut record = RunRecord {
        run_id: options.run_id.clone(),
        started_at,
        finished_at: wall_clock(),
        command: Command::Sync,
        status: RunStatus::Interrupted,
        version: version.to_owned(),
        sources: sources.iter().map(|source| source.name.clone()).zip(records).collect(),
        unified,
    };
    if !stop.is_asked() {
        record.status = record.judge();
    }
    Ok(record)
}

/// Forgets checkpoints, so that the next run reads everything; and removes the tables of sources that are no more.
///
/// # Errors
/// When another run is under way, or a file cannot be removed.
pub fn reset(destination: &Path, streams: &[(String, String)], removed: &[&str]) -> Result<(), RunError> {
    let _lock = lock(destination)?;
    let store = StateStore::new(destination);
    for source in removed {
        tables::remove_source(destination, source)?;
        archive::remove(destination, source)?;
    }
    // Last, so that a source whose tables could not be removed is still known.
    for (source, stream) in streams {
        Folders::new(destination, "").forget_kept(source, stream)?;
        store.forget(source, stream)?;
    }
    Ok(())
}

/// Now, for the record alone: what is read depends on [`RunOptions::now`].
pub(crate) fn wall_clock() -> String {
    #[expect(clippy::disallowed_methods, reason = "a run tells when it began and ended")]
    let now = jiff::Timestamp::now();
    now.to_string()
}

/// Takes the destination for this process. The lock dies with it.
pub(crate) fn lock(destination: &Path) -> Result<File, RunError> {
    let folder = destination.join("_userhaul");
    let failed = |source| RunError::Destination { path: destination.display().to_string(), source };
    userhaul_storage::create_folder(&folder).map_err(failed)?;
    let path = folder.join("lock");
    let mut file = userhaul_storage::edit(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            use std::io::Write;
            file.set_len(0).map_err(failed)?;
            write!(file, "{}", std::process::id()).map_err(failed)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            let holder = if holder.is_empty() { String::new() } else { format!(": process {holder}") };
            Err(RunError::Locked { path: destination.display().to_string(), holder })
        }
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Sees to it that every unified table has a file, and gives those that could not get one.
pub(crate) fn ensure_tables(folders: &Folders) -> IndexMap<String, ErrorRecord> {
    // They wait for the disk, most of the time: side by side they wait once.
    let ensured = std::thread::scope(|scope| {
        let tasks = Table::ALL.map(|table| scope.spawn(move || ensure_table(folders, table)));
        tasks.map(|task| task.join().unwrap_or_else(|_| Err(StreamError::panicked())))
    });
    let mut failed = IndexMap::new();
    for (table, ensured) in Table::ALL.into_iter().zip(ensured) {
        if let Err(error) = ensured {
            let error = ErrorRecord::new(error.code(), error.told(), error.hint());
            failed.insert(table.name().to_owned(), error);
        }
    }
    failed
}

/// A unified table that nobody writes has a file all the same, with its schema.
fn ensure_table(folders: &Folders, table: Table) -> Result<(), StreamError> {
    let folder = folders.unified(table);
    tables::make(&folder)?;
    let empty: PathBuf = folder.join("empty.parquet");
    let files = tables::files(&folder)?;
    if files.is_empty() {
        let spec = userhaul_sink::TableSpec::new(userhaul_record::schema(table));
        userhaul_sink::commit(&spec, Vec::new(), &empty, &mut |_| Ok(()))?;
    } else if files.len() > 1 && files.contains(&empty) {
        tables::remove(&empty)?;
    }
    Ok(())
}

pub(crate) async fn run_source(
    source: &Source,
    (options, stop): (&RunOptions, &Stop),
    progress: &Arc<dyn Progress>,
    folders: &Folders,
    archive: Archive,
) -> SourceRecord {
    let spec = source.connector.spec();
    let store = StateStore::new(&options.destination);
    let failed = BTreeSet::new();
    let mut run = SourceRun { source, options, stop, progress, folders, store, archive, failed };
    let mut done: BTreeMap<String, StreamRecord> = BTreeMap::new();
    for level in levels(spec, &source.selected) {
        let mut under_way = Vec::new();
        for name in level {
            let Some(stream) = spec.stream(&name).filter(|_| !run.archive.lacks(&name)) else { continue };
            let failed = stream.parent().map(|parent| parent.stream.as_str());
            let failed = failed.filter(|parent| run.failed.contains(*parent));
            if let Some(parent) = failed {
                let mut record =
                    StreamRecord { mode: stream.mode.name().to_owned(), ..StreamRecord::default() };
                stream::fail(&mut record, &StreamError::Needs { stream: parent.to_owned() });
                progress.finished(&source.name, &name, &record);
                for derived in
                    spec.derived_from(&name).filter(|derived| source.selected.contains(&derived.name))
                {
                    done.insert(derived.name.clone(), record.clone());
                }
                done.insert(name.clone(), record);
                continue;
            }
            under_way.push(stream::run(&run, stream));
        }
        for records in futures::future::join_all(under_way).await {
            done.extend(records);
        }
        let failed = done.iter().filter(|(_, record)| record.error.is_some() && record.files == 0);
        run.failed = failed.map(|(name, _)| name.clone()).collect();
    }
    let warn = |stream: &str, note: &Note| progress.warning(&source.name, stream, note);
    if !stop.is_asked()
        && let Err(error) = shared_keys::tell(source, folders, &mut done, warn)
    {
        let text = format!("{}: keys that several streams give were not looked for", source.name);
        userhaul_client::warn(Code::KeysUnchecked, &text, &error);
    }
    let missed = missed(spec, &source.selected, &done);
    let order = |name: &String| spec.streams.get_index_of(name);
    charge(spec, &source.selected, &missed, &mut done);
    let mut streams: Vec<(String, StreamRecord)> = done
        .into_iter()
        .filter(|(name, record)| {
            source.selected.contains(name) || (record.error.is_some() && missed.contains(name.as_str()))
        })
        .collect();
    streams.sort_by_key(|(name, _)| order(name));
    SourceRecord { streams: streams.into_iter().collect() }
}

/// What streams that are not in the record have cost is told with the first one that needs them.
fn charge(
    spec: &ConnectorSpec,
    selected: &BTreeSet<String>,
    missed: &BTreeSet<&str>,
    done: &mut BTreeMap<String, StreamRecord>,
) {
    // Later levels need earlier ones: costs move up until they reach a stream that was asked for.
    for level in levels(spec, selected) {
        for name in &level {
            let told = |record: &StreamRecord| {
                selected.contains(name) || (record.error.is_some() && missed.contains(name.as_str()))
            };
            let Some(unasked) = done.get(name).filter(|record| !told(record)).cloned() else { continue };
            let needs = |stream: &&StreamSpec| stream.depends_on().contains(&name.as_str());
            let user = spec.streams.values().filter(needs).find(|stream| done.contains_key(&stream.name));
            let Some(user) = user.and_then(|stream| done.get_mut(&stream.name)) else { continue };
            user.requests += unasked.requests;
            user.retries += unasked.retries;
            user.throttled += unasked.throttled;
            user.bytes_received += unasked.bytes_received;
            user.waited_on_quota_seconds += unasked.waited_on_quota_seconds;
        }
    }
}

/// The streams that the selected ones could not do without.
fn missed<'a>(
    spec: &'a ConnectorSpec,
    selected: &BTreeSet<String>,
    done: &BTreeMap<String, StreamRecord>,
) -> BTreeSet<&'a str> {
    let selected = spec.streams.values().filter(|stream| selected.contains(&stream.name));
    selected
        .flat_map(|stream| {
            let failed = done.get(&stream.name).is_none_or(|record| record.error.is_some());
            let needs = stream.depends_on().into_iter();
            needs.filter(move |other| failed || !stream.only_otherwise(other))
        })
        .collect()
}

/// The streams that must be asked, level by level: each needs only those of levels before it. Derived streams are read
/// with their parents and stand in no level.
pub(crate) fn levels(spec: &ConnectorSpec, selected: &BTreeSet<String>) -> Vec<Vec<String>> {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<String> = selected.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let Some(stream) = spec.stream(&name) else { continue };
        if stream.derived.is_none() && !needed.insert(name) {
            continue;
        }
        waiting.extend(
            stream.depends_on().into_iter().filter(|other| !needed.contains(*other)).map(str::to_owned),
        );
    }
    let mut levels: Vec<Vec<String>> = Vec::new();
    let mut placed: BTreeSet<String> = BTreeSet::new();
    while placed.len() < needed.len() {
        let ready: Vec<String> = spec
            .streams
            .values()
            .filter(|stream| needed.contains(&stream.name) && !placed.contains(&stream.name))
            .filter(|stream| {
                stream.depends_on().into_iter().all(|other| placed.contains(other) || !needed.contains(other))
            })
            .map(|stream| stream.name.clone())
            .collect();
        if ready.is_empty() {
            // A circle: read what is left in the order of the facts.
            levels.push(needed.difference(&placed).cloned().collect());
            break;
        }
        placed.extend(ready.iter().cloned());
        levels.push(ready);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helpers_cost_is_told_with_the_stream_that_needs_them() {
        let facts = r#"
            connector = "x"
            title = "x"
            about = "x"
            docs = "x"
            concurrency = 1
            timeout = "1s"
            quota = { requests = 1, per = "1s", mode = "paced", docs = "x" }
            check = { stream = "names" }
            streams.names = { about = "x", docs = "x", path = "/names", primary_key = ["id"], columns = { id = "id" } }
            streams.lists = { about = "x", docs = "x", path = "/lists", primary_key = ["id"], needs = ["names"], columns = { id = "id" } }
            streams.rows = { about = "x", docs = "x", path = "/rows", primary_key = ["id"], needs = ["lists"], columns = { id = "id" } }
        "#;
        let spec = ConnectorSpec::parse(facts, None).expect("the facts hold");
        let cost = |requests| StreamRecord { requests, ..StreamRecord::default() };
        let names = ["names", "lists", "rows"].map(str::to_owned);
        let mut done: BTreeMap<String, StreamRecord> =
            names.iter().cloned().zip([cost(1), cost(10), cost(100)]).collect();
        charge(&spec, &BTreeSet::from(["rows".to_owned()]), &BTreeSet::new(), &mut done);
        assert_eq!(done["rows"].requests, 111);
        let mut all: BTreeMap<String, StreamRecord> =
            names.iter().cloned().zip([cost(1), cost(10), cost(100)]).collect();
        charge(&spec, &names.into(), &BTreeSet::new(), &mut all);
        assert_eq!(all["rows"].requests, 100);
    }
}
