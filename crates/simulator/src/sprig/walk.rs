//! One page of a `/v1` list: the time filter, the order, the cursor and the envelope.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{
    Sprig,
    access::Refusal,
    cursor::{self, Position},
    query::Query,
};
use crate::core::seed::Seed;

/// A row that a list can give.
pub(super) trait Row {
    /// When it was created, in milliseconds since the epoch.
    fn at(&self) -> i64;
    /// Its number, unique in its list; it orders rows of one millisecond.
    fn number(&self) -> u64;
}

/// The `start` and `end` of a request.
#[derive(Debug)]
pub(super) struct Span {
    start: Option<i64>,
    end: Option<i64>,
    start_is_closed: bool,
    end_is_closed: bool,
}

impl Span {
    /// Reads `start` and `end`.
    pub(super) fn of(sprig: &Sprig, query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            start: query.instant("start")?,
            end: query.instant("end")?,
            start_is_closed: !sprig.is("start", "exclusive"),
            end_is_closed: !sprig.is("end", "exclusive"),
        })
    }

    /// Whether a creation time is inside.
    pub(super) fn holds(&self, at: i64) -> bool {
        let after = self.start.is_none_or(|start| at > start || self.start_is_closed && at == start);
        let before = self.end.is_none_or(|end| at < end || self.end_is_closed && at == end);
        after && before
    }
}

/// Where a walk stands.
#[derive(Debug)]
pub(super) struct Place {
    sent: String,
    position: Position,
}

/// Reads the cursor of a request, and completes the filters where the cursor carries them.
pub(super) fn place(sprig: &Sprig, list: &str, query: &mut Query) -> Result<Option<Place>, Refusal> {
    let Some(sent) = query.one("cursor")?.map(str::to_owned) else { return Ok(None) };
    let carried = sprig.is("cursor_filters", "carried");
    let invalid = || Refusal::Bad("\"cursor\" is not valid".to_owned());
    let position = if sprig.is("cursor", "opaque") {
        sprig.cursors().position(&sent).ok_or_else(invalid)?
    } else {
        let (at, filters) = cursor::decode(&sent).ok_or_else(invalid)?;
        if carried {
            query.complete(&filters)?;
        }
        Position { at, row: None }
    };
    let misuse = sprig.cursors().misuse(&sent, list, &query.filters());
    if let Some(misuse) = misuse {
        sprig.core.violation(misuse);
    }
    Ok(Some(Place { sent, position }))
}

/// Answers with the page of `rows` (already filtered) that `place` leads to.
pub(super) fn page<T: Row>(
    sprig: &Sprig,
    (list, query, limit): (&str, &Query, usize),
    place: Option<&Place>,
    mut rows: Vec<&T>,
    render: impl Fn(&T) -> Value,
) -> Result<Response, Refusal> {
    let large = sprig.core.switches.number("large_query_rows");
    if large > 0 && rows.len() as u64 > large {
        return Err(Refusal::TooLarge);
    }
    rows.sort_by_key(|row| (row.at(), row.number()));
    let descending = sprig.is("order", "descending");
    if descending {
        rows.reverse();
    }
    let exclusive = sprig.is("cursor", "exclusive");
    let follows = |row: &T, position: Position| {
        let (here, there) = match position.row {
            Some(number) => ((row.at(), row.number()), (position.at, number)),
            None => ((row.at(), 0), (position.at, 0)),
        };
        let ahead = if descending { here < there } else { here > there };
        ahead || here == there && position.row.is_none() && !exclusive
    };
    let first = place
        .map_or(0, |place| rows.iter().position(|row| follows(row, place.position)).unwrap_or(rows.len()));
    let end = rows.len().min(first.saturating_add(limit));
    let Some((&last, before)) = rows.get(first..end).and_then(<[&T]>::split_last) else {
        if place.is_some() && sprig.is("last_cursor", "then_empty") {
            return Ok(Json(serde_json::json!({ "cursor": null, "data": [] })).into_response());
        }
        return Err(Refusal::Empty("empty"));
    };
    let mut data: Vec<Value> = before.iter().map(|row| render(row)).chain([render(last)]).collect();
    if sprig.is("order", "shuffled") {
        shuffle(&mut data, Seed::of(sprig.core.seed, "shuffle", first as u64));
    }
    let mut envelope = Map::new();
    let next = match (place, rows.get(end)) {
        (Some(place), _) if sprig.is("cursor", "stuck") => Some(Value::from(place.sent.clone())),
        (_, Some(next)) => Some(Value::from(give(sprig, list, query, last, Some(*next)))),
        (_, None) => match sprig.core.switches.get("last_cursor") {
            "absent" => None,
            "empty" => Some(Value::from("")),
            "then_404" | "then_empty" => Some(Value::from(give(sprig, list, query, last, None))),
            _ => Some(Value::Null),
        },
    };
    if let Some(next) = next {
        envelope.insert("cursor".to_owned(), next);
    }
    envelope.insert("data".to_owned(), Value::from(data));
    Ok(Json(envelope).into_response())
}

/// Makes the cursor behind `last`; where nothing is `next`, one that leads to nothing.
fn give<T: Row>(sprig: &Sprig, list: &str, query: &Query, last: &T, next: Option<&T>) -> String {
    let kind = sprig.core.switches.get("cursor");
    let filters = query.filters();
    let mut cursors = sprig.cursors();
    let cursor = if kind == "opaque" {
        cursors.token(sprig.core.seed, list, Position { at: last.at(), row: Some(last.number()) })
    } else {
        let beyond = if sprig.is("order", "descending") { last.at() - 1 } else { last.at() + 1 };
        let at = match (kind, next) {
            ("exclusive", _) => last.at(),
            ("inclusive_next", Some(next)) => next.at(),
            (_, Some(_)) => last.at(),
            (_, None) => beyond,
        };
        cursor::encode(at, sprig.is("cursor_filters", "carried").then_some(filters.as_str()))
    };
    cursors.issue(&cursor, list, &filters);
    cursor
}

fn shuffle(rows: &mut [Value], mut numbers: Seed) {
    for index in (1..rows.len()).rev() {
        let other = usize::try_from(numbers.below(index as u64 + 1)).unwrap_or(index);
        rows.swap(index, other);
    }
}
