//! The reads: lists with their filters, single rows, a company's revenue.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Refusal, empty_answer, json_answer},
    body::Asked,
    paging, shape,
    world::{Row, START, Table, instant},
};

/// The documented filters of a list, in tables or in prose.
fn filters(table: Table) -> &'static [&'static str] {
    match table {
        Table::Companies => &[
            "name",
            "external_id",
            "source_external_id",
            "owner_user_id",
            "life_cycle_id",
            "life_cycle_stage_id",
            "status_id",
        ],
        Table::EndUsers => &["email", "first_name", "last_name", "name", "external_id", "source_external_id"],
        Table::Tasks => &["user_id", "task_status_id", "external_id", "source_external_id"],
        _ => &[],
    }
}

/// A list, filtered and cut.
pub(super) fn list(sim: &Sim, asked: &Asked, table: Table, product: usize) -> Result<Response, Refusal> {
    let known = filters(table);
    paging::checked(sim, asked, known)?;
    let wanted: Vec<(String, String)> =
        asked.parameters().into_iter().filter(|(name, _)| known.contains(&name.as_str())).collect();
    for (name, value) in &wanted {
        let takes_uuid = name.ends_with("_id") && !name.ends_with("external_id");
        if takes_uuid && !is_uuid(value) {
            asked.violates(sim, &format!("`{name}` is not a UUID"));
        }
    }
    let world = sim.world();
    let rows: Vec<&Row> = world
        .rows(table)
        .iter()
        .filter(|row| sim.sees(table, row, product))
        .filter(|row| wanted.iter().all(|(name, value)| matches(sim, table, row, name, value)))
        .collect();
    let page = paging::page(sim, asked, rows.len());
    let mut sent: Vec<Value> = rows
        .get(page.rows)
        .unwrap_or_default()
        .iter()
        .map(|row| shape::row(sim, &world, table, row))
        .collect();
    if let (true, Some(row)) = (page.ends_stale, sent.last_mut().and_then(Value::as_object_mut)) {
        // A row that does not tell when it was edited did not tell before.
        if row.get("updated_at").is_some_and(|at| !at.is_null()) {
            row.insert("updated_at".to_owned(), instant(START));
        }
        row.insert("name".to_owned(), json!("as it was before"));
    }
    let body = wrapped(sim, table.path(), sent, page.meta);
    let mut response = json_answer(StatusCode::OK, &body);
    response.headers_mut().extend(page.headers);
    Ok(response)
}

/// Every row of a list that a key of `product` may see, as it is sent.
pub(super) fn all(sim: &Sim, table: Table, product: usize) -> Vec<Value> {
    let world = sim.world();
    let seen = world.rows(table).iter().filter(|row| sim.sees(table, row, product));
    seen.map(|row| shape::row(sim, &world, table, row)).collect()
}

/// A single row by its Userlot id.
pub(super) fn detail(
    sim: &Sim,
    asked: &Asked,
    table: Table,
    product: usize,
    id: &str,
) -> Result<Response, Refusal> {
    paging::checked(sim, asked, &[])?;
    looks_like_an_id(sim, asked, id);
    let world = sim.world();
    let row = world
        .rows(table)
        .iter()
        .find(|row| row.id() == id && sim.sees(table, row, product))
        .ok_or(Refusal::Status(StatusCode::NOT_FOUND))?;
    let sent = match table {
        Table::Companies => shape::company_detail(sim, &world, row),
        _ => shape::row(sim, &world, table, row),
    };
    Ok(json_answer(StatusCode::OK, &sent))
}

/// The revenue of one company (A11).
pub(super) fn revenue(sim: &Sim, asked: &Asked, product: usize, id: &str) -> Result<Response, Refusal> {
    paging::checked(sim, asked, &[])?;
    looks_like_an_id(sim, asked, id);
    let Some(number) = company_number(sim, product, id) else {
        return Err(Refusal::Status(StatusCode::NOT_FOUND));
    };
    let shape = revenue_shape(sim, number);
    let sent = revenue_rows(sim, id);
    match shape {
        "404" => Err(Refusal::Status(StatusCode::NOT_FOUND)),
        "empty" => Ok(empty_answer(StatusCode::OK)),
        "null" => Ok(json_answer(StatusCode::OK, &Value::Null)),
        "object" => Ok(json_answer(StatusCode::OK, sent.first().unwrap_or(&Value::Null))),
        "wrapped" => Ok(json_answer(StatusCode::OK, &json!({"revenue": sent}))),
        _ => {
            let page = paging::page(sim, asked, sent.len());
            let sent = sent.get(page.rows).unwrap_or_default().to_vec();
            let body = wrapped(sim, Table::Revenue.path(), sent, page.meta);
            let mut response = json_answer(StatusCode::OK, &body);
            response.headers_mut().extend(page.headers);
            Ok(response)
        }
    }
}

/// The revenue rows that a reader can get of the companies of `product`, each with its `company_id`.
pub(super) fn all_revenue(sim: &Sim, product: usize) -> Vec<Value> {
    let companies: Vec<(usize, String)> = {
        let world = sim.world();
        let seen = world.rows(Table::Companies).iter().filter(|row| sim.sees(Table::Companies, row, product));
        seen.map(|row| (row.number, row.id().to_owned())).collect()
    };
    let mut all = Vec::new();
    for (number, id) in companies {
        let sent = revenue_rows(sim, &id);
        let readable = match revenue_shape(sim, number) {
            "404" | "empty" | "null" => 0,
            "object" => 1,
            _ => sent.len(),
        };
        for mut row in sent.into_iter().take(readable) {
            if let Value::Object(row) = &mut row {
                row.insert("company_id".to_owned(), json!(id));
            }
            all.push(row);
        }
    }
    all
}

fn company_number(sim: &Sim, product: usize, id: &str) -> Option<usize> {
    let world = sim.world();
    let mut companies = world.rows(Table::Companies).iter();
    let company = companies.find(|row| row.id() == id && sim.sees(Table::Companies, row, product))?;
    Some(company.number)
}

fn revenue_shape(sim: &Sim, number: usize) -> &str {
    match sim.switch("revenue") {
        "mixed" => ["array", "object", "wrapped", "null", "empty", "404"][number % 6],
        shape => shape,
    }
}

fn revenue_rows(sim: &Sim, company: &str) -> Vec<Value> {
    let world = sim.world();
    let rows = world.rows(Table::Revenue).iter().filter(|row| row.parent.as_deref() == Some(company));
    rows.map(|row| shape::row(sim, &world, Table::Revenue, row)).collect()
}

fn wrapped(sim: &Sim, name: &str, rows: Vec<Value>, meta: Value) -> Value {
    match sim.switch("wrapped_list") {
        "data" => json!({"data": rows}),
        "results" => json!({"results": rows, "count": rows.len()}),
        "name" => json!({name: rows}),
        "meta" => json!({"data": rows, "meta": meta}),
        _ => Value::Array(rows),
    }
}

/// Whether a row passes a filter (A12, A13).
fn matches(sim: &Sim, table: Table, row: &Row, name: &str, wanted: &str) -> bool {
    let how = sim.switch("filter_match");
    let fits = |value: &str| match how {
        "contains" => value.to_lowercase().contains(&wanted.to_lowercase()),
        _ => value == wanted,
    };
    let embedded =
        |key: &str| row.standard.get(key).and_then(|object| object.get("id")).and_then(Value::as_str);
    let ignored = how == "ignored" || table == Table::Tasks && sim.switch("task_filters") == "ignored";
    match (table, name) {
        _ if ignored => true,
        (Table::Tasks, "user_id") => embedded("user").is_some_and(fits),
        (Table::Tasks, "task_status_id") => embedded("task_status").is_some_and(fits),
        (Table::Tasks, _) if sim.switch("task_filters") != "external" => true,
        // With `task_links` a task shows this external id.
        (Table::Tasks, "external_id") => fits(&format!("task/{}", row.number)),
        (_, "source_external_id") => row.sources.iter().any(|source| fits(source)),
        _ => row.text(name).is_some_and(fits),
    }
}

/// `:id` is the Userlot id and no other: a UUID in every example.
pub(super) fn looks_like_an_id(sim: &Sim, asked: &Asked, id: &str) {
    if !is_uuid(id) {
        asked.violates(sim, "the id in the path is not a Userlot id");
    }
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
