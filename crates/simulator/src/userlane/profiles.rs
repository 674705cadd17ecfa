//! User profiles (section 3.8).

use serde_json::{Map, Value, json};

use crate::core::seed::Seed;

use super::{
    App, PROPERTIES, access,
    world::{DAY_MS, DAYS, Draft, Member, moment, signed},
};

/// How a user came about (documented domain, assumed spelling).
const SOURCES: &[&str] =
    &["snippet", "browser_extension", "email_invite", "file_import", "policy", "Zukünftig (neu)", ""];

/// A user in the list of a property.
pub(super) enum Listed<'a> {
    /// One of the world.
    Member(&'a Member),
    /// One that an import created, by id.
    Created(String),
}

impl Listed<'_> {
    fn user_id(&self) -> &str {
        match self {
            Self::Member(member) => &member.user_id,
            Self::Created(user) => user,
        }
    }
}

/// The users of a property: its members, then those that imports created, for it or for the company.
pub(super) fn listed(app: &App, property: usize) -> Vec<Listed<'_>> {
    let mut users: Vec<Listed<'_>> = app
        .world
        .members
        .get(property)
        .map(|members| members.iter().map(Listed::Member).collect())
        .unwrap_or_default();
    let stores = app.stores();
    let Some(own) = stores.properties.get(property) else { return users };
    users.extend(own.created.iter().cloned().map(Listed::Created));
    users.extend(stores.company.created.iter().filter(|user| !own.knows(user)).cloned().map(Listed::Created));
    users
}

/// A profile as it is sent, with the attributes of this moment.
pub(super) fn row(app: &App, property: usize, user: &Listed<'_>) -> Value {
    let (mut row, mut numbers) = match user {
        Listed::Member(member) => base(app, property, member),
        Listed::Created(_) => {
            let draft = Draft::default().set("source", "import").set("firstActiveAt", Value::Null);
            (draft.set("lastActiveAt", Value::Null).done(), Seed::of(app.core.seed, "userlane created", 0))
        }
    };
    row.insert("userId".to_owned(), user.user_id().into());
    row.insert("attributes".to_owned(), attributes(app, property, user.user_id(), &mut numbers));
    match app.core.switches.get("privacy") {
        "missing" => row.retain(|name, _| name == "userId"),
        "null" => {
            row.iter_mut().filter(|(name, _)| *name != "userId").for_each(|(_, value)| *value = Value::Null)
        }
        _ => {}
    }
    Value::Object(app.wire.names(row))
}

/// One row for each attribute value of each listed user, for the truth.
pub(super) fn attribute_rows(app: &App) -> Vec<Value> {
    let mut rows = Vec::new();
    for (property, id) in access::reachable(app) {
        let users = listed(app, property);
        let stores = app.stores();
        let scopes = [("property", stores.properties.get(property)), ("company", Some(&stores.company))];
        for user in &users {
            for (scope, store) in scopes {
                let values = store.and_then(|store| store.values.get(user.user_id()));
                for (key, value) in values.into_iter().flatten() {
                    let user = user.user_id();
                    rows.push(json!({ "propertyId": id, "userId": user, "scope": scope, "key": key, "value": value }));
                }
            }
        }
    }
    rows
}

/// Everything of a member but the id and the attributes.
fn base(app: &App, property: usize, member: &Member) -> (Map<String, Value>, Seed) {
    let label = format!("userlane profile {}", PROPERTIES[property]);
    let mut numbers = Seed::of(app.core.seed, &label, member.person.number as u64);
    let last_ms = moment(&mut numbers);
    let first_ms = (last_ms - signed(numbers.below(300)) * DAY_MS).max(DAYS.start * DAY_MS);
    let internal = (!numbers.chance(10)).then(|| member.internal_id.clone());
    let source = (!numbers.chance(10)).then(|| *numbers.pick(SOURCES));
    let first = (!numbers.chance(10)).then(|| app.wire.instant(first_ms));
    let last = (!numbers.chance(10)).then(|| app.wire.instant(last_ms));
    let row = Draft::default()
        .maybe("internalId", internal, &mut numbers)
        .maybe("source", source, &mut numbers)
        .maybe("firstActiveAt", first, &mut numbers)
        .maybe("lastActiveAt", last, &mut numbers)
        .extras(&mut numbers)
        .done();
    (row, numbers)
}

/// The attributes of both scopes. A scope without values is `{}`, null or absent (both are nullable).
fn attributes(app: &App, property: usize, user: &str, numbers: &mut Seed) -> Value {
    let form = app.core.switches.get("attributes");
    let stores = app.stores();
    let scopes = [("property", stores.properties.get(property)), ("company", Some(&stores.company))];
    let mut all = Map::new();
    for (scope, store) in scopes {
        let shape = numbers.below(3);
        let values = store.and_then(|store| store.values.get(user));
        let shown: Map<String, Value> = values
            .into_iter()
            .flatten()
            .map(|(key, value)| {
                // Plain or wrapped, told by nothing but the lengths of the names: the same at every reading.
                let wrapped =
                    form == "wrapped" || (form == "split" && (user.len() + key.len()).is_multiple_of(7));
                (key.clone(), if wrapped { json!({ "value": value }) } else { value.clone() })
            })
            .collect();
        match (form, shown.is_empty(), shape) {
            ("flat", ..) => all.extend(shown),
            (_, true, 0) => {}
            (_, true, 1) => {
                all.insert(scope.to_owned(), Value::Null);
            }
            _ => {
                all.insert(scope.to_owned(), Value::Object(shown));
            }
        }
    }
    Value::Object(all)
}
