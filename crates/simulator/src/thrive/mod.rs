//! The Thrive Learning API: HTTP Basic and OAuth, JSON under `/rest/v1` (reads, writes) and `/rest/v2` (user lifecycle).
//!
//! Written from the vendor reference alone; row numbers in comments are those of its list of open assumptions. The
//! world lies in the two years before `instants::WORLD_END`; what a write stamps lies after it, one second a write,
//! so that a run can be repeated. Requests a window (row 24) are the scenario's `limit`, off by default.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use http::{Method, StatusCode, header};
use serde_json::json;

use crate::core::server::{Api, Core};

use self::{
    answer::Refusal,
    token::{Judgement, Tokens},
    world::World,
};

mod answer;
mod assignments;
mod audiences;
mod body;
#[cfg(test)]
mod client;
mod cpd;
mod instants;
mod learning;
mod lists;
mod made_duties;
mod made_learning;
mod made_people;
mod maker;
mod query;
mod switches;
#[cfg(test)]
mod tests;
mod token;
mod truth;
mod users;
mod world;
mod writes_assignments;
mod writes_audiences;
mod writes_people;
mod writes_users;

/// The only tenant; the user name of HTTP Basic and the last segment of the token path.
pub const TENANT_ID: &str = "eu-west-2_DemoTenan";
/// The password of HTTP Basic; it gives full access (row 3).
pub const API_KEY: &str = "demo-thrive-key";
/// The OAuth client id that `/oauth2/token/{tenantId}` accepts.
pub const CLIENT_ID: &str = "demo-client";
/// The OAuth client secret that `/oauth2/token/{tenantId}` accepts.
pub const CLIENT_SECRET: &str = "demo-secret";

/// The switches, each with its default; the words that each takes are in `switches::WORDS`.
pub const SWITCHES: &[(&str, &str)] = &[
    // Row 2, 12: `on` gives some rows missing, null and extra fields and open key sets; `off` only regular rows.
    ("irregular", "on"),
    // Row 5: which client authentication the token endpoint takes: `both`, `basic` or `body`.
    ("token_auth", "both"),
    // Row 5: `accepted`, or `refused`: a `scope` parameter is answered `invalid_scope`.
    ("token_scope", "accepted"),
    // Row 6: the life of a token in seconds.
    ("token_expires_in", "3600"),
    // Row 6: how `expires_in` is printed: `number`, `string` or `absent`.
    ("token_expires_in_shape", "number"),
    // Row 6: the value of `token_type`.
    ("token_type", "Bearer"),
    // Row 6: data calls after which a token counts as expired, for tests without a clock; 0 for no such bound.
    ("token_requests", "0"),
    // Row 8: `newest` first, `oldest` first, or `random` for each request.
    ("order", "newest"),
    // Row 8: how many rows are added, one after each page that has a successor.
    ("insert_between_pages", "0"),
    // Row 8: how many already sent rows are removed, one after each page that has a successor.
    ("delete_between_pages", "0"),
    // Row 9: a page whose rows are larger than so many bytes is answered 504; 0 for no such bound.
    ("body_limit", "0"),
    // Row 10: `on`, `ignored`, or `refused` (400).
    ("updated_since", "on"),
    // Row 11: what `/users` without a status filter lists: `all`, or only `active_new`.
    ("unfiltered_users", "all"),
    // Section 5.1: what a filtered `/users` without a row answers: `empty`, or the documented `404`.
    ("no_users", "empty"),
    // Row 13: `kept` in the list with null personal fields, or `removed`.
    ("deleted_users", "kept"),
    // Row 14: `on` moves `updatedAt` with derived values too (enrolment `overdue`, memberships, compliance).
    ("derived_updates", "off"),
    // Row 15: the members of a structure: `empty`, `rolled_up`, `400`, `404` or `422`.
    ("structure_members", "empty"),
    // Row 16: the zone of filters without one: `UTC` or `Europe/London`.
    ("zone", "UTC"),
    // Row 17: the bounds `timestampFrom/To` and `entryDateFrom/To`: `exclusive` or `inclusive`.
    ("bounds", "exclusive"),
    // Section 3.12: what `/cpdEntries` takes as a bound: `both` forms, only the `date`, or only the `long` form.
    ("cpd_entry_dates", "both"),
    // Row 19: `audienceId` on `/assignments`: `optional`, or `required` (400 without it).
    ("assignments_audience", "optional"),
    // Row 20: `/tags` honours `pages`, sends `everything` as one page, or keeps `repeating` everything on every page.
    ("tags_paging", "pages"),
    // Row 23: `off`, `html_502` (the first data call only) or `forbidden_403` (every data call).
    ("gateway", "off"),
    // Row 25: a page beyond the last one: `empty` or `404`.
    ("beyond", "empty"),
    // Row 26: a size outside its range: `refuse` (400) or `cap`; a violation either way.
    ("per_page", "refuse"),
    // Section 2.3 rule 3: a size to which allowed sizes are silently cut too; 0 for none.
    ("page_cap", "0"),
    // Row 27: whether pagination numbers print as `integer` (`1`) or `float` (`1.0`).
    ("pagination_numbers", "integer"),
    // Section 2.3 rule 2: `present`, or `absent` from paged objects.
    ("pagination", "present"),
];

/// What the handlers share.
#[derive(Debug)]
struct Simulator {
    core: Arc<Core>,
    world: Mutex<World>,
    tokens: Mutex<Tokens>,
    /// Data calls so far.
    calls: AtomicU64,
}

impl Simulator {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn switch(&self, name: &str) -> &str {
        self.core.switches.get(name)
    }

    /// A 400 for a request that the reference does not allow; noted as a violation.
    fn wrong(&self, what: impl Into<String>) -> Refusal {
        let what = what.into();
        self.core.violation(what.clone());
        Refusal::new(StatusCode::BAD_REQUEST, what)
    }
}

pub(crate) fn api(core: &Arc<Core>) -> Api {
    switches::check(core);
    let simulator = Arc::new(Simulator {
        core: Arc::clone(core),
        world: Mutex::new(World::make(core)),
        tokens: Mutex::new(Tokens::default()),
        calls: AtomicU64::new(0),
    });
    let data = Router::new()
        .nest("/rest/v1", reads_and_writes())
        .nest("/rest/v2", lifecycle())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&simulator), authorised));
    let router = Router::new()
        .route("/oauth2/token/{tenant}", post(token::issue).fallback(unknown_method))
        .merge(data)
        .with_state(Arc::clone(&simulator));
    Api { router, truth: Arc::new(move |stream| truth::rows(&simulator, stream)) }
}

fn reads_and_writes() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/users", get(users::list))
        .route("/users/ref/{ref}", get(users::by_ref))
        .route("/user/{id}", get(users::by_id))
        .route("/users/{id}/tags", post(writes_people::add_tags).patch(writes_people::remove_tags))
        .route("/users/{id}/skills", patch(writes_people::update_skills))
        .route("/audiences", get(audiences::list).post(writes_audiences::create))
        .route(
            "/audiences/{id}",
            get(audiences::one).patch(writes_audiences::update).delete(writes_audiences::delete),
        )
        .route(
            "/audiences/{id}/members",
            get(audiences::members)
                .post(writes_audiences::add_members)
                .patch(writes_audiences::replace_members),
        )
        .route("/audiences/{id}/members/{user}", axum::routing::delete(writes_audiences::remove_member))
        .route(
            "/audiences/{id}/managers",
            get(audiences::managers)
                .post(writes_audiences::add_managers)
                .patch(writes_audiences::replace_managers),
        )
        .route("/audiences/{id}/managers/{user}", axum::routing::delete(writes_audiences::remove_manager))
        .route("/contents", get(learning::contents))
        .route("/contents/{id}", get(learning::content))
        .route("/activities", get(learning::activities))
        .route("/activity/{id}", get(learning::activity))
        .route("/learning/completions", get(learning::completions).post(writes_people::complete))
        .route("/learning/completions/{id}", get(learning::completion))
        .route("/tags", get(learning::tags))
        .route("/tags/{id}", get(learning::tag))
        .route("/skills/levels", get(learning::skill_levels))
        .route("/assignments", get(assignments::list).post(writes_assignments::create))
        .route(
            "/assignments/{id}",
            get(assignments::one).patch(writes_assignments::update).delete(writes_assignments::delete),
        )
        .route("/assignments/{id}/enrolments", get(assignments::enrolments))
        .route("/assignments/{id}/enrolments/{enrolment}", get(assignments::enrolment))
        .route("/cpdCategories", get(cpd::categories))
        .route("/cpdCategories/{id}", get(cpd::category))
        .route("/cpdEntries", get(cpd::entries))
        .route("/cpdEntries/{id}", get(cpd::entry))
        .route("/cpdRequirementSummaries", get(cpd::requirements))
        .route("/cpdRequirementSummaries/{id}", get(cpd::requirement))
        .route("/cpdUserLogSummaries", get(cpd::user_summaries))
}

fn lifecycle() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/users", post(writes_users::create))
        .route("/users/ref/{ref}", patch(writes_users::update).delete(writes_users::delete))
        .route("/users/ref/{ref}/suspend", patch(writes_users::suspend))
}

/// Lets a data call through that carries a credential with a fitting scope.
async fn authorised(State(simulator): State<Arc<Simulator>>, request: Request, next: Next) -> Response {
    let call = simulator.calls.fetch_add(1, Ordering::Relaxed);
    match simulator.switch("gateway") {
        "html_502" if call == 0 => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
            return (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response();
        }
        "forbidden_403" => {
            return (StatusCode::FORBIDDEN, axum::Json(json!({"message": "Forbidden"}))).into_response();
        }
        _ => {}
    }
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match token::judge(&simulator, request.headers(), reading) {
        Judgement::Welcome => {}
        Judgement::Expired => {
            return Refusal::new(StatusCode::UNAUTHORIZED, "the token has expired").into_response();
        }
        Judgement::Refused(why) => {
            simulator.core.violation(format!("{} {}: {why}", request.method(), request.uri().path()));
            return Refusal::new(StatusCode::UNAUTHORIZED, why).into_response();
        }
        Judgement::OutOfScope => {
            let why = "the token's scope does not allow this";
            simulator.core.violation(format!("{} {}: {why}", request.method(), request.uri().path()));
            return Refusal::new(StatusCode::FORBIDDEN, why).into_response();
        }
    }
    if query::decoded(request.uri().path(), false).is_none() {
        return simulator.wrong("the path is not percent-encoded UTF-8").into_response();
    }
    next.run(request).await
}

async fn unknown_path(State(simulator): State<Arc<Simulator>>, request: Request) -> Response {
    let what = format!("unknown path: {} {}", request.method(), request.uri().path());
    simulator.core.violation(what.clone());
    Refusal::new(StatusCode::NOT_FOUND, what).into_response()
}

async fn unknown_method(State(simulator): State<Arc<Simulator>>, request: Request) -> Response {
    let what = format!("the path has no such method: {} {}", request.method(), request.uri().path());
    simulator.core.violation(what.clone());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, what).into_response()
}
