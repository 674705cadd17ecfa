//! The attribute import.

use serde_json::{Value, json};

use super::{COMPANY, get, import, simulator, truth};

#[tokio::test]
async fn an_import_shows_in_the_profiles() {
    let running = simulator(&[]).await;
    let body = json!({
        "attributes": [{ "key": "team", "name": "Team", "type": "string" }],
        "userProfiles": [
            { "userId": "new-1", "attributes": { "team": { "value": "blue" }, "seat_count": { "value": 3 } } },
            { "userId": "new-2", "attributes": { "seat_count": { "value": "three" }, "nope": { "value": 1 } } }
        ]
    });
    let answer = import(&running, "properties/p7x2c", &body).await;
    assert_eq!(answer.status, 207);
    assert_eq!(
        (&answer.json()["attributesCreated"], &answer.json()["userValuesApplied"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(answer.json()["errors"].as_array().map(Vec::len), Some(2));

    let only = json!({ "userId": "new-1", "attributes": { "team": { "value": "red" } } });
    let replaced =
        import(&running, "properties/p7x2c", &json!({ "idempotent": true, "userProfiles": [only] })).await;
    assert_eq!((replaced.status, replaced.json()["errors"].clone()), (200, json!([])));
    let company =
        json!({ "userProfiles": [{ "userId": "new-1", "attributes": { "region": { "value": "EMEA" } } }] });
    assert_eq!(import(&running, &format!("companies/{COMPANY}"), &company).await.status, 200);

    let values = truth(&running, "user_attributes").await;
    let values: Vec<_> = values
        .iter()
        .filter(|row| row["userId"] == "new-1" && row["propertyId"] == "p7x2c")
        .map(|row| (&row["scope"], &row["key"], &row["value"]))
        .collect();
    let (property, team, red) = (json!("property"), json!("team"), json!("red"));
    let (scope, region, emea) = (json!("company"), json!("region"), json!("EMEA"));
    assert_eq!(values, vec![(&property, &team, &red), (&scope, &region, &emea)]);
    let users = get(&running, "/v1/properties/p7x2c/users?pageSize=1000").await.rows();
    assert_eq!(users.iter().filter(|user| user["userId"] == "new-1").count(), 1);
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bad_body_writes_nothing() {
    let running = simulator(&[]).await;
    let before = truth(&running, "user_attributes").await;
    let definition = json!({ "key": "k", "name": "K", "type": "string" });
    let good = json!({ "userId": "emp-00000", "attributes": { "k": { "value": "v" } } });
    let bare = json!({ "userId": "emp-00001", "attributes": { "k": "v" } });
    let many: Vec<Value> =
        (0..1001).map(|n| json!({ "userId": format!("u{n}"), "attributes": {} })).collect();
    for body in [
        json!({}),
        json!([]),
        json!({ "attributes": [definition], "userProfiles": [good, bare] }),
        json!({ "userProfiles": [good, good] }),
        json!({ "userProfiles": many }),
        json!({ "idempotent": "yes", "userProfiles": [good] }),
        json!({ "users": [good] }),
    ] {
        let answer = import(&running, "companies/4711", &body).await;
        assert_eq!((answer.status, answer.json()["statusCode"].clone()), (422, json!(422)));
    }
    assert_eq!(running.violations().len(), 7);
    assert_eq!(truth(&running, "user_attributes").await, before);

    let limited = simulator(&[("not_admin", "on")]).await;
    assert_eq!(import(&limited, "companies/4711", &json!({})).await.status, 403);
}

#[tokio::test]
async fn the_import_switches_bend_the_answers() {
    let running =
        simulator(&[("partial_import", "50"), ("unknown_user", "error"), ("unknown_members", "ignore")])
            .await;
    let profiles = |prefix: &str| -> Vec<Value> {
        (0..40).map(|n| json!({ "userId": format!("{prefix}{n:04}0"), "attributes": { "region": { "value": "x" } } })).collect()
    };
    let some = import(&running, "companies/4711", &json!({ "userProfiles": profiles("emp-") })).await;
    let applied = some.json()["userValuesApplied"].as_u64().unwrap_or_default();
    assert!(some.status == 207 && (1..40).contains(&applied), "{}", some.text);
    let none = import(&running, "companies/4711", &json!({ "userProfiles": profiles("nobody-") })).await;
    assert_eq!((none.status, none.json()["userValuesApplied"].clone()), (207, json!(0)));
    let ignored = import(&running, "companies/4711", &json!({ "users": profiles("emp-") })).await;
    assert_eq!((ignored.status, ignored.json()["errors"].clone()), (200, json!([])));
    assert_eq!(import(&running, "companies/1", &json!({})).await.status, 404);
    let wrong = get(&running, "/v1/companies/4711/attributes/import").await;
    assert!(wrong.status == 405 && wrong.head.contains("allow: post"), "{}", wrong.head);
}
