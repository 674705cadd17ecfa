//! Gives a stored row the outer shape that the switches ask for. Nothing else knows what a row looks like on the wire.

use serde_json::{Map, Value, json};

use super::{
    Sim,
    world::{END, Row, Table, World, instant},
};

/// A row of `table` as the vendor sends it.
pub(super) fn row(sim: &Sim, world: &World, table: Table, row: &Row) -> Value {
    let mut sent = row.standard.clone();
    match table {
        Table::Companies => company(sim, row, &mut sent),
        Table::EndUsers => end_user(sim, world, row, &mut sent),
        Table::Revenue => {
            amounts(sim, row, &mut sent);
            if !sim.core.switches.on("revenue_id") {
                sent.remove("id");
            }
        }
        Table::CompanyFields | Table::EndUserFields => field(sim, &mut sent),
        Table::Teams if sim.core.switches.on("team_members") => {
            let members = world.rows(Table::Users).iter().skip(row.number).step_by(3);
            sent.insert(
                "users".to_owned(),
                members.map(|user| Value::Object(user.standard.clone())).collect(),
            );
        }
        Table::Tasks => task(sim, world, row, &mut sent),
        Table::CompanyStatuses
        | Table::Teams
        | Table::TaskStatuses
        | Table::TaskCategories
        | Table::ActivityTypes
        | Table::Users
        | Table::LifeCycles
        | Table::LifeCycleStages
        | Table::Tickets
        | Table::Products => {}
    }
    attributes(sim, world, table, row, &mut sent);
    if sim.core.switches.on("extras") {
        for (key, value) in &row.extra {
            sent.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    Value::Object(sent)
}

/// A company as `/companies/:id` gives it (A16).
pub(super) fn company_detail(sim: &Sim, world: &World, company: &Row) -> Value {
    let mut detail = row(sim, world, Table::Companies, company);
    match sim.switch("company_detail") {
        "wrapped" => json!({"company": detail}),
        "more" => {
            if let Value::Object(detail) = &mut detail {
                detail.insert("currency".to_owned(), json!("EUR"));
                detail.insert("address".to_owned(), json!({"city": "Zürich", "lines": []}));
            }
            detail
        }
        _ => detail,
    }
}

fn company(sim: &Sim, row: &Row, sent: &mut Map<String, Value>) {
    amounts(sim, row, sent);
    seen(sim, row, sent);
    if let (Some(Value::String(category)), shape) =
        (row.standard.get("health_category"), sim.switch("health_category"))
    {
        let category = match shape {
            "null" => Value::Null,
            "object" => json!({"name": category, "color": "#00FF00"}),
            "mixed" if row.number % 8 > 4 => json!({"name": category, "color": null}),
            _ => json!(category),
        };
        sent.insert("health_category".to_owned(), category);
    }
    if let (Some(Value::Array(emails)), "objects") = (row.standard.get("emails"), sim.switch("emails")) {
        let emails = emails.iter().enumerate();
        let emails = emails.map(|(index, email)| json!({"email": email, "primary": index == 0})).collect();
        sent.insert("emails".to_owned(), emails);
    }
    sources(sim, row, sent);
}

fn end_user(sim: &Sim, world: &World, row: &Row, sent: &mut Map<String, Value>) {
    seen(sim, row, sent);
    sources(sim, row, sent);
    if !sim.core.switches.on("end_user_id") {
        sent.remove("id");
    }
    let shape = sim.switch("end_user_company");
    if shape == "id" {
        return;
    }
    let company = row.text("company_id").map_or(Value::Null, |id| {
        let company = world.rows(Table::Companies).iter().find(|company| company.id() == id);
        json!({"id": id, "name": company.and_then(|company| company.standard.get("name"))})
    });
    if shape == "embedded" {
        sent.remove("company_id");
    }
    sent.insert("company".to_owned(), company);
}

/// Money (A6) and dates (A5).
fn amounts(sim: &Sim, row: &Row, sent: &mut Map<String, Value>) {
    let as_text = match sim.switch("money") {
        "string" => true,
        "mixed" => row.number.is_multiple_of(2),
        _ => false,
    };
    for key in ["mrr", "arr"] {
        if let (Some(Value::String(amount)), false) = (row.standard.get(key), as_text) {
            let number = match (amount.parse::<i64>(), amount.parse::<f64>()) {
                (Ok(whole), _) => json!(whole),
                (_, Ok(broken)) => json!(broken),
                _ => Value::Null,
            };
            sent.insert(key.to_owned(), number);
        }
    }
    for key in ["start_date", "renewal_date"] {
        if let Some(Value::String(date)) = row.standard.get(key) {
            let date = match sim.switch("dates") {
                "datetime" => format!("{date}T00:00:00Z"),
                "text" => format!("about {date}"),
                _ => date.clone(),
            };
            sent.insert(key.to_owned(), json!(date));
        }
    }
}

/// Activity moves `last_seen_at` of two rows in three, and `updated_at` of none (3.2).
fn seen(sim: &Sim, row: &Row, sent: &mut Map<String, Value>) {
    let days = i64::try_from(sim.core.switches.number("activity_days")).unwrap_or(0);
    let active = days > 0 && row.number % 3 != 2 && row.standard.contains_key("last_seen_at");
    if active {
        sent.insert("last_seen_at".to_owned(), instant(END.saturating_add(days.saturating_mul(86_400))));
    }
}

fn sources(sim: &Sim, row: &Row, sent: &mut Map<String, Value>) {
    if sim.core.switches.on("source_external_id") {
        sent.insert("source_external_id".to_owned(), json!(row.sources.first()));
    }
}

fn field(sim: &Sim, sent: &mut Map<String, Value>) {
    if !sim.core.switches.on("field_id") {
        sent.remove("id");
    }
    let key = sim.switch("field_key");
    if let Some(name) = sent.remove("attribute_name") {
        sent.insert(key.to_owned(), name);
    }
}

fn task(sim: &Sim, world: &World, row: &Row, sent: &mut Map<String, Value>) {
    if sim.core.switches.on("stale_embeds") && row.number.is_multiple_of(4) {
        for key in ["task_status", "user"] {
            if let Some(Value::Object(copy)) = sent.get_mut(key) {
                copy.insert("updated_at".to_owned(), instant(super::world::START));
                copy.insert("name".to_owned(), json!("former name"));
            }
        }
    }
    if sim.core.switches.on("task_links") {
        let end_user = world.rows(Table::EndUsers).iter().filter(|user| user.product == row.product);
        let end_user = end_user.clone().nth(row.number / 3);
        let company = end_user.and_then(|user| user.standard.get("company_id")).cloned();
        sent.insert("company_id".to_owned(), company.unwrap_or_default());
        let end_user = end_user.map(|user| json!({"id": user.id(), "email": user.standard.get("email")}));
        sent.insert("end_user".to_owned(), end_user.unwrap_or_default());
        sent.insert("external_id".to_owned(), json!(format!("task/{}", row.number)));
    }
}

/// Custom values (A4). A standard key is never overwritten.
fn attributes(sim: &Sim, world: &World, table: Table, row: &Row, sent: &mut Map<String, Value>) {
    if !matches!(table, Table::Companies | Table::EndUsers) {
        return;
    }
    let mut custom = Map::new();
    for (index, (name, _)) in world.attributes(table, row.product.unwrap_or(0)).into_iter().enumerate() {
        let unset = match sim.switch("unset_custom") {
            "null" => true,
            "absent" => false,
            _ => (row.number + index).is_multiple_of(2),
        };
        if let Some(value) = row.custom.get(name) {
            custom.insert(name.to_owned(), value.clone());
        } else if unset {
            custom.insert(name.to_owned(), Value::Null);
        }
    }
    match sim.switch("custom") {
        "custom_fields" => {
            // A custom field may bear the name of a standard one.
            custom.insert("name".to_owned(), json!("custom, not the name"));
            sent.insert("custom_fields".to_owned(), Value::Object(custom));
        }
        "custom_attributes" => {
            let pairs =
                custom.into_iter().map(|(name, value)| json!({"attribute_name": name, "value": value}));
            sent.insert("custom_attributes".to_owned(), pairs.collect());
        }
        _ => {
            for (name, value) in custom {
                sent.entry(name).or_insert(value);
            }
        }
    }
}
