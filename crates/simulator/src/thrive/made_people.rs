//! Users, and the audiences that they are in.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::core::{
    people::{Person, person},
    seed::Seed,
};

use super::{
    instants::{WORLD_END, WORLD_START, printed},
    made_learning::TAGS,
    maker::Maker,
    world::{Name, Row, World},
};

/// How many structures there are; each audience belongs to one.
const STRUCTURES: usize = 3;

/// Fills users, audiences, members and managers.
pub(super) fn fill(maker: &Maker, world: &mut World) {
    if maker.users == 0 {
        return;
    }
    let users = (0..maker.users).map(|number| user(maker, number)).collect();
    world.fill(Name::Users, users);
    let mut audiences: Vec<Row> = (0..STRUCTURES).map(|number| structure(maker, number)).collect();
    audiences.extend((0..audience_count(maker)).map(|number| audience(maker, number)));
    for row in &audiences {
        world.members.insert(row.id.clone(), Vec::new());
        world.managers.insert(row.id.clone(), Vec::new());
    }
    world.fill(Name::Audiences, audiences);
    for number in 0..maker.users {
        for audience in memberships(maker, number) {
            let row = member(maker, number, audience);
            world.members.entry(maker.id("audience", audience)).or_default().push(row);
        }
    }
    for number in 0..audience_count(maker) {
        let rows = managers(maker, "audience", number);
        world.managers.insert(maker.id("audience", number), rows);
    }
    for number in 0..STRUCTURES {
        let rows = managers(maker, "structure", number);
        world.managers.insert(maker.id("structure", number), rows);
    }
}

/// How many audiences there are besides the structures. Number 0 holds everyone, number 1 no one.
pub(super) fn audience_count(maker: &Maker) -> usize {
    (maker.users / 12).clamp(6, 400)
}

/// Whether this user was deleted.
pub(super) fn is_deleted(maker: &Maker, number: usize) -> bool {
    maker.numbers("deleted", number).chance(5)
}

/// The audiences that this user is in.
pub(super) fn memberships(maker: &Maker, number: usize) -> Vec<usize> {
    if is_deleted(maker, number) {
        return Vec::new();
    }
    let mut numbers = maker.numbers("memberships", number);
    let mut audiences = vec![0];
    for _ in 0..2 {
        let audience = 2 + Maker::index(&mut numbers, audience_count(maker) - 2);
        if !audiences.contains(&audience) {
            audiences.push(audience);
        }
    }
    audiences
}

/// The reference of this user: mostly the person's own id, none in some, hard to put into a path in others.
fn reference(maker: &Maker, person: &Person) -> Option<String> {
    let mut numbers = maker.numbers("reference", person.number);
    match numbers.below(100) {
        _ if is_deleted(maker, person.number) => None,
        0..4 if maker.irregular => Some(format!("HR/{} 100%é?#+", person.number)),
        4..8 if maker.irregular => None,
        _ => Some(person.external_id.clone()),
    }
}

fn email(maker: &Maker, person: &Person) -> Option<String> {
    let by_reference = reference(maker, person).is_some() && maker.numbers("login", person.number).chance(10);
    (!by_reference && !is_deleted(maker, person.number)).then(|| person.email.clone())
}

/// The fields of a user that may be null or absent in some rows.
const LOOSE: &[&str] = &[
    "firstName",
    "lastName",
    "role",
    "positions",
    "additionalFields",
    "languageCode",
    "compliance",
    "level",
    "firstLogin",
    "lastLogin",
    "tags",
    "usersFollowing",
    "tagsFollowing",
    "createdAt",
    "hasPicture",
    "timeZone",
    "summary",
    "relevancy",
    "rank",
    "agreedTerms",
    "onboarded",
    "audiences",
    "singleSignOn",
];

fn user(maker: &Maker, number: usize) -> Row {
    let person = person(maker.seed, number);
    let deleted = is_deleted(maker, number);
    let mut numbers = maker.numbers("user", number);
    let created = maker.time("user", number);
    let updated = maker.later("updated user", number, created);
    let mut value = profile(maker, number, &mut numbers);
    let own = json!({
        "id": maker.id("user", number),
        "ref": reference(maker, &person),
        "firstName": (!deleted).then_some(&person.first_name),
        "lastName": (!deleted).then_some(&person.last_name),
        "deleted": deleted,
        "positions": if deleted { json!([]) } else { positions(maker, number, created) },
        "createdAt": printed(created),
        "updatedAt": printed(updated),
    });
    if let (Some(value), Value::Object(own)) = (value.as_object_mut(), own) {
        value.extend(own);
    }
    state(maker, &mut value, &mut numbers, created);
    if let Some(email) = email(maker, &person) {
        value["email"] = json!(email);
    } else if deleted || numbers.chance(50) {
        value["email"] = Value::Null;
    }
    let mut changed = Some(updated);
    if maker.irregular && numbers.chance(3) {
        value["updatedAt"] = Value::Null;
        changed = None;
    }
    Row::new(Name::Users, maker.spoiled(&mut numbers, value, LOOSE), created, changed)
}

/// What says little about who somebody is; nothing personal of a deleted user.
fn profile(maker: &Maker, number: usize, numbers: &mut Seed) -> Value {
    let known = !is_deleted(maker, number);
    json!({
        "role": *numbers.pick(&["learner", "learner", "learner", "learneradmin", "administrator"]),
        "additionalFields": if known { additional_fields(maker, numbers) } else { Value::Null },
        "languageCode": *numbers.pick(&["en-gb", "nl", "de-de", "zh-hans"]),
        "compliance": numbers.pick(&[json!(87.5), json!(0), json!(100), json!(100.0 / 3.0), json!(1e-7)]),
        "level": numbers.pick(&[json!(1), json!(3), json!(12), json!(9_007_199_254_740_991_i64), json!(2.5)]),
        "tags": tags(maker, numbers),
        "usersFollowing": following(maker, numbers),
        "tagsFollowing": if numbers.chance(50) { json!([numbers.pick(TAGS)]) } else { json!([]) },
        "hasPicture": numbers.chance(50),
        "timeZone": *numbers.pick(&["Europe/London", "Europe/Amsterdam", "Asia/Kolkata", "UTC"]),
        "summary": (known && numbers.chance(60)).then(|| maker.said(numbers, "Likes ladders.")),
        "relevancy": numbers.pick(&[json!(12), json!(0), json!(-1.25)]),
        "rank": rank(maker, numbers),
        "agreedTerms": numbers.pick(&[json!(true), json!(false), json!("true"), json!("2025-01-01"), Value::Null]),
        "onboarded": numbers.pick(&[json!(true), json!(false), Value::Null]),
        "audiences": audience_ids(maker, number, numbers.chance(50)),
        "singleSignOn": numbers.chance(50),
    })
}

/// The status, and the logins that it allows.
fn state(maker: &Maker, user: &mut Value, numbers: &mut Seed, created: Timestamp) {
    let status = match numbers.below(20) {
        _ if user["deleted"] == json!(true) => "inactive",
        0..2 => "new",
        2..5 => "inactive",
        5..7 => "expired",
        _ => "active",
    };
    let first = Maker::between(numbers, created, WORLD_END);
    let last = Maker::between(numbers, first, WORLD_END);
    let seen = user["deleted"] != json!(true) && status != "new";
    user["firstLogin"] = json!(seen.then(|| printed(first)));
    user["lastLogin"] = json!(seen.then(|| printed(last)));
    user["status"] = json!(status);
    if maker.irregular && !maker.status_always && numbers.chance(2) {
        user["status"] = Value::Null;
    }
}

fn positions(maker: &Maker, number: usize, created: Timestamp) -> Value {
    let mut numbers = maker.numbers("positions", number);
    let count = *numbers.pick(&[0, 1, 1, 1, 2, 3]);
    let mut all = Vec::new();
    for place in 0..count {
        let leader = person(maker.seed, Maker::index(&mut numbers, maker.users));
        let id = maker.id("user", leader.number);
        let name = format!("{} {}", leader.first_name, leader.last_name);
        let manager = match numbers.below(5) {
            0 => Value::Null,
            1 => json!({"id": id}),
            2 => json!({"id": id, "name": null, "ref": null}),
            _ if is_deleted(maker, leader.number) => json!({"id": id}),
            _ => json!({"id": id, "name": name, "ref": reference(maker, &leader)}),
        };
        let started = Maker::between(&mut numbers, WORLD_START, created.max(WORLD_START));
        let ended = (place + 1 < count).then(|| printed(created));
        let value = json!({
            "id": maker.id("user", number),
            "manager": manager,
            "ouId": numbers.chance(70).then_some("65e9b7aa10"),
            "title": maker.said(&mut numbers, "Service Engineer"),
            "isActive": ended.is_none(),
            "startDate": numbers.chance(80).then(|| printed(started)),
            "endDate": ended,
            "createdAt": printed(created),
            "updatedAt": numbers.chance(80).then(|| printed(created)),
        });
        all.push(maker.spoiled(&mut numbers, value, &["title", "manager", "ouId", "createdAt"]));
    }
    Value::Array(all)
}

fn additional_fields(maker: &Maker, numbers: &mut Seed) -> Value {
    match numbers.below(8) {
        0 => Value::Null,
        1 => json!({}),
        2 if maker.irregular => {
            json!({"costCentre": 4711, "nested": {"a": [1, 2, {"b": null}]}, "Ünïcode key": ""})
        }
        3 if maker.irregular => json!({"location": null, "flags": [], "with.dot": "x", "with space": true}),
        _ => json!({"location": *numbers.pick(&["London", "Utrecht", "Malmö"]), "team": "Field East"}),
    }
}

fn tags(maker: &Maker, numbers: &mut Seed) -> Value {
    let mut tags = Map::new();
    if numbers.chance(85) {
        let skills: Vec<_> = TAGS.iter().filter(|_| numbers.chance(15)).collect();
        tags.insert("skills".to_owned(), json!(skills));
    }
    if maker.irregular && numbers.chance(10) {
        tags.insert("interests".to_owned(), json!([{"tag": "safety", "weight": 0.5}]));
    }
    Value::Object(tags)
}

fn rank(maker: &Maker, numbers: &mut Seed) -> Value {
    match numbers.below(10) {
        0 => json!({}),
        1 if maker.irregular => json!({"currentCategory": 1, "currentLevel": 3, "history": [{"level": 2}]}),
        _ => json!({"currentCategory": numbers.below(4), "currentLevel": numbers.below(9)}),
    }
}

fn following(maker: &Maker, numbers: &mut Seed) -> Value {
    let count = Maker::index(numbers, 4);
    (0..count).map(|_| json!(maker.id("user", Maker::index(numbers, maker.users)))).collect()
}

/// Live data shows objects where the reference says texts.
fn audience_ids(maker: &Maker, number: usize, objects: bool) -> Value {
    let ids = memberships(maker, number).into_iter().map(|audience| maker.id("audience", audience));
    if objects { ids.map(|id| json!({"id": id})).collect() } else { ids.map(Value::from).collect() }
}

fn structure_fields(number: usize) -> (String, String) {
    (format!("Division {number}"), format!("str-{number}"))
}

fn structure(maker: &Maker, number: usize) -> Row {
    let (name, reference) = structure_fields(number);
    let created = maker.time("structure", number);
    let updated = maker.later("updated structure", number, created);
    let value = json!({
        "id": maker.id("structure", number),
        "name": name,
        "reference": reference,
        "apiControlled": number == 1,
        "category": "structure",
        "type": "manual",
        "parent": null,
        "createdAt": printed(created),
        "updatedAt": printed(updated),
    });
    Row::new(Name::Audiences, value, created, Some(updated))
}

fn audience(maker: &Maker, number: usize) -> Row {
    let parent = number % STRUCTURES;
    let mut numbers = maker.numbers("audience", number);
    let created = maker.time("audience", number);
    let updated = maker.later("updated audience", number, created);
    let (parent_name, parent_reference) = structure_fields(parent);
    let reference = match number % 10 {
        3 if maker.irregular => None,
        4 if maker.irregular => Some(format!("aud/{number} 50%é")),
        _ => Some(format!("aud-{number}")),
    };
    let value = json!({
        "id": maker.id("audience", number),
        "name": maker.said(&mut numbers, &format!("Audience {number}")),
        "reference": reference,
        "apiControlled": parent == 1,
        "category": "audience",
        "type": if parent != 1 && numbers.chance(50) { "smart" } else { "manual" },
        "parent": {"id": maker.id("structure", parent), "name": parent_name, "reference": parent_reference},
        "createdAt": printed(created),
        "updatedAt": printed(updated),
    });
    let value = maker.spoiled(&mut numbers, value, &["reference", "apiControlled"]);
    Row::new(Name::Audiences, value, created, Some(updated))
}

fn member(maker: &Maker, number: usize, audience: usize) -> Value {
    let person = person(maker.seed, number);
    let value = json!({
        "userId": maker.id("user", number),
        "reference": reference(maker, &person),
        "email": email(maker, &person),
    });
    maker.spoiled(&mut maker.numbers(&format!("member {audience}"), number), value, &["email"])
}

fn managers(maker: &Maker, label: &str, number: usize) -> Vec<Value> {
    let mut numbers = maker.numbers(&format!("managers {label}"), number);
    let count = numbers.below(3);
    let mut rows: Vec<Value> = Vec::new();
    for _ in 0..count {
        let leader = Maker::index(&mut numbers, maker.users);
        let id = maker.id("user", leader);
        if is_deleted(maker, leader) || rows.iter().any(|row| row["userId"] == json!(id)) {
            continue;
        }
        let person = person(maker.seed, leader);
        let mut permissions = json!({
            "audienceManager": {
                "manageMembers": numbers.chance(50),
                "manageContent": numbers.chance(50),
                "assignments": numbers.chance(50),
            },
            "peopleManager": {
                "canViewLearnPage": numbers.chance(50),
                "insights": numbers.chance(50),
                "manage": numbers.chance(50),
            },
        });
        if label == "structure" {
            permissions["administrator"] = json!({"canManageAudiences": numbers.chance(50), "canAddAudienceManagers": numbers.chance(50)});
        }
        let value = json!({
            "userId": id,
            "reference": reference(maker, &person),
            "email": email(maker, &person),
            "permissions": permissions,
        });
        rows.push(maker.spoiled(&mut numbers, value, &["email", "reference"]));
    }
    rows
}
