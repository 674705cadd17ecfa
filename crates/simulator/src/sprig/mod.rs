//! The sprig API: `/v1` lists with cursors, `/v2` users one by one, the writes, and the legacy `/v1/users` family.
//!
//! It leaves logging, the rate limit and faults to the core. Its invariant: whatever is read, in whatever order,
//! the same seed, number of people and switches give the same rows.

mod access;
mod answers;
mod cursor;
mod legacy;
mod query;
mod responses;
mod surveys;
mod themes;
mod users;
mod values;
mod visitors;
mod walk;
mod world;
mod writes;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    routing::{get, post},
};
use serde_json::Value;

use self::{cursor::Cursors, world::World};
use crate::core::server::{Api, Core};

/// The key that the simulator accepts, on every endpoint.
pub const API_KEY: &str = "demo-sprig-key";

/// The switches, each with its default; the numbers are rows of section 6 of the reference.
///
/// A value outside the listed ones reads as the default, except for numbers.
pub const SWITCHES: &[(&str, &str)] = &[
    // 1: the last page's cursor: `null`, `absent`, `empty` (`""`), `then_404` or `then_empty` (a cursor that leads to
    // 404, or to 200 with an empty `data`).
    ("last_cursor", "null"),
    // 2: an empty result: `404` without a body, `200` with an empty `data`, or `404_text`.
    ("empty", "404"),
    // 3: `ascending` or `descending` by `createdAt`, or `shuffled` inside each page of an ascending walk.
    ("order", "ascending"),
    // 4: `inclusive` (Base64 of the last row's millisecond, which the next page begins with again), `inclusive_next`
    // (of the first row not yet sent: only ties repeat), `exclusive` (ties are skipped), `opaque` (a random token that
    // breaks ties) or `stuck` (a request with a cursor is answered with that cursor).
    ("cursor", "inclusive"),
    // 5: `inclusive` or `exclusive`.
    ("start", "inclusive"),
    ("end", "inclusive"),
    // 6: a number; and what a `limit` out of range gets: `400` or `clamp`.
    ("default_limit", "1000"),
    ("limit_range", "400"),
    // 7: unknown parameters, `limit` on themes among them: `ignored` or `400`. Both are violations.
    ("unknown_params", "ignored"),
    // 8: filters with a cursor: `resend` or `carried` (inside the cursor).
    ("cursor_filters", "resend"),
    // 9: `with_deleted_responses` gives deleted rows `also` or `only`.
    ("deleted", "also"),
    // 10: without `status`: `all` surveys, or only `active` ones (no drafts, no archived).
    ("default_status", "all"),
    // 11: (`responseGroupUid`, `questionId`) is `unique` or `repeated` by follow-ups.
    ("response_key", "unique"),
    // 12: a theme's `id` is of the `theme` or of the `link` between theme and answer.
    ("theme_id", "theme"),
    // 3.3: a theme row's times are those of the `row` or of the `theme`.
    ("theme_time", "row"),
    // 3.3: rows on a page of themes, which has no `limit`.
    ("themes_page", "100"),
    // 13: after this many requests to responses (0: never) rows change: transcripts arrive, rows are deleted; and
    // whether `updatedAt` is `moved` by that or stays: `silent`.
    ("mutate_after", "0"),
    ("late_edits", "moved"),
    // 14: what `MULTIPLESELECT` answers: one `label`, an `array` of labels, or `joined` labels.
    ("multiselect", "label"),
    // 15: what `selectedIndexes` counts from: `1` or `0`.
    ("index_base", "1"),
    // 16: `externalUserId` of anonymous visitors: `null`, `empty` (`""`), `absent`, or `mixed` (all three).
    ("anonymous_id", "null"),
    // 17: the v2 user's `id` is the `same` as `visitorUuid`, or `unrelated`.
    ("visitor_link", "same"),
    // 18: user ids in the path are `decoded` as one segment, or those with a slash are not found: `slash_404`.
    ("user_id_path", "decoded"),
    // 19, 1.4: the header word is `strict` per endpoint, or `lenient`; and the word of purge in the strict case:
    // `bearer`, `api_key` or `both`.
    ("auth", "strict"),
    ("purge_word", "bearer"),
    // 20: a missing or wrong key: `403` without a body, or `401` with JSON.
    ("bad_key", "403"),
    // 21: the body of a 400: `object`, `array` or `empty`.
    ("error_body", "object"),
    // 25: what a query over more rows than `large_query_rows` (0: none is too large) gets after the delay: `504`,
    // `500` or `reset`.
    ("large_query", "504"),
    ("large_query_rows", "0"),
    ("large_query_delay_ms", "20"),
    // 26: an upsert is visible `delayed`, after this many reads of the user, or `at_once`.
    ("upsert_visible", "delayed"),
    ("upsert_delay", "1"),
    // 27: a purge that matches nobody: `400` or `200`.
    ("purge_no_match", "400"),
    // 4.2: a purge's delay is `honoured` (no run lasts that long, so only `delaySeconds` 0 purges) or `none`.
    ("purge_delay", "honoured"),
    // 28: values beyond the known ones of `platform`, `type`, `questionType` and `status` appear: `off` or `on`.
    ("new_values", "off"),
    // 29: a purged visitor's answers `vanish`, or stay with `deletedAt`: `deleted_at`.
    ("purged", "vanish"),
    // 30: the snapshot's first member is spelled `attributes` or `attribtues`.
    ("snapshot_spelling", "attributes"),
    // 31: numbers are `integral`, `float` (`12.0`) or `large` (beyond 2^53).
    ("numbers", "integral"),
    // 32: an unknown `sid`: `404` or `200` with an empty `data`.
    ("unknown_sid", "404"),
    // 1.5: fields that the reference does not know, on some rows: `on` or `off`.
    ("extra_fields", "on"),
    // 4.3: the legacy `/v1/users` family: `off` (unknown paths) or `on`.
    ("legacy_users", "off"),
];

/// 1000 requests in every 5 minutes, rejected ones not counted, no headers (row 22).
pub(crate) const DEFAULT_LIMIT: fn() -> crate::Limit = || crate::Limit {
    requests: 1000,
    per_ms: 300_000,
    counting: crate::Counting::Sliding,
    count_refused: false,
    retry_after: "none".to_owned(),
};

/// The routes over a fresh world, and its truth.
///
/// The truth knows `surveys`, `survey_questions`, `survey_constraints`, `responses` (deleted ones too, with every flag's
/// field), `responses_plain` (live ones, no flags), `themes`, `users` (with `requestedUserId`), `user_events`,
/// `users_seen` (those whom an answer names) and `users_missing` (ids that an answer names and nobody has).
pub(crate) fn api(core: &Arc<Core>) -> Api {
    let sprig = Arc::new(Sprig {
        core: Arc::clone(core),
        world: Mutex::new(World::new(core)),
        cursors: Mutex::default(),
    });
    let router = Router::new()
        .route("/v1/responses", get(responses::list))
        .route("/v1/surveys", get(surveys::list))
        .route("/v1/themes", get(themes::list))
        .route("/v2/users", post(writes::upsert))
        .route("/v2/users/{id}", get(users::one))
        .route("/v2/purge/visitors", post(writes::purge))
        .route("/v1/users", post(legacy::create))
        .route("/v1/users/bulk", post(legacy::bulk))
        .route("/v1/users/{id}", get(legacy::one).post(legacy::update))
        .route("/v1/users/{id}/events", post(legacy::event))
        .fallback(access::unknown)
        .method_not_allowed_fallback(access::unknown)
        .with_state(Arc::clone(&sprig));
    Api { router, truth: Arc::new(move |stream| sprig.truth(stream)) }
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Sprig {
    core: Arc<Core>,
    world: Mutex<World>,
    cursors: Mutex<Cursors>,
}

impl Sprig {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cursors(&self) -> MutexGuard<'_, Cursors> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a switch has this value.
    fn is(&self, switch: &str, value: &str) -> bool {
        self.core.switches.get(switch) == value
    }

    fn truth(&self, stream: &str) -> Option<Vec<Value>> {
        let world = self.world();
        match stream {
            "surveys" => Some(world.surveys.iter().map(|survey| survey.body.clone()).collect()),
            "survey_questions" => Some(surveys::children(&world.surveys, "questions")),
            "survey_constraints" => Some(surveys::children(&world.surveys, "constraints")),
            "responses" => Some(responses::truth(&self.core, &world.answers, true)),
            "responses_plain" => Some(responses::truth(&self.core, &world.answers, false)),
            "themes" => Some(world.themes.iter().map(|theme| theme.body.clone()).collect()),
            "users" => Some(users::rows(&world, false)),
            "users_seen" => Some(users::rows(&world, true)),
            "users_missing" => Some(users::missing(&world)),
            "user_events" => Some(users::events(&world)),
            _ => None,
        }
    }
}
