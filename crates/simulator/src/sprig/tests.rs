//! The simulator as a client sees it, over plain TCP.

mod writes;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::{Options, Running, Scenario, Vendor, start};

const BEARER: &str = "Bearer demo-sprig-key";
const API_KEY: &str = "API-Key demo-sprig-key";

async fn world(switches: &[(&str, &str)]) -> Running {
    let mut scenario = Scenario::default();
    for (name, value) in switches {
        scenario.sprig.switches.insert((*name).to_owned(), (*value).to_owned());
    }
    scenario.sprig.limit = Some(crate::Limit { requests: 1_000_000, ..super::DEFAULT_LIMIT() });
    let options = Options { users: 60, scenario, ..Options::default() };
    start(Vendor::Sprig, &options).await.expect("loopback is there")
}

/// Sends a request and gives the status and the body; the body as text where it is no JSON.
async fn send(
    running: &Running,
    method: &str,
    target: &str,
    auth: &str,
    body: Option<(&str, &str)>,
) -> (u16, Value) {
    let address = running.base_url.strip_prefix("http://").expect("the base is plain HTTP");
    let (kind, body) = body.unwrap_or_default();
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    if !auth.is_empty() {
        request.push_str(&format!("Authorization: {auth}\r\n"));
    }
    if !kind.is_empty() {
        request.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let address = address.to_owned();
    let exchange = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    });
    let answer = exchange.await.expect("the exchange ends").expect("the simulator answers in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a head has a status");
    (status, serde_json::from_str(body).unwrap_or_else(|_| Value::from(body)))
}

async fn get(running: &Running, target: &str, auth: &str) -> (u16, Value) {
    send(running, "GET", target, auth, None).await
}

async fn post(running: &Running, target: &str, auth: &str, body: &Value) -> (u16, Value) {
    send(running, "POST", target, auth, Some(("application/json", &body.to_string()))).await
}

async fn truth(running: &Running, stream: &str) -> Vec<Value> {
    let (status, rows) = get(running, &format!("/__sim/truth/{stream}"), "").await;
    assert_eq!(status, 200);
    rows.as_array().cloned().expect("the truth is an array")
}

/// Follows cursors to the end; gives the pages and the status of the last answer.
async fn walk(running: &Running, target: &str) -> (Vec<Vec<Value>>, u16) {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = get(running, &format!("{target}{cursor}"), BEARER).await;
        let rows = page["data"].as_array().cloned().unwrap_or_default();
        if status != 200 || rows.is_empty() {
            return (pages, status);
        }
        pages.push(rows);
        match page["cursor"].as_str() {
            None | Some("") => return (pages, status),
            Some(next) => cursor = format!("&cursor={next}"),
        }
        assert!(pages.len() < 5000, "the walk does not end");
    }
}

fn set(rows: impl IntoIterator<Item = Value>) -> BTreeSet<String> {
    rows.into_iter().map(|row| row.to_string()).collect()
}

#[tokio::test]
async fn a_walk_gives_the_truth_in_every_order_and_with_every_tie_safe_cursor() {
    for order in ["ascending", "descending", "shuffled"] {
        for cursor in ["inclusive", "inclusive_next", "opaque"] {
            for last in ["null", "absent", "empty", "then_404", "then_empty"] {
                let running = world(&[("order", order), ("cursor", cursor), ("last_cursor", last)]).await;
                let expected = set(truth(&running, "responses_plain").await);
                let (pages, status) = walk(&running, "/v1/responses?limit=20").await;
                assert_eq!(status, if last == "then_404" { 404 } else { 200 });
                let sent: usize = pages.iter().map(Vec::len).sum();
                assert_eq!(sent > expected.len(), cursor != "opaque", "{cursor}: ties are repeated");
                assert_eq!(set(pages.concat()), expected, "{order} {cursor} {last}");
                assert_eq!(running.violations(), Vec::<String>::new());
            }
        }
    }
}

#[tokio::test]
async fn an_exclusive_cursor_skips_ties_that_a_micro_slice_brings_back() {
    let running = world(&[("cursor", "exclusive")]).await;
    let expected = set(truth(&running, "responses_plain").await);
    let (pages, _) = walk(&running, "/v1/responses?limit=3").await;
    let mut seen = set(pages.concat());
    assert!(seen.len() < expected.len());
    for page in &pages {
        let last = page.last().and_then(|row| row["createdAt"].as_str()).expect("rows have a creation time");
        let at = last.parse::<jiff::Timestamp>().expect("it is an ISO time").as_millisecond();
        let target = format!("/v1/responses?limit=1000&start={}&end={}", at - 1, at + 1);
        seen.extend(set(walk(&running, &target).await.0.concat()));
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_stuck_cursor_comes_back_as_it_was_sent() {
    let running = world(&[("cursor", "stuck")]).await;
    let (_, first) = get(&running, "/v1/responses?limit=9", BEARER).await;
    let cursor = first["cursor"].as_str().expect("more pages follow");
    let (_, second) = get(&running, &format!("/v1/responses?limit=9&cursor={cursor}"), BEARER).await;
    assert_eq!(second["cursor"], first["cursor"]);
}

#[tokio::test]
async fn each_flag_adds_its_own_field_and_nothing_else() {
    let running = world(&[]).await;
    let plain = walk(&running, "/v1/responses?limit=1000").await.0.concat();
    for (flag, field) in [
        ("with_snapshots", "visitorSnapshot"),
        ("with_urls", "url"),
        ("with_meta", "meta"),
        ("with_custom_metadata", "customMetadata"),
        ("with_deleted_responses", "deletedAt"),
    ] {
        let mut rows = walk(&running, &format!("/v1/responses?limit=1000&{flag}=true")).await.0.concat();
        if field == "deletedAt" {
            assert!(rows.len() > plain.len());
            rows.retain(|row| row[field].is_null());
        }
        let mut found = false;
        for row in &mut rows {
            found |= row.as_object_mut().is_some_and(|row| row.remove(field).is_some());
        }
        assert!(found, "{field}");
        assert_eq!(rows, plain, "{flag}");
    }
    let all = "with_snapshots=true&with_urls=true&with_meta=true&with_custom_metadata=true\
               &with_deleted_responses=true";
    let rows = walk(&running, &format!("/v1/responses?{all}")).await.0.concat();
    assert_eq!(rows, truth(&running, "responses").await);
}

#[tokio::test]
async fn every_type_status_and_shape_occurs() {
    let running = world(&[("new_values", "on"), ("anonymous_id", "mixed")]).await;
    let answers = truth(&running, "responses").await;
    let words = |rows: &[Value], field: &str| -> BTreeSet<String> {
        rows.iter().filter_map(|row| row[field].as_str().map(str::to_owned)).collect()
    };
    let types = words(&answers, "questionType");
    assert_eq!(types.len(), 13, "{types:?}");
    let surveys = truth(&running, "surveys").await;
    assert_eq!(words(&surveys, "status").len(), 7);
    let mut kinds = BTreeMap::new();
    for answer in &answers {
        let kind = match &answer["response"] {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert!(
        ["null", "number", "string", "array", "object"].iter().all(|kind| kinds.contains_key(kind)),
        "{kinds:?}"
    );
    assert!(!truth(&running, "survey_questions").await.is_empty());
    assert!(!truth(&running, "survey_constraints").await.is_empty());
}

#[tokio::test]
async fn status_has_three_spellings() {
    let running = world(&[]).await;
    let spellings = [
        "status=PAUSED,DRAFT",
        "status=PAUSED%2CDRAFT",
        "status[]=PAUSED&status[]=DRAFT",
        "status%5B%5D=PAUSED&status%5B%5D=DRAFT",
        "status=PAUSED&status=DRAFT",
    ];
    let mut answers = BTreeSet::new();
    for spelling in spellings {
        let (status, page) = get(&running, &format!("/v1/surveys?{spelling}"), BEARER).await;
        assert_eq!(status, 200);
        answers.insert(page.to_string());
    }
    assert_eq!(answers.len(), 1);
    let all = set(walk(&running, "/v1/surveys?limit=5").await.0.concat());
    assert_eq!(all, set(truth(&running, "surveys").await));
    assert_eq!(running.violations(), Vec::<String>::new());
    assert_eq!(get(&running, "/v1/surveys?status=LOST", BEARER).await.0, 400);
}

#[tokio::test]
async fn the_word_before_the_key_is_the_endpoints_own() {
    let running = world(&[]).await;
    for (target, auth) in [
        ("/v1/surveys", API_KEY),
        ("/v1/surveys", ""),
        ("/v1/surveys", "Bearer wrong"),
        ("/v1/responses", "demo-sprig-key"),
        ("/v2/users/emp-00000", BEARER),
    ] {
        assert_eq!(get(&running, target, auth).await, (403, json!("")), "{target} {auth}");
    }
    assert_eq!(running.violations().len(), 5);
    let lenient = world(&[("auth", "lenient"), ("bad_key", "401")]).await;
    assert_eq!(get(&lenient, "/v2/users/emp-00000", BEARER).await.0, 200);
    assert_eq!(get(&lenient, "/v1/themes", "Bearer no").await, (401, json!({ "error": "Unauthorized" })));
}

#[tokio::test]
async fn what_the_reference_does_not_allow_is_refused_and_noted() {
    let running = world(&[]).await;
    for target in [
        "/v1/responses?limit=0",
        "/v1/responses?limit=1001",
        "/v1/responses?limit=1&limit=2",
        "/v1/responses?start=2026-01-01",
        "/v1/responses?end=9999999999999999",
        "/v1/responses?with_urls=1",
        "/v1/responses?cursor=",
        "/v1/responses?cursor=nonsense",
        "/v1/responses?sid=%zz",
        "/v1/themes?sid=x",
        "/v2/users/%FF",
    ] {
        let auth = if target.starts_with("/v1") { BEARER } else { API_KEY };
        let (status, body) = get(&running, target, auth).await;
        assert_eq!(status, 400, "{target}");
        assert!(body["error"].is_string(), "{target}");
    }
    assert_eq!(running.violations().len(), 11);
    for target in ["/v1/me", "/v1/surveys/4107", "/v2/users", "/v1/users/emp-00000", "/v2/users/a/b"] {
        assert_eq!(get(&running, target, API_KEY).await, (404, json!("Not Found")), "{target}");
    }
    assert_eq!(get(&running, "/v1/themes?limit=5", BEARER).await.0, 200);
    assert_eq!(running.violations().len(), 17);
    let other = world(&[("error_body", "array"), ("unknown_params", "400"), ("limit_range", "clamp")]).await;
    let refusal = json!(["\"limit\" is not allowed"]);
    assert_eq!(get(&other, "/v1/themes?limit=5", BEARER).await, (400, refusal));
    assert_eq!(get(&other, "/v1/responses?limit=2000", BEARER).await.0, 200);
}

#[tokio::test]
async fn an_empty_result_is_a_404_by_default() {
    for (value, status, body) in [
        ("404", 404, json!("")),
        ("200", 200, json!({ "cursor": null, "data": [] })),
        ("404_text", 404, json!("Not Found")),
    ] {
        let running = world(&[("empty", value)]).await;
        for list in ["responses", "surveys", "themes"] {
            let answer = get(&running, &format!("/v1/{list}?start=1&end=2"), BEARER).await;
            assert_eq!(answer, (status, body.clone()));
        }
        assert_eq!(get(&running, "/v1/responses?sid=1", BEARER).await.0, 404);
        assert_eq!(running.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_filter_that_is_not_sent_again_is_lost_unless_the_cursor_carries_it() {
    for (switch, is_carried) in [("resend", false), ("carried", true)] {
        let running = world(&[("cursor_filters", switch), ("cursor", "inclusive_next")]).await;
        let deleted = "with_deleted_responses=true";
        let (_, first) = get(&running, &format!("/v1/responses?limit=5&{deleted}"), BEARER).await;
        let cursor = first["cursor"].as_str().expect("more pages follow").to_owned();
        let (_, second) = get(&running, &format!("/v1/responses?limit=5&cursor={cursor}"), BEARER).await;
        assert_eq!(second["data"][0].get("deletedAt").is_some(), is_carried);
        assert_eq!(running.violations().is_empty(), is_carried);
    }
}

#[tokio::test]
async fn themes_and_users_give_their_truth() {
    let running = world(&[("themes_page", "12")]).await;
    let (pages, _) = walk(&running, "/v1/themes?start=0").await;
    assert!(pages.len() > 3);
    assert_eq!(set(pages.concat()), set(truth(&running, "themes").await));
    for mut row in truth(&running, "users").await {
        let id = row.as_object_mut().and_then(|row| row.remove("requestedUserId")).unwrap_or_default();
        let encoded: String =
            id.as_str().unwrap_or_default().bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(get(&running, &format!("/v2/users/{encoded}"), API_KEY).await, (200, row));
    }
    assert_eq!(get(&running, "/v2/users/nobody", API_KEY).await, (404, json!("Not Found")));
    assert!(!truth(&running, "users_missing").await.is_empty());
    assert!(!truth(&running, "user_events").await.is_empty());
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn rows_change_after_as_many_requests_as_the_switch_says() {
    let running = world(&[("mutate_after", "1")]).await;
    let before = truth(&running, "responses").await;
    for _ in 0..2 {
        assert_eq!(get(&running, "/v1/responses?limit=1", BEARER).await.0, 200);
    }
    let after = truth(&running, "responses").await;
    assert_ne!(before, after);
    assert!(before.iter().zip(&after).all(|(before, after)| before["createdAt"] == after["createdAt"]));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_world() {
    let (one, other) = (world(&[]).await, world(&[]).await);
    for stream in ["surveys", "responses", "themes", "users"] {
        assert_eq!(truth(&one, stream).await, truth(&other, stream).await);
    }
}

#[tokio::test]
async fn a_query_over_too_many_rows_fails() {
    let running = world(&[("large_query_rows", "50"), ("large_query_delay_ms", "0")]).await;
    assert_eq!(get(&running, "/v1/responses", BEARER).await.0, 504);
    assert_eq!(get(&running, "/v1/responses?end=1743000000000", BEARER).await.0, 200);
}

#[tokio::test]
async fn no_page_of_a_usual_size_is_filled_by_one_millisecond() {
    let running = world(&[]).await;
    for stream in ["surveys", "responses", "themes"] {
        let mut rows_at = BTreeMap::new();
        for row in truth(&running, stream).await {
            *rows_at.entry(row["createdAt"].to_string()).or_insert(0) += 1;
        }
        let most = rows_at.values().copied().max().unwrap_or(0);
        assert!((2..10).contains(&most), "{stream}: {most}");
    }
}
