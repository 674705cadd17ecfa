//! Codes of what is told: in texts, in lines of JSON, in run records; what they mean; what a panic and a missing lookup say.

use serde_json::{Value, json};
use userhaul_connector::code::Code;
use userhaul_simulator::Vendor;

use crate::{
    folder::{Folder, Outcome, json as parsed},
    vendors::{self, config, lms, surveys},
};

const NO_TAGS: &str =
    "[thrive]\nfaults = [{ path = \"/rest/v1/tags\", times = 0, kind = \"status\", status = 403 }]";

/// The first request, which is that of the stream.
const NO_SURVEYS: &str =
    "[sprig]\nfaults = [{ path = \"/v1/surveys\", times = 1, kind = \"status\", status = 418 }]";

fn stream<'a>(record: &'a Value, source: &str, stream: &str) -> &'a Value {
    &record["sources"][source]["streams"][stream]
}

#[test]
fn every_line_of_a_warning_or_failure_has_a_code_that_is_explained() {
    let thrive = vendors::start(Vendor::Thrive, NO_TAGS);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let told = folder.run(&["sync", "lms.tags", "lms.skill_levels", "--log-format", "json"]);
    let failed = told.lines().into_iter().find(|line| line["level"] == "error").expect("a failure");
    assert_eq!(failed["code"], "forbidden");
    for line in told.lines().iter().filter(|line| line["level"] != "info") {
        let word = line["code"].as_str().expect("a code");
        let explained = folder.run(&["explain", word]);
        assert!(explained.code == 0 && explained.stdout.starts_with(&format!("{word}\n")), "{explained:?}");
    }
    let text = folder.run(&["sync", "lms.tags", "lms.skill_levels"]).stderr;
    let line = text.lines().find(|line| line.starts_with("error: ")).expect("a failure");
    assert!(line.ends_with(" [forbidden]"), "{text}");
    let refused = folder.run(&["sync", "--log-format", "json", "--wrong"]);
    assert_eq!((refused.code, &refused.lines()[0]["code"]), (2, &json!("usage")));
    let refused = folder.run(&["sync", "--wrong"]).stderr;
    assert!(refused.starts_with("error: unexpected argument '--wrong' found [usage]\n\n"), "{refused}");
}

#[test]
fn codes_are_explained_and_listed() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run(&["explain", "[shrunk]"]).stdout, @"
    shrunk
      A full snapshot lost more than half of its rows.
      userhaul: Read it once more; if it still had, kept the old table.
      you: If the rows are really gone, run again with `--allow-shrink`.
    ");
    let all = folder.run(&["explain"]).stdout;
    assert!(all.contains("\nrate_limited ") && all.lines().count() > 60, "{all}");
    let unknown = folder.run(&["explain", "shrnk"]);
    assert_eq!(unknown.code, 2);
    insta::assert_snapshot!(unknown.stderr, @"
    error: no code `shrnk` [unknown_name]
      hint: did you mean `shrunk`?
    ");
}

/// Names in unified rows, and rows without one.
fn survey_names(folder: &Folder) -> (u64, u64) {
    let mut counts = (0, 0);
    for path in folder.files().iter().filter(|path| path.starts_with("w/unified/feedback/")) {
        for batch in userhaul_sink::read(&folder.path().join(path), Some(&["survey_name"])).expect("a table")
        {
            let batch = batch.expect("rows");
            let missing = batch.column(0).null_count() as u64;
            counts = (counts.0 + batch.num_rows() as u64 - missing, counts.1 + missing);
        }
    }
    counts
}

#[test]
fn rows_that_take_names_from_a_failed_stream_say_so_and_keep_the_old_ones() {
    let whole = vendors::start(Vendor::Sprig, "");
    for selection in [&["surveys.surveys", "surveys.responses"][..], &["surveys.responses"]] {
        let broken = vendors::start(Vendor::Sprig, NO_SURVEYS);
        let folder = Folder::with(&config(&[surveys(&whole.running.base_url, "")]));
        assert_eq!(folder.run(&["sync", "surveys.surveys", "surveys.responses"]).code, 0);
        let before = survey_names(&folder);
        assert!(before.0 > 0 && before.1 == 0, "{before:?}");
        folder.write("userhaul.toml", &config(&[surveys(&broken.running.base_url, "")]));
        let arguments: Vec<&str> =
            ["sync", "--full", "--json"].into_iter().chain(selection.iter().copied()).collect();
        let outcome = folder.run(&arguments);
        assert_eq!(outcome.code, 3, "{outcome:?}");
        let record = outcome.json();
        let responses = stream(&record, "surveys", "responses");
        assert_eq!(responses["status"], "ok");
        assert_eq!(responses["warning_codes"], json!(["lookup_stale"]), "{responses}");
        assert_eq!(
            responses["warnings"],
            json!(["`surveys` failed: what unified rows take from it is of an earlier run"])
        );
        assert!(outcome.stderr.contains("of an earlier run [lookup_stale]\n"), "{}", outcome.stderr);
        assert_eq!(survey_names(&folder), before, "{selection:?}");
    }
}

#[test]
fn rows_without_an_earlier_run_say_that_names_are_missing() {
    let broken = vendors::start(Vendor::Sprig, NO_SURVEYS);
    let folder = Folder::with(&config(&[surveys(&broken.running.base_url, "")]));
    let record = folder.run(&["sync", "surveys.responses", "--json"]).json();
    let responses = stream(&record, "surveys", "responses");
    assert_eq!(responses["warnings"], json!(["`surveys` failed: what unified rows take from it is missing"]));
}

/// Builds for release have no switch that makes them panic.
#[cfg(debug_assertions)]
#[test]
fn a_panic_is_one_failure_with_its_place_and_without_its_words() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let run =
        |arguments: &[&str]| Outcome::of(folder.command(arguments).env("USERHAUL_PANIC_AT", "lms.tags"));
    let outcome = run(&["sync", "lms.tags", "lms.skill_levels", "--json"]);
    assert_eq!(outcome.code, 3, "{outcome:?}");
    let record = outcome.json();
    let error = &stream(&record, "lms", "tags")["error"];
    assert_eq!(error["code"], "internal");
    let message = error["message"].as_str().expect("a message");
    let place = "internal error: the reading of the stream panicked at crates/cli/src/progress.rs:";
    assert!(message.starts_with(place), "{message}");
    assert_eq!(stream(&record, "lms", "skill_levels")["status"], "ok");
    let panics: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("panicked")).collect();
    assert_eq!(panics, [format!("error: lms.tags: {message} [internal]")]);
    for told in [run(&["sync", "lms.tags"]), run(&["sync", "lms.tags", "-v"]), outcome] {
        assert!(!told.stderr.contains("ann@example.com") && !told.stderr.contains("thread '"), "{told:?}");
    }
    let lines = run(&["sync", "lms.tags", "--log-format", "json"]).lines();
    assert_eq!(lines.iter().filter(|line| line["level"] == "error").count(), 1, "{lines:?}");
    for path in folder.files().iter().filter(|path| path.starts_with("w/_userhaul/")) {
        let bytes = std::fs::read(folder.path().join(path)).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains("ann@example.com"), "{path}");
    }
}

#[test]
fn history_tells_which_command_made_a_run() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "archive = true")]));
    assert_eq!(folder.run(&["sync", "lms.tags"]).code, 0);
    assert_eq!(folder.run(&["replay", "lms.tags"]).code, 0);
    folder.write("people.csv", "ref,firstName,lastName,email\nr-1,Ann,Lee,ann.lee@example.com\n");
    let pushed = folder.run(&["push", "lms.users", "--from", "people.csv", "--json"]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    assert_eq!(folder.run(&["push", "lms.users", "--from", "people.csv", "--dry-run", "--all"]).code, 0);
    let runs = folder.run(&["runs", "--json"]).json();
    let commands: Vec<&Value> = runs.as_array().expect("a list").iter().map(|run| &run["command"]).collect();
    assert_eq!(commands, ["push", "replay", "sync"]);
    assert_eq!(runs[0], pushed.json());
    let list = folder.run(&["runs"]).stdout;
    let words: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(words, ["command", "push", "replay", "sync"]);
    let shown = |index: usize| folder.run(&["runs", runs[index]["run_id"].as_str().expect("an id")]).stdout;
    assert!(shown(0).contains(" (push to lms.users): ok, ") && shown(0).contains("\napplied: 1\n"));
    assert!(shown(1).contains(" (replay): ok, "), "{}", shown(1));
    assert!(!shown(2).contains('('), "{}", shown(2));
}

#[test]
fn records_of_versions_without_codes_are_read() {
    let thrive = vendors::start(Vendor::Thrive, NO_TAGS);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let record = folder.run(&["sync", "lms.tags", "lms.skill_levels", "--json"]).json();
    let run_id = record["run_id"].as_str().expect("an id");
    let mut old = record.clone();
    old.as_object_mut().expect("an object").remove("command");
    for stream in ["tags", "skill_levels"] {
        let stream = old["sources"]["lms"]["streams"][stream].as_object_mut().expect("a stream");
        stream.remove("warning_codes");
        stream.remove("reason_code");
        stream.insert("warnings".to_owned(), json!(["something"]));
    }
    let path = folder.path().join(format!("w/_userhaul/runs/{run_id}.json"));
    std::fs::write(&path, old.to_string()).expect("a file");
    let shown = folder.run(&["runs", run_id]).stdout;
    assert!(shown.contains("\nwarning: lms.skill_levels: something\n"), "{shown}");
    let kept = parsed(&folder.run(&["runs", run_id, "--json"]).stdout);
    assert_eq!(kept["command"], "sync");
    assert_eq!(stream(&kept, "lms", "tags")["warnings"], json!(["something"]));
}

#[test]
fn codes_of_records_are_codes_of_the_list() {
    let thrive = vendors::start(Vendor::Thrive, NO_TAGS);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let record = folder.run(&["sync", "--json"]).json();
    for (name, stream) in record["sources"]["lms"]["streams"].as_object().expect("streams") {
        let codes = stream["warning_codes"].as_array().expect("codes");
        assert_eq!(codes.len(), stream["warnings"].as_array().expect("warnings").len(), "{name}");
        assert_eq!(stream["reason"].is_null(), stream["reason_code"].is_null(), "{name}");
        let error = stream["error"].get("code");
        for code in codes.iter().chain(error) {
            assert!(Code::find(code.as_str().expect("a text")).is_some(), "{name}: {code}");
        }
    }
}
