//! `GET /v2/users/{userId}`; section 3.4 of the reference.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use super::{
    Sprig,
    access::{Refusal, Word},
    query::{self, Query},
    values::{BEGIN_MS, DAY_MS, END_MS, add_unknown, below, number, object},
    visitors::{Visitor, visitor},
    world::World,
};
use crate::core::{scenario::Switches, seed::Seed, server::Core};

/// The events that the customer tracks.
pub(super) const EVENTS: &[&str] =
    &["Viewed Payment", "Signed In", "Événement 🦊", "cart/add %", "Exported Report", "Clicked \"Help\""];

/// A user with a user id.
#[derive(Debug, Clone)]
pub(super) struct User {
    /// The visitor's number; none where an upsert made the user.
    pub(super) visitor: Option<usize>,
    /// The visitor's UUID.
    pub(super) uuid: String,
    pub(super) email: Option<String>,
    /// As `/v2/users` gives it.
    pub(super) body: Map<String, Value>,
}

/// All users of a fresh world, by user id.
pub(super) fn users(core: &Core) -> BTreeMap<String, User> {
    let visitors =
        (0..core.users).map(|number| visitor(core.seed, number)).filter(|visitor| visitor.has_profile);
    visitors.filter_map(|visitor| Some((visitor.user_id.clone()?, user(core, &visitor)))).collect()
}

fn user(core: &Core, visitor: &Visitor) -> User {
    let switches = &core.switches;
    let place = visitor.person.number;
    let mut numbers = Seed::of(core.seed, "user", place as u64);
    let id = match switches.get("visitor_link") {
        "unrelated" => numbers.uuid(),
        _ => visitor.uuid.clone(),
    };
    let created = BEGIN_MS + below(&mut numbers, 600 * DAY_MS);
    let mut body = object(json!({ "id": id, "createdAt": number(switches, created, false) }));
    match place % 20 {
        4 => body.insert("externalUserId".to_owned(), Value::Null),
        8 => None,
        _ => body.insert("externalUserId".to_owned(), json!(visitor.user_id)),
    };
    match place % 25 {
        1 => body.insert("attributes".to_owned(), json!({})),
        16 => None,
        _ => body.insert("attributes".to_owned(), attributes(visitor, &mut numbers)),
    };
    match place % 25 {
        2 => body.insert("events".to_owned(), json!([])),
        17 => None,
        _ => body.insert("events".to_owned(), history(switches, created, &mut numbers)),
    };
    add_unknown(switches, &mut numbers, &mut body);
    // Several visitors may share an address.
    let email = if place % 10 == 7 { "shared@example.com".to_owned() } else { visitor.person.email.clone() };
    User { visitor: Some(place), uuid: visitor.uuid.clone(), email: Some(email), body }
}

fn attributes(visitor: &Visitor, numbers: &mut Seed) -> Value {
    let mut attributes = object(json!({
        "plan": *numbers.pick(&["pro", "free", ""]),
        "seats": below(numbers, 40),
        "beta": numbers.chance(50),
        "first name": visitor.person.first_name,
        "last.name": visitor.person.last_name,
    }));
    if numbers.chance(20) {
        attributes.insert("größe/%".to_owned(), json!(9_007_199_254_740_993_i64));
        attributes.insert("note 🦊".to_owned(), json!("line\nbreak and \"quotes\""));
    }
    Value::Object(attributes)
}

fn history(switches: &Switches, created: i64, numbers: &mut Seed) -> Value {
    let events = EVENTS.iter().filter_map(|event| {
        if !numbers.chance(55) {
            return None;
        }
        let first = created + below(numbers, 20 * DAY_MS);
        let latest = (first + below(numbers, 2) * below(numbers, 90 * DAY_MS)).min(END_MS);
        let mut row = object(json!({
            "event": event,
            "count": number(switches, 1 + below(numbers, 500), false),
            "createdAt": number(switches, first, false),
            "updatedAt": number(switches, latest, false),
        }));
        add_unknown(switches, numbers, &mut row);
        Some(Value::Object(row))
    });
    Value::from(events.collect::<Vec<_>>())
}

/// Every user with `requestedUserId`; or only those whom an answer names.
pub(super) fn rows(world: &World, is_seen_only: bool) -> Vec<Value> {
    let seen = named(world);
    let users = world.users.iter().filter(|(id, _)| !is_seen_only || seen.contains(id.as_str()));
    users
        .map(|(id, user)| {
            let mut row = user.body.clone();
            row.insert("requestedUserId".to_owned(), json!(id));
            Value::Object(row)
        })
        .collect()
}

/// The ids that answers name and no user has.
pub(super) fn missing(world: &World) -> Vec<Value> {
    let unknown = named(world).into_iter().filter(|id| !world.users.contains_key(*id));
    unknown.map(|id| json!({ "requestedUserId": id })).collect()
}

/// The events of every user, each with `requestedUserId`.
pub(super) fn events(world: &World) -> Vec<Value> {
    let mut rows = Vec::new();
    for (id, user) in &world.users {
        for event in user.body.get("events").and_then(Value::as_array).into_iter().flatten() {
            let mut row = object(event.clone());
            row.insert("requestedUserId".to_owned(), json!(id));
            rows.push(Value::Object(row));
        }
    }
    rows
}

fn named(world: &World) -> BTreeSet<&str> {
    let ids = world.answers.iter().filter_map(|answer| answer.body.get("externalUserId")?.as_str());
    ids.filter(|id| !id.is_empty()).collect()
}

/// `GET /v2/users/{userId}`.
pub(super) async fn one(State(sprig): State<Arc<Sprig>>, headers: HeaderMap, uri: Uri) -> Response {
    let result = find(&sprig, &headers, &uri);
    sprig.answer(result).await
}

fn find(sprig: &Sprig, headers: &HeaderMap, uri: &Uri) -> Result<Response, Refusal> {
    sprig.authorize(headers, Word::ApiKey)?;
    Query::parse(sprig, uri.query(), &[])?;
    let id = id_in_path(sprig, uri, 3)?;
    let mut world = sprig.world();
    world.settle(&sprig.core, &id);
    let user = world.users.get(&id).ok_or(Refusal::NotFound)?;
    Ok(Json(&user.body).into_response())
}

/// Segment `place` of the path (from 0, the empty one before the first slash), decoded once.
pub(super) fn id_in_path(sprig: &Sprig, uri: &Uri, place: usize) -> Result<String, Refusal> {
    let raw = uri.path().split('/').nth(place).unwrap_or_default();
    match query::decode(raw, false) {
        Some(id) if id.contains('/') && sprig.is("user_id_path", "slash_404") => Err(Refusal::NotFound),
        Some(id) => Ok(id),
        None => Err(Refusal::Bad("\"userId\" is not percent-encoded UTF-8".to_owned())),
    }
}
