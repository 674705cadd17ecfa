//! What the simulator remembers of earlier requests.
//!
//! A *pass* is one reading of a stream of a property, window after window, oldest first. Padded windows overlap by
//! two days, so a first page starts the next pass only when it repeats the last window, or begins three days or more
//! before the latest day that was asked for:
//!
//! ```text
//! |--- window 1 ---|                 furthest = end of 1
//!               |--- window 2 ---|   begins 1 day before furthest: same pass
//!        |--- window 3 ---|          begins 9 days before furthest: next pass
//! ```

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::civil::Date;

use crate::core::{
    limiter::{Counting, Limit, Limiter},
    scenario::Switches,
};

use super::{parameters::Window, streams::Stream};

/// Counters of requests and the passes of each stream.
#[derive(Debug)]
pub(super) struct Memory {
    requests: AtomicU64,
    exports: AtomicU64,
    limiter: Option<Mutex<Limiter>>,
    passes: Mutex<BTreeMap<(Stream, usize), Pass>>,
}

#[derive(Debug)]
struct Pass {
    number: u64,
    furthest: Date,
    last: (Date, Date),
    vanished: bool,
}

impl Memory {
    pub(super) fn new(switches: &Switches) -> Self {
        let rate = u32::try_from(switches.number("rate_limit")).unwrap_or(u32::MAX);
        let limit = Limit {
            requests: rate,
            per_ms: 1000,
            counting: Counting::Sliding,
            count_refused: false,
            retry_after: "seconds".to_owned(),
        };
        let limiter = (rate > 0).then(|| Mutex::new(Limiter::new(limit, Instant::now())));
        Self { requests: AtomicU64::new(0), exports: AtomicU64::new(0), limiter, passes: Mutex::default() }
    }

    /// Counts a request; the first is 1.
    pub(super) fn count(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts an export, refused ones too; the first is 1.
    pub(super) fn count_export(&self) -> u64 {
        self.exports.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Admits a request, or says after how long one would be admitted.
    pub(super) fn limit(&self, now: Instant) -> Result<(), Duration> {
        match &self.limiter {
            None => Ok(()),
            Some(limiter) => limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(now),
        }
    }

    /// Notes a request for a window and gives its pass, from 1.
    pub(super) fn pass(&self, stream: Stream, property: usize, window: Window, page: u64) -> u64 {
        let mut passes = self.passes();
        let asked = (window.from, window.to);
        let pass = passes.entry((stream, property)).or_insert(Pass {
            number: 0,
            furthest: window.to,
            last: asked,
            vanished: false,
        });
        let days_back = window.from.duration_until(pass.furthest).as_hours() / 24;
        if pass.number == 0 || (page == 1 && (asked == pass.last || days_back >= 3)) {
            pass.number += 1;
            pass.furthest = window.to;
        } else {
            pass.furthest = pass.furthest.max(window.to);
        }
        pass.last = asked;
        pass.number
    }

    /// The pass that a stream is in, 0 before the first.
    pub(super) fn current_pass(&self, stream: Stream, property: usize) -> u64 {
        self.passes().get(&(stream, property)).map_or(0, |pass| pass.number)
    }

    /// True once for each stream and property: the caller leaves the window's rows out.
    pub(super) fn vanish(&self, stream: Stream, property: usize) -> bool {
        let mut passes = self.passes();
        passes.get_mut(&(stream, property)).is_some_and(|pass| !std::mem::replace(&mut pass.vanished, true))
    }

    fn passes(&self) -> MutexGuard<'_, BTreeMap<(Stream, usize), Pass>> {
        self.passes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
