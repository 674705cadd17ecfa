//! Counting requests the way a vendor might.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde::Deserialize;

/// How a server counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// At most the limit in every interval of the window's length.
    Sliding,
    /// At most the limit between two ticks of a clock that started with the server.
    Fixed,
    /// Refilled evenly, holding at most the limit.
    TokenBucket,
}

/// A limit on requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests a window.
    pub requests: u32,
    /// The window, in milliseconds.
    pub per_ms: u64,
    /// How the server counts.
    pub counting: Counting,
    /// Whether refused requests count too.
    #[serde(default)]
    pub count_refused: bool,
    /// What `Retry-After` a refusal carries: `none`, `seconds` or `date`.
    #[serde(default = "none")]
    pub retry_after: String,
}

fn none() -> String {
    "none".to_owned()
}

/// The running state of a [`Limit`].
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Limit,
    started: Instant,
    arrivals: VecDeque<Instant>,
    window: u64,
    in_window: u32,
    tokens: f64,
    refilled: Instant,
}

impl Limiter {
    pub(crate) fn new(limit: Limit, now: Instant) -> Self {
        let tokens = f64::from(limit.requests);
        Self {
            limit,
            started: now,
            arrivals: VecDeque::new(),
            window: 0,
            in_window: 0,
            tokens,
            refilled: now,
        }
    }

    /// Admits a request that arrives now, or says after how long one would be admitted.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let per = Duration::from_millis(self.limit.per_ms);
        match self.limit.counting {
            Counting::Sliding => {
                while self.arrivals.front().is_some_and(|&first| now.duration_since(first) >= per) {
                    self.arrivals.pop_front();
                }
                let full = self.arrivals.len() >= self.limit.requests as usize;
                if !full || self.limit.count_refused {
                    self.arrivals.push_back(now);
                }
                match (full, self.arrivals.front()) {
                    (true, Some(&first)) => Err(per.saturating_sub(now.duration_since(first))),
                    _ => Ok(()),
                }
            }
            Counting::Fixed => {
                let elapsed = u64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(u64::MAX);
                let window = elapsed / self.limit.per_ms.max(1);
                if window != self.window {
                    self.window = window;
                    self.in_window = 0;
                }
                if self.in_window >= self.limit.requests {
                    return Err(Duration::from_millis((window + 1) * self.limit.per_ms - elapsed));
                }
                self.in_window += 1;
                Ok(())
            }
            Counting::TokenBucket => {
                let rate = f64::from(self.limit.requests) / per.as_secs_f64();
                let gained = now.duration_since(self.refilled).as_secs_f64() * rate;
                self.tokens = (self.tokens + gained).min(f64::from(self.limit.requests));
                self.refilled = now;
                if self.tokens < 1.0 {
                    return Err(Duration::from_secs_f64((1.0 - self.tokens) / rate));
                }
                self.tokens -= 1.0;
                Ok(())
            }
        }
    }

    pub(crate) fn retry_after(&self) -> &str {
        &self.limit.retry_after
    }
}
