//! The server of the reference connector: pure functions of how many people there are.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

/// The rows of a stream.
pub(super) fn rows(people: usize, stream: &str) -> Option<Vec<Value>> {
    let teams = if people == 0 { 0 } else { 3 };
    match stream {
        "people" => Some((0..people).map(person).collect()),
        "events" => Some((0..people * 2).map(|number| event(number, people)).collect()),
        "labels" => Some(
            (0..people)
                .map(|number| json!({"id": format!("l{number}"), "name": format!("label {number}")}))
                .collect(),
        ),
        "teams" => Some(
            (0..teams)
                .map(|number| json!({"id": format!("t{number}"), "name": format!("team {number}")}))
                .collect(),
        ),
        "members" => Some((0..teams).flat_map(|team| members(people, team)).collect()),
        _ => None,
    }
}

fn person(number: usize) -> Value {
    json!({
        "id": format!("p{number}"),
        "email": format!("person{number}@example.com"),
        "fullName": format!("Person Number {number}"),
        "createdAt": format!("2026-01-{:02}T08:00:00Z", number % 28 + 1),
        "updatedAt": format!("2026-02-{:02}T08:00:00.250Z", number % 28 + 1),
        "score": number,
        "tags": ["a", format!("b{number}")],
        "home": {"city": "Utrecht", "zip": format!("{:04}", number)},
        "active": number.is_multiple_of(2),
    })
}

fn event(number: usize, people: usize) -> Value {
    json!({
        "id": format!("e{number}"),
        "person": format!("p{}", number % people.max(1)),
        "kind": "login",
        "at": 1_767_225_600_000_i64 + i64::try_from(number).unwrap_or(0) * 1000,
    })
}

fn members(people: usize, team: usize) -> Vec<Value> {
    let of_team = (0..people).filter(|number| number % 3 == team || *number == 0);
    of_team
        .map(|number| json!({"teamId": format!("t{team}"), "id": format!("p{number}"), "role": "member"}))
        .collect()
}

/// Answers as a friendly vendor does.
pub(super) fn answer(people: usize, request: &Request<Bytes>) -> Response<Bytes> {
    let query = |name: &str| {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    };
    let number =
        |name: &str, otherwise: usize| query(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    if request.headers().get("x-key").is_none() {
        return respond(StatusCode::UNAUTHORIZED, &json!({}));
    }
    let page = |stream: &str, from: usize, size: usize| -> Vec<Value> {
        let all = rows(people, stream).unwrap_or_default();
        let kept = all.into_iter().filter(|row| query("active").is_none() || row["active"] == true);
        kept.skip(from).take(size).collect()
    };
    let body = match path.as_slice() {
        // What follows the name is for a connector that puts too much into its path.
        ["v1", "people", ..] => {
            let size = number("size", 10);
            let total = page("people", 0, usize::MAX).len();
            json!({"total": total, "data": page("people", (number("page", 1) - 1) * size, size)})
        }
        ["v1", "labels"] => {
            let size = number("size", 10);
            Value::Array(page("labels", (number("page", 1) - 1) * size, size))
        }
        ["v1", "events"] => {
            let (size, from) = (number("limit", 10), number("cursor", 0));
            let data = page("events", from, size);
            let next = (from + size < people * 2).then(|| (from + size).to_string());
            json!({"data": data, "next": next})
        }
        ["v1", "teams"] => Value::Array(page("teams", 0, usize::MAX)),
        ["v1", "teams", team, "members"] => {
            let team = team.trim_start_matches('t').parse().unwrap_or(0);
            let mut rows = members(people, team);
            // The parent's key is in the address alone.
            rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| drop(row.remove("teamId")));
            json!({"data": rows})
        }
        _ => return respond(StatusCode::NOT_FOUND, &json!({})),
    };
    respond(StatusCode::OK, &body)
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let body = Bytes::from(body.to_string());
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.header("content-length", body.len()).body(body).expect("a response of known parts")
}
