//! Userlot: customer success. The API under `/api/v1`, as the public reference describes it.
//!
//! `world` invents the rows, `shape` turns a stored row into the vendor's JSON, `lists`, `paging` and `writes` answer,
//! `routes` finds out who asks for what. Stored rows know no switch; only `shape`, `paging` and the answers do.

mod answer;
mod body;
mod identify;
mod lists;
mod paging;
mod routes;
mod shape;
mod truth;
mod world;
mod writes;

#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use axum::Router;

use crate::core::server::{Api, Core};

use self::world::{Table, World};

/// The `ApiKey` of the first product: the one that the truth is told for.
pub const API_KEY: &str = "demo-userlot-key";

/// The `ApiKey` of the second product of the same tenant (A15).
pub const OTHER_PRODUCT_KEY: &str = "demo-userlot-key-2";

/// A key of the first product that stands in a browser snippet (A3): good for `identify`, and for reading only with the
/// switch `snippet_key_reads`.
pub const SNIPPET_KEY: &str = "demo-userlot-snippet-key";

/// The switches, each with its default. The number is the row of the reference's list of open assumptions; "3.1" and
/// "checklist" are its section on paging and its list of simulator profiles.
pub const SWITCHES: &[(&str, &str)] = &[
    // 3.1, A9: `all_at_once`, `page_param_no_headers`, `link_header`, `total_headers`, `offset_param` (cut silently,
    // knows `offset` only) or `strict_unknown_params` (all at once, refuses what it does not know).
    ("paging", "all_at_once"),
    // 3.1: rows a page, in the profiles that page.
    ("page_size", "25"),
    // 3.1: the status with which `strict_unknown_params` refuses: 422, 400 or 404.
    ("unknown_param_status", "422"),
    // 3.1: the address after `rel="next"`: `absolute`, `relative` or `other_host`.
    ("link_form", "absolute"),
    // 3.1: the family of headers in `total_headers`: `x` (X-Total, X-Page, X-Per-Page, X-Total-Pages, X-Next-Page),
    // `count` (X-Total-Count alone) or `plain` (Total, Per-Page).
    ("total_header_style", "x"),
    // 3.1 step 6: `on` repeats the last row of page 1 on page 2, as if a row had come in while reading; with `changed`
    // page 1 holds an older version of it.
    ("overlap", "off"),
    // Section 6, list shape guard: `off`, `data`, `results`, `name` (the stream's path) or `meta` (`data` and `meta`).
    ("wrapped_list", "off"),
    // 3.2: activity in days since the world was made; moves `last_seen_at` and nothing else.
    ("activity_days", "0"),
    // 3.2: every n-th company, end user and task is gone; 0 for none.
    ("delete_every", "0"),
    // A2: a word that has to stand before the key, `Bearer` for example; `none`.
    ("key_prefix", "none"),
    // A3: whether the snippet's key may read.
    ("snippet_key_reads", "off"),
    // A4: where custom values stand: `top`, `custom_fields` (an object) or `custom_attributes` (an array).
    ("custom", "top"),
    // A4: a custom field without a value: `mixed`, `null` or `absent`.
    ("unset_custom", "mixed"),
    // A5: `date`, `datetime`, or `text` (no date at all).
    ("dates", "date"),
    // A6: `number`, `string` or `mixed`.
    ("money", "number"),
    // A7: whether `/end_users/:id` and `/tasks/:id` exist.
    ("details", "off"),
    // A8: candidate endpoints: `off`, `on`, or path words with commas (`users,tickets`); `writes` for the writes.
    ("candidates", "off"),
    // A10: the key of a field definition that holds the attribute's name.
    ("field_key", "attribute_name"),
    // A10: whether field definitions have an `id`.
    ("field_id", "on"),
    // A10: whether teams list their members.
    ("team_members", "off"),
    // A11: `array`, `object`, `wrapped`, `null`, `empty` (no body), `404`, or `mixed` (all of them, by company).
    ("revenue", "array"),
    // A11: whether revenue rows have an `id`.
    ("revenue_id", "on"),
    // A12: which filters of tasks work: `ids`, `external` (external ids as well) or `ignored` (none).
    ("task_filters", "ids"),
    // A13: `exact`, `contains` (in any case) or `ignored`.
    ("filter_match", "exact"),
    // A14: what `emails` holds: `strings` or `objects`.
    ("emails", "strings"),
    // A14: `mixed`, `string`, `object` or `null`.
    ("health_category", "mixed"),
    // A15: `on` shows a key only the rows of its product.
    ("product_scope", "on"),
    // A16: `same` as in the list, `wrapped` in `{"company": …}`, or with a few `more` keys.
    ("company_detail", "same"),
    // A17: `id` (`company_id`), `embedded` (`company`) or `both`.
    ("end_user_company", "id"),
    // A17: whether end users have an `id`.
    ("end_user_id", "on"),
    // A18: whether tasks go on after `product_id`, with `company_id`, `end_user` and `external_id`.
    ("task_links", "off"),
    // Section 3, derived streams: `on` embeds an older copy of status and user in some tasks.
    ("stale_embeds", "off"),
    // 1.4: whether `source_external_id` is given back.
    ("source_external_id", "off"),
    // 1.5: `on` adds keys that nobody documents to some rows.
    ("extras", "on"),
    // A19: what a JSON body is answered: `accepted`, `415` or `400`. Forms are always taken.
    ("json_writes", "accepted"),
    // A20: an upsert with an external id that nobody has: `create` or `404`.
    ("unknown_external_id", "create"),
    // A20: whether a company needs a name on create.
    ("name_required", "on"),
    // 1.5: whether mandatory custom fields are asked for on create.
    ("required_custom", "off"),
    // A21: the answer to `identify`: `json` or `empty`.
    ("identify_body", "json"),
    // A22: the status of a POST, 201 or 200.
    ("post_status", "201"),
    // A22: the body of a write's answer: `object` or `empty`.
    ("write_body", "object"),
    // A23: error bodies: `json`, `message`, `error_object`, `errors_array`, `empty`, `html` or `text`.
    ("error_body", "json"),
    // A23: after this many requests comes a burst of 429; 0 for never.
    ("throttle_after", "0"),
    // A23: refusals in a burst.
    ("throttle_burst", "3"),
    // A23: `Retry-After` of a refusal, as it is sent; `none` sends none.
    ("throttle_retry_after", "2"),
    // A23: streams answered 403, with commas.
    ("forbidden", ""),
    // A23: streams answered 404, with commas.
    ("unavailable", ""),
    // Section 6, wrong host: `on` answers everything 200 with a page of HTML.
    ("html_200", "off"),
    // Section 6, wrong host: `https://host` redirects everything there; `off`.
    ("redirect_to", "off"),
    // Section 6: 301, 302, 307 or 308.
    ("redirect_status", "302"),
];

/// The routes and the truth of one tenant with two products.
pub(crate) fn api(core: &Arc<Core>) -> Api {
    let sim = Arc::new(Sim {
        core: Arc::clone(core),
        world: Mutex::new(World::new(core.seed, core.users)),
        served: AtomicU64::new(0),
    });
    let router = Router::new().fallback(routes::answer).with_state(Arc::clone(&sim));
    Api { router, truth: Arc::new(move |stream| truth::rows(&sim, stream)) }
}

/// One running Userlot.
#[derive(Debug)]
struct Sim {
    core: Arc<Core>,
    world: Mutex<World>,
    served: AtomicU64,
}

impl Sim {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn switch(&self, name: &str) -> &str {
        self.core.switches.get(name)
    }

    /// Whether a switch that holds words with commas names `word`, or is `on` for all.
    fn names(&self, switch: &str, word: &str) -> bool {
        let value = self.switch(switch);
        value == "on" || value.split(',').any(|named| !word.is_empty() && named.trim() == word)
    }

    /// Whether a row of `table` is to be seen by a key of `product`.
    fn sees(&self, table: Table, row: &world::Row, product: usize) -> bool {
        let every = usize::try_from(self.core.switches.number("delete_every")).unwrap_or(0);
        let mortal = matches!(table, Table::Companies | Table::EndUsers | Table::Tasks);
        let gone = mortal && every > 0 && row.number % every == every - 1;
        let own = row.product.is_none_or(|owner| owner == product);
        !gone && (own || !self.core.switches.on("product_scope"))
    }

    /// How many requests came before this one.
    fn count(&self) -> u64 {
        self.served.fetch_add(1, Ordering::Relaxed)
    }
}
