//! A vendor that has little or nothing for a night: what stood comes back with the vendor.

use std::path::Path;

use userhaul_runner::record::{RunRecord, StreamStatus};

use crate::{
    NOW, events, expected_events, filled, run_source, stream, table,
    vendor::{DAY, FIRST, Vendor, source},
};

async fn at(vendor: &Vendor, folder: &Path, now: i64, full: bool) -> RunRecord {
    let source = source(vendor, &["a", "b"], &["kinds", "events", "visits"]);
    run_source(source, vendor, folder, now, |options| {
        (options.full, options.allow_shrink) = (full, false);
    })
    .await
}

/// A vendor with events every few hours.
fn busy() -> Vendor {
    let vendor = filled();
    let mut held = vendor.0.lock().unwrap();
    for number in 1..=40 {
        let event = (NOW - number * DAY / 2, "k1".to_owned(), "p1".to_owned());
        held.events.insert(("a".to_owned(), format!("busy {number}")), event);
    }
    drop(held);
    vendor
}

fn visits(folder: &Path) -> usize {
    table(&folder.join("memory/visits"), &["id"]).len()
}

fn expected_visits(vendor: &Vendor) -> usize {
    let held = vendor.0.lock().unwrap();
    held.events.keys().filter(|(property, _)| property == "a").count()
}

fn codes<'a>(record: &'a RunRecord, name: &str) -> Vec<&'a str> {
    stream(record, name).warnings.iter().map(|(code, _)| code).collect()
}

#[tokio::test]
async fn rows_of_an_empty_night_come_back() {
    let (vendor, folder) = (busy(), tempfile::tempdir().unwrap());
    at(&vendor, folder.path(), NOW, false).await;
    let (before, all) = (visits(folder.path()), events(folder.path()).len());
    assert_eq!(before, expected_visits(&vendor));
    let held = std::mem::take(&mut vendor.0.lock().unwrap().events);
    for night in 1..=5 {
        let record = at(&vendor, folder.path(), NOW + night * DAY, false).await;
        for name in ["events", "visits"] {
            let told = codes(&record, name);
            assert_eq!(stream(&record, name).status, StreamStatus::Ok, "{name}");
            assert!(told.contains(&"checkpoint_held"), "night {night}: {name} {told:?}");
            assert_eq!(told.contains(&"window_empty"), night == 1, "night {night}: {name} {told:?}");
        }
    }
    assert!(visits(folder.path()) < before && events(folder.path()).len() < all);
    vendor.0.lock().unwrap().events = held;
    let record = at(&vendor, folder.path(), NOW + 6 * DAY, false).await;
    assert_eq!(visits(folder.path()), before);
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
    assert!(!codes(&record, "visits").contains(&"checkpoint_held"));
}

#[tokio::test]
async fn a_full_pass_of_windows_that_comes_empty_or_by_a_third_is_refused() {
    for kept in [0, 3] {
        let (vendor, folder) = (busy(), tempfile::tempdir().unwrap());
        at(&vendor, folder.path(), NOW, false).await;
        let (before, all) = (visits(folder.path()), events(folder.path()));
        let mut number = 0;
        vendor.0.lock().unwrap().events.retain(|_, _| {
            number += 1;
            kept != 0 && number % kept == 0
        });
        let record = at(&vendor, folder.path(), NOW + DAY, true).await;
        for name in ["events", "visits"] {
            let failed = stream(&record, name);
            assert_eq!(failed.error.as_ref().map(|error| error.code.as_str()), Some("shrunk"), "{name}");
        }
        assert_eq!(visits(folder.path()), before);
        assert_eq!(events(folder.path()), all);
    }
}

#[tokio::test]
async fn a_checkpoint_is_an_instant_of_the_vendors_clock() {
    let (vendor, folder) = (busy(), tempfile::tempdir().unwrap());
    vendor.0.lock().unwrap().behind = Some(10 * 86_400);
    at(&vendor, folder.path(), NOW, false).await;
    let event = (NOW - 6 * DAY, "k1".to_owned(), "p1".to_owned());
    assert!(event.0 > FIRST);
    vendor.0.lock().unwrap().events.insert(("a".to_owned(), "late".to_owned()), event);
    at(&vendor, folder.path(), NOW + 1, false).await;
    assert_eq!(visits(folder.path()), expected_visits(&vendor));
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
}
