//! What is gone and what was: marks and former versions, night after night, against a model that knows nothing of files.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use userhaul_runner::record::{Completeness, RunRecord, StreamStatus};

use crate::{
    ALL, Dice, NOW, a_day_passes, filled, run_source, stream, table,
    vendor::{DAY, FIRST, Vendor, source},
};

/// A source's `deletes = "mark"` and `history`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeps {
    pub(crate) marks: bool,
    pub(crate) history: bool,
}

pub(crate) const BOTH: Keeps = Keeps { marks: true, history: true };
const MARKS: Keeps = Keeps { marks: true, history: false };
pub(crate) const NOTHING: Keeps = Keeps { marks: false, history: false };

async fn night(vendor: &Vendor, folder: &Path, now: i64, properties: &[&str], keeps: Keeps) -> RunRecord {
    night_with(vendor, folder, now, properties, keeps, false).await
}

async fn night_with(
    vendor: &Vendor,
    folder: &Path,
    now: i64,
    properties: &[&str],
    keeps: Keeps,
    full: bool,
) -> RunRecord {
    let mut source = source(vendor, properties, ALL);
    (source.marks_deleted, source.keeps_history) = (keeps.marks, keeps.history);
    run_source(source, vendor, folder, now, |options| options.full = full).await
}

/// A row's values, its key first.
type Row = Vec<String>;

/// What a table should hold, and have held.
#[derive(Default)]
struct Model {
    /// By key: the row, and when it was found gone.
    rows: BTreeMap<Row, (Row, Option<i64>)>,
    /// Row, from, to.
    versions: Vec<(Row, i64, Option<i64>)>,
}

impl Model {
    /// A run at `now` has seen these rows of the vendor; with `whole` they are all there are.
    fn seen(&mut self, keys: usize, rows: &[Row], whole: bool, now: i64) {
        let came: BTreeMap<Row, Row> = rows.iter().map(|row| (row[..keys].to_vec(), row.clone())).collect();
        for (key, (_, gone)) in &mut self.rows {
            if whole && !came.contains_key(key) {
                gone.get_or_insert(now);
            }
        }
        self.rows.extend(came.into_iter().map(|(key, row)| (key, (row, None))));
        let live: BTreeSet<&Row> =
            self.rows.values().filter(|(_, gone)| gone.is_none()).map(|(row, _)| row).collect();
        for (row, _, to) in self.versions.iter_mut().filter(|(.., to)| to.is_none()) {
            if !live.contains(row) {
                *to = Some(now);
            }
        }
        let standing: BTreeSet<Row> =
            self.versions.iter().filter(|(.., to)| to.is_none()).map(|(row, ..)| row.clone()).collect();
        let new = live.into_iter().filter(|row| !standing.contains(*row));
        self.versions.extend(new.map(|row| (row.clone(), now, None)).collect::<Vec<_>>());
    }

    fn table(&self) -> Vec<Row> {
        let text = |instant: &Option<i64>| instant.map(|at| at.to_string()).unwrap_or_default();
        let mut rows: Vec<Row> =
            self.rows.values().map(|(row, gone)| [row.clone(), vec![text(gone)]].concat()).collect();
        rows.sort();
        rows
    }

    fn history(&self) -> Vec<Row> {
        let text = |instant: &Option<i64>| instant.map(|at| at.to_string()).unwrap_or_default();
        let version = |(row, from, to): &(Row, i64, Option<i64>)| {
            [row.clone(), vec![from.to_string(), text(to)]].concat()
        };
        let mut rows: Vec<Row> = self.versions.iter().map(version).collect();
        rows.sort();
        rows
    }
}

/// The streams with a model: name, columns, how many of them are the key.
const MODELLED: [(&str, &[&str], usize); 3] = [
    ("kinds", &["id", "name"], 1),
    ("events", &["property", "id", "at", "kind", "note"], 2),
    ("people", &["id", "updated", "note"], 1),
];

fn held(vendor: &Vendor, stream: &str) -> Vec<Row> {
    let held = vendor.0.lock().unwrap();
    match stream {
        "kinds" => held.kinds.iter().map(|(id, name)| vec![id.clone(), name.clone()]).collect(),
        "events" => held
            .events
            .iter()
            .map(|((property, id), (at, kind, note))| {
                vec![property.clone(), id.clone(), at.to_string(), kind.clone(), note.clone()]
            })
            .collect(),
        _ => held
            .people
            .iter()
            .map(|(id, (at, note))| vec![id.clone(), at.to_string(), note.clone()])
            .collect(),
    }
}

fn with<'a>(columns: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    columns.iter().chain(more).copied().collect()
}

/// In every table of versions: those that stand are the rows that are there, and no two of a key are of one time.
fn versions_fit(folder: &Path, place: &str) {
    let streams: [(&str, &[&str], usize); 5] = [
        MODELLED[0],
        MODELLED[1],
        MODELLED[2],
        ("details", &["asked", "note"], 1),
        ("details_missing", &["asked"], 1),
    ];
    for (name, columns, keys) in streams {
        let rows = table(&folder.join(format!("memory/{name}")), &with(columns, &["_deleted_at"]));
        let live: Vec<Row> = rows
            .into_iter()
            .filter(|row| row[columns.len()].is_empty())
            .map(|row| row[..columns.len()].to_vec())
            .collect();
        let all = with(columns, &["_valid_from", "_valid_to"]);
        let versions = table(&folder.join(format!("memory/{name}__history")), &all);
        let standing: Vec<Row> = versions
            .iter()
            .filter(|row| row[columns.len() + 1].is_empty())
            .map(|row| row[..columns.len()].to_vec())
            .collect();
        assert_eq!(standing, live, "{place}: {name}");
        let mut spans: Vec<(Row, i64, i64)> = versions
            .iter()
            .map(|row| {
                let instant = |index: usize| row[columns.len() + index].parse().unwrap_or(i64::MAX);
                (row[..keys].to_vec(), instant(0), instant(1))
            })
            .collect();
        spans.sort();
        for pair in spans.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{place}: {name}: {pair:?}");
        }
        assert!(spans.iter().all(|(_, from, to)| from < to), "{place}: {name}");
    }
}

#[tokio::test]
async fn forty_nights_of_marks_and_versions() {
    for seed in 3..=4 {
        let folder = tempfile::tempdir().unwrap();
        let (vendor, mut dice) = (Vendor::default(), Dice(seed * 7919));
        let mut models: BTreeMap<&str, Model> = BTreeMap::new();
        let (mut since, mut marked) = (FIRST, 0);
        for night_number in 1..=40 {
            let now = FIRST + night_number * DAY + 2 * 3_600_000_000;
            a_day_passes(&vendor, &mut dice, since, now);
            if dice.below(4) == 0 {
                vendor.0.lock().unwrap().kinds.remove(&format!("k{}", dice.below(3)));
            }
            let failing = night_number > 1 && dice.below(3) == 0;
            vendor.0.lock().unwrap().fails_after = failing.then(|| usize::try_from(dice.below(15)).unwrap());
            let record = night(&vendor, folder.path(), now, &["a", "b"], BOTH).await;
            if stream(&record, "events").status == StreamStatus::Ok {
                since = (now.div_euclid(DAY) - 4) * DAY;
            }
            let place = format!("seed {seed}, night {night_number}");
            for (name, columns, keys) in MODELLED {
                let record = stream(&record, name);
                let model = models.entry(name).or_default();
                if record.status == StreamStatus::Ok {
                    let whole = name != "people" || record.completeness == Completeness::Complete;
                    model.seen(keys, &held(&vendor, name), whole, now);
                } else if model.rows.is_empty() {
                    continue;
                }
                let own = folder.path().join(format!("memory/{name}"));
                assert_eq!(table(&own, &with(columns, &["_deleted_at"])), model.table(), "{place}: {name}");
                let history = folder.path().join(format!("memory/{name}__history"));
                let rows = table(&history, &with(columns, &["_valid_from", "_valid_to"]));
                assert_eq!(rows, model.history(), "{place}: {name}");
            }
            let users = table(&folder.path().join("unified/users"), &["vendor_user_id", "status"]);
            let people = models["people"].rows.values();
            let expected: Vec<Row> = people
                .map(|(row, gone)| {
                    vec![row[0].clone(), if gone.is_some() { "deleted" } else { "active" }.to_owned()]
                })
                .collect();
            assert_eq!(users, expected, "{place}");
            let events = table(&folder.path().join("unified/events"), &["object_id"]);
            let mut live: Vec<Row> = models["events"]
                .rows
                .values()
                .filter(|(_, gone)| gone.is_none())
                .map(|(row, _)| vec![row[4].clone()])
                .collect();
            live.sort();
            assert_eq!(events, live, "{place}");
            if record.sources["memory"].streams.values().all(|stream| stream.status == StreamStatus::Ok) {
                versions_fit(folder.path(), &place);
            }
            marked += models["events"].rows.values().filter(|(_, gone)| gone.is_some()).count();
        }
        assert!(marked > 100, "{marked}");
    }
}

fn columns(folder: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let schema = userhaul_sink::stats(&entry.unwrap().path()).unwrap().schema;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        all.insert(names.join(" "));
    }
    all
}

#[tokio::test]
async fn the_column_comes_and_goes_with_the_key() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let marked = |name: &str| {
        table(&folder.path().join("memory").join(name), &["_deleted_at"])
            .into_iter()
            .filter(|row| !row[0].is_empty())
            .count()
    };
    let both = ["a", "b"];
    night(&vendor, folder.path(), NOW, &both, NOTHING).await;
    let rows = held(&vendor, "events").len();
    let first = night(&vendor, folder.path(), NOW + 1, &both, MARKS).await;
    assert_eq!(stream(&first, "events").requests, 2);
    for name in ALL {
        let columns = columns(&folder.path().join("memory").join(name));
        assert!(
            columns.len() == 1 && columns.first().unwrap().ends_with("_extra _deleted_at"),
            "{columns:?}"
        );
    }
    assert_eq!(marked("events"), 0);
    // A property that is no longer named is as good as gone.
    night(&vendor, folder.path(), NOW + 2, &["a"], MARKS).await;
    let of_b = held(&vendor, "events").iter().filter(|row| row[0] == "b").count();
    assert_eq!(marked("events"), of_b);
    assert!(marked("details") > 0);
    night(&vendor, folder.path(), NOW + 3, &both, MARKS).await;
    assert_eq!((marked("events"), marked("details")), (0, 0));
    night(&vendor, folder.path(), NOW + 4, &["a"], MARKS).await;
    night(&vendor, folder.path(), NOW + 5, &["a"], NOTHING).await;
    let left = table(&folder.path().join("memory/events"), &["property"]);
    assert_eq!(left.len(), rows - of_b);
    for name in ALL {
        let columns = columns(&folder.path().join("memory").join(name));
        assert!(columns.len() == 1 && columns.first().unwrap().ends_with("_extra"), "{columns:?}");
    }
}

#[tokio::test]
async fn a_first_mark_stays_and_a_row_that_comes_back_loses_it() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let (path, both) = (folder.path(), ["a", "b"]);
    night(&vendor, path, NOW, &both, BOTH).await;
    let (id, person) = vendor.0.lock().unwrap().people.pop_first().unwrap();
    let of = |name: &str, columns: &[&str]| {
        let rows = table(&path.join("memory").join(name), columns);
        rows.into_iter().filter(|row| row[0] == id).collect::<Vec<_>>()
    };
    for now in [NOW + 1, NOW + 2] {
        night_with(&vendor, path, now, &both, BOTH, true).await;
        assert_eq!(of("people", &["id", "_deleted_at"]), [[id.clone(), (NOW + 1).to_string()]]);
    }
    vendor.0.lock().unwrap().people.insert(id.clone(), person);
    night_with(&vendor, path, NOW + 3, &both, BOTH, true).await;
    assert_eq!(of("people", &["id", "_deleted_at"]), [[id.clone(), String::new()]]);
    let times = |from: i64, to: Option<i64>| {
        vec![id.clone(), from.to_string(), to.map(|to| to.to_string()).unwrap_or_default()]
    };
    assert_eq!(
        of("people__history", &["id", "_valid_from", "_valid_to"]),
        [times(NOW, Some(NOW + 1)), times(NOW + 3, None)]
    );
}

#[tokio::test]
async fn versions_are_kept_while_history_is_off_and_go_on_after_it() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let (path, both) = (folder.path(), ["a", "b"]);
    night(&vendor, path, NOW, &both, BOTH).await;
    let history = path.join("memory/events__history");
    let columns = ["property", "id", "note", "_valid_from", "_valid_to"];
    let before = table(&history, &columns);
    vendor.0.lock().unwrap().events.values_mut().for_each(|event| event.2 = "edited".to_owned());
    night_with(&vendor, path, NOW + 1, &both, MARKS, true).await;
    assert_eq!(table(&history, &columns), before);
    // Nothing is read of most files, and yet their versions end.
    let record = night(&vendor, path, NOW + 2, &both, BOTH).await;
    assert_eq!(stream(&record, "events").requests, 2);
    let after = table(&history, &columns);
    assert_eq!(after.len(), 2 * before.len());
    assert!(after.iter().all(|row| (row[2] == "edited") == row[4].is_empty()), "{after:?}");
    let quiet = night(&vendor, path, NOW + 3, &both, BOTH).await;
    assert_eq!(table(&history, &columns), after);
    assert_eq!(stream(&quiet, "events").status, StreamStatus::Ok);
}

#[tokio::test]
async fn a_repeated_run_and_one_after_a_cut_off_commit_double_nothing() {
    let (vendor, folder) = (filled(), tempfile::tempdir().unwrap());
    let (path, both) = (folder.path(), ["a", "b"]);
    night(&vendor, path, NOW, &both, BOTH).await;
    vendor.0.lock().unwrap().people.values_mut().for_each(|person| person.1 = "edited".to_owned());
    // The versions and the checkpoint of before, beside the table of after: so does a kill leave them.
    let (history, state) =
        (path.join("memory/people__history/all.parquet"), path.join("_userhaul/state/memory/people.json"));
    let (versions, checkpoint) = (std::fs::read(&history).unwrap(), std::fs::read(&state).unwrap());
    night_with(&vendor, path, NOW + 1, &both, BOTH, true).await;
    std::fs::write(&history, versions).unwrap();
    std::fs::write(&state, checkpoint).unwrap();
    night_with(&vendor, path, NOW + 2, &both, BOTH, true).await;
    versions_fit(path, "after the kill");
    let people = held(&vendor, "people").len();
    let columns = ["id", "note", "_valid_from", "_valid_to"];
    let rows = table(&path.join("memory/people__history"), &columns);
    assert_eq!(rows.len(), 2 * people);
    // Once more at the same instant.
    night_with(&vendor, path, NOW + 2, &both, BOTH, true).await;
    assert_eq!(table(&path.join("memory/people__history"), &columns), rows);
}
