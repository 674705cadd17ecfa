//! What is kept on the disk: parts, and a journal of the slices that they hold whole.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use userhaul_connector::{slice::Window, spec::StreamSpec};

use super::{By, Extent, by};
use crate::{
    error::StreamError,
    inputs,
    orders::Tables,
    reading::{Kind, Reading},
    state::checksum,
    stream::SourceRun,
    tables::Folders,
};

/// The version of the journals that this program writes.
const VERSION: u32 = 2;

/// Parts are kept so long, in microseconds: a run that goes on after a kill comes soon, or begins anew.
const FOR: i64 = 86_400_000_000;

const NAME: &str = "journal.ndjson";

/// What the parts were read under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    version: u32,
    identity: String,
    /// Whether the stream was asked for in the other way that its facts know.
    otherwise: bool,
    derived: BTreeSet<String>,
}

/// The reading of a slice.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// When its run began.
    pub(crate) at: i64,
    /// Whether that run was to read everything.
    pub(crate) full: bool,
}

/// A slice.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    begun: Begun,
    extent: Extent,
    parts: Vec<PartFile>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PartFile {
    stream: String,
    name: String,
    bytes: u64,
}

/// One line of the file: what it says, and a hash of that.
#[derive(Serialize, Deserialize)]
struct Checked {
    checksum: String,
    says: serde_json::Value,
}

/// A slice that a run before has read whole.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) begun: Begun,
    pub(super) extent: Extent,
    /// Stream and path of each part.
    parts: Vec<(String, PathBuf)>,
}

/// Notes which slices are read whole.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    head: Head,
    pub(super) by: By,
    /// The reading that the slices are of which are added.
    begun: Begun,
    file: Option<userhaul_storage::File>,
    /// Whether a line could not be written: nothing more is noted then.
    given_up: bool,
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
        let head = Head {
            version: VERSION,
            identity: reading.identity.clone(),
            otherwise: inputs::is_otherwise(run, stream),
            derived: derived.iter().map(|spec| spec.name.clone()).collect(),
        };
        let begun = Begun { at: run.options.now, full: reading.kind == Kind::Full };
        Ok(by(run, stream, derived, reading).map(|by| Self {
            path,
            head,
            by,
            begun,
            file: None,
            given_up: false,
        }))
    }

    /// Whether slices are known by their ids, so that a part of one can be kept.
    pub(crate) fn keeps_ids(&self) -> bool {
        matches!(self.by, By::Ids(_))
    }

    /// Notes a slice whose parts are synced. One that cannot be noted is read again where this run is cut short, and so are all
    /// after it: that is no reason to cut it short.
    pub(crate) fn add(&mut self, extent: Extent, parts: &[PathBuf]) {
        let of_use = match self.by {
            By::Ids(_) => true,
            By::Windows(settled) => {
                extent.window.is_some_and(|(from, _)| from.is_none_or(|from| from < settled))
            }
        };
        if of_use && !self.given_up {
            self.given_up = self.write(extent, parts).is_err();
        }
    }

    fn write(&mut self, extent: Extent, parts: &[PathBuf]) -> std::io::Result<()> {
        let parts = parts.iter().map(|part| PartFile::of(part)).collect::<Result<_, _>>()?;
        let line = written(&Line { begun: self.begun, extent, parts })?;
        let (file, text) = match &mut self.file {
            Some(file) => (file, line),
            None => {
                let text = written(&self.head)? + &line;
                (self.file.insert(userhaul_storage::create(&self.path)?), text)
            }
        };
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// Ends it: the parts are about to be committed.
    pub(crate) fn end(self) -> Result<(), StreamError> {
        userhaul_storage::remove_file(&self.path).map_err(failed("remove", &self.path))
    }

    /// The slices that runs before have read whole under the same facts, the oldest first.
    pub(super) fn lines(&self, run: &SourceRun<'_>, stream: &StreamSpec) -> Vec<Kept> {
        let mut found = Vec::new();
        for folder in run.folders.kept() {
            let folder = folder.join(&run.source.name);
            let Some((head, lines)) = read(&folder.join(&stream.name).join(NAME)) else { continue };
            let young = lines.into_iter().filter(|line| is_young(line, run.options.now));
            found.extend(young.filter(|_| head == self.head).filter_map(|line| line.kept(&folder)));
        }
        found.sort_by_key(|kept| kept.begun.at);
        found
    }
}

impl PartFile {
    fn of(path: &Path) -> std::io::Result<Self> {
        let name = |path: Option<&Path>| {
            path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let bytes = std::fs::metadata(path)?.len();
        Ok(Self { stream: name(path.parent()), name: name(Some(path)), bytes })
    }
}

impl Line {
    /// The slice, where all its parts are as they were. They are below the source's folder.
    fn kept(self, folder: &Path) -> Option<Kept> {
        let mut parts = Vec::new();
        for part in self.parts {
            let path = folder.join(&part.stream).join(&part.name);
            std::fs::metadata(&path).ok().filter(|found| found.len() == part.bytes)?;
            parts.push((part.stream, path));
        }
        Some(Kept { begun: self.begun, extent: self.extent, parts })
    }
}

impl Tables {
    /// Adds what `of_it` gives of a kept slice's rows, inside a window where there is one, and ends the slice. Says whether they
    /// could be read: if not, none is there. What was kept stays, for the next run, until the stream is committed.
    pub(super) fn write_kept(
        &mut self,
        slice: usize,
        kept: &Kept,
        window: Option<Window>,
        of_it: impl Fn(RecordBatch) -> Result<RecordBatch, StreamError>,
    ) -> Result<bool, StreamError> {
        for (stream, path) in &kept.parts {
            let table =
                if *stream == self.own.name() { Some(&mut self.own) } else { self.derived.get_mut(stream) };
            let Some(table) = table else { continue };
            // A part that cannot be read is no loss: the slice is asked for.
            let Ok(mut batches) = userhaul_sink::read(path, None) else {
                self.each(|table| table.forget(slice))?;
                return Ok(false);
            };
            loop {
                match batches.next() {
                    None => break,
                    Some(Ok(batch)) => table.write_kept(slice, of_it(batch)?, window)?,
                    Some(Err(_)) => {
                        self.each(|table| table.forget(slice))?;
                        return Ok(false);
                    }
                }
            }
        }
        self.end(slice, true)?;
        Ok(true)
    }
}

fn failed(act: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StreamError + use<> {
    let path = path.display().to_string();
    move |source| StreamError::Folder { act, path: path.clone(), source }
}

fn is_young(line: &Line, now: i64) -> bool {
    (0..FOR).contains(&(now - line.begun.at))
}

fn written(says: &impl Serialize) -> serde_json::Result<String> {
    let says = serde_json::to_value(says)?;
    Ok(serde_json::to_string(&Checked { checksum: checksum(&says), says })? + "\n")
}

fn said<T: DeserializeOwned>(line: &str) -> Option<T> {
    let Checked { checksum: told, says } = serde_json::from_str(line).ok()?;
    if checksum(&says) != told {
        return None;
    }
    serde_json::from_value(says).ok()
}

/// What a journal says up to its first line that is torn.
fn read(journal: &Path) -> Option<(Head, Vec<Line>)> {
    let text = std::fs::read_to_string(journal).ok()?;
    let mut lines = text.lines();
    let head = said(lines.next()?)?;
    Some((head, lines.map_while(said).collect()))
}

impl Folders {
    /// Whether the run has noted slices of a stream that the next one can take over.
    pub(crate) fn has_journal(&self, source: &str, stream: &str) -> bool {
        self.making(source, stream).join(NAME).exists()
    }

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
                if lines.iter().any(|line| is_young(line, now)) {
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
