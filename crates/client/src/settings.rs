//! What a client is built from: values only, immutable afterwards.

use std::{path::PathBuf, time::Duration};

use url::Url;
use userhaul_connector::quota::Quota;

/// Everything that a client needs to know about its source, but for the credential, which each request carries.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The address below which every path lies. `https`, or `http` to a loopback host.
    pub base_url: Url,
    /// How often the source may be asked.
    pub quota: Quota,
    /// Attempts in flight at once; at least 1.
    pub max_concurrency: usize,
    /// The longest that establishing a connection may take.
    pub connect_timeout: Duration,
    /// The caps on an answer's body.
    pub limits: BodyLimits,
    /// The patience with failures that may pass.
    pub retry: RetrySettings,
    /// The folder that keeps the times of past attempts for the next process; without it they are kept in memory.
    pub quota_dir: Option<PathBuf>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Headers of every request, by name; none of them a credential.
    pub headers: Vec<(String, String)>,
}

impl ClientSettings {
    /// Settings with the usual limits: 10 s to connect, default body and retry limits, no quota folder,
    /// `userhaul/<version>` as user agent.
    pub fn new(base_url: Url, quota: Quota, max_concurrency: usize) -> Self {
        Self {
            base_url,
            quota,
            max_concurrency,
            connect_timeout: Duration::from_secs(10),
            limits: BodyLimits::default(),
            retry: RetrySettings::default(),
            quota_dir: None,
            user_agent: concat!("userhaul/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: Vec::new(),
        }
    }
}

/// The caps on an answer's body. What exceeds one is an error, never a longer wait or more memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of a page as they come over the wire.
    pub wire_bytes: u64,
    /// Bytes of a page after decompression.
    pub decoded_bytes: u64,
    /// Decoded bytes for each byte on the wire; judged above 1 MiB decoded.
    pub ratio: u32,
    /// Bytes of a streamed body, on the wire and decoded.
    pub stream_bytes: u64,
    /// The least throughput of a body on the wire, averaged over [`Self::throughput_window`].
    pub min_bytes_per_second: u64,
    /// The time over which the throughput is averaged; only waiting for the server counts.
    pub throughput_window: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            wire_bytes: 32 << 20,
            decoded_bytes: 64 << 20,
            // Deflate reaches 1032; JSON lists of equal rows stay below 100.
            ratio: 200,
            stream_bytes: 64 << 30,
            min_bytes_per_second: 1024,
            throughput_window: Duration::from_secs(30),
        }
    }
}

/// The patience with failures that may pass. Delays grow by a factor of two, with full jitter: each is drawn evenly from zero to
/// its bound, so that clients which failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// Tries of a request, the first one included.
    pub tries: u32,
    /// The bound of the first delay.
    pub first_delay: Duration,
    /// The bound of every delay.
    pub longest_delay: Duration,
    /// Tries of a request whose host refuses the connection or has no address.
    pub refused_tries: u32,
    /// The bound of the first delay after a refused connection.
    pub refused_first_delay: Duration,
    /// The longest `Retry-After` that is waited for.
    pub longest_retry_after: Duration,
    /// Retries of the client in per cent of its requests, besides [`Self::budget_extra`].
    pub budget_percent: u32,
    /// Retries of the client that are always allowed.
    pub budget_extra: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            tries: 6,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(60),
            // 0.5 + 1 + 2 + 4 s at most: a server that is down is told at once.
            refused_tries: 5,
            refused_first_delay: Duration::from_millis(500),
            longest_retry_after: Duration::from_secs(15 * 60),
            budget_percent: 20,
            budget_extra: 10,
        }
    }
}
