//! The wall clock: the one place that reads it. Waiting and measuring use tokio's clock instead.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Now, for comparison with HTTP dates.
pub(crate) fn system() -> SystemTime {
    SystemTime::now()
}

/// What the wall clock will show at an instant, to be told to people; the far future is cut at a hundred years.
pub(crate) fn at(instant: Instant) -> Timestamp {
    const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
    let ahead = instant.saturating_duration_since(Instant::now()).min(CENTURY);
    let now = now();
    now.checked_add(ahead).unwrap_or(now)
}
