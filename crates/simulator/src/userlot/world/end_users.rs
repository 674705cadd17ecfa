//! The people who use the product.

use serde_json::{Map, Value, json};

use super::{DAY, END, PRODUCTS, Table, World, below, companies, created, extra, instant, updated};
use crate::core::{
    people::{self, Person},
    seed::Seed,
};

/// Fills the end users: all people in the first product, a quarter of them again in the second.
pub(super) fn fill(world: &mut World, users: usize) {
    for product in 0..PRODUCTS {
        let count = if product == 0 { users } else { users.div_ceil(4) };
        let companies: Vec<String> = world
            .rows(Table::Companies)
            .iter()
            .filter(|row| row.product == Some(product))
            .map(|row| row.id().to_owned())
            .collect();
        for index in 0..count {
            let person = people::person(world.seed, index);
            let mut numbers = world.numbers("end_user", product, index);
            // The last company has nobody.
            let company = companies.get(index % companies.len().saturating_sub(1).max(1));
            let company = company.filter(|_| index % 11 != 3).map_or(Value::Null, |id| json!(id));
            let standard = end_user(&mut numbers, &person, company, created(index, count));
            let custom = custom(&mut numbers, product, index);
            let row = world.add(Table::EndUsers, Some(product), standard);
            row.custom = custom;
            row.extra = extra(index);
            if index % 6 == 5 {
                row.sources = vec![format!("desk/{index}"), "shared source".to_owned()];
            }
        }
    }
}

fn end_user(numbers: &mut Seed, person: &Person, company: Value, created: i64) -> Value {
    let index = person.number;
    let updated = updated(numbers, created);
    let email = match index % 17 {
        8 => Value::Null,
        // The same address in another case.
        13 => json!(person.email.replacen("person", "Person", 1)),
        _ => json!(person.email),
    };
    let external_id = match index % 10 {
        3 => json!(format!("{index:07}")),
        6 => Value::Null,
        7 => json!(format!("{}/é %2F", person.external_id)),
        _ => json!(person.external_id),
    };
    let (first, last) = match index % 19 {
        5 => (Value::Null, json!(person.last_name)),
        11 => (json!(""), json!("")),
        14 => (Value::Null, Value::Null),
        _ => (json!(person.first_name), json!(person.last_name)),
    };
    let mut row = json!({
        "id": numbers.uuid(),
        "created_at": instant(created),
        "updated_at": instant(updated),
        "friendly_id": companies::friendly(index),
        "name": full_name(&first, &last),
        "first_name": first,
        "last_name": last,
        "email": email,
        "company_id": company,
        "external_id": external_id,
        "last_seen_at": if index % 9 == 4 { Value::Null } else { instant((updated + below(numbers, 90 * DAY)).min(END - 1)) },
    });
    if let Value::Object(row) = &mut row {
        // Of all keys only `id` is certain (A17).
        for key in [(21, "friendly_id"), (22, "name"), (23, "last_seen_at"), (24, "updated_at")] {
            if index % 26 == key.0 {
                row.remove(key.1);
            }
        }
    }
    row
}

/// The full name that two parts make; none where both are none.
pub(in crate::userlot) fn full_name(first: &Value, last: &Value) -> Value {
    let parts: Vec<&str> = [first, last].into_iter().filter_map(Value::as_str).collect();
    if parts.is_empty() { Value::Null } else { json!(parts.join(" ").trim()) }
}

fn custom(numbers: &mut Seed, product: usize, index: usize) -> Map<String, Value> {
    let mut custom = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            custom.insert(key.to_owned(), value);
        }
    };
    if product == 0 {
        put(
            "job_title",
            [json!("CTO"), json!("Ingénieure / R&D"), json!(""), Value::Null][index % 4].clone(),
        );
    }
    put("login_count", [json!(numbers.below(5000)), json!("17"), Value::Null, json!(0.5)][index % 4].clone());
    put("is_champion", [json!(true), json!(false), Value::Null][index % 3].clone());
    put("skills", [json!([]), json!(["sql", "日本語"]), Value::Null][index % 3].clone());
    let preferences = json!({"theme": "dark", "nested": {"a": [{"b": {"c": [null, 1.0, "x"]}}]}});
    put("preferences", [preferences, json!({}), Value::Null, json!([[]])][index % 4].clone());
    custom
}
