//! Nights come back from the archive as they were: rows, marks and former versions, whatever was cut short in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arrow_array::RecordBatch;
use userhaul_runner::{
    ReplayOptions, RunOptions, Source,
    progress::{NoProgress, Progress},
    record::{RunRecord, RunStatus, StreamStatus},
    replay,
};

use crate::{
    ALL, Dice, NOW, a_day_passes, copy, filled,
    kept::{BOTH, Keeps, NOTHING},
    run_source,
    storage::folder,
    stream, table,
    vendor::{DAY, FIRST, Vendor, source},
};

const KEEP: Duration = Duration::from_secs(10 * 86_400);

fn archived(vendor: &Vendor, keeps: Keeps) -> Source {
    let (marks_deleted, keeps_history) = (keeps.marks, keeps.history);
    Source { archive: Some(KEEP), marks_deleted, keeps_history, ..source(vendor, &["a", "b"], ALL) }
}

async fn night(source: Source, vendor: &Vendor, folder: &Path, now: i64) -> RunRecord {
    run_source(source, vendor, folder, now, |_: &mut RunOptions| {}).await
}

/// A replay; the vendor must not be asked.
pub(crate) async fn replayed(
    source: Source,
    folder: &Path,
    change: impl FnOnce(&mut ReplayOptions),
) -> RunRecord {
    let mut options = ReplayOptions {
        run_id: "run-9".to_owned(),
        now: NOW + 1000 * DAY,
        destination: folder.to_owned(),
        compression: userhaul_sink::Compression::None,
        run: None,
        strict: true,
        allow_shrink: false,
    };
    change(&mut options);
    let progress: Arc<dyn Progress> = Arc::new(NoProgress);
    replay(&[source], &options, "test", &progress).await.unwrap()
}

/// Every visible row with all its columns, by the path of its table below the warehouse.
pub(crate) type Everything = BTreeMap<String, Vec<String>>;

pub(crate) fn everything(folder: &Path) -> Everything {
    let mut tables = Everything::new();
    for group in ["memory", "unified"] {
        for entry in std::fs::read_dir(folder.join(group)).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = format!("{group}/{}", path.file_name().unwrap().to_string_lossy());
            let files = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
            let batches = files.flat_map(|file| userhaul_sink::read(&file, None).unwrap());
            let mut rows: Vec<String> = batches.flat_map(|batch| rows(&batch.unwrap())).collect();
            rows.sort();
            tables.insert(name, rows);
        }
    }
    tables
}

fn rows(batch: &RecordBatch) -> Vec<String> {
    let cell = |row: usize| {
        let schema = batch.schema();
        let cells = schema.fields().iter().zip(batch.columns());
        cells
            .map(|(field, column)| format!("{}={:?};", field.name(), column.slice(row, 1)))
            .collect::<String>()
    };
    (0..batch.num_rows()).map(cell).collect()
}

/// Where two warehouses differ; nothing where they do not.
pub(crate) fn differences(one: &Everything, other: &Everything) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let none = Vec::new();
    let mut found = Vec::new();
    for name in names {
        let (one, other) = (one.get(name).unwrap_or(&none), other.get(name).unwrap_or(&none));
        if one != other {
            let lost = one.iter().find(|row| !other.contains(row));
            let new = other.iter().find(|row| !one.contains(row));
            found.push(format!("{name}: {} and {} rows; lost {lost:?}; new {new:?}", one.len(), other.len()));
        }
    }
    found
}

pub(crate) fn remove_tables(folder: &Path) {
    for group in ["memory", "unified", "_userhaul/state"] {
        std::fs::remove_dir_all(folder.join(group)).unwrap();
    }
}

/// Tables without marked rows, and without tables of versions.
fn live(all: &Everything) -> Everything {
    let tables = all.iter().filter(|(name, _)| !name.ends_with("__history"));
    let is_gone = |row: &String| {
        row.contains("\"deleted\"")
            || row.split_once("_deleted_at=").is_some_and(|(_, mark)| !mark.contains("null"))
    };
    tables
        .map(|(name, rows)| (name.clone(), rows.iter().filter(|row| !is_gone(row)).cloned().collect()))
        .collect()
}

fn streams(record: &RunRecord) -> Vec<(String, StreamStatus)> {
    let streams = record.sources["memory"].streams.iter();
    streams.map(|(name, record)| (name.clone(), record.status)).collect()
}

/// Nights of which some are cut short, after some of which everything is replayed.
async fn nights_come_back(seed: u64, keeps: Keeps) {
    let folder = folder();
    let (vendor, mut dice) = (Vendor::default(), Dice(seed * 7919));
    let (mut since, mut cut) = (FIRST, 0);
    for number in 1..=24 {
        let now = FIRST + number * DAY + 7_200_000_000;
        a_day_passes(&vendor, &mut dice, since, now);
        let failing = number > 1 && number % 4 != 0 && dice.below(3) == 0;
        vendor.0.lock().unwrap().fails_after = failing.then(|| usize::try_from(dice.below(15)).unwrap());
        let record = night(archived(&vendor, keeps), &vendor, folder.path(), now).await;
        cut += usize::from(record.status != RunStatus::Ok);
        if stream(&record, "events").status == StreamStatus::Ok {
            since = (now.div_euclid(DAY) - 4) * DAY;
        }
        if number % 4 != 0 {
            continue;
        }
        let place = format!("seed {seed}, night {number}");
        vendor.0.lock().unwrap().asked.clear();
        let before = everything(folder.path());
        let record = replayed(archived(&vendor, keeps), folder.path(), |_| {}).await;
        assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
        assert_eq!(differences(&before, &everything(folder.path())), Vec::<String>::new(), "{place}");
        // What is no more is not rebuilt beyond the latest full pass; all rows that are there are.
        let lost = crate::storage::folder();
        copy(folder.path(), lost.path());
        remove_tables(lost.path());
        let record = replayed(archived(&vendor, keeps), lost.path(), |_| {}).await;
        assert_eq!(record.status, RunStatus::Ok, "{place}: {record:?}");
        let after = everything(lost.path());
        assert_eq!(differences(&live(&before), &live(&after)), Vec::<String>::new(), "{place}, lost");
        assert!(vendor.0.lock().unwrap().asked.is_empty(), "{place}");
    }
    assert!(cut > 2, "{cut}");
}

#[tokio::test]
async fn nights_with_marks_and_versions_come_back() {
    nights_come_back(5, BOTH).await;
}

#[tokio::test]
async fn nights_come_back_without_marks_and_versions() {
    nights_come_back(6, NOTHING).await;
}

#[tokio::test]
async fn a_row_that_comes_out_otherwise_is_a_new_version_and_one_that_is_gone_is_marked() {
    let (vendor, folder) = (filled(), folder());
    night(archived(&vendor, BOTH), &vendor, folder.path(), NOW).await;
    let kinds = || table(&folder.path().join("memory/kinds"), &["id", "name", "_deleted_at"]);
    let versions =
        || table(&folder.path().join("memory/kinds__history"), &["id", "name", "_valid_from", "_valid_to"]);
    let held = vendor.0.lock().unwrap().kinds.clone();
    let (gone, _) = held.first_key_value().unwrap();
    let (renamed, name) = held.last_key_value().unwrap();
    vendor.0.lock().unwrap().kinds.remove(gone);
    vendor.0.lock().unwrap().kinds.insert(renamed.clone(), "renamed".to_owned());
    night(archived(&vendor, BOTH), &vendor, folder.path(), NOW + DAY).await;
    let (rows, history) = (kinds(), versions());
    assert!(rows.iter().any(|row| row[0] == *gone && row[2] == (NOW + DAY).to_string()), "{rows:?}");
    // Back to the first run: what came out otherwise is another version from the replay on, and nothing of before is lost.
    let again = NOW + 1000 * DAY;
    replayed(archived(&vendor, BOTH), folder.path(), |options| options.run = Some(format!("run-{NOW}")))
        .await;
    let row = |id: &str, name: &str| vec![id.to_owned(), name.to_owned(), String::new()];
    assert!(
        kinds().contains(&row(gone, &held[gone])) && kinds().contains(&row(renamed, name)),
        "{:?}",
        kinds()
    );
    let version = |id: &str, name: &str, from: i64, to: Option<i64>| {
        vec![
            id.to_owned(),
            name.to_owned(),
            from.to_string(),
            to.map(|to| to.to_string()).unwrap_or_default(),
        ]
    };
    let mut expected: Vec<Vec<String>> = history
        .iter()
        .map(|row| {
            if row[1] == "renamed" {
                version(renamed, "renamed", NOW + DAY, Some(again))
            } else {
                row.clone()
            }
        })
        .chain([version(renamed, name, again, None), version(gone, &held[gone], again, None)])
        .collect();
    expected.sort();
    assert_eq!(versions(), expected);
    // And forth: what the later run has found gone is gone since this replay.
    replayed(archived(&vendor, BOTH), folder.path(), |options| options.now = again + DAY).await;
    assert!(
        kinds().contains(&vec![gone.clone(), held[gone].clone(), (again + DAY).to_string()]),
        "{:?}",
        kinds()
    );
    assert!(kinds().contains(&row(renamed, "renamed")));
    assert_eq!(versions().len(), expected.len() + 1);
}

fn archives(folder: &Path, stream: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("_userhaul/archive/memory").join(stream)).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    found.sort();
    found
}

#[tokio::test]
async fn answers_of_ids_go_once_each_id_was_asked_for_again() {
    let (vendor, folder) = (filled(), folder());
    // Answers come by the clock of the machine: long after that every id was asked for long ago.
    let later = FIRST + 4000 * DAY;
    let start = later - 30 * DAY;
    vendor.0.lock().unwrap().events.values_mut().for_each(|event| event.0 += start - FIRST);
    let of = |vendor: &Vendor| Source { start: Some(start), ..archived(vendor, NOTHING) };
    let asked = || {
        let held = vendor.0.lock().unwrap();
        held.asked.iter().filter(|path| path.starts_with("/details/")).count()
    };
    for number in 0..3 {
        let record = night(of(&vendor), &vendor, folder.path(), later + number * DAY).await;
        assert_eq!(record.status, RunStatus::Ok);
    }
    assert_eq!(archives(folder.path(), "details").len(), 3, "within its time all stays");
    // Ids that are not known are younger: the run that has asked for them is needed, however old it is.
    let known = asked();
    let short = Source { archive: Some(Duration::from_secs(1)), ..of(&vendor) };
    night(short, &vendor, folder.path(), later + 3 * DAY).await;
    assert_eq!(archives(folder.path(), "details").len(), 4);
    let record = night(of(&vendor), &vendor, folder.path(), later + 20 * DAY).await;
    assert_eq!(record.status, RunStatus::Ok);
    assert!(asked() > known);
    assert_eq!(archives(folder.path(), "details").len(), 1);
    let before = everything(folder.path());
    replayed(of(&vendor), folder.path(), |_| {}).await;
    assert_eq!(differences(&before, &everything(folder.path())), Vec::<String>::new());
    remove_tables(folder.path());
    let record = replayed(of(&vendor), folder.path(), |_| {}).await;
    assert_eq!(record.status, RunStatus::Ok, "{record:?}");
    assert_eq!(differences(&before, &everything(folder.path())), Vec::<String>::new());
    // The next run goes on from the checkpoint that came with it.
    let next = night(of(&vendor), &vendor, folder.path(), later + 20 * DAY + 1).await;
    assert_eq!((next.status, stream(&next, "events").requests), (RunStatus::Ok, 2));
    assert_eq!(stream(&next, "details").mode, "incremental");
}

#[tokio::test]
async fn ids_stay_where_the_answers_that_name_them_begin_later() {
    let (vendor, folder) = (filled(), folder());
    let mut dice = Dice(77);
    for number in 0..3 {
        let now = NOW + number * DAY;
        a_day_passes(&vendor, &mut dice, now - 2 * DAY, now);
        assert_eq!(
            night(archived(&vendor, NOTHING), &vendor, folder.path(), now).await.status,
            RunStatus::Ok
        );
        if number == 1 {
            // A full pass of the parents alone, as one is due each week.
            let parents = Source { selected: ["events".to_owned()].into(), ..archived(&vendor, NOTHING) };
            run_source(parents, &vendor, folder.path(), now + 1, |options| options.full = true).await;
        }
    }
    let before = everything(folder.path());
    let back = crate::storage::folder();
    for without_older in [false, true] {
        let lost = back.path().join(without_older.to_string());
        copy(folder.path(), &lost);
        if without_older {
            for old in archives(&lost, "events").iter().take(2) {
                std::fs::remove_file(old).unwrap();
            }
        }
        remove_tables(&lost);
        let record = replayed(archived(&vendor, NOTHING), &lost, |_| {}).await;
        assert_eq!(record.status, RunStatus::Ok, "{:?}", streams(&record));
        assert_eq!(differences(&before, &everything(&lost)), Vec::<String>::new(), "{without_older}");
    }
}

#[tokio::test]
async fn a_replay_is_refused_where_it_would_lose_rows() {
    let (vendor, folder) = (filled(), folder());
    night(archived(&vendor, NOTHING), &vendor, folder.path(), NOW).await;
    let few: Vec<(String, String)> = (0..5).map(|number| (format!("k{number}"), "few".to_owned())).collect();
    let many: Vec<(String, String)> =
        (0..40).map(|number| (format!("k{number}"), "many".to_owned())).collect();
    vendor.0.lock().unwrap().kinds = few.into_iter().collect();
    night(archived(&vendor, NOTHING), &vendor, folder.path(), NOW + 1).await;
    vendor.0.lock().unwrap().kinds = many.into_iter().collect();
    night(archived(&vendor, NOTHING), &vendor, folder.path(), NOW + 2).await;
    let code =
        |record: &RunRecord, name: &str| stream(record, name).error.as_ref().map(|error| error.code.clone());
    let shrunk = Some("shrunk".to_owned());
    let before = everything(folder.path());
    let earlier = |options: &mut ReplayOptions| options.run = Some(format!("run-{}", NOW + 1));
    // Forty rows, of which the earlier run knew five.
    let record = replayed(archived(&vendor, NOTHING), folder.path(), earlier).await;
    assert_eq!((record.status, code(&record, "kinds")), (RunStatus::Partial, shrunk));
    let after = everything(folder.path());
    assert_eq!(after["memory/kinds"], before["memory/kinds"]);
    let record = replayed(archived(&vendor, NOTHING), folder.path(), |options| {
        earlier(options);
        options.allow_shrink = true;
    })
    .await;
    assert_eq!(code(&record, "kinds"), None);
    assert_eq!(everything(folder.path())["memory/kinds"].len(), 5);
    replayed(archived(&vendor, NOTHING), folder.path(), |_| {}).await;
    assert_eq!(differences(&before, &everything(folder.path())), Vec::<String>::new());
    // A run without an archive: the table is ahead of it, whatever run is asked for.
    let later = Source { archive: None, ..archived(&vendor, NOTHING) };
    night(later, &vendor, folder.path(), NOW + 3).await;
    let before = everything(folder.path());
    for run in [None, Some(format!("run-{NOW}"))] {
        let record = replayed(archived(&vendor, NOTHING), folder.path(), |options| options.run = run).await;
        assert_eq!(record.status, RunStatus::Failed);
        let refused = record.sources["memory"]
            .streams
            .keys()
            .filter(|name| code(&record, name).as_deref() == Some("archive_behind"));
        assert_eq!(refused.count(), ALL.len(), "{record:?}");
        assert_eq!(differences(&before, &everything(folder.path())), Vec::<String>::new());
    }
}
