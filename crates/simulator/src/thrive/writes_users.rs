//! The user lifecycle under `/rest/v2`: create, update, suspend, delete.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Simulator,
    answer::{Answer, Refusal, created, done, ok},
    body::{Fields, Kind},
    instants::printed,
    query::Query,
    world::{Name, Row, World, text},
};

const FIELDS: &[(&str, Kind)] = &[
    ("ref", Kind::Text),
    ("firstName", Kind::Text),
    ("lastName", Kind::Text),
    ("email", Kind::Text),
    ("loginMethod", Kind::Word(&["email", "ref"])),
    ("role", Kind::Word(&["administrator", "learneradmin", "learner"])),
    ("jobTitle", Kind::Text),
    ("managerRef", Kind::Text),
    ("startDate", Kind::Date),
    ("endDate", Kind::Date),
    ("timeZone", Kind::Text),
    ("languageCode", Kind::Text),
    ("sso", Kind::Boolean),
    ("domain", Kind::Text),
    ("additionalFields", Kind::Object),
];

/// Lifecycle fields that a v1 user shows under the same name.
const SHARED: &[&str] =
    &["ref", "firstName", "lastName", "email", "role", "timeZone", "languageCode", "additionalFields"];
/// Lifecycle fields that a v1 user does not show, or shows within a position.
const OWN: &[&str] = &["loginMethod", "jobTitle", "managerRef", "startDate", "endDate", "domain"];

pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let fields = Fields::read(&simulator, &headers, &body, FIELDS)?;
    let reference = fields.required("ref")?;
    fields.required("firstName")?;
    fields.required("lastName")?;
    if fields.text("loginMethod") != Some("ref") {
        fields.required("email")?;
    }
    let mut world = simulator.world();
    if position(&world, reference).is_some() {
        return Err(Refusal::conflict("a user with this ref exists"));
    }
    let (id, now) = (world.new_id(), world.tick());
    let value = json!({
        "id": id, "ref": null, "firstName": null, "lastName": null, "email": null, "role": "learner",
        "status": "new", "positions": [], "additionalFields": null, "languageCode": null, "deleted": false,
        "compliance": 0, "level": 0, "firstLogin": null, "lastLogin": null, "tags": {}, "usersFollowing": [],
        "tagsFollowing": [], "createdAt": printed(now), "updatedAt": printed(now), "hasPicture": false,
        "timeZone": null, "summary": null, "relevancy": 0, "rank": {}, "agreedTerms": false,
        "onboarded": false, "audiences": [], "singleSignOn": false,
    });
    world.rows_mut(Name::Users).push(Row::new(Name::Users, value, now, Some(now)));
    write(&mut world, &id, &fields, now);
    created(&lifecycle(&world, &id))
}

pub(super) async fn update(
    State(simulator): State<Arc<Simulator>>,
    Path(reference): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let fields = Fields::read(&simulator, &headers, &body, FIELDS)?;
    let mut world = simulator.world();
    let id = id_of(&world, &reference)?;
    for name in ["ref", "firstName", "lastName"] {
        if fields.get(name).is_some_and(Value::is_null) {
            return Err(Refusal::invalid(name, "must not be cleared"));
        }
    }
    if fields.text("ref").is_some_and(|new| new != reference && position(&world, new).is_some()) {
        return Err(Refusal::conflict("a user with this ref exists"));
    }
    let now = world.tick();
    write(&mut world, &id, &fields, now);
    // The only way back for a suspended user that the reference allows to guess (row 21).
    if fields.get("endDate").is_some_and(Value::is_null)
        && let Some(row) = world.row_mut(Name::Users, &id)
        && row.text("status") == "inactive"
    {
        row.value["status"] = json!("active");
    }
    ok(&lifecycle(&world, &id))
}

pub(super) async fn suspend(
    State(simulator): State<Arc<Simulator>>,
    Path(reference): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let empty = HeaderMap::from_iter([(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    )]);
    let (headers, body) = if body.is_empty() { (&empty, &b"{}"[..]) } else { (&headers, &body[..]) };
    let fields = Fields::read(&simulator, headers, body, &[("endDate", Kind::Date)])?;
    let mut world = simulator.world();
    let id = id_of(&world, &reference)?;
    let now = world.tick();
    write(&mut world, &id, &fields, now);
    if let Some(row) = world.row_mut(Name::Users, &id) {
        row.value["status"] = json!("inactive");
    }
    ok(&lifecycle(&world, &id))
}

/// Wipes personal data for good and keeps the history under the id (row 13).
pub(super) async fn delete(
    State(simulator): State<Arc<Simulator>>,
    Path(reference): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let mut world = simulator.world();
    let id = id_of(&world, &reference)?;
    let now = world.tick();
    world.lifecycle.remove(&id);
    for rows in world.members.values_mut() {
        rows.retain(|row| text(row, "userId") != id);
    }
    for rows in world.managers.values_mut() {
        rows.retain(|row| text(row, "userId") != id);
    }
    if simulator.switch("deleted_users") == "removed" {
        world.rows_mut(Name::Users).retain(|row| row.id != id);
    } else if let Some(row) = world.row_mut(Name::Users, &id) {
        for field in ["ref", "firstName", "lastName", "email", "additionalFields", "summary"] {
            row.value[field] = Value::Null;
        }
        row.value["positions"] = json!([]);
        row.value["audiences"] = json!([]);
        row.value["deleted"] = json!(true);
        row.value["status"] = json!("inactive");
        row.touch(now);
    }
    done("User deleted")
}

fn position(world: &World, reference: &str) -> Option<usize> {
    world.rows(Name::Users).iter().position(|row| row.text("ref") == reference && !reference.is_empty())
}

fn id_of(world: &World, reference: &str) -> Result<String, Refusal> {
    let place = position(world, reference).ok_or_else(|| Refusal::not_found("user"))?;
    Ok(world.rows(Name::Users)[place].id.clone())
}

/// Puts the fields that are there into the user, and into the member rows that repeat them.
fn write(world: &mut World, id: &str, fields: &Fields<'_>, now: Timestamp) {
    let manager = fields.text("managerRef").and_then(|reference| manager(world, reference));
    let own = world.lifecycle.entry(id.to_owned()).or_insert_with(|| json!({}));
    for name in OWN {
        if let Some(value) = fields.get(name) {
            own[*name] = value.clone();
        }
    }
    let job =
        ["jobTitle", "managerRef", "startDate", "endDate"].iter().any(|name| fields.get(name).is_some());
    let Some(row) = world.row_mut(Name::Users, id) else { return };
    for name in SHARED {
        if let Some(value) = fields.get(name) {
            row.value[*name] = value.clone();
        }
    }
    if let Some(sso) = fields.get("sso") {
        row.value["singleSignOn"] = json!(sso.as_bool().unwrap_or(false));
    }
    if job {
        employ(row, fields, manager, now);
    }
    row.touch(now);
    let (reference, email) =
        (row.value["ref"].clone(), row.value.get("email").cloned().unwrap_or(Value::Null));
    let lists = world.members.values_mut().chain(world.managers.values_mut());
    for other in lists.flatten().filter(|other| text(other, "userId") == id) {
        other["reference"] = reference.clone();
        other["email"] = email.clone();
    }
}

fn manager(world: &World, reference: &str) -> Option<Value> {
    let row = &world.rows(Name::Users)[position(world, reference)?];
    let name = format!("{} {}", row.text("firstName"), row.text("lastName"));
    Some(json!({"id": row.id, "name": name, "ref": reference}))
}

/// Puts the job into the last position, which is made where there is none.
fn employ(row: &mut Row, fields: &Fields<'_>, manager: Option<Value>, now: Timestamp) {
    let id = row.id.clone();
    if !row.value["positions"].is_array() {
        row.value["positions"] = json!([]);
    }
    let Some(positions) = row.value["positions"].as_array_mut() else { return };
    if positions.is_empty() {
        positions.push(json!({
            "id": id, "manager": null, "ouId": null, "title": null, "isActive": true, "startDate": null,
            "endDate": null, "createdAt": printed(now), "updatedAt": null,
        }));
    }
    let Some(position) = positions.last_mut() else { return };
    if let Some(title) = fields.get("jobTitle") {
        position["title"] = title.clone();
    }
    if fields.get("managerRef").is_some() {
        position["manager"] = manager.unwrap_or(Value::Null);
    }
    for name in ["startDate", "endDate"] {
        if let Some(value) = fields.get(name) {
            let date = value.as_str().filter(|text| text.len() == 10);
            position[name] = date.map_or_else(|| value.clone(), |date| json!(format!("{date}T00:00:00Z")));
        }
    }
    position["updatedAt"] = json!(printed(now));
}

/// The lifecycle user, which is not of the shape of the v1 user.
fn lifecycle(world: &World, id: &str) -> Value {
    let empty = Value::Null;
    let user = world.row(Name::Users, id).map_or(&empty, |row| &row.value);
    let place = user["positions"].as_array().and_then(|all| all.last()).unwrap_or(&empty);
    let method = if text(user, "email").is_empty() { "ref" } else { "email" };
    let mut fields = Map::new();
    for name in SHARED.iter().chain(&["id", "createdAt", "updatedAt"]) {
        fields.insert((*name).to_owned(), user.get(*name).cloned().unwrap_or(Value::Null));
    }
    let own = [
        ("loginMethod", json!(method)),
        ("jobTitle", place["title"].clone()),
        ("managerRef", place["manager"]["ref"].clone()),
        ("startDate", place["startDate"].clone()),
        ("endDate", place["endDate"].clone()),
        ("domain", Value::Null),
        ("sso", user["singleSignOn"].clone()),
        ("active", json!(["active", "new"].contains(&text(user, "status")))),
    ];
    let kept = world.lifecycle.get(id).unwrap_or(&empty);
    for (name, made) in own {
        fields.insert(name.to_owned(), kept.get(name).cloned().unwrap_or(made));
    }
    Value::Object(fields)
}
