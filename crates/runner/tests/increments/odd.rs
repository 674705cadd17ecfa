//! Connectors that panic, and states that are another's.

use std::{path::Path, sync::Arc};

use userhaul_runner::{
    RunOptions,
    progress::{NoProgress, Progress},
    record::{RunRecord, RunStatus, StreamStatus},
    sync,
};

use crate::{
    ALL, NOW, events, expected_events, filled, stream,
    vendor::{BROKEN, DAY, FIRST, Vendor, source},
};

async fn run_as(vendor: &Vendor, folder: &Path, now: i64, identity: &str) -> RunRecord {
    let options = RunOptions {
        run_id: format!("run-{now}"),
        now,
        destination: folder.to_owned(),
        compression: userhaul_sink::Compression::None,
        from: None,
        to: None,
        full: false,
        allow_shrink: true,
        limit: None,
    };
    let mut source = source(vendor, &["a", "b"], ALL);
    identity.clone_into(&mut source.identity);
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    sync(&[source], &options, "test", &progress).await.unwrap()
}

#[tokio::test]
async fn a_connector_that_panics_fails_its_stream_and_no_other() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    run_as(&vendor, folder.path(), NOW, "one").await;
    let before = events(folder.path());
    let event = (FIRST + 30 * DAY, "k1".to_owned(), BROKEN.to_owned());
    vendor.0.lock().unwrap().events.insert(("a".to_owned(), "new".to_owned()), event);
    let record = run_as(&vendor, folder.path(), NOW + DAY, "one").await;
    assert_eq!(record.status, RunStatus::Partial);
    let failed = stream(&record, "events");
    assert_eq!(
        (failed.status, failed.error.as_ref().unwrap().code.as_str()),
        (StreamStatus::Failed, "internal")
    );
    assert!(!format!("{record:?}").contains("a connector that panics"));
    for name in ["kinds", "people"] {
        assert_eq!(stream(&record, name).status, StreamStatus::Ok, "{name}");
    }
    assert_eq!(events(folder.path()), before);
    vendor.0.lock().unwrap().events.remove(&("a".to_owned(), "new".to_owned()));
    let record = run_as(&vendor, folder.path(), NOW + DAY + 1, "one").await;
    assert_eq!(record.status, RunStatus::Ok, "{record:?}");
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
}

#[tokio::test]
async fn a_state_of_another_account_is_not_taken_up() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let first = run_as(&vendor, folder.path(), NOW, "one").await;
    vendor.0.lock().unwrap().events.retain(|_, event| event.0 % 2 == 0);
    let other = run_as(&vendor, folder.path(), NOW + 1, "other").await;
    assert_eq!(stream(&other, "events").requests, stream(&first, "events").requests);
    assert_eq!(stream(&other, "events").cursor_before, None);
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
    let again = run_as(&vendor, folder.path(), NOW + 2, "other").await;
    assert_eq!(stream(&again, "events").requests, 2);
}
