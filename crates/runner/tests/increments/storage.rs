//! Each call that changes the warehouse meets each fault: every file is the old one or the new one, the record says what is so, and
//! the next run leaves what an undisturbed one would have left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use userhaul_runner::{
    RunError, RunOptions,
    progress::{NoProgress, Progress},
    record::{RunRecord, RunStatus, StreamStatus},
    sync,
};
use userhaul_storage::fault::{Fault, Lost, arm};

use crate::{
    ALL, Dice, copy,
    kept::{BOTH, Keeps, NOTHING},
    vendor::{DAY, FIRST, Happening, Vendor, in_a_row},
};

pub(crate) const FAULTS: [Fault; 8] = [
    Fault::Broken,
    Fault::Full,
    Fault::Denied,
    Fault::Killed,
    Fault::PowerLost(Lost::Content),
    Fault::PowerLost(Lost::HalfOfContent),
    Fault::PowerLost(Lost::Names),
    Fault::PowerLost(Lost::Everything),
];

pub(crate) const LAST_NIGHT: i64 = FIRST + 33 * DAY + 7_200_000_000;
pub(crate) const TONIGHT: i64 = LAST_NIGHT + DAY;

/// Visible files, by their path below the warehouse: rows, and a hash of what they say.
pub(crate) type Files = BTreeMap<String, (u64, u64)>;

/// A folder in memory where there is one: syncing is what takes the time otherwise.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

async fn night(vendor: &Vendor, warehouse: &Path, now: i64, keeps: Keeps) -> Result<RunRecord, RunError> {
    vendor.0.lock().unwrap().asked.clear();
    let options = RunOptions {
        run_id: format!("run-{now}"),
        now,
        destination: warehouse.to_owned(),
        compression: userhaul_sink::Compression::None,
        from: None,
        to: None,
        full: false,
        allow_shrink: true,
        limit: None,
    };
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    let mut source = in_a_row(vendor, &["a", "b"], ALL);
    (source.marks_deleted, source.keeps_history) = (keeps.marks, keeps.history);
    sync(&[source], &options, "test", &progress).await
}

fn event(held: &mut crate::vendor::Held, property: &str, id: &str, day: i64, person: &str) {
    let event: Happening = (FIRST + day * DAY, "k1".to_owned(), person.to_owned());
    held.events.insert((property.to_owned(), id.to_owned()), event);
    held.people.entry(person.to_owned()).or_insert((FIRST, "new".to_owned()));
}

/// What the vendor holds last night.
pub(crate) fn vendor() -> Vendor {
    let vendor = Vendor::default();
    {
        let mut held = vendor.0.lock().unwrap();
        held.kinds = [("k1", "one"), ("k2", "two")].map(|(id, name)| (id.to_owned(), name.to_owned())).into();
        for (id, day, person) in [("e1", 3, "p1"), ("e2", 29, "p2"), ("e3", 30, "p3"), ("e4", 31, "p4")] {
            event(&mut held, if day % 2 == 0 { "a" } else { "b" }, id, day, person);
        }
        for number in 5..22 {
            held.people.insert(format!("p{number}"), (FIRST, "old".to_owned()));
        }
        for person in ["p1", "p2", "p4"] {
            held.details.insert(person.to_owned(), "known".to_owned());
        }
    }
    vendor
}

/// What happens until tonight, so that every way of reading finds the same: rows are new, changed and gone in each table.
pub(crate) fn a_day_passes(vendor: &Vendor) {
    let mut held = vendor.0.lock().unwrap();
    held.kinds.insert("k1".to_owned(), "uno".to_owned());
    held.kinds.remove("k2");
    held.kinds.insert("k3".to_owned(), "three".to_owned());
    held.events.remove(&("a".to_owned(), "e3".to_owned()));
    event(&mut held, "a", "e5", 33, "p5");
    event(&mut held, "a", "e6", 33, "p2");
    held.people.insert("p2".to_owned(), (TONIGHT - 3_600_000_000, "moved".to_owned()));
    held.people.insert("p9".to_owned(), (TONIGHT - 3_600_000_000, "moved".to_owned()));
    held.details.insert("p2".to_owned(), "edited".to_owned());
    held.details.insert("p5".to_owned(), "known".to_owned());
}

/// Every file below, by its path from there.
pub(crate) fn below(folder: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            below(&path, &format!("{name}/"), found);
        } else {
            found.push((name, path));
        }
    }
}

pub(crate) fn visible(warehouse: &Path) -> Files {
    let mut found = Vec::new();
    below(warehouse, "", &mut found);
    let mut files = Files::new();
    for (name, path) in
        found.into_iter().filter(|(name, _)| !name.starts_with("_userhaul/") && name.ends_with(".parquet"))
    {
        let (mut rows, mut hash) = (0, 0_u64);
        for batch in userhaul_sink::read(&path, None).unwrap_or_else(|error| panic!("{name}: {error:?}")) {
            let batch = timeless(&batch.unwrap_or_else(|error| panic!("{name}: {error:?}")));
            rows += batch.num_rows() as u64;
            hash = hash.wrapping_add(userhaul_sink::content_hash(&batch).unwrap());
        }
        files.insert(name, (rows, hash));
    }
    files
}

/// The rows, with marks and versions without their times: those are of the run that was not cut short.
fn timeless(batch: &RecordBatch) -> RecordBatch {
    let times = ["_deleted_at", "_valid_from", "_valid_to"];
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let is_time = times.contains(&field.name().as_str());
        let there: BooleanArray = (0..column.len()).map(|row| Some(column.is_valid(row))).collect();
        (field.name().clone(), if is_time { Arc::new(there) as ArrayRef } else { Arc::clone(column) })
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

/// Files that are neither visible, nor of the state.
fn leftovers(warehouse: &Path) -> Vec<String> {
    let mut found = Vec::new();
    below(warehouse, "", &mut found);
    let kept = |name: &str| match name.strip_prefix("_userhaul/") {
        None => name.ends_with(".parquet"),
        Some(ours) => ours == "lock" || (ours.starts_with("state/") && ours.ends_with(".json")),
    };
    found.into_iter().map(|(name, _)| name).filter(|name| !kept(name)).collect()
}

/// Files with rows: a partition that has lost all of them may keep its file.
pub(crate) fn filled(files: &Files) -> Files {
    files.iter().filter(|(_, (rows, _))| *rows > 0).map(|(name, says)| (name.clone(), *says)).collect()
}

/// A warehouse before the run in question, and what it and the run's outcome look like.
struct Before {
    vendor: Vendor,
    warehouse: tempfile::TempDir,
    old: Files,
    new: Files,
    calls: u64,
    keeps: Keeps,
}

impl Before {
    /// With nights before, or without.
    async fn tonight(earlier: bool, keeps: Keeps) -> Self {
        let (vendor, warehouse) = (vendor(), folder());
        let place = warehouse.path().join("w");
        fs::create_dir(&place).unwrap();
        if earlier {
            assert_eq!(night(&vendor, &place, LAST_NIGHT, keeps).await.unwrap().status, RunStatus::Ok);
        }
        a_day_passes(&vendor);
        let old = visible(&place);
        let undisturbed = folder();
        copy(&place, undisturbed.path());
        let armed = arm(undisturbed.path(), u64::MAX, Fault::None);
        assert_eq!(night(&vendor, undisturbed.path(), TONIGHT, keeps).await.unwrap().status, RunStatus::Ok);
        let calls = armed.calls();
        assert_eq!(leftovers(undisturbed.path()), Vec::<String>::new());
        Self { vendor, warehouse, old, new: visible(undisturbed.path()), calls, keeps }
    }

    /// Runs into each fault at its call, then undisturbed. Gives whether the last call was made.
    async fn meets(&self, faults: &[(u64, Fault)]) -> bool {
        let scratch = folder();
        let warehouse = scratch.path();
        copy(&self.warehouse.path().join("w"), warehouse);
        let (mut struck, mut unnamed) = (false, false);
        for &(at, fault) in faults {
            let place = format!("{fault:?} at call {at}, of {faults:?}");
            let armed = arm(warehouse, at, fault);
            let outcome = night(&self.vendor, warehouse, TONIGHT, self.keeps).await;
            struck = armed.struck();
            drop(armed);
            // Names are looked up in what stands, where the table of names could not be written.
            unnamed |= outcome
                .as_ref()
                .is_ok_and(|record| record.sources["memory"].streams["kinds"].status != StreamStatus::Ok);
            self.check(&visible(warehouse), &outcome, unnamed, &place);
            if !struck {
                assert_eq!(outcome.map(|record| record.status).ok(), Some(RunStatus::Ok), "{place}");
            }
        }
        let place = format!("after {faults:?}");
        let record = night(&self.vendor, warehouse, TONIGHT + 1, self.keeps)
            .await
            .unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
        assert_eq!(filled(&visible(warehouse)), filled(&self.new), "{place}");
        assert_eq!(leftovers(warehouse), Vec::<String>::new(), "{place}");
        struck
    }

    /// Each file is the old one or the new one, and what the record says of each stream is so.
    fn check(&self, files: &Files, outcome: &Result<RunRecord, RunError>, unnamed: bool, place: &str) {
        for name in files.keys().chain(self.old.keys()).chain(self.new.keys()) {
            let says = |files: &Files| {
                let says = files.get(name).copied().filter(|(rows, _)| *rows > 0);
                says.map(
                    |(rows, hash)| {
                        if unnamed && name.starts_with("unified/") { (rows, 0) } else { (rows, hash) }
                    },
                )
            };
            let (is, old, new) = (says(files), says(&self.old), says(&self.new));
            assert!(
                is == old || is == new,
                "{place}: {name} is {is:?}, neither {old:?} nor {new:?}: {outcome:?}"
            );
        }
        let record = match outcome {
            Ok(record) => record,
            Err(RunError::Destination { .. }) => return,
            Err(error) => panic!("{place}: {error}"),
        };
        assert!(record.unified.values().all(|error| error.code == "output"), "{place}: {:?}", record.unified);
        for (stream, told) in &record.sources["memory"].streams {
            if told.status == StreamStatus::Ok {
                let table = |files: &Files| {
                    let prefix = format!("memory/{stream}/");
                    filled(files).into_iter().filter(|(name, _)| name.starts_with(&prefix)).collect::<Files>()
                };
                assert_eq!(table(files), table(&self.new), "{place}: {stream} is said to be there");
            } else {
                let error = told
                    .error
                    .as_ref()
                    .unwrap_or_else(|| panic!("{place}: {stream} failed without an error"));
                assert!(["output", "needs"].contains(&error.code.as_str()), "{place}: {stream}: {error:?}");
            }
        }
    }
}

/// The calls `first`, `first + stride`, … meet the fault, until a run is through before.
async fn calls_meet(before: &Before, fault: Fault, first: u64, stride: u64) {
    let mut at = first;
    while before.meets(&[(at, fault)]).await {
        at += stride;
    }
    assert!(at > before.calls, "{fault:?}: {at} of {} calls", before.calls);
}

#[tokio::test]
async fn each_call_that_changes_a_filled_warehouse_meets_a_fault() {
    let before = Before::tonight(true, NOTHING).await;
    calls_meet(&before, Fault::Killed, 1, 1).await;
    calls_meet(&before, Fault::PowerLost(Lost::Everything), 2, 2).await;
    // The others a part of the calls each, and not the same ones.
    for (first, fault) in (1..=7).cycle().zip(FAULTS) {
        calls_meet(&before, fault, first, 7).await;
    }
}

#[tokio::test]
async fn marks_and_versions_meet_faults() {
    let before = Before::tonight(true, BOTH).await;
    calls_meet(&before, Fault::Killed, 1, 4).await;
    calls_meet(&before, Fault::PowerLost(Lost::Everything), 2, 4).await;
}

#[tokio::test]
async fn calls_that_fill_an_empty_warehouse_meet_each_fault() {
    let before = Before::tonight(false, NOTHING).await;
    for (first, fault) in (1..=7).cycle().zip(FAULTS) {
        calls_meet(&before, fault, first, 7).await;
    }
}

#[tokio::test]
async fn a_fault_meets_a_run_that_mends_what_another_left() {
    let before = Before::tonight(true, NOTHING).await;
    let mut dice = Dice(20_261_122);
    for _ in 0..100 {
        let mut fault = || {
            let which = usize::try_from(dice.below(FAULTS.len() as u64)).unwrap();
            (1 + dice.below(before.calls), FAULTS[which])
        };
        let faults = [fault(), fault(), fault()];
        before.meets(&faults).await;
    }
}
