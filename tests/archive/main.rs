//! Answers kept and tables rebuilt from them, by the built program, with the vendor's simulator gone.

mod echo;
mod killed;
mod run;

use run::{Case, Tables, differences};
use userhaul_simulator::Vendor;

/// Tables that came back as they were, lineage and all, and no request for it.
async fn comes_back(vendor: Vendor) {
    let mut case = Case::new(vendor, "archive = true\n").await;
    let synced = case.run(&["sync", "--json"]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    let before = case.tables();
    assert!(before.values().map(Vec::len).sum::<usize>() > 100, "a world with rows");
    case.close();
    case.remove_tables();
    let replayed = case.run(&["replay", "--json"]).await;
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert_eq!(differences(&before, &case.tables()), Vec::<String>::new());
    let record = replayed.json();
    let streams = record["sources"]["it"]["streams"].as_object().expect("streams");
    assert!(streams.values().all(|stream| stream["requests"] == 0 && stream["mode"] == "replay"), "{record}");
    assert!(streams.values().all(|stream| stream["status"] == "ok"), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_sprig_comes_back() {
    comes_back(Vendor::Sprig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_thrive_comes_back() {
    comes_back(Vendor::Thrive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_userlane_comes_back() {
    comes_back(Vendor::Userlane).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_userlot_comes_back() {
    comes_back(Vendor::Userlot).await;
}

/// What a sync under the right facts writes, without what tells one run from another.
async fn truth(vendor: Vendor, lines: &str) -> Tables {
    let case = Case::new(vendor, lines).await;
    let synced = case.run(&["sync"]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    case.tables_without_lineage()
}

/// A sync under wrong facts, which fails or leaves something else, and a replay under the right ones.
async fn corrected(vendor: Vendor, streams: &str, wrong: &str, code: i32) {
    let lines = format!("archive = true\nstreams = {streams}\n");
    let truth = truth(vendor, &lines).await;
    let mut case = Case::new(vendor, &format!("{lines}{wrong}")).await;
    let synced = case.run(&["sync"]).await;
    assert_ne!(
        differences(&truth, &case.tables_without_lineage()),
        Vec::<String>::new(),
        "{}",
        synced.stderr
    );
    case.close();
    case.configure(&lines);
    let replayed = case.run(&["replay", "--json"]).await;
    assert_eq!(replayed.code, code, "{}\n{}", synced.stderr, replayed.stderr);
    assert_eq!(differences(&truth, &case.tables_without_lineage()), Vec::<String>::new(), "{wrong}");
}

const THRIVE: &str = r#"["users", "audiences", "contents", "activities", "completions", "tags"]"#;
const USERLOT: &str = r#"["companies", "end_users", "company_fields", "end_user_fields"]"#;
const NOWHERE: &str = "[sources.it.wire.streams.\"*\"]\nitems = [\"/nobody\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn rows_looked_for_in_the_wrong_place_are_found_later() {
    corrected(Vendor::Sprig, r#"["surveys", "responses", "themes"]"#, NOWHERE, 0).await;
    corrected(Vendor::Thrive, THRIVE, NOWHERE, 0).await;
    corrected(Vendor::Userlot, USERLOT, NOWHERE, 0).await;
    corrected(
        Vendor::Userlane,
        r#"["heart_scores", "nps_responses", "guide_events", "user_profiles"]"#,
        NOWHERE,
        0,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_totals_under_wrong_names_are_found_later() {
    let wrong = "[sources.it.wire.streams.users]\nitems = [\"/nobody\"]\n\
                 paging = { rows = 7, total_rows = \"/pagination/nothing\", total_pages = \"/pagination/nothing\" }\n";
    // The rows are all there; that the list does not leave some statuses out was never asked.
    corrected(Vendor::Thrive, r#"["users", "tags"]"#, wrong, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_known_later_is_filled_by_a_replay() {
    let mut case = Case::new(Vendor::Userlot, "archive = true\n").await;
    assert_eq!(case.run(&["sync"]).await.code, 0);
    let before = case.tables();
    case.close();
    case.configure("archive = true\n[sources.it.wire.streams.companies.aliases]\nowner_user_id = [\"id\"]\n");
    let replayed = case.run(&["replay"]).await;
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    case.configure("archive = true\n");
    assert_eq!(case.run(&["replay", "it.companies"]).await.code, 0);
    assert_eq!(differences(&before, &case.tables()), Vec::<String>::new(), "and back again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_run_can_be_had_back() {
    let mut case = Case::new(Vendor::Thrive, "archive = true\nstreams = [\"tags\", \"users\"]\n").await;
    let first = case.run(&["sync", "--json"]).await.json();
    let before = case.tables();
    assert_eq!(case.run(&["sync"]).await.code, 0);
    assert_ne!(differences(&before, &case.tables()), Vec::<String>::new(), "another run, other lineage");
    let after = case.tables();
    case.close();
    let run = first["run_id"].as_str().expect("an id");
    assert_eq!(case.run(&["replay", "--run", run]).await.code, 0);
    assert_eq!(differences(&before, &case.tables()), Vec::<String>::new());
    assert_eq!(case.run(&["replay"]).await.code, 0);
    assert_eq!(differences(&after, &case.tables()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_lost_come_back_with_versions_that_begin_with_the_replay() {
    let lines = "archive = true\ndeletes = \"mark\"\nhistory = true\nstreams = [\"tags\", \"users\"]\n";
    let mut case = Case::new(Vendor::Thrive, lines).await;
    assert_eq!(case.run(&["sync"]).await.code, 0);
    let before = case.tables();
    case.close();
    case.remove_tables();
    let replayed = case.run(&["replay"]).await;
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let after = case.tables();
    let others = differences(&before, &after).into_iter().filter(|problem| !problem.contains("__history:"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new());
    for stream in ["it/tags", "it/users"] {
        let versions = &after[&format!("{stream}__history")];
        assert_eq!(versions.len(), after[stream].len(), "{stream}");
        assert!(
            !versions.is_empty() && versions.iter().all(|row| row.contains("\"_valid_to\":null")),
            "{stream}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_sync_goes_on_from_a_replay() {
    let lines =
        "archive = true\nstart_date = \"2024-11-01\"\nstreams = [\"guide_events\", \"nps_responses\"]\n";
    let mut case = Case::new(Vendor::Userlane, &format!("{lines}{NOWHERE}")).await;
    case.run(&["sync"]).await;
    case.configure(lines);
    let before = case.requests();
    assert_eq!(case.run(&["replay"]).await.code, 0);
    assert_eq!(case.requests(), before, "a replay asks for nothing");
    let synced = case.run(&["sync", "--json"]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    let asked = case.requests() - before;
    assert!(asked * 3 < before, "{asked} requests after {before}");
    assert_eq!(
        differences(&truth(Vendor::Userlane, lines).await, &case.tables_without_lineage()),
        Vec::<String>::new()
    );
    case.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_come_back_as_they_were() {
    for vendor in [Vendor::Userlane, Vendor::Thrive, Vendor::Sprig] {
        let mut case = Case::new(vendor, "archive = true\n").await;
        for arguments in [&["sync"][..], &["sync"], &["sync", "it.*"]] {
            let synced = case.run(arguments).await;
            assert_eq!(synced.code, 0, "{}", synced.stderr);
        }
        let before = case.tables();
        case.close();
        case.remove_tables();
        let replayed = case.run(&["replay"]).await;
        assert_eq!(replayed.code, 0, "{}", replayed.stderr);
        assert_eq!(differences(&before, &case.tables()), Vec::<String>::new(), "{}", vendor.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_is_private_in_the_archive_too() {
    let rules = "privacy = { hash = [\"email\", \"emailAddress\"], key = \"p3pper-of-ours\", drop = [\"first_name\", \"lastName\"] }\n";
    for vendor in [Vendor::Thrive, Vendor::Userlot, Vendor::Sprig, Vendor::Userlane] {
        let mut case = Case::new(vendor, &format!("archive = true\n{rules}")).await;
        let synced = case.run(&["sync"]).await;
        assert_eq!(synced.code, 0, "{}", synced.stderr);
        let before = case.tables();
        let archive = case.unpacked();
        assert!(archive.len() > 10_000, "{} bytes", archive.len());
        for secret in case.secrets().iter().map(String::as_str).chain(["p3pper-of-ours"]) {
            let found = archive.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}: `{secret}` stands in the archive", vendor.name());
        }
        // Addresses stand under other names, too: those were not asked to be hidden.
        let text = String::from_utf8_lossy(&archive).replace(' ', "");
        for field in ["email", "emailAddress", "firstName", "lastName"] {
            assert!(!text.contains(&format!("\"{field}\":\"person")), "{}: {field}", vendor.name());
        }
        assert!(!text.contains("\"lastName\":"), "{}", vendor.name());
        case.close();
        case.remove_tables();
        let replayed = case.run(&["replay"]).await;
        assert_eq!(replayed.code, 0, "{}", replayed.stderr);
        assert_eq!(differences(&before, &case.tables()), Vec::<String>::new(), "{}", vendor.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_archive_does_not_hold_is_not_lost() {
    let mut case = Case::new(Vendor::Userlane, "archive = true\nstreams = [\"guide_events\"]\n").await;
    assert_eq!(case.run(&["sync"]).await.code, 0);
    assert_eq!(case.run(&["sync"]).await.code, 0);
    let before = case.tables();
    let first = case.archived("guide_events").first().expect("a run").clone();
    case.close();
    std::fs::remove_file(&first).expect("a file");
    let replayed = case.run(&["replay", "--json"]).await;
    assert_eq!(replayed.code, 3, "{}", replayed.stderr);
    let record = replayed.json();
    let outcome = &record["sources"]["it"]["streams"]["guide_events"];
    assert_eq!(outcome["status"], "unproven", "{record}");
    assert_eq!(differences(&before, &case.tables()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_archive_counts_for_nothing() {
    let mut case = Case::new(Vendor::Thrive, "archive = true\nstreams = [\"tags\"]\n").await;
    assert_eq!(case.run(&["sync"]).await.code, 0);
    let before = case.tables();
    let whole = case.archived("tags")[0].with_extension("zst");
    let torn = whole.with_file_name("0f000000-0000-7000-8000-000000000000.zst");
    let half = std::fs::read(&whole).expect("a file");
    std::fs::write(&torn, &half[..half.len() / 2]).expect("a file");
    assert_eq!(case.run(&["replay"]).await.code, 0);
    assert_eq!(differences(&before, &case.tables()), Vec::<String>::new());
    assert_eq!(case.run(&["sync"]).await.code, 0);
    assert!(!torn.exists(), "the next run sweeps it");
    case.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_answers_go_but_not_what_a_table_is_made_of() {
    let mut case =
        Case::new(Vendor::Userlane, "archive = { keep = \"1ms\" }\nstreams = [\"guide_events\"]\n").await;
    for arguments in [&["sync"][..], &["sync"], &["sync", "--full"], &["sync"]] {
        assert_eq!(case.run(arguments).await.code, 0);
    }
    assert_eq!(case.archived("guide_events").len(), 2, "the last full pass and what went on from it");
    let before = case.tables();
    case.close();
    case.remove_tables();
    assert_eq!(case.run(&["replay"]).await.code, 0);
    assert_eq!(differences(&before, &case.tables()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_archive_there_is_nothing_to_replay() {
    let mut case = Case::new(Vendor::Thrive, "streams = [\"tags\"]\n").await;
    assert_eq!(case.run(&["sync"]).await.code, 0);
    case.close();
    let replayed = case.run(&["replay"]).await;
    assert_eq!(replayed.code, 1, "{}", replayed.stderr);
    assert!(replayed.stderr.contains("nothing is archived"), "{}", replayed.stderr);
}
