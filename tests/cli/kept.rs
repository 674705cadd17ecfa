//! What is gone and what was: `deletes = "mark"` and `history = true`, as their user sees them.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::{
    folder::Folder,
    scripted::Scripted,
    vendors::{config, lms},
};

/// A vendor with these tags, by name.
fn tags() -> (Scripted, Arc<Mutex<Vec<&'static str>>>) {
    let held = Arc::new(Mutex::new(vec!["blue", "green", "red"]));
    let answers = Arc::clone(&held);
    let vendor = Scripted::start(move |_| {
        let tags = answers.lock().expect("no test panics while it holds this").clone();
        let rows: Vec<_> = tags.iter().map(|tag| json!({ "id": tag, "tag": tag })).collect();
        let pagination = json!({ "page": 1, "perPage": 100, "totalPages": 1, "totalResults": rows.len() });
        (200, json!({ "results": rows, "pagination": pagination }).to_string())
    });
    (vendor, held)
}

/// The columns of a table, and its rows as texts, one column after the other.
fn table(folder: &Folder, name: &str, columns: &[&str]) -> Vec<Vec<bool>> {
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(folder.path().join("w/lms").join(name)).expect("the table is there") {
        for batch in userhaul_sink::read(&entry.expect("an entry").path(), None).expect("a file of rows") {
            let batch = batch.expect("rows");
            let filled = |row: usize, name: &&str| {
                batch.column_by_name(name).expect("the column is there").is_valid(row)
            };
            rows.extend(
                (0..batch.num_rows())
                    .map(|row| columns.iter().map(|name| filled(row, name)).collect::<Vec<_>>()),
            );
        }
    }
    rows.sort();
    rows
}

#[test]
fn marks_and_versions_from_the_configuration_to_the_files() {
    let (vendor, held) = tags();
    let source = lms(&vendor.url, "deletes = \"mark\"\nhistory = true");
    let folder = Folder::with(&config(std::slice::from_ref(&source)));
    assert_eq!(folder.run(&["sync", "lms.tags"]).code, 0);
    *held.lock().expect("nobody else panicked") = vec!["blue", "red"];
    let record = folder.run(&["sync", "lms.tags", "--json"]).json();
    let stream = &record["sources"]["lms"]["streams"]["tags"];
    assert_eq!((&stream["status"], &stream["rows"], &stream["files"]), (&json!("ok"), &json!(3), &json!(2)));
    let (alive, gone) = (vec![false], vec![true]);
    assert_eq!(table(&folder, "tags", &["_deleted_at"]), [alive.clone(), alive, gone]);
    let times = ["_valid_from", "_valid_to"];
    let (stands, ended) = (vec![true, false], vec![true, true]);
    assert_eq!(table(&folder, "tags__history", &times), [stands.clone(), stands, ended]);

    let catalogue = folder.run(&["streams", "lms.tags", "--json"]).json();
    let tables = catalogue.as_array().expect("a list");
    let last = |index: usize| {
        let columns = tables[index]["columns"].as_array().expect("columns");
        columns.last().map(|column| (column["name"].clone(), column["type"].clone()))
    };
    assert_eq!(tables.len(), 2);
    assert_eq!(last(0), Some((json!("_deleted_at"), json!("timestamp(us, UTC)"))));
    assert_eq!(last(1), Some((json!("_valid_to"), json!("timestamp(us, UTC)"))));
    assert_eq!(tables[1]["stream"], "tags__history");
    assert_eq!(tables[1]["primary_key"], json!(["id", "_valid_from"]));
    let state = folder.run(&["state", "show", "--json"]).json();
    assert_eq!((&state["streams"][0]["rows"], &state["streams"][0]["history_rows"]), (&json!(3), &json!(3)));
    assert!(folder.run(&["state", "show"]).stdout.contains("lms.tags__history"));
}

#[test]
fn a_table_is_not_emptied_by_marks_and_the_guard_counts_those_that_are_there() {
    let (vendor, held) = tags();
    let folder = Folder::with(&config(&[lms(&vendor.url, "deletes = \"mark\"")]));
    let names: Vec<&'static str> = (0..60).map(|index| &*format!("t{index:02}").leak()).collect();
    held.lock().expect("nobody else panicked").clone_from(&names);
    assert_eq!(folder.run(&["sync", "lms.tags"]).code, 0);
    // Forty of sixty are there, then twenty-five of forty: no step loses more than half of what was there.
    for left in [40, 25] {
        held.lock().expect("nobody else panicked").truncate(left);
        assert_eq!(folder.run(&["sync", "lms.tags"]).code, 0, "{left}");
    }
    held.lock().expect("nobody else panicked").truncate(10);
    let refused = folder.run(&["sync", "lms.tags"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("10 rows came where 25 stand"), "{}", refused.stderr);
    assert_eq!(folder.rows("w/lms/tags"), 60);
}

#[test]
fn what_is_asked_for_twice_is_counted_once() {
    let pages = |page: &str, total: usize| {
        let ids = if page == "1" { 0..100 } else { 100..120 };
        let rows: Vec<_> = ids.map(|id| json!({ "id": format!("t{id}"), "tag": "t", "odd": id })).collect();
        let pagination = json!({ "page": 1, "perPage": 100, "totalPages": 2, "totalResults": total });
        (200, json!({ "results": rows, "pagination": pagination }).to_string())
    };
    let asked = Arc::new(Mutex::new(0));
    let vendor = Scripted::start(move |target| {
        let mut asked = asked.lock().expect("no test panics while it holds this");
        *asked += 1;
        let page = if target.contains("page=2") { "2" } else { "1" };
        // The list moves under the first walk, and the first page is asked for again after the last.
        pages(page, if *asked == 2 { 121 } else { 120 })
    });
    let folder = Folder::with(&config(&[lms(&vendor.url, "")]));
    let record = folder.run(&["sync", "lms.tags", "--json"]).json();
    let stream = &record["sources"]["lms"]["streams"]["tags"];
    assert!(stream["requests"].as_u64().is_some_and(|requests| requests > 3), "{stream}");
    assert_eq!((&stream["rows"], &stream["new_fields"]), (&json!(120), &json!({ "odd": 120 })), "{stream}");
}
