//! What `check --probe` proposes makes `sync` right.

use userhaul_simulator::Vendor;

use crate::run::{self, Outcome, Tables};

/// Probes a vendor, pastes the proposal, syncs.
async fn repaired(vendor: Vendor, switches: &[(&str, &str)]) -> (Outcome, Tables) {
    let mut switches = switches.to_vec();
    if vendor == Vendor::Userlane {
        switches.push(("no_ids", "never"));
    }
    let simulator = run::simulator(vendor, &switches).await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = run::config(vendor, &simulator.base_url, &run::settings(vendor));
    let file = folder.path().join("userhaul.toml");
    std::fs::write(&file, &config).expect("a file");
    let probed = run::program(folder.path(), &["check", "--probe"]).await;
    assert!(!folder.path().join("warehouse").exists(), "a probe writes nothing");
    assert!(simulator.requests() <= 150, "{} requests", simulator.requests());
    std::fs::write(&file, format!("{config}\n{}", probed.stdout)).expect("a file");
    let synced = run::program(folder.path(), &["sync"]).await;
    assert_eq!(synced.code, 0, "{switches:?}\n{}\n{}\n{}", probed.stderr, probed.stdout, synced.stderr);
    let tables = run::read(folder.path());
    (probed, tables)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_as_the_facts_say_needs_no_correction() {
    for vendor in Vendor::ALL {
        let simulator = run::simulator(vendor, &[]).await;
        let folder = tempfile::tempdir().expect("a folder");
        let config = run::config(vendor, &simulator.base_url, &run::settings(vendor));
        std::fs::write(folder.path().join("userhaul.toml"), config).expect("a file");
        let outcome = run::program(folder.path(), &["check", "--probe"]).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}: {}", vendor.name(), outcome.stderr);
        assert_eq!(simulator.violations(), Vec::<String>::new(), "{}", vendor.name());
        assert!(outcome.stderr.contains("confirmed: auth: "), "{}", outcome.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_make_userlane_right() {
    let original = run::tables(Vendor::Userlane, None).await.expect("the vendor as it is");
    for switches in [
        &[("bearer", "on")][..],
        &[("paging", "none")],
        &[("date_params", "start_end")],
        &[("query_id", "on")],
        &[
            ("bearer", "on"),
            ("paging", "none"),
            ("date_params", "start_end"),
            ("query_id", "on"),
            ("bare_array", "on"),
        ],
    ] {
        let (probed, tables) = repaired(Vendor::Userlane, switches).await;
        assert_eq!(probed.code, 3, "{}", probed.stderr);
        assert!(probed.stdout.contains("[sources.it.wire"), "{}", probed.stdout);
        assert_eq!(run::differences(&original, &tables), None, "{switches:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_before_the_key_is_found() {
    let original = run::tables(Vendor::Userlot, None).await.expect("the vendor as it is");
    let (probed, tables) = repaired(Vendor::Userlot, &[("key_prefix", "Bearer")]).await;
    assert_eq!(probed.stdout, "[sources.it.wire.auth]\nscheme = \"bearer\"\n");
    assert_eq!(run::differences(&original, &tables), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn experimental_streams_are_found_where_they_exist() {
    let simulator = run::simulator(Vendor::Userlot, &[("candidates", "users,tickets")]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = run::config(Vendor::Userlot, &simulator.base_url, &run::settings(Vendor::Userlot));
    std::fs::write(folder.path().join("userhaul.toml"), config).expect("a file");
    let outcome = run::program(folder.path(), &["check", "--probe", "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let facts = found[0]["facts"].as_array().expect("facts");
    let verdict = |fact: &str| {
        let found = facts.iter().find(|found| found["fact"] == fact);
        found.and_then(|found| found["verdict"].as_str()).unwrap_or("nothing").to_owned()
    };
    for (stream, expected) in [
        ("users", "confirmed"),
        ("tickets", "confirmed"),
        ("company_detail", "confirmed"),
        ("products", "not_seen"),
        ("life_cycles", "not_seen"),
    ] {
        assert_eq!(verdict(&format!("streams.{stream}")), expected, "{stream}: {}", outcome.stdout);
    }
    let listed = run::program(folder.path(), &["streams", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let experimental: Vec<_> =
        listed.as_array().expect("streams").iter().filter(|stream| stream["experimental"] == true).collect();
    assert_eq!(experimental.len(), 9);
    assert!(experimental.iter().all(|stream| stream["selected"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_asked_for_by_itself_is_the_one_of_the_list() {
    for shape in ["same", "wrapped", "more"] {
        let simulator = run::simulator(Vendor::Userlot, &[("company_detail", shape)]).await;
        let folder = tempfile::tempdir().expect("a folder");
        let lines =
            format!("{}streams = [\"companies\", \"company_detail\"]\n", run::settings(Vendor::Userlot));
        let config = run::config(Vendor::Userlot, &simulator.base_url, &lines);
        std::fs::write(folder.path().join("userhaul.toml"), config).expect("a file");
        let outcome = run::program(folder.path(), &["sync"]).await;
        assert_eq!(outcome.code, 0, "{shape}: {}", outcome.stderr);
        let tables = run::read(folder.path());
        let without_extra = |name: &str| -> Vec<serde_json::Value> {
            let rows =
                tables[name].iter().map(|row| serde_json::from_str::<serde_json::Value>(row).expect("JSON"));
            let mut rows: Vec<_> = rows
                .map(|mut row| {
                    row.as_object_mut().map(|row| row.remove("_extra"));
                    row
                })
                .collect();
            rows.sort_by_key(|row| row["id"].to_string());
            rows
        };
        assert_eq!(without_extra("it/company_detail"), without_extra("it/companies"), "{shape}");
    }
}
