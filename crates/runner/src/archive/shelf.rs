//! Where archives stand: which runs have one, how large they are, and when they go.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    chain,
    frames::failed,
    notes::{Summary, VERSION},
};
use crate::{
    error::StreamError,
    state::{Loaded, StateStore},
};

/// The archive of a destination.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    folder: PathBuf,
}

/// What the archive of a stream takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Runs.
    pub runs: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

impl Shelf {
    pub(crate) fn new(destination: &Path) -> Self {
        Self { folder: destination.join("_userhaul").join("archive") }
    }

    fn of(&self, source: &str, stream: &str) -> PathBuf {
        self.folder.join(source).join(stream)
    }

    /// The file of a run's answers.
    pub(crate) fn answers(&self, source: &str, stream: &str, run_id: &str) -> PathBuf {
        self.of(source, stream).join(format!("{run_id}.zst"))
    }

    fn summary(&self, source: &str, stream: &str, run_id: &str) -> PathBuf {
        self.of(source, stream).join(format!("{run_id}.json"))
    }

    /// Makes the folder of a stream.
    pub(crate) fn make(&self, source: &str, stream: &str) -> Result<(), StreamError> {
        let folder = self.of(source, stream);
        userhaul_storage::create_folder(&folder).map_err(failed("create", &folder))
    }

    /// Makes a run's answers count: the last step of keeping them.
    pub(crate) fn seal(&self, summary: &Summary) -> Result<(), StreamError> {
        let path = self.summary(&summary.source, &summary.stream, &summary.run_id);
        let making = path.with_extension("making");
        let folder = self.of(&summary.source, &summary.stream);
        let write = || {
            let mut file = userhaul_storage::create_private(&making)?;
            file.write_all(serde_json::to_string(summary)?.as_bytes())?;
            file.sync_all()?;
            userhaul_storage::rename(&making, &path)?;
            userhaul_storage::sync_folder(&folder)
        };
        write().map_err(failed("write", &path))
    }

    /// What is kept of a stream, the oldest run first. What a newer version wrote is left out.
    pub(crate) fn list(&self, source: &str, stream: &str) -> Result<Vec<Summary>, StreamError> {
        let mut found = Vec::new();
        for path in entries(&self.of(source, stream))? {
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
                let summary = serde_json::from_str::<Summary>(&text).ok();
                found.extend(summary.filter(|summary| summary.version <= VERSION));
            }
        }
        // Run ids are UUIDv7: their order is that of time.
        found.sort_by(|one, other| one.run_id.cmp(&other.run_id));
        Ok(found)
    }

    /// Removes what is older than `keep`, but for what the latest full pass of each stream needs to be rebuilt; and what
    /// runs that died have left.
    pub(crate) fn sweep(
        &self,
        source: &str,
        now: i64,
        keep: Duration,
        store: &StateStore,
    ) -> Result<(), StreamError> {
        let oldest = now.saturating_sub(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
        for folder in entries(&self.folder.join(source))? {
            let stream = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let summaries = self.list(source, &stream)?;
            // The run that the checkpoint is of may be an earlier one than the latest that has answers.
            let committed = match store.load(source, &stream)? {
                Loaded::Found(state) => Some(state.run_id),
                Loaded::Absent | Loaded::Damaged => None,
            };
            let first = chain::first_needed(&summaries, committed.as_deref()).map(str::to_owned);
            let old = |summary: &&Summary| {
                summary.now < oldest && first.as_ref().is_none_or(|first| summary.run_id < *first)
            };
            for summary in summaries.iter().filter(old) {
                self.discard(source, &stream, &summary.run_id)?;
            }
            for path in entries(&folder)? {
                let torn = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("zst") => !path.with_extension("json").exists(),
                    Some("making") => true,
                    _ => false,
                };
                if torn {
                    remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Removes one run's answers: first what makes them count.
    pub(crate) fn discard(&self, source: &str, stream: &str, run_id: &str) -> Result<(), StreamError> {
        remove_file(&self.summary(source, stream, run_id))?;
        // Or a loss of power could leave it alone.
        let folder = self.of(source, stream);
        userhaul_storage::sync_folder(&folder).map_err(failed("sync", &folder))?;
        remove_file(&self.answers(source, stream, run_id))
    }
}

/// What the archive of each stream of a source takes, by stream.
///
/// # Errors
/// When a folder cannot be read.
pub fn sizes(destination: &Path, source: &str) -> Result<BTreeMap<String, Size>, StreamError> {
    let mut sizes = BTreeMap::new();
    for folder in entries(&Shelf::new(destination).folder.join(source))? {
        let mut size = Size::default();
        for path in entries(&folder)? {
            size.bytes += fs::metadata(&path).map_err(failed("read", &path))?.len();
            size.runs += u64::from(path.extension().is_some_and(|extension| extension == "json"));
        }
        let stream = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sizes.insert(stream, size);
    }
    Ok(sizes)
}

/// Removes the archive of a source.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(destination: &Path, source: &str) -> Result<(), StreamError> {
    let folder = Shelf::new(destination).folder.join(source);
    userhaul_storage::remove_folder(&folder).map_err(failed("remove", &folder))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StreamError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed("list", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn remove_file(path: &Path) -> Result<(), StreamError> {
    userhaul_storage::remove_file(path).map_err(failed("remove", path))
}
