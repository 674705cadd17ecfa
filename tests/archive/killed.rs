//! kill -9 while answers are kept: the next run leaves what an undisturbed one leaves, and a replay gives the same.

use userhaul_simulator::Vendor;

use crate::run::{Case, differences};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_the_next_one_and_a_replay_end_with_the_truth() {
    for vendor in [Vendor::Userlane, Vendor::Thrive, Vendor::Sprig, Vendor::Userlot] {
        let whole = Case::new(vendor, "archive = true\n").await;
        assert_eq!(whole.run(&["sync"]).await.code, 0);
        let (requests, truth) = (whole.requests(), whole.tables_without_lineage());
        for at in [requests / 3, requests - requests / 10] {
            let place = format!("{}, killed at request {at} of {requests}", vendor.name());
            // One that is never answered: the run is under way when it is killed.
            let stuck = format!(
                "[{}]\nfaults = [{{ from = {at}, times = 1, kind = \"delay\", ms = 600000 }}]",
                vendor.name()
            );
            let mut case = Case::with(vendor, "archive = true\n", &stuck).await;
            case.kill_at(&["sync"], at);
            let synced = case.run(&["sync"]).await;
            assert_eq!(synced.code, 0, "{place}: {}", synced.stderr);
            assert_eq!(differences(&truth, &case.tables_without_lineage()), Vec::<String>::new(), "{place}");
            let before = case.tables();
            case.close();
            case.remove_tables();
            let replayed = case.run(&["replay"]).await;
            assert_eq!(replayed.code, 0, "{place}: {}", replayed.stderr);
            assert_eq!(differences(&before, &case.tables()), Vec::<String>::new(), "{place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_ids_go_once_the_ids_were_asked_for_again() {
    // Each run asks for every id again.
    let lines = "archive = { keep = \"1ms\" }\nfull_every = \"1ms\"\n";
    let mut case = Case::new(Vendor::Sprig, lines).await;
    for _ in 0..3 {
        let synced = case.run(&["sync"]).await;
        assert_eq!(synced.code, 0, "{}", synced.stderr);
        assert_eq!(case.archived("users").len(), 1);
    }
    let before = case.tables();
    case.close();
    for lost in [false, true] {
        if lost {
            case.remove_tables();
        }
        let replayed = case.run(&["replay"]).await;
        assert_eq!(replayed.code, 0, "{}", replayed.stderr);
        assert_eq!(differences(&before, &case.tables()), Vec::<String>::new());
    }
}
