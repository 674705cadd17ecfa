//! The connectors of docs/examples, each against a small server of that format, row by row.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    Declared, SECRET, cells,
    server::{Answer, Asked, Server},
};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name);
    std::fs::read_to_string(path).expect("an example")
}

fn rows(declared: &Declared, stream: &str) -> Vec<Value> {
    declared.rows(stream).iter().map(cells).collect()
}

fn unified(declared: &Declared, table: &str) -> Vec<Value> {
    let mut rows: Vec<Value> = declared.unified(table).iter().map(cells).collect();
    for row in &mut rows {
        for ours in ["source", "vendor"] {
            row.as_object_mut().expect("an object").remove(ours);
        }
    }
    rows
}

/// Synced once with exit code 0, nothing was asked that the server did not know, and `check` passes.
fn synced(name: &str, source: &str, server: Server) -> Declared {
    let declared = Declared::new(server, &example(name), source);
    let check = declared.run(&["check"]);
    assert_eq!(check.code, 0, "{}", check.stderr);
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    declared
}

fn basic(asked: &Asked, encoded: &str) -> bool {
    asked.headers.get("authorization").map(String::as_str) == Some(&format!("Basic {encoded}"))
}

#[test]
fn zendesk() {
    assert!(example("zendesk.toml").lines().count() < 40);
    let server = Server::start(|asked, _| {
        if !basic(asked, "YWRhQGV4YW1wbGUuY29tL3Rva2VuOnMzY3IzdC1rM3ktMGYtdGhlLXRlc3Rz") {
            return Answer::refused(401, "who are you");
        }
        if let Err(refusal) = asked.only(&["page[after]", "page[size]"]) {
            return refusal;
        }
        let user = |id: u64, suspended: bool| {
            json!({
                "id": 9_000_000_000_000_000_000_u64 + id, "external_id": if id == 1 { json!("u-1") } else { Value::Null },
                "name": format!("Ada {id}"), "email": format!("ada{id}@example.com"), "role": "end-user",
                "suspended": suspended, "organization_id": 77, "locale": "en-GB", "time_zone": "London",
                "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-03T00:00:00Z", "last_login_at": null,
                "tags": ["vip"], "user_fields": { "plan": "gold", "seats": 3 }, "shared": false
            })
        };
        match (asked.path.as_str(), asked.query.get("page[after]").map(String::as_str)) {
            ("/api/v2/users", None) => Answer::json(&json!({
                "users": [user(1, false), user(2, true)],
                "meta": { "has_more": true, "after_cursor": "abc==" }, "links": { "next": "ignored" }
            })),
            ("/api/v2/users", Some("abc==")) => Answer::json(&json!({
                "users": [user(3, false)], "meta": { "has_more": false, "after_cursor": "def==" }
            })),
            _ => Answer::refused(404, "no such page"),
        }
    });
    let declared =
        synced("zendesk.toml", "user = \"ada@example.com/token\"\napi_token = \"${SECRET}\"", server);
    assert!(!SECRET.is_empty());
    let users = rows(&declared, "users");
    assert_eq!(users.len(), 3);
    assert_eq!(
        users[0],
        json!({
            "id": "9000000000000000001", "external_id": "u-1", "name": "Ada 1", "email": "ada1@example.com", "role": "end-user",
            "suspended": false, "organization_id": "77", "locale": "en-GB", "time_zone": "London",
            "created_at": 1_767_323_045_000_000_i64, "updated_at": 1_767_398_400_000_000_i64, "tags": ["vip"],
            "user_fields": { "plan": "gold", "seats": "3" }, "_extra": "{\"shared\":false}"
        })
    );
    let people = unified(&declared, "users");
    assert_eq!(
        people[0],
        json!({
            "user_key": "it:9000000000000000001", "vendor_user_id": "9000000000000000001", "external_id": "u-1",
            "email": "ada1@example.com", "full_name": "Ada 1", "status": "active", "vendor_status": "false", "role": "end-user",
            "company_key": "it:77", "created_at": 1_767_323_045_000_000_i64, "attributes": { "plan": "gold", "seats": "3" }
        })
    );
    let statuses: Vec<&Value> = people.iter().map(|user| &user["status"]).collect();
    assert_eq!(statuses, ["active", "suspended", "active"]);
    assert_eq!(declared.unified("users")[0]["vendor"], "zendesk");
}

#[test]
fn github() {
    let server = Server::start(|asked, base| {
        let versioned = asked.headers.get("x-github-api-version").map(String::as_str) == Some("2022-11-28")
            && asked.headers.get("accept").map(String::as_str) == Some("application/vnd.github+json");
        if !versioned {
            return Answer::refused(400, "headers");
        }
        let member = |id: u64, login: &str| json!({ "id": id, "login": login, "type": "User", "site_admin": false, "html_url": format!("https://example.com/{login}") });
        match (asked.path.as_str(), asked.number("page")) {
            ("/orgs/tools/members", None) => Answer::json(&json!([member(1, "ada")]))
                .with("Link", &format!("<{base}/organizations/5/members?per_page=100&page=2>; rel=\"next\", <{base}/x>; rel=\"last\"")),
            ("/organizations/5/members", Some(2)) => Answer::json(&json!([member(2, "bob")])),
            ("/orgs/labs/members", None) => Answer::json(&json!([member(1, "ada")])),
            ("/orgs/tools/teams", None) => Answer::json(&json!([
                { "id": 11, "slug": "core", "name": "Core", "description": null, "privacy": "closed" },
                { "id": 12, "slug": "gone", "name": "Gone", "description": "", "privacy": "secret" }
            ])),
            ("/orgs/labs/teams", None) => Answer::json(&json!([])),
            ("/teams/11/members", None) => Answer::json(&json!([member(2, "bob")])),
            _ => Answer::refused(404, "Not Found"),
        }
    });
    let declared = synced("github.toml", "token = \"${SECRET}\"\norgs = [\"tools\", \"labs\"]", server);
    let mut members: Vec<String> = rows(&declared, "members")
        .iter()
        .map(|row| format!("{} {} {}", row["org"], row["id"], row["login"]))
        .collect();
    members.sort();
    assert_eq!(members, ["\"labs\" \"1\" \"ada\"", "\"tools\" \"1\" \"ada\"", "\"tools\" \"2\" \"bob\""]);
    let of_teams = rows(&declared, "team_members");
    assert_eq!(of_teams.len(), 1);
    assert_eq!((&of_teams[0]["team_id"], &of_teams[0]["id"]), (&json!("11"), &json!("2")));
    let users = unified(&declared, "users");
    assert_eq!(
        users.iter().find(|user| user["vendor_user_id"] == "tools/2"),
        Some(&json!({
            "user_key": "it:tools/2", "vendor_user_id": "tools/2", "external_id": "bob", "full_name": "bob", "status": "active", "company_key": "it:tools",
            "attributes": { "html_url": "https://example.com/bob", "site_admin": "false" }
        }))
    );
}

#[test]
fn stripe() {
    let server = Server::start(|asked, _| {
        if !basic(asked, "czNjcjN0LWszeS0wZi10aGUtdGVzdHM6") {
            return Answer::refused(401, "who are you");
        }
        let customer = |id: &str| {
            json!({
                "id": id, "object": "customer", "name": "Example Ltd", "email": "billing@example.com", "created": 1_767_323_045,
                "currency": "eur", "delinquent": id == "cus_2", "address": { "city": "Bath", "country": "GB", "line1": "x" },
                "metadata": { "tier": "b" }
            })
        };
        let after = asked.query.get("starting_after").map(String::as_str);
        let windowed = asked.query.contains_key("created[lt]")
            && asked.query.get("created[gte]").map(String::as_str) == Some("1735689600");
        match (asked.path.as_str(), after) {
            ("/v1/customers", _) if !windowed && asked.query.contains_key("starting_after") => {
                Answer::refused(400, "no window")
            }
            ("/v1/customers", None) => {
                Answer::json(&json!({ "data": [customer("cus_1")], "has_more": true }))
            }
            ("/v1/customers", Some("cus_1")) => {
                Answer::json(&json!({ "data": [customer("cus_2")], "has_more": false }))
            }
            ("/v1/subscriptions", None) if asked.query.get("status").map(String::as_str) == Some("all") => {
                Answer::json(&json!({ "has_more": false, "data": [{
                    "id": "sub_1", "customer": { "id": "cus_1" }, "status": "active", "created": 1_767_323_045, "start_date": 1_767_323_045,
                    "quantity": 3, "items": { "object": "list", "has_more": false, "data": [
                        { "id": "si_1", "price": { "id": "p", "unit_amount": 900 }, "quantity": 1 }, { "id": "si_2", "quantity": 2 }
                    ] }
                }] }))
            }
            _ => Answer::refused(404, "no such page"),
        }
    });
    let declared = synced("stripe.toml", "api_key = \"${SECRET}\"\nstart_date = \"2025-01-01\"", server);
    assert_eq!(declared.column("customers", "id"), ["cus_1", "cus_2"]);
    assert_eq!(
        rows(&declared, "subscription_items"),
        [
            json!({ "subscription_id": "sub_1", "id": "si_1", "price": { "id": "p", "unit_amount": 900 }, "quantity": 1 }),
            json!({ "subscription_id": "sub_1", "id": "si_2", "quantity": 2 })
        ]
    );
    assert_eq!(
        unified(&declared, "companies")[0],
        json!({
            "company_key": "it:cus_1", "vendor_company_id": "cus_1", "name": "Example Ltd", "status": "paying", "currency": "eur",
            "created_at": 1_767_323_045_000_000_i64, "attributes": { "email": "billing@example.com", "country": "GB", "tier": "b" }
        })
    );
    assert_eq!(
        unified(&declared, "events"),
        [json!({
            "event_key": "it:subscriptions:sub_1", "event_type": "subscription.started", "vendor_event_type": "active",
            "object_type": "customer", "object_id": "cus_1", "occurred_at": 1_767_323_045_000_000_i64, "properties": { "quantity": "3" }
        })]
    );
    assert_eq!(
        unified(&declared, "metrics"),
        [json!({
            "metric_key": "it:subscriptions:sub_1/subscription.quantity", "subject": "it:cus_1", "date": "2026-01-02",
            "metric": "subscription.quantity", "value": 3.0
        })]
    );
}
