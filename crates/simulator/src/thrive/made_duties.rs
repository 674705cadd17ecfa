//! Assignments, the enrolments that follow from them, and CPD.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::core::seed::Seed;

use super::{
    instants::{WORLD_END, printed},
    made_learning::{TYPES, any_content, reflection},
    made_people::audience_count,
    maker::Maker,
    world::{Name, Row, World, text},
};

/// Every status that an enrolment can have now; `unassigned` shows up only as a previous one.
const STATUSES: &[&str] = &["complete", "open", "overdue", "scheduled", "archived"];

/// Fills assignments, enrolments and the three CPD tables; audiences and members are there already.
pub(super) fn fill(maker: &Maker, world: &mut World) {
    if maker.users == 0 {
        return;
    }
    let assignments: Vec<Row> =
        (0..audience_count(maker) * 3 / 2).map(|number| assignment(maker, number)).collect();
    let mut enrolments = Vec::new();
    for row in &assignments {
        let members = world.members.get(row.text("audienceId")).map_or(&[][..], Vec::as_slice);
        for (place, member) in members.iter().enumerate() {
            enrolments.push(enrolment(maker, row, place, text(member, "userId")));
        }
    }
    world.fill(Name::Assignments, assignments);
    world.fill(Name::Enrolments, enrolments);
    world.fill(Name::CpdCategories, (0..CATEGORIES).map(|number| category(maker, number)).collect());
    world.fill(
        Name::CpdRequirements,
        (0..audience_count(maker)).step_by(2).map(|number| requirement(maker, number)).collect(),
    );
    world.fill(Name::CpdEntries, (0..maker.users * 3).map(|number| entry(maker, number)).collect());
}

fn assignment(maker: &Maker, number: usize) -> Row {
    let mut numbers = maker.numbers("assignment", number);
    let created = maker.time("assignment", number);
    let updated = maker.later("updated assignment", number, created);
    // The first round skips no audience; the second gives half of them another one, but not everyone's.
    let audience = if number < audience_count(maker) { number } else { 1 + number % audience_count(maker) };
    let deleted = numbers.chance(10);
    let others = Maker::index(&mut numbers, 3);
    let value = json!({
        "id": maker.id("assignment", number),
        "audienceId": maker.id("audience", audience),
        "primaryContentId": any_content(maker, &mut numbers),
        "alternativeContentIds": (0..others).map(|_| any_content(maker, &mut numbers)).collect::<Vec<_>>(),
        "hideAlternativeContent": numbers.chance(50),
        "completionPeriod": *numbers.pick(&[30, 14, 0, 3650]),
        "recurrence": *numbers.pick(&[Some(365), Some(2_147_483_648_i64), None]),
        "isActive": !deleted && numbers.chance(80),
        "isDeleted": deleted,
        "createdAt": printed(created),
        "deletedAt": deleted.then(|| printed(updated)),
        "updatedAt": printed(updated),
    });
    let value = maker.spoiled(
        &mut numbers,
        value,
        &["createdAt", "deletedAt", "alternativeContentIds", "recurrence"],
    );
    Row::new(Name::Assignments, value, created, Some(updated))
}

fn enrolment(maker: &Maker, assignment: &Row, place: usize, user: &str) -> Row {
    let label = format!("enrolment {}", assignment.id);
    let mut numbers = maker.numbers(&label, place);
    // Everyone of a batch is enrolled at the same instant.
    let available = Maker::between(&mut maker.numbers(&label, place / 9), assignment.at, WORLD_END);
    let due = available + SignedDuration::from_hours(24 * 30);
    let status = match *numbers.pick(STATUSES) {
        "overdue" if due >= WORLD_END => "open",
        status => status,
    };
    let updated = match status {
        "overdue" if maker.derived_updates => due,
        "complete" | "archived" => Maker::between(&mut numbers, available, due.min(WORLD_END)),
        _ => available,
    };
    let mut value = json!({
        "id": maker.id(&label, place),
        "userId": user,
        "assignmentId": assignment.id,
        "audienceId": assignment.text("audienceId"),
        "primaryContentId": assignment.text("primaryContentId"),
        "status": status,
        "updatedAt": printed(updated),
    });
    if numbers.chance(90) {
        value["availableDate"] = json!(printed(available));
        value["dueDate"] = json!(printed(due));
    }
    match numbers.below(3) {
        _ if status == "complete" => value["lastCompletedAt"] = json!(printed(updated)),
        0 => {}
        _ => value["lastCompletedAt"] = Value::Null,
    }
    match numbers.below(4) {
        0 => {}
        1 => value["history"] = json!([]),
        _ => value["history"] = history(maker, &mut numbers, status, available, updated),
    }
    let value = maker.spoiled(&mut numbers, value, &["availableDate", "dueDate", "history"]);
    Row::new(Name::Enrolments, value, available, Some(updated))
}

fn history(maker: &Maker, numbers: &mut Seed, status: &str, from: Timestamp, to: Timestamp) -> Value {
    let completion = maker.id("completion", Maker::index(numbers, maker.users * 3));
    json!([
        {"type": "assigned", "completionId": null, "previousStatus": "unassigned", "nextStatus": "open",
         "createdAt": printed(from), "updatedAt": printed(from)},
        {"type": "completed", "completionId": (status == "complete").then_some(completion), "previousStatus": "open",
         "nextStatus": status, "createdAt": printed(to), "updatedAt": printed(to)},
    ])
}

/// How many CPD categories there are.
const CATEGORIES: usize = 7;

fn category_name(number: usize) -> String {
    match number {
        0 => "WORKSHOPS".to_owned(),
        1 => "Reading & réflexion / 50 %".to_owned(),
        2 => "c".repeat(250),
        _ => format!("Category {number}"),
    }
}

fn category(maker: &Maker, number: usize) -> Row {
    let at = maker.time("category", number);
    let value = json!({"categoryId": maker.id("category", number), "name": category_name(number)});
    let value = maker.spoiled(&mut maker.numbers("category", number), value, &[]);
    Row::new(Name::CpdCategories, value, at, Some(at))
}

fn requirement(maker: &Maker, number: usize) -> Row {
    let mut numbers = maker.numbers("requirement", number);
    let created = maker.time("requirement", number);
    let updated = numbers.chance(50).then(|| Maker::between(&mut numbers, created, WORLD_END));
    let value = json!({
        "audienceRequirementId": maker.id("requirement", number),
        "audienceId": maker.id("audience", number),
        "requiredMinutes": *numbers.pick(&[900, 0, 4_294_967_296_i64]),
        "createdAt": printed(created),
        "updatedAt": updated.map(printed),
    });
    Row::new(Name::CpdRequirements, maker.spoiled(&mut numbers, value, &[]), created, updated)
}

fn entry(maker: &Maker, number: usize) -> Row {
    let mut numbers = maker.numbers("entry", number);
    let at = maker.time("entry", number);
    let chosen = Maker::index(&mut numbers, CATEGORIES);
    let value = json!({
        "logEntryId": maker.id("entry", number),
        "userId": maker.id("user", number % maker.users),
        "activity": {"type": *numbers.pick(TYPES), "name": maker.said(&mut numbers, "Ladder safety basics")},
        "category": {"categoryId": maker.id("category", chosen), "name": category_name(chosen)},
        "entryDate": printed(at),
        "durationMinutes": *numbers.pick(&[25, 0, 60, 525_600, 3_000_000_000_i64]),
        "description": if maker.irregular { reflection(&mut numbers) } else { Value::Null },
        "isVerified": numbers.chance(50),
    });
    let value = maker.spoiled(&mut numbers, value, &["isVerified", "description", "category", "activity"]);
    Row::new(Name::CpdEntries, value, at, Some(at))
}
