//! Writes about a learner: tags, skills, and completions.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Simulator,
    answer::{Answer, Refusal, created, done, ok},
    body::{Fields, Kind},
    instants::{self, WORLD_END, printed},
    query::Query,
    world::{Name, Row, World},
};

pub(super) async fn add_tags(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let fields = Fields::read(&simulator, &headers, &body, &[("tags", Kind::Texts(100))])?;
    let tags = names(&simulator, fields.get("tags"))?;
    let mut world = simulator.world();
    existing(&world, &id, &tags, "tags")?;
    let now = world.tick();
    for tag in &tags {
        set_skill(&mut world, &id, tag, true, now);
    }
    done("Tags added")
}

/// `{"op":"remove","path":"tags","value":[...]}`.
pub(super) async fn remove_tags(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let known =
        [("op", Kind::Word(&["remove"])), ("path", Kind::Word(&["tags"])), ("value", Kind::Texts(100))];
    let fields = Fields::read(&simulator, &headers, &body, &known)?;
    fields.required("op")?;
    fields.required("path")?;
    let tags = names(&simulator, fields.get("value"))?;
    let mut world = simulator.world();
    existing(&world, &id, &tags, "value")?;
    let now = world.tick();
    for tag in &tags {
        set_skill(&mut world, &id, tag, false, now);
    }
    done("Tags removed")
}

/// `{"op":"update","path":"skills","value":[{"tagName","level","targetLevel"}]}`.
pub(super) async fn update_skills(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let known =
        [("op", Kind::Word(&["update"])), ("path", Kind::Word(&["skills"])), ("value", Kind::Objects)];
    let fields = Fields::read(&simulator, &headers, &body, &known)?;
    fields.required("op")?;
    fields.required("path")?;
    let skills = fields.get("value").and_then(Value::as_array);
    let skills = skills.ok_or_else(|| simulator.wrong("value must be an array"))?;
    for skill in skills {
        let right = skill.as_object().into_iter().flatten().all(|(name, value)| match name.as_str() {
            "tagName" => value.is_string(),
            "level" | "targetLevel" => value.as_i64().is_some_and(|level| level >= -1),
            _ => false,
        });
        if !right || !skill["tagName"].is_string() {
            return Err(simulator.wrong("a skill has tagName, level and targetLevel of at least -1"));
        }
    }
    let tags: Vec<String> =
        skills.iter().filter_map(|skill| skill["tagName"].as_str()).map(str::to_owned).collect();
    let mut world = simulator.world();
    existing(&world, &id, &tags, "value")?;
    let now = world.tick();
    for (tag, skill) in tags.iter().zip(skills) {
        set_skill(&mut world, &id, tag, true, now);
        // Where the levels show up is not in the reference; the key set of `tags` is open (row 12).
        if let Some(row) = world.row_mut(Name::Users, &id) {
            let mut levels = skill.clone();
            if let Some(fields) = levels.as_object_mut() {
                fields.remove("tagName");
            }
            if !row.value["tags"]["skillLevels"].is_object() {
                row.value["tags"]["skillLevels"] = json!({});
            }
            row.value["tags"]["skillLevels"][tag] = levels;
        }
    }
    done("Skills updated")
}

fn names(simulator: &Simulator, value: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if names.is_empty() { Err(simulator.wrong("1 to 100 tag names must be given")) } else { Ok(names) }
}

/// Refuses an unknown user or tag.
fn existing(world: &World, user: &str, tags: &[String], field: &str) -> Result<(), Refusal> {
    if world.row(Name::Users, user).is_none() {
        return Err(Refusal::not_found("user"));
    }
    let known = |tag: &str| world.rows(Name::Tags).iter().any(|row| row.text("tag") == tag);
    match tags.iter().find(|tag| !known(tag)) {
        Some(tag) => Err(Refusal::invalid(field, format!("unknown tag: {tag}"))),
        None => Ok(()),
    }
}

/// Notes on the user and on the tag that the user has it, or has it no more.
fn set_skill(world: &mut World, user: &str, tag: &str, has: bool, now: Timestamp) {
    if let Some(row) = world.row_mut(Name::Users, user) {
        if !row.value["tags"].is_object() {
            row.value["tags"] = json!({});
        }
        set(&mut row.value["tags"]["skills"], tag, has);
        row.touch(now);
    }
    if let Some(row) = world.rows_mut(Name::Tags).iter_mut().find(|row| row.text("tag") == tag) {
        set(&mut row.value["skills"], user, has);
        row.changed = Some(now);
    }
}

/// Adds to or removes from a list of texts, which is made where there is none.
fn set(list: &mut Value, text: &str, has: bool) {
    let mut texts = list.as_array().cloned().unwrap_or_default();
    texts.retain(|other| other.as_str() != Some(text));
    if has {
        texts.push(json!(text));
    }
    *list = Value::Array(texts);
}

/// `POST /learning/completions`: any `completedAt`, also one of long ago; one that is there already is not made again.
pub(super) async fn complete(
    State(simulator): State<Arc<Simulator>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let known = [("userId", Kind::Text), ("contentId", Kind::Text), ("completedAt", Kind::Date)];
    let fields = Fields::read(&simulator, &headers, &body, &known)?;
    let (user, content) = (fields.required("userId")?, fields.required("contentId")?);
    let text = fields.required("completedAt")?;
    let at = instants::instant(text).or_else(|| instants::date(text, &jiff::tz::TimeZone::UTC));
    let at = at.ok_or_else(|| simulator.wrong("completedAt must be a valid date string"))?;
    let mut world = simulator.world();
    if world.row(Name::Users, user).is_none() {
        return Err(Refusal::invalid("userId", "unknown user"));
    }
    if world.row(Name::Contents, content).is_none() {
        return Err(Refusal::invalid("contentId", "unknown content"));
    }
    let same = |row: &&Row| row.text("userId") == user && row.text("contentId") == content && row.at == at;
    if let Some(row) = world.rows(Name::Completions).iter().find(same) {
        return ok(&json!({"statementId": row.id}));
    }
    let (id, now) = (world.new_id(), world.tick());
    let value = json!({
        "id": id, "userId": user, "contentId": content, "contentVersion": 1, "skills": [],
        "completionType": "default", "hadDueDate": false,
        // Backdated ones count as imported (row 18); the reference does not say.
        "isRPL": at < WORLD_END,
        "completedAt": printed(at), "activeUntil": null,
    });
    world.rows_mut(Name::Completions).push(Row::new(Name::Completions, value, at, Some(now)));
    complete_enrolments(&mut world, user, content, &id, at, now);
    if let Some(row) = world.row_mut(Name::Users, user) {
        row.value["compliance"] = json!(100);
        if simulator.core.switches.on("derived_updates") {
            row.touch(now);
        }
    }
    created(&json!({"statementId": id}))
}

fn complete_enrolments(
    world: &mut World,
    user: &str,
    content: &str,
    completion: &str,
    at: Timestamp,
    now: Timestamp,
) {
    for row in world.rows_mut(Name::Enrolments) {
        let open = ["open", "overdue", "scheduled"].contains(&row.text("status"));
        if !open || row.text("userId") != user || row.text("primaryContentId") != content {
            continue;
        }
        let step = json!({
            "type": "completed", "completionId": completion, "previousStatus": row.text("status"),
            "nextStatus": "complete", "createdAt": printed(now), "updatedAt": printed(now),
        });
        let mut history = row.value["history"].as_array().cloned().unwrap_or_default();
        history.push(step);
        row.value["history"] = Value::Array(history);
        row.value["status"] = json!("complete");
        row.value["lastCompletedAt"] = json!(printed(at));
        row.touch(now);
    }
}
