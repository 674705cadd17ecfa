//! The quota: never over it, never slower than needed, and what a 429 does.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};
use userhaul_connector::quota::{Quota, QuotaMode};

use super::script::{Script, client, get, observed, ok, quota, reply, wide};
use crate::{ErrorKind, Event, Limit, Silent, WaitReason, ring::margin, throttle::Throttle};

const CAP: Duration = Duration::from_secs(900);

#[tokio::test(start_paused = true)]
async fn a_window_is_used_in_one_burst() {
    let script = Script::play(vec![ok()]);
    let (client, diary) = observed(quota(5, 300, QuotaMode::Window), &script);
    let request = get("/x");
    join_all((0..11).map(|_| client.send(&request))).await;
    let times = script.times();
    assert!(times[4] < 0.1 && times[5] >= 300.05 && times[9] < 300.2 && times[10] >= 600.1, "{times:?}");
    let waits = diary.events();
    assert!(matches!(waits[0], Event::Waiting { reason: WaitReason::Quota, .. }));
    assert_eq!(waits[1], Event::Resumed);
}

#[tokio::test(start_paused = true)]
async fn paced_requests_are_evenly_spaced() {
    let script = Script::play(vec![ok()]);
    let client = client(quota(4, 1, QuotaMode::Paced), &script);
    let request = get("/x");
    join_all((0..4).map(|_| client.send(&request))).await;
    for (number, at) in (0_u32..).zip(script.times()) {
        let want = 0.25 * f64::from(number);
        assert!((want..want + 0.01).contains(&at), "{number}: {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_everybody() {
    let script = Script::of(|_, number| match number {
        0 => reply(429, "").with("retry-after", "30"),
        _ => ok(),
    });
    let client = client(wide(), &script);
    client.send(&get("/a")).await.expect("a page");
    let (a, b) = (get("/a"), get("/b"));
    drop(join_all([client.send(&a), client.send(&b)]).await);
    assert!(script.times()[1] >= 30.0 && script.times()[1] < 31.1);

    let script = Script::of(|outgoing, number| match (outgoing.url.path(), number) {
        ("/v1/a", 0) => reply(503, "").with("retry-after", "30"),
        _ => ok(),
    });
    let client = super::script::client(wide(), &script);
    let late = async {
        sleep(Duration::from_secs(1)).await;
        client.send(&b).await
    };
    let (first, second) = tokio::join!(client.send(&a), late);
    assert!(first.is_ok() && second.is_ok());
    assert!(script.times().get(1..).is_some_and(|later| later.iter().all(|at| *at >= 30.0)));
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_zero_retries_at_once() {
    let script = Script::play(vec![reply(429, "").with("retry-after", "0"), ok()]);
    let page = client(quota(1000, 300, QuotaMode::Window), &script).send(&get("/x")).await.expect("a page");
    assert_eq!((page.attempts.throttled, page.attempts.requests), (1, 2));
    assert!(script.times()[1] < 0.1, "{:?}", script.times());
}

#[tokio::test(start_paused = true)]
async fn retry_after_beyond_the_cap_stops_resumably() {
    for status in [429, 503] {
        let script = Script::play(vec![reply(status, "").with("retry-after", "901")]);
        let client = client(wide(), &script);
        let error = client.send(&get("/x")).await.expect_err("too long");
        assert_eq!((error.kind(), error.limit()), (ErrorKind::RateLimited, Limit::RetryAfter(CAP)));
        assert!(
            error.resume_at().is_some() && error.hint().is_some_and(|hint| hint.contains("run again after"))
        );
        // The others are not sent at all.
        let error = client.send(&get("/y")).await.expect_err("held");
        assert_eq!((error.kind(), script.asked().len()), (ErrorKind::RateLimited, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_429_pauses_and_switches_to_paced() {
    let script = Script::play(vec![reply(429, ""), ok()]);
    let (client, diary) = observed(quota(1000, 300, QuotaMode::Window), &script);
    let request = get("/x");
    client.send(&request).await.expect("a page");
    join_all((0..3).map(|_| client.send(&request))).await;
    let times = script.times();
    assert!((15.0..16.1).contains(&times[1]), "{times:?}");
    let spacing = 300.0 / 990.0;
    for pair in times.windows(2).skip(1) {
        assert!((spacing - 0.001..spacing + 0.01).contains(&(pair[1] - pair[0])), "{times:?}");
    }
    assert!(diary.events().iter().any(|event| matches!(event, Event::SwitchedToPaced { .. })));
}

#[tokio::test(start_paused = true)]
async fn attempts_refused_together_count_as_one_complaint() {
    let script = Script::of(|_, number| if number < 8 { reply(429, "") } else { ok() });
    let client = client(quota(1000, 300, QuotaMode::Window), &script);
    let request = get("/x");
    let pages = join_all((0..8).map(|_| client.send(&request))).await;
    assert!(pages.iter().all(Result::is_ok));
    let times = script.times();
    assert!((15.0..16.1).contains(&times[8]) && times[15] < 20.0, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_429_does_not_use_up_the_tries_but_six_in_a_row_end_them() {
    let script = Script::of(|_, number| match number {
        0..5 => reply(503, ""),
        5..10 => reply(429, "").with("retry-after", "1"),
        _ => ok(),
    });
    assert!(client(wide(), &script).send(&get("/x")).await.is_ok());

    let script = Script::play(vec![reply(429, "slow down")]);
    let error =
        client(quota(1000, 300, QuotaMode::Window), &script).send(&get("/x")).await.expect_err("refused");
    assert_eq!((error.kind(), error.tries(), error.limit()), (ErrorKind::RateLimited, 6, Limit::Tries(6)));
    assert!(error.elapsed() >= Duration::from_secs(15 + 30 + 60 + 120 + 300));
}

#[tokio::test(start_paused = true)]
async fn a_paced_source_that_complains_is_asked_half_as_often() {
    let script = Script::play(vec![ok(), reply(429, "").with("retry-after", "1"), ok()]);
    let client = client(quota(4, 1, QuotaMode::Paced), &script);
    for _ in 0..4 {
        client.send(&get("/x")).await.expect("a page");
    }
    let times = script.times();
    // Sums of seconds are off by a rounding.
    assert!((0.499..0.51).contains(&(times[4] - times[3])), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_gives_its_permit_back() {
    let script = Script::of(|_, number| ok().after(Duration::from_secs(if number == 0 { 1000 } else { 0 })));
    let client = client(quota(1, 10, QuotaMode::Window), &script);
    let request = get("/x");
    assert!(timeout(Duration::from_secs(5), client.send(&request)).await.is_err());
    client.send(&request).await.expect("a page");
    // Answered when dropped at 5 s; then the window.
    assert!((15.03..15.05).contains(&script.times()[1]), "{:?}", script.times());
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_attempt_counts_as_answered_when_it_ends() {
    let script = Script::of(|_, number| ok().after(Duration::from_secs(if number == 0 { 1000 } else { 0 })));
    let client = client(quota(1, 10, QuotaMode::Window), &script);
    client.send(&get("/x")).await.expect("a page");
    assert!((130.03..130.05).contains(&script.times()[1]), "{:?}", script.times());
}

/// Sends attempts with the given times to the server and back; gives the arrivals there and the time when all were done.
async fn run(quota: Quota, places: usize, latencies: &[(u64, u64)]) -> (Vec<Duration>, Duration) {
    let throttle = Throttle::new(Some(quota), places, CAP, Arc::new(Silent));
    let start = Instant::now();
    let arrivals = join_all(latencies.iter().map(|&(there, back)| {
        let throttle = Arc::clone(&throttle);
        async move {
            let permit = throttle.permit().await.expect("nobody holds");
            sleep(Duration::from_millis(there)).await;
            let arrival = start.elapsed();
            sleep(Duration::from_millis(back)).await;
            drop(permit);
            arrival
        }
    }))
    .await;
    (arrivals, start.elapsed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_window_on_the_server_ever_holds_more_than_the_limit(
        limit in 1_u32..12,
        places in 1_usize..16,
        latencies in prop::collection::vec((0_u64..3000, 0_u64..3000), 1..60),
    ) {
        let window = Duration::from_secs(10);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let quota = Quota { requests: limit, per: window, mode: QuotaMode::Window };
        let (mut arrivals, took) = runtime.block_on(run(quota, places, &latencies));
        arrivals.sort();
        let limit = usize::try_from(limit)?;
        for pair in arrivals.windows(limit + 1) {
            prop_assert!(pair[limit] - pair[0] >= window, "{arrivals:?}");
        }
        // Each window may start one round trip late; within the last one the places are the bound.
        let rounds = u32::try_from(latencies.len().div_ceil(limit))?;
        let trip = Duration::from_millis(latencies.iter().map(|(there, back)| there + back).max().unwrap_or(0));
        let turns = u32::try_from(limit.min(latencies.len()).div_ceil(places))?;
        let most = (window + margin(window)) * (rounds - 1) + trip * turns * rounds + Duration::from_millis(10) * rounds;
        prop_assert!(took <= most, "{took:?} > {most:?}");
    }
}
