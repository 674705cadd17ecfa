//! What a client sees: paging, authentication, errors, writes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CLIENT_ID, CLIENT_SECRET,
    client::{bearer, get, raw, send, simulator, sorted, token, truth, walk},
    token::base64,
};

const STREAMS: &[&str] = &[
    "users",
    "user_positions",
    "audiences",
    "audience_members",
    "audience_managers",
    "contents",
    "activities",
    "completions",
    "assignments",
    "enrolments",
    "tags",
    "skill_levels",
    "cpd_categories",
    "cpd_entries",
    "cpd_requirements",
    "cpd_user_summaries",
];

#[tokio::test]
async fn every_list_equals_the_truth_for_any_page_size() {
    let running = simulator(60, &[]).await;
    for (path, stream) in [
        ("users", "users"),
        ("audiences", "audiences"),
        ("contents", "contents"),
        ("activities", "activities"),
        ("learning/completions", "completions"),
        ("assignments", "assignments"),
        ("tags", "tags"),
        ("cpdCategories", "cpd_categories"),
        ("cpdEntries", "cpd_entries"),
        ("cpdRequirementSummaries", "cpd_requirements"),
    ] {
        let truth = sorted(truth(&running, stream).await);
        assert!(!truth.is_empty(), "{stream}");
        for size in [7, 100] {
            assert_eq!(sorted(walk(&running, &format!("/rest/v1/{path}"), size).await), truth, "{stream}");
        }
    }
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn nested_lists_equal_the_truth() {
    let running = simulator(60, &[("structure_members", "rolled_up")]).await;
    let (mut members, mut managers, mut enrolments) = (Vec::new(), Vec::new(), Vec::new());
    for audience in truth(&running, "audiences").await {
        let id = audience["id"].as_str().expect("an id");
        for mut row in walk(&running, &format!("/rest/v1/audiences/{id}/members"), 9).await {
            row["audienceId"] = json!(id);
            members.push(row);
        }
        let answered = get(&running, &format!("/rest/v1/audiences/{id}/managers")).await;
        for mut row in answered.body.as_array().expect("a bare array").clone() {
            row["audienceId"] = json!(id);
            managers.push(row);
        }
    }
    for assignment in truth(&running, "assignments").await {
        let id = assignment["id"].as_str().expect("an id");
        enrolments.extend(walk(&running, &format!("/rest/v1/assignments/{id}/enrolments"), 9).await);
    }
    assert_eq!(sorted(members), sorted(truth(&running, "audience_members").await));
    assert_eq!(sorted(managers), sorted(truth(&running, "audience_managers").await));
    assert_eq!(sorted(enrolments), sorted(truth(&running, "enrolments").await));
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_world_is_the_same_twice_and_its_keys_are_unique() {
    let (one, other) = (simulator(40, &[]).await, simulator(40, &[]).await);
    for stream in STREAMS {
        let rows = truth(&one, stream).await;
        assert_eq!(rows, truth(&other, stream).await, "{stream}");
        let key = ["id", "logEntryId", "audienceRequirementId", "categoryId", "value"]
            .into_iter()
            .find(|key| rows.first().is_some_and(|row| row.get(*key).is_some()));
        if let (Some(key), false) = (key, *stream == "user_positions") {
            let keys: BTreeSet<String> = rows.iter().map(|row| row[key].to_string()).collect();
            assert_eq!(keys.len(), rows.len(), "{stream}");
        }
    }
}

#[tokio::test]
async fn an_empty_account_has_empty_lists() {
    let running = simulator(0, &[]).await;
    for path in ["users", "audiences", "contents", "activities", "tags", "cpdEntries"] {
        let answered = get(&running, &format!("/rest/v1/{path}?perPage=10")).await;
        let pagination = json!({"totalResults": 0, "totalPages": 0, "page": 1, "perPage": 10});
        assert_eq!(answered.body, json!({"results": [], "pagination": pagination}), "{path}");
    }
    assert_eq!(get(&running, "/rest/v1/assignments").await.body, json!([]));
}

#[tokio::test]
async fn credentials_and_scopes_are_checked() {
    let running = simulator(5, &[]).await;
    let users = "/rest/v1/users?page=1&perPage=1";
    assert_eq!(raw(&running, "GET", users, "", "").await.status, 401);
    assert_eq!(raw(&running, "GET", users, "Authorization: Basic eDp5\r\n", "").await.status, 401);
    assert_eq!(raw(&running, "GET", users, "Authorization: Bearer other\r\n", "").await.status, 401);
    assert_eq!(running.violations().len(), 3);
    assert_eq!(get(&running, users).await.status, 200);

    let client = format!("Authorization: Basic {}\r\n", base64(&format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let granted = token(&running, &client, "grant_type=client_credentials&scope=api%2Fread").await;
    assert_eq!(
        granted.body,
        json!({"access_token": "sim-token-0001", "token_type": "Bearer", "expires_in": 3600})
    );
    assert_eq!(raw(&running, "GET", users, &bearer(&granted), "").await.status, 200);
    let body = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    assert_eq!(token(&running, "", &body).await.status, 200);
    assert_eq!(running.violations().len(), 3);

    assert_eq!(token(&running, &client, &body).await.status, 400, "both at once");
    let delete = "/rest/v1/audiences/65f8c5361b9c80d3274be7aa";
    assert_eq!(raw(&running, "DELETE", delete, &bearer(&granted), "").await.status, 403);
    assert_eq!(running.violations().len(), 5);
}

#[tokio::test]
async fn a_token_ends_and_fallbacks_are_no_violations() {
    let running = simulator(5, &[("token_requests", "2"), ("token_auth", "body")]).await;
    let client = format!("Authorization: Basic {}\r\n", base64(&format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    assert_eq!(token(&running, &client, "grant_type=client_credentials").await.status, 401);
    let body = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let granted = token(&running, "", &body).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(raw(&running, "GET", "/rest/v1/tags", &bearer(&granted), "").await.status);
    }
    assert_eq!(statuses, [200, 200, 401]);
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_reference_does_not_allow_is_refused_and_noted() {
    let running = simulator(10, &[]).await;
    for (noted, (path, status)) in [
        ("users?perPage=1001", 400),
        ("users?page=0", 400),
        ("users?page=1.5", 400),
        ("users?limit=10", 400),
        ("users?status=gone", 400),
        ("users?updatedSince=2026-01-31", 400),
        ("users?page=1&page=2", 400),
        ("users?status=%FF", 400),
        ("assignments?perPage=101", 400),
        ("activities?timestampFrom=2026-01-31T00:00:00Z", 400),
        ("cpdUserLogSummaries", 400),
        ("cpdUserLogSummaries?entryDateFrom=2026-01-01%2000:00:00&entryDateTo=2026-02-01T00:00:00", 400),
        ("activity/not-an-id", 400),
        ("activities/65f8c5361b9c80d3274be7aa", 404),
        ("items", 404),
        ("users/", 404),
    ]
    .into_iter()
    .enumerate()
    {
        let answered = get(&running, &format!("/rest/v1/{path}")).await;
        assert_eq!(
            (answered.status, answered.body["status"].as_u64()),
            (status, Some(status.into())),
            "{path}"
        );
        assert_eq!(running.violations().len(), noted + 1, "{path}");
    }
    assert_eq!(get(&running, "/rest/v1/user/65f8c5361b9c80d3274be7aa").await.status, 404);
    assert_eq!(running.violations().len(), 16);
    let written = send(&running, "POST", "/rest/v1/contents", &json!({})).await;
    assert_eq!((written.status, &written.body["status"]), (405, &json!(405)));
    assert_eq!(running.violations().len(), 17);
}

#[tokio::test]
async fn filters_choose_rows() {
    let running = simulator(80, &[]).await;
    let rows = truth(&running, "activities").await;
    let at = |row: &Value| row["date"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let bound: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let after = walk(&running, "/rest/v1/activities?timestampFrom=2026-01-01%2000:00:00", 50).await;
    let wanted: Vec<Value> =
        rows.iter().filter(|row| at(row).is_some_and(|at| at > bound)).cloned().collect();
    assert!(!wanted.is_empty() && wanted.len() < rows.len());
    assert_eq!(sorted(after), sorted(wanted));

    let since = walk(&running, "/rest/v1/users?updatedSince=2026-06-01T00:00:00Z", 50).await;
    assert!(!since.is_empty() && since.iter().all(|row| row["updatedAt"].as_str() >= Some("2026-06-01")));
    let kept = walk(&running, "/rest/v1/learning/completions?isRPL=true", 50).await;
    assert!(!kept.is_empty() && kept.iter().all(|row| row["isRPL"] == json!(true)));
    let some = walk(&running, "/rest/v1/users?statuses=active,new&omitStatuses=new", 50).await;
    assert!(!some.is_empty() && some.iter().all(|row| row["status"] == json!("active")));
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn singles_are_found_by_hard_references_too() {
    let running = simulator(200, &[]).await;
    let users = truth(&running, "users").await;
    let odd = users.iter().find(|row| row["ref"].as_str().is_some_and(|text| text.contains('/')));
    let odd = odd.expect("some reference holds a slash");
    let escaped: String =
        odd["ref"].as_str().unwrap_or_default().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answered = get(&running, &format!("/rest/v1/users/ref/{escaped}")).await;
    assert_eq!((answered.status, &answered.body["id"]), (200, &odd["id"]));
    assert_eq!(answered.body.get("updatedAt"), None);
    let id = odd["id"].as_str().unwrap_or_default();
    assert_eq!(&get(&running, &format!("/rest/v1/user/{id}")).await.body, odd);
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn switches_change_paging() {
    let running = simulator(30, &[("beyond", "404"), ("page_cap", "10"), ("pagination", "absent")]).await;
    let first = get(&running, "/rest/v1/activities?perPage=50").await;
    assert_eq!(first.body["results"].as_array().map(Vec::len), Some(10));
    assert_eq!(first.body.get("pagination"), None);
    assert_eq!(get(&running, "/rest/v1/activities?perPage=50&page=99").await.status, 404);

    let moving = simulator(30, &[("insert_between_pages", "1"), ("delete_between_pages", "1")]).await;
    let first = get(&moving, "/rest/v1/activities?perPage=50&page=1").await;
    let second = get(&moving, "/rest/v1/activities?perPage=50&page=2").await;
    assert_eq!(
        first.body["pagination"],
        json!({"totalResults": 90, "totalPages": 2, "page": 1, "perPage": 50})
    );
    assert_eq!(second.body["results"].as_array().map(Vec::len), Some(40));
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_user_lives_and_is_deleted() {
    let running = simulator(5, &[]).await;
    let user = json!({
        "ref": "HR-1", "firstName": "Tomas", "lastName": "Lind", "email": "tomas@example.com",
        "jobTitle": "Planner", "managerRef": "nobody", "startDate": "2026-03-01", "sso": true,
        "additionalFields": {"location": "Malmö"},
    });
    let made = send(&running, "POST", "/rest/v2/users", &user).await;
    assert_eq!((made.status, &made.body["active"], &made.body["sso"]), (201, &json!(true), &json!(true)));
    assert_eq!(send(&running, "POST", "/rest/v2/users", &user).await.status, 409);
    let path = "/rest/v2/users/ref/HR-1";
    let suspended = send(&running, "PATCH", &format!("{path}/suspend"), &json!({})).await;
    assert_eq!(suspended.body["active"], json!(false));
    let back = send(&running, "PATCH", path, &json!({"endDate": null, "jobTitle": null})).await;
    assert_eq!((&back.body["active"], &back.body["jobTitle"]), (&json!(true), &Value::Null));
    let id = made.body["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        get(&running, &format!("/rest/v1/user/{id}")).await.body["positions"][0]["startDate"],
        "2026-03-01T00:00:00Z"
    );
    assert_eq!(send(&running, "DELETE", path, &Value::Null).await.status, 200);
    let gone = get(&running, &format!("/rest/v1/user/{id}")).await;
    assert_eq!((&gone.body["deleted"], &gone.body["email"]), (&json!(true), &Value::Null));
    assert_eq!(running.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn writes_show_up_in_reads() {
    let running = simulator(20, &[]).await;
    let user =
        truth(&running, "users").await.iter().find(|row| row["ref"].is_string()).cloned().expect("a ref");
    let content = truth(&running, "contents").await[0]["id"].clone();
    let structure = send(
        &running,
        "POST",
        "/rest/v1/audiences",
        &json!({"name": "S", "reference": "s-1", "category": "structure"}),
    )
    .await;
    let audience = json!({"name": "A", "category": "audience", "parentId": structure.body["id"]});
    let audience = send(&running, "POST", "/rest/v1/audiences", &audience).await;
    let path = format!("/rest/v1/audiences/{}", audience.body["id"].as_str().unwrap_or_default());
    let added = send(&running, "POST", &format!("{path}/members"), &json!([user["ref"], "nobody"])).await;
    assert_eq!((added.status, &added.body["failure"]["count"]), (207, &json!(1)));
    let members = get(&running, &format!("{path}/members")).await;
    assert_eq!(members.body["results"][0]["userId"], user["id"]);
    let managers = json!([{"reference": user["id"], "permissions": {"peopleManager": {"insights": true}}}]);
    assert_eq!(send(&running, "PATCH", &format!("{path}/managers"), &managers).await.status, 200);
    let assigned = json!({"audienceId": audience.body["id"], "contentId": content});
    let assigned = send(&running, "POST", "/rest/v1/assignments", &assigned).await;
    assert_eq!((assigned.status, &assigned.body["completionPeriod"]), (201, &json!(30)));

    let done = json!({"userId": user["id"], "contentId": content, "completedAt": "2019-01-01T00:00:00Z"});
    assert_eq!(send(&running, "POST", "/rest/v1/learning/completions", &done).await.status, 201);
    assert_eq!(send(&running, "POST", "/rest/v1/learning/completions", &done).await.status, 200);
    let id = assigned.body["id"].as_str().unwrap_or_default().to_owned();
    let enrolments = get(&running, &format!("/rest/v1/assignments/{id}/enrolments")).await;
    assert_eq!(enrolments.body[0]["status"], json!("complete"));

    let tags = format!("/rest/v1/users/{}/tags", user["id"].as_str().unwrap_or_default());
    assert_eq!(send(&running, "POST", &tags, &json!({"tags": ["saftey"]})).await.status, 422);
    assert_eq!(send(&running, "POST", &tags, &json!({"tags": ["safety"]})).await.status, 200);
    let body = json!({"audienceId": audience.body["id"]});
    assert_eq!(send(&running, "DELETE", &format!("/rest/v1/assignments/{id}"), &body).await.status, 200);
    assert_eq!(send(&running, "DELETE", &path, &Value::Null).await.status, 200);
    assert_eq!(get(&running, &path).await.status, 404);
    assert_eq!(running.violations(), Vec::<String>::new());
    assert_eq!(send(&running, "PATCH", &format!("{path}/members"), &json!([])).await.status, 400);
}

#[tokio::test]
async fn a_wrong_switch_value_is_noted() {
    let running = simulator(1, &[("order", "newset")]).await;
    assert_eq!(running.violations(), ["the value of switch `order` means nothing"]);
}

#[tokio::test]
async fn documented_shapes_all_occur() {
    let running = simulator(200, &[]).await;
    let users = truth(&running, "users").await;
    let some = |wanted: &dyn Fn(&Value) -> bool| users.iter().any(wanted);
    for status in ["active", "inactive", "expired", "new"] {
        assert!(some(&|row| row["status"] == json!(status)), "{status}");
    }
    assert!(some(&|row| row["audiences"][0].is_string()) && some(&|row| row["audiences"][0].is_object()));
    assert!(some(&|row| row["agreedTerms"].is_boolean()) && some(&|row| row["agreedTerms"].is_string()));
    assert!(some(&|row| row["deleted"] == json!(true) && row["ref"].is_null()));
    assert!(some(&|row| row.get("email").is_none()) && some(&|row| row["updatedAt"].is_null()));
    for status in ["archived", "complete", "open", "overdue", "scheduled"] {
        assert!(
            truth(&running, "enrolments").await.iter().any(|row| row["status"] == json!(status)),
            "{status}"
        );
    }
    let requirements = truth(&running, "cpd_requirements").await;
    assert!(requirements.iter().any(|row| row["updatedAt"].is_null()));
}

#[tokio::test]
async fn switches_change_filters_and_sizes() {
    let running =
        simulator(30, &[("zone", "Europe/London"), ("body_limit", "3000"), ("order", "random")]).await;
    let count = async |path: &str| get(&running, path).await.body["pagination"]["totalResults"].clone();
    let summer = truth(&running, "activities").await.iter().find_map(|row| {
        let at: jiff::Timestamp = row["date"].as_str()?.parse().ok()?;
        (5..9).contains(&at.to_zoned(jiff::tz::TimeZone::UTC).month()).then_some(at)
    });
    let summer = summer.expect("something happens in summer");
    let local = |at: jiff::Timestamp| {
        at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(1)))
            .strftime("%Y-%m-%d%%20%H:%M:%S")
            .to_string()
    };
    let hour = jiff::SignedDuration::from_mins(30);
    let path = format!(
        "/rest/v1/activities?perPage=1&timestampFrom={}&timestampTo={}",
        local(summer - hour),
        local(summer + hour)
    );
    assert!(count(&path).await.as_u64() >= Some(1));
    assert_eq!(get(&running, "/rest/v1/users?perPage=1000").await.status, 504);
    assert_eq!(running.violations(), Vec::<String>::new());

    let other = simulator(
        30,
        &[("updated_since", "refused"), ("tags_paging", "repeating"), ("assignments_audience", "required")],
    )
    .await;
    assert_eq!(get(&other, "/rest/v1/users?updatedSince=2026-01-31T00:00:00Z").await.status, 400);
    assert_eq!(get(&other, "/rest/v1/assignments").await.status, 400);
    let tags = get(&other, "/rest/v1/tags?perPage=5&page=3").await.body;
    assert_eq!(
        (tags["results"].as_array().map(Vec::len), &tags["pagination"]["totalPages"]),
        (Some(12), &json!(3))
    );
    assert_eq!(other.violations(), Vec::<String>::new());
}
