//! kill -9 half-way through windows: the next run asks for what the first one had not read.

use std::collections::BTreeSet;

use userhaul_simulator::{Vendor, userlane};
use userhaul_testkit::{same_rows, tables};

use crate::{
    folder::Folder,
    vendors::{self, Simulated, config},
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
