//! `GET` on CPD categories, entries, requirements and the summaries by user.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::{Path, State};
use http::Uri;
use serde_json::{Value, json};

use super::{
    Simulator,
    answer::Answer,
    lists::{self, Envelope},
    query::{Query, Window},
    world::{Name, Row, World},
};

pub(super) async fn categories(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    by_change(&simulator, &uri, Name::CpdCategories)
}

pub(super) async fn requirements(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    by_change(&simulator, &uri, Name::CpdRequirements)
}

fn by_change(simulator: &Simulator, uri: &Uri, name: Name) -> Answer {
    let query = Query::read(simulator, uri, &["page", "perPage", "updatedSince"])?;
    let page = query.page(100, 1000)?;
    let since = query.updated_since()?;
    let keep = |row: &Row| row.changed_since(since);
    Ok(lists::table(simulator, &mut simulator.world(), name, page, Envelope::Object, keep))
}

pub(super) async fn entries(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let query = Query::read(&simulator, &uri, &["page", "perPage", "entryDateFrom", "entryDateTo"])?;
    let page = query.page(100, 1000)?;
    let window = query.window(query.cpd_bound("entryDateFrom")?, query.cpd_bound("entryDateTo")?);
    let keep = |row: &Row| window.holds(row.at);
    Ok(lists::table(&simulator, &mut simulator.world(), Name::CpdEntries, page, Envelope::Object, keep))
}

/// Minutes by user over a window that must be given.
pub(super) async fn user_summaries(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Answer {
    let known = ["page", "perPage", "entryDateFrom", "entryDateTo", "userIds"];
    let query = Query::read(&simulator, &uri, &known)?;
    let page = query.page(100, 1000)?;
    let from = query.civil("entryDateFrom", 'T')?.ok_or_else(|| query.missing("entryDateFrom"))?;
    let to = query.civil("entryDateTo", 'T')?.ok_or_else(|| query.missing("entryDateTo"))?;
    let users = query.ids("userIds")?;
    let window = query.window(Some(from), Some(to));
    let rows = summaries(&simulator.world(), &window, users.as_deref());
    Ok(lists::rows_of(&simulator, rows.iter().collect(), page, Envelope::Object))
}

/// The rows of the summaries over `window`, by user id.
pub(super) fn summaries(world: &World, window: &Window, users: Option<&[&str]>) -> Vec<Value> {
    let mut minutes: BTreeMap<&str, i64> = BTreeMap::new();
    for row in world.rows(Name::CpdEntries).iter().filter(|row| window.holds(row.at)) {
        let user = row.text("userId");
        if users.is_none_or(|users| users.contains(&user)) {
            *minutes.entry(user).or_default() += row.value["durationMinutes"].as_i64().unwrap_or(0);
        }
    }
    minutes.into_iter().map(|(user, minutes)| json!({"userId": user, "durationMinutes": minutes})).collect()
}

pub(super) async fn category(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::CpdCategories, &id)
}

pub(super) async fn entry(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::CpdEntries, &id)
}

pub(super) async fn requirement(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    Query::read(&simulator, &uri, &[])?;
    lists::single(&simulator, Name::CpdRequirements, &id)
}
