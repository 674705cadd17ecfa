//! What rows become in the unified tables, by facts alone.

use serde_json::{Value, json};

use crate::{
    Declared, cells,
    server::{Answer, Server},
};

const CONNECTOR: &str = r#"
connector = "crm"
[streams.answers]
path = "/answers"
primary_key = ["survey", "number"]
[streams.answers.columns]
survey = "id"
number = "int"
person = { id = "id", ref = "text" }
kind = "text"
score = "decimal"
words = "json"
picked = ["text"]
givenOn = "date"
extra = { channel = "text", rank = "double" }
inner = { rank = "int" }
phones = [{ kind = "text" }]
[streams.answers.unified.feedback]
user_key = "person/id"
user_external_id = "person/ref"
kind = { column = "kind", nps = ["NPS", "enps"] }
survey_id = "survey"
question_id = "number"
score = "score"
text = "words"
choices = "picked"
occurred_at = "givenOn"
[streams.answers.unified.events]
user_key = "person/id"
event_type = { column = "kind", "survey.answered" = ["NPS"] }
properties = ["extra", "score", "given_on", "inner", "phones"]
[[streams.answers.unified.metrics]]
metric = { value = "answers.score" }
value = "score"
date = "givenOn"
subject = "survey"
[[streams.answers.unified.metrics]]
metric = { value = "answers.rank" }
value = "extra/rank"
"#;

fn unified(declared: &Declared, table: &str) -> Vec<Value> {
    let rows = declared.unified(table);
    let mut rows: Vec<Value> = rows.iter().map(cells).collect();
    for row in &mut rows {
        row.as_object_mut()
            .expect("an object")
            .retain(|name, _| !matches!(name.as_str(), "source" | "vendor"));
    }
    rows
}

#[test]
fn answers_become_feedback_events_and_metrics() {
    let server = Server::start(|_, _| {
        Answer::json(&json!([
            {
                "survey": 5, "number": 1, "person": { "id": 7, "ref": "u-7" }, "kind": "NPS", "score": "9.5", "words": { "a": 1 },
                "picked": ["x", "y"], "givenOn": "2026-03-01", "extra": { "channel": "mail", "rank": 0.5 },
                "inner": { "rank": 3 }, "phones": [{ "kind": "home" }]
            },
            { "survey": "5", "number": 2, "person": null, "kind": "stars", "words": "fine" }
        ]))
    });
    let declared = Declared::new(server, CONNECTOR, "");
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let day = 1_772_323_200_000_000_i64;
    assert_eq!(
        unified(&declared, "feedback"),
        [
            json!({
                "feedback_key": "it:answers:5/1", "user_key": "it:7", "user_external_id": "u-7", "kind": "nps", "survey_id": "5", "question_id": "1",
                "score": 9.5, "score_min": 0.0, "score_max": 10.0, "text": "{\"a\":1}", "choices": ["x", "y"], "occurred_at": day
            }),
            json!({ "feedback_key": "it:answers:5/2", "kind": "survey", "survey_id": "5", "question_id": "2", "text": "\"fine\"" })
        ]
    );
    assert_eq!(
        unified(&declared, "events"),
        [
            json!({
                "event_key": "it:answers:5/1", "user_key": "it:7", "event_type": "survey.answered", "vendor_event_type": "NPS",
                "properties": {
                    "channel": "mail", "rank": "0.5", "score": "9.5", "given_on": "2026-03-01", "inner.rank": "3",
                    "phones": "[{\"kind\":\"home\"}]"
                }
            }),
            json!({ "event_key": "it:answers:5/2", "event_type": "other", "vendor_event_type": "stars" })
        ]
    );
    assert_eq!(
        unified(&declared, "metrics"),
        [
            json!({ "metric_key": "it:answers:5/1/answers.score", "subject": "5", "date": "2026-03-01", "metric": "answers.score", "value": 9.5 }),
            json!({ "metric_key": "it:answers:5/2/answers.score", "subject": "5", "metric": "answers.score" }),
            json!({ "metric_key": "it:answers:5/1/answers.rank", "metric": "answers.rank", "value": 0.5 }),
            json!({ "metric_key": "it:answers:5/2/answers.rank", "metric": "answers.rank" })
        ]
    );
}

pub(crate) const TWO_KINDS: &str = r#"
connector = "crm"
[streams.people]
path = "/people"
primary_key = ["id"]
columns = { id = "id", plan = "text", custom = "map", more = "map", inner = { plan = "text" } }
[streams.people.unified.users]
attributes = ["custom", "more", "plan", "inner"]
[streams.staff]
path = "/staff"
primary_key = ["id"]
columns = { id = "id" }
[streams.staff.unified.users]
[streams.firms]
path = "/firms"
primary_key = ["a", "b"]
columns = { a = "id", b = "id", name = "text" }
[streams.firms.unified.companies]
name = "name"
"#;

#[test]
fn a_map_has_each_key_once_and_columns_keep_their_names() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/people" => Answer::json(&json!([
            { "id": 1, "plan": "a", "custom": { "plan": "b", "x": 1 }, "more": { "x": 2, "more.x": 3 }, "inner": { "plan": "c" } },
            { "id": 2, "plan": null, "custom": { "plan": "b" }, "more": null, "inner": { "plan": "c" } },
        ])),
        _ => Answer::json(&json!([])),
    });
    let declared = Declared::new(server, TWO_KINDS, "");
    assert_eq!(declared.sync().code, 0);
    let mut maps: Vec<Value> =
        declared.unified("users").iter().map(|row| row["attributes"].clone()).collect();
    maps.sort_by_key(|map| map.as_object().map_or(0, serde_json::Map::len));
    assert_eq!(
        maps,
        [
            json!({ "inner.plan": "c", "custom.plan": "b" }),
            json!({ "plan": "a", "inner.plan": "c", "custom.plan": "b", "x": "1", "more.x": "3", "more.x (2)": "2" }),
        ]
    );
}

const MEASURES: &str = r#"
connector = "crm"
[streams.days]
path = "/days"
primary_key = ["id"]
columns = { id = "id", kind = "text", hours = "double", cost = "decimal" }
[[streams.days.unified.metrics]]
metric = { column = "kind", "work.hours" = "work" }
value = "hours"
[[streams.days.unified.metrics]]
metric = { column = "kind", "work.cost" = "work" }
value = "cost"
"#;

#[test]
fn two_metrics_of_a_row_never_share_a_key() {
    let server = Server::start(|_, _| {
        Answer::json(&json!([
            { "id": 1, "kind": "work", "hours": 0.5, "cost": 1 },
            { "id": 2, "kind": "late", "hours": 0.25, "cost": 2 }
        ]))
    });
    let declared = Declared::new(server, MEASURES, "");
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let mut metrics: Vec<String> = declared
        .unified("metrics")
        .iter()
        .map(|row| format!("{} {}", row["metric"].as_str().unwrap_or_default(), row["value"]))
        .collect();
    metrics.sort();
    assert_eq!(metrics, ["late 0.25", "late.cost 2.0", "work.cost 1.0", "work.hours 0.5"]);
}
