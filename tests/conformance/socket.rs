//! What only a socket can do to an answer, over every connector: asked again where it passes, told where it stays.

use userhaul_runner::record::RunStatus;
use userhaul_testkit::{
    Subject, over_socket,
    proxy::{Proxy, Spoil, Spoiling},
    same_rows, volatile,
};

use crate::worlds::subjects;

const PEOPLE: usize = 24;

/// One run in a folder of its own; what is wrong with it.
async fn spoiled(subject: &dyn Subject, spoiling: Spoiling) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let proxy = Proxy::start(world.clone(), None).await;
    let place = tempfile::tempdir().expect("a folder");
    let clean = over_socket(&world, &proxy.base_url, place.path()).await;
    let mut problems = Vec::new();
    for from in if spoiling.stays { vec![2] } else { vec![1, 2, proxy.reads()] } {
        let proxy = Proxy::start(world.clone(), Some(Spoiling { from, ..spoiling })).await;
        // What recovers must bring all rows by itself; what fails must leave those that stand there.
        let fresh = tempfile::tempdir().expect("a folder");
        let path = if spoiling.stays { place.path() } else { fresh.path() };
        let ran = over_socket(&world, &proxy.base_url, path).await;
        let mut wrong = same_rows(&clean.tables, &ran.tables, &volatile(world.as_ref()));
        let ended = ran.record.as_ref().map(|record| record.status);
        let codes: Vec<&str> =
            ran.streams().filter_map(|(_, stream)| Some(stream.error.as_ref()?.code.as_str())).collect();
        let told = codes.iter().all(|code| matches!(*code, "source_unavailable" | "invalid_page" | "needs"));
        let right = if spoiling.stays {
            ended != Some(RunStatus::Ok) && !codes.is_empty() && told
        } else {
            ended == Some(RunStatus::Ok)
        };
        if !right {
            wrong.push("it ended otherwise".to_owned());
        }
        let how = if spoiling.stays { "from" } else { "at" };
        let line = |what| {
            format!("{} × {:?} {how} request {from}: {what}; {}", subject.name(), spoiling.spoil, ran.told())
        };
        problems.extend(wrong.into_iter().take(2).map(line));
    }
    problems
}

fn all(stays: bool) {
    let mut problems = Vec::new();
    for subject in subjects() {
        for spoil in Spoil::ALL {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            problems.extend(runtime.block_on(spoiled(subject.as_ref(), Spoiling { spoil, from: 1, stays })));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_connection_that_fails_once_is_asked_again() {
    all(false);
}

#[test]
fn a_connection_that_keeps_failing_is_told_and_the_tables_stay() {
    all(true);
}
