//! The three envelopes of lists, and everything that switches do to them.
//!
//! ```json
//! { "results": [], "pagination": { "totalResults": 0, "totalPages": 0, "page": 1, "perPage": 100 } }
//! ```

use std::sync::atomic::Ordering;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::core::seed::Seed;

use super::{
    Simulator,
    answer::Refusal,
    query::Page,
    world::{Name, Row, World},
};

/// How a list is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    /// E1: `results` and `pagination`.
    Object,
    /// E2: a bare array, paged by the query only.
    Array,
}

#[derive(Serialize)]
struct Paged<'a> {
    results: &'a [&'a Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Value>,
}

/// One page of the rows of a table that `keep` lets through; afterwards the table may move (row 8).
pub(super) fn table(
    simulator: &Simulator,
    world: &mut World,
    name: Name,
    page: Page,
    envelope: Envelope,
    keep: impl Fn(&Row) -> bool,
) -> Response {
    let rows: Vec<&Value> = world.rows(name).iter().filter(|row| keep(row)).map(|row| &row.value).collect();
    let followed = page.offset().saturating_add(page.size) < rows.len();
    let response = rows_of(simulator, rows, page, envelope);
    if followed {
        world.shift(name, keep);
    }
    response
}

/// One page of `rows`, which are in the order in which they came to be.
pub(super) fn rows_of(
    simulator: &Simulator,
    mut rows: Vec<&Value>,
    page: Page,
    envelope: Envelope,
) -> Response {
    order(simulator, &mut rows);
    let total = rows.len();
    if page.number > 1 && page.offset() >= total && simulator.switch("beyond") == "404" {
        return Refusal::new(StatusCode::NOT_FOUND, "there is no such page").into_response();
    }
    let start = page.offset().min(total);
    let end = start.saturating_add(page.size).min(total);
    let pages = total.div_ceil(page.size);
    sent(simulator, &rows[start..end], pagination(simulator, total, pages, page), envelope)
}

/// Every row whatever the page, saying that there are `pages` pages (row 20).
pub(super) fn everything(simulator: &Simulator, mut rows: Vec<&Value>, page: Page, pages: usize) -> Response {
    order(simulator, &mut rows);
    sent(simulator, &rows, pagination(simulator, rows.len(), pages, page), Envelope::Object)
}

fn sent(simulator: &Simulator, rows: &[&Value], pagination: Value, envelope: Envelope) -> Response {
    let body = match envelope {
        Envelope::Object => {
            let shown = simulator.switch("pagination") != "absent";
            serde_json::to_vec(&Paged { results: rows, pagination: shown.then_some(pagination) })
        }
        Envelope::Array => serde_json::to_vec(rows),
    };
    let Ok(body) = body else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let most = simulator.core.switches.number("body_limit");
    if most > 0 && body.len() as u64 > most {
        let page = "<html><body>504 Gateway Time-out</body></html>";
        return (StatusCode::GATEWAY_TIMEOUT, [(header::CONTENT_TYPE, "text/html")], page).into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn pagination(simulator: &Simulator, total: usize, pages: usize, page: Page) -> Value {
    let number = |number: usize| match (simulator.switch("pagination_numbers"), u32::try_from(number)) {
        ("float", Ok(number)) => json!(f64::from(number)),
        _ => json!(number),
    };
    json!({
        "totalResults": number(total),
        "totalPages": number(pages),
        "page": number(page.number),
        "perPage": number(page.size),
    })
}

fn order(simulator: &Simulator, rows: &mut [&Value]) {
    match simulator.switch("order") {
        "oldest" => {}
        "random" => {
            let call = simulator.calls.load(Ordering::Relaxed);
            let mut numbers = Seed::of(simulator.core.seed, "order", call);
            for last in (1..rows.len()).rev() {
                let other = usize::try_from(numbers.below(last as u64 + 1)).unwrap_or(0);
                rows.swap(last, other);
            }
        }
        _ => rows.reverse(),
    }
}

/// The bare record with this id, from its own endpoint.
pub(super) fn single(simulator: &Simulator, name: Name, id: &str) -> Result<Response, Refusal> {
    if !super::query::is_id(id) {
        return Err(simulator.wrong(format!("an id in the path of {name:?} must match ^[0-9a-fA-F]{{24}}$")));
    }
    match simulator.world().row(name, id) {
        Some(row) => Ok(Json(&row.value).into_response()),
        None => Err(Refusal::not_found(name.noun())),
    }
}
