//! The writes, as a client sees them.

use serde_json::json;

use super::{API_KEY, BEARER, get, post, send, truth, world};

#[tokio::test]
async fn an_upsert_shows_after_a_while_and_a_purge_takes_all_away() {
    let running = world(&[]).await;
    let body = json!({ "userId": "new/1", "emailAddress": "new@example.com", "attributes": { "plan": "pro" },
        "events": [{ "event": "Signed In", "timestamp": 1_714_639_000_125_i64 }] });
    assert_eq!(post(&running, "/v2/users", API_KEY, &body).await, (202, json!("Accepted")));
    assert_eq!(get(&running, "/v2/users/new%2F1", API_KEY).await.0, 404);
    let (status, user) = get(&running, "/v2/users/new%2F1", API_KEY).await;
    assert_eq!((status, &user["attributes"]), (200, &json!({ "plan": "pro" })));
    assert_eq!(user["events"][0]["count"], 1);
    let purge = json!({ "emails": ["new@example.com"], "userIds": ["emp-00000"], "delaySeconds": 0 });
    assert_eq!(post(&running, "/v2/purge/visitors", API_KEY, &purge).await, (403, json!("")));
    assert_eq!(post(&running, "/v2/purge/visitors", BEARER, &purge).await.0, 200);
    assert_eq!(get(&running, "/v2/users/emp-00000", API_KEY).await.0, 404);
    let answers = truth(&running, "responses").await;
    assert!(answers.iter().all(|row| row["externalUserId"] != "emp-00000"));
    assert_eq!(post(&running, "/v2/purge/visitors", BEARER, &purge).await.0, 400);
    assert_eq!(running.violations(), Vec::<String>::new());
    for (body, status) in [
        (json!({}), 400),
        (json!({ "userId": "a", "shoe": 1 }), 400),
        (json!({ "userId": "a", "emailAddress": "b" }), 422),
        (json!({ "userId": "a", "attributes": { "x": {} } }), 400),
        (json!({ "userId": "a", "events": [{ "event": "Untracked", "timestamp": 1 }] }), 422),
    ] {
        assert_eq!(post(&running, "/v2/users", API_KEY, &body).await.0, status, "{body}");
    }
}

#[tokio::test]
async fn the_legacy_family_is_behind_a_switch() {
    let running = world(&[("legacy_users", "on")]).await;
    let created = json!({ "id": "old", "emailAddress": "old@example.com", "attributes": { "a": 1, "b": 2 } });
    assert_eq!(post(&running, "/v1/users", API_KEY, &created).await.0, 200);
    let changed = post(&running, "/v1/users/old", API_KEY, &json!({ "attributes": { "b": 3 } })).await;
    let expected =
        json!({ "userId": "old", "emailAddress": "old@example.com", "attributes": { "a": 1, "b": 3 } });
    assert_eq!(changed, (200, expected.clone()));
    assert_eq!(get(&running, "/v1/users/old", API_KEY).await, (200, expected));
    let event = json!({ "name": "Signed In", "timestamp": "2026-01-01T00:00:00Z" });
    assert_eq!(post(&running, "/v1/users/old/events", API_KEY, &event).await.0, 201);
    let csv = "user_id,email,plan\nold,,\"a,\"\"b\"\"\"\n";
    assert_eq!(send(&running, "POST", "/v1/users/bulk", BEARER, Some(("text/csv", csv))).await.0, 200);
    assert_eq!(get(&running, "/v1/users/old", API_KEY).await.1["attributes"]["plan"], "a,\"b\"");
    assert_eq!(running.violations(), Vec::<String>::new());
}
