//! Runs without room, without descriptors, without memory.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use userhaul_simulator::Vendor;

use crate::{
    folder::{Folder, Outcome},
    signals::leftovers,
    vendors::{self, config, lms},
};

/// A file system of two megabytes. It is unmounted when this is dropped.
struct Small(PathBuf);

impl Small {
    /// Mounts it at an empty folder; none where that is not allowed.
    fn mount(place: &Path) -> Option<Self> {
        std::fs::create_dir(place).expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(place).output();
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
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let place = folder.path().join("w");
    let Some(_small) = Small::mount(&place) else {
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

/// A run under a limit, and what it left.
fn limited(folder: &Folder, limit: &str) -> Outcome {
    let command = folder.command(&["sync", "lms.tags", "lms.users", "lms.completions"]);
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
    let thrive = vendors::start(Vendor::Thrive, "");
    for limit in ["--nofile=32", "--nofile=14", "--nofile=9", "--as=180000000", "--as=120000000"] {
        let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
        let outcome = limited(&folder, limit);
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
