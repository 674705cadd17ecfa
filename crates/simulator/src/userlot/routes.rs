//! Who asks for what: the key, the path, the switches that stand before both.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode};

use super::{
    API_KEY, OTHER_PRODUCT_KEY, SNIPPET_KEY, Sim,
    answer::{Refusal, html_answer, redirect, too_many},
    body::Asked,
    identify, lists,
    world::Table,
    writes,
};

/// More than any write needs.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Answers every request.
pub(super) async fn answer(State(sim): State<Arc<Sim>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if sim.core.switches.on("html_200") {
        return html_answer(StatusCode::OK);
    }
    if sim.switch("redirect_to") != "off" {
        return redirect(&sim, &path);
    }
    if throttled(&sim) {
        return too_many(&sim);
    }
    let query = head.uri.query().unwrap_or_default().to_owned();
    let mut asked =
        Asked { method: head.method, path, query, headers: head.headers, body: bytes::Bytes::new() };
    match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => asked.body = body,
        Err(_) => {
            asked.violates(&sim, "a body that is too long or was cut");
            return Refusal::Status(StatusCode::PAYLOAD_TOO_LARGE).answer(&sim);
        }
    }
    dispatch(&sim, &asked).unwrap_or_else(|refusal| refusal.answer(&sim))
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Caller {
    product: usize,
    /// Whether the key stands in a browser snippet.
    is_snippet: bool,
}

fn dispatch(sim: &Sim, asked: &Asked) -> Result<Response, Refusal> {
    let caller = caller(sim, asked)?;
    let not_found = Refusal::Status(StatusCode::NOT_FOUND);
    let Some(segments) = asked.segments() else {
        asked.violates(sim, "unknown path");
        return Err(not_found);
    };
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let may_read = !caller.is_snippet || sim.core.switches.on("snippet_key_reads");
    if asked.method == Method::GET && !may_read {
        return Err(Refusal::Status(StatusCode::FORBIDDEN));
    }
    let stream = match parts.as_slice() {
        ["companies", _, "revenue"] => "company_revenue",
        ["companies", _] => "company_detail",
        [first, ..] => first,
        [] => "",
    };
    if asked.method == Method::GET && sim.names("forbidden", stream) {
        return Err(Refusal::Status(StatusCode::FORBIDDEN));
    }
    if asked.method == Method::GET && sim.names("unavailable", stream) {
        return Err(not_found);
    }
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["companies", id, "revenue"]) => lists::revenue(sim, asked, caller.product, id),
        ("GET", ["companies", id]) => lists::detail(sim, asked, Table::Companies, caller.product, id),
        ("GET", [path]) => match Table::at(path) {
            Some(table) if table.is_confirmed() || sim.names("candidates", path) => {
                lists::list(sim, asked, table, caller.product)
            }
            // Asking for a candidate is how one finds out whether it is there.
            Some(_) => Err(not_found),
            None => unknown(sim, asked),
        },
        ("GET", [path, id]) => single(sim, asked, caller, path, id),
        ("PUT", ["identify"]) => identify::identify(sim, asked, caller.product),
        (method @ ("POST" | "PUT" | "PATCH"), _) if caller.is_snippet => {
            asked.violates(sim, &format!("{method} with the snippet's key"));
            Err(Refusal::Status(StatusCode::FORBIDDEN))
        }
        ("PUT", ["companies"]) => writes::upsert(sim, asked, Table::Companies, caller.product),
        ("POST", ["companies"]) => writes::create(sim, asked, Table::Companies, caller.product),
        ("PATCH", ["companies", id]) => writes::update(sim, asked, Table::Companies, caller.product, id),
        ("PUT", ["end_users"]) => writes::upsert(sim, asked, Table::EndUsers, caller.product),
        _ if sim.names("candidates", "writes") => candidate_write(sim, asked, caller, &parts),
        _ => unknown(sim, asked),
    }
}

/// `/end_users/:id` and `/tasks/:id` (A7), and the details among the candidates (A8).
fn single(sim: &Sim, asked: &Asked, caller: Caller, path: &str, id: &str) -> Result<Response, Refusal> {
    match Table::at(path) {
        Some(table @ (Table::EndUsers | Table::Tasks)) if sim.core.switches.on("details") => {
            lists::detail(sim, asked, table, caller.product, id)
        }
        Some(Table::EndUsers | Table::Tasks) => Err(Refusal::Status(StatusCode::NOT_FOUND)),
        Some(table @ (Table::Users | Table::Teams | Table::Tickets)) if sim.names("candidates", path) => {
            lists::detail(sim, asked, table, caller.product, id)
        }
        _ => unknown(sim, asked),
    }
}

fn candidate_write(sim: &Sim, asked: &Asked, caller: Caller, parts: &[&str]) -> Result<Response, Refusal> {
    let product = caller.product;
    match (asked.method.as_str(), parts) {
        ("POST", ["end_users"]) => writes::create(sim, asked, Table::EndUsers, product),
        ("PATCH", ["end_users", id]) => writes::update(sim, asked, Table::EndUsers, product, id),
        ("POST", ["tasks"]) => writes::create(sim, asked, Table::Tasks, product),
        ("PUT", ["tasks"]) => writes::upsert(sim, asked, Table::Tasks, product),
        ("PATCH", ["tasks", id]) => writes::update(sim, asked, Table::Tasks, product, id),
        ("POST", ["tickets"]) => writes::create(sim, asked, Table::Tickets, product),
        ("PUT", ["tickets"]) => writes::upsert(sim, asked, Table::Tickets, product),
        ("PATCH", ["tickets", id]) => writes::update(sim, asked, Table::Tickets, product, id),
        _ => unknown(sim, asked),
    }
}

fn unknown(sim: &Sim, asked: &Asked) -> Result<Response, Refusal> {
    asked.violates(sim, "unknown path");
    Err(Refusal::Status(StatusCode::NOT_FOUND))
}

/// The holder of the key in `ApiKey`, the only place where a key belongs.
fn caller(sim: &Sim, asked: &Asked) -> Result<Caller, Refusal> {
    for header in ["authorization", "x-api-key"] {
        if asked.headers.contains_key(header) {
            asked.violates(sim, &format!("a header `{header}`"));
        }
    }
    let Some(key) = key(sim, &asked.headers) else {
        asked.violates(sim, "no `ApiKey`, or a wrong one");
        return Err(Refusal::Status(StatusCode::UNAUTHORIZED));
    };
    Ok(key)
}

fn key(sim: &Sim, headers: &HeaderMap) -> Option<Caller> {
    let mut given = headers.get_all("apikey").iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let value = value.to_str().ok()?;
    let key = match sim.switch("key_prefix") {
        "none" => value,
        prefix => value.strip_prefix(prefix)?.strip_prefix(' ')?,
    };
    match key {
        API_KEY => Some(Caller { product: 0, is_snippet: false }),
        OTHER_PRODUCT_KEY => Some(Caller { product: 1, is_snippet: false }),
        SNIPPET_KEY => Some(Caller { product: 0, is_snippet: true }),
        _ => None,
    }
}

/// Whether this request falls into a burst of 429.
fn throttled(sim: &Sim) -> bool {
    let after = sim.core.switches.number("throttle_after");
    let burst = sim.core.switches.number("throttle_burst");
    let number = sim.count();
    after > 0 && number % after.saturating_add(burst).max(1) >= after
}
