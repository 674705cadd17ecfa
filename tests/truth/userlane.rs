//! Userlane's tables.

use serde_json::Value;
use userhaul_simulator::{Vendor, userlane::TOKEN};

use crate::{
    expect::Notes,
    run::{self, Case, Outcome},
    unified,
};

fn notes(stream: &str) -> Notes<'static> {
    Notes {
        wrapped: &["propertyAttributes", "companyAttributes", "unknownAttributes"],
        aliases: if stream == "tag_interactions" { &[("occurredAt", &["date"])] } else { &[] },
        ..Notes::default()
    }
}

const STREAMS: &[&str] = &[
    "heart_scores",
    "nps_responses",
    "survey_responses",
    "tag_interactions",
    "guide_events",
    "guide_progress",
    "announcement_events",
    "user_profiles",
];

const SAME: &[(&str, &[&str])] = &[
    ("max_span_days", &["9", "3"]),
    ("span_status", &["400"]),
    ("ignore_paging", &["on", "first_page"]),
    ("page_size_cap", &["7", "30"]),
    ("totals", &["off"]),
    ("to_exclusive", &["on"]),
    ("tz", &["Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo"]),
    ("heart_off", &["on"]),
    ("null_letters", &["on"]),
    ("no_ids", &["on", "never"]),
    ("tag_grain", &["day", "user_day"]),
    ("progress_grain", &["step"]),
    ("bare_array", &["on"]),
    ("rows_under", &["items", "results"]),
    ("empty_window", &["204"]),
    ("snake_case", &["on"]),
    ("epoch_ms", &["on"]),
    ("timestamps", &["offset", "naive", "epoch_s", "mixed"]),
    ("numbers", &["text"]),
    ("guide_ids", &["number", "text"]),
    ("attributes", &["wrapped", "flat"]),
    ("privacy", &["missing", "null"]),
    ("user_ids", &["internal"]),
    ("unknown_params", &["ignore"]),
    ("rate_limit", &["40"]),
];

/// The second wire profile: the property in the query (vendors/userlane.md 1.6).
const BY_QUERY: &str = r#"
[sources.it.wire.export]
application_id_in = "query"
application_id_name = "propertyId"
paths.heart = "/v1/heart"
paths.nps = "/v1/nps"
paths.surveys = "/v1/surveys"
paths.tags = "/v1/tags"
paths.guide_events = "/v1/guide-events"
paths.guide_progress = "/v1/guide-progress"
paths.announcement_events = "/v1/announcement-events"
paths.users = "/v1/users"
"#;

fn case(switches: &[(&'static str, &'static str)]) -> Case {
    Case {
        vendor: Vendor::Userlane,
        switches: switches.to_vec(),
        faults: "",
        users: 40,
        seed: 1,
        // The simulator's world: 20 028 to 20 758 days after 1970.
        source: format!(
            "token = \"{TOKEN}\"\nproperty_ids = [\"k3f9a\", \"p7x2c\"]\nstart_date = \"2024-11-01\"\n"
        ),
    }
}

fn judge(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut problems = outcome.flawless();
    let on = |name, value| case.switches.contains(&(name, value));
    for stream in STREAMS {
        let rows = outcome.truth(stream).into_iter().map(|row| row_of(stream, row));
        problems.extend(outcome.compare(stream, &rows.collect::<Vec<Value>>(), notes(stream), &[]));
    }
    let steps = on("progress_grain", "step");
    problems.extend(unified::compare(outcome, "userlane", unified::userlane::records(outcome, steps)));
    problems
}

/// Attributes come in one object with the scopes as members, or without scopes (vendors/userlane.md, A-23).
fn row_of(stream: &str, mut row: Value) -> Value {
    let full = row["attributes"].as_object().is_some_and(|scopes| !scopes.is_empty());
    if stream == "user_profiles"
        && full
        && let Some(members) = row.as_object_mut()
        && let Some(Value::Object(scopes)) = members.remove("attributes")
    {
        let (known, others): (Vec<_>, Vec<_>) =
            scopes.into_iter().partition(|(scope, _)| matches!(scope.as_str(), "property" | "company"));
        members.extend(known.into_iter().map(|(scope, values)| (format!("{scope}Attributes"), values)));
        if !others.is_empty() {
            members.insert("unknownAttributes".to_owned(), Value::Object(others.into_iter().collect()));
        }
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_of_the_reference_gives_the_same_tables() {
    let mut cases = vec![case(&[])];
    for (name, values) in SAME {
        for value in *values {
            let mut one = case(&[(*name, *value)]);
            if *name == "span_status" {
                one.switches.push(("max_span_days", "4"));
            }
            cases.push(one);
        }
    }
    cases.push(Case { users: 0, ..case(&[]) });
    cases.push(Case { seed: 7, ..case(&[]) });
    cases.push(Case { users: 300, ..case(&[]) });
    cases.push(case(&[("progress_grain", "step"), ("page_size_cap", "7")]));
    cases.push(case(&[("html_200", "1")]));
    let wire = |text: &str| format!("{}{text}", case(&[]).source);
    cases.push(Case {
        source: wire("[sources.it.wire.auth]\nscheme = \"bearer\"\n"),
        ..case(&[("bearer", "on")])
    });
    cases.push(Case {
        source: wire("[sources.it.wire.export]\npaging = \"none\"\n"),
        ..case(&[("paging", "none")])
    });
    cases.push(Case {
        source: wire("[sources.it.wire.export]\nfrom_param = \"startDate\"\nto_param = \"endDate\"\n"),
        ..case(&[("date_params", "start_end")])
    });
    // Without padding, rows of each window's last day come only where the profile says that `to` leaves its day out.
    cases.push(Case {
        source: wire(
            "[sources.it.wire.export]\nto_is_inclusive = false\n[sources.it.wire.streams.\"*\".axes.window]\npad = \"0s\"\n",
        ),
        ..case(&[("to_exclusive", "on")])
    });
    cases.push(Case { source: wire(BY_QUERY), ..case(&[("query_id", "on")]) });
    let other = format!(
        "[sources.it.wire.auth]\nscheme = \"bearer\"\n{BY_QUERY}from_param = \"startDate\"\nto_param = \"endDate\"\npaging = \"none\"\n"
    );
    let switches = [
        ("query_id", "on"),
        ("date_params", "start_end"),
        ("paging", "none"),
        ("bare_array", "on"),
        ("snake_case", "on"),
        ("epoch_ms", "on"),
        ("bearer", "on"),
    ];
    cases.push(Case { source: wire(&other), ..case(&switches) });
    run::all(cases, judge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_empty_once_keeps_its_rows() {
    let case = case(&[("vanish_once", "again")]);
    let mut outcome = run::sync(&case).await;
    outcome.again(&["--full"]).await;
    let problems = judge(&case, &outcome);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(outcome.stderr.contains("read once more"), "{}", outcome.stderr);
}

/// Scores of past days change, rows come late (A-16): a full run has them as they are then.
#[tokio::test(flavor = "multi_thread")]
async fn restated_scores_and_late_rows_are_in_the_next_run() {
    for switch in [("restate_heart", "on"), ("late_events", "20")] {
        let case = case(&[switch]);
        let mut outcome = run::sync(&case).await;
        for _ in 0..2 {
            outcome.again(&["--full"]).await;
        }
        let problems = judge(&case, &outcome);
        assert!(problems.is_empty(), "{switch:?}: {}", problems.join("\n"));
    }
}

/// The grain of progress is found once: the next run knows it by its table.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_steps_stays_one() {
    let source = format!("{}streams = [\"guide_progress\"]\n", case(&[]).source);
    let case = Case { source, ..case(&[("progress_grain", "step")]) };
    let mut outcome = run::sync(&case).await;
    let warned = |outcome: &Outcome| {
        outcome.record("guide_progress")["warnings"].to_string().contains("same primary key")
    };
    assert!(warned(&outcome), "{}", outcome.report);
    outcome.again(&[]).await;
    assert!(!warned(&outcome), "{}", outcome.report);
    let problems =
        outcome.compare("guide_progress", &outcome.truth("guide_progress"), notes("guide_progress"), &[]);
    assert!(outcome.code == 0 && problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_may_be_cut_is_asked_for_in_halves() {
    let source = format!("{}streams = [\"guide_events\"]\n", case(&[]).source);
    let switches = [("ignore_paging", "on"), ("page_size_cap", "100")];
    let worlds = [40, 200, 900].map(|users| Case { source: source.clone(), users, ..case(&switches) });
    run::all(worlds.to_vec(), |case, outcome| {
        let truth = outcome.truth("guide_events");
        let mut problems = outcome.flawless();
        let differs = outcome.compare("guide_events", &truth, notes("guide_events"), &[]);
        // Where even a day holds more than an answer, that is said.
        if case.users < 900 {
            problems.extend(differs);
        } else if !outcome.stderr.contains("the list may be truncated") {
            problems.push("nothing was said of a truncated list".to_owned());
        }
        problems
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_right_is_refused() {
    let cases = [
        ("ignore_dates", "on"),
        ("rows_under", "none"),
        ("max_span_days", "1"),
        ("html_200", "on"),
        ("bearer", "on"),
        ("rotate_token_after", "30"),
    ];
    run::all(cases.iter().map(|switch| case(&[*switch])).collect(), |case, outcome| {
        let codes: Vec<&str> = STREAMS.iter().map(|stream| outcome.error(stream)).collect();
        let (code, error) = match case.switches[0].0 {
            "ignore_dates" => (3, "filter_ignored"),
            "rotate_token_after" => (3, "credentials"),
            "max_span_days" => (3, "vendor_error"),
            "bearer" => (1, "credentials"),
            _ => (1, ""),
        };
        let named = error.is_empty() || codes.contains(&error);
        if outcome.code == code && named {
            Vec::new()
        } else {
            vec![format!("exit {} {codes:?}", outcome.code)]
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_may_not_be_seen_does_not_hide_the_other() {
    run::all(vec![case(&[("limited_manager", "on")])], |_, outcome| {
        let mut problems = Vec::new();
        if outcome.code != 3 {
            problems.push(format!("exit {}", outcome.code));
        }
        for stream in STREAMS {
            let rows: Vec<Value> = outcome.truth(stream).into_iter().map(|row| row_of(stream, row)).collect();
            problems.extend(outcome.compare(stream, &rows, notes(stream), &[]));
        }
        problems
    })
    .await;
}
