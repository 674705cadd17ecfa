//! Runs without room, without descriptors, without memory.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use userhaul_simulator::{Vendor, thrive};

use crate::{
    folder::{Folder, Outcome},
    signals::leftovers,
    vendors::{self, config, lms},
};

/// A small file system. It is unmounted when this is dropped.
struct Small(PathBuf);

impl Small {
    /// Mounts one of so many kilobytes at an empty folder; none where that is not allowed.
    fn mount(place: &Path, size: u32) -> Option<Self> {
        std::fs::create_dir(place).expect("a folder");
        let size = format!("size={size}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(place.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).output());
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "who reads the log learns why nothing was tested")]
fn a_full_disk_is_told_and_the_old_tables_stand() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&vendor.running.base_url, "")]));
    let place = folder.path().join("w");
    let Some(_small) = Small::mount(&place, 2048) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let sync = ["sync", "--full", "lms.tags", "lms.users", "lms.completions"];
    let first = folder.run(&sync);
    assert_eq!(first.code, 0, "{first:?}");
    let tables = ["tags", "users", "completions"].map(|stream| format!("w/lms/{stream}"));
    let rows = || tables.each_ref().map(|table| folder.rows(table));
    let before = rows();
    // Until nothing more goes in, and then a little less.
    let ballast = place.join("ballast");
    for size in (1..=2048_u64).rev() {
        if std::fs::write(&ballast, vec![1; usize::try_from(size * 1024).expect("small")]).is_ok() {
            std::fs::write(
                &ballast,
                vec![1; usize::try_from(size.saturating_sub(24) * 1024).expect("small")],
            )
            .expect("it fits");
            break;
        }
    }
    let full = folder.run(&sync);
    assert!([1, 3].contains(&full.code), "{full:?}");
    assert!(full.stderr.contains("no space left"), "{full:?}");
    assert!(full.stderr.contains("make room there"), "{full:?}");
    assert_eq!(rows(), before);
    std::fs::remove_file(&ballast).expect("the ballast");
    let after = folder.run(&sync);
    assert_eq!(after.code, 0, "{after:?}");
    assert_eq!(rows(), before);
    assert_eq!(leftovers(&folder), Vec::<String>::new());
}

#[test]
#[expect(clippy::print_stdout, reason = "who reads the log learns why nothing was tested")]
fn a_first_run_into_a_full_disk_is_told_in_its_record_and_leaves_no_parts() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let mut partly = 0;
    for size in [120, 240, 400, 600, 800] {
        let folder = Folder::with(&config(&[lms(&vendor.running.base_url, "")]));
        let place = folder.path().join("w");
        let Some(_small) = Small::mount(&place, size) else {
            println!("skipped: no file system can be mounted here");
            return;
        };
        let first = folder.run(&["sync", "--json"]);
        // On stdout it stands whether there was room for it or not.
        let record = first.json();
        let streams = record["sources"]["lms"]["streams"].as_object().expect("streams");
        let full = |stream: &serde_json::Value| stream["error"]["code"] == "output";
        let (failed, there) = (
            streams.values().filter(|stream| full(stream)).count(),
            streams.values().any(|one| one["files"] != 0),
        );
        let missing = record["unified"].as_object().map_or(0, serde_json::Map::len);
        let expected = match (failed + missing, there) {
            (0, _) => 0,
            (_, true) => 3,
            (_, false) => 1,
        };
        assert_eq!(first.code, expected, "{size}: {first:?}");
        partly += usize::from(first.code == 3);
        assert_eq!(first.stderr.contains("make room there"), first.code != 0, "{size}: {first:?}");
        let kept = folder.records();
        assert_eq!(kept.is_empty(), first.stderr.contains("[record_not_kept]"), "{size}: {first:?}");
        assert!(kept.iter().all(|kept| *kept == record), "{size}");
        let files = folder.files();
        let ours =
            |path: &&String| path.contains("/parts/") || path.contains("/kept/") || path.ends_with(".making");
        assert_eq!(files.iter().filter(ours).collect::<Vec<_>>(), Vec::<&String>::new(), "{size}");
    }
    assert!(partly > 0, "no disk was of the right size");
}

#[test]
fn a_record_that_cannot_be_kept_is_printed_all_the_same() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&vendor.running.base_url, "")]));
    std::fs::create_dir_all(folder.path().join("w/_userhaul")).expect("a folder");
    folder.write("w/_userhaul/runs", "a file where the folder of records should be");
    let outcome = folder.run(&["sync", "lms.tags", "--json"]);
    assert_eq!((outcome.code, outcome.json()["status"].as_str()), (0, Some("ok")), "{outcome:?}");
    assert!(outcome.stderr.contains("[record_not_kept]"), "{outcome:?}");
}

#[test]
fn a_limit_on_the_size_of_files_is_told_as_a_full_disk_is() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let source = lms(&vendor.running.base_url, "archive = true");
    let told = |outcome: &Outcome| {
        assert!([1, 3].contains(&outcome.code), "{outcome:?}");
        assert!(outcome.stderr.contains("file too large"), "{outcome:?}");
        assert!(outcome.stderr.contains("`ulimit -f`"), "{outcome:?}");
    };
    let sync = ["sync", "lms.tags", "lms.users", "lms.completions"];
    for limit in ["--fsize=512", "--fsize=8192", "--fsize=16384"] {
        let folder = Folder::with(&config(std::slice::from_ref(&source)));
        told(&limited(&folder, limit, &sync));
        let after = folder.run(&sync);
        assert_eq!(after.code, 0, "{limit}: {after:?}");
        assert_eq!(folder.rows("w/lms/users"), 40, "{limit}");
        assert_eq!(leftovers(&folder), Vec::<String>::new(), "{limit}");
        told(&limited(&folder, "--fsize=4096", &["replay"]));
        assert_eq!(folder.rows("w/lms/users"), 40, "{limit}");
    }
    let folder = Folder::new();
    let address = format!("base_url={}", vendor.running.base_url);
    let tenant = format!("tenant_id={}", thrive::TENANT_ID);
    let key = format!("api_key={}", thrive::API_KEY);
    let export =
        ["export", "thrive.users", "-o", "users.csv", "--set", &address, "--set", &tenant, "--set", &key];
    told(&limited(&folder, "--fsize=2048", &export));
    assert!(!folder.path().join("users.csv").exists());
}

#[test]
fn a_push_that_cannot_be_noted_sends_no_more_and_says_what_was_sent() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&vendor.running.base_url, "")]));
    let names = ('a'..='z').map(|letter| format!("NEW-{letter},{letter},X,{letter}@example.com,learner\n"));
    folder.write("users.csv", &format!("ref,first_name,last_name,email,role\n{}", names.collect::<String>()));
    let push = ["push", "lms.users", "--from", "users.csv", "--json"];
    let outcome = limited(&folder, "--fsize=2048", &push);
    assert_eq!(outcome.code, 3, "{outcome:?}");
    let record = outcome.json();
    assert_eq!(record["error"]["code"], "output", "{outcome:?}");
    let count = |record: &serde_json::Value, what: &str| record["rows"][what].as_u64().expect("a number");
    let applied = count(&record, "applied");
    assert!(applied > 0 && applied + count(&record, "not_sent") == 26, "{outcome:?}");
    assert!(outcome.stderr.contains("`ulimit -f`"), "{outcome:?}");
    // What was sent is known all the same, but for what was on its way when the disk refused.
    let after = folder.run(&push);
    assert_eq!(after.code, 0, "{after:?}");
    assert!(count(&after.json(), "unchanged") + 8 >= applied, "{after:?}");
}

/// A run under a limit, and what it left.
fn limited(folder: &Folder, limit: &str, arguments: &[&str]) -> Outcome {
    let command = folder.command(arguments);
    let mut under = Command::new("prlimit");
    under.arg(limit).arg(command.get_program()).args(command.get_args()).current_dir(folder.path());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => under.env(name, value),
            None => under.env_remove(name),
        };
    }
    Outcome::of(under.stdin(std::process::Stdio::null()))
}

#[test]
fn without_descriptors_or_memory_it_ends_by_an_error_and_the_next_run_goes_on() {
    let vendor = vendors::start(Vendor::Thrive, "");
    for limit in ["--nofile=32", "--nofile=14", "--nofile=9", "--as=180000000", "--as=120000000"] {
        let folder = Folder::with(&config(&[lms(&vendor.running.base_url, "")]));
        let outcome = limited(&folder, limit, &["sync", "lms.tags", "lms.users", "lms.completions"]);
        if limit.starts_with("--nofile") {
            assert!([0, 1, 2, 3].contains(&outcome.code), "{limit}: {outcome:?}");
            assert!(
                outcome.code == 0 || outcome.stderr.contains("too many open files"),
                "{limit}: {outcome:?}"
            );
            assert!(!outcome.stderr.contains("panicked"), "{limit}: {outcome:?}");
        }
        if limit == "--nofile=32" {
            assert_eq!(outcome.code, 0, "{limit}: {outcome:?}");
        }
        let after = folder.run(&["sync", "lms.tags", "lms.users", "lms.completions"]);
        assert_eq!(after.code, 0, "{limit}: {after:?}");
        assert_eq!(folder.rows("w/lms/users"), 40, "{limit}");
        assert_eq!(leftovers(&folder), Vec::<String>::new(), "{limit}");
    }
}
