//! `GET /users`, `/user/{id}` and `/users/ref/{ref}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use serde_json::Value;

use super::{
    Simulator,
    answer::{Answer, Refusal, ok},
    lists::{self, Envelope},
    query::Query,
    world::{Name, Row},
};

const STATUSES: &[&str] = &["active", "inactive", "expired", "new"];

pub(super) async fn list(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let known = ["page", "perPage", "updatedSince", "status", "statuses", "omitStatuses"];
    let query = Query::read(&simulator, &uri, &known)?;
    let page = query.page(100, 1000)?;
    let since = query.updated_since()?;
    let status = query.word("status", STATUSES)?;
    let statuses = query.words("statuses", Some(STATUSES))?;
    let omitted = query.words("omitStatuses", Some(STATUSES))?;
    let unfiltered = status.is_none() && statuses.is_none() && omitted.is_none();
    let only_active = unfiltered && simulator.switch("unfiltered_users") == "active_new";
    let filtered = !unfiltered || since.is_some();
    let keep = |row: &Row| {
        let own = row.text("status");
        row.changed_since(since)
            && status.is_none_or(|status| status == own)
            && statuses.as_ref().is_none_or(|statuses| statuses.contains(&own))
            && omitted.as_ref().is_none_or(|omitted| !omitted.contains(&own))
            && (!only_active || ["active", "new"].contains(&own))
    };
    let mut world = simulator.world();
    if filtered && simulator.switch("no_users") == "404" && !world.rows(Name::Users).iter().any(keep) {
        return Err(Refusal::not_found("user"));
    }
    Ok(lists::table(&simulator, &mut world, Name::Users, page, Envelope::Object, keep))
}

pub(super) async fn by_id(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::Users, &id)
}

/// A shorter user than that of the list.
pub(super) async fn by_ref(
    State(simulator): State<Arc<Simulator>>,
    Path(reference): Path<String>,
    uri: Uri,
) -> Answer {
    const FIELDS: &[&str] = &[
        "id",
        "ref",
        "firstName",
        "lastName",
        "email",
        "role",
        "status",
        "positions",
        "additionalFields",
        "languageCode",
    ];
    Query::read(&simulator, &uri, &[])?;
    let world = simulator.world();
    let row =
        world.rows(Name::Users).iter().find(|row| row.text("ref") == reference && !reference.is_empty());
    let row = row.ok_or_else(|| Refusal::not_found("user"))?;
    let fields = row.value.as_object().into_iter().flatten();
    let short = fields.filter(|(name, _)| FIELDS.contains(&name.as_str()));
    ok(&Value::Object(short.map(|(name, value)| (name.clone(), value.clone())).collect()))
}
