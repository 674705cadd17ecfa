//! One queue for all attempts on a credential: nobody sends without a permit, and permits are given out in order.
//!
//! A place among the attempts in flight is taken before the permit, so that a permit is used at once: one that waits for a connection
//! would be a send in the future.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::Rng;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};
use userhaul_connector::quota::Quota;

use crate::{
    ledger::{Ledger, Ticket, Turn},
    observer::{Event, Observer, WaitReason},
    wall,
};

/// Pauses after 429s in a row without `Retry-After`, where the limit is published: 300 s without a request clear the fixed, sliding
/// and bucket readings of five minutes (vendors/sprig.md 5.5).
const PAUSES_PUBLISHED: [u64; 5] = [15, 30, 60, 120, 300];

/// The same where no limit is published: most likely one a second or a minute.
const PAUSES_UNKNOWN: [u64; 5] = [2, 5, 15, 60, 300];

/// The pause after a 429 that our own count expected: clocks differ a little.
const PAUSE_EXPECTED: Duration = Duration::from_secs(1);

/// Waits that are not worth telling.
const UNTOLD: Duration = Duration::from_secs(2);

pub(crate) struct Throttle {
    places: Arc<Semaphore>,
    turnstile: tokio::sync::Mutex<()>,
    changed: Notify,
    state: Mutex<State>,
    observer: Arc<dyn Observer>,
    longest_hold: Duration,
}

struct State {
    ledger: Ledger,
    hold: Option<(Instant, WaitReason)>,
    /// 429s in a row; those of attempts that were in flight together count as one.
    complaints: usize,
    complained_at: Option<Instant>,
    successes: u64,
}

/// The right to send one attempt, now. Dropping it says that the attempt is answered or its connection is closed.
pub(crate) struct Permit {
    throttle: Arc<Throttle>,
    ticket: Option<Ticket>,
    _place: Option<OwnedSemaphorePermit>,
}

/// The source is not to be asked before then, and that is longer than we wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldOff(pub(crate) Instant);

impl Throttle {
    pub(crate) fn new(
        quota: Option<Quota>,
        max_concurrency: usize,
        longest_hold: Duration,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(max_concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            turnstile: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            state: Mutex::new(State {
                ledger: Ledger::new(quota),
                hold: None,
                complaints: 0,
                complained_at: None,
                successes: 0,
            }),
            observer,
            longest_hold,
        })
    }

    /// Waits until one more attempt may be sent. First come, first served; dropping the future leaves the queue.
    pub(crate) async fn permit(self: &Arc<Self>) -> Result<Permit, HeldOff> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let _turn = self.turnstile.lock().await;
        let mut told: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let turn = self.state().take(now);
            match turn {
                Ok(Turn::Now(ticket)) => {
                    if told.is_some() {
                        self.observer.event(Event::Resumed);
                    }
                    return Ok(Permit { throttle: Arc::clone(self), ticket: Some(ticket), _place: place });
                }
                Ok(Turn::At(at)) => self.wait(now, at, WaitReason::Quota, &mut told).await,
                Ok(Turn::AfterAnswer) => self.changed.notified().await,
                Err((until, _)) if until.duration_since(now) > self.longest_hold => {
                    return Err(HeldOff(until));
                }
                Err((until, reason)) => self.wait(now, until, reason, &mut told).await,
            }
        }
    }

    async fn wait(&self, now: Instant, until: Instant, reason: WaitReason, told: &mut Option<Instant>) {
        if until - now > UNTOLD && told.is_none_or(|earlier| until > earlier + UNTOLD) {
            *told = Some(until);
            self.observer.event(Event::Waiting { reason, until: wall::at(until) });
        }
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.changed.notified() => {}
        }
    }

    /// An attempt that was sent then was answered 429.
    pub(crate) fn complain(&self, sent_at: Instant, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut paced = None;
        {
            let mut state = self.state();
            if let Some(after) = retry_after {
                self.hold_for(&mut state, now, after, WaitReason::RetryAfter);
            }
            // Attempts that were under way when the first one was refused tell nothing new.
            if state.complained_at.is_none_or(|at| sent_at >= at) {
                state.complained_at = Some(now);
                let expected = state.complaints == 0 && state.ledger.expects_refusal(now);
                if retry_after.is_none() {
                    let pauses = if state.ledger.published() { PAUSES_PUBLISHED } else { PAUSES_UNKNOWN };
                    let pause = pauses.get(state.complaints).or(pauses.last()).copied().unwrap_or(0);
                    let pause = if expected { PAUSE_EXPECTED } else { Duration::from_secs(pause) };
                    self.hold_for(&mut state, now, pause, WaitReason::Throttled);
                }
                state.complaints += 1;
                if !expected {
                    paced = state.ledger.slow_down(now).map(crate::pacer::Pacer::interval);
                }
            }
        }
        if let Some(interval) = paced {
            self.observer.event(Event::SwitchedToPaced { interval });
        }
        self.changed.notify_one();
    }

    /// Nobody sends for so long.
    pub(crate) fn hold(&self, after: Duration) {
        self.hold_for(&mut self.state(), Instant::now(), after, WaitReason::RetryAfter);
        self.changed.notify_one();
    }

    /// Shares the account of attempts with other processes, in a file of that name.
    pub(crate) fn share(&self, folder: &Path, name: &str) {
        self.state().ledger.share(folder, name);
    }

    /// An attempt was answered well.
    pub(crate) fn praise(&self) {
        let mut state = self.state();
        state.complaints = 0;
        state.successes += 1;
        state.ledger.recover(Instant::now());
    }

    /// How many attempts were answered well.
    pub(crate) fn successes(&self) -> u64 {
        self.state().successes
    }

    fn hold_for(&self, state: &mut State, now: Instant, after: Duration, reason: WaitReason) {
        state.hold(now, after, reason);
        // A pause that nobody waits for must not outlive this process.
        if after <= self.longest_hold {
            state.ledger.hold(after);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, now: Instant) -> Result<Turn, (Instant, WaitReason)> {
        match self.hold {
            Some((until, reason)) if until > now => Err((until, reason)),
            _ => Ok(self.ledger.take(now)),
        }
    }

    fn hold(&mut self, now: Instant, after: Duration, reason: WaitReason) {
        // A little more than asked for, so that processes which were refused together do not come back together.
        let most = (after / 10).min(Duration::from_secs(1));
        let until = now + after + most.mul_f64(rand::rng().random());
        if self.hold.is_none_or(|(earlier, _)| earlier < until) {
            self.hold = Some((until, reason));
        }
    }
}

impl Permit {
    /// The attempt is answered, though its place in flight is kept.
    pub(crate) fn answered(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.throttle.state().ledger.answered(ticket, Instant::now());
            self.throttle.changed.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.answered();
    }
}
