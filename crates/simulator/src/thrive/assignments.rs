//! `GET /assignments` and their enrolments: bare arrays, paged by the query only, at most 100 rows a page.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use http::{StatusCode, Uri};

use super::{
    Simulator,
    answer::{Answer, Refusal},
    lists::{self, Envelope},
    query::{Query, Window, is_id},
    world::{Name, Row},
};

const STATUSES: &[&str] = &["archived", "complete", "open", "overdue", "scheduled", "unassigned"];

pub(super) async fn list(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let query = Query::read(&simulator, &uri, &["audienceId", "updatedSince", "page", "perPage", "limit"])?;
    let page = query.page(100, 100)?;
    let since = query.updated_since()?;
    let audience = query.text("audienceId");
    if audience.is_none() && simulator.switch("assignments_audience") == "required" {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "audienceId should not be empty"));
    }
    let mut world = simulator.world();
    // An audience that is not there has no assignments.
    let audience = audience.map(|audience| world.audience_id(audience).unwrap_or_default());
    let keep = |row: &Row| {
        row.changed_since(since)
            && audience.as_ref().is_none_or(|audience| audience == row.text("audienceId"))
    };
    Ok(lists::table(&simulator, &mut world, Name::Assignments, page, Envelope::Array, keep))
}

pub(super) async fn one(State(simulator): State<Arc<Simulator>>, Path(id): Path<String>, uri: Uri) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::Assignments, &id)
}

pub(super) async fn enrolments(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    let query =
        Query::read(&simulator, &uri, &["updatedAtFrom", "updatedAtTo", "status", "page", "perPage"])?;
    let page = query.page(100, 100)?;
    let window =
        Window { from: query.instant("updatedAtFrom")?, to: query.instant("updatedAtTo")?, inclusive: true };
    if window.to.is_some() && window.from.is_none() {
        return Err(query.missing("updatedAtFrom"));
    }
    let status = query.word("status", STATUSES)?;
    if !is_id(&id) {
        return Err(simulator.wrong("assignmentId must match ^[0-9a-fA-F]{24}$"));
    }
    let mut world = simulator.world();
    if world.row(Name::Assignments, &id).is_none() {
        return Err(Refusal::not_found("assignment"));
    }
    let keep = |row: &Row| {
        row.text("assignmentId") == id
            && row.changed.is_none_or(|changed| window.holds(changed))
            && status.is_none_or(|status| status == row.text("status"))
    };
    Ok(lists::table(&simulator, &mut world, Name::Enrolments, page, Envelope::Array, keep))
}

pub(super) async fn enrolment(
    State(simulator): State<Arc<Simulator>>,
    Path((assignment, id)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    if !is_id(&assignment) || !is_id(&id) {
        return Err(simulator.wrong("assignmentId and enrolmentId must match ^[0-9a-fA-F]{24}$"));
    }
    let world = simulator.world();
    let row = world.row(Name::Enrolments, &id).filter(|row| row.text("assignmentId") == assignment);
    Ok(Json(&row.ok_or_else(|| Refusal::not_found("enrolment"))?.value).into_response())
}
