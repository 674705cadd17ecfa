//! The account of a credential's attempts: which mode holds, and when the next attempt may go out.

use tokio::time::Instant;
use userhaul_connector::quota::{Quota, QuotaMode};

use crate::{
    pacer::Pacer,
    ring::{Due, Ring},
};

/// How much of a published limit is used once it has proved to be counted otherwise than published: even pacing just below the
/// limit passes every limiter in common use (vendors/sprig.md 5.4).
const PACED_PERCENT: u32 = 99;

pub(crate) struct Ledger {
    quota: Option<Quota>,
    ring: Option<Ring>,
    pacer: Option<Pacer>,
}

/// The number under which an attempt is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    ring: Option<u64>,
}

/// Whether the next attempt may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Now, and it is counted.
    Now(Ticket),
    /// Not before then.
    At(Instant),
    /// Not before an answer has come.
    AfterAnswer,
}

impl Ledger {
    /// Without a quota every attempt may go out at once.
    pub(crate) fn new(quota: Option<Quota>) -> Self {
        let mut ledger = Self { quota, ring: None, pacer: None };
        if let Some(Quota { requests, per, mode }) = quota {
            match mode {
                QuotaMode::Window => ledger.ring = Some(Ring::new(requests, per)),
                QuotaMode::Paced => ledger.pacer = Some(Pacer::new(requests, per, 100)),
            }
        }
        ledger
    }

    /// Counts the next attempt if it may go out.
    pub(crate) fn take(&mut self, now: Instant) -> Turn {
        match self.ring.as_ref().map_or(Due::Now, |ring| ring.due(now)) {
            Due::At(at) => return Turn::At(at),
            Due::AfterAnswer => return Turn::AfterAnswer,
            Due::Now => {}
        }
        if let Some(Err(at)) = self.pacer.as_ref().map(Pacer::take) {
            return Turn::At(at);
        }
        Turn::Now(Ticket { ring: self.ring.as_mut().map(Ring::push) })
    }

    /// An attempt was answered, or is known to have failed.
    pub(crate) fn answered(&mut self, ticket: Ticket, now: Instant) {
        if let (Some(ring), Some(number)) = (&mut self.ring, ticket.ring) {
            ring.answered(number, now);
        }
    }

    /// Whether the limit is used up by our own count, so that a 429 is no surprise.
    pub(crate) fn expects_refusal(&self, now: Instant) -> bool {
        self.pacer.is_none() && self.ring.as_ref().is_some_and(|ring| ring.due(now) != Due::Now)
    }

    /// The source complained though the count was kept: slower from now on. Gives the pacer where it is new.
    pub(crate) fn slow_down(&mut self, now: Instant) -> Option<&Pacer> {
        match (&mut self.pacer, self.quota) {
            (Some(pacer), _) => {
                pacer.halve(now);
                None
            }
            (None, Some(quota)) => {
                Some(self.pacer.insert(Pacer::new(quota.requests, quota.per, PACED_PERCENT)))
            }
            (None, None) => None,
        }
    }

    /// The source answered.
    pub(crate) fn recover(&mut self, now: Instant) {
        if let Some(pacer) = &mut self.pacer {
            pacer.recover(now);
        }
    }

    /// Whether the source publishes a limit.
    pub(crate) fn published(&self) -> bool {
        self.ring.is_some()
    }
}
