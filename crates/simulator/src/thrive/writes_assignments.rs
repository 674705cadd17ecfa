//! Writes of assignments, and the enrolments that follow from them.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use super::{
    Simulator,
    answer::{Answer, Refusal, created, done, ok},
    body::{Fields, Kind},
    instants::printed,
    query::Query,
    world::{Name, Row, World, text},
};

const FIELDS: &[(&str, Kind)] = &[
    ("audienceId", Kind::Text),
    ("contentId", Kind::Text),
    ("alternativeContentIds", Kind::Texts(100)),
    ("hideAlternativeContent", Kind::Boolean),
    ("completionPeriod", Kind::Whole(0)),
    ("recurrence", Kind::Whole(0)),
];

pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let fields = Fields::read(&simulator, &headers, &body, FIELDS)?;
    let (audience, content) = (fields.required("audienceId")?, fields.required("contentId")?);
    let mut world = simulator.world();
    let audience =
        world.audience_id(audience).ok_or_else(|| Refusal::invalid("audienceId", "unknown audience"))?;
    known_contents(&world, &fields)?;
    let (id, now) = (world.new_id(), world.tick());
    let or = |name: &str, default: Value| {
        fields.get(name).filter(|value| !value.is_null()).cloned().unwrap_or(default)
    };
    let value = json!({
        "id": id, "audienceId": audience, "primaryContentId": content,
        "alternativeContentIds": or("alternativeContentIds", json!([])),
        "hideAlternativeContent": or("hideAlternativeContent", json!(false)),
        "completionPeriod": or("completionPeriod", json!(30)),
        "recurrence": or("recurrence", Value::Null),
        "isActive": true, "isDeleted": false, "createdAt": printed(now), "deletedAt": null,
        "updatedAt": printed(now),
    });
    let row = Row::new(Name::Assignments, value, now, Some(now));
    let answer = row.value.clone();
    let users: Vec<String> =
        world.members_of(&audience, false).iter().map(|member| text(member, "userId").to_owned()).collect();
    for user in users {
        enrol(&mut world, &row, &user);
    }
    world.rows_mut(Name::Assignments).push(row);
    created(&answer)
}

/// Enrols a user in an assignment, now.
pub(super) fn enrol(world: &mut World, assignment: &Row, user: &str) {
    let (id, now) = (world.new_id(), world.tick());
    let days = assignment.value["completionPeriod"].as_i64().unwrap_or(30).clamp(0, 36_500);
    let value = json!({
        "id": id, "userId": user, "assignmentId": assignment.id, "audienceId": assignment.text("audienceId"),
        "primaryContentId": assignment.text("primaryContentId"), "status": "open",
        "availableDate": printed(now), "dueDate": printed(now + jiff::SignedDuration::from_hours(24 * days)),
        "lastCompletedAt": null, "history": [], "updatedAt": printed(now),
    });
    world.rows_mut(Name::Enrolments).push(Row::new(Name::Enrolments, value, now, Some(now)));
}

pub(super) async fn update(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let fields = Fields::read(&simulator, &headers, &body, FIELDS)?;
    let audience = fields.required("audienceId")?;
    let mut world = simulator.world();
    known_contents(&world, &fields)?;
    owned(&world, &id, audience)?;
    let now = world.tick();
    let row = world.row_mut(Name::Assignments, &id).ok_or_else(|| Refusal::not_found("assignment"))?;
    for (name, value) in fields.all() {
        match name.as_str() {
            "audienceId" => {}
            "contentId" => row.value["primaryContentId"] = value.clone(),
            name => row.value[name] = value.clone(),
        }
    }
    row.touch(now);
    ok(&row.value)
}

/// Takes a body, as `{"audienceId": "..."}`; the assignment stays in the list as deleted.
pub(super) async fn delete(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let fields = Fields::read(&simulator, &headers, &body, &[("audienceId", Kind::Text)])?;
    let audience = fields.required("audienceId")?;
    let mut world = simulator.world();
    owned(&world, &id, audience)?;
    let now = world.tick();
    if let Some(row) = world.row_mut(Name::Assignments, &id) {
        row.value["isDeleted"] = json!(true);
        row.value["isActive"] = json!(false);
        row.value["deletedAt"] = json!(printed(now));
        row.touch(now);
    }
    for row in world.rows_mut(Name::Enrolments).iter_mut().filter(|row| row.text("assignmentId") == id) {
        row.value["status"] = json!("archived");
        row.touch(now);
    }
    done("Assignment deleted")
}

/// Refuses an assignment that is not there or belongs to another audience.
fn owned(world: &World, id: &str, audience: &str) -> Result<(), Refusal> {
    let row = world.row(Name::Assignments, id).ok_or_else(|| Refusal::not_found("assignment"))?;
    if world.audience_id(audience).as_deref() == Some(row.text("audienceId")) {
        Ok(())
    } else {
        Err(Refusal::invalid("audienceId", "the assignment is of another audience"))
    }
}

fn known_contents(world: &World, fields: &Fields<'_>) -> Result<(), Refusal> {
    let others = fields.get("alternativeContentIds").and_then(Value::as_array).into_iter().flatten();
    let named = others.filter_map(Value::as_str).chain(fields.text("contentId"));
    for id in named {
        if world.row(Name::Contents, id).is_none() {
            return Err(Refusal::invalid("contentId", "unknown content"));
        }
    }
    Ok(())
}
