//! Userlot's tables.

use serde_json::Value;
use userhaul_simulator::{Vendor, userlot::API_KEY};

use crate::{
    expect::Notes,
    run::{self, Case, Outcome},
    unified,
};

fn notes(stream: &str) -> Notes {
    let custom: &[(&str, &[&str])] = &[("custom_fields", &["custom_attributes"])];
    Notes {
        json: &["health_category", "activity_type", "users"],
        computed: &["task_status_id", "task_category_id", "user_id", "team_id"],
        aliases: if matches!(stream, "companies" | "end_users") { custom } else { &[] },
        ..Notes::default()
    }
}

const STREAMS: &[&str] = &[
    "companies",
    "company_revenue",
    "company_fields",
    "company_statuses",
    "end_users",
    "end_user_fields",
    "teams",
    "tasks",
    "task_statuses",
    "task_categories",
    "team_users",
];

const SAME: &[(&str, &[&str])] = &[
    (
        "paging",
        &["page_param_no_headers", "link_header", "total_headers", "offset_param", "strict_unknown_params"],
    ),
    ("wrapped_list", &["data", "results", "name", "meta"]),
    ("activity_days", &["3"]),
    ("delete_every", &["5"]),
    ("custom", &["custom_fields", "custom_attributes"]),
    ("unset_custom", &["null", "absent"]),
    ("dates", &["datetime", "text"]),
    ("money", &["string", "mixed"]),
    ("field_key", &["name", "key", "attribute"]),
    ("field_id", &["off"]),
    ("team_members", &["on"]),
    ("revenue", &["object", "wrapped", "null", "empty", "404", "mixed"]),
    ("revenue_id", &["off"]),
    ("emails", &["objects"]),
    ("health_category", &["string", "object", "null"]),
    ("product_scope", &["off"]),
    ("end_user_company", &["embedded", "both"]),
    ("end_user_id", &["off"]),
    ("task_links", &["on"]),
    ("stale_embeds", &["on"]),
    ("source_external_id", &["on"]),
    ("extras", &["off"]),
];

fn case(switches: &[(&'static str, &'static str)]) -> Case {
    Case {
        vendor: Vendor::Userlot,
        switches: switches.to_vec(),
        faults: "",
        users: 40,
        seed: 1,
        source: format!("api_key = \"{API_KEY}\"\n"),
    }
}

fn judge(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut problems = outcome.flawless();
    let field_key = case
        .switches
        .iter()
        .find(|(name, _)| *name == "field_key")
        .map_or("attribute_name", |(_, value)| value);
    for stream in STREAMS {
        let definitions = match *stream {
            "companies" => outcome.truth("company_fields"),
            "end_users" => outcome.truth("end_user_fields"),
            _ => Vec::new(),
        };
        let names = definitions.iter().filter_map(|row| row[field_key].as_str().map(str::to_owned));
        let custom: Vec<String> = names.collect();
        let rows = outcome.truth(stream).into_iter().map(|row| row_of(stream, row));
        problems.extend(outcome.compare(stream, &rows.collect::<Vec<Value>>(), notes(stream), &custom));
    }
    let names = |definitions: &str| -> Vec<String> {
        let definitions = outcome.truth(definitions);
        definitions.iter().filter_map(|row| row[field_key].as_str().map(str::to_owned)).collect()
    };
    let records = unified::userlot::records(outcome, &names("company_fields"), &names("end_user_fields"));
    problems.extend(unified::compare(outcome, "userlot", records));
    problems
}

/// The company of an end user may be an object (vendors/userlot.md 4.5): its id is the column, the rest stays.
fn row_of(stream: &str, mut row: Value) -> Value {
    if stream == "end_users"
        && row["company_id"].is_null()
        && let Some(id) = row["company"].get("id").cloned()
    {
        row["company_id"] = id;
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_of_the_reference_gives_the_same_tables() {
    let mut cases = vec![case(&[])];
    for (name, values) in SAME {
        cases.extend(values.iter().map(|value| case(&[(*name, *value)])));
    }
    for paging in ["page_param_no_headers", "link_header", "total_headers", "offset_param"] {
        for size in ["7", "10", "40"] {
            // An offset is only tried behind a round number of rows (vendors/userlot.md 3.1 step 5).
            if paging == "offset_param" && size != "10" {
                continue;
            }
            cases.push(case(&[("paging", paging), ("page_size", size)]));
        }
        for overlap in ["on", "changed"] {
            cases.push(case(&[("paging", paging), ("overlap", overlap)]));
        }
        cases.push(case(&[("paging", paging), ("wrapped_list", "meta")]));
    }
    for status in ["400", "404"] {
        cases.push(case(&[("paging", "strict_unknown_params"), ("unknown_param_status", status)]));
    }
    cases.push(case(&[("paging", "link_header"), ("link_form", "relative")]));
    for style in ["count", "plain"] {
        cases.push(case(&[("paging", "total_headers"), ("total_header_style", style)]));
    }
    cases.push(case(&[("throttle_after", "5"), ("throttle_retry_after", "0")]));
    let source = format!("api_key = \"Bearer {API_KEY}\"\n");
    cases.push(Case { source, ..case(&[("key_prefix", "Bearer")]) });
    cases.push(Case { users: 0, ..case(&[]) });
    cases.push(Case { seed: 7, ..case(&[]) });
    cases.push(Case { users: 300, ..case(&[]) });
    run::all(cases, judge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_second_page_is_reported() {
    run::all(vec![case(&[("paging", "strict_unknown_params")])], |_, outcome| {
        let mut problems = outcome.flawless();
        if !outcome.record("end_users")["warnings"].to_string().contains("page 2 was refused with status 422")
        {
            problems.push(format!("no warning: {}", outcome.record("end_users")));
        }
        problems
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_right_is_refused() {
    let mut cases = vec![case(&[("html_200", "on")]), case(&[("redirect_to", "https://elsewhere.example")])];
    cases.push(case(&[("paging", "link_header"), ("link_form", "other_host")]));
    for body in ["json", "message", "error_object", "errors_array", "empty", "html", "text"] {
        cases.push(case(&[("forbidden", "tasks,companies"), ("error_body", body)]));
    }
    run::all(cases, |case, outcome| {
        let wanted = if case.switches.iter().any(|(name, _)| matches!(*name, "forbidden" | "link_form")) {
            3
        } else {
            1
        };
        if outcome.code == wanted {
            Vec::new()
        } else {
            vec![format!("exit {}: {}", outcome.code, outcome.stderr)]
        }
    })
    .await;
}
