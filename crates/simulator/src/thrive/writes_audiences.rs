//! Writes of audiences, their members and managers. Partial success is a 207.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::IntoResponse,
};
use http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Simulator,
    answer::{Answer, Refusal, created, done, ok},
    body::{Fields, Kind, array},
    instants::printed,
    query::Query,
    world::{Name, Row, World, text},
    writes_assignments::enrol,
};

pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let known = [
        ("name", Kind::Short(100)),
        ("reference", Kind::Short(100)),
        ("parentId", Kind::Text),
        ("category", Kind::Word(&["audience", "structure"])),
    ];
    let fields = Fields::read(&simulator, &headers, &body, &known)?;
    let name = fields.required("name")?;
    let category = fields.required("category")?;
    let mut world = simulator.world();
    let parent = match (category, fields.text("parentId")) {
        ("structure", None) => Value::Null,
        ("structure", Some(_)) => return Err(Refusal::invalid("parentId", "a structure has no parent")),
        (_, parent) => parent_of(&world, parent.unwrap_or_default())?,
    };
    free_reference(&world, fields.text("reference"), "")?;
    let (id, now) = (world.new_id(), world.tick());
    let value = json!({
        "id": id, "name": name, "reference": fields.text("reference"), "apiControlled": true,
        "category": category, "type": "manual", "parent": parent, "createdAt": printed(now),
        "updatedAt": printed(now),
    });
    world.members.insert(id.clone(), Vec::new());
    world.managers.insert(id, Vec::new());
    world.rows_mut(Name::Audiences).push(Row::new(Name::Audiences, value.clone(), now, Some(now)));
    created(&value)
}

/// Answers with `memberOperations`, null unless the audience moved to another structure.
pub(super) async fn update(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let known = [("name", Kind::Short(100)), ("reference", Kind::Short(100)), ("parentId", Kind::Text)];
    let fields = Fields::read(&simulator, &headers, &body, &known)?;
    let mut world = simulator.world();
    let id = found(&world, &id)?;
    free_reference(&world, fields.text("reference"), &id)?;
    let parent = match fields.text("parentId") {
        Some(_) if world.is_structure(&id) => {
            return Err(Refusal::invalid("parentId", "a structure has no parent"));
        }
        Some(parent) => Some(parent_of(&world, parent)?),
        None => None,
    };
    let now = world.tick();
    let members = world.members.get(&id).map_or(0, Vec::len);
    let row = world.row_mut(Name::Audiences, &id).ok_or_else(|| Refusal::not_found("audience"))?;
    for name in ["name", "reference"] {
        if let Some(value) = fields.get(name) {
            row.value[name] = value.clone();
        }
    }
    let mut operations = Value::Null;
    if let Some(parent) = parent {
        if row.value["parent"]["id"] != parent["id"] {
            let none = json!({"count": 0, "entities": []});
            operations = json!({"success": {"count": members, "entities": []}, "failure": none});
        }
        row.value["parent"] = parent;
    }
    row.touch(now);
    let mut answer = row.value.clone();
    answer["memberOperations"] = operations;
    ok(&answer)
}

/// With a structure go its audiences.
pub(super) async fn delete(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let mut world = simulator.world();
    let id = found(&world, &id)?;
    let gone = |row: &Row| row.id == id || row.value["parent"]["id"] == json!(id);
    let ids: Vec<String> =
        world.rows(Name::Audiences).iter().filter(|row| gone(row)).map(|row| row.id.clone()).collect();
    let now = world.tick();
    for id in &ids {
        world.managers.remove(id);
        for member in world.members.remove(id).unwrap_or_default() {
            note(&simulator, &mut world, text(&member, "userId"), id, false, now);
        }
    }
    world.rows_mut(Name::Audiences).retain(|row| !ids.contains(&row.id));
    done("Audience deleted")
}

pub(super) async fn add_members(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    members(&simulator, &id, &uri, &headers, &body, false)
}

pub(super) async fn replace_members(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    members(&simulator, &id, &uri, &headers, &body, true)
}

fn members(
    simulator: &Simulator,
    id: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    replace: bool,
) -> Answer {
    Query::read(simulator, uri, &[])?;
    let names = array(simulator, headers, body)?;
    if !names.iter().all(Value::is_string) {
        return Err(simulator.wrong("each member must be a string"));
    }
    let mut world = simulator.world();
    let id = found(&world, id)?;
    manual(&world, &id)?;
    let now = world.tick();
    let before = if replace { world.members.insert(id.clone(), Vec::new()) } else { None };
    for member in before.into_iter().flatten() {
        note(simulator, &mut world, text(&member, "userId"), &id, false, now);
    }
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for name in names.iter().filter_map(Value::as_str) {
        match person(&world, name) {
            None => wrong.push(json!({"reason": "User not found", "reference": name})),
            Some(row) => {
                right.push(json!({"reference": name}));
                let user = text(&row, "userId").to_owned();
                join(simulator, &mut world, &id, row, &user, now);
            }
        }
    }
    outcome(&right, &wrong)
}

/// Adds a member that is not there yet, and enrols it in the audience's assignments.
fn join(simulator: &Simulator, world: &mut World, id: &str, row: Value, user: &str, now: Timestamp) {
    let rows = world.members.entry(id.to_owned()).or_default();
    if rows.iter().any(|other| text(other, "userId") == user) {
        return;
    }
    rows.push(row);
    note(simulator, world, user, id, true, now);
    let live = |row: &&Row| row.text("audienceId") == id && row.value["isDeleted"] == json!(false);
    let assignments: Vec<Row> = world.rows(Name::Assignments).iter().filter(live).cloned().collect();
    for assignment in assignments {
        let same = |row: &Row| row.text("assignmentId") == assignment.id && row.text("userId") == user;
        if !world.rows(Name::Enrolments).iter().any(same) {
            enrol(world, &assignment, user);
        }
    }
}

pub(super) async fn remove_member(
    State(simulator): State<Arc<Simulator>>,
    Path((id, user)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let mut world = simulator.world();
    let id = found(&world, &id)?;
    manual(&world, &id)?;
    let person = person(&world, &user).ok_or_else(|| Refusal::not_found("user"))?;
    let user = text(&person, "userId").to_owned();
    let rows = world.members.entry(id.clone()).or_default();
    let before = rows.len();
    rows.retain(|row| text(row, "userId") != user);
    if rows.len() == before {
        return Err(Refusal::not_found("member"));
    }
    let now = world.tick();
    note(&simulator, &mut world, &user, &id, false, now);
    done("Member removed")
}

pub(super) async fn add_managers(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    managers(&simulator, &id, &uri, &headers, &body, false)
}

pub(super) async fn replace_managers(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    managers(&simulator, &id, &uri, &headers, &body, true)
}

fn managers(
    simulator: &Simulator,
    id: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    replace: bool,
) -> Answer {
    Query::read(simulator, uri, &[])?;
    let items = array(simulator, headers, body)?;
    let mut world = simulator.world();
    let id = found(&world, id)?;
    let structure = world.is_structure(&id);
    if !items.iter().all(|item| is_manager(item, structure)) {
        return Err(simulator.wrong("each manager must have a reference and the documented permissions"));
    }
    if replace {
        world.managers.insert(id.clone(), Vec::new());
    }
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for item in &items {
        let name = text(item, "reference");
        let Some(mut row) = person(&world, name) else {
            wrong.push(json!({"reason": "User not found", "reference": name}));
            continue;
        };
        let given = |group: &str, field: &str| item["permissions"][group][field] == json!(true);
        row["permissions"] = json!({
            "audienceManager": {
                "manageMembers": false,
                "manageContent": given("audienceManager", "manageContent"),
                "assignments": given("audienceManager", "assignments"),
            },
            "peopleManager": {
                "canViewLearnPage": given("peopleManager", "canViewLearnPage"),
                "insights": given("peopleManager", "insights"),
                "manage": given("peopleManager", "manage"),
            },
        });
        if structure {
            let more = given("administrator", "canAddAudienceManagers");
            row["permissions"]["administrator"] =
                json!({"canManageAudiences": false, "canAddAudienceManagers": more});
        }
        let rows = world.managers.entry(id.clone()).or_default();
        rows.retain(|other| other["userId"] != row["userId"]);
        rows.push(row);
        right.push(json!({"reference": name}));
    }
    outcome(&right, &wrong)
}

fn is_manager(item: &Value, structure: bool) -> bool {
    let Some(fields) = item.as_object() else { return false };
    let known = fields.keys().all(|name| name == "reference" || name == "permissions");
    let groups = fields.get("permissions").map(|groups| (groups.is_object(), groups));
    let permitted = groups.is_none_or(|(object, groups)| {
        object
            && groups.as_object().into_iter().flatten().all(|(group, flags)| {
                let allowed: &[&str] = match group.as_str() {
                    "audienceManager" => &["manageContent", "assignments"],
                    "peopleManager" => &["canViewLearnPage", "insights", "manage"],
                    "administrator" if structure => &["canAddAudienceManagers"],
                    _ => return false,
                };
                flags.as_object().is_some_and(|flags| {
                    flags.iter().all(|(name, value)| allowed.contains(&name.as_str()) && value.is_boolean())
                })
            })
    });
    known && permitted && !text(item, "reference").is_empty()
}

pub(super) async fn remove_manager(
    State(simulator): State<Arc<Simulator>>,
    Path((id, user)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let mut world = simulator.world();
    let id = found(&world, &id)?;
    let rows = world.managers.entry(id).or_default();
    let before = rows.len();
    rows.retain(|row| text(row, "userId") != user);
    if rows.len() == before { Err(Refusal::not_found("manager")) } else { done("Manager removed") }
}

fn outcome(right: &[Value], wrong: &[Value]) -> Answer {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    let body = json!({
        "success": {"count": right.len(), "entities": right},
        "failure": {"count": wrong.len(), "entities": wrong},
    });
    Ok((status, Json(body)).into_response())
}

fn found(world: &World, id: &str) -> Result<String, Refusal> {
    world.audience_id(id).ok_or_else(|| Refusal::not_found("audience"))
}

fn parent_of(world: &World, id: &str) -> Result<Value, Refusal> {
    let id = world.audience_id(id).filter(|id| world.is_structure(id));
    let row = id.and_then(|id| world.row(Name::Audiences, &id));
    let row = row.ok_or_else(|| Refusal::invalid("parentId", "must be the id of a structure"))?;
    Ok(json!({"id": row.id, "name": row.text("name"), "reference": row.text("reference")}))
}

fn free_reference(world: &World, reference: Option<&str>, own: &str) -> Result<(), Refusal> {
    match reference.and_then(|reference| world.audience_id(reference)) {
        Some(id) if id != own => Err(Refusal::conflict("an audience with this reference exists")),
        _ => Ok(()),
    }
}

/// Only an audience that is not ruled by conditions takes members.
fn manual(world: &World, id: &str) -> Result<(), Refusal> {
    match world.row(Name::Audiences, id) {
        Some(row) if row.text("type") == "smart" || row.text("category") == "structure" => {
            Err(Refusal::conflict("the audience's members cannot be set"))
        }
        _ => Ok(()),
    }
}

/// The member row of the user who has this id, ref or e-mail.
fn person(world: &World, name: &str) -> Option<Value> {
    let known = |row: &&Row| {
        !name.is_empty() && [row.id.as_str(), row.text("ref"), row.text("email")].contains(&name)
    };
    let row = world.rows(Name::Users).iter().find(known)?;
    let email = row.value.get("email").cloned().unwrap_or(Value::Null);
    Some(json!({"userId": row.id, "reference": row.value["ref"], "email": email}))
}

/// Notes on the user that it is in the audience or no more: a derived value (row 14).
fn note(simulator: &Simulator, world: &mut World, user: &str, audience: &str, member: bool, now: Timestamp) {
    let Some(row) = world.row_mut(Name::Users, user) else { return };
    let mut all = row.value["audiences"].as_array().cloned().unwrap_or_default();
    let objects = all.first().is_some_and(Value::is_object);
    all.retain(|one| one.as_str().unwrap_or_else(|| text(one, "id")) != audience);
    if member {
        all.push(if objects { json!({"id": audience}) } else { json!(audience) });
    }
    row.value["audiences"] = Value::Array(all);
    if simulator.core.switches.on("derived_updates") {
        row.touch(now);
    }
}
