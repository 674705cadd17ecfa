//! Run records on disk: `_userhaul/runs/<run_id>.json` below the destination.

use std::path::{Path, PathBuf};

use userhaul_runner::record::RunRecord;

use crate::failure::Failure;

fn folder(destination: &Path) -> PathBuf {
    destination.join("_userhaul").join("runs")
}

/// Writes a record, whole or not at all.
pub(crate) fn save(destination: &Path, record: &RunRecord) -> Result<(), Failure> {
    let path = folder(destination).join(format!("{}.json", record.run_id));
    let mut text = serde_json::to_string_pretty(record)
        .map_err(|error| Failure::failed(format!("cannot write the run record: {error}"), None))?;
    text.push('\n');
    userhaul_storage::write_whole(&path, text.as_bytes())
        .map_err(|error| Failure::file("write", &path, &error))
}

/// All records, newest first. Records of other versions that cannot be read are left out.
pub(crate) fn all(destination: &Path) -> Vec<RunRecord> {
    let Ok(entries) = std::fs::read_dir(folder(destination)) else { return Vec::new() };
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
