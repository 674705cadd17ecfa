//! What a second run of a declared connector asks for, and what its tables hold then.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::{
    Declared,
    server::{Answer, Asked, Server},
};

/// A server whose data changes once, when the test says so.
fn changing(answer: impl Fn(&Asked, bool) -> Answer + Send + Sync + 'static) -> (Server, Arc<AtomicBool>) {
    let changed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&changed);
    (Server::start(move |asked, _| answer(asked, seen.load(Ordering::Relaxed))), changed)
}

fn synced(declared: &Declared, arguments: &[&str]) -> Vec<Asked> {
    let before = declared.server.asked().len();
    let outcome = declared.run(&[&["sync", "--json"], arguments].concat());
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    declared.server.asked().split_off(before)
}

/// `id name` of every row.
fn named(declared: &Declared, stream: &str) -> Vec<String> {
    let text = |row: &serde_json::Map<String, Value>| {
        format!("{} {}", row["id"].as_str().unwrap_or_default(), row["name"].as_str().unwrap_or_default())
    };
    let mut rows: Vec<String> = declared.rows(stream).iter().map(text).collect();
    rows.sort();
    rows
}

const CHANGES: &str = r#"
connector = "crm"
[streams.people]
path = "/people"
paging = { kind = "offset", offset = "skip", size = "take", rows = 2, total_rows = "/total" }
items = ["/rows"]
primary_key = ["id"]
version = "at"
since = { param = "updated_since", format = "rfc3339", overlap = "10m" }
[streams.people.columns]
id = "id"
name = "text"
at = "instant"
"#;

/// People 0 to 8; then the third has another name, the first is gone, and one is new.
fn people(asked: &Asked, changed: bool) -> Answer {
    let person = |id: usize, name: &str, day: u32| json!({ "id": id, "name": name, "at": format!("2025-02-{day:02}") });
    let mut all: Vec<Value> = (0..9).map(|id| person(id, "old", 1)).collect();
    if changed {
        all[3] = person(3, "new", 2);
        all.push(person(9, "new", 2));
        all.remove(0);
    }
    if asked.query.contains_key("updated_since") {
        all.retain(|row| row["name"] == "new");
    }
    let skip = asked.number("skip").unwrap_or(0);
    let page: Vec<&Value> = all.iter().skip(skip).take(2).collect();
    Answer::json(&json!({ "rows": page, "total": all.len() }))
}

#[test]
fn a_second_run_asks_for_what_has_changed_and_a_full_one_for_all() {
    let (server, changed) = changing(people);
    let declared = Declared::new(server, CHANGES, "");
    let first = synced(&declared, &[]);
    assert!(first.len() > 3 && first.iter().all(|asked| !asked.query.contains_key("updated_since")));
    let before = named(&declared, "people");
    assert_eq!(before.len(), 9);

    changed.store(true, Ordering::Relaxed);
    let second = synced(&declared, &[]);
    let since: Vec<&String> = second.iter().filter_map(|asked| asked.query.get("updated_since")).collect();
    assert_eq!(since.len(), second.len(), "{second:?}");
    assert!(since[0].parse::<jiff::Timestamp>().is_ok(), "{since:?}");
    let mut expected = before;
    expected[3] = "3 new".to_owned();
    expected.push("9 new".to_owned());
    assert_eq!(named(&declared, "people"), expected);

    // Whoever is gone shows in a full pass alone.
    let full = synced(&declared, &["--full"]);
    assert!(full.iter().all(|asked| !asked.query.contains_key("updated_since")));
    expected.remove(0);
    assert_eq!(named(&declared, "people"), expected);
}

const WINDOWS: &str = r#"
connector = "crm"
[streams.visits]
path = "/visits"
primary_key = ["id"]
paging = { kind = "none" }
mode = "incremental"
look_back = "3d"
axes = [{ kind = "window", from = "from", to = "to", format = "day", by = "day", days = 7 }]
[streams.visits.columns]
id = "id"
name = "text"
day = "date"
"#;

/// The day so many days before today.
fn back(days: i32) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program reads up to today, and the rows are told from there"
    )]
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    (today - jiff::Span::new().days(days)).to_string()
}

/// One visit a day; then the oldest and the one of yesterday have other names, and that of the day before is gone.
fn visits(asked: &Asked, days: &[String], changed: bool) -> Answer {
    let (from, to) = (&asked.query["from"], &asked.query["to"]);
    let last = days.len() - 1;
    let row = |(at, day): (usize, &String)| {
        let renamed = changed && (at == 0 || at == last);
        json!({ "id": day, "name": if renamed { "new" } else { "old" }, "day": day })
    };
    let within = |(at, day): &(usize, &String)| *day >= from && *day <= to && !(changed && *at == last - 1);
    Answer::json(&days.iter().enumerate().filter(within).map(row).collect())
}

#[test]
fn a_second_run_reads_on_from_where_the_windows_ended() {
    let days: Vec<String> = (1..=30).rev().map(back).collect();
    let of_server = days.clone();
    let (server, changed) = changing(move |asked, changed| visits(asked, &of_server, changed));
    let declared = Declared::new(server, WINDOWS, &format!("start_date = \"{}\"", days[0]));
    synced(&declared, &[]);
    assert_eq!(named(&declared, "visits").len(), 30);

    changed.store(true, Ordering::Relaxed);
    let second = synced(&declared, &[]);
    // Three days back from where the first run ended, and not from the beginning.
    let earliest = second.iter().map(|asked| &asked.query["from"]).min().expect("it asks");
    assert!((&days[25]..=&days[28]).contains(&earliest), "{earliest} of {days:?}");
    let rows = named(&declared, "visits");
    let name = |day: &str| {
        rows.iter().find(|row| row.starts_with(day)).map(|row| row.chars().skip(11).collect::<String>())
    };
    assert_eq!(rows.len(), 29);
    assert_eq!((name(&days[29]).as_deref(), name(&days[28])), (Some("new"), None));
    // Beyond the look-back only a full pass looks.
    assert_eq!(name(&days[0]).as_deref(), Some("old"));
    synced(&declared, &["--full"]);
    assert!(named(&declared, "visits").contains(&format!("{} new", days[0])));
}

const PASSES: &str = r#"
connector = "crm"
[streams.completions]
path = "/completions"
primary_key = ["id"]
paging = { kind = "none" }
mode = "incremental"
look_back = "3d"
axes = [
    { kind = "passes", passes = [{ params = { prior = "false" } }, { params = { prior = "true" }, windowed = false, all_of = "is_prior" }] },
    { kind = "window", from = "from", to = "to", format = "day", by = "day" },
]
[streams.completions.columns]
id = "id"
name = "text"
isPrior = "bool"
day = "date"
"#;

#[test]
fn rows_of_a_pass_that_is_read_whole_go_the_same_night_unless_most_are_gone() {
    let gone = Arc::new(std::sync::Mutex::new(Vec::<&str>::new()));
    let of_server = Arc::clone(&gone);
    let server = Server::start(move |asked, _| {
        let (old, new) = (back(100), back(1));
        let row =
            |id: &str, prior: bool, day: &str| json!({ "id": id, "name": "", "isPrior": prior, "day": day });
        let mut all = vec![row("done", false, &old), row("late", false, &new)];
        all.extend(["p1", "p2", "p3", "p4"].map(|id| row(id, true, &old)));
        let prior = asked.query["prior"] == "true";
        let gone = of_server.lock().expect("nobody panics");
        all.retain(|row| {
            let id = row["id"].as_str().unwrap_or_default();
            let day = row["day"].as_str().unwrap_or_default();
            let inside = asked.query.get("from").is_none_or(|from| day >= from.as_str());
            row["isPrior"] == prior && inside && !gone.contains(&id)
        });
        Answer::json(&Value::Array(all))
    });
    let declared = Declared::new(server, PASSES, "");
    let after = |now: &[&'static str], arguments: &[&str]| {
        *gone.lock().expect("nobody panics") = now.to_vec();
        let asked = synced(&declared, arguments);
        let whole = asked.iter().filter(|asked| asked.query["prior"] == "true");
        assert!(whole.into_iter().all(|asked| !asked.query.contains_key("from")), "{asked:?}");
        declared.column("completions", "id").join(" ")
    };
    assert_eq!(after(&[], &[]), "done late p1 p2 p3 p4");
    // An old row of the pass by windows shows in a full pass alone.
    assert_eq!(after(&["done", "p2"], &[]), "done late p1 p3 p4");
    assert_eq!(after(&["done", "p1", "p2", "p3"], &[]), "done late p1 p3 p4", "most of them");
    assert_eq!(after(&["done", "p1", "p2", "p3", "p4"], &[]), "done late p1 p3 p4", "all of them");
    assert_eq!(after(&["done", "p1", "p2", "p3"], &["--full"]), "late p4");
}
