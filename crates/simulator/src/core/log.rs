//! What arrived, and what was wrong with it.

use std::time::Instant;

use serde::Serialize;

/// One request as it arrived. Headers are not kept: they hold credentials.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Arrival {
    /// Milliseconds since the simulator started.
    pub(crate) at_ms: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The status that was answered, 0 where the connection was cut.
    pub(crate) status: u16,
}

/// The log of one simulator.
#[derive(Debug)]
pub(crate) struct Log {
    started: Instant,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) violations: Vec<String>,
}

/// The log as `GET /__sim/log` gives it.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) arrivals: &'a [Arrival],
    /// Requests that the reference does not allow: unknown paths, parameters, formats, sizes, missing credentials.
    pub(crate) violations: &'a [String],
}

impl Log {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, arrivals: Vec::new(), violations: Vec::new() }
    }

    pub(crate) fn arrived(&mut self, now: Instant, method: &str, path: &str, query: &str) -> usize {
        let at_ms = u64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(u64::MAX);
        self.arrivals.push(Arrival {
            at_ms,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status: 0,
        });
        self.arrivals.len() - 1
    }
}
