//! What comes back from a source.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::{body::Reader, client::Opened, error::SendError};

/// One answer, whole.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status: 200–299, or one that the request accepts.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body, decompressed. Empty for 204.
    pub body: Bytes,
    /// When its last byte was received.
    pub received_at: Timestamp,
    /// What it cost.
    pub attempts: Attempts,
}

/// An answer's status and headers.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status: 200–299, or one that the request accepts.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// When they were received.
    pub received_at: Timestamp,
}

/// An answer's headers. `Debug` shows only their number, because values may be personal.
#[derive(Clone, Default)]
pub struct Headers(pub(crate) HeaderMap);

impl Headers {
    /// The first value of a header, its name in any case; `None` where it is missing or no visible ASCII.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// When the source says that it answered, in microseconds since 1970.
    pub fn date(&self) -> Option<i64> {
        let date = httpdate::parse_http_date(self.get("date")?).ok()?;
        let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok()
    }

    /// All headers but those that carry credentials or sessions: name and value.
    pub fn harmless(&self) -> impl Iterator<Item = (&str, &str)> {
        let harmless = self.0.iter().filter(|(name, value)| {
            !value.is_sensitive() && !SECRET.iter().any(|word| name.as_str().contains(word))
        });
        harmless.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }
}

/// What names of headers hold that carry credentials or sessions.
const SECRET: [&str; 7] = ["cookie", "auth", "token", "key", "secret", "session", "signature"];

impl FromIterator<(String, String)> for Headers {
    /// Headers that were kept; what is no header is left out.
    fn from_iter<T: IntoIterator<Item = (String, String)>>(headers: T) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
                map.append(name, value);
            }
        }
        Self(map)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers({})", self.0.len())
    }
}

/// What a request cost, all tries together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Requests sent, those for a token and the hops of a redirect included.
    pub requests: u32,
    /// How many of them repeated a failed one.
    pub retries: u32,
    /// How many were answered 429.
    pub throttled: u32,
    /// Bytes of bodies, as they came over the wire.
    pub wire_bytes: u64,
    /// Time spent waiting until the quota allowed the next request.
    pub waited_on_quota: Duration,
}

impl Attempts {
    /// Adds what something else has cost.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.throttled += other.throttled;
        self.wire_bytes += other.wire_bytes;
        self.waited_on_quota += other.waited_on_quota;
    }

    /// What has come to it since it was `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(before.requests),
            retries: self.retries.saturating_sub(before.retries),
            throttled: self.throttled.saturating_sub(before.throttled),
            wire_bytes: self.wire_bytes.saturating_sub(before.wire_bytes),
            waited_on_quota: self.waited_on_quota.saturating_sub(before.waited_on_quota),
        }
    }
}

/// An answer whose body is read chunk by chunk. It holds one of the client's places in flight until it is dropped; dropping it
/// before its end closes the connection.
pub struct Body {
    /// Status and headers.
    pub head: Head,
    pub(crate) first: Option<Bytes>,
    pub(crate) reader: Option<Reader>,
    pub(crate) opened: Opened,
}

impl Body {
    /// The next piece of the body, decompressed, never empty; `None` at its end.
    ///
    /// # Errors
    ///
    /// When the body is cut short, too slow, too large or wrongly compressed. What was handed out before is then worthless:
    /// nothing is repeated here.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let chunk = reader.next().await;
        chunk.map_err(|reason| self.opened.fail(reason, self.head.status, self.attempts()))
    }

    /// What it has cost so far.
    pub fn attempts(&self) -> Attempts {
        let mut attempts = self.opened.attempts();
        attempts.wire_bytes += self.reader.as_ref().map_or(0, Reader::wire_bytes);
        attempts
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("head", &self.head).finish_non_exhaustive()
    }
}
