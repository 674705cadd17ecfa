//! Run records on disk: `_userhaul/runs/<run_id>.json` below the destination, those of pushes in `push/` below that.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use userhaul_runner::{push::PushRecord, record::RunRecord};

use crate::failure::{Code, Failure};

/// A run of any command, as it is written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Past {
    /// A sync or a replay.
    Run(RunRecord),
    /// A push.
    Push(Box<PushRecord>),
}

impl Past {
    pub(crate) fn run_id(&self) -> &str {
        match self {
            Self::Run(record) => &record.run_id,
            Self::Push(record) => &record.run_id,
        }
    }
}

fn folder(destination: &Path) -> PathBuf {
    destination.join("_userhaul").join("runs")
}

fn pushes(destination: &Path) -> PathBuf {
    folder(destination).join("push")
}

/// Writes a record, whole or not at all.
pub(crate) fn save(destination: &Path, record: &RunRecord) -> Result<(), Failure> {
    write(&folder(destination), &record.run_id, record)
}

/// The same of a push.
pub(crate) fn save_push(destination: &Path, record: &PushRecord) -> Result<(), Failure> {
    write(&pushes(destination), &record.run_id, record)
}

fn write<T: Serialize>(folder: &Path, run_id: &str, record: &T) -> Result<(), Failure> {
    let path = folder.join(format!("{run_id}.json"));
    let mut text = serde_json::to_string_pretty(record).map_err(|error| {
        Failure::failed(Code::Internal, format!("cannot write the run record: {error}"), None)
    })?;
    text.push('\n');
    userhaul_storage::write_whole(&path, text.as_bytes())
        .map_err(|error| Failure::file("write", &path, &error))
}

/// All records of syncs and replays, newest first. Records of other versions that cannot be read are left out.
pub(crate) fn all(destination: &Path) -> Vec<RunRecord> {
    read(&folder(destination))
}

/// All records, those of pushes too, newest first.
pub(crate) fn every(destination: &Path) -> Vec<Past> {
    let mut records: Vec<Past> = all(destination).into_iter().map(Past::Run).collect();
    records.extend(read(&pushes(destination)).into_iter().map(Past::Push));
    records.sort_by(|one, other| other.run_id().cmp(one.run_id()));
    records
}

fn read<T: DeserializeOwned>(folder: &Path) -> Vec<T> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    // Run ids are UUIDv7: their order is that of time.
    paths.sort();
    paths
        .iter()
        .rev()
        .filter_map(|path| serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok())
        .collect()
}
