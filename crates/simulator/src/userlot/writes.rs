//! The writes: upsert, create, update. What they are given, later reads show.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Refusal, empty_answer, json_answer},
    body::{Asked, Fields},
    lists, paging, shape,
    world::{Row, Table, World, end_users::full_name},
};

/// How a standard field may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The Userlot id: finds a row, is never changed.
    Id,
    Text,
    Source,
    Money,
    Date,
    /// The Userlot id of a company.
    Company,
    Any,
}

fn kind(table: Table, field: &str) -> Option<Kind> {
    match (table, field) {
        (_, "id") => Some(Kind::Id),
        (_, "external_id") => Some(Kind::Text),
        (_, "source_external_id") => Some(Kind::Source),
        (Table::Companies, "name") => Some(Kind::Text),
        (Table::Companies, "arr" | "mrr") => Some(Kind::Money),
        (Table::Companies, "start_date" | "renewal_date") => Some(Kind::Date),
        (Table::EndUsers, "first_name" | "last_name" | "email") => Some(Kind::Text),
        (Table::EndUsers, "company_id") => Some(Kind::Company),
        // Nothing is documented of these (A8).
        (Table::Tasks | Table::Tickets, "title" | "description") => Some(Kind::Text),
        (Table::Tasks, "priority" | "busy" | "due_at" | "end_at") => Some(Kind::Any),
        (Table::Tickets, "status") => Some(Kind::Any),
        _ => None,
    }
}

/// What a write does to a row.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) standard: Map<String, Value>,
    /// Null takes a value away.
    custom: Map<String, Value>,
    source: Option<String>,
}

/// `PUT /companies` and its like: changes the row that an identifier names, or creates one (5.1, A20).
pub(super) fn upsert(sim: &Sim, asked: &Asked, table: Table, product: usize) -> Result<Response, Refusal> {
    // The vendor's page lists the name as a parameter of the query too; it does nothing there.
    paging::checked(sim, asked, if table == Table::Companies { &["name"] } else { &[] })?;
    let fields = asked.fields(sim)?;
    let mut world = sim.world();
    let target = named(sim, &world, table, product, &fields)?;
    let change = change(sim, asked, &world, (table, product), &fields, target)?;
    let index = target.unwrap_or_else(|| blank(&mut world, table, product));
    apply(&mut world, table, index, change);
    written(sim, &world, table, index, StatusCode::OK)
}

/// `POST /companies` and its like.
pub(super) fn create(sim: &Sim, asked: &Asked, table: Table, product: usize) -> Result<Response, Refusal> {
    paging::checked(sim, asked, &[])?;
    let fields = asked.fields(sim)?;
    without_id(sim, asked, &fields);
    let mut world = sim.world();
    let change = change(sim, asked, &world, (table, product), &fields, None)?;
    let index = blank(&mut world, table, product);
    apply(&mut world, table, index, change);
    let status = sim.switch("post_status").parse().unwrap_or(StatusCode::CREATED);
    written(sim, &world, table, index, status)
}

/// `PATCH /companies/:id` and its like: only the keys that are sent; null clears.
pub(super) fn update(
    sim: &Sim,
    asked: &Asked,
    table: Table,
    product: usize,
    id: &str,
) -> Result<Response, Refusal> {
    paging::checked(sim, asked, &[])?;
    lists::looks_like_an_id(sim, asked, id);
    let fields = asked.fields(sim)?;
    without_id(sim, asked, &fields);
    let mut world = sim.world();
    let index = position(sim, &world, table, product, |row| row.id() == id)
        .ok_or(Refusal::Status(StatusCode::NOT_FOUND))?;
    let change = change(sim, asked, &world, (table, product), &fields, Some(index))?;
    apply(&mut world, table, index, change);
    written(sim, &world, table, index, StatusCode::OK)
}

fn without_id(sim: &Sim, asked: &Asked, fields: &Fields) {
    if fields.values.contains_key("id") {
        asked.violates(sim, "an `id` in the body");
    }
}

/// Where the row is that a key of `product` sees and that `is_it` knows.
pub(super) fn position(
    sim: &Sim,
    world: &World,
    table: Table,
    product: usize,
    is_it: impl Fn(&Row) -> bool,
) -> Option<usize> {
    world.rows(table).iter().position(|row| sim.sees(table, row, product) && is_it(row))
}

/// The row that an upsert means: by `id`, then `external_id`, then `source_external_id` (A20).
fn named(
    sim: &Sim,
    world: &World,
    table: Table,
    product: usize,
    fields: &Fields,
) -> Result<Option<usize>, Refusal> {
    let not_found = Refusal::Status(StatusCode::NOT_FOUND);
    let text = |key: &str| fields.values.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(id) = text("id") {
        return position(sim, world, table, product, |row| row.id() == id).map(Some).ok_or(not_found);
    }
    let (external, source) = (text("external_id"), text("source_external_id"));
    let by_external = external.and_then(|external| {
        position(sim, world, table, product, |row| row.text("external_id") == Some(external))
    });
    // A row that another external id names is another row, though it shares the source's id.
    let free = |row: &Row| external.is_none() || row.text("external_id").is_none();
    let found = by_external.or_else(|| {
        let source = source?;
        position(sim, world, table, product, |row| {
            free(row) && row.sources.iter().any(|known| known == source)
        })
    });
    let given = external.is_some() || source.is_some();
    if found.is_none() && given && sim.switch("unknown_external_id") == "404" {
        return Err(not_found);
    }
    Ok(found)
}

/// Checks a body against what may be written; `target` is the row that it will change, none for a new one.
fn change(
    sim: &Sim,
    asked: &Asked,
    world: &World,
    (table, product): (Table, usize),
    fields: &Fields,
    target: Option<usize>,
) -> Result<Change, Refusal> {
    let mut change = Change::default();
    let attributes = world.attributes(table, product);
    let invalid = |key: &str, problem: &'static str| {
        asked.violates(sim, &format!("field `{key}` {problem}"));
        Refusal::invalid(key, problem)
    };
    for (key, value) in &fields.values {
        // A form has no null; an empty field is its nearest.
        let blank = value.is_null() || fields.form && value == "";
        match kind(table, key) {
            Some(Kind::Id) => {}
            Some(Kind::Text) if value.is_string() || value.is_null() => {
                change.standard.insert(key.clone(), value.clone());
            }
            Some(Kind::Source) if value.is_string() || value.is_null() => {
                change.source = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            }
            Some(Kind::Text | Kind::Source) => return Err(invalid(key, "is invalid")),
            Some(Kind::Money | Kind::Date | Kind::Company) if blank => {
                change.standard.insert(key.clone(), Value::Null);
            }
            Some(Kind::Money) => {
                let amount = amount(value).ok_or_else(|| invalid(key, "is not a number"))?;
                change.standard.insert(key.clone(), json!(amount));
            }
            Some(Kind::Date) => {
                let date = value.as_str().filter(|text| is_date(text));
                let date = date.ok_or_else(|| invalid(key, "is not a valid date"))?;
                change.standard.insert(key.clone(), json!(date));
            }
            Some(Kind::Company) => {
                let company = value.as_str().filter(|id| {
                    position(sim, world, Table::Companies, product, |row| row.id() == *id).is_some()
                });
                let company = company.ok_or_else(|| Refusal::invalid("company", "must exist"))?;
                change.standard.insert(key.clone(), json!(company));
            }
            Some(Kind::Any) => {
                change.standard.insert(key.clone(), value.clone());
            }
            None => match attributes.iter().find(|(name, _)| name == key) {
                Some((_, field)) => {
                    change.custom.insert(key.clone(), typed(value, field, fields.form));
                }
                None => asked.violates(sim, &format!("unknown field `{key}`")),
            },
        }
    }
    complete(sim, world, (table, product), &change, target, &attributes)?;
    Ok(change)
}

/// Mandatory fields on create, and one row for each external id of a product.
fn complete(
    sim: &Sim,
    world: &World,
    (table, product): (Table, usize),
    change: &Change,
    target: Option<usize>,
    attributes: &[(&str, &Row)],
) -> Result<(), Refusal> {
    let name = change.standard.get("name");
    let named = name.and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty());
    let asks_name = table == Table::Companies && sim.core.switches.on("name_required");
    if asks_name && !named && (target.is_none() || name.is_some()) {
        return Err(Refusal::invalid("name", "can't be blank"));
    }
    if target.is_none() && sim.core.switches.on("required_custom") {
        for (attribute, field) in attributes {
            let required = field.standard.get("required") == Some(&Value::Bool(true));
            if required && change.custom.get(*attribute).is_none_or(Value::is_null) {
                return Err(Refusal::invalid(*attribute, "can't be blank"));
            }
        }
    }
    let external = change.standard.get("external_id").and_then(Value::as_str);
    let taken = external.is_some_and(|external| {
        let rows = world.rows(table).iter().enumerate();
        rows.filter(|(index, row)| Some(*index) != target && row.product == Some(product))
            .any(|(_, row)| row.text("external_id") == Some(external))
    });
    if taken { Err(Refusal::invalid("external_id", "has already been taken")) } else { Ok(()) }
}

/// A decimal's text, from a number or a numeric string.
fn amount(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let starts = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    (starts && text.parse::<f64>().is_ok_and(f64::is_finite)).then_some(text)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// A custom value; a form's text becomes what the field's definition says, where it can.
fn typed(value: &Value, field: &Row, form: bool) -> Value {
    let (true, Some(text)) = (form, value.as_str()) else { return value.clone() };
    let numeric = || serde_json::from_str::<Value>(text).ok().filter(Value::is_number);
    let typed = match (field.text("field_type"), text) {
        (_, "") => Some(Value::Null),
        (Some("number" | "integer"), _) => numeric(),
        (Some("boolean"), "true") => Some(json!(true)),
        (Some("boolean"), "false") => Some(json!(false)),
        _ => None,
    };
    typed.unwrap_or_else(|| value.clone())
}

/// A new row with every key that a read shows, and the next write's id; its position.
pub(super) fn blank(world: &mut World, table: Table, product: usize) -> usize {
    let (id, now) = world.next_write();
    let friendly = world.rows(table).iter().filter(|row| row.product == Some(product)).count() + 1;
    let keys = match table {
        Table::Companies => json!({"name": null, "emails": [], "health_score": 0, "health_score_diff": null,
            "last_seen_at": null, "health_category": null, "owner_user_id": null, "mrr": null, "arr": null,
            "start_date": null, "renewal_date": null, "life_cycle_stage_id": null, "status_id": null,
            "life_cycle_id": null, "external_id": null}),
        Table::EndUsers => json!({"first_name": null, "last_name": null, "name": null, "email": null,
            "company_id": null, "external_id": null, "last_seen_at": null}),
        Table::Tasks => {
            json!({"title": null, "description": null, "priority": null, "busy": false, "due_at": null,
            "end_at": null, "task_status": null, "task_category": null, "activity_type": null, "user": null,
            "team": null, "product_id": world.product_id(product)})
        }
        _ => json!({"title": null, "description": null, "status": null}),
    };
    let row = world.add(table, Some(product), keys);
    let head = [
        ("id", json!(id)),
        ("created_at", now.clone()),
        ("updated_at", now),
        ("friendly_id", json!(friendly)),
    ];
    for (key, value) in head {
        row.standard.insert(key.to_owned(), value);
    }
    row.number
}

/// Changes a row, at the next write's instant.
pub(super) fn apply(world: &mut World, table: Table, index: usize, change: Change) {
    let (_, now) = world.next_write();
    let Some(row) = world.row_mut(table, index) else { return };
    row.standard.extend(change.standard);
    row.standard.insert("updated_at".to_owned(), now);
    for (key, value) in change.custom {
        if value.is_null() {
            row.custom.remove(&key);
        } else {
            row.custom.insert(key, value);
        }
    }
    if let Some(source) = change.source.filter(|source| !row.sources.contains(source)) {
        row.sources.push(source);
    }
    if table == Table::EndUsers {
        let part = |key: &str| row.standard.get(key).cloned().unwrap_or_default();
        let name = full_name(&part("first_name"), &part("last_name"));
        row.standard.insert("name".to_owned(), name);
    }
}

/// The row after the write, as a read shows it (A22).
fn written(
    sim: &Sim,
    world: &World,
    table: Table,
    index: usize,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let row = world.rows(table).get(index).ok_or(Refusal::Status(StatusCode::INTERNAL_SERVER_ERROR))?;
    if sim.switch("write_body") == "empty" {
        return Ok(empty_answer(status));
    }
    let sent = match table {
        Table::Companies => shape::company_detail(sim, world, row),
        _ => shape::row(sim, world, table, row),
    };
    Ok(json_answer(status, &sent))
}
