//! Run records on disk: `_userhaul/runs/<run_id>.json` below the destination, those of pushes in `push/` below that.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use userhaul_client::for_people;
use userhaul_runner::{push::PushRecord, record::RunRecord};

use crate::{
    console::Console,
    failure::{Code, Failure},
};

/// A run of any command, as it is written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Past {
    /// A sync or a replay.
    Run(Box<RunRecord>),
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

/// Writes a record, whole or not at all. That it cannot be written is told, and no more: the run itself counts.
pub(crate) fn save(destination: &Path, record: &RunRecord, console: Console) {
    told(write(&folder(destination), &record.run_id, record), console);
}

/// The same of a push. What a vendor says may quote a row, and is kept as people see it.
pub(crate) fn save_push(destination: &Path, record: &PushRecord, console: Console) {
    let mut record = record.clone();
    record.warnings.reword(for_people);
    if let Some(error) = &mut record.error {
        error.message = for_people(&error.message);
    }
    told(write(&pushes(destination), &record.run_id, &record), console);
}

fn told(written: Result<(), Failure>, console: Console) {
    for message in written.err().into_iter().flat_map(|failure| failure.messages) {
        console.warning(Code::RecordNotKept, &message.text);
    }
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
    let mut records: Vec<Past> =
        all(destination).into_iter().map(|record| Past::Run(Box::new(record))).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Color, LogFormat};

    #[test]
    fn a_push_is_kept_without_the_people_that_a_vendor_names() {
        let record = r#"{"run_id": "1", "source": "lms", "target": "users", "scope": null, "started_at": "", "finished_at": "",
            "command": "push", "status": "failed", "version": "x", "dry_run": false, "rows": {"read": 1, "merged": 0,
            "unchanged": 0, "applied": 0, "failed": 1, "unknown": 0, "not_sent": 0}, "requests": 1, "retries": 0,
            "throttled": 0, "definitions": 0, "verified": null, "types": [], "warnings": ["ann@example.com is odd"],
            "warning_codes": ["already_gone"], "error": {"code": "all_refused", "message": "no ann@example.com", "hint": null}}"#;
        let record: PushRecord = serde_json::from_str(record).expect("a record");
        let folder = tempfile::tempdir().expect("a folder");
        save_push(folder.path(), &record, Console::new(LogFormat::Text, Color::Never, true, false, true));
        let path = folder.path().join("_userhaul/runs/push/1.json");
        let kept = std::fs::read_to_string(path).expect("the file");
        assert!(kept.contains("***@*** is odd") && !kept.contains("ann@example.com"), "{kept}");
        let Some(Past::Push(push)) = every(folder.path()).pop() else { panic!("a push") };
        assert_eq!(push.warnings.iter().next(), Some(("already_gone", "***@*** is odd")));
    }
}
