//! Every row of a stream, for tests to compare with.

use serde_json::{Value, json};

use super::{
    Simulator, cpd,
    instants::{self, WORLD_END, WORLD_START, civil_printed},
    query::Window,
    world::{Name, World},
};

/// The rows of `stream` as they are sent; nested ones with their parent's key added as `audienceId`.
///
/// `cpd_user_summaries` runs over the whole world, `cpd_user_summaries@2026-01-01T00:00:00@2026-02-01T00:00:00` over
/// a window; each row has its window added as `entryDateFrom` and `entryDateTo`. `user_positions` are the positions of
/// the users, each with `userId` and `index` added.
pub(super) fn rows(simulator: &Simulator, stream: &str) -> Option<Vec<Value>> {
    let world = simulator.world();
    let table = |name: Name| Some(world.rows(name).iter().map(|row| row.value.clone()).collect());
    match stream {
        "users" => table(Name::Users),
        "user_positions" => Some(positions(&world)),
        "audiences" => table(Name::Audiences),
        "audience_members" => {
            let rolled_up = simulator.switch("structure_members") == "rolled_up";
            Some(of_audiences(&world, |id| world.members_of(id, rolled_up)))
        }
        "audience_managers" => {
            let rows =
                |id: &str| world.managers.get(id).map(|rows| rows.iter().collect()).unwrap_or_default();
            Some(of_audiences(&world, rows))
        }
        "contents" => table(Name::Contents),
        "activities" => table(Name::Activities),
        "completions" => table(Name::Completions),
        "assignments" => table(Name::Assignments),
        "enrolments" => table(Name::Enrolments),
        "tags" => table(Name::Tags),
        "skill_levels" => Some(world.skill_levels.clone()),
        "cpd_categories" => table(Name::CpdCategories),
        "cpd_entries" => table(Name::CpdEntries),
        "cpd_requirements" => table(Name::CpdRequirements),
        "cpd_user_summaries" => {
            // One second wider than the world, so that it does not matter whether the ends belong to it.
            let from = civil_printed(WORLD_START - jiff::SignedDuration::from_secs(1));
            summaries(
                simulator,
                &world,
                &from,
                &civil_printed(WORLD_END + jiff::SignedDuration::from_hours(24)),
            )
        }
        _ => {
            let (from, to) = stream.strip_prefix("cpd_user_summaries@")?.split_once('@')?;
            summaries(simulator, &world, from, to)
        }
    }
}

fn positions(world: &World) -> Vec<Value> {
    let mut rows = Vec::new();
    for user in world.rows(Name::Users) {
        for (index, position) in user.value["positions"].as_array().into_iter().flatten().enumerate() {
            let mut row = position.clone();
            row["userId"] = json!(user.id);
            row["index"] = json!(index);
            rows.push(row);
        }
    }
    rows
}

fn of_audiences<'a>(world: &'a World, rows_of: impl Fn(&str) -> Vec<&'a Value>) -> Vec<Value> {
    let mut rows = Vec::new();
    for audience in world.rows(Name::Audiences) {
        for row in rows_of(&audience.id) {
            let mut row = row.clone();
            row["audienceId"] = json!(audience.id);
            rows.push(row);
        }
    }
    rows
}

fn summaries(simulator: &Simulator, world: &World, from: &str, to: &str) -> Option<Vec<Value>> {
    let zone = instants::zone(simulator.switch("zone"));
    let window = Window {
        from: Some(instants::civil(from, 'T', &zone)?),
        to: Some(instants::civil(to, 'T', &zone)?),
        inclusive: simulator.switch("bounds") == "inclusive",
    };
    let mut rows = cpd::summaries(world, &window, None);
    for row in &mut rows {
        row["entryDateFrom"] = json!(from);
        row["entryDateTo"] = json!(to);
    }
    Some(rows)
}
