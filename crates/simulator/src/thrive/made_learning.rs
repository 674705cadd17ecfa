//! Contents, tags, skill levels, activities and completions.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::core::seed::Seed;

use super::{
    instants::{WORLD_START, printed},
    maker::{Maker, ODD_TEXTS},
    world::{Name, Row, World},
};

/// The names of the tags.
pub(super) const TAGS: &[&str] = &[
    "safety",
    "first aid",
    "negotiation",
    "C#/.NET 100%",
    "négociation",
    "健康",
    "a, b & c",
    "Safety",
    "leadership",
    "fire",
    "data",
    "ladders",
];

/// The documented types of contents.
pub(super) const TYPES: &[&str] = &[
    "article",
    "assessment",
    "broadcast",
    "cmi5",
    "elearning",
    "event",
    "file",
    "pathway",
    "question",
    "quiz",
    "scorm",
    "url",
    "video",
    "mixed",
];

/// Fills contents, tags, activities and completions; users are there already.
pub(super) fn fill(maker: &Maker, world: &mut World) {
    if maker.users == 0 {
        return;
    }
    world.fill(Name::Contents, (0..content_count(maker)).map(|number| content(maker, number)).collect());
    let tags = tags(maker, world);
    world.fill(Name::Tags, tags);
    world.fill(Name::Activities, (0..maker.users * 3).map(|number| activity(maker, number)).collect());
    world.fill(Name::Completions, (0..maker.users * 3).map(|number| completion(maker, number)).collect());
}

/// How many contents there are.
pub(super) fn content_count(maker: &Maker) -> usize {
    (maker.users / 4).max(18)
}

/// The id of one of the contents.
pub(super) fn any_content(maker: &Maker, numbers: &mut Seed) -> String {
    maker.id("content", Maker::index(numbers, content_count(maker)))
}

/// The skill levels of a tenant: three by default, up to ten.
pub(super) fn skill_levels() -> Vec<Value> {
    vec![
        json!({"name": "Beginner", "isEnabled": true, "value": 1024}),
        json!({"name": "Intermediate", "isEnabled": true, "value": 2048}),
        json!({"name": "Advanced", "isEnabled": true, "value": 4096}),
        json!({"name": "Niveau spécial 100 %", "isEnabled": false, "value": 9_007_199_254_740_991_i64}),
    ]
}

fn content(maker: &Maker, number: usize) -> Row {
    let mut numbers = maker.numbers("content", number);
    let created = maker.time("content", number);
    let updated = maker.later("updated content", number, created);
    let kind = match number % 16 {
        // Seen in webhook examples only, and a type of tomorrow.
        14 => "course",
        15 if maker.irregular => "vr-simulation-ü",
        other => TYPES[other % TYPES.len()],
    };
    let title =
        if number == 1 { "t".repeat(255) } else { maker.said(&mut numbers, &format!("Content {number}")) };
    let description = match number {
        2 => json!("d".repeat(65_536)),
        _ if numbers.chance(20) => Value::Null,
        _ => json!(maker.said(&mut numbers, "<p>Ten rules.</p>")),
    };
    let author = maker.id("user", Maker::index(&mut numbers, maker.users));
    let mut value = json!({
        "id": maker.id("content", number),
        "title": title,
        "description": description,
        "tags": TAGS.iter().filter(|_| numbers.chance(15)).collect::<Vec<_>>(),
        "type": kind,
        "createdAt": printed(created),
        "updatedAt": printed(updated),
        "author": numbers.chance(80).then_some(author.clone()),
        "isOfficial": numbers.chance(50),
    });
    match numbers.below(4) {
        0 => {}
        1 => value["duration"] = Value::Null,
        2 => value["duration"] = json!({"value": null, "unit": "minutes"}),
        _ => value["duration"] = json!({"value": numbers.below(90), "unit": "minutes"}),
    }
    match numbers.below(4) {
        0 => {}
        1 => value["contentHistory"] = json!([]),
        _ => {
            value["contentHistory"] = json!([
                {"action": "created", "timestamp": printed(created), "performedBy": {"type": "system", "value": null}},
                {"action": "published", "timestamp": printed(updated), "performedBy": {"type": "user", "value": author}},
            ]);
        }
    }
    let value = maker.spoiled(&mut numbers, value, &["description", "author", "isOfficial", "tags"]);
    Row::new(Name::Contents, value, created, Some(updated))
}

/// One row a name, with everything that uses it.
fn tags(maker: &Maker, world: &World) -> Vec<Row> {
    let mut contents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in world.rows(Name::Contents) {
        for tag in row.value["tags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            contents.entry(tag).or_default().push(&row.id);
        }
    }
    let mut skills: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in world.rows(Name::Users) {
        for tag in row.value["tags"]["skills"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            skills.entry(tag).or_default().push(&row.id);
        }
    }
    let of =
        |uses: &BTreeMap<&str, Vec<&str>>, tag: &str| json!(uses.get(tag).map_or(&[][..], Vec::as_slice));
    let mut rows = Vec::new();
    for (number, tag) in TAGS.iter().enumerate() {
        let mut numbers = maker.numbers("tag", number);
        let campaigns = Maker::index(&mut numbers, 3);
        let value = json!({
            "id": maker.id("tag", number),
            "tag": tag,
            "contents": of(&contents, tag),
            "campaigns": (0..campaigns).map(|place| maker.id(&format!("campaign {tag}"), place)).collect::<Vec<_>>(),
            "interests": (0..2).map(|_| maker.id("user", Maker::index(&mut numbers, maker.users))).collect::<Vec<_>>(),
            "skills": of(&skills, tag),
        });
        let at = maker.time("tag", number);
        let value = maker.spoiled(&mut numbers, value, &["campaigns", "interests"]);
        rows.push(Row::new(Name::Tags, value, at, Some(at)));
    }
    rows
}

fn activity(maker: &Maker, number: usize) -> Row {
    let mut numbers = maker.numbers("activity", number);
    let at = maker.time("activity", number);
    let kind = *numbers.pick(&[
        "viewed",
        "viewed",
        "completed",
        "loggedin",
        "liked",
        "searched",
        "answered",
        "Ünbekannt",
    ]);
    let user = maker.id("user", number % maker.users);
    let mut value = json!({
        "id": maker.id("activity", number),
        "user": (!maker.irregular || !numbers.chance(3)).then_some(user),
        "type": kind,
        "date": printed(at),
        "contextId": null,
        "contextType": null,
        "data": maker.free_form(&mut numbers),
        "with": with(maker, &mut numbers),
    });
    if kind != "loggedin" {
        let (id, context) = match numbers.below(20) {
            0 => (maker.id("nothing", number), "content"),
            1 => (maker.id("audience", 0), "audience"),
            2 => (maker.id("campaign", number), "campaign"),
            _ => (any_content(maker, &mut numbers), "content"),
        };
        value["contextId"] = json!(id);
        value["contextType"] = json!(context);
        if numbers.chance(30) {
            value["contentType"] = json!("elearning");
        }
    }
    if kind == "completed" {
        let percent = if numbers.chance(50) { json!("100") } else { json!(100) };
        value["data"] =
            json!({"version": 2, "progresspercentage": percent, "success": true, "maxScore": 100.0});
    }
    if numbers.chance(60) {
        value["name"] = json!(maker.said(&mut numbers, "Ladder safety basics"));
    }
    let value = maker.spoiled(&mut numbers, value, &["name", "with", "contextId"]);
    Row::new(Name::Activities, value, at, Some(at))
}

fn with(maker: &Maker, numbers: &mut Seed) -> Value {
    match numbers.below(12) {
        _ if !maker.irregular => Value::Null,
        0 => json!(""),
        1 => json!("someone"),
        2 => json!([maker.id("user", 0), null]),
        3 => json!({"users": [{"id": maker.id("user", 0)}]}),
        4 => json!(42),
        5 => json!(false),
        _ => Value::Null,
    }
}

/// Imported ones lie in the first year of the world (row 18), whatever came before them in the list.
fn completion(maker: &Maker, number: usize) -> Row {
    let mut numbers = maker.numbers("completion", number);
    let imported = numbers.chance(25);
    let made = maker.time("completion", number);
    let at = if imported { WORLD_START + SignedDuration::from_millis(elapsed(made) / 2) } else { made };
    let value = json!({
        "id": maker.id("completion", number),
        "userId": maker.id("user", number % maker.users),
        "contentId": any_content(maker, &mut numbers),
        "contentVersion": numbers.chance(90).then(|| numbers.below(5)),
        "skills": TAGS.iter().filter(|_| numbers.chance(10)).collect::<Vec<_>>(),
        "completionType": *numbers.pick(&[Some("default"), Some("manual"), Some("scorm"), Some(""), None]),
        "hadDueDate": numbers.chance(50),
        "isRPL": imported,
        "completedAt": printed(at),
        "activeUntil": numbers.chance(60).then(|| printed(at + SignedDuration::from_hours(24 * 365))),
    });
    let value = maker.spoiled(&mut numbers, value, &["contentVersion", "completionType", "activeUntil"]);
    Row::new(Name::Completions, value, at, Some(at))
}

fn elapsed(at: Timestamp) -> i64 {
    at.as_millisecond() - WORLD_START.as_millisecond()
}

/// A text of a CPD entry; odd in some.
pub(super) fn reflection(numbers: &mut Seed) -> Value {
    if numbers.chance(50) { Value::Null } else { json!(*numbers.pick(ODD_TEXTS)) }
}
