//! What the switches change for reading.

use serde_json::{Value, json};

use super::{ALL, ROTATED_TOKEN, get, send, simulator};

#[tokio::test]
async fn a_rotated_token_is_no_violation() {
    let running = simulator(&[("rotate_token_after", "2")]).await;
    let target = "/v1/properties/k3f9a/users";
    assert_eq!(get(&running, target).await.status, 200);
    assert_eq!(get(&running, target).await.status, 401);
    assert_eq!(send(&running, "GET", target, Some(ROTATED_TOKEN), "").await.status, 200);
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_unknown_or_hidden_property_is_no_violation() {
    let running = simulator(&[("limited_manager", "on"), ("max_span_days", "9")]).await;
    assert_eq!(get(&running, "/v1/properties/nope/users").await.status, 404);
    assert_eq!(get(&running, "/v1/properties/p7x2c/users").await.status, 403);
    assert_eq!(get(&running, "/v1/properties/k3f9a/nps?from=2026-01-01&to=2026-01-09").await.status, 200);
    assert_eq!(get(&running, "/v1/properties/k3f9a/nps?from=2026-01-01&to=2026-01-10").await.status, 422);
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_other_wire_profile_is_served() {
    let running = simulator(&[
        ("query_id", "on"),
        ("date_params", "start_end"),
        ("paging", "none"),
        ("bare_array", "on"),
        ("snake_case", "on"),
        ("epoch_ms", "on"),
        ("bearer", "on"),
    ])
    .await;
    let target = "/v1/nps?propertyId=k3f9a&startDate=2024-11-01&endDate=2026-10-31";
    let answer = send(&running, "GET", target, Some("Bearer demo-userlane-token"), "").await;
    let rows = answer.json();
    let rows = rows.as_array().expect("a bare array");
    assert!(
        rows.len() > 100 && rows.iter().all(|row| row["responded_at"].is_i64() && row["user_id"].is_string())
    );
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_second_pass_sees_other_scores_and_a_vanished_window_once() {
    let running = simulator(&[("restate_heart", "on"), ("vanish_once", "again")]).await;
    let target = "/v1/properties/k3f9a/heart?from=2026-10-20&to=2026-10-31";
    let first = get(&running, target).await.rows();
    assert_eq!(get(&running, target).await.rows(), Vec::<Value>::new());
    let again = get(&running, target).await.rows();
    assert!(first.len() == again.len() && first != again);
}

#[tokio::test]
async fn late_rows_come_with_the_next_pass() {
    let running = simulator(&[("late_events", "24")]).await;
    let target = "/v1/properties/k3f9a/guide-events?from=2026-10-24&to=2026-10-31&pageSize=1000";
    let first = get(&running, target).await.rows();
    let second = get(&running, target).await.rows();
    assert!(first.len() < second.len(), "{} and {}", first.len(), second.len());
}

#[tokio::test]
async fn the_reading_switches_bend_the_answers() {
    let nps = format!("/v1/properties/k3f9a/nps?{ALL}");
    let heart = format!("/v1/properties/k3f9a/heart?{ALL}");

    let html =
        simulator(&[("html_200", "1"), ("heart_off", "on"), ("empty_window", "204"), ("no_ids", "on")]).await;
    assert!(get(&html, &nps).await.head.contains("text/html"));
    assert!(get(&html, &nps).await.rows().iter().all(|row| row.get("id").is_none()));
    assert_eq!(get(&html, &heart).await.status, 204);

    let unpaged = simulator(&[("ignore_paging", "on"), ("page_size_cap", "100")]).await;
    let (one, two) = (get(&unpaged, &nps).await.json(), get(&unpaged, &format!("{nps}&page=2")).await.json());
    assert_eq!((one["data"].as_array().map(Vec::len), &one["pagination"]), (Some(100), &Value::Null));
    assert_eq!(one, two);

    let odd = simulator(&[
        ("rows_under", "results"),
        ("totals", "off"),
        ("ignore_dates", "on"),
        ("numbers", "text"),
    ])
    .await;
    let answer = get(&odd, "/v1/properties/k3f9a/nps?from=2020-01-01&to=2020-01-01&pageSize=3").await.json();
    assert_eq!(answer["pagination"], json!({ "page": 1, "pageSize": 3 }));
    assert!(answer["results"][2]["score"].is_string());

    let exclusive = simulator(&[("to_exclusive", "on"), ("rate_limit", "1")]).await;
    let one_day = get(&exclusive, "/v1/properties/k3f9a/heart?from=2026-10-20&to=2026-10-20").await;
    assert_eq!(one_day.rows(), Vec::<Value>::new());
    let refused = get(&exclusive, &nps).await;
    assert!(refused.status == 429 && refused.head.contains("retry-after: 1"), "{}", refused.head);
}
