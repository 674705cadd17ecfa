//! How often a source may be asked.

use std::{fmt, str::FromStr, time::Duration};

/// A limit on requests, one for all that a credential does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests a window; at least 1.
    pub requests: u32,
    /// The window.
    pub per: Duration,
    /// How the limit is kept.
    pub mode: QuotaMode,
}

/// How a limit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaMode {
    /// For a published limit: bursts, and never more than the limit in any window on the server's clock.
    Window,
    /// For vendors that publish none: evenly spaced, one at a time.
    Paced,
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.requests == 1 { "" } else { "s" };
        write!(f, "{} request{plural} per {}", self.requests, Span(self.per))
    }
}

/// A duration in the notation of the configuration: a whole number and `ms`, `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(
    /// The duration.
    pub Duration,
);

/// Why a text is no [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number and a unit, such as `500ms`, `30s`, `5m`, `2h` or `7d`")]
pub struct SpanError;

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(SpanError)?;
        let number: u64 = number.parse().map_err(|_| SpanError)?;
        let milliseconds = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            "d" => number.checked_mul(86_400_000),
            _ => None,
        };
        milliseconds.map(|milliseconds| Self(Duration::from_millis(milliseconds))).ok_or(SpanError)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        let (number, unit) = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
            .into_iter()
            .find(|&(size, _)| milliseconds >= size && milliseconds.is_multiple_of(size))
            .map_or((milliseconds, "ms"), |(size, unit)| (milliseconds / size, unit));
        write!(f, "{number}{unit}")
    }
}
