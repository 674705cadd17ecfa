//! The attribute import (section 4). The order of checks: token 401, admin 403, body 422, rows 207.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use crate::core::{scenario::Switches, seed::Seed};

use super::{
    App, COMPANY,
    access::{self, Refusal},
    body::{self, Import, Profile, Rules},
    parameters,
    store::{Definition, Kind, Store},
};

/// No body is read beyond this.
const MOST_BYTES: usize = 64 << 20;

/// Import into the scope of the company.
pub(super) async fn company(
    app: &App,
    id: &str,
    headers: &HeaderMap,
    uri: &Uri,
    body: Body,
) -> Result<Response, Refusal> {
    admit(app, headers)?;
    match id.parse::<u64>() {
        Ok(COMPANY) => {}
        Ok(_) => return Err(Refusal::new(StatusCode::NOT_FOUND, "Company not found")),
        Err(_) => {
            app.core.violation("the id of a company is a number");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "companyId must be a number"));
        }
    }
    let import = read(app, headers, uri, body).await?;
    let outcome = write(&mut app.stores().company, &import, &app.core.switches, app.core.seed)?;
    Ok(summary(app, outcome))
}

/// Import into the scope of one property.
pub(super) async fn property(
    app: &App,
    id: &str,
    headers: &HeaderMap,
    uri: &Uri,
    body: Body,
) -> Result<Response, Refusal> {
    admit(app, headers)?;
    let index = access::property(app, id)?;
    let import = read(app, headers, uri, body).await?;
    let mut stores = app.stores();
    let Some(store) = stores.properties.get_mut(index) else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Property not found"));
    };
    let outcome = write(store, &import, &app.core.switches, app.core.seed)?;
    Ok(summary(app, outcome))
}

fn admit(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    access::admit(app, headers)?;
    if app.core.switches.on("not_admin") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Manager is not a company admin"));
    }
    Ok(())
}

async fn read(app: &App, headers: &HeaderMap, uri: &Uri, body: Body) -> Result<Import, Refusal> {
    parameters::pairs(app, uri, &[])?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        app.core.violation("the body of an import is not declared as JSON");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected application/json"));
    }
    let most = match app.core.switches.number("max_body_bytes") {
        0 => MOST_BYTES,
        most => usize::try_from(most).unwrap_or(MOST_BYTES).min(MOST_BYTES),
    };
    let Ok(bytes) = axum::body::to_bytes(body, most).await else {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    };
    let rules = Rules {
        ignore_unknown: app.core.switches.get("unknown_members") == "ignore",
        last_wins: app.core.switches.get("duplicate_users") == "last_wins",
    };
    body::parse(&bytes, rules).map_err(|issues| {
        app.core.violation(format!("an import body has {} faults", issues.len()));
        Refusal::invalid_body(issues)
    })
}

#[derive(Debug, Default)]
struct Outcome {
    created: u64,
    updated: u64,
    applied: u64,
    errors: Vec<Value>,
}

fn summary(app: &App, outcome: Outcome) -> Response {
    let complete = outcome.errors.is_empty() || app.core.switches.get("partial_status") == "200";
    let mut body = Map::new();
    if app.core.switches.on("counters") {
        body.insert("attributesCreated".to_owned(), outcome.created.into());
        body.insert("attributesUpdated".to_owned(), outcome.updated.into());
        body.insert("userValuesApplied".to_owned(), outcome.applied.into());
    }
    body.insert("errors".to_owned(), outcome.errors.into());
    let status = if complete { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    (status, Json(Value::Object(body))).into_response()
}

/// Writes what can be written; refuses before writing anything.
fn write(store: &mut Store, import: &Import, switches: &Switches, seed: u64) -> Result<Outcome, Refusal> {
    let retyped = |store: &Store, definition: &Definition| {
        store.definitions.get(&definition.key).is_some_and(|known| known.kind != definition.kind)
    };
    let type_change = switches.get("type_change");
    if type_change == "422" {
        let refused =
            import.definitions.iter().enumerate().filter(|(_, definition)| retyped(store, definition));
        let issues: Vec<Value> = refused
            .map(|(index, _)| json!({ "path": format!("attributes[{index}].type"), "reason": "a type cannot change" }))
            .collect();
        if !issues.is_empty() {
            return Err(Refusal::invalid_body(issues));
        }
    }
    let poisoned = switches.get("poisoned_users");
    let mut profiles = import.profiles.iter().enumerate();
    if let Some((index, _)) =
        profiles.find(|(_, profile)| !poisoned.is_empty() && profile.user.starts_with(poisoned))
    {
        let path = format!("userProfiles[{index}]");
        return Err(Refusal::invalid_body(vec![
            json!({ "path": path, "reason": "this user cannot be written" }),
        ]));
    }
    let mut outcome = Outcome::default();
    for definition in &import.definitions {
        if type_change == "error" && retyped(store, definition) {
            outcome.errors.push(failure(None, Some(&definition.key), "a type cannot change"));
            continue;
        }
        // A definition that equals the stored one counts as an update too: it matched by key.
        match store.definitions.insert(definition.key.clone(), definition.clone()) {
            None => outcome.created += 1,
            Some(_) => outcome.updated += 1,
        }
    }
    for profile in &import.profiles {
        user(store, profile, import.replace, switches, seed, &mut outcome);
    }
    Ok(outcome)
}

fn user(
    store: &mut Store,
    profile: &Profile,
    replace: bool,
    switches: &Switches,
    seed: u64,
    outcome: &mut Outcome,
) {
    let name = profile.user.as_str();
    if !store.knows(name) {
        if switches.get("unknown_user") == "error" {
            outcome.errors.push(failure(Some(name), None, "unknown user"));
            return;
        }
        store.created.push(name.to_owned());
    }
    let mut written: BTreeMap<String, Value> = BTreeMap::new();
    let mut untouched: BTreeSet<&str> = BTreeSet::new();
    let mut cleared = Vec::new();
    let errors_before = outcome.errors.len();
    for (key, value) in &profile.values {
        match check(store, switches, seed, name, key, value) {
            Ok(Fate::Written) => {
                written.insert(key.clone(), value.clone());
            }
            Ok(Fate::Kept) => {
                untouched.insert(key.as_str());
            }
            Ok(Fate::Cleared) => cleared.push(key.as_str()),
            Err(reason) => {
                untouched.insert(key.as_str());
                outcome.errors.push(failure(Some(name), Some(key), reason));
            }
        }
    }
    if switches.get("failed_value") == "lost" && outcome.errors.len() > errors_before {
        written.clear();
        cleared.clear();
    }
    for (key, value) in &written {
        store.definitions.entry(key.clone()).or_insert_with(|| Definition {
            key: key.clone(),
            name: key.clone(),
            kind: Kind::of(value),
        });
    }
    outcome.applied += (written.len() + cleared.len()) as u64;
    let values = store.values.entry(name.to_owned()).or_default();
    if replace {
        values.retain(|key, _| untouched.contains(key.as_str()));
    }
    values.retain(|key, _| !cleared.contains(&key.as_str()));
    values.extend(written);
}

/// What becomes of a value that is no failure.
enum Fate {
    Written,
    /// The old value stays.
    Kept,
    Cleared,
}

fn check(
    store: &Store,
    switches: &Switches,
    seed: u64,
    user: &str,
    key: &str,
    value: &Value,
) -> Result<Fate, &'static str> {
    let refused = switches.get("refused_users");
    if !refused.is_empty() && user.starts_with(refused) {
        return Err("this user's values are refused");
    }
    let share = switches.number("partial_import");
    if share > 0 && Seed::of(seed, &format!("userlane partial {user} {key}"), 0).below(100) < share {
        return Err("value could not be written");
    }
    let definition = store.definitions.get(key);
    if definition.is_none() && switches.get("unknown_key") != "create" {
        return Err("unknown attribute");
    }
    if value.is_null() {
        return match switches.get("null_value") {
            "keep" => Ok(Fate::Kept),
            "clear" => Ok(Fate::Cleared),
            _ => Err("value is null"),
        };
    }
    match definition {
        Some(definition) if !definition.kind.takes(value) => {
            Err("value does not match the type of the attribute")
        }
        _ => Ok(Fate::Written),
    }
}

/// An entry of `errors`.
fn failure(user: Option<&str>, attribute: Option<&str>, reason: &str) -> Value {
    json!({ "userId": user, "attribute": attribute, "reason": reason })
}
