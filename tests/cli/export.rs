//! `export` and `preview`: one stream, once.

use std::{os::unix::fs::FileTypeExt, process::Command};

use userhaul_simulator::{Vendor, thrive};

use crate::{
    folder::{Folder, Outcome, json},
    vendors::{self, Simulated, config, lms, surveys},
};

/// `export thrive.STREAM` with the key in a variable.
fn export(folder: &Folder, vendor: &Simulated, stream: &str, more: &[&str]) -> Outcome {
    let address = format!("base_url={}", vendor.running.base_url);
    let tenant = format!("tenant_id={}", thrive::TENANT_ID);
    let fixed = ["export", stream, "--set", &address, "--set", &tenant, "--set", "api_key=${KEY}"];
    let fixed = [&fixed[..], &["--set", "rate_limit={ requests = 1000, per = \"1s\" }"], more].concat();
    Outcome::of(folder.command(&fixed).env("KEY", thrive::API_KEY))
}

#[test]
fn every_format() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::new();
    for (name, begins) in [
        ("a.parquet", "PAR1"),
        ("a.arrow", "ARROW1"),
        ("a.ndjson", "{\"id\":\""),
        ("a.csv", "id,ref,first_name,"),
    ] {
        let outcome = export(&folder, &vendor, "thrive.users", &["-o", name]);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str(), outcome.stderr),
            (0, "", format!("wrote 40 rows to `{name}`\n"))
        );
        assert!(
            std::fs::read(folder.path().join(name)).expect("a file").starts_with(begins.as_bytes()),
            "{name}"
        );
    }
    assert_eq!(userhaul_sink::stats(&folder.path().join("a.parquet")).expect("a Parquet file").rows, 40);
    let rows = std::fs::read_to_string(folder.path().join("a.ndjson")).expect("text");
    let rows: Vec<serde_json::Value> = rows.lines().map(json).collect();
    assert_eq!(rows.len(), 40);
    let instant = rows.iter().find_map(|row| row["created_at"].as_str()).expect("an instant");
    assert!(instant.ends_with('Z'), "{instant}");
    // Nothing else is left: no part, no state but that of the quota.
    let files: Vec<String> = folder.files().into_iter().filter(|path| !path.starts_with("state/")).collect();
    assert_eq!(files, ["a.arrow", "a.csv", "a.ndjson", "a.parquet"]);
}

#[test]
fn to_stdout_with_a_limit() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::new();
    let outcome = export(&folder, &vendor, "thrive.tags", &["-o", "-", "--format", "ndjson", "--limit", "3"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert_eq!(outcome.stdout.lines().map(json).filter(|row| row["tag"].is_string()).count(), 3);
    let outcome = export(&folder, &vendor, "thrive.tags", &["-o", "-", "--format", "csv", "--limit", "0"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (0, "id,tag,contents,campaigns,interests,skills,_source,_run_id,_extracted_at,_extra\n")
    );
}

#[test]
fn a_cell_is_no_formula() {
    let body = r#"[{"id":"1","tag":"=HYPERLINK(1)"},{"id":"2","tag":"@x"},{"id":"3","tag":"fine = yes"}]"#;
    let scenario = format!(
        "[thrive]\nfaults = [{{ path = \"/rest/v1/tags\", times = 0, kind = \"status\", status = 200, body = '{body}' }}]"
    );
    let vendor = vendors::start(Vendor::Thrive, &scenario);
    let outcome = export(&Folder::new(), &vendor, "thrive.tags", &["-o", "-", "--format", "csv"]);
    let tags: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(tags, ["tag", "'=HYPERLINK(1)", "'@x", "fine = yes"], "{outcome:?}");
}

#[test]
fn a_pipe_stays_a_pipe_and_a_link_a_link() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::new();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("text")
    });
    assert_eq!(export(&folder, &vendor, "thrive.tags", &["-o", "pipe", "--format", "csv"]).code, 0);
    assert_eq!(reader.join().expect("the reader ends").lines().count(), 13);
    assert!(std::fs::symlink_metadata(&pipe).expect("it is there").file_type().is_fifo());

    folder.write("target.csv", "");
    std::os::unix::fs::symlink("target.csv", folder.path().join("link.csv")).expect("a link");
    assert_eq!(export(&folder, &vendor, "thrive.tags", &["-o", "link.csv"]).code, 0);
    assert!(std::fs::symlink_metadata(folder.path().join("link.csv")).expect("it is there").is_symlink());
    assert_eq!(std::fs::read_to_string(folder.path().join("target.csv")).expect("text").lines().count(), 13);
}

#[test]
fn lists_are_set_with_commas_and_files_are_named() {
    let vendor = vendors::start(Vendor::Sprig, "");
    let folder = Folder::new();
    let address = format!("base_url={}", vendor.running.base_url);
    let outcome = folder.run(&[
        "export",
        "sprig.responses",
        "--set",
        &address,
        "--set",
        "api_key=demo-sprig-key",
        "--set",
        "with=urls, meta",
        "-o",
        "-",
        "--format",
        "ndjson",
        "--limit",
        "2",
    ]);
    assert_eq!((outcome.code, outcome.stdout.lines().count()), (0, 2), "{outcome:?}");
    let outcome =
        folder.run(&["export", "sprig.responses", "--set", "api_key=x", "--set", "with=url", "-o", "-"]);
    assert_eq!(outcome.code, 2);
}

#[test]
fn refusals() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::new();
    let told = [
        export(&folder, &vendor, "thrive.userz", &["-o", "-"]),
        export(&folder, &vendor, "thriv.users", &["-o", "-"]),
        export(&folder, &vendor, "thrive", &["-o", "-"]),
        export(&folder, &vendor, "thrive.users", &["-o", "-", "--set", "nonsense"]),
        export(&folder, &vendor, "thrive.users", &["-o", "-", "--set", "timeout=soon"]),
        folder.run(&["export", "thrive.users", "-o", "-", "--set", "tenant_id=t", "--set", "api_key=${KEY}"]),
    ];
    let told: Vec<String> = told
        .iter()
        .map(|outcome| {
            assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{outcome:?}");
            outcome.stderr.trim_end().to_owned()
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    error: `thrive` has no stream `userz` [unknown_name]
      hint: did you mean `users`? The streams are users, audiences, audience_members, audience_managers, contents, activities, completions, assignments, enrolments, tags, skill_levels, cpd_categories, cpd_entries, cpd_requirements, cpd_user_summaries
    error: unknown connector `thriv`; did you mean `thrive`? [settings]
      hint: connectors: `sprig`, `thrive`, `userlane`, `userlot`, or a file such as `./crm.toml`
    error: expected `connector.stream`, found `thrive` [usage]
      hint: such as `userhaul export sprig.responses`; `userhaul streams` lists all
    error: `--set` expects `KEY=VALUE`, found no `=` [usage]
      hint: such as `--set 'api_key=${SPRIG_API_KEY}'`
    error: --set timeout: `timeout` must be a duration such as `500ms`, `30s`, `5m`, `2h` or `7d`, found `soon` [settings]
    error: --set api_key: `api_key` needs the environment variable `KEY`, which is not set [settings]
      hint: export KEY=…
    ");
    assert_eq!(vendor.running.requests(), 0);
}

#[test]
fn a_wrong_key_writes_no_file() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::new();
    let address = format!("base_url={}", vendor.running.base_url);
    let outcome = folder.run(&[
        "export",
        "thrive.tags",
        "--set",
        &address,
        "--set",
        "tenant_id=t",
        "--set",
        "api_key=WRONG-1",
        "-o",
        "x.csv",
    ]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    assert!(
        outcome.stderr.starts_with("error: thrive.tags: `http") && !outcome.stderr.contains("WRONG-1"),
        "{outcome:?}"
    );
    assert!(!folder.files().iter().any(|path| path.starts_with("x.")));
}

#[test]
fn preview_shows_a_few_rows() {
    let (thrive, sprig) = (vendors::start(Vendor::Thrive, ""), vendors::start(Vendor::Sprig, ""));
    let sources = [lms(&thrive.running.base_url, ""), surveys(&sprig.running.base_url, "")];
    let folder = Folder::with(&config(&sources));
    for (stream, rows, lines) in [
        ("lms.users", "5", 6),
        ("lms.enrolments", "2", 3),
        ("surveys.surveys", "3", 4),
        ("surveys.survey_questions", "1", 2),
        ("lms.tags", "100", 13),
    ] {
        let outcome = folder.run(&["preview", stream, "-n", rows]);
        assert_eq!(
            (outcome.code, outcome.stdout.lines().count(), outcome.stderr.as_str()),
            (0, lines, ""),
            "{stream}: {outcome:?}"
        );
    }
    assert!(!folder.files().iter().any(|path| path.starts_with("w/")), "{:?}", folder.files());
    for wrong in ["lms", "lms.*", "lms.nope"] {
        assert_eq!(folder.run(&["preview", wrong]).code, 2, "{wrong}");
    }
}
