//! Thrive's tables.

use serde_json::Value;
use userhaul_simulator::{
    Vendor,
    thrive::{API_KEY, CLIENT_ID, CLIENT_SECRET, TENANT_ID},
};

use crate::{
    expect::Notes,
    run::{self, Case, Outcome},
    unified,
};

const NOTES: Notes<'static> = Notes {
    json: &["agreedTerms", "data", "with"],
    id_or_object: &["audiences"],
    wrapped: &[],
    computed: &[],
    aliases: &[],
};

const STREAMS: &[&str] = &[
    "users",
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
];

const SAME: &[(&str, &[&str])] = &[
    ("irregular", &["off"]),
    ("order", &["oldest", "random"]),
    ("updated_since", &["ignored", "refused"]),
    ("unfiltered_users", &["active_new"]),
    ("no_users", &["404"]),
    ("deleted_users", &["removed"]),
    ("derived_updates", &["on"]),
    ("structure_members", &["rolled_up", "400", "404", "422"]),
    ("zone", &["Europe/London"]),
    ("bounds", &["inclusive"]),
    ("cpd_entry_dates", &["date", "long"]),
    ("assignments_audience", &["required"]),
    ("tags_paging", &["everything", "repeating"]),
    ("gateway", &["html_502"]),
    ("beyond", &["404"]),
    ("per_page", &["cap"]),
    ("page_cap", &["7", "25", "100"]),
    ("pagination_numbers", &["float"]),
    ("pagination", &["absent"]),
];

const OAUTH: &[(&str, &[&str])] = &[
    ("token_auth", &["both", "basic", "body"]),
    ("token_scope", &["refused"]),
    ("token_expires_in", &["1", "60"]),
    ("token_expires_in_shape", &["string", "absent"]),
    ("token_type", &["bearer", "BEARER"]),
    // Calls side by side use a token up while others wait for their turn with it.
    ("token_requests", &["2", "5", "40"]),
];

fn case(switches: &[(&'static str, &'static str)]) -> Case {
    Case {
        vendor: Vendor::Thrive,
        switches: switches.to_vec(),
        faults: "",
        users: 40,
        seed: 1,
        source: format!("tenant_id = \"{TENANT_ID}\"\napi_key = \"{API_KEY}\"\n"),
    }
}

fn judge(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut problems = outcome.flawless();
    for stream in STREAMS {
        problems.extend(outcome.compare(stream, &outcome.truth(stream), NOTES, &[]));
    }
    problems.extend(summaries(case, outcome));
    problems.extend(unified::compare(outcome, "thrive", unified::thrive::records(outcome)));
    problems
}

/// The windows of the summaries are ours: each is asked of the simulator by its own ends.
fn summaries(_: &Case, outcome: &Outcome) -> Vec<String> {
    let table = match outcome.table("cpd_user_summaries") {
        Ok(table) => table,
        Err(problem) => return vec![format!("cpd_user_summaries: {problem}")],
    };
    let mut windows: Vec<(String, String)> = Vec::new();
    for row in &table.rows {
        let end = |name: &str| {
            let at = jiff::Timestamp::from_microsecond(row[name].as_i64().unwrap_or(0)).expect("an instant");
            at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
        };
        windows.push((end("entry_date_from"), end("entry_date_to")));
    }
    windows.sort();
    windows.dedup();
    let truth: Vec<Value> = windows
        .iter()
        .flat_map(|(from, to)| outcome.truth(&format!("cpd_user_summaries@{from}@{to}")))
        .collect();
    let logged: i64 =
        outcome.truth("cpd_entries").iter().map(|row| row["durationMinutes"].as_i64().unwrap_or(0)).sum();
    let written: i64 = table.rows.iter().map(|row| row["duration_minutes"].as_i64().unwrap_or(0)).sum();
    let mut problems = outcome.compare("cpd_user_summaries", &truth, NOTES, &[]);
    if logged != written {
        problems.push(format!("cpd_user_summaries: {written} of {logged} minutes"));
    }
    problems
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_of_the_reference_gives_the_same_tables() {
    let mut cases = vec![case(&[])];
    for (name, values) in SAME {
        cases.extend(values.iter().map(|value| case(&[(*name, *value)])));
    }
    cases.push(Case { users: 0, ..case(&[]) });
    cases.push(Case { seed: 7, ..case(&[]) });
    cases.push(Case { users: 300, ..case(&[]) });
    cases.push(Case { users: 300, ..case(&[("body_limit", "150000")]) });
    cases.push(Case { users: 300, ..case(&[("page_cap", "100"), ("pagination", "absent")]) });
    run::all(cases, judge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_endpoint_is_understood() {
    let source = format!(
        "tenant_id = \"{TENANT_ID}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n"
    );
    let mut cases = Vec::new();
    for (name, values) in OAUTH {
        cases.extend(values.iter().map(|value| Case { source: source.clone(), ..case(&[(*name, *value)]) }));
    }
    run::all(cases, judge).await;
}

/// Audiences are only needed for assignments where the server demands one (A:19).
#[tokio::test(flavor = "multi_thread")]
async fn assignments_do_without_audiences() {
    let faults = "{ path = \"/rest/v1/audiences\", times = 0, kind = \"status\", status = 403 }";
    let alone = format!("{}streams = [\"assignments\", \"enrolments\"]\n", case(&[]).source);
    let cases = vec![
        Case { faults, ..case(&[]) },
        Case { faults, source: alone.clone(), ..case(&[]) },
        Case { faults, source: alone, ..case(&[("assignments_audience", "required")]) },
    ];
    run::all(cases, |case, outcome| {
        let demanded = !case.switches.is_empty();
        let wanted = match (demanded, case.source.contains("streams")) {
            (true, _) => 1,
            (false, true) => 0,
            (false, false) => 3,
        };
        let mut problems = Vec::new();
        if outcome.code != wanted {
            problems.push(format!("exit {}: {}", outcome.code, outcome.report));
        }
        if !demanded {
            for stream in ["assignments", "enrolments"] {
                problems.extend(outcome.compare(stream, &outcome.truth(stream), NOTES, &[]));
            }
        }
        problems
    })
    .await;
}

/// A list that changes under the walk is read again; what is left open is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_moves_is_exact_or_unproven() {
    let moving =
        [("insert_between_pages", "1"), ("delete_between_pages", "1"), ("delete_between_pages", "3")];
    let cases = moving.map(|switch| case(&[switch, ("page_cap", "25")])).to_vec();
    run::all(cases, |_, outcome| {
        let mut problems = Vec::new();
        for stream in STREAMS {
            let differs = outcome.compare(stream, &outcome.truth(stream), NOTES, &[]);
            if outcome.record(stream)["status"] == "ok" {
                problems.extend(differs);
            }
        }
        problems
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_gives_no_tables() {
    run::all(vec![case(&[("gateway", "forbidden_403")])], |_, outcome| {
        if outcome.code == 1 { Vec::new() } else { vec![format!("exit {}", outcome.code)] }
    })
    .await;
}
