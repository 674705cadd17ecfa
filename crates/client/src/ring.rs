//! The rule of mode `window`: attempt k goes out when k ≤ L, or when the answer to attempt k − L came at least W + ε ago.
//!
//! ```text
//! L = 2     send 1 ──▶ answer 1        send 3 (W + ε after answer 1)
//!             send 2 ────────▶ answer 2        send 4 (W + ε after answer 2)
//! ```
//!
//! The server sees a request somewhere between its sending and its answer, so comparing the answer of the old one with the sending
//! of the new one holds on the server's clock, at any latency and concurrency.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// What is added to a window, for servers that round: little for a short one, whose parts it would be a share of.
pub(crate) fn margin(window: Duration) -> Duration {
    (window / 256).clamp(Duration::from_millis(5), Duration::from_millis(50))
}

/// The last L attempts, oldest first.
pub(crate) struct Ring {
    limit: usize,
    window: Duration,
    /// The number of the oldest attempt kept.
    first: u64,
    /// When each was answered; `None` while it is under way.
    attempts: VecDeque<Option<Instant>>,
}

/// Whether the next attempt may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Now.
    Now,
    /// Then.
    At(Instant),
    /// A window after the oldest attempt is answered, which it is not yet.
    AfterAnswer,
}

impl Ring {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit: usize::try_from(limit.max(1)).unwrap_or(usize::MAX),
            window: window + margin(window),
            first: 0,
            attempts: VecDeque::new(),
        }
    }

    /// When the next attempt may go out.
    pub(crate) fn due(&self, now: Instant) -> Due {
        match self.attempts.front() {
            Some(oldest) if self.attempts.len() >= self.limit => match oldest {
                None => Due::AfterAnswer,
                Some(answered) if *answered + self.window > now => Due::At(*answered + self.window),
                Some(_) => Due::Now,
            },
            _ => Due::Now,
        }
    }

    /// Counts an attempt, which must be due, and gives its number.
    pub(crate) fn push(&mut self) -> u64 {
        if self.attempts.len() >= self.limit {
            self.attempts.pop_front();
            self.first += 1;
        }
        self.attempts.push_back(None);
        self.first + self.attempts.len() as u64 - 1
    }

    /// An attempt was answered, or is known to have failed.
    pub(crate) fn answered(&mut self, number: u64, now: Instant) {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(slot) = at.and_then(|at| self.attempts.get_mut(at)) {
            *slot = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    #[tokio::test(start_paused = true)]
    async fn an_attempt_waits_for_the_answer_of_the_one_a_limit_before() {
        let mut ring = Ring::new(2, WINDOW);
        let start = Instant::now();
        let (one, two) = (ring.push(), ring.push());
        assert_eq!(ring.due(start), Due::AfterAnswer);
        ring.answered(two, start + Duration::from_secs(1));
        assert_eq!(ring.due(start), Due::AfterAnswer);
        let answered = start + Duration::from_secs(2);
        ring.answered(one, answered);
        assert_eq!(ring.due(answered), Due::At(answered + WINDOW + margin(WINDOW)));
        assert_eq!(ring.due(answered + WINDOW + margin(WINDOW)), Due::Now);
    }
}
