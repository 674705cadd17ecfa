//! Runs that are ended, and runs that meet.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command},
};

use userhaul_simulator::Vendor;

use crate::{
    folder::{Folder, Outcome},
    vendors::{self, Simulated, config, lms},
};

/// The first request to `users` is not answered in any time that a test takes.
const STUCK: &str =
    "[thrive]\nfaults = [{ path = \"/rest/v1/users\", times = 1, kind = \"delay\", ms = 600000 }]";

/// A sync of `tags` and `users` that has done the first and is stuck in the second.
fn stuck() -> (Simulated, Folder, Child, BufReader<ChildStderr>) {
    let thrive = vendors::start(Vendor::Thrive, STUCK);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let mut child = folder.start(&["sync", "lms.tags", "lms.users"]);
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with("lms.tags: ") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).expect("text"), 0, "the run ended");
    }
    (thrive, folder, child, stderr)
}

fn signalled(signal: &str) -> (Simulated, Folder, Outcome) {
    let (thrive, folder, child, mut stderr) = stuck();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let mut outcome = Outcome::from(child.wait_with_output().expect("the program ends"));
    std::io::Read::read_to_string(&mut stderr, &mut outcome.stderr).expect("text");
    (thrive, folder, outcome)
}

pub(crate) fn leftovers(folder: &Folder) -> Vec<String> {
    let mut files = folder.files();
    files.retain(|path| path.contains("/parts/") || path.contains(".making") || path.contains(".part"));
    files
}

#[test]
fn sigint_leaves_a_record_and_the_next_sync_goes_on() {
    let (_thrive, folder, outcome) = signalled("-INT");
    assert_eq!(outcome.code, 130, "{outcome:?}");
    assert!(outcome.stderr.contains("interrupted: "), "{outcome:?}");
    let record = folder.records().remove(0);
    assert_eq!(record["status"], "interrupted");
    let streams = record["sources"]["lms"]["streams"].as_object().expect("streams");
    assert_eq!(streams.keys().collect::<Vec<_>>(), ["tags"]);
    assert_eq!(streams["tags"]["status"], "ok");
    assert_eq!(folder.rows("w/lms/tags"), 12);

    let outcome = folder.run(&["sync", "lms.tags", "lms.users"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!((folder.rows("w/lms/tags"), folder.rows("w/lms/users")), (12, 40));
    assert_eq!(leftovers(&folder), Vec::<String>::new());
}

#[test]
fn sigterm_ends_with_143() {
    let (_thrive, folder, outcome) = signalled("-TERM");
    assert_eq!(outcome.code, 143, "{outcome:?}");
    assert_eq!(folder.records()[0]["status"], "interrupted");
    assert_eq!(folder.run(&["sync", "lms.tags", "lms.users"]).code, 0);
    assert_eq!((folder.rows("w/lms/tags"), folder.rows("w/lms/users")), (12, 40));
    assert_eq!(leftovers(&folder), Vec::<String>::new());
}

#[test]
fn a_killed_run_leaves_nothing_behind_after_the_next() {
    let (_thrive, folder, outcome) = signalled("-KILL");
    assert_eq!(outcome.code, -9);
    assert_eq!(folder.run(&["sync", "lms.tags", "lms.users"]).code, 0);
    assert_eq!(leftovers(&folder), Vec::<String>::new());
}

#[test]
fn two_runs_on_one_destination() {
    let (_thrive, folder, mut child, _stderr) = stuck();
    let outcome = folder.run(&["sync", "lms.tags"]);
    assert_eq!(outcome.code, 1);
    let told = outcome.stderr.replace(&child.id().to_string(), "[pid]");
    insta::assert_snapshot!(told, @"
    error: another run writes to `w`: process [pid] [locked]
      hint: wait until it is over, or stop it
    ");
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
    assert_eq!(folder.run(&["sync", "lms.tags"]).code, 0);
}

#[test]
fn an_interrupted_export_leaves_the_target_alone() {
    let thrive = vendors::start(Vendor::Thrive, STUCK);
    let folder = Folder::new();
    folder.write("users.csv", "as it was");
    let address = format!("base_url={}", thrive.running.base_url);
    let mut child = folder.start(&[
        "export",
        "thrive.users",
        "-o",
        "users.csv",
        "--set",
        &address,
        "--set",
        "tenant_id=eu-west-2_DemoTenan",
        "--set",
        "api_key=demo-thrive-key",
        "-v",
    ]);
    // The request is on its way once the simulator has seen it; the simulator's log is the only witness.
    while thrive.running.requests() == 0 {
        std::thread::yield_now();
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    assert_eq!(std::fs::read_to_string(folder.path().join("users.csv")).expect("the file"), "as it was");
    assert!(
        folder.files().iter().all(|path| path == "users.csv" || path.starts_with("state/")),
        "{:?}",
        folder.files()
    );
}

#[test]
fn a_destination_that_cannot_be_written_is_told_before_any_request() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let text = config(&[lms(&thrive.running.base_url, "")]).replace("\"w\"", "\"a-file/w\"");
    let folder = Folder::with(&text);
    folder.write("a-file", "");
    let outcome = folder.run(&["sync", "lms.tags"]);
    assert_eq!((outcome.code, thrive.running.requests()), (1, 0));
    insta::assert_snapshot!(outcome.stderr, @"
    error: cannot write to `a-file/w`: not a directory [output]
      hint: check `path` below `[destination]`, and the permissions there
    ");
}

#[test]
fn the_simulators_stop_when_they_are_told() {
    let folder = Folder::new();
    let mut child = folder.start(&["sim", "--vendor", "sprig", "--vendor", "userlot", "--users", "5"]);
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    for vendor in ["sprig", "userlot"] {
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        assert!(line.starts_with(&format!("{vendor} http://127.0.0.1:")), "{line}");
    }
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("text");
    assert_eq!(line, "serving until interrupted\n");
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
