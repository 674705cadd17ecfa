//! The account of a credential's attempts: which mode holds, and when the next attempt may go out.

use std::{path::Path, time::Duration};

use tokio::time::Instant;
use userhaul_connector::{
    code::Code,
    quota::{Quota, QuotaMode},
};

use crate::{
    disk::{self, Disk, Next},
    machine::Machine,
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
    /// The pacer has given its slot, but the history forbade the attempt.
    slot_kept: bool,
    /// What all processes do on the credential; our own attempts are in `ring` besides, for clocks that are set and disks that fail.
    disk: Option<Disk>,
}

/// The number under which an attempt is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    ring: Option<u64>,
    disk: Option<u64>,
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
        let mut ledger = Self { quota, ring: None, pacer: None, slot_kept: false, disk: None };
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
        if let Some(pacer) = self.pacer.as_ref().filter(|_| !self.slot_kept)
            && let Err(at) = pacer.take()
        {
            return Turn::At(at);
        }
        self.slot_kept = self.pacer.is_some();
        let limit = disk::Limit {
            window: self.quota.filter(|_| self.ring.is_some()).map(|quota| (quota.requests, quota.per)),
            interval: self.pacer.as_ref().map(Pacer::interval),
        };
        let disk = match self.on_disk(|disk| disk.take(limit)) {
            Some(Next::In(wait)) => return Turn::At(now + wait),
            Some(Next::Now(number)) => Some(number),
            None => None,
        };
        self.slot_kept = false;
        Turn::Now(Ticket { ring: self.ring.as_mut().map(Ring::push), disk })
    }

    /// Shares the account with other processes from now on.
    pub(crate) fn share(&mut self, folder: &Path, name: &str) {
        match Disk::open(folder, name, Machine::this()) {
            Ok(disk) => self.disk = Some(disk),
            Err(error) => warn(&error),
        }
    }

    /// Nobody sends for so long, in other processes neither.
    pub(crate) fn hold(&mut self, after: Duration) {
        self.on_disk(|disk| disk.hold(after));
    }

    /// Does something with the history; once that fails, goes on without it.
    fn on_disk<T>(&mut self, act: impl FnOnce(&mut Disk) -> std::io::Result<T>) -> Option<T> {
        match act(self.disk.as_mut()?) {
            Ok(done) => Some(done),
            Err(error) => {
                warn(&error);
                self.disk = None;
                None
            }
        }
    }

    /// An attempt was answered, or is known to have failed.
    pub(crate) fn answered(&mut self, ticket: Ticket, now: Instant) {
        if let (Some(ring), Some(number)) = (&mut self.ring, ticket.ring) {
            ring.answered(number, now);
        }
        if let Some(number) = ticket.disk {
            self.on_disk(|disk| disk.answered(number));
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

fn warn(error: &std::io::Error) {
    let text = "the history of requests cannot be kept on disk, other processes may exceed the quota";
    crate::warn(Code::QuotaNotShared, text, error);
}
