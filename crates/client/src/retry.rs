//! Whether and when a failed attempt is repeated.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use rand::Rng;
use tokio::time::Instant;

use crate::{
    error::{Limit, Reason, passing},
    settings::RetrySettings,
};

/// Repeats of an answer that is HTML: a captive page passes.
const HTML_RETRIES: u32 = 2;

/// Repeats of a request that met a conflict.
const CONFLICT_RETRIES: u32 = 1;

/// Tries of a host that has never answered and does not even let us connect in time: each costs the whole connect timeout.
const FIRST_CONTACT_TRIES: u32 = 2;

/// One attempt that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) location: Option<String>,
    /// The beginning of the answer's body.
    pub(crate) body: Bytes,
    pub(crate) sent_at: Instant,
}

impl Failure {
    /// Whether the source refuses the credential.
    pub(crate) fn is_refusal(&self) -> bool {
        (&self.reason, self.status) == (&Reason::Status, Some(401))
    }
}

/// What a request has been through.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// Failures that used up the allowance.
    pub(crate) failures: u32,
    html: u32,
    conflicts: u32,
    /// 429s since anything last went well.
    refusals: u32,
    successes_seen: u64,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Give up.
    Stop(Limit),
    /// Again, as soon as the throttle allows; costs nothing.
    Throttled,
    /// Again after a delay of at most so long, if the budget allows.
    Again(Duration),
}

impl Patience {
    /// Judges a failure; `repeatable` tells whether the request may arrive twice, `contacted` tells whether the source has ever answered, `successes` how often it did well.
    pub(crate) fn judge(
        &mut self,
        settings: &RetrySettings,
        repeatable: bool,
        failure: &Failure,
        contacted: bool,
        successes: u64,
    ) -> Verdict {
        if failure.retry_after.is_some_and(|after| after > settings.longest_retry_after) {
            return Verdict::Stop(Limit::RetryAfter(settings.longest_retry_after));
        }
        if (&failure.reason, failure.status) == (&Reason::Status, Some(429)) {
            return self.refused(settings, successes);
        }
        let (tries, first_delay) = match &failure.reason {
            Reason::Refused | Reason::Dns { .. } | Reason::Connect => {
                (settings.refused_tries, settings.refused_first_delay)
            }
            Reason::ConnectTimeout if !contacted => (FIRST_CONTACT_TRIES, settings.refused_first_delay),
            Reason::ConnectTimeout => (settings.tries, settings.first_delay),
            _ if !repeatable => return Verdict::Stop(Limit::Final),
            Reason::Timeout { .. } | Reason::TooSlow | Reason::CutShort | Reason::Garbled => {
                (settings.tries, settings.first_delay)
            }
            Reason::Status if failure.status.is_some_and(passing) => (settings.tries, settings.first_delay),
            Reason::Status if failure.status == Some(409) => {
                return few(&mut self.conflicts, CONFLICT_RETRIES, settings);
            }
            Reason::Html => return few(&mut self.html, HTML_RETRIES, settings),
            _ => return Verdict::Stop(Limit::Final),
        };
        self.failures += 1;
        if self.failures >= tries {
            return Verdict::Stop(Limit::Tries(tries));
        }
        if failure.retry_after.is_some() {
            // The throttle holds everybody, this request too.
            return Verdict::Again(Duration::ZERO);
        }
        let mut delays = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(first_delay)
            .with_max_delay(settings.longest_delay)
            .without_max_times()
            .build();
        let earlier = usize::try_from(self.failures - 1).unwrap_or(usize::MAX);
        Verdict::Again(delays.nth(earlier).unwrap_or(settings.longest_delay))
    }

    fn refused(&mut self, settings: &RetrySettings, successes: u64) -> Verdict {
        if self.successes_seen != successes {
            self.refusals = 0;
            self.successes_seen = successes;
        }
        self.refusals += 1;
        if self.refusals >= settings.tries {
            Verdict::Stop(Limit::Tries(settings.tries))
        } else {
            Verdict::Throttled
        }
    }
}

fn few(count: &mut u32, most: u32, settings: &RetrySettings) -> Verdict {
    *count += 1;
    if *count > most { Verdict::Stop(Limit::Tries(most + 1)) } else { Verdict::Again(settings.first_delay) }
}

/// A delay drawn evenly from zero to its bound.
pub(crate) fn jitter(bound: Duration) -> Duration {
    bound.mul_f64(rand::rng().random())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reason: Reason, status: Option<u16>) -> Failure {
        Failure {
            reason,
            status,
            retry_after: None,
            location: None,
            body: Bytes::new(),
            sent_at: Instant::now(),
        }
    }

    fn course(
        repeatable: bool,
        reason: Reason,
        status: Option<u16>,
        contacted: bool,
    ) -> (Vec<Duration>, Limit) {
        let failure = failure(reason, status);
        let mut patience = Patience::default();
        let mut delays = Vec::new();
        loop {
            match patience.judge(&RetrySettings::default(), repeatable, &failure, contacted, 0) {
                Verdict::Stop(limit) => return (delays, limit),
                Verdict::Throttled => delays.push(Duration::ZERO),
                Verdict::Again(delay) => delays.push(delay),
            }
        }
    }

    fn seconds(seconds: &[f64]) -> Vec<Duration> {
        seconds.iter().copied().map(Duration::from_secs_f64).collect()
    }

    #[test]
    fn passing_failures_get_six_tries_and_growing_delays() {
        let want = (seconds(&[1.0, 2.0, 4.0, 8.0, 16.0]), Limit::Tries(6));
        for status in [408, 425, 500, 502, 503, 504] {
            assert_eq!(course(true, Reason::Status, Some(status), true), want, "{status}");
        }
        for reason in
            [Reason::CutShort, Reason::TooSlow, Reason::Garbled, Reason::Timeout { after: Duration::ZERO }]
        {
            assert_eq!(course(true, reason, None, true), want);
        }
    }

    #[test]
    fn a_server_that_is_down_is_told_within_seconds() {
        let want = (seconds(&[0.5, 1.0, 2.0, 4.0]), Limit::Tries(5));
        assert_eq!(course(true, Reason::Refused, None, false), want);
        assert_eq!(course(true, Reason::ConnectTimeout, None, false), (seconds(&[0.5]), Limit::Tries(2)));
    }

    #[test]
    fn lasting_failures_are_not_repeated() {
        for status in [300, 304, 400, 401, 403, 404, 410, 413, 414, 418, 422, 451, 501, 505, 599, 999] {
            let got = course(true, Reason::Status, Some(status), true);
            assert_eq!(got, (vec![], Limit::Final), "{status}");
        }
    }

    #[test]
    fn a_conflict_is_repeated_once_and_html_twice() {
        let conflict = course(true, Reason::Status, Some(409), true);
        assert_eq!(conflict, (seconds(&[1.0]), Limit::Tries(2)));
        assert_eq!(course(true, Reason::Html, Some(200), true), (seconds(&[1.0, 1.0]), Limit::Tries(3)));
    }

    #[test]
    fn a_write_that_may_have_arrived_is_not_repeated() {
        assert_eq!(course(false, Reason::CutShort, None, true), (vec![], Limit::Final));
        assert_eq!(course(false, Reason::Refused, None, true).0.len(), 4);
    }
}
