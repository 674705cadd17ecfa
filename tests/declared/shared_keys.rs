//! Unified keys that several vendor rows give: one row stands, whatever came first and wherever it is kept.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use crate::{
    Declared, record,
    server::{Answer, Server},
    unified::TWO_KINDS,
};

/// The unified rows as `key value`, sorted.
fn standing(declared: &Declared, table: &str, key: &str, value: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = declared.unified(table).into_iter();
    let mut rows: Vec<String> =
        rows.map(|row| format!("{} {}", text(&row[key]), text(&row[value]))).collect();
    rows.sort();
    rows
}

fn warning(outcome: &crate::folder::Outcome, stream: &str) -> String {
    record(outcome, stream)["warnings"][0].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_row_that_stands_does_not_depend_on_the_order_in_which_they_came() {
    let run = Arc::new(AtomicUsize::new(0));
    let of_server = Arc::clone(&run);
    let server = Server::start(move |asked, _| {
        let mut rows = match asked.path.as_str() {
            "/people" => vec![json!({ "id": 1 }), json!({ "id": 2 }), json!({ "id": 3 })],
            "/staff" => vec![json!({ "id": 3 }), json!({ "id": 4 })],
            _ => vec![
                json!({ "a": "x/y", "b": "z", "name": "one" }),
                json!({ "a": "x", "b": "y/z", "name": "two" }),
            ],
        };
        if of_server.load(Ordering::Relaxed) % 2 == 1 {
            rows.reverse();
        }
        Answer::json(&Value::Array(rows))
    });
    let declared = Declared::new(server, TWO_KINDS, "");
    let mut firms = Vec::new();
    for number in 0..4 {
        run.store(number, Ordering::Relaxed);
        let outcome = declared.sync();
        assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
        let shared = "1 key of `unified/users` comes from `people` too, and the row of this one is left out";
        assert!(warning(&outcome, "staff").starts_with(shared), "{}", outcome.stdout);
        assert!(warning(&outcome, "firms").starts_with("1 unified row shares its key"), "{}", outcome.stdout);
        assert_eq!(warning(&outcome, "people"), "");
        assert_eq!(
            standing(&declared, "users", "user_key", "source"),
            ["it:1 it", "it:2 it", "it:3 it", "it:4 it"]
        );
        firms.push(standing(&declared, "companies", "company_key", "name"));
        assert_eq!(declared.rows("firms").len(), 2);
    }
    assert_eq!(firms[0].len(), 1);
    firms.dedup();
    assert_eq!(firms.len(), 1, "{firms:?}");
}

#[test]
fn a_stream_read_alone_yields_to_one_that_was_read_before() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/people" => Answer::json(&json!([{ "id": 1 }, { "id": 3 }])),
        "/staff" => Answer::json(&json!([{ "id": 3 }, { "id": 4 }])),
        _ => Answer::json(&json!([])),
    });
    let declared = Declared::new(server, TWO_KINDS, "");
    for select in ["it.people", "it.staff", "it.people"] {
        let outcome = declared.run(&["sync", "--json", select]);
        assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    }
    assert_eq!(standing(&declared, "users", "user_key", "source"), ["it:1 it", "it:3 it", "it:4 it"]);
}

const VISITORS: &str = r#"
connector = "crm"
[streams.visitors]
path = "/visitors"
paging = { kind = "offset", offset = "skip", size = "take", rows = 2, total_rows = "/total" }
items = ["/rows"]
primary_key = ["id"]
version = "at"
partition = "bucket"
since = { param = "updated_since", format = "rfc3339", overlap = "10m" }
columns = { id = "id", account = "id", at = "instant" }
[streams.visitors.unified.users]
vendor_user_id = "account"
external_id = "id"
updated_at = "at"
"#;

#[test]
fn of_ids_that_lead_to_one_account_the_one_changed_last_stands_from_run_to_run() {
    let step = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&step);
    let server = Server::start(move |asked, _| {
        let visitor = |id: &str, account: &str, day: usize| json!({ "id": id, "account": account, "at": format!("2025-02-{day:02}") });
        let step = now.load(Ordering::Relaxed);
        let (a, b) = [(1, 2), (3, 2), (3, 3), (3, 3), (3, 4)][step];
        let mut all: Vec<Value> = (0..8).map(|id| visitor(&format!("n{id}"), &format!("N{id}"), 1)).collect();
        all.extend([visitor("a", "X", a), visitor("b", "X", b)]);
        match (step, asked.query.contains_key("updated_since")) {
            // One of the two is written anew, the other stays in its file.
            (1, true) => all.retain(|row| row["id"] == "a"),
            (2 | 4, true) => all.retain(|row| row["id"] == "b"),
            (3, false) => all.retain(|row| row["id"] != "a"),
            _ => {}
        }
        let skip = asked.number("skip").unwrap_or(0);
        let page: Vec<&Value> = all.iter().skip(skip).take(2).collect();
        Answer::json(&json!({ "rows": page, "total": all.len() }))
    });
    let declared = Declared::new(server, VISITORS, "");
    let stands = |stood: usize, arguments: &[&str], ids: usize, warned: bool| {
        step.store(stood, Ordering::Relaxed);
        let outcome = declared.run(&[&["sync", "--json"], arguments].concat());
        assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
        let warning = warning(&outcome, "visitors");
        assert_eq!(warning.starts_with("1 unified row shares its key"), warned, "{stood}: {warning}");
        assert_eq!(declared.rows("visitors").len(), ids);
        let users = standing(&declared, "users", "vendor_user_id", "external_id");
        assert_eq!(users.len(), 9, "{users:?}");
        users.into_iter().find(|user| user.starts_with("X ")).unwrap_or_default()
    };
    assert_eq!(stands(0, &[], 10, true), "X b");
    assert_eq!(stands(1, &[], 10, true), "X a");
    assert_eq!(stands(2, &[], 10, true), "X a", "of two changes at one time the smaller id");
    assert_eq!(stands(3, &["--full"], 9, false), "X b", "a is gone: b comes back");
    assert_eq!(stands(2, &["--full"], 10, true), "X a");
    assert_eq!(stands(4, &[], 10, true), "X b");
}

#[test]
fn an_id_that_is_an_account_itself_meets_the_id_that_led_to_it_before() {
    let step = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&step);
    let server = Server::start(move |asked, _| {
        let visitor = |id: &str, account: &str| json!({ "id": id, "account": account, "at": "2025-02-01" });
        let mut all: Vec<Value> = (0..8).map(|id| visitor(&format!("n{id}"), &format!("n{id}"))).collect();
        all.push(visitor("a", "X"));
        if now.load(Ordering::Relaxed) == 1 {
            all.push(visitor("X", "X"));
        }
        if asked.query.contains_key("updated_since") {
            all.retain(|row| row["id"] == "X");
        }
        let skip = asked.number("skip").unwrap_or(0);
        let page: Vec<&Value> = all.iter().skip(skip).take(2).collect();
        Answer::json(&json!({ "rows": page, "total": all.len() }))
    });
    let declared = Declared::new(server, VISITORS, "");
    for ids in [9, 10] {
        assert_eq!(declared.sync().code, 0);
        assert_eq!(declared.rows("visitors").len(), ids);
        assert_eq!(declared.unified("users").len(), 9);
        step.store(1, Ordering::Relaxed);
    }
}
