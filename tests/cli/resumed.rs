//! Runs that end half-way through windows or ids: the next run asks for what the first one had not read.

use std::{collections::BTreeSet, process::Command};

use userhaul_simulator::{Vendor, userlane};
use userhaul_testkit::{same_rows, tables};

use crate::{
    folder::{Folder, Outcome},
    vendors::{self, Simulated, config, surveys},
};

fn folder(vendor: &Simulated) -> Folder {
    let source = format!(
        "[sources.adoption]\nconnector = \"userlane\"\nbase_url = \"{}\"\ntoken = \"{}\"\nproperty_ids = [\"k3f9a\"]\n\
         start_date = \"2024-11-01\"\nrate_limit = {{ requests = 1000, per = \"100ms\" }}\n",
        vendor.running.base_url,
        userlane::TOKEN
    );
    Folder::with(&config(&[source]))
}

#[test]
fn windows_that_were_read_before_a_kill_are_not_asked_for_again() {
    let sync = ["sync", "adoption.guide_events", "adoption.heart_scores"];
    let undisturbed = vendors::start(Vendor::Userlane, "");
    let whole = folder(&undisturbed);
    assert_eq!(whole.run(&sync).code, 0);
    let (everything, expected) = (undisturbed.running.requests(), tables(&whole.path().join("w")));
    for at in [everything / 3, everything * 3 / 4] {
        let stuck =
            format!("[userlane]\nfaults = [{{ from = {at}, times = 1, kind = \"delay\", ms = 600000 }}]");
        let vendor = vendors::start(Vendor::Userlane, &stuck);
        let folder = folder(&vendor);
        let mut child = folder.start(&sync);
        while vendor.running.requests() < at {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before request {at}");
            std::thread::yield_now();
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let outcome = folder.run(&sync);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        // Windows that were under way or not yet noted are asked for again, and the look-back once more.
        let again = vendor.running.requests() - at;
        assert!(at + again <= everything + 16, "{at} and {again} requests, where {everything} are enough");
        let wrong = same_rows(&expected, &tables(&folder.path().join("w")), &BTreeSet::new());
        assert!(wrong.is_empty(), "{at}: {}", wrong.join("\n"));
        assert!(!folder.files().iter().any(|path| path.contains("/kept/") || path.contains("/parts/")));
    }
}

/// Sprig's block of ids: what a kill loses at most, with what is under way.
const BLOCK: usize = 32;

#[test]
fn ids_that_were_read_before_a_signal_or_a_kill_are_not_asked_for_again() {
    let make = |vendor: &Simulated| Folder::with(&config(&[surveys(&vendor.running.base_url, "")]));
    let sync = ["sync", "surveys.responses", "surveys.users", "surveys.users_missing"];
    let undisturbed = vendors::start_with(Vendor::Sprig, 120, "");
    let whole = make(&undisturbed);
    assert_eq!(whole.run(&sync).code, 0);
    let everything = undisturbed.running.requests();
    let ids = whole.rows("w/surveys/users") + whole.rows("w/surveys/users_missing");
    assert!(ids > 90, "{ids}");
    assert_eq!(whole.run(&sync).code, 0);
    let later = undisturbed.running.requests() - everything;
    let expected = tables(&whole.path().join("w"));
    for (signal, code, lost) in [("-TERM", 143, 0), ("-INT", 130, 0), ("-KILL", -9, BLOCK)] {
        // The last id is not answered in any time that a test takes, all others are.
        let stuck = format!(
            "[sprig]\nfaults = [{{ path = \"/v2/users\", from = {ids}, times = 1, kind = \"delay\", ms = 600000 }}]"
        );
        let vendor = vendors::start_with(Vendor::Sprig, 120, &stuck);
        let folder = make(&vendor);
        let mut child = folder.start(&sync);
        while vendor.running.requests() < everything {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before the last id");
            std::thread::yield_now();
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let ended = Outcome::from(child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, code, "{ended:?}");
        let outcome = folder.run(&sync);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let again = vendor.running.requests() - everything;
        // Answers that were on their way count as none.
        assert!(again <= later + lost + 8, "{signal}: {again} requests, where {later} are enough");
        let wrong = same_rows(&expected, &tables(&folder.path().join("w")), &BTreeSet::new());
        assert!(wrong.is_empty(), "{signal}: {}", wrong.join("\n"));
        assert!(!folder.files().iter().any(|path| path.contains("/kept/") || path.contains("/parts/")));
    }
}

#[test]
fn a_night_of_404_moves_no_checkpoint() {
    // Lists that get their first 404 together each look for surveys: a night has four or five requests, so there are
    // several, and the last one may find the vendor well half-way.
    let vendor =
        vendors::start(Vendor::Sprig, "[sprig]\nfaults = [{ times = 12, kind = \"status\", status = 404 }]");
    let sync = ["sync", "surveys.responses", "surveys.surveys"];
    let folder = Folder::with(&config(&[surveys(&vendor.running.base_url, "")]));
    let first = folder.run(&sync);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(vendor.running.requests() < 12, "{}", vendor.running.requests());
    assert!(first.stderr.contains("[account_empty]"), "{first:?}");
    assert!(first.stderr.contains("[checkpoint_held]"), "{first:?}");
    while vendor.running.requests() < 12 {
        let night = folder.run(&sync);
        assert_eq!(night.code, 0, "{night:?}");
    }
    let last = folder.run(&sync);
    assert_eq!(last.code, 0, "{last:?}");
    let well = vendors::start(Vendor::Sprig, "");
    let whole = Folder::with(&config(&[surveys(&well.running.base_url, "")]));
    assert_eq!(whole.run(&sync).code, 0);
    let (expected, found) = (tables(&whole.path().join("w")), tables(&folder.path().join("w")));
    let wrong = same_rows(&expected, &found, &BTreeSet::new());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
