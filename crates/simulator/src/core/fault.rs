//! Faults that a scenario injects, before the vendor's own code sees the request.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One planned fault.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Fault {
    /// Only requests whose path starts so; empty for all.
    #[serde(default)]
    pub path: String,
    /// Only requests of this method; empty for all.
    #[serde(default)]
    pub method: String,
    /// The first matching request that is hit, from 1.
    #[serde(default = "one")]
    pub from: u64,
    /// How many matching requests are hit in a row; 0 for all that follow.
    #[serde(default = "one")]
    pub times: u64,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum FaultKind {
    /// Answers with this status, these headers and this body.
    Status {
        /// The status.
        status: u16,
        /// Headers, `Retry-After` for example.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body, empty by default.
        #[serde(default)]
        body: String,
    },
    /// Answers 200 with a login page.
    Html,
    /// Answers rightly, but declares a longer body than it sends and closes.
    Truncate,
    /// Closes the connection without a byte of answer.
    Reset,
    /// Does what is asked, then closes the connection without a byte of answer.
    CutAfter,
    /// Answers rightly, after a pause of this many milliseconds.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Redirects to this address.
    Redirect {
        /// The value of `Location`.
        location: String,
    },
}

fn one() -> u64 {
    1
}

/// The faults of one vendor, with how often each has matched.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Vec<(Fault, u64)>,
}

impl Faults {
    pub(crate) fn new(planned: Vec<Fault>) -> Self {
        Self { planned: planned.into_iter().map(|fault| (fault, 0)).collect() }
    }

    /// Counts a request against every fault and gives the first that hits it.
    pub(crate) fn hit(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        let mut found = None;
        for (fault, matched) in &mut self.planned {
            if !path.starts_with(&fault.path) || !(fault.method.is_empty() || fault.method == method) {
                continue;
            }
            *matched += 1;
            let due = *matched >= fault.from && (fault.times == 0 || *matched < fault.from + fault.times);
            if due && found.is_none() {
                found = Some(fault.kind.clone());
            }
        }
        found
    }
}
