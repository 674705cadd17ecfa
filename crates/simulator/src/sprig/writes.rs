//! `POST /v2/users` and `POST /v2/purge/visitors`; sections 4.1 and 4.2 of the reference.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use super::{
    Sprig,
    access::{Refusal, Word},
    query::Query,
    users::{EVENTS, User},
    values::{END_MS, object},
    visitors::visitor,
    world::World,
};
use crate::core::{seed::Seed, server::Core};

/// Visitors a purge may name, over its three lists together.
const MAX_PURGED: usize = 100;
/// Attributes a user may have.
const MAX_ATTRIBUTES: usize = 100;

/// `POST /v2/users`.
pub(super) async fn upsert(
    State(sprig): State<Arc<Sprig>>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let result = take(&sprig, &headers, &uri, &body);
    sprig.answer(result).await
}

fn take(sprig: &Sprig, headers: &HeaderMap, uri: &Uri, body: &[u8]) -> Result<Response, Refusal> {
    sprig.authorize(headers, Word::ApiKey)?;
    Query::parse(sprig, uri.query(), &[])?;
    // The page's sample writes `email`, its schema `emailAddress`.
    let change = json_body(headers, body, &["userId", "emailAddress", "email", "attributes", "events"])?;
    let id = match change.get("userId") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        _ => return Err(Refusal::Bad("\"userId\" is required".to_owned())),
    };
    check_profile(&change)?;
    for event in list(&change, "events")? {
        let known = event.get("event").and_then(Value::as_str).ok_or_else(|| must("event", "a string"))?;
        if event.get("timestamp").is_none_or(|at| at.as_i64().is_none()) {
            return Err(must("timestamp", "an integer"));
        }
        if !EVENTS.contains(&known) {
            return Err(Refusal::Invalid(format!("the event \"{known}\" is not tracked")));
        }
    }
    let mut world = sprig.world();
    if sprig.is("upsert_visible", "at_once") {
        world.apply(&sprig.core, &id, &change);
    } else {
        let delay = sprig.core.switches.number("upsert_delay");
        let pending = world.pending.entry(id).or_default();
        pending.0 = delay;
        pending.1.push(change);
    }
    Ok((StatusCode::ACCEPTED, "Accepted").into_response())
}

/// Checks the e-mail address and the attributes of a body.
pub(super) fn check_profile(change: &Map<String, Value>) -> Result<(), Refusal> {
    for name in ["emailAddress", "email"] {
        match change.get(name) {
            None => {}
            Some(Value::String(email)) if is_email(email) => {}
            Some(Value::String(_)) => {
                return Err(Refusal::Invalid(format!("\"{name}\" must be a valid email")));
            }
            Some(_) => return Err(must(name, "a string")),
        }
    }
    match change.get("attributes") {
        None => {}
        Some(Value::Object(attributes)) if attributes.len() > MAX_ATTRIBUTES => {
            return Err(Refusal::Invalid("\"attributes\" must have at most 100 values".to_owned()));
        }
        Some(Value::Object(attributes)) => {
            if let Some((name, _)) = attributes.iter().find(|(_, value)| {
                !(value.is_string() || value.is_i64() || value.is_u64() || value.is_boolean())
            }) {
                return Err(must(name, "a string, an integer or a boolean"));
            }
        }
        Some(_) => return Err(must("attributes", "an object")),
    }
    Ok(())
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

/// A JSON object with no members but these.
pub(super) fn json_body(
    headers: &HeaderMap,
    body: &[u8],
    known: &[&str],
) -> Result<Map<String, Value>, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| kind.trim() != "application/json") {
        return Err(Refusal::Bad("the content type must be application/json".to_owned()));
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(Refusal::Bad("the body must be a JSON object".to_owned()));
    };
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::Bad(format!("\"{name}\" is not allowed"))),
        None => Ok(members),
    }
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Refusal> {
    match body.get(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(must(name, "an array")),
    }
}

fn must(name: &str, what: &str) -> Refusal {
    Refusal::Bad(format!("\"{name}\" must be {what}"))
}

impl World {
    /// Counts a read of a user, and applies what has become visible for the next one.
    pub(super) fn settle(&mut self, core: &Core, id: &str) {
        let Some((reads, _)) = self.pending.get_mut(id) else { return };
        if *reads > 0 {
            *reads -= 1;
            return;
        }
        for change in self.pending.remove(id).map(|(_, changes)| changes).unwrap_or_default() {
            self.apply(core, id, &change);
        }
    }

    /// Merges a change into a user, who is created where the id is unknown.
    pub(super) fn apply(&mut self, core: &Core, id: &str, change: &Map<String, Value>) {
        let written = self.written;
        let user = self.users.entry(id.to_owned()).or_insert_with(|| {
            let uuid = Seed::of(core.seed, "created", written).uuid();
            let body = json!({ "id": uuid, "externalUserId": id, "createdAt": END_MS });
            User { visitor: None, uuid, email: None, body: object(body) }
        });
        self.written += 1;
        if let Some(email) = change.get("emailAddress").or(change.get("email")).and_then(Value::as_str) {
            user.email = Some(email.to_owned());
        }
        if let Some(Value::Object(new)) = change.get("attributes") {
            let kept = user.body.entry("attributes").or_insert_with(|| json!({}));
            if let Some(kept) = kept.as_object_mut() {
                kept.extend(new.clone());
            }
        }
        for event in change.get("events").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(name), Some(at)) = (event["event"].as_str(), event["timestamp"].as_i64()) {
                user.happened(name, at);
            }
        }
    }
}

impl User {
    /// Counts an event into the aggregate.
    pub(super) fn happened(&mut self, name: &str, at: i64) {
        let events = self.body.entry("events").or_insert_with(|| json!([]));
        let Some(events) = events.as_array_mut() else { return };
        match events.iter_mut().find(|event| event["event"] == name) {
            Some(event) => {
                let count = event["count"].as_i64().unwrap_or(0) + 1;
                let first = event["createdAt"].as_i64().map_or(at, |first| first.min(at));
                let latest = event["updatedAt"].as_i64().map_or(at, |latest| latest.max(at));
                event["count"] = json!(count);
                event["createdAt"] = json!(first);
                event["updatedAt"] = json!(latest);
            }
            None => events.push(json!({ "event": name, "count": 1, "createdAt": at, "updatedAt": at })),
        }
    }
}

/// `POST /v2/purge/visitors`.
pub(super) async fn purge(
    State(sprig): State<Arc<Sprig>>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let result = erase(&sprig, &headers, &uri, &body);
    sprig.answer(result).await
}

fn erase(sprig: &Sprig, headers: &HeaderMap, uri: &Uri, body: &[u8]) -> Result<Response, Refusal> {
    sprig.authorize_purge(headers)?;
    Query::parse(sprig, uri.query(), &[])?;
    let body = json_body(headers, body, &["userIds", "emails", "visitorIds", "delaySeconds"])?;
    let (ids, emails, uuids) =
        (texts(&body, "userIds")?, texts(&body, "emails")?, texts(&body, "visitorIds")?);
    match ids.len() + emails.len() + uuids.len() {
        0 => {
            return Err(Refusal::Bad(
                "one of \"userIds\", \"emails\", \"visitorIds\" is required".to_owned(),
            ));
        }
        count if count > MAX_PURGED => {
            return Err(Refusal::Bad("at most 100 visitors may be named".to_owned()));
        }
        _ => {}
    }
    if uuids.iter().any(|uuid| !is_uuid(uuid)) {
        return Err(must("visitorIds", "UUIDs"));
    }
    let delay = match body.get("delaySeconds") {
        None => 864_000,
        Some(delay) => delay.as_u64().ok_or_else(|| must("delaySeconds", "an integer of 0 or more"))?,
    };
    let mut world = sprig.world();
    let mut users: Vec<String> = Vec::new();
    let mut visitors: Vec<usize> = Vec::new();
    for (id, user) in &world.users {
        let named = ids.contains(&id.as_str())
            || user.email.as_ref().is_some_and(|email| emails.contains(&email.as_str()))
            || uuids.contains(&user.uuid.as_str());
        if named {
            users.push(id.clone());
            visitors.extend(user.visitor);
        }
    }
    // Visitors without a profile are found by their answers' UUID or user id.
    for number in 0..sprig.core.users {
        let visitor = visitor(sprig.core.seed, number);
        let named = uuids.contains(&visitor.uuid.as_str())
            || visitor.user_id.as_ref().is_some_and(|id| ids.contains(&id.as_str()));
        if named && visitor.has_answered && !world.purged.contains(&number) && !visitors.contains(&number) {
            visitors.push(number);
        }
    }
    if users.is_empty() && visitors.is_empty() && !sprig.is("purge_no_match", "200") {
        return Err(Refusal::NoMatch("none of the visitors exists".to_owned()));
    }
    if delay == 0 || sprig.is("purge_delay", "none") {
        world.purge(&sprig.core, &visitors, &users);
    }
    world.written += 1;
    let request = Seed::of(sprig.core.seed, "purge", world.written).uuid();
    Ok(Json(json!({ "requestId": request })).into_response())
}

fn texts<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Vec<&'a str>, Refusal> {
    list(body, name)?
        .iter()
        .map(|item| item.as_str().ok_or_else(|| must(name, "an array of strings")))
        .collect()
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
