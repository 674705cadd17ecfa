//! Every row of a stream, for tests to compare with: what the first product's key can read.

use serde_json::Value;

use super::{Sim, lists, shape, world::Table};

/// The rows of a stream of the reference's section 3, or of a candidate list by its path; the complete list of task
/// statuses and categories is `all_task_statuses` and `all_task_categories`, for the plain names are derived streams.
pub(super) fn rows(sim: &Sim, stream: &str) -> Option<Vec<Value>> {
    match stream {
        "company_revenue" => Some(lists::all_revenue(sim, 0)),
        "company_detail" => Some(details(sim)),
        "task_statuses" => Some(derived(sim, "task_status")),
        "task_categories" => Some(derived(sim, "task_category")),
        "team_users" => Some(derived(sim, "user")),
        "all_task_statuses" => Some(lists::all(sim, Table::TaskStatuses, 0)),
        "all_task_categories" => Some(lists::all(sim, Table::TaskCategories, 0)),
        _ => Some(lists::all(sim, Table::at(stream)?, 0)),
    }
}

fn details(sim: &Sim) -> Vec<Value> {
    let world = sim.world();
    let seen = world.rows(Table::Companies).iter().filter(|row| sim.sees(Table::Companies, row, 0));
    seen.map(|row| shape::company_detail(sim, &world, row)).collect()
}

/// The objects that tasks embed under `key`, one for each id, the newest of each, in the order in which ids turn up.
fn derived(sim: &Sim, key: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for task in lists::all(sim, Table::Tasks, 0) {
        let Some(object) = task.get(key).filter(|object| object.is_object()) else { continue };
        match found.iter_mut().find(|known| known.get("id") == object.get("id")) {
            Some(known) if changed(object) > changed(known) => known.clone_from(object),
            Some(_) => {}
            None => found.push(object.clone()),
        }
    }
    found
}

/// Instants of one form compare as text.
fn changed(row: &Value) -> Option<&str> {
    row.get("updated_at").and_then(Value::as_str)
}
