//! Night after night over data that changes: the tables equal what the vendor holds, and little is asked.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod archive;
mod archive_storage;
mod kept;
mod odd;
mod resumed;
mod storage;
mod vendor;
mod windows;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use arrow_array::{Array, cast::AsArray, types::TimestampMicrosecondType};
use userhaul_runner::{
    RunOptions, Source,
    progress::{NoProgress, Progress},
    record::{Completeness, RunRecord, RunStatus, StreamRecord, StreamStatus},
    sync,
};

use vendor::{DAY, FIRST, Happening, Vendor, source};

const ALL: &[&str] = &["kinds", "events", "people", "details", "details_missing"];

/// A run at an instant, with these options changed.
async fn run(
    vendor: &Vendor,
    folder: &Path,
    now: i64,
    properties: &[&str],
    change: impl FnOnce(&mut RunOptions),
) -> RunRecord {
    run_source(source(vendor, properties, ALL), vendor, folder, now, change).await
}

fn options(folder: &Path, now: i64) -> RunOptions {
    RunOptions {
        run_id: format!("run-{now}"),
        now,
        destination: folder.to_owned(),
        compression: userhaul_sink::Compression::None,
        from: None,
        to: None,
        full: false,
        allow_shrink: true,
        limit: None,
    }
}

async fn run_source(
    source: Source,
    vendor: &Vendor,
    folder: &Path,
    now: i64,
    change: impl FnOnce(&mut RunOptions),
) -> RunRecord {
    vendor.0.lock().unwrap().asked.clear();
    let mut options = options(folder, now);
    change(&mut options);
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    sync(&[source], &options, "test", &progress).await.unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn stream<'a>(record: &'a RunRecord, name: &str) -> &'a StreamRecord {
    &record.sources["memory"].streams[name]
}

/// Texts and instants (as texts) of some columns, all rows, in order.
fn table(folder: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "parquet")) {
        for batch in userhaul_sink::read(file, None).unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let cell = |name: &&str| {
                    let array = batch.column_by_name(name).unwrap();
                    if array.is_null(row) {
                        return String::new();
                    }
                    match array.as_primitive_opt::<TimestampMicrosecondType>() {
                        Some(instants) => instants.value(row).to_string(),
                        None => array.as_string::<i32>().value(row).to_owned(),
                    }
                };
                rows.push(columns.iter().map(cell).collect());
            }
        }
    }
    rows.sort();
    rows
}

fn events(folder: &Path) -> Vec<Vec<String>> {
    table(&folder.join("memory/events"), &["property", "id", "at", "kind", "note"])
}

fn expected_events(vendor: &Vendor, properties: &[&str]) -> Vec<Vec<String>> {
    let held = vendor.0.lock().unwrap();
    let mut rows: Vec<Vec<String>> = held
        .events
        .iter()
        .filter(|((property, _), _)| properties.contains(&property.as_str()))
        .map(|((property, id), (at, kind, note))| {
            vec![property.clone(), id.clone(), at.to_string(), kind.clone(), note.clone()]
        })
        .collect();
    rows.sort();
    rows
}

/// What `unify` makes of the events: the note and the name of the kind.
fn expected_unified(vendor: &Vendor, properties: &[&str]) -> Vec<Vec<String>> {
    let names = vendor.0.lock().unwrap().kinds.clone();
    let mut rows: Vec<Vec<String>> = expected_events(vendor, properties)
        .into_iter()
        .map(|row| vec![row[4].clone(), names.get(&row[3]).cloned().unwrap_or_default()])
        .collect();
    rows.sort();
    rows
}

/// Small numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What happens at the vendor between two nights; events are touched from `since` on.
fn a_day_passes(vendor: &Vendor, dice: &mut Dice, since: i64, now: i64) {
    let mut held = vendor.0.lock().unwrap();
    let recent: Vec<(String, String)> =
        held.events.iter().filter(|(_, (at, ..))| *at >= since).map(|(key, _)| key.clone()).collect();
    for key in recent {
        match dice.below(6) {
            0 => drop(held.events.remove(&key)),
            1 => held.events.get_mut(&key).unwrap().2 = format!("p{}", dice.below(30)),
            _ => {}
        }
    }
    for number in 0..dice.below(5) {
        let property = if dice.below(2) == 0 { "a" } else { "b" };
        // Late ones too.
        let back = i64::try_from(dice.below(4 * 86_400 - 7200)).unwrap() * 1_000_000;
        let at = (now - back).max(FIRST);
        let event: Happening = (at, format!("k{}", dice.below(3)), format!("p{}", dice.below(30)));
        held.events.insert((property.to_owned(), format!("{now}-{number}")), event);
    }
    if dice.below(3) == 0 {
        let kind = format!("k{}", dice.below(3));
        let name = format!("name {}", dice.below(100));
        held.kinds.insert(kind, name);
    }
    for _ in 0..dice.below(8) {
        let person = format!("p{}", dice.below(60));
        held.people.insert(person.clone(), (now - 3_600_000_000, format!("n{now}")));
        held.details.insert(person, format!("d{now}"));
    }
    let gone = format!("p{}", dice.below(60));
    held.people.remove(&gone);
    held.details.remove(&gone);
}

#[tokio::test]
async fn forty_nights_some_of_them_cut_short() {
    for seed in 1..=2 {
        let folder = tempfile::tempdir().unwrap();
        let (vendor, mut dice) = (Vendor::default(), Dice(seed * 7919));
        let mut people: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut details: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let (mut since, mut whole, mut cut) = (FIRST, 0, 0);
        for night in 1..=40 {
            let now = FIRST + night * DAY + 2 * 3_600_000_000;
            a_day_passes(&vendor, &mut dice, since, now);
            let failing = night > 1 && dice.below(2) == 0;
            vendor.0.lock().unwrap().fails_after = failing.then(|| usize::try_from(dice.below(15)).unwrap());
            let record = run(&vendor, folder.path(), now, &["a", "b"], |_| {}).await;
            if stream(&record, "events").status == StreamStatus::Ok {
                // A run reads again from three days before what was final at the run before.
                since = (now.div_euclid(DAY) - 4) * DAY;
            }
            let held = vendor.0.lock().unwrap().clone();
            for asked in held.asked.iter().filter_map(|asked| asked.strip_prefix("/details/")) {
                let id = asked.trim_end_matches('?');
                let notes = details.entry(id.to_owned()).or_default();
                notes.extend(held.details.get(id).cloned());
            }
            let ok = |name: &str| stream(&record, name).status == StreamStatus::Ok;
            let place = format!("seed {seed}, night {night}");
            assert!(failing || record.status == RunStatus::Ok, "{place}: {record:?}");
            cut += usize::from(record.status != RunStatus::Ok);
            if ok("events") {
                assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]), "{place}");
            }
            if ok("events") && ok("kinds") {
                let unified = table(&folder.path().join("unified/events"), &["object_id", "object_name"]);
                assert_eq!(unified, expected_unified(&vendor, &["a", "b"]), "{place}");
            }
            if ok("people") {
                if stream(&record, "people").completeness == Completeness::Complete {
                    people.clear();
                    whole += 1;
                }
                people.extend(
                    held.people
                        .iter()
                        .map(|(id, (at, note))| (id.clone(), vec![id.clone(), at.to_string(), note.clone()])),
                );
                let mut expected: Vec<_> = people.values().cloned().collect();
                expected.sort();
                let rows = table(&folder.path().join("memory/people"), &["id", "updated", "note"]);
                assert_eq!(rows, expected, "{place}");
            }
            if ok("details") {
                let ids: BTreeSet<String> = held.events.values().map(|(.., note)| note.clone()).collect();
                let rows = table(&folder.path().join("memory/details"), &["asked", "note"]);
                let missing = table(&folder.path().join("memory/details_missing"), &["asked"]);
                let known: BTreeSet<String> = rows.iter().chain(&missing).map(|row| row[0].clone()).collect();
                assert_eq!(known, ids, "{place}");
                assert_eq!(rows.len() + missing.len(), ids.len(), "{place}");
                for row in rows {
                    assert!(details[&row[0]].contains(&row[1]), "{place}: {row:?}");
                }
            }
        }
        assert!(whole >= 5, "{whole} full passes");
        assert!(cut >= 3, "{cut} runs were cut short");
    }
}

fn filled() -> Vendor {
    let vendor = Vendor::default();
    let mut dice = Dice(1);
    for day in 1..=30 {
        a_day_passes(&vendor, &mut dice, i64::MAX, FIRST + day * DAY);
    }
    vendor
}

const NOW: i64 = FIRST + 30 * DAY + 7_200_000_000;

#[tokio::test]
async fn a_second_run_asks_for_the_look_back_alone() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let first = run(&vendor, folder.path(), NOW, &["a", "b"], |_| {}).await;
    let second = run(&vendor, folder.path(), NOW + DAY, &["a", "b"], |_| {}).await;
    assert!(stream(&first, "events").requests >= 10);
    assert_eq!(stream(&second, "events").requests, 2);
    assert_eq!(stream(&second, "events").cursor_before.as_deref(), Some("2026-03-30T00:00:00Z"));
    assert_eq!(stream(&second, "events").cursor_after.as_deref(), Some("2026-03-31T00:00:00Z"));
    assert_eq!(stream(&second, "people").mode, "incremental");
    let asked = vendor.0.lock().unwrap().asked.clone();
    assert!(asked.contains(&"/a/events?from=2026-03-26&to=2026-04-01".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn full_reads_everything_and_finds_what_was_edited_long_ago() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    run(&vendor, folder.path(), NOW, &["a", "b"], |_| {}).await;
    vendor.0.lock().unwrap().events.values_mut().for_each(|event| event.2 = "edited".to_owned());
    run(&vendor, folder.path(), NOW + 1, &["a", "b"], |_| {}).await;
    assert_ne!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
    run(&vendor, folder.path(), NOW + 2, &["a", "b"], |options| options.full = true).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
}

#[tokio::test]
async fn a_range_is_read_again_and_the_checkpoint_stays() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    run(&vendor, folder.path(), NOW, &["a", "b"], |_| {}).await;
    let (from, to) = (FIRST + 5 * DAY, FIRST + 9 * DAY);
    {
        let mut held = vendor.0.lock().unwrap();
        held.events.retain(|_, event| !(from..to).contains(&event.0) || event.0 % 2 == 0);
        held.events.insert(("a".to_owned(), "back".to_owned()), (from, "k1".to_owned(), "p1".to_owned()));
    }
    let backfill = run(&vendor, folder.path(), NOW + 1, &["a", "b"], |options| {
        (options.from, options.to) = (Some(from), Some(to));
    })
    .await;
    let record = backfill;
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
    assert_eq!(stream(&record, "events").requests, 2);
    let after = run(&vendor, folder.path(), NOW + 2, &["a", "b"], |_| {}).await;
    assert_eq!(stream(&after, "events").requests, 2);
}

#[tokio::test]
async fn a_property_that_is_new_is_read_from_the_start_and_one_that_is_gone_loses_its_rows() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    run(&vendor, folder.path(), NOW, &["a"], |_| {}).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a"]));
    let both = run(&vendor, folder.path(), NOW + 1, &["a", "b"], |_| {}).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
    assert_eq!(stream(&both, "events").requests, 6);
    run(&vendor, folder.path(), NOW + 2, &["b"], |_| {}).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &["b"]));
    assert_eq!(
        table(&folder.path().join("unified/events"), &["object_id", "object_name"]),
        expected_unified(&vendor, &["b"])
    );
}

#[tokio::test]
async fn a_table_that_lost_a_file_is_read_anew() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    run(&vendor, folder.path(), NOW, &["a", "b"], |_| {}).await;
    std::fs::remove_file(folder.path().join("memory/events/2026-03.parquet")).unwrap();
    let record = run(&vendor, folder.path(), NOW + 1, &["a", "b"], |_| {}).await;
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
    assert!(stream(&record, "events").warnings.iter().any(|told| told.0 == "read_anew"));
}

#[tokio::test]
async fn a_damaged_checkpoint_is_told_and_everything_read_anew() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    run(&vendor, folder.path(), NOW, &["a", "b"], |_| {}).await;
    std::fs::write(folder.path().join("_userhaul/state/memory/events.json"), "{").unwrap();
    let record = run(&vendor, folder.path(), NOW + 1, &["a", "b"], |_| {}).await;
    assert!(stream(&record, "events").requests >= 10);
    assert!(stream(&record, "events").warnings.iter().any(|told| told.1.contains("cannot be read")));
    assert_eq!(events(folder.path()), expected_events(&vendor, &["a", "b"]));
}
