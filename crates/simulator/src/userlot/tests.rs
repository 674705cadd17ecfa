//! The simulator as a client sees it: raw HTTP over loopback.

mod client;
mod faults;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::client::{ask, get, truth, world, write};
use super::{API_KEY, OTHER_PRODUCT_KEY, SNIPPET_KEY, SWITCHES};

const STREAMS: &[&str] =
    &["companies", "company_fields", "company_statuses", "end_users", "end_user_fields", "teams", "tasks"];

#[tokio::test]
async fn each_list_is_a_bare_array_equal_to_the_truth() {
    let sim = world(60, &[]).await;
    for stream in STREAMS {
        let rows = get(&sim, stream).await.rows();
        assert!(!rows.is_empty(), "{stream} has rows");
        assert_eq!(rows, truth(&sim, stream).await, "{stream}");
        assert_eq!(rows, get(&sim, &format!("{stream}?page=2")).await.rows(), "{stream} ignores `page`");
    }
    let mut revenue = Vec::new();
    for company in get(&sim, "companies").await.rows() {
        let id = company["id"].as_str().expect("an id");
        assert_eq!(get(&sim, &format!("companies/{id}")).await.json(), company);
        for mut row in get(&sim, &format!("companies/{id}/revenue")).await.rows() {
            row["company_id"] = json!(id);
            revenue.push(row);
        }
    }
    assert_eq!(revenue, truth(&sim, "company_revenue").await);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_tenant_has_empty_lists() {
    let sim = world(0, &[("paging", "link_header")]).await;
    for stream in STREAMS {
        assert_eq!(get(&sim, stream).await.rows(), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn the_page_parameter_walks_the_whole_list() {
    let sim = world(20, &[("paging", "page_param_no_headers"), ("page_size", "7")]).await;
    let mut all = Vec::new();
    for page in 1..=3 {
        all.extend(get(&sim, &format!("end_users?page={page}")).await.rows());
    }
    assert_eq!(all, truth(&sim, "end_users").await);
    assert_eq!(get(&sim, "end_users?page=4").await.rows(), Vec::<Value>::new());
    assert_eq!(get(&sim, "end_users?page=18446744073709551615").await.status, 200);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_overlap_repeats_one_row_and_loses_none() {
    let switches = [("paging", "page_param_no_headers"), ("page_size", "7"), ("overlap", "on")];
    let sim = world(20, &switches).await;
    let mut all = Vec::new();
    for page in 1..=3 {
        all.extend(get(&sim, &format!("end_users?page={page}")).await.rows());
    }
    assert_eq!(all[6], all[7]);
    all.remove(7);
    assert_eq!(all, truth(&sim, "end_users").await);
}

#[tokio::test]
async fn links_lead_through_the_whole_list_and_keep_the_filter() {
    let sim = world(40, &[("paging", "link_header"), ("page_size", "1")]).await;
    let mut line = "GET /api/v1/companies?name=Twin+Peaks%20Ltd".to_owned();
    let mut names = Vec::new();
    loop {
        let answer = ask(&sim, &line, &[("APIKEY", API_KEY)], "").await;
        names.extend(answer.rows().iter().map(|row| row["name"].clone()));
        let link = answer.header("link").expect("a link");
        let Some(next) = link.split(", ").find(|link| link.ends_with("rel=\"next\"")) else { break };
        let address = next.split(['<', '>']).nth(1).and_then(|address| address.strip_prefix(&sim.base_url));
        line = format!("GET {}", address.expect("the same host"));
    }
    assert_eq!(names, ["Twin Peaks Ltd", "Twin Peaks Ltd"]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn totals_stand_in_the_headers() {
    let sim = world(20, &[("paging", "total_headers"), ("page_size", "15")]).await;
    let first = get(&sim, "end_users").await;
    assert_eq!((first.header("x-total"), first.header("x-next-page")), (Some("20"), Some("2")));
    let last = get(&sim, "end_users?page=2").await;
    assert_eq!((last.rows().len(), last.header("x-next-page")), (5, Some("")));
}

#[tokio::test]
async fn a_silent_cut_knows_only_the_offset() {
    let sim = world(20, &[("paging", "offset_param"), ("page_size", "10")]).await;
    let first = get(&sim, "end_users").await.rows();
    assert_eq!(get(&sim, "end_users?page=2").await.rows(), first);
    let second = get(&sim, "end_users?offset=10").await.rows();
    assert_eq!([first, second].concat(), truth(&sim, "end_users").await);
}

#[tokio::test]
async fn a_strict_server_refuses_what_it_does_not_know() {
    let sim = world(5, &[("paging", "strict_unknown_params")]).await;
    let refused = get(&sim, "tasks?page=2").await;
    assert_eq!(
        (refused.status, refused.json()),
        (422, json!({"errors": {"page": ["is not a known parameter"]}}))
    );
    assert_eq!(sim.violations(), Vec::<String>::new(), "the probe is allowed");
    assert_eq!(get(&sim, "tasks?per_page=100").await.status, 422);
    assert_eq!(sim.violations().len(), 1);
}

#[tokio::test]
async fn the_bare_key_in_its_header_is_the_only_credential() {
    let sim = world(5, &[]).await;
    let line = "GET /api/v1/teams";
    let bearer = format!("Bearer {API_KEY}");
    for headers in [&[][..], &[("ApiKey", "wrong")], &[("ApiKey", &bearer)], &[("X-API-Key", API_KEY)]] {
        let before = sim.violations().len();
        let answer = ask(&sim, line, headers, "").await;
        assert_eq!((answer.status, answer.json()), (401, json!({"error": "Unauthorized"})));
        assert!(sim.violations().len() > before);
    }
    assert_eq!(ask(&sim, line, &[("ApiKey", SNIPPET_KEY)], "").await.status, 403);
    let mine = get(&sim, "companies").await.rows();
    let theirs = ask(&sim, "GET /api/v1/companies", &[("ApiKey", OTHER_PRODUCT_KEY)], "").await.rows();
    assert!(
        !theirs.is_empty() && theirs.iter().all(|row| !mine.contains(row)),
        "a key sees its product only"
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let sim = world(5, &[]).await;
    for allowed in ["companies/00000000-0000-4000-8000-000000000000", "users", "tickets", "end_users/x"] {
        let answer = get(&sim, allowed).await;
        assert_eq!((answer.status, answer.json()), (404, json!({"error": "Not Found"})), "{allowed}");
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
    for wrong in ["events", "companies/", "companies/cust-1000", "companies/x/y"] {
        let before = sim.violations().len();
        assert_eq!(get(&sim, wrong).await.status, 404, "{wrong}");
        assert_eq!(sim.violations().len(), before + 1, "{wrong}");
    }
}

#[tokio::test]
async fn errors_come_in_every_guise() {
    for (guise, body) in [
        ("message", "{\"message\":\"Not Found\"}"),
        ("error_object", "{\"error\":{\"message\":\"Not Found\"}}"),
        ("errors_array", "{\"errors\":[\"Not Found\"]}"),
        ("empty", ""),
        ("html", super::answer::HTML),
        ("text", "Not Found"),
    ] {
        let sim = world(5, &[("error_body", guise)]).await;
        let answer = get(&sim, "nothing").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, body), "{guise}");
    }
}

#[tokio::test]
async fn bursts_of_429_say_when_to_come_back() {
    let sim = world(5, &[("throttle_after", "2"), ("throttle_burst", "1")]).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(&sim, "teams").await.status);
    }
    assert_eq!((statuses, sim.refused()), (vec![200, 200, 429, 200], 1));
}

#[tokio::test]
async fn an_upsert_finds_its_row_again_in_any_encoding() {
    let sim = world(5, &[]).await;
    let body = json!({"external_id": "new/1 é", "name": "New", "mrr": 12.5, "seats_purchased": 4});
    let made = write(&sim, "PUT /api/v1/companies", &body).await;
    assert_eq!(
        (made.status, made.json()["mrr"].clone(), made.json()["seats_purchased"].clone()),
        (200, json!(12.5), json!(4))
    );
    let id = made.json()["id"].clone();
    let key = ("ApiKey", API_KEY);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let again =
        ask(&sim, "PUT /api/v1/companies", &[key, form], "external_id=new%2F1+%C3%A9&name=Newer").await;
    assert_eq!((again.json()["id"].clone(), again.json()["name"].clone()), (id.clone(), json!("Newer")));
    let parts = "--b\r\nContent-Disposition: form-data; name=\"external_id\"\r\n\r\nnew/1 é\r\n--b\r\n\
        Content-Disposition: form-data; name=\"seats_purchased\"\r\n\r\n9\r\n--b--\r\n";
    let multipart = ("Content-Type", "multipart/form-data; boundary=b");
    let third = ask(&sim, "PUT /api/v1/companies", &[key, multipart], parts).await;
    assert_eq!((third.json()["id"].clone(), third.json()["seats_purchased"].clone()), (id, json!(9)));
    assert_eq!(get(&sim, "companies?external_id=new%2F1%20%C3%A9").await.rows(), [third.json()]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn writes_are_checked() {
    let sim = world(5, &[]).await;
    let blank = write(&sim, "POST /api/v1/companies", &json!({"mrr": 1})).await;
    assert_eq!((blank.status, blank.json()), (422, json!({"errors": {"name": ["can't be blank"]}})));
    let taken = json!({"name": "x", "external_id": "cust-1000"});
    assert_eq!(write(&sim, "POST /api/v1/companies", &taken).await.status, 422);
    assert_eq!(sim.violations(), Vec::<String>::new());
    for (body, status) in
        [(json!({"name": "x", "mrr": "lots"}), 422), (json!([]), 400), (json!({"name": 1}), 422)]
    {
        let before = sim.violations().len();
        assert_eq!(write(&sim, "POST /api/v1/companies", &body).await.status, status);
        assert_eq!(sim.violations().len(), before + 1);
    }
}

#[tokio::test]
async fn a_patch_clears_and_identify_brings_both_together() {
    let sim = world(5, &[]).await;
    let made =
        write(&sim, "POST /api/v1/companies", &json!({"name": "N", "external_id": "n-1", "arr": "7.10"}))
            .await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].clone();
    let line = format!("PATCH /api/v1/companies/{}", id.as_str().expect("an id"));
    let patched = write(&sim, &line, &json!({"arr": null})).await.json();
    assert_eq!((&patched["arr"], &patched["name"]), (&Value::Null, &json!("N")));
    let body =
        json!({"user_external_id": "u-1", "user_email": "u1@example.com", "company_external_id": "n-1"});
    assert_eq!(write(&sim, "PUT /api/v1/identify", &body).await.status, 200);
    let user = get(&sim, "end_users?external_id=u-1").await.rows();
    assert_eq!((&user[0]["company_id"], &user[0]["email"]), (&id, &json!("u1@example.com")));
}

#[tokio::test]
async fn the_world_is_the_same_for_the_same_seed_and_lies_in_two_years() {
    let (one, two) = (world(40, &[]).await, world(40, &[]).await);
    let mut ids = BTreeSet::new();
    let mut rows = 0;
    for stream in STREAMS {
        let first = truth(&one, stream).await;
        assert_eq!(first, truth(&two, stream).await);
        rows += first.len();
        for row in &first {
            ids.insert(row["id"].as_str().expect("an id").to_owned());
            for key in ["created_at", "updated_at", "last_seen_at", "due_at", "end_at"] {
                if let Some(at) = row.get(key).and_then(Value::as_str) {
                    assert!(
                        ("2024-11-01T00:00:00Z".."2026-11-01T00:00:00Z").contains(&at) && at.len() == 20,
                        "{at}"
                    );
                }
            }
        }
    }
    assert_eq!(ids.len(), rows, "ids are unique");
    let companies = truth(&one, "companies").await;
    let late = companies.iter().filter(|row| row["last_seen_at"].as_str() > row["updated_at"].as_str());
    assert!(late.count() > companies.len() / 2, "activity does not touch `updated_at`");
    let external: Vec<_> = companies.iter().filter_map(|row| row["external_id"].as_str()).collect();
    assert_eq!(external.iter().collect::<BTreeSet<_>>().len(), external.len());
}

#[tokio::test]
async fn revenue_comes_in_every_shape() {
    for (shape, body) in [("null", "null"), ("empty", ""), ("404", "{\"error\":\"Not Found\"}")] {
        let sim = world(5, &[("revenue", shape)]).await;
        let companies = truth(&sim, "companies").await;
        let id = companies[0]["id"].as_str().expect("an id");
        assert_eq!(get(&sim, &format!("companies/{id}/revenue")).await.body, body);
        assert_eq!(truth(&sim, "company_revenue").await, Vec::<Value>::new());
    }
    let sim = world(40, &[("revenue", "mixed")]).await;
    assert!(!truth(&sim, "company_revenue").await.is_empty());
}

/// Every value of every switch but those of numbers, hosts and statuses.
const VALUES: &[(&str, &[&str])] = &[
    (
        "paging",
        &["page_param_no_headers", "link_header", "total_headers", "offset_param", "strict_unknown_params"],
    ),
    ("link_form", &["relative", "other_host"]),
    ("total_header_style", &["count", "plain"]),
    ("overlap", &["on", "changed"]),
    ("wrapped_list", &["data", "results", "name", "meta"]),
    ("activity_days", &["400"]),
    ("delete_every", &["3"]),
    ("key_prefix", &["Bearer"]),
    ("snippet_key_reads", &["on"]),
    ("custom", &["custom_fields", "custom_attributes"]),
    ("unset_custom", &["null", "absent"]),
    ("dates", &["datetime", "text"]),
    ("money", &["string", "mixed"]),
    ("details", &["on"]),
    ("candidates", &["on", "users,tickets", "writes"]),
    ("field_key", &["key"]),
    ("field_id", &["off"]),
    ("team_members", &["on"]),
    ("revenue", &["object", "wrapped", "null", "empty", "404", "mixed"]),
    ("revenue_id", &["off"]),
    ("task_filters", &["external", "ignored"]),
    ("filter_match", &["contains", "ignored"]),
    ("emails", &["objects"]),
    ("health_category", &["string", "object", "null"]),
    ("product_scope", &["off"]),
    ("company_detail", &["wrapped", "more"]),
    ("end_user_company", &["embedded", "both"]),
    ("end_user_id", &["off"]),
    ("task_links", &["on"]),
    ("stale_embeds", &["on"]),
    ("source_external_id", &["on"]),
    ("extras", &["off"]),
    ("error_body", &["html"]),
    ("forbidden", &["tasks", "on"]),
    ("unavailable", &["company_detail"]),
    ("html_200", &["on"]),
    ("redirect_to", &["https://elsewhere.example.com"]),
];

#[tokio::test]
async fn every_switch_still_answers_and_most_change_something() {
    let plain = world(12, &[]).await;
    for (switch, values) in VALUES {
        assert!(SWITCHES.iter().any(|(known, _)| known == switch), "{switch}");
        for value in *values {
            let sim = world(12, &[(switch, value)]).await;
            let mut differs = false;
            for path in [
                "companies?name=cont",
                "end_users",
                "tasks?user_id=x",
                "teams",
                "users",
                "company_fields?page=2",
            ] {
                let status = get(&sim, path).await.status;
                assert!(status < 500, "{switch} = {value}: {path} {status}");
                differs |= status != get(&plain, path).await.status;
            }
            for stream in
                ["companies", "end_users", "tasks", "team_users", "company_fields", "company_revenue"]
            {
                differs |= truth(&sim, stream).await != truth(&plain, stream).await;
            }
            // A wrapped revenue holds the same rows. Else, a truth that a switch of the data does not change would be a switch that nobody reads.
            let of_data = [
                "custom",
                "unset_custom",
                "dates",
                "money",
                "emails",
                "revenue",
                "delete_every",
                "activity_days",
                "health_category",
                "end_user_company",
                "extras",
                "task_links",
                "stale_embeds",
            ];
            assert!(differs || *value == "wrapped" || !of_data.contains(switch), "{switch} = {value}");
        }
    }
}

#[tokio::test]
async fn the_newest_of_an_embedded_object_wins() {
    let sim = world(30, &[("stale_embeds", "on")]).await;
    let users = truth(&sim, "team_users").await;
    assert!(!users.is_empty() && users.iter().all(|user| user["name"] != "former name"));
}

#[tokio::test]
async fn candidates_answer_where_they_are_switched_on() {
    let sim = world(12, &[("candidates", "users"), ("details", "on")]).await;
    assert_eq!(get(&sim, "users").await.rows(), truth(&sim, "users").await);
    assert_eq!(get(&sim, "tickets").await.status, 404);
    let task = truth(&sim, "tasks").await.swap_remove(0);
    let id = task["id"].as_str().expect("an id");
    assert_eq!(get(&sim, &format!("tasks/{id}")).await.json(), task);
}

#[tokio::test]
async fn field_definitions_name_keys_of_the_rows() {
    let sim = world(12, &[("unset_custom", "null")]).await;
    for (fields, rows) in [("company_fields", "companies"), ("end_user_fields", "end_users")] {
        let row = truth(&sim, rows).await.swap_remove(0);
        for field in truth(&sim, fields).await {
            let name = field["attribute_name"].as_str().expect("an attribute has a name");
            assert!(row.get(name).is_some(), "{rows}: {name}");
        }
    }
}
