//! `identify`: the server's twin of the browser call.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Refusal, empty_answer, json_answer},
    body::Asked,
    paging,
    world::{Table, World},
    writes::{Change, apply, blank, position},
};

/// `PUT /identify`: this person of this company is active now (5.4, A21).
pub(super) fn identify(sim: &Sim, asked: &Asked, product: usize) -> Result<Response, Refusal> {
    const FIELDS: [&str; 4] = ["user_email", "user_external_id", "company_name", "company_external_id"];
    paging::checked(sim, asked, &[])?;
    let fields = asked.fields(sim)?;
    for (key, value) in &fields.values {
        if !FIELDS.contains(&key.as_str()) {
            asked.violates(sim, &format!("unknown field `{key}`"));
        } else if !value.is_string() && !value.is_null() {
            asked.violates(sim, &format!("field `{key}` is not text"));
            return Err(Refusal::invalid(key, "is invalid"));
        }
    }
    let text = |key: &str| fields.values.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut world = sim.world();
    let company = seen(
        sim,
        &mut world,
        (Table::Companies, product),
        ("external_id", text(FIELDS[3])),
        ("name", text(FIELDS[2])),
    );
    let company =
        company.and_then(|index| world.rows(Table::Companies).get(index)).map(|row| row.id().to_owned());
    let user = seen(
        sim,
        &mut world,
        (Table::EndUsers, product),
        ("external_id", text(FIELDS[1])),
        ("email", text(FIELDS[0])),
    );
    if let (Some(company), Some(row)) =
        (company, user.and_then(|index| world.row_mut(Table::EndUsers, index)))
    {
        row.standard.insert("company_id".to_owned(), json!(company));
    }
    Ok(match sim.switch("identify_body") {
        "empty" => empty_answer(StatusCode::OK),
        _ => json_answer(StatusCode::OK, &json!({"status": "ok"})),
    })
}

/// Finds or creates the row with an external id, or failing that with `other`, and marks it as seen.
fn seen(
    sim: &Sim,
    world: &mut World,
    (table, product): (Table, usize),
    external: (&str, Option<&str>),
    other: (&str, Option<&str>),
) -> Option<usize> {
    let (key, wanted) = if external.1.is_some() { external } else { other };
    let wanted = wanted?;
    let found = position(sim, world, table, product, |row| row.text(key) == Some(wanted));
    let index = found.unwrap_or_else(|| blank(world, table, product));
    let mut change = Change::default();
    for (key, value) in [external, other] {
        if let Some(value) = value {
            change.standard.insert(key.to_owned(), json!(value));
        }
    }
    apply(world, table, index, change);
    let row = world.row_mut(table, index)?;
    let now = row.standard.get("updated_at").cloned().unwrap_or_default();
    row.standard.insert("last_seen_at".to_owned(), now);
    Some(index)
}
