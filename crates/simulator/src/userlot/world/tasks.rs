//! Tasks, three for each person, and tickets, one for every fourth.

use serde_json::{Value, json};

use super::{DAY, END, PRODUCTS, START, Table, World, below, companies, created, extra, instant, updated};
use crate::core::seed::Seed;

/// Fills tasks and tickets.
pub(super) fn fill(world: &mut World, users: usize) {
    for product in 0..PRODUCTS {
        let count = if product == 0 { users * 3 } else { users.div_ceil(4) };
        for index in 0..count {
            let mut numbers = world.numbers("task", product, index);
            let standard = task(world, &mut numbers, product, index, created(index, count));
            let row = world.add(Table::Tasks, Some(product), standard);
            row.extra = extra(index);
        }
        for index in 0..count.div_ceil(12) {
            let mut numbers = world.numbers("ticket", product, index);
            let at = created(index, count);
            let standard = json!({"id": numbers.uuid(), "created_at": instant(at), "updated_at": instant(at),
                "friendly_id": index + 1, "title": format!("Ticket {index}"), "description": null, "status": "open"});
            world.add(Table::Tickets, Some(product), standard);
        }
    }
}

fn task(world: &World, numbers: &mut Seed, product: usize, index: usize, created: i64) -> Value {
    let due = (created + below(numbers, 60 * DAY)).clamp(START, END - 1);
    let activity = match index % 9 {
        // An object or a word; in the vendor's sample null (A18).
        2 => embedded(world, numbers, Table::ActivityTypes, product),
        5 => json!("meeting"),
        _ => Value::Null,
    };
    json!({
        "id": numbers.uuid(),
        "created_at": instant(created),
        "updated_at": instant(updated(numbers, created)),
        "friendly_id": companies::friendly(index),
        "title": title(index),
        "description": description(index),
        "priority": priority(index),
        "busy": ([Some(false), Some(true), None][index % 3]),
        "due_at": if index % 8 == 3 { Value::Null } else { instant(due) },
        "end_at": if index % 8 < 4 { Value::Null } else { instant((due + 1800).min(END - 1)) },
        "task_status": if index % 13 == 5 { Value::Null } else { embedded(world, numbers, Table::TaskStatuses, product) },
        "task_category": if index % 6 == 4 { Value::Null } else { embedded(world, numbers, Table::TaskCategories, product) },
        "activity_type": activity,
        "user": if index % 7 == 6 { Value::Null } else { embedded(world, numbers, Table::Users, product) },
        "team": if index % 5 == 2 { Value::Null } else { embedded(world, numbers, Table::Teams, product) },
        "product_id": if index % 23 == 9 { Value::Null } else { world.product_id(product) },
    })
}

/// A copy of a row of a small table, of this product; never the last, so that derived lists stay incomplete.
fn embedded(world: &World, numbers: &mut Seed, table: Table, product: usize) -> Value {
    let rows: Vec<_> =
        world.rows(table).iter().filter(|row| row.product.is_none_or(|owner| owner == product)).collect();
    let used = rows.get(..rows.len().saturating_sub(1)).filter(|used| !used.is_empty()).unwrap_or(&rows);
    if used.is_empty() { Value::Null } else { Value::Object(numbers.pick(used).standard.clone()) }
}

/// The scale and its direction are unknown (A18).
fn priority(index: usize) -> Option<i64> {
    [Some(3), Some(0), Some(1), Some(2), None, Some(-1), Some(10)][index % 7]
}

fn title(index: usize) -> Value {
    match index % 12 {
        3 => json!(""),
        7 => Value::Null,
        9 => json!(format!("Préparer le café ☕ / {index}")),
        10 => json!(format!("Line one\nline two, \"{index}\"; 100%")),
        _ => json!(format!("Prepare renewal call {index}")),
    }
}

fn description(index: usize) -> Value {
    match index % 5 {
        0 => json!("<p>Bring the usage chart</p>"),
        1 => json!(""),
        2 => Value::Null,
        3 => json!(format!(
            "<div><p>größer &gt; kleiner &amp; <a href=\"https://example.com/?a=1&b={index}\">link</a></p></div>"
        )),
        _ => json!("<p>long</p>".repeat(200)),
    }
}
