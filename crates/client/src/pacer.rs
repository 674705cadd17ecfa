//! Even spacing, one request at a time, for limits that are not published or not kept.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

/// The slowest pace, as a part of the full one.
const LEAST_SHARE: f64 = 1.0 / 64.0;

/// How much of the full pace comes back for each quiet while.
const STEP: f64 = 0.05;

/// The shortest quiet while: windows of a second would otherwise be back at full pace within seconds.
const SHORTEST_QUIET: Duration = Duration::from_secs(30);

/// Gives out slots at an even pace, which halves when the source complains and slowly comes back.
pub(crate) struct Pacer {
    /// The time between two requests at full pace.
    full: Duration,
    quiet: Duration,
    share: f64,
    changed_at: Instant,
    clock: TokioClock,
    limiter: Limiter,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

impl Pacer {
    /// `percent` of `requests` a window, spread evenly; a burst of one.
    pub(crate) fn new(requests: u32, per: Duration, percent: u32) -> Self {
        let full = per.mul_f64(100.0 / f64::from(percent.max(1)) / f64::from(requests.max(1)));
        let clock = TokioClock(Instant::now());
        Self {
            full,
            quiet: per.max(SHORTEST_QUIET),
            share: 1.0,
            changed_at: clock.0,
            clock,
            limiter: limiter(full, clock),
        }
    }

    /// The time between two requests.
    pub(crate) fn interval(&self) -> Duration {
        self.full.div_f64(self.share)
    }

    /// Takes the slot of now; or says when the next one is.
    pub(crate) fn take(&self) -> Result<(), Instant> {
        self.limiter.check().map_err(|not_until| self.clock.0 + not_until.earliest_possible())
    }

    /// The source complained.
    pub(crate) fn halve(&mut self, now: Instant) {
        self.set((self.share / 2.0).max(LEAST_SHARE), now);
    }

    /// The source answered.
    pub(crate) fn recover(&mut self, now: Instant) {
        if self.share < 1.0 && now.duration_since(self.changed_at) >= self.quiet {
            self.set((self.share + STEP).min(1.0), now);
        }
    }

    fn set(&mut self, share: f64, now: Instant) {
        self.share = share;
        self.changed_at = now;
        self.limiter = limiter(self.interval(), self.clock);
        // A new limiter would give its first slot at once, close to the last one of the old.
        drop(self.limiter.check());
    }
}

fn limiter(interval: Duration, clock: TokioClock) -> Limiter {
    let quota = Quota::with_period(interval.max(Duration::from_nanos(1)))
        .expect("the period is not zero")
        .allow_burst(NonZeroU32::MIN);
    RateLimiter::direct_with_clock(quota, clock)
}

/// Tokio's clock for governor, as the time since an origin: it stands still where tests pause it.
#[derive(Debug, Clone, Copy)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep_until};

    use super::*;

    async fn slot(pacer: &Pacer) -> Instant {
        while let Err(at) = pacer.take() {
            sleep_until(at).await;
        }
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn slots_are_evenly_spaced_and_do_not_pile_up() {
        let pacer = Pacer::new(4, Duration::from_secs(1), 100);
        let first = slot(&pacer).await;
        assert_eq!(slot(&pacer).await - first, Duration::from_millis(250));
        advance(Duration::from_secs(10)).await;
        let late = slot(&pacer).await;
        assert_eq!(slot(&pacer).await - late, Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_halves_and_slowly_comes_back() {
        let mut pacer = Pacer::new(1, Duration::from_secs(1), 100);
        pacer.halve(Instant::now());
        assert_eq!(pacer.interval(), Duration::from_secs(2));
        pacer.recover(Instant::now());
        assert_eq!(pacer.interval(), Duration::from_secs(2));
        for _ in 0..10 {
            advance(SHORTEST_QUIET).await;
            pacer.recover(Instant::now());
        }
        assert_eq!(pacer.interval(), Duration::from_secs(1));
    }
}
