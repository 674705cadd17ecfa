//! Calls that keep answers, and those that publish what a replay has built, meet faults: the next run and the next replay leave
//! what undisturbed ones would have left.

use std::{path::Path, sync::Arc, time::Duration};

use userhaul_runner::{
    ReplayOptions, RunError, Source,
    progress::{NoProgress, Progress},
    record::{RunRecord, RunStatus},
    replay, sync,
};
use userhaul_storage::fault::{Fault, Lost, arm};

use crate::{
    ALL,
    archive::{differences, everything, remove_tables},
    copy, options,
    storage::{FAULTS, Files, LAST_NIGHT, TONIGHT, a_day_passes, below, filled, folder, vendor, visible},
    vendor::{DAY, FIRST, Happening, Vendor, in_a_row},
};

fn source(vendor: &Vendor) -> Source {
    Source { archive: Some(Duration::from_secs(30 * 86_400)), ..in_a_row(vendor, &["a", "b"], ALL) }
}

async fn night(vendor: &Vendor, folder: &Path, now: i64) -> Result<RunRecord, RunError> {
    vendor.0.lock().unwrap().asked.clear();
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    sync(&[source(vendor)], &options(folder, now), "test", &progress).await
}

async fn replayed(vendor: &Vendor, folder: &Path, run: Option<i64>) -> Result<RunRecord, RunError> {
    let options = ReplayOptions {
        run_id: "run-9".to_owned(),
        now: TONIGHT + 2,
        destination: folder.to_owned(),
        compression: userhaul_sink::Compression::None,
        run: run.map(|now| format!("run-{now}")),
        strict: true,
        allow_shrink: true,
    };
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    replay(&[source(vendor)], &options, "test", &progress).await
}

/// Files that belong to nothing: neither tables, nor state, nor answers with what says that they count.
fn leftovers(warehouse: &Path) -> Vec<String> {
    let mut found = Vec::new();
    below(warehouse, "", &mut found);
    let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
    let beside = |name: &str, is: &str, other: &str| {
        name.strip_suffix(is).is_some_and(|stem| names.contains(&format!("{stem}{other}")))
    };
    let kept = |name: &str| match name.strip_prefix("_userhaul/") {
        None => name.ends_with(".parquet"),
        Some(ours) if ours.starts_with("archive/") => {
            beside(name, ".zst", ".json") || beside(name, ".json", ".zst")
        }
        Some(ours) => ours == "lock" || (ours.starts_with("state/") && ours.ends_with(".json")),
    };
    names.iter().filter(|name| !kept(name)).cloned().collect()
}

/// Two nights, of which the second is still to come.
async fn last_night() -> (Vendor, tempfile::TempDir) {
    let (vendor, warehouse) = (vendor(), folder());
    assert_eq!(night(&vendor, warehouse.path(), LAST_NIGHT).await.unwrap().status, RunStatus::Ok);
    a_day_passes(&vendor);
    (vendor, warehouse)
}

/// What stands in a warehouse comes back where its tables are lost.
async fn comes_back(vendor: &Vendor, warehouse: &Path, place: &str) {
    let before = everything(warehouse);
    remove_tables(warehouse);
    let record = replayed(vendor, warehouse, None).await.unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
    assert_eq!(differences(&before, &everything(warehouse)), Vec::<String>::new(), "{place}");
}

#[tokio::test]
async fn calls_that_keep_answers_meet_each_fault() {
    let (vendor, warehouse) = last_night().await;
    let whole = folder();
    copy(warehouse.path(), whole.path());
    let armed = arm(whole.path(), u64::MAX, Fault::None);
    night(&vendor, whole.path(), TONIGHT).await.unwrap();
    let calls = armed.calls();
    drop(armed);
    let new = filled(&visible(whole.path()));
    comes_back(&vendor, whole.path(), "undisturbed").await;
    let others = FAULTS.into_iter().filter(|fault| *fault != Fault::Killed);
    for (first, stride, fault) in
        others.zip(1..).map(|(fault, first)| (first, 41, fault)).chain([(1, 5, Fault::Killed)])
    {
        for at in (first..=calls).step_by(stride) {
            let place = format!("{fault:?} at call {at} of {calls}");
            let scratch = folder();
            copy(warehouse.path(), scratch.path());
            let armed = arm(scratch.path(), at, fault);
            // What it says is another test's.
            drop(night(&vendor, scratch.path(), TONIGHT).await);
            drop(armed);
            let record = night(&vendor, scratch.path(), TONIGHT + 1).await;
            let record = record.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
            assert_eq!(filled(&visible(scratch.path())), new, "{place}");
            assert_eq!(leftovers(scratch.path()), Vec::<String>::new(), "{place}");
            comes_back(&vendor, scratch.path(), &place).await;
        }
    }
}

#[tokio::test]
async fn calls_that_publish_a_replay_meet_each_fault() {
    let (vendor, warehouse) = last_night().await;
    night(&vendor, warehouse.path(), TONIGHT).await.unwrap();
    let old = visible(warehouse.path());
    let earlier = folder();
    copy(warehouse.path(), earlier.path());
    let armed = arm(earlier.path(), u64::MAX, Fault::None);
    let record = replayed(&vendor, earlier.path(), Some(LAST_NIGHT)).await.unwrap();
    assert_eq!(record.status, RunStatus::Ok, "{record:?}");
    let (calls, new) = (armed.calls(), visible(earlier.path()));
    drop(armed);
    assert_ne!(filled(&old), filled(&new));
    let faults = [
        Fault::Killed,
        Fault::PowerLost(Lost::Everything),
        Fault::PowerLost(Lost::Names),
        Fault::Broken,
        Fault::Full,
    ];
    for (first, fault) in (1..).zip(faults) {
        for at in (first..=calls).step_by(if fault == Fault::Killed { 5 } else { 19 }) {
            let place = format!("{fault:?} at call {at} of {calls}");
            let scratch = folder();
            copy(warehouse.path(), scratch.path());
            let armed = arm(scratch.path(), at, fault);
            drop(replayed(&vendor, scratch.path(), Some(LAST_NIGHT)).await);
            drop(armed);
            old_or_new(&visible(scratch.path()), &old, &new, &place);
            let again = folder();
            copy(scratch.path(), again.path());
            // Whoever comes next: the same replay, or a run.
            let record = replayed(&vendor, again.path(), Some(LAST_NIGHT)).await.unwrap();
            assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
            assert_eq!(filled(&visible(again.path())), filled(&new), "{place}");
            assert_eq!(leftovers(again.path()), Vec::<String>::new(), "{place}");
            let record = night(&vendor, scratch.path(), TONIGHT + 1).await.unwrap();
            assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
            assert_eq!(filled(&visible(scratch.path())), filled(&old), "{place}");
            assert_eq!(leftovers(scratch.path()), Vec::<String>::new(), "{place}");
        }
    }
}

fn old_or_new(files: &Files, old: &Files, new: &Files, place: &str) {
    for name in files.keys().chain(old.keys()).chain(new.keys()) {
        let says = |files: &Files| files.get(name).copied().filter(|(rows, _)| *rows > 0);
        let (is, old, new) = (says(files), says(old), says(new));
        assert!(is == old || is == new, "{place}: {name} is {is:?}, neither {old:?} nor {new:?}");
    }
}

/// A run that dies while it commits has answers that no later run goes on from: what it has left is read again.
#[tokio::test]
async fn what_a_run_left_that_died_while_it_committed_comes_back() {
    let (vendor, warehouse) = last_night().await;
    // Named by an old row alone, which only a full pass finds.
    for number in 0..8 {
        let event: Happening = (FIRST + 2 * DAY, "k1".to_owned(), format!("old {number}"));
        vendor.0.lock().unwrap().events.insert(("a".to_owned(), format!("old {number}")), event);
    }
    let all = |vendor: &Vendor| Source { full_every: Some(Duration::from_secs(1)), ..source(vendor) };
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    let whole = folder();
    copy(warehouse.path(), whole.path());
    let armed = arm(whole.path(), u64::MAX, Fault::None);
    sync(&[all(&vendor)], &options(whole.path(), TONIGHT), "test", &progress).await.unwrap();
    let calls = armed.calls();
    drop(armed);
    for at in (calls / 2..=calls).step_by(2) {
        let place = format!("killed at call {at} of {calls}");
        let scratch = folder();
        copy(warehouse.path(), scratch.path());
        let armed = arm(scratch.path(), at, Fault::Killed);
        drop(sync(&[all(&vendor)], &options(scratch.path(), TONIGHT), "test", &progress).await);
        drop(armed);
        let record = night(&vendor, scratch.path(), TONIGHT + 1).await.unwrap();
        assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
        comes_back(&vendor, scratch.path(), &place).await;
    }
}
