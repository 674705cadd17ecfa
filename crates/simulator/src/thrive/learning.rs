//! `GET` on contents, activities, completions, tags and skill levels, and on one of each.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use http::Uri;
use serde_json::json;

use super::{
    Simulator,
    answer::Answer,
    lists::{self, Envelope},
    made_learning::TYPES,
    query::{Query, Window},
    world::{Name, Row},
};

pub(super) async fn contents(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let query = Query::read(&simulator, &uri, &["page", "perPage", "types", "omitTypes", "updatedSince"])?;
    let page = query.page(20, 1000)?;
    let since = query.updated_since()?;
    let types = query.words("types", Some(TYPES))?;
    let omitted = query.words("omitTypes", Some(TYPES))?;
    let keep = |row: &Row| {
        let own = row.text("type");
        // `omitTypes` is ignored when `types` is sent.
        let wanted = match (&types, &omitted) {
            (Some(types), _) => types.contains(&own),
            (None, Some(omitted)) => !omitted.contains(&own),
            (None, None) => true,
        };
        wanted && row.changed_since(since)
    };
    Ok(lists::table(&simulator, &mut simulator.world(), Name::Contents, page, Envelope::Object, keep))
}

pub(super) async fn activities(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let known = [
        "page",
        "perPage",
        "actions",
        "omitActions",
        "contentIds",
        "contentType",
        "timestampFrom",
        "timestampTo",
    ];
    let query = Query::read(&simulator, &uri, &known)?;
    let page = query.page(20, 1000)?;
    let actions = query.words("actions", None)?;
    let omitted = query.words("omitActions", None)?;
    let contents = query.ids("contentIds")?;
    let kind = query.text("contentType");
    let window = query.window(query.civil("timestampFrom", ' ')?, query.civil("timestampTo", ' ')?);
    let keep = |row: &Row| {
        let (action, context) = (row.text("type"), row.text("contextType"));
        window.holds(row.at)
            && actions.as_ref().is_none_or(|actions| actions.contains(&action))
            && omitted.as_ref().is_none_or(|omitted| !omitted.contains(&action))
            && contents
                .as_ref()
                .is_none_or(|ids| context == "content" && ids.contains(&row.text("contextId")))
            && kind.is_none_or(|kind| kind == context || kind == row.text("contentType"))
    };
    Ok(lists::table(&simulator, &mut simulator.world(), Name::Activities, page, Envelope::Object, keep))
}

pub(super) async fn completions(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let known = [
        "page",
        "perPage",
        "contentId",
        "userId",
        "isRPL",
        "completedDateRangeStart",
        "completedDateRangeEnd",
    ];
    let query = Query::read(&simulator, &uri, &known)?;
    let page = query.page(1000, 1000)?;
    let content = query.text("contentId");
    let user = query.text("userId");
    let imported = query.boolean("isRPL")?;
    let from = query.instant_or_date("completedDateRangeStart")?;
    let to = query.instant_or_date("completedDateRangeEnd")?;
    let window = Window { from, to, inclusive: true };
    let keep = |row: &Row| {
        window.holds(row.at)
            && content.is_none_or(|content| content == row.text("contentId"))
            && user.is_none_or(|user| user == row.text("userId"))
            && imported.is_none_or(|imported| row.value["isRPL"] == json!(imported))
    };
    Ok(lists::table(&simulator, &mut simulator.world(), Name::Completions, page, Envelope::Array, keep))
}

/// Paged, or everything at once (row 20).
pub(super) async fn tags(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let query = Query::read(&simulator, &uri, &["page", "perPage", "updatedSince"])?;
    let page = query.page(100, 1000)?;
    let since = query.updated_since()?;
    let mut world = simulator.world();
    let way = simulator.switch("tags_paging");
    if way == "pages" {
        let keep = |row: &Row| row.changed_since(since);
        return Ok(lists::table(&simulator, &mut world, Name::Tags, page, Envelope::Object, keep));
    }
    let rows: Vec<_> =
        world.rows(Name::Tags).iter().filter(|row| row.changed_since(since)).map(|row| &row.value).collect();
    let pages = if way == "repeating" { rows.len().div_ceil(page.size) } else { 1 };
    Ok(lists::everything(&simulator, rows, page, pages))
}

/// A bare array, unpaged.
pub(super) async fn skill_levels(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    Ok(Json(&simulator.world().skill_levels).into_response())
}

pub(super) async fn content(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::Contents, &id)
}

pub(super) async fn activity(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::Activities, &id)
}

pub(super) async fn completion(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::Completions, &id)
}

pub(super) async fn tag(State(simulator): State<Arc<Simulator>>, Path(id): Path<String>, uri: Uri) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::Tags, &id)
}
