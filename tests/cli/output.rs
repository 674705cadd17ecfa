//! What goes to stdout, what to stderr, and in which form.

use std::{fs::File, process::Stdio};

use serde_json::{Value, json};
use userhaul_simulator::Vendor;

use crate::{
    folder::{Folder, Outcome},
    vendors::{self, config, lms},
};

/// A Thrive source whose tags are refused.
const HALF: &str =
    "[thrive]\nfaults = [{ path = \"/rest/v1/tags\", times = 0, kind = \"status\", status = 403 }]";

#[test]
fn data_alone_goes_to_stdout() {
    let thrive = vendors::start(Vendor::Thrive, HALF);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let outcome = folder.run(&["sync", "lms.cpd_categories", "lms.tags"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
    assert!(outcome.stderr.contains("stream              rows  requests"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains('\u{1b}'));
    let outcome = folder.run(&["sync", "lms.cpd_categories", "--json"]);
    assert_eq!((outcome.code, &outcome.json()["status"]), (0, &json!("ok")));
}

#[test]
fn every_line_of_stderr_is_one_object() {
    let thrive = vendors::start(Vendor::Thrive, HALF);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let outcome =
        folder.run(&["--log-format", "json", "-v", "sync", "lms.cpd_categories", "lms.tags", "--json"]);
    assert_eq!(outcome.code, 3);
    let lines = outcome.lines();
    assert!(lines.iter().all(|line| line["level"].is_string()
        && line["message"].is_string()
        && line["timestamp"].is_string()));
    let error = lines.iter().find(|line| line["level"] == "error").expect("an error");
    assert_eq!((&error["code"], &error["streams"]), (&json!("forbidden"), &json!(["tags"])));
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("permissions")));
    let summary: Vec<(&Value, &Value, &Value)> = lines
        .iter()
        .filter(|line| line["bytes_received"].is_number())
        .map(|line| (&line["stream"], &line["status"], &line["rows"]))
        .collect();
    assert_eq!(
        summary,
        [(&json!("tags"), &json!("failed"), &json!(0)), (&json!("cpd_categories"), &json!("ok"), &json!(7))]
    );
    assert_eq!(lines.last().map(|line| &line["status"]), Some(&json!("partial")));
}

#[test]
fn errors_of_usage_and_configuration_are_objects_too() {
    let folder = Folder::new();
    for arguments in [
        &["--log-format", "json", "sync", "--bogus"][..],
        &["sync", "--log-format=json", "--from", "x"],
        &["sync", "--log-format", "json"],
        &["--log-format", "json"],
    ] {
        let outcome = folder.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}");
        assert!(
            outcome.lines().iter().all(|line| line["level"] == "error" && line["hint"].is_string()),
            "{outcome:?}"
        );
    }
}

#[test]
fn quiet_tells_only_what_went_wrong() {
    let thrive = vendors::start(Vendor::Thrive, HALF);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let outcome = folder.run(&["sync", "-q", "lms.cpd_categories"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let outcome = folder.run(&["sync", "-q", "lms.tags"]);
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (1, 2), "{}", outcome.stderr);
}

#[test]
fn verbose_tells_of_retries() {
    let scenario = "[thrive]\nfaults = [{ path = \"/rest/v1/tags\", kind = \"status\", status = 503, headers = { Retry-After = \"0\" } }]";
    let thrive = vendors::start(Vendor::Thrive, scenario);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let outcome = folder.run(&["sync", "-v", "lms.tags"]);
    assert_eq!(outcome.code, 0);
    assert!(outcome.stderr.contains("lms: try 1 failed"), "{}", outcome.stderr);
    assert_eq!(folder.records()[0]["sources"]["lms"]["streams"]["tags"]["retries"], 1);
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let folder = Folder::new();
    assert!(!folder.run(&["check"]).stderr.contains('\u{1b}'));
    let outcome = folder.run(&["check", "--color", "always", "--no-progress"]);
    assert!(
        outcome.stderr.starts_with("\u{1b}[31;1merror: \u{1b}[0muserhaul.toml: cannot read"),
        "{outcome:?}"
    );
    assert!(!folder.run(&["check", "--color", "never"]).stderr.contains('\u{1b}'));
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let folder = Folder::new();
    for arguments in
        [&["streams"][..], &["streams", "--json"], &["man"], &["completions", "bash"], &["--help"]]
    {
        let mut child = folder.start(arguments);
        drop(child.stdout.take());
        let outcome = Outcome::from(child.wait_with_output().expect("it ends"));
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_full_stdout_is_a_failure() {
    let folder = Folder::new();
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let outcome = Outcome::of(folder.command(&["streams"]).stdout(full).stderr(Stdio::piped()));
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (1, "error: cannot write to stdout: no space left on device [output]\n")
    );
}

#[test]
fn a_closed_stderr_is_no_failure() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let mut child = folder.start(&["sync", "lms.tags", "-v"]);
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(folder.rows("w/lms/tags"), 12);
}
