//! Run records on disk: `_userhaul/runs/<run_id>.json` below the destination.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use userhaul_runner::record::RunRecord;

use crate::failure::Failure;

fn folder(destination: &Path) -> PathBuf {
    destination.join("_userhaul").join("runs")
}

/// Writes a record, whole or not at all.
pub(crate) fn save(destination: &Path, record: &RunRecord) -> Result<(), Failure> {
    let folder = folder(destination);
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file("create", &folder, &error))?;
    let path = folder.join(format!("{}.json", record.run_id));
    let making = folder.join(format!("{}.making", record.run_id));
    let text = serde_json::to_string_pretty(record)
        .map_err(|error| Failure::failed(format!("cannot write the run record: {error}"), None))?;
    let written = std::fs::File::create(&making).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written
        .and_then(|()| std::fs::rename(&making, &path))
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
