//! Ids that a run has asked for before it was cut short are not asked for again.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use userhaul_runner::{
    Stop,
    progress::{NoProgress, Progress},
    record::RunStatus,
    sync, sync_until,
};

use crate::{
    ALL, NOW, events, expected_events, filled, options, run, table,
    vendor::{DAY, Vendor, source},
};

const BOTH: [&str; 2] = ["a", "b"];

/// The ids that were asked for in the last run.
fn asked(vendor: &Vendor) -> Vec<String> {
    let asked = vendor.0.lock().unwrap().asked.clone();
    let ids = asked.iter().filter_map(|path| path.strip_prefix("/details/"));
    ids.map(|id| id.trim_end_matches('?').to_owned()).collect()
}

/// Ids of events in the look-back: a run asks for them again, whatever is known of them.
fn seen_again(vendor: &Vendor) -> BTreeSet<String> {
    let held = vendor.0.lock().unwrap();
    held.events.values().filter(|(at, ..)| *at >= NOW - 5 * DAY).map(|(.., note)| note.clone()).collect()
}

fn details(vendor: &Vendor) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let held = vendor.0.lock().unwrap();
    let ids: BTreeSet<&String> = held.events.values().map(|(.., note)| note).collect();
    let known = ids.iter().filter_map(|id| Some(vec![(*id).clone(), held.details.get(*id)?.clone()]));
    let missing = ids.iter().filter(|id| !held.details.contains_key(**id)).map(|id| vec![(*id).clone()]);
    (known.collect(), missing.collect())
}

fn exact(vendor: &Vendor, folder: &Path) {
    let (known, missing) = details(vendor);
    assert_eq!(table(&folder.join("memory/details"), &["asked", "note"]), known);
    assert_eq!(table(&folder.join("memory/details_missing"), &["asked"]), missing);
    assert!(!folder.join("_userhaul/kept").exists());
    let parts = std::fs::read_dir(folder.join("_userhaul/parts")).map_or(0, Iterator::count);
    assert_eq!(parts, 0);
}

/// Requests of a whole run before the first id is asked for.
async fn before_the_ids(vendor: &Vendor) -> usize {
    let folder = tempfile::tempdir().unwrap();
    run(vendor, folder.path(), NOW, &BOTH, |_| {}).await;
    let asked = vendor.0.lock().unwrap().asked.clone();
    asked.iter().position(|path| path.starts_with("/details/")).unwrap()
}

#[tokio::test]
async fn a_run_that_failed_half_way_is_gone_on_with() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let first = before_the_ids(&vendor).await;
    vendor.0.lock().unwrap().fails_after = Some(first + 13);
    let failed = run(&vendor, folder.path(), NOW, &BOTH, |_| {}).await;
    assert_eq!(failed.status, RunStatus::Partial);
    // Blocks of three: four were whole, and of the fifth one was answered.
    let whole: BTreeSet<String> = asked(&vendor).into_iter().take(13).collect();
    vendor.0.lock().unwrap().fails_after = None;
    let second = run(&vendor, folder.path(), NOW + 1, &BOTH, |_| {}).await;
    assert_eq!(second.status, RunStatus::Ok);
    let again: BTreeSet<String> = asked(&vendor).into_iter().collect();
    let seen = seen_again(&vendor);
    assert!(whole.difference(&seen).count() > 2);
    assert!(whole.difference(&seen).all(|id| !again.contains(id)), "{whole:?} {again:?}");
    exact(&vendor, folder.path());
    let of_first: BTreeSet<String> = table(&folder.path().join("memory/details"), &["asked", "_run_id"])
        .into_iter()
        .filter(|row| row[1] == format!("run-{NOW}"))
        .map(|row| row[0].clone())
        .collect();
    assert!(!of_first.is_empty() && of_first.is_subset(&whole));
}

#[tokio::test]
async fn a_run_that_is_asked_to_end_keeps_every_id_that_was_answered() {
    for answered in [1, 12, 13, 14] {
        let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
        let first = before_the_ids(&vendor).await;
        vendor.0.lock().unwrap().asked.clear();
        vendor.0.lock().unwrap().hangs_after = Some(first + answered);
        let (stop, sources) = (Stop::default(), [source(&vendor, &BOTH, ALL)]);
        let options = options(folder.path(), NOW);
        let progress: Arc<dyn Progress> = Arc::new(NoProgress);
        let ask = async {
            hung(&vendor).await;
            stop.ask();
        };
        let (record, ()) = tokio::join!(sync_until(&stop, &sources, &options, "test", &progress), ask);
        let record = record.unwrap();
        assert_eq!(record.status, RunStatus::Interrupted);
        let over: BTreeSet<&str> = record.sources["memory"].streams.keys().map(String::as_str).collect();
        assert!(over.contains("events") && !over.contains("details"), "{over:?}");
        let read: BTreeSet<String> = asked(&vendor).into_iter().collect();
        assert_eq!(read.len(), answered);
        let second = run(&vendor, folder.path(), NOW + 1, &BOTH, |_| {}).await;
        assert_eq!(second.status, RunStatus::Ok);
        let again: BTreeSet<String> = asked(&vendor).into_iter().collect();
        let twice: BTreeSet<&String> = read.intersection(&again).collect();
        assert!(twice.iter().all(|id| seen_again(&vendor).contains(*id)), "{answered}: {twice:?}");
        exact(&vendor, folder.path());
    }
}

#[test]
fn so_is_one_that_was_killed_again_and_again() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let (mut kills, mut windows) = (0, Vec::new());
    loop {
        // A first life is too short for a run, but not a later one for what is left of it.
        let patience = usize::try_from(15 + 2 * kills).unwrap();
        vendor.0.lock().unwrap().hangs_after = Some(patience);
        let sources = [source(&vendor, &BOTH, ALL)];
        let options = options(folder.path(), NOW + kills);
        let progress: Arc<dyn Progress> = Arc::new(NoProgress);
        // One of its own each, which ends when no thread of it writes any more.
        let life = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = life.block_on(async {
            tokio::select! {
                record = sync(&sources, &options, "test", &progress) => Some(record.unwrap().status),
                () = hung(&vendor) => None,
            }
        });
        drop(life);
        windows.extend(vendor.0.lock().unwrap().asked.drain(..).filter(|path| path.contains("/events")));
        if let Some(status) = ended {
            assert_eq!(status, RunStatus::Ok);
            break;
        }
        kills += 1;
        assert!(kills < 40);
    }
    assert!(kills > 1);
    vendor.0.lock().unwrap().hangs_after = None;
    exact(&vendor, folder.path());
    assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH));
    // Of each property four windows that are over, the last of them cut at the look-back.
    let settled: Vec<&String> = windows.iter().filter(|path| !path.contains("to=2026-04")).collect();
    let once: BTreeSet<&String> = settled.iter().copied().collect();
    assert!(once.len() >= 8 && settled.len() <= once.len() + usize::try_from(kills).unwrap(), "{windows:#?}");
}

async fn hung(vendor: &Vendor) {
    let hangs = Arc::clone(&vendor.0.lock().unwrap().hangs);
    hangs.notified().await;
}

#[tokio::test]
async fn what_was_kept_is_forgotten_after_a_day_and_with_full() {
    for (later, full) in [(DAY + 1, false), (1, true)] {
        let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
        let first = before_the_ids(&vendor).await;
        vendor.0.lock().unwrap().fails_after = Some(first + 13);
        run(&vendor, folder.path(), NOW, &BOTH, |_| {}).await;
        vendor.0.lock().unwrap().fails_after = None;
        run(&vendor, folder.path(), NOW + later, &BOTH, |options| options.full = full).await;
        let (known, missing) = details(&vendor);
        assert_eq!(asked(&vendor).len(), known.len() + missing.len());
        exact(&vendor, folder.path());
    }
}
