//! The Userlane API: eight exports and the attribute import, from `userlane.md`, the vendor reference.
//!
//! Two properties of one company, over the two years before `world::END_MS`. The wire is the default profile of
//! the reference (section 1.6); the switches bend it. With `query_id` the exports stand at `/v1/{resource}` and take
//! `propertyId` as a parameter. One invariant: what a request is answered depends on seed, size, switches and the
//! requests before it, never on the clock (`rate_limit` apart).

mod access;
mod announcements;
mod answers;
mod body;
mod exports;
mod guides;
mod heart;
mod memory;
mod parameters;
mod profiles;
mod progress;
mod store;
mod streams;
mod tags;
#[cfg(test)]
mod tests;
mod wire;
mod world;
mod writes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use crate::core::server::{Api, Core};

use access::Refusal;
use memory::Memory;
use store::Stores;
use streams::Stream;
use wire::Wire;
use world::World;

/// The token that the simulator accepts, bare in `Authorization` (behind `Bearer ` with the switch `bearer`).
pub const TOKEN: &str = "demo-userlane-token";

/// The token that replaces [`TOKEN`] from the request on that `rotate_token_after` names.
pub const ROTATED_TOKEN: &str = "demo-userlane-token-2";

/// The ids of the properties (applications). With `limited_manager` the second is out of reach.
pub const PROPERTIES: [&str; 2] = ["k3f9a", "p7x2c"];

/// The id of the company.
pub const COMPANY: u64 = 4711;

/// The switches, each with its default. Rows of section 5.5 and assumptions of section 6.1 of the reference.
pub const SWITCHES: &[(&str, &str)] = &[
    // 5.5: from this request on (counted from 1) the old token gets 401; 0 never. A-05.
    ("rotate_token_after", "0"),
    // 5.5: `on` answers 403 for the second property, `404` answers that instead. A-36.
    ("limited_manager", "off"),
    // 5.5: import answers 403, exports work.
    ("not_admin", "off"),
    // 5.5: longer spans (both ends counted) answer `span_status`; 0 for no limit. A-08.
    ("max_span_days", "0"),
    // 5.1: `422` or `400`, what a span that is too long is answered.
    ("span_status", "422"),
    // 5.5: `on` gives the whole window whatever `page` says, without `pagination`; `first_page` gives always page 1. A-09.
    ("ignore_paging", "off"),
    // pages hold silently at most this many rows (also those of `ignore_paging=on`: a truncation); 0 for no cap.
    ("page_size_cap", "0"),
    // 5.3: `off` leaves `totalItems` and `totalPages` out.
    ("totals", "on"),
    // 1.6: `page_number`, or `none`: no paging parameters, every answer whole. A-09.
    ("paging", "page_number"),
    // 5.5: `to` is not part of the window. A-08.
    ("to_exclusive", "off"),
    // 5.5: the zone in which the server cuts days: `UTC`, `Europe/Berlin`, `America/Los_Angeles`, `Asia/Tokyo` or a POSIX rule. A-08.
    ("tz", "UTC"),
    // 5.5: `from` and `to` have no effect. A-07.
    ("ignore_dates", "off"),
    // 1.6: `from_to`, or `start_end` for `startDate` and `endDate`. A-07.
    ("date_params", "from_to"),
    // 5.5: for each stream and property the first window that holds rows is empty, once: `on` in the first pass, `again` in the second (see `memory`).
    ("vanish_once", "off"),
    // 5.5: scores of the last 30 days differ from the second pass on. A-16.
    ("restate_heart", "off"),
    // 5.5: rows become visible this many hours after their instant; each pass is a day later than the one before, the first at `END_MS`. A-16.
    ("late_events", "0"),
    // 5.5: empty list for HEART and tags. A-15.
    ("heart_off", "off"),
    // 5.5: Happiness and Task success are always null. A-14.
    ("null_letters", "off"),
    // 5.5: `on` leaves `id` out; `off` has a null `id` here and there, as the tables allow; `never` has all ids.
    ("no_ids", "off"),
    // 5.5: `click`, `day` or `user_day`. A-19.
    ("tag_grain", "click"),
    // 5.5: `state` or `step`. A-21.
    ("progress_grain", "state"),
    // 5.5: the rows stand bare, without an envelope. A-10.
    ("bare_array", "off"),
    // the member that holds the rows: `data`, `items`, `results`, or `none` for a body without an array.
    ("rows_under", "data"),
    // 5.1: `204` answers that when a window holds nothing.
    ("empty_window", "200"),
    // 5.5: the vendor's field names in snake_case; attribute keys are the customer's and stay. A-11.
    ("snake_case", "off"),
    // 5.5: instants as integers of 13 digits. A-12.
    ("epoch_ms", "off"),
    // `utc`, `offset` (+02:00), `naive` (no offset), `epoch_s` (10 digits), `mixed`; `epoch_ms` wins over it.
    ("timestamps", "utc"),
    // 2.3: `text` sends numbers as numeric strings.
    ("numbers", "plain"),
    // 3.5: `mixed` sends some digit-only guide ids as numbers, `number` all of them, `text` none.
    ("guide_ids", "mixed"),
    // 5.5: `propertyId` is a parameter and not part of the path. A-03.
    ("query_id", "off"),
    // 5.5: the token stands behind `Bearer `. A-04.
    ("bearer", "off"),
    // 5.5: 429 with `Retry-After` above this many a second; 0 for no limit. A-35.
    ("rate_limit", "0"),
    // 5.5: `on` answers every export with a login page, a number the first so many.
    ("html_200", "off"),
    // `split` (values plain or wrapped), `wrapped` (all values wrapped), `flat` (no scopes).
    ("attributes", "split"),
    // the display of user data is switched off: fields of profiles are `missing` or `null`.
    ("privacy", "off"),
    // `internal` puts Userlane's own id into the rows of events and answers.
    ("user_ids", "customer"),
    // 4.1: parameters that the reference does not name are answered `400`, or `ignore`d; a violation in either case.
    ("unknown_params", "400"),
    // 5.5: this percentage of values fails, 207.
    ("partial_import", "0"),
    // 4.5: users whose id begins so get a row error for each value; empty for none.
    ("refused_users", ""),
    // 4.5: a body that names a user whose id begins so is refused as a whole, 422; empty for none.
    ("poisoned_users", ""),
    // 5.5, A-32: `create` or `error`.
    ("unknown_user", "create"),
    // 5.5, A-32: `error` or `create`.
    ("unknown_key", "error"),
    // `intact`, or `lost`: a failed value takes the other values of its user in the request with it.
    ("failed_value", "intact"),
    // 4.6, A-33: the same user twice in one body: `422` (strict profile) or `last_wins` (lax).
    ("duplicate_users", "422"),
    // a null value is a row `error`, or the old value is `keep`t, or `clear`ed.
    ("null_value", "error"),
    // a definition with another type: `allow`, row `error`, or `422`.
    ("type_change", "allow"),
    // unknown members of an import body: `422`, or `ignore`d.
    ("unknown_members", "422"),
    // what a partly applied import answers, `207` or `200`.
    ("partial_status", "207"),
    // `off` leaves the three counters out of the summary.
    ("counters", "on"),
    // a larger import body answers 413; 0 for 64 MiB.
    ("max_body_bytes", "0"),
];

/// Everything that a handler may use.
#[derive(Debug)]
struct App {
    core: Arc<Core>,
    wire: Wire,
    world: World,
    memory: Memory,
    stores: Mutex<Stores>,
}

impl App {
    fn stores(&self) -> MutexGuard<'_, Stores> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes and the truth of a world that `core` sizes and seeds. Builds the whole world at once.
pub(crate) fn api(core: &Arc<Core>) -> Api {
    let wire = Wire::new(&core.switches);
    let world = World::new(core, &wire);
    let stores = Mutex::new(Stores::new(core.seed, &world));
    let app =
        Arc::new(App { core: Arc::clone(core), memory: Memory::new(&core.switches), wire, world, stores });
    let query_id = core.switches.on("query_id");
    let mut router = Router::new();
    for stream in Stream::ALL {
        router = router.route(
            &stream.path(query_id),
            get(
                move |State(app): State<Arc<App>>,
                      path: Result<Path<String>, PathRejection>,
                      headers: HeaderMap,
                      uri: Uri| async move {
                    let property = path.ok().map(|Path(property)| property);
                    exports::answer(&app, stream, property, &headers, &uri)
                        .unwrap_or_else(IntoResponse::into_response)
                },
            ),
        );
    }
    let router = router
        .route("/v1/companies/{companyId}/attributes/import", post(company_import))
        .route("/v1/properties/{propertyId}/attributes/import", post(property_import))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(&app));
    Api { router, truth: Arc::new(move |name| exports::truth(&app, name)) }
}

async fn company_import(
    State(app): State<Arc<App>>,
    Path(company): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Response {
    writes::company(&app, &company, &headers, &uri, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn property_import(
    State(app): State<Arc<App>>,
    Path(property): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Response {
    writes::property(&app, &property, &headers, &uri, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn unknown_path(State(app): State<Arc<App>>, method: Method, uri: Uri) -> Response {
    app.core.violation(format!("unknown path: {method} {}", uri.path()));
    Refusal::new(StatusCode::NOT_FOUND, "no such path").into_response()
}

async fn wrong_method(State(app): State<Arc<App>>, method: Method, uri: Uri) -> Response {
    app.core.violation(format!("wrong method: {method} {}", uri.path()));
    let allowed = if uri.path().ends_with("/attributes/import") { "POST" } else { "GET" };
    let mut response = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed").into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}
