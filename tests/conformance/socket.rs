//! What only a socket can do to an answer, over every connector: asked again where it passes, told where it stays.

use std::sync::Arc;

use userhaul_runner::record::RunStatus;
use userhaul_testkit::{
    Ran, Subject, World, over_socket,
    proxy::{Proxy, Spoil, Spoiling},
    same_rows, volatile,
};

use crate::worlds::subjects;

const PEOPLE: usize = 24;

/// Every way to spoil a connection to one world; what is wrong with the runs.
async fn spoiled(name: &str, world: &Arc<dyn World>, stays: bool) -> Vec<String> {
    let proxy = Proxy::start(Arc::clone(world), None).await;
    let place = tempfile::tempdir().expect("a folder");
    let clean = over_socket(world, &proxy.base_url, place.path()).await;
    let places = if stays { vec![2] } else { vec![1, 2, proxy.reads()] };
    let mut problems = Vec::new();
    for spoil in Spoil::ALL {
        for &from in &places {
            let proxy = Proxy::start(Arc::clone(world), Some(Spoiling { spoil, from, stays })).await;
            // What recovers must bring all rows by itself; what fails must leave those that stand there.
            let fresh = tempfile::tempdir().expect("a folder");
            let path = if stays { place.path() } else { fresh.path() };
            let ran = over_socket(world, &proxy.base_url, path).await;
            let mut wrong = same_rows(&clean.tables, &ran.tables, &volatile(world.as_ref()));
            wrong.extend(ended_otherwise(&ran, stays));
            let how = if stays { "from" } else { "at" };
            let line = |what| format!("{name} × {spoil:?} {how} request {from}: {what}; {}", ran.told());
            problems.extend(wrong.into_iter().take(2).map(line));
        }
    }
    problems
}

/// That a run ended well; or, where it cannot, with the right codes.
fn ended_otherwise(ran: &Ran, stays: bool) -> Option<String> {
    let ok = ran.record.as_ref().is_some_and(|record| record.status == RunStatus::Ok);
    let mut codes = ran.streams().filter_map(|(_, stream)| Some(stream.error.as_ref()?.code.as_str()));
    let told = codes.all(|code| matches!(code, "source_unavailable" | "invalid_page" | "needs"));
    let right = if stays { !ok && told } else { ok };
    (!right).then(|| "it ended otherwise".to_owned())
}

fn all(stays: bool) {
    let subjects = subjects();
    let problems: Vec<String> = std::thread::scope(|scope| {
        let one = |subject: &dyn Subject| {
            // Worlds have runtimes of their own, which must not end within this one.
            let world = subject.open(PEOPLE);
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(spoiled(&subject.name(), &world, stays))
        };
        let running: Vec<_> =
            subjects.iter().map(|subject| scope.spawn(move || one(subject.as_ref()))).collect();
        running.into_iter().flat_map(|running| running.join().expect("no panic")).collect()
    });
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
