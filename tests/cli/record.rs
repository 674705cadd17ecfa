//! The run record: its keys, its numbers, and that they agree with the files.

use serde_json::{Value, json};
use userhaul_simulator::Vendor;

use crate::{
    folder::Folder,
    vendors::{self, config, lms, surveys},
};

#[test]
fn has_every_key_and_is_the_file() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let record = folder.run(&["sync", "lms.tags", "--json"]).json();
    assert_eq!(folder.records(), std::slice::from_ref(&record));
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&record),
        ["command", "finished_at", "run_id", "sources", "started_at", "status", "version"]
    );
    let tags = &record["sources"]["lms"]["streams"]["tags"];
    let expected = [
        "bytes_received",
        "bytes_written",
        "completeness",
        "cursor_after",
        "cursor_before",
        "error",
        "files",
        "mode",
        "new_fields",
        "reason",
        "reason_code",
        "requests",
        "retries",
        "rows",
        "seconds",
        "status",
        "throttled",
        "type_mismatches",
        "waited_on_quota_seconds",
        "warning_codes",
        "warnings",
    ];
    assert_eq!(keys(tags), expected);
    assert_eq!(
        (&tags["status"], &tags["completeness"], &tags["mode"]),
        (&json!("ok"), &json!("complete"), &json!("full_refresh"))
    );
    assert_eq!((&tags["error"], &tags["reason"]), (&Value::Null, &Value::Null));
    assert_eq!(record["run_id"].as_str().map(|id| (id.len(), id.chars().nth(14))), Some((36, Some('7'))));
}

#[test]
fn counts_are_those_of_the_files_and_of_the_vendor() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let record = folder.run(&["sync", "--json"]).json();
    let streams = record["sources"]["lms"]["streams"].as_object().expect("streams");
    let mut requests = 0;
    for (name, stream) in streams {
        assert_eq!(stream["rows"], folder.rows(&format!("w/lms/{name}")), "{name}");
        assert_eq!(stream["status"], "ok", "{name}");
        requests += stream["requests"].as_u64().expect("a number");
    }
    assert_eq!(requests, thrive.running.requests() as u64);
    let written: u64 = streams.values().filter_map(|stream| stream["bytes_written"].as_u64()).sum();
    let files: u64 = streams.values().filter_map(|stream| stream["files"].as_u64()).sum();
    let data: Vec<String> = folder
        .files()
        .into_iter()
        .filter(|path| path.ends_with(".parquet") && !path.ends_with("/empty.parquet"))
        .collect();
    let sizes: u64 =
        data.iter().map(|path| std::fs::metadata(folder.path().join(path)).expect("a file").len()).sum();
    assert_eq!((files, written), (data.len() as u64, sizes));
}

#[test]
fn what_is_needed_but_not_selected_is_read_and_not_written() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let outcome = folder.run(&["sync", "lms.audience_members", "--json"]);
    let record = outcome.json();
    let streams = record["sources"]["lms"]["streams"].as_object().expect("streams");
    assert_eq!(streams.keys().collect::<Vec<_>>(), ["audience_members"]);
    assert!(folder.rows("w/lms/audience_members") > 0);
    assert!(!folder.files().iter().any(|path| path.contains("lms/audiences/")), "{:?}", folder.files());
}

#[test]
fn partial_and_failed() {
    let scenario =
        "[thrive]\nfaults = [{ path = \"/rest/v1/tags\", times = 0, kind = \"status\", status = 403 }]";
    let thrive = vendors::start(Vendor::Thrive, scenario);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let partial = folder.run(&["sync", "lms.tags", "lms.cpd_categories", "--json"]);
    assert_eq!((partial.code, &partial.json()["status"]), (3, &json!("partial")));
    let tags = partial.json()["sources"]["lms"]["streams"]["tags"].clone();
    assert_eq!(
        (&tags["status"], &tags["error"]["code"], &tags["rows"]),
        (&json!("failed"), &json!("forbidden"), &json!(0))
    );
    assert!(tags["error"]["hint"].is_string());
    let failed = folder.run(&["sync", "lms.tags", "--json"]);
    assert_eq!((failed.code, &failed.json()["status"]), (1, &json!("failed")));

    let runs = folder.run(&["runs", "--json"]).json();
    let statuses: Vec<&Value> = runs.as_array().expect("a list").iter().map(|run| &run["status"]).collect();
    assert_eq!(statuses, ["failed", "partial"]);
    let run_id = partial.json()["run_id"].as_str().expect("an id").to_owned();
    assert_eq!(folder.run(&["runs", &run_id, "--json"]).json(), partial.json());
    let shown = folder.run(&["runs", &run_id]).stdout;
    assert!(
        shown.starts_with(&format!("run {run_id}: partial, ")) && shown.contains("\nerror: lms.tags: `http"),
        "{shown}"
    );
    let list = folder.run(&["runs"]).stdout;
    assert_eq!(list.lines().count(), 3, "{list}");
    assert_eq!(folder.run(&["runs", "zzz"]).code, 2);
}

#[test]
fn no_runs_yet() {
    let folder = Folder::with(&config(&[lms("http://127.0.0.1:9", "")]));
    let outcome = folder.run(&["runs"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()),
        (0, "", "no run yet: `userhaul sync` makes one\n")
    );
    assert_eq!(folder.run(&["runs", "--json"]).json(), json!([]));
}

#[test]
fn derived_streams_alone() {
    let sprig = vendors::start(Vendor::Sprig, "");
    let folder = Folder::with(&config(&[surveys(&sprig.running.base_url, "")]));
    let record = folder.run(&["sync", "surveys.survey_questions", "--json"]).json();
    let streams = record["sources"]["surveys"]["streams"].as_object().expect("streams");
    assert_eq!(streams.keys().collect::<Vec<_>>(), ["survey_questions"]);
    assert!(folder.rows("w/surveys/survey_questions") > 0);
    assert_eq!(folder.rows("w/surveys/surveys"), 0);
}
