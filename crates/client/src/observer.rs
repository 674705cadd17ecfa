//! What a client tells while it works, for progress displays and logs.

use std::time::Duration;

use jiff::Timestamp;

use crate::error::Reason;

/// Somebody who watches. Called from the sending task: must be quick and must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event) {}
}

/// What a client does besides sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing is sent until then. Told only for waits of more than two seconds.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// Until when, by the clock of this machine.
        until: Timestamp,
    },
    /// The wait is over.
    Resumed,
    /// An attempt failed and is repeated.
    Retrying {
        /// The try that failed, from 1.
        attempt: u32,
        /// How long until the next one.
        after: Duration,
        /// Why it failed.
        why: Reason,
    },
    /// The source answered 429 though its published limit was kept: from now on requests go out evenly.
    SwitchedToPaced {
        /// The time between two requests.
        interval: Duration,
    },
}

/// Why a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The quota is used up for now.
    Quota,
    /// The source asked for it (`Retry-After`).
    RetryAfter,
    /// The source answered 429 without saying for how long.
    Throttled,
}
