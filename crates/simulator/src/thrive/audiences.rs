//! `GET /audiences`, their members and managers. An audience goes by its id or its reference.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use http::{StatusCode, Uri};
use serde_json::json;

use super::{
    Simulator,
    answer::{Answer, Refusal},
    lists::{self, Envelope},
    query::Query,
    world::{Name, Row},
};

pub(super) async fn list(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let query =
        Query::read(&simulator, &uri, &["page", "perPage", "limit", "apiControlled", "updatedSince"])?;
    let page = query.page(100, 1000)?;
    let since = query.updated_since()?;
    let controlled = query.boolean("apiControlled")?;
    let keep = |row: &Row| {
        row.changed_since(since)
            && controlled.is_none_or(|controlled| row.value["apiControlled"] == json!(controlled))
    };
    Ok(lists::table(&simulator, &mut simulator.world(), Name::Audiences, page, Envelope::Object, keep))
}

pub(super) async fn one(State(simulator): State<Arc<Simulator>>, Path(id): Path<String>, uri: Uri) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let world = simulator.world();
    let row = world.audience_id(&id).and_then(|id| world.row(Name::Audiences, &id));
    Ok(Json(&row.ok_or_else(|| Refusal::not_found("audience"))?.value).into_response())
}

pub(super) async fn members(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    let query = Query::read(&simulator, &uri, &["page", "perPage", "limit"])?;
    let page = query.page(100, 1000)?;
    let world = simulator.world();
    let id = world.audience_id(&id).ok_or_else(|| Refusal::not_found("audience"))?;
    let way = simulator.switch("structure_members");
    if let ("400" | "404" | "422", true) = (way, world.is_structure(&id)) {
        let status = way.parse().unwrap_or(StatusCode::NOT_FOUND);
        return Err(Refusal::new(status, "a structure has no members"));
    }
    Ok(lists::rows_of(&simulator, world.members_of(&id, way == "rolled_up"), page, Envelope::Object))
}

/// A bare array, unpaged.
pub(super) async fn managers(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    let world = simulator.world();
    let id = world.audience_id(&id).ok_or_else(|| Refusal::not_found("audience"))?;
    Ok(Json(world.managers.get(&id)).into_response())
}
