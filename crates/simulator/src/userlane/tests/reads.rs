//! Rows, pages, authentication and refusals on the default wire.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ALL, ROTATED_TOKEN, TOKEN, get, send, simulator, truth, walk};

#[tokio::test]
async fn all_pages_together_are_the_truth() {
    let running = simulator(&[]).await;
    for (stream, resource, query) in [
        ("nps_responses", "nps", ALL),
        ("survey_responses", "surveys", ALL),
        ("tag_interactions", "tags", ALL),
        ("guide_events", "guide-events", ALL),
        ("guide_progress", "guide-progress", ALL),
        ("announcement_events", "announcement-events", ALL),
        ("user_profiles", "users", ""),
    ] {
        let truth = truth(&running, stream).await;
        assert!(truth.len() > 50, "{stream} has {} rows", truth.len());
        assert_eq!(walk(&running, resource, query, 7).await, truth, "{stream}");
    }
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn adjacent_windows_hold_each_row_once() {
    for switches in [&[][..], &[("tz", "Europe/Berlin")], &[("tag_grain", "day"), ("progress_grain", "step")]]
    {
        let running = simulator(switches).await;
        for resource in ["heart", "tags", "guide-progress"] {
            let size = if resource == "heart" { "" } else { "&pageSize=1000" };
            let mut parts = Vec::new();
            for query in [
                "from=2024-10-31&to=2026-03-28",
                "from=2026-03-29&to=2026-10-19",
                "from=2026-10-20&to=2026-11-01",
            ] {
                parts.append(
                    &mut get(&running, &format!("/v1/properties/k3f9a/{resource}?{query}{size}"))
                        .await
                        .rows(),
                );
            }
            let whole = get(&running, &format!("/v1/properties/k3f9a/{resource}?{ALL}{size}")).await.rows();
            assert_eq!(parts, whole, "{resource} with {switches:?}");
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_world() {
    let (one, other) = (simulator(&[]).await, simulator(&[]).await);
    for stream in ["heart_scores", "guide_events", "user_profiles", "user_attributes"] {
        assert_eq!(truth(&one, stream).await, truth(&other, stream).await);
    }
}

#[tokio::test]
async fn a_token_is_needed_in_the_right_form() {
    let target = "/v1/properties/k3f9a/users";
    let running = simulator(&[]).await;
    for token in [None, Some("s3cr3t"), Some("Bearer demo-userlane-token"), Some(ROTATED_TOKEN)] {
        let answer = send(&running, "GET", target, token, "").await;
        assert_eq!((answer.status, answer.json()["statusCode"].clone()), (401, json!(401)));
    }
    assert_eq!(running.violations().len(), 4);
    assert!(!running.violations().concat().contains("s3cr3t"));

    let bearer = simulator(&[("bearer", "on")]).await;
    assert_eq!(send(&bearer, "GET", target, Some("Bearer demo-userlane-token"), "").await.status, 200);
    assert_eq!(get(&bearer, target).await.status, 401);
}

#[tokio::test]
async fn what_the_reference_does_not_allow_is_refused_and_noted() {
    let running = simulator(&[]).await;
    for (target, status) in [
        ("/v1/properties/k3f9a/nps?from=2026-01-01", 400),
        ("/v1/properties/k3f9a/nps?from=2026-1-1&to=2026-01-02", 400),
        ("/v1/properties/k3f9a/nps?from=2026-02-30&to=2026-03-02", 400),
        ("/v1/properties/k3f9a/nps?from=2026-01-02&to=2026-01-01", 422),
        ("/v1/properties/k3f9a/nps?from=2026-01-01&to=2026-01-02&page=0", 422),
        ("/v1/properties/k3f9a/nps?from=2026-01-01&to=2026-01-02&page=-1", 400),
        ("/v1/properties/k3f9a/nps?from=2026-01-01&to=2026-01-02&pageSize=1001", 422),
        ("/v1/properties/k3f9a/nps?from=2026-01-01&to=2026-01-02&guide=1", 400),
        ("/v1/properties/k3f9a/nps?from=2026-01-01&from=2026-01-01&to=2026-01-02", 400),
        ("/v1/properties/k3f9a/heart?from=2026-01-01&to=2026-01-02&page=1", 400),
        ("/v1/properties/k3f9a/users?from=2026-01-01", 400),
        ("/v1/properties/k3f9a/users/", 404),
        ("/v1/applications", 404),
    ] {
        let before = running.violations().len();
        assert_eq!(get(&running, target).await.status, status, "{target}");
        assert_eq!(running.violations().len(), before + 1, "{target}");
    }
    let wrong = send(&running, "POST", "/v1/properties/k3f9a/users", Some(TOKEN), "").await;
    assert!(wrong.status == 405 && wrong.head.contains("allow: get"), "{}", wrong.head);
}

#[tokio::test]
async fn a_push_of_two_ties_user_and_instant() {
    let running = simulator(&[]).await;
    let rows = truth(&running, "announcement_events").await;
    let tied = rows.windows(2).filter(|two| {
        two.iter().all(|row| row["eventType"] == "announcement_pushed" && row["userId"].is_string())
            && two[0]["userId"] == two[1]["userId"]
            && two[0]["occurredAt"] == two[1]["occurredAt"]
    });
    assert!(tied.count() > 0);
}

#[tokio::test]
async fn nullable_fields_are_null_absent_and_present() {
    let running = simulator(&[]).await;
    for (stream, fields) in [
        (
            "heart_scores",
            &["happiness", "engagement", "adoption", "retention", "taskSuccess", "users", "sessions"][..],
        ),
        ("nps_responses", &["comment"]),
        ("survey_responses", &["surveyId", "surveyName", "question", "comment"]),
        ("tag_interactions", &["tagName", "userId"]),
        (
            "guide_events",
            &["guideName", "stepId", "stepIndex", "source", "exitReason", "userId", "sessionId"],
        ),
        ("guide_progress", &["guideName", "currentStep", "totalSteps", "startedAt", "completedAt"]),
        ("announcement_events", &["announcementId", "announcementTitle", "guideId", "url", "userId"]),
        ("user_profiles", &["internalId", "source", "firstActiveAt", "lastActiveAt"]),
    ] {
        let rows = truth(&running, stream).await;
        for field in fields {
            let shapes = shapes(&rows, field);
            assert!(shapes.contains_key("null"), "{stream} {field} null: {shapes:?}");
            assert!(shapes.contains_key("absent"), "{stream} {field} absent: {shapes:?}");
            assert!(shapes.len() > 2 || *field == "exitReason", "{stream} {field}: {shapes:?}");
        }
    }
    for (stream, field, words) in [
        ("guide_events", "eventType", 5),
        ("guide_progress", "status", 3),
        ("announcement_events", "eventType", 4),
        ("nps_responses", "score", 11),
        ("survey_responses", "score", 5),
    ] {
        assert_eq!(shapes(&truth(&running, stream).await, field).len(), words, "{stream} {field}");
    }
}

/// The values of a field over all rows of a stream, `absent` where it is missing.
fn shapes(rows: &[Value], field: &str) -> BTreeMap<String, usize> {
    let mut shapes = BTreeMap::new();
    for row in rows {
        *shapes.entry(row.get(field).map_or("absent".to_owned(), Value::to_string)).or_default() += 1;
    }
    shapes
}
