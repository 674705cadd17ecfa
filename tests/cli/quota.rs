//! One credential, one quota: over streams, runs and processes.

use userhaul_simulator::Vendor;

use crate::{
    folder::{Folder, Outcome},
    vendors::{self, config, surveys},
};

/// Two syncs of users at once, on different destinations, with one key and one home; a third right after them. The
/// vendor counts 100 requests in any three seconds, and says when it was asked too often.
#[test]
fn two_runs_at_once_and_one_after_share_the_quota() {
    let scenario = "[sprig]\nlimit = { requests = 100, per_ms = 3000, counting = \"sliding\" }";
    let sprig = vendors::start(Vendor::Sprig, scenario);
    let ids: String = (0..70).map(|number| format!("nobody-{number}\n")).collect();
    let more =
        "rate_limit = { requests = 100, per = \"3s\" }\nuser_ids = \"ids.txt\"\nstart_date = \"2000-01-01\"";
    let folder = Folder::new();
    folder.write("ids.txt", &ids);
    for name in ["one", "two", "three"] {
        let text = config(&[surveys(&sprig.running.base_url, more)]).replace("\"w\"", &format!("\"{name}\""));
        folder.write(&format!("{name}.toml"), &text);
    }
    let sync = |name: &str| folder.start(&["-c", &format!("{name}.toml"), "sync", "surveys.users", "--json"]);
    let together =
        [sync("one"), sync("two")].map(|child| Outcome::from(child.wait_with_output().expect("it ends")));
    let after = Outcome::from(sync("three").wait_with_output().expect("it ends"));
    for outcome in together.iter().chain([&after]) {
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert_eq!(outcome.json()["sources"]["surveys"]["streams"]["users"]["throttled"], 0);
    }
    assert_eq!(sprig.running.refused(), 0);
    assert!(sprig.running.requests() > 210, "{}", sprig.running.requests());
}
