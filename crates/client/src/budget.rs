//! The retries that all requests of a client share, so that an outage does not become a storm.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::settings::RetrySettings;

pub(crate) struct Budget {
    percent: u64,
    extra: u64,
    requests: AtomicU64,
    retries: AtomicU64,
}

impl Budget {
    pub(crate) fn new(settings: &RetrySettings) -> Self {
        Self {
            percent: u64::from(settings.budget_percent),
            extra: u64::from(settings.budget_extra),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
        }
    }

    /// A request was sent.
    pub(crate) fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether one more retry is allowed; takes it if so.
    pub(crate) fn spend(&self) -> bool {
        let allowed = self.requests.load(Ordering::Relaxed) * self.percent / 100 + self.extra;
        let more = |retries| (retries < allowed).then_some(retries + 1);
        self.retries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_requests_and_ten_may_be_repeated() {
        let budget = Budget::new(&RetrySettings::default());
        (0..100).for_each(|_| budget.count());
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 30);
    }
}
