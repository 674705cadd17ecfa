//! Windows that a run has read whole before it was cut short: what comes of them is what would have come had it ended.

use std::path::{Path, PathBuf};

use userhaul_connector::decode::{Act, Rule};
use userhaul_runner::{
    RunOptions, Source,
    record::{RunRecord, RunStatus},
};

use crate::{
    NOW, copy, events, expected_events, filled, run_source,
    storage::folder as in_memory,
    table,
    vendor::{DAY, FIRST, Vendor, source},
};

const BOTH: [&str; 2] = ["a", "b"];
const HOUR: i64 = 3_600_000_000;

/// A run cut short reads nothing again before this: a day is final a day later, and three days are looked back.
const SETTLED: i64 = FIRST + 26 * DAY;

fn of(vendor: &Vendor, streams: &[&str]) -> Source {
    source(vendor, &BOTH, streams)
}

async fn at(source: Source, vendor: &Vendor, folder: &Path, now: i64) -> RunRecord {
    run_source(source, vendor, folder, now, |_: &mut RunOptions| {}).await
}

/// What was asked for in the last run below a path.
fn asked(vendor: &Vendor, part: &str) -> Vec<String> {
    vendor.0.lock().unwrap().asked.iter().filter(|path| path.contains(part)).cloned().collect()
}

/// Cuts a first run of a stream short before its n-th answer to what stands in the path.
async fn cut_short(make: impl Fn(&Vendor) -> Source, vendor: &Vendor, folder: &Path, part: &str, n: usize) {
    let elsewhere = in_memory();
    at(make(vendor), vendor, elsewhere.path(), NOW).await;
    let before = vendor.0.lock().unwrap().asked.iter().position(|path| path.contains(part)).unwrap();
    vendor.0.lock().unwrap().fails_after = Some(before + n);
    let failed = at(make(vendor), vendor, folder, NOW).await;
    assert_ne!(failed.status, RunStatus::Ok);
    vendor.0.lock().unwrap().fails_after = None;
}

fn nothing_is_left(folder: &Path) {
    assert!(!folder.join("_userhaul/kept").exists());
    let parts = std::fs::read_dir(folder.join("_userhaul/parts")).map_or(0, Iterator::count);
    assert_eq!(parts, 0);
}

/// Edits what was before an instant, which no later run finds without a full pass, and adds what each finds.
fn time_passes(vendor: &Vendor) {
    let mut held = vendor.0.lock().unwrap();
    for ((property, _), (at, _, note)) in &mut held.events {
        if property == "a" && *at < SETTLED - 6 * DAY {
            "edited long ago".clone_into(note);
        } else if *at >= SETTLED {
            "edited late".clone_into(note);
        }
    }
    let gone = held.events.iter().find(|(_, (at, ..))| *at >= SETTLED).map(|(key, _)| key.clone()).unwrap();
    held.events.remove(&gone);
    for (property, back) in [("a", 1), ("b", 1), ("a", 3), ("b", 4)] {
        let event = (NOW - back * DAY, "k1".to_owned(), "p1".to_owned());
        held.events.insert((property.to_owned(), format!("late {back}")), event);
    }
}

#[tokio::test]
async fn a_run_that_goes_on_leaves_what_one_after_a_whole_run_leaves() {
    let make = |vendor: &Vendor| {
        let full_every = Some(std::time::Duration::from_secs(7 * 86_400));
        Source { full_every, ..of(vendor, &["kinds", "events"]) }
    };
    let (vendor, undisturbed) = (filled(), filled());
    let (folder, whole) = (in_memory(), in_memory());
    cut_short(make, &vendor, folder.path(), "/a/events", 4).await;
    at(make(&undisturbed), &undisturbed, whole.path(), NOW).await;
    let everything = asked(&undisturbed, "events").len();
    for vendor in [&vendor, &undisturbed] {
        time_passes(vendor);
    }
    let second = at(make(&vendor), &vendor, folder.path(), NOW + 20 * HOUR).await;
    assert_eq!(second.status, RunStatus::Ok, "{second:?}");
    // Of the first property three windows of four were settled, and of the fourth all but its last two days.
    let again = asked(&vendor, "/a/events");
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again[0].contains("from=2026-03-26&to=2026-03-29"), "{again:?}");
    assert_eq!(asked(&vendor, "events").len(), everything - 3);
    at(make(&undisturbed), &undisturbed, whole.path(), NOW + 20 * HOUR).await;
    let rows = events(folder.path());
    assert!(rows != expected_events(&vendor, &BOTH), "what was edited long ago is not seen yet");
    assert_eq!(rows, events(whole.path()));
    let unified = |folder: &Path| table(&folder.join("unified/events"), &["object_id", "object_name"]);
    assert_eq!(unified(folder.path()), unified(whole.path()));
    let runs = table(&folder.path().join("memory/events"), &["property", "at", "_run_id"]);
    for row in runs {
        let first = row[0] == "a" && row[1].parse::<i64>().unwrap() < SETTLED;
        assert_eq!(row[2] == format!("run-{NOW}"), first, "{row:?}");
    }
    nothing_is_left(folder.path());
    // The full pass is due by the age of what was read first.
    at(make(&vendor), &vendor, folder.path(), NOW + 6 * DAY + 8 * HOUR).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH));
}

#[tokio::test]
async fn a_window_that_was_halved_is_gone_on_with_wherever_it_was_cut() {
    let make = |vendor: &Vendor| of(vendor, &["visits"]);
    let visits = |folder: &Path| table(&folder.join("memory/visits"), &["id", "at", "note"]);
    let expected = |vendor: &Vendor| -> Vec<Vec<String>> {
        let rows = expected_events(vendor, &["a"]).into_iter();
        rows.map(|row| vec![row[1].clone(), row[2].clone(), row[4].clone()]).collect()
    };
    let (vendor, elsewhere) = (filled(), in_memory());
    for hour in 12 * 24..29 * 24 {
        let event = (FIRST + hour * HOUR, "k1".to_owned(), "p1".to_owned());
        vendor.0.lock().unwrap().events.insert(("a".to_owned(), format!("hour {hour}")), event);
    }
    let first = at(make(&vendor), &vendor, elsewhere.path(), NOW).await;
    assert_eq!(first.status, RunStatus::Ok, "{first:?}");
    let everything = asked(&vendor, "/visits").len();
    assert!(everything > 40, "{everything}");
    let mut saved = 0;
    for n in (0..everything).step_by(5) {
        let folder = in_memory();
        cut_short(make, &vendor, folder.path(), "/visits", n).await;
        let second = at(make(&vendor), &vendor, folder.path(), NOW + HOUR).await;
        assert_eq!(second.status, RunStatus::Ok, "{n}: {second:?}");
        assert_eq!(visits(folder.path()), expected(&vendor), "{n}");
        nothing_is_left(folder.path());
        saved = saved.max(everything.saturating_sub(asked(&vendor, "/visits").len()));
        // A later one finds the checkpoint where the second run began.
        at(make(&vendor), &vendor, folder.path(), NOW + 2 * HOUR).await;
        assert!(asked(&vendor, "/visits").len() * 2 < everything, "{n}");
    }
    assert!(saved * 2 > everything, "{saved} of {everything}");
}

#[tokio::test]
async fn under_other_facts_rules_or_options_everything_is_read() {
    let rule = |act| vec![Rule { name: "note".to_owned(), act }];
    let make = |vendor: &Vendor| of(vendor, &["events", "kinds"]);
    let changes: [(&str, &dyn Fn(Source) -> Source); 5] = [
        ("nothing", &|source| source),
        ("account", &|source| Source { identity: "another".to_owned(), ..source }),
        ("privacy", &|source| Source { rules: rule(Act::Drop), ..source }),
        ("look-back", &|source| Source {
            look_back: Some(std::time::Duration::from_secs(86_400 * 40)),
            ..source
        }),
        ("full_every", &|source| Source { full_every: Some(std::time::Duration::from_secs(60)), ..source }),
    ];
    for (what, change) in changes {
        let (vendor, folder) = (filled(), in_memory());
        cut_short(make, &vendor, folder.path(), "/a/events", 4).await;
        let everything = 10;
        at(change(make(&vendor)), &vendor, folder.path(), NOW + HOUR).await;
        let asked = asked(&vendor, "events").len();
        assert_eq!(asked, if what == "nothing" { everything - 3 } else { everything }, "{what}");
        if what != "privacy" {
            assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH), "{what}");
        }
        nothing_is_left(folder.path());
    }
    for (later, full) in [(DAY, false), (HOUR, true)] {
        let (vendor, folder) = (filled(), in_memory());
        cut_short(make, &vendor, folder.path(), "/a/events", 4).await;
        run_source(make(&vendor), &vendor, folder.path(), NOW + later, |options| options.full = full).await;
        assert_eq!(asked(&vendor, "events").len(), 10, "{later} {full}");
        assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH));
    }
}

#[tokio::test]
async fn a_start_that_moves_takes_what_it_covers() {
    for (start, saved) in [(FIRST + 8 * DAY, 2), (FIRST - 7 * DAY, 3)] {
        let (vendor, folder) = (filled(), in_memory());
        let make = |vendor: &Vendor| of(vendor, &["events", "kinds"]);
        cut_short(make, &vendor, folder.path(), "/a/events", 4).await;
        let moved = |vendor: &Vendor| Source { start: Some(start), ..make(vendor) };
        let fresh = in_memory();
        at(moved(&vendor), &vendor, fresh.path(), NOW + HOUR).await;
        let everything = asked(&vendor, "events").len();
        at(moved(&vendor), &vendor, folder.path(), NOW + HOUR).await;
        assert_eq!(events(folder.path()), events(fresh.path()));
        assert!(
            asked(&vendor, "events").len() + saved <= everything + 1,
            "{start}: {:?}",
            asked(&vendor, "events")
        );
    }
}

#[tokio::test]
async fn a_kept_window_is_settled_by_the_vendors_clock() {
    let make = |vendor: &Vendor| of(vendor, &["events", "kinds"]);
    let (vendor, folder) = (filled(), in_memory());
    vendor.0.lock().unwrap().behind = Some(10 * 86_400);
    cut_short(make, &vendor, folder.path(), "/a/events", 4).await;
    let everything = asked(&vendor, "/a/events").len();
    // Our clock says that this is long over, the vendor's that it is yet to come.
    let event = (SETTLED - DAY, "k1".to_owned(), "p1".to_owned());
    vendor.0.lock().unwrap().events.insert(("a".to_owned(), "late".to_owned()), event);
    at(make(&vendor), &vendor, folder.path(), NOW + HOUR).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH));
    assert!(asked(&vendor, "/a/events").len() < everything, "{:?}", asked(&vendor, "/a/events"));
    nothing_is_left(folder.path());
}

fn journals(folder: &Path) -> Vec<PathBuf> {
    let kept = std::fs::read_dir(folder.join("_userhaul/kept")).unwrap();
    kept.map(|run| run.unwrap().path().join("memory/events/journal.ndjson")).collect()
}

#[tokio::test]
async fn a_journal_that_is_torn_or_changed_loses_no_row() {
    let (vendor, cut) = (filled(), in_memory());
    let make = |vendor: &Vendor| of(vendor, &["events", "kinds"]);
    cut_short(make, &vendor, cut.path(), "/a/events", 4).await;
    let journal = journals(cut.path()).pop().unwrap();
    let (path, text) = (journal.strip_prefix(cut.path()).unwrap(), std::fs::read(&journal).unwrap());
    let lines = text.split(|&byte| byte == b'\n').count();
    assert_eq!(lines, 1 + 4 + 1, "head, slices, and the end of the last line");
    let mut most = 0;
    for position in (0..text.len()).step_by(97) {
        for flip in [0, 1, 16] {
            let folder = in_memory();
            copy(cut.path(), folder.path());
            let mut changed = text.clone();
            if flip == 0 {
                changed.truncate(position)
            } else {
                changed[position] ^= flip
            }
            std::fs::write(folder.path().join(path), changed).unwrap();
            at(make(&vendor), &vendor, folder.path(), NOW + HOUR).await;
            assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH), "{position} {flip}");
            most = most.max(asked(&vendor, "events").len());
            nothing_is_left(folder.path());
        }
    }
    assert_eq!(most, 10);
    // A part that is gone, or shorter than it was.
    for number in 0..2 {
        let folder = in_memory();
        copy(cut.path(), folder.path());
        let part = folder.path().join(path).with_file_name("part-1.parquet");
        let bytes = std::fs::read(&part).unwrap();
        match number {
            0 => std::fs::remove_file(&part).unwrap(),
            _ => std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap(),
        }
        at(make(&vendor), &vendor, folder.path(), NOW + HOUR).await;
        assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH));
        assert_eq!(asked(&vendor, "events").len(), 8);
    }
}

#[tokio::test]
async fn a_later_run_that_goes_on_loses_what_the_one_before_found_gone() {
    let make = |vendor: &Vendor| of(vendor, &["kinds", "events"]);
    let (vendor, folder) = (filled(), in_memory());
    at(make(&vendor), &vendor, folder.path(), NOW).await;
    // Weeks later the look-back of the first run is settled.
    let later = NOW + 21 * DAY;
    {
        let mut held = vendor.0.lock().unwrap();
        held.events.retain(|(property, _), (at, ..)| property == "b" || *at < SETTLED);
        for day in 0..20 {
            let event = (NOW + day * DAY, "k1".to_owned(), "p2".to_owned());
            held.events.insert(("a".to_owned(), format!("new {day}")), event);
        }
    }
    // The kinds, and three of four windows.
    vendor.0.lock().unwrap().fails_after = Some(1 + 3);
    at(make(&vendor), &vendor, folder.path(), later).await;
    vendor.0.lock().unwrap().fails_after = None;
    let second = at(make(&vendor), &vendor, folder.path(), later + HOUR).await;
    assert_eq!(second.status, RunStatus::Ok, "{second:?}");
    assert!(asked(&vendor, "/a/events").len() < 3, "{:?}", asked(&vendor, "/a/events"));
    assert_eq!(events(folder.path()), expected_events(&vendor, &BOTH));
}
