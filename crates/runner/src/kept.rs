//! Slices that a run has read whole before it was cut short: the next one need not ask for them again.
//!
//! Only of streams that are read id by id, each with an age of its own: there an id that was read a while ago is as good
//! after a run that was cut short as after one that ended, and is asked for again by the same rule. Whatever else a later
//! run would read again, it reads again after a kill, too.
//!
//! A journal beside the parts says which ids they hold. A line is added when the parts of a slice are synced, and the journal
//! goes before the parts are committed: what it names is whole. A line that is torn counts as none.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use arrow_array::{BooleanArray, RecordBatch, cast::AsArray};
use serde::{Deserialize, Serialize};
use userhaul_connector::{
    column::snake_case,
    spec::{Axis, StreamSpec},
};

use crate::{
    error::StreamError,
    orders::Tables,
    reading::{self, Reading},
    stream::SourceRun,
    tables::Folders,
};

/// The version of the journals that this program writes.
const VERSION: u32 = 1;

/// Parts are kept so long, in microseconds: a run that goes on after a kill comes soon, or begins anew.
const FOR: i64 = 86_400_000_000;

const NAME: &str = "journal.ndjson";

/// The number of the slice that holds what was kept. Planned ones begin at 1.
const SLICE: usize = usize::MAX;

/// What the parts were read under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    version: u32,
    identity: String,
    derived: BTreeSet<String>,
}

/// A slice.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    /// When its run began.
    at: i64,
    ids: Vec<String>,
    /// Those of them that the vendor does not know.
    missing: Vec<String>,
    /// Stream and name of each part.
    files: Vec<(String, String)>,
}

/// The ids of a slice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    pub(crate) asked: Vec<String>,
    pub(crate) missing: Vec<String>,
}

/// Notes which slices are read whole.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    head: Head,
    /// When the run began that read the slices that are added.
    pub(crate) at: i64,
    file: Option<userhaul_storage::File>,
}

/// What a run takes over.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) ids: BTreeSet<String>,
    pub(crate) missing: Vec<String>,
}

fn head(derived: &[&StreamSpec], reading: &Reading) -> Head {
    let derived = derived.iter().map(|spec| spec.name.clone()).collect();
    Head { version: VERSION, identity: reading.identity.clone(), derived }
}

/// Whether each row of a stream and of those derived from it is of one id that has an age of its own.
fn by_id(run: &SourceRun<'_>, stream: &StreamSpec, derived: &[&StreamSpec], reading: &Reading) -> bool {
    let Some(parent) = stream.parent().filter(|_| stream.full_every.is_some()) else { return false };
    let column = snake_case(&parent.column);
    let has = |spec: &&StreamSpec| spec.table.schema().column_with_name(&column).is_some();
    let alone = stream.axes.iter().all(|axis| matches!(axis, Axis::Parent(_)));
    alone && reading.remembered && run.options.limit.is_none() && derived.iter().all(has) && has(&stream)
}

impl Journal {
    /// The journal of a stream's slices; none where they are not kept.
    pub(crate) fn of(
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        derived: &[&StreamSpec],
        reading: &Reading,
    ) -> Result<Option<Self>, StreamError> {
        let path = run.folders.making(&run.source.name, &stream.name).join(NAME);
        // Of a first try at this stream, whose parts are about to be written over.
        userhaul_storage::remove_file(&path).map_err(failed("remove", &path))?;
        let journal = Self { path, head: head(derived, reading), at: run.options.now, file: None };
        Ok(by_id(run, stream, derived, reading).then_some(journal))
    }

    /// Notes a slice whose parts are synced.
    pub(crate) fn add(&mut self, ids: Ids, parts: &[PathBuf]) -> Result<(), StreamError> {
        let name = |path: Option<&Path>| {
            path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let files = parts.iter().map(|part| (name(part.parent()), name(Some(part)))).collect();
        let line = Line { at: self.at, ids: ids.asked, missing: ids.missing, files };
        let failed = failed("write", &self.path);
        let mut text = String::new();
        if self.file.is_none() {
            self.file = Some(userhaul_storage::create(&self.path).map_err(&failed)?);
            text.push_str(&serde_json::to_string(&self.head).map_err(|error| failed(error.into()))?);
            text.push('\n');
        }
        text.push_str(&serde_json::to_string(&line).map_err(|error| failed(error.into()))?);
        text.push('\n');
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Ends it: the parts are about to be committed.
    pub(crate) fn end(self) -> Result<(), StreamError> {
        userhaul_storage::remove_file(&self.path).map_err(failed("remove", &self.path))
    }
}

fn failed(act: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StreamError + use<> {
    let path = path.display().to_string();
    move |source| StreamError::Folder { act, path: path.clone(), source }
}

/// Puts what runs before have read of these ids into the tables, and says which need not be asked for.
pub(crate) fn take(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    (reading, asked): (&Reading, &[String]),
    tables: &mut Tables,
) -> Result<Taken, StreamError> {
    let mut taken = Taken::default();
    let Some(parent) = stream.parent().filter(|_| by_id(run, stream, derived, reading)) else {
        return Ok(taken);
    };
    if run.options.full {
        return Ok(taken);
    }
    let again = reading::asked_again(run, stream)?;
    let wanted: BTreeSet<&String> = asked.iter().filter(|id| !again.contains(*id)).collect();
    let lines = lines(run, stream, &head(derived, reading));
    let mut latest: BTreeMap<&String, usize> = BTreeMap::new();
    for (number, (_, line)) in lines.iter().enumerate() {
        latest.extend(line.ids.iter().filter(|id| wanted.contains(id)).map(|id| (id, number)));
    }
    let column = snake_case(&parent.column);
    for (number, (folder, line)) in lines.iter().enumerate() {
        let ids: BTreeSet<&str> =
            line.ids.iter().filter(|id| latest.get(id) == Some(&number)).map(String::as_str).collect();
        // A part that cannot be read is no loss: its ids are asked for.
        let Ok(batches) = rows(folder, line, &column, &ids) else { continue };
        for (name, batch) in batches {
            let table =
                if name == stream.name { Some(&mut tables.own) } else { tables.derived.get_mut(&name) };
            if let Some(table) = table {
                table.write_kept(SLICE - number, batch)?;
            }
        }
        let missing: Vec<String> =
            line.missing.iter().filter(|id| ids.contains(id.as_str())).cloned().collect();
        taken.ids.extend(ids.iter().map(|id| (*id).to_owned()));
        taken.missing.extend(missing.iter().cloned());
        let asked = ids.into_iter().map(str::to_owned).collect();
        tables.close_kept(SLICE - number, line.at, Ids { asked, missing })?;
    }
    Ok(taken)
}

/// The slices that runs before have read whole, the oldest first, each with the folder of its parts.
fn lines(run: &SourceRun<'_>, stream: &StreamSpec, ours: &Head) -> Vec<(PathBuf, Line)> {
    let mut found = Vec::new();
    for folder in run.folders.kept() {
        let folder = folder.join(&run.source.name);
        if let Some((head, lines)) = read(&folder.join(&stream.name).join(NAME)) {
            let lines = lines.into_iter().filter(|line| (0..FOR).contains(&(run.options.now - line.at)));
            found.extend(lines.filter(|_| head == *ours).map(|line| (folder.clone(), line)));
        }
    }
    found.sort_by_key(|(_, line)| line.at);
    found
}

fn read(journal: &Path) -> Option<(Head, Vec<Line>)> {
    let text = std::fs::read_to_string(journal).ok()?;
    let mut lines = text.lines();
    let head = serde_json::from_str(lines.next()?).ok()?;
    Some((head, lines.map_while(|line| serde_json::from_str(line).ok()).collect()))
}

/// The rows of these ids in a slice's parts, by stream.
fn rows(
    folder: &Path,
    line: &Line,
    column: &str,
    ids: &BTreeSet<&str>,
) -> Result<Vec<(String, RecordBatch)>, StreamError> {
    let mut found = Vec::new();
    for (stream, file) in &line.files {
        for batch in userhaul_sink::read(&folder.join(stream).join(file), None)? {
            let batch = batch?;
            let of = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>());
            let Some(of) = of else { continue };
            let wanted: BooleanArray =
                of.iter().map(|id| Some(id.is_some_and(|id| ids.contains(id)))).collect();
            let batch = arrow_select::filter::filter_record_batch(&batch, &wanted)
                .map_err(|error| StreamError::Bug { what: error.to_string() })?;
            found.push((stream.clone(), batch));
        }
    }
    Ok(found)
}

impl Folders {
    /// Where the parts of runs that were cut short are, a folder a run, each with one a source and stream.
    fn kept(&self) -> Vec<PathBuf> {
        folders(&self.kept_folder())
    }

    /// Keeps the parts that journals name, of runs that are over; all others may go.
    pub(crate) fn keep(&self, runs: &[PathBuf]) -> Result<(), StreamError> {
        for parts in runs {
            let making = parts.join("making");
            if journals(&making).is_empty() {
                continue;
            }
            let Some(name) = parts.file_name() else { continue };
            let kept = self.kept_folder().join(name);
            let moved = userhaul_storage::create_folder(&self.kept_folder())
                .and_then(|()| userhaul_storage::rename(&making, &kept));
            moved.map_err(failed("keep", &making))?;
        }
        Ok(())
    }

    /// Removes what was kept too long, or is of no stream with a journal.
    pub(crate) fn prune(&self, now: i64) -> Result<(), StreamError> {
        for run in self.kept() {
            let mut used = BTreeSet::new();
            for journal in journals(&run) {
                let Some(stream) = journal.parent() else { continue };
                let Some((head, lines)) = read(&journal) else { continue };
                if lines.iter().any(|line| (0..FOR).contains(&(now - line.at))) {
                    used.extend(head.derived.iter().map(|name| stream.with_file_name(name)));
                    used.insert(stream.to_owned());
                }
            }
            let gone: Vec<PathBuf> = if used.is_empty() {
                vec![run]
            } else {
                let streams = folders(&run).into_iter().flat_map(|source| folders(&source));
                streams.filter(|stream| !used.contains(stream)).collect()
            };
            for folder in gone {
                userhaul_storage::remove_folder(&folder).map_err(failed("remove", &folder))?;
            }
        }
        if self.kept().is_empty() {
            let folder = self.kept_folder();
            userhaul_storage::remove_folder(&folder).map_err(failed("remove", &folder))?;
        }
        Ok(())
    }

    /// Forgets what was kept of a stream: it is committed, or to be read anew.
    pub(crate) fn forget_kept(&self, source: &str, stream: &str) -> Result<(), StreamError> {
        for run in self.kept() {
            let folder = run.join(source).join(stream);
            userhaul_storage::remove_folder(&folder).map_err(failed("remove", &folder))?;
        }
        Ok(())
    }
}

fn journals(making: &Path) -> Vec<PathBuf> {
    let streams = folders(making).into_iter().flat_map(|source| folders(&source));
    streams.map(|stream| stream.join(NAME)).filter(|journal| journal.exists()).collect()
}

fn folders(above: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(above).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}
