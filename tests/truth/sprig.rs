//! Sprig's tables.

use std::collections::BTreeMap;

use serde_json::Value;
use userhaul_simulator::{Vendor, sprig::API_KEY};

use crate::{
    expect::{Notes, instant},
    run::{self, Case, Outcome},
    unified,
};

fn notes(stream: &str) -> Notes {
    let json: &[&str] = match stream {
        "surveys" => &["options", "routingOptions", "value", "event"],
        "survey_questions" => &["options", "routingOptions"],
        "survey_constraints" => &["value", "event"],
        "responses" => &["response", "selectedIndexes"],
        _ => &[],
    };
    Notes {
        json,
        computed: &["response_text", "response_number", "response_kind"],
        aliases: if stream == "responses" { &[("attributes", &["attribtues"])] } else { &[] },
        ..Notes::default()
    }
}

/// Every switch value that concerns reading and must not change what is written.
const SAME: &[(&str, &[&str])] = &[
    ("last_cursor", &["absent", "empty", "then_404", "then_empty"]),
    ("empty", &["200", "404_text"]),
    ("order", &["descending", "shuffled"]),
    ("cursor", &["inclusive_next", "exclusive", "opaque"]),
    ("start", &["exclusive"]),
    ("end", &["exclusive"]),
    ("default_limit", &["100"]),
    ("limit_range", &["clamp"]),
    ("unknown_params", &["400"]),
    ("cursor_filters", &["carried"]),
    ("deleted", &["only"]),
    ("default_status", &["active"]),
    ("response_key", &["repeated"]),
    ("theme_id", &["link"]),
    ("theme_time", &["theme"]),
    ("themes_page", &["7", "1000"]),
    ("multiselect", &["array", "joined"]),
    ("index_base", &["0"]),
    ("anonymous_id", &["empty", "absent", "mixed"]),
    ("visitor_link", &["unrelated"]),
    ("user_id_path", &["slash_404"]),
    ("auth", &["lenient"]),
    ("new_values", &["on"]),
    ("snapshot_spelling", &["attribtues"]),
    ("numbers", &["float", "large"]),
    ("unknown_sid", &["200"]),
    ("extra_fields", &["off"]),
    ("large_query_rows", &["120"]),
];

fn case(switches: &[(&'static str, &'static str)]) -> Case {
    Case {
        vendor: Vendor::Sprig,
        switches: switches.to_vec(),
        faults: "",
        users: 40,
        seed: 1,
        source: format!(
            "api_key = \"{API_KEY}\"\nwith = [\"snapshots\", \"urls\", \"meta\", \"custom_metadata\", \"deleted_responses\"]\n"
        ),
    }
}

/// Of rows with one key the one that changed last.
fn latest(rows: Vec<Value>, key: &[&str]) -> Vec<Value> {
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
    for row in rows {
        let name = format!("{:?}", key.iter().map(|field| &row[*field]).collect::<Vec<_>>());
        let newer = |known: &Value| instant(&known["updatedAt"]) > instant(&row["updatedAt"]);
        if !kept.get(&name).is_some_and(newer) {
            kept.insert(name, row);
        }
    }
    kept.into_values().collect()
}

fn judge(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut problems = outcome.flawless();
    let full = case.source.contains("deleted_responses");
    let responses = outcome.truth(if full { "responses" } else { "responses_plain" });
    let on = |name, value| case.switches.contains(&(name, value));
    let mut seen = outcome.truth("users_seen");
    let mut missing = outcome.truth("users_missing");
    if on("user_id_path", "slash_404") {
        let slashed = |row: &Value| row["requestedUserId"].as_str().is_some_and(|id| id.contains('/'));
        let lost = seen.iter().filter(|row| slashed(row));
        missing.extend(lost.map(|row| serde_json::json!({ "requestedUserId": row["requestedUserId"] })));
        seen.retain(|row| !slashed(row));
    }
    let known: Vec<&Value> = seen.iter().map(|row| &row["requestedUserId"]).collect();
    let events: Vec<Value> = outcome.truth("user_events");
    let events: Vec<Value> =
        events.into_iter().filter(|row| known.contains(&&row["requestedUserId"])).collect();
    let themes = outcome.truth("themes").into_iter().map(with_id).collect();
    for (stream, rows) in [
        ("surveys", outcome.truth("surveys")),
        ("survey_questions", without_ordinal(outcome.truth("survey_questions"))),
        ("survey_constraints", outcome.truth("survey_constraints")),
        ("themes", latest(themes, &["id", "responseGroupUid", "questionId"])),
        ("users_missing", missing),
        ("user_events", events),
        ("users", seen.clone()),
        ("responses", latest(responses.clone(), &["responseGroupUid", "questionId"])),
    ] {
        problems.extend(outcome.compare(stream, &rows, notes(stream), &[]));
    }
    let answers = latest(responses, &["responseGroupUid", "questionId"]);
    let base = usize::from(!on("index_base", "0"));
    let (surveys, questions) = (outcome.truth("surveys"), outcome.truth("survey_questions"));
    let records = unified::sprig::records(&seen, &answers, &surveys, &questions, base);
    problems.extend(unified::compare(outcome, "sprig", records));
    problems
}

/// A question has an id of its own; only constraints are told apart by their place.
fn without_ordinal(rows: Vec<Value>) -> Vec<Value> {
    let without = |mut row: Value| {
        row.as_object_mut().expect("a row is an object").remove("ordinal");
        row
    };
    rows.into_iter().map(without).collect()
}

/// Old rows have no id; the label stands in for it (vendors/sprig.md 3.3).
fn with_id(mut row: Value) -> Value {
    if row["id"].is_null() {
        row["id"] = row["theme"].clone();
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_of_the_reference_gives_the_same_tables() {
    let mut cases = vec![case(&[])];
    for (name, values) in SAME {
        cases.extend(values.iter().map(|value| case(&[(*name, *value)])));
    }
    cases.push(case(&[("cursor", "exclusive"), ("order", "descending")]));
    cases.push(case(&[("cursor", "exclusive"), ("last_cursor", "then_404")]));
    for answer in ["500", "reset"] {
        cases.push(case(&[("large_query_rows", "120"), ("large_query", answer)]));
    }
    cases.push(Case { users: 0, ..case(&[]) });
    cases.push(Case { users: 0, ..case(&[("empty", "200")]) });
    cases.push(Case { seed: 7, ..case(&[]) });
    cases.push(Case { users: 300, ..case(&[]) });
    cases.push(Case { users: 300, ..case(&[("cursor", "exclusive")]) });
    cases.push(Case { source: format!("api_key = \"{API_KEY}\"\n"), ..case(&[]) });
    cases.push(Case { source: format!("api_key = \"{API_KEY}\"\n"), ..case(&[("deleted", "only")]) });
    run::all(cases, judge).await;
}

/// Rows change after they were made, with or without a sign of it (assumption 13): the next run has them as they are.
#[tokio::test(flavor = "multi_thread")]
async fn late_edits_are_in_the_next_run() {
    for edits in ["moved", "silent"] {
        let case = case(&[("mutate_after", "2"), ("late_edits", edits)]);
        let mut outcome = run::sync(&case).await;
        outcome.again(&["--full"]).await;
        let problems = judge(&case, &outcome);
        assert!(problems.is_empty(), "{edits}: {}", problems.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_named_however_it_is_refused() {
    let cases = ["403", "401"]
        .map(|status| Case { source: "api_key = \"wrong\"\n".to_owned(), ..case(&[("bad_key", status)]) });
    run::all(cases.to_vec(), |_, outcome| {
        let named = outcome.error("surveys");
        let right = outcome.code == 1 && matches!(named, "credentials" | "forbidden");
        if right { Vec::new() } else { vec![format!("exit {} {named}", outcome.code)] }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_stands_still_is_an_error() {
    let cases = vec![Case { users: 300, ..case(&[("cursor", "stuck")]) }];
    run::all(cases, |_, outcome| {
        let found = (outcome.code, outcome.error("themes").to_owned());
        if found.1 == "cursor_loop" && matches!(found.0, 1 | 3) {
            Vec::new()
        } else {
            vec![format!("{found:?} {}", outcome.stderr)]
        }
    })
    .await;
}
