//! Userlane: profiles are users, a row of an export is an event, an answer or a day's scores.

use serde_json::{Map, Value};

use super::{Records, instant, key, map, moment, number, properties, text};
use crate::run::Outcome;

/// What Userlane's rows make. `steps` says that progress is a row a step, so that its rows have keys of our own.
pub(crate) fn records(outcome: &Outcome, steps: bool) -> Records {
    let mut records = Records::default();
    outcome.truth("user_profiles").iter().for_each(|row| user(&mut records, row));
    outcome.truth("nps_responses").iter().for_each(|row| answer(&mut records, row, "nps_responses"));
    outcome.truth("survey_responses").iter().for_each(|row| answer(&mut records, row, "survey_responses"));
    outcome.truth("heart_scores").iter().for_each(|row| scores(&mut records, row));
    for row in outcome.truth("guide_events") {
        let word = match field(&row, "eventType").as_str().unwrap_or_default() {
            "guide_started" => "guide.started",
            "step_shown" => "guide.step_shown",
            "step_completed" => "guide.step_completed",
            "guide_completed" => "guide.completed",
            "guide_exited" => "guide.exited",
            _ => "other",
        };
        let more = ["stepId", "stepIndex", "source", "exitReason", "sessionId"];
        let key = own(&row, "guide_events");
        event(
            &mut records,
            &row,
            key,
            word,
            ("guide", "guideId", "guideName"),
            "eventType",
            "occurredAt",
            &more,
            &[],
        );
    }
    for row in outcome.truth("guide_progress") {
        let parts = ["userId", "guideId"].map(|name| plain(&field(&row, name)));
        let property = plain(&row["propertyId"]);
        let key = if steps { "#".to_owned() } else { parts.join("/") };
        let key = format!("it:guide_progress:{property}/{key}").into();
        let (numbers, instants) = (["currentStep", "totalSteps"], ["startedAt", "completedAt"]);
        let guide = ("guide", "guideId", "guideName");
        event(&mut records, &row, key, "guide.progress", guide, "status", "updatedAt", &numbers, &instants);
    }
    for row in outcome.truth("announcement_events") {
        let word = match field(&row, "eventType").as_str().unwrap_or_default() {
            "announcement_pushed" => "announcement.shown",
            "announcement_opened" => "announcement.opened",
            "announcement_link_clicked" => "announcement.link_clicked",
            "announcement_closed" => "announcement.closed",
            _ => "other",
        };
        let thing = ("announcement", "announcementId", "announcementTitle");
        let key = own(&row, "announcement_events");
        event(&mut records, &row, key, word, thing, "eventType", "occurredAt", &["guideId", "url"], &[]);
    }
    for mut row in outcome.truth("tag_interactions") {
        // Counts a day have the day for the instant (3.4).
        if let Some(day) = row.get("date").cloned() {
            row["occurredAt"] = format!("{}T00:00:00Z", plain(&day)).into();
        }
        let key = own(&row, "tag_interactions");
        let more = ["count", "uniqueUsers"];
        event(
            &mut records,
            &row,
            key,
            "tag.clicked",
            ("tag", "tagId", "tagName"),
            "",
            "occurredAt",
            &more,
            &[],
        );
    }
    records
}

#[expect(clippy::too_many_arguments, reason = "one row of a table of what stands where")]
fn event(
    records: &mut Records,
    row: &Value,
    key: Value,
    word: &str,
    (kind, id, name): (&str, &str, &str),
    vendor_word: &str,
    at: &str,
    others: &[&str],
    instants: &[&str],
) {
    let mut more: Vec<(String, Value)> = vec![("property_id".to_owned(), row["propertyId"].clone())];
    more.extend(others.iter().map(|name| (snake(name), field(row, name))));
    more.extend(instants.iter().map(|name| (snake(name), moment(&field(row, name)))));
    records.add(
        "events",
        [
            ("event_key", key),
            ("user_key", user_key(row)),
            ("user_external_id", text(&field(row, "userId"))),
            ("event_type", word.into()),
            (
                "vendor_event_type",
                if vendor_word.is_empty() { Value::Null } else { text(&field(row, vendor_word)) },
            ),
            ("object_type", kind.into()),
            ("object_id", text(&field(row, id))),
            ("object_name", text(&field(row, name))),
            ("occurred_at", instant(&field(row, at))),
            ("properties", properties(more.iter().map(|(name, value)| (name.as_str(), value.clone())))),
        ],
    );
}

fn answer(records: &mut Records, row: &Value, stream: &str) {
    let nps = stream == "nps_responses";
    let of_survey = |name: &str| if nps { Value::Null } else { text(&field(row, name)) };
    records.add(
        "feedback",
        [
            ("feedback_key", own(row, stream)),
            ("user_key", user_key(row)),
            ("user_external_id", text(&field(row, "userId"))),
            ("kind", if nps { "nps" } else { "survey" }.into()),
            ("survey_id", of_survey("surveyId")),
            ("survey_name", of_survey("surveyName")),
            ("question_text", of_survey("question")),
            ("score", number(&field(row, "score"))),
            ("score_min", if nps { 0.0 } else { 1.0 }.into()),
            ("score_max", if nps { 10.0 } else { 5.0 }.into()),
            ("text", text(&field(row, "comment"))),
            ("occurred_at", instant(&field(row, "respondedAt"))),
        ],
    );
}

fn scores(records: &mut Records, row: &Value) {
    let (property, date) = (plain(&row["propertyId"]), plain(&row["date"]));
    for (metric, name) in [
        ("heart.overall", "heartScore"),
        ("heart.happiness", "happiness"),
        ("heart.engagement", "engagement"),
        ("heart.adoption", "adoption"),
        ("heart.retention", "retention"),
        ("heart.task_success", "taskSuccess"),
    ] {
        records.add(
            "metrics",
            [
                ("metric_key", format!("it:heart_scores:{property}/{date}/{metric}").into()),
                ("subject", property.clone().into()),
                ("date", date.clone().into()),
                ("metric", metric.into()),
                ("value", number(&field(row, name))),
            ],
        );
    }
}

fn user(records: &mut Records, row: &Value) {
    let id = format!("{}/{}", plain(&row["propertyId"]), plain(&field(row, "userId")));
    records.add(
        "users",
        [
            ("user_key", key(&id.clone().into())),
            ("vendor_user_id", id.into()),
            ("external_id", text(&field(row, "userId"))),
            ("status", "unknown".into()),
            ("first_seen_at", instant(&field(row, "firstActiveAt"))),
            ("last_seen_at", instant(&field(row, "lastActiveAt"))),
            ("attributes", attributes(&row["attributes"])),
        ],
    );
}

/// All scopes in one map; a key that both scopes have is the company's under `company.<key>`.
fn attributes(value: &Value) -> Value {
    let bare = |value: &Value| match value {
        Value::Object(object) if object.len() == 1 && object.contains_key("value") => object["value"].clone(),
        value => value.clone(),
    };
    let mut all: Map<String, Value> = Map::new();
    let scope = |name: &str| value[name].as_object().cloned().unwrap_or_default();
    for (name, value) in scope("property") {
        all.insert(name, bare(&value));
    }
    for (name, value) in scope("company") {
        let name = if all.contains_key(&name) { format!("company.{name}") } else { name };
        all.insert(name, bare(&value));
    }
    let others = value.as_object().into_iter().flatten();
    for (name, value) in others.filter(|(name, _)| !matches!(name.as_str(), "property" | "company")) {
        all.insert(name.clone(), bare(value));
    }
    map(all.iter().map(|(name, value)| (name.as_str(), value)))
}

/// The row's id, or a hash of the row where it has none (2.2).
fn own(row: &Value, stream: &str) -> Value {
    let id = text(&row["id"]);
    format!("it:{stream}:{}/{}", plain(&row["propertyId"]), id.as_str().unwrap_or("#")).into()
}

fn user_key(row: &Value) -> Value {
    let user = text(&field(row, "userId"));
    user.as_str().map_or(Value::Null, |user| format!("it:{}/{user}", plain(&row["propertyId"])).into())
}

/// A field under its name in either spelling (1.5).
fn field(row: &Value, name: &str) -> Value {
    row.get(name).or_else(|| row.get(snake(name))).cloned().unwrap_or_default()
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
