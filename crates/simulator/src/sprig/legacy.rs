//! The legacy `/v1/users` family, behind the switch `legacy_users`; section 4.3 of the reference.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use super::{
    Sprig,
    access::{Refusal, Word},
    query::Query,
    users::{EVENTS, User, id_in_path},
    values::END_MS,
    writes::{check_profile, json_body},
};

/// Rows that a CSV may have.
const MAX_CSV_ROWS: usize = 65_000;

/// `GET /v1/users/{userId}`.
pub(super) async fn one(
    State(sprig): State<Arc<Sprig>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let result = open(&sprig, &method, &headers, &uri, Word::ApiKey).and_then(|()| {
        let id = id_in_path(&sprig, &uri, 3)?;
        let mut world = sprig.world();
        world.settle(&sprig.core, &id);
        world.users.get(&id).map(|user| show(&id, user)).ok_or(Refusal::NotFound)
    });
    sprig.answer(result).await
}

/// `POST /v1/users`.
pub(super) async fn create(
    State(sprig): State<Arc<Sprig>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let result = open(&sprig, &method, &headers, &uri, Word::ApiKey).and_then(|()| {
        let change = json_body(&headers, &body, &["id", "emailAddress", "email", "attributes"])?;
        check_profile(&change)?;
        let Some(id) = change.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
            return Err(Refusal::Bad("\"id\" is required".to_owned()));
        };
        let mut world = sprig.world();
        if !world.users.contains_key(id) {
            world.apply(&sprig.core, id, &change);
        }
        world.users.get(id).map(|user| show(id, user)).ok_or(Refusal::NotFound)
    });
    sprig.answer(result).await
}

/// `POST /v1/users/{userId}`: what the body does not name keeps its value.
pub(super) async fn update(
    State(sprig): State<Arc<Sprig>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let result = open(&sprig, &method, &headers, &uri, Word::ApiKey).and_then(|()| {
        let id = id_in_path(&sprig, &uri, 3)?;
        let change = json_body(&headers, &body, &["emailAddress", "email", "attributes"])?;
        check_profile(&change)?;
        let mut world = sprig.world();
        if !world.users.contains_key(&id) {
            return Err(Refusal::NotFound);
        }
        world.apply(&sprig.core, &id, &change);
        world.users.get(&id).map(|user| show(&id, user)).ok_or(Refusal::NotFound)
    });
    sprig.answer(result).await
}

/// `POST /v1/users/{userId}/events`.
pub(super) async fn event(
    State(sprig): State<Arc<Sprig>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let result = open(&sprig, &method, &headers, &uri, Word::ApiKey).and_then(|()| {
        let id = id_in_path(&sprig, &uri, 3)?;
        let body = json_body(&headers, &body, &["name", "timestamp"])?;
        let Some(name) = body.get("name").and_then(Value::as_str) else {
            return Err(Refusal::Bad("\"name\" is required".to_owned()));
        };
        let at = match body.get("timestamp") {
            None => END_MS,
            Some(Value::String(text)) => text
                .parse::<jiff::Timestamp>()
                .map_err(|_| Refusal::Bad("\"timestamp\" must be a valid date".to_owned()))?
                .as_millisecond(),
            Some(at) => {
                at.as_i64().ok_or_else(|| Refusal::Bad("\"timestamp\" must be a valid date".to_owned()))?
            }
        };
        let mut world = sprig.world();
        match world.users.get_mut(&id) {
            Some(user) if EVENTS.contains(&name) => user.happened(name, at),
            _ => return Err(Refusal::NotFound),
        }
        Ok(StatusCode::CREATED.into_response())
    });
    sprig.answer(result).await
}

/// `POST /v1/users/bulk`; its answer is undocumented, so it is 200 without a body.
pub(super) async fn bulk(
    State(sprig): State<Arc<Sprig>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let result = open(&sprig, &method, &headers, &uri, Word::Bearer).and_then(|()| {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/csv") {
            return Err(Refusal::Bad("the content type must be text/csv".to_owned()));
        }
        let text =
            std::str::from_utf8(&body).map_err(|_| Refusal::Bad("the body must be UTF-8".to_owned()))?;
        let mut rows = csv(text).into_iter();
        let columns = rows.next().unwrap_or_default();
        if columns.first().is_none_or(|name| name != "user_id")
            || columns.get(1).is_none_or(|name| name != "email")
        {
            return Err(Refusal::Bad("the columns must begin with user_id, email".to_owned()));
        }
        if rows.len() > MAX_CSV_ROWS {
            return Err(Refusal::Bad("at most 65000 rows may be sent".to_owned()));
        }
        let mut world = sprig.world();
        for row in rows {
            let mut fields = columns.iter().zip(row).filter(|(_, field)| !field.is_empty());
            let mut change = Map::new();
            let mut attributes = Map::new();
            let mut id = None;
            for (column, field) in &mut fields {
                match column.as_str() {
                    "user_id" => id = Some(field),
                    "email" => {
                        change.insert("emailAddress".to_owned(), json!(field));
                    }
                    other => {
                        attributes.insert(other.to_owned(), json!(field));
                    }
                }
            }
            change.insert("attributes".to_owned(), Value::Object(attributes));
            match (id, change.contains_key("emailAddress")) {
                (Some(id), _) => world.apply(&sprig.core, &id, &change),
                // A user without an id cannot be read back.
                (None, true) => {}
                (None, false) => return Err(Refusal::Bad("each row needs user_id or email".to_owned())),
            }
        }
        Ok(StatusCode::OK.into_response())
    });
    sprig.answer(result).await
}

/// Refuses the whole family where the switch is off, and checks what all of it shares.
fn open(sprig: &Sprig, method: &Method, headers: &HeaderMap, uri: &Uri, word: Word) -> Result<(), Refusal> {
    if !sprig.core.switches.on("legacy_users") {
        sprig.core.violation(format!("unknown path: {method} {}", uri.path()));
        return Err(Refusal::NotFound);
    }
    sprig.authorize(headers, word)?;
    Query::parse(sprig, uri.query(), &[])?;
    Ok(())
}

fn show(id: &str, user: &User) -> Response {
    let attributes = user.body.get("attributes").cloned().unwrap_or_else(|| json!({}));
    Json(json!({ "userId": id, "emailAddress": user.email, "attributes": attributes })).into_response()
}

/// Rows of fields; a field in double quotes may hold commas, line ends and doubled quotes.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}
