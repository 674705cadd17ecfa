//! Why a request failed for good: data first, prose last.

use std::{fmt, time::Duration};

use jiff::Timestamp;

use crate::answer::Attempts;

/// A client could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The base URL is plain `http` to another machine.
    #[error("base URL `{url}` is not encrypted: `http` is allowed for loopback hosts only")]
    Unencrypted {
        /// The URL, without query and credentials.
        url: String,
    },
    /// The base URL cannot be one.
    #[error("base URL `{url}` {why}")]
    BaseUrl {
        /// The URL, without query and credentials.
        url: String,
        /// What is wrong with it, a phrase that follows the URL.
        why: &'static str,
    },
    /// A setting is out of range.
    #[error("`{setting}` must be at least 1")]
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
    /// The HTTP library refused its settings, for example because this machine has no certificates.
    #[error("HTTP client could not be set up: {why}")]
    Setup {
        /// What the library says.
        why: String,
    },
}

impl ClientError {
    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Settings
    }
}

/// What is to be done about a failure; alone decides on retry, exit code and whether other streams go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// May pass by itself.
    Transient,
    /// The credential is wrong or lacks a permission.
    Credentials,
    /// The configuration is wrong.
    Settings,
    /// The vendor's answer is not what it should be.
    Vendor,
    /// The destination failed; never from this crate.
    Output,
    /// A mistake in this program.
    Bug,
    /// The source wants to be left alone for longer than we wait: stop, and go on later.
    RateLimited,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing listens there.
    Refused,
    /// The host's name has no address.
    Dns {
        /// The host.
        host: String,
    },
    /// No connection within the time for it.
    ConnectTimeout,
    /// No connection for another cause.
    Connect,
    /// No trust: a certificate that is expired, self-signed or of another host, or no TLS at all.
    Tls {
        /// What the TLS library says.
        why: String,
    },
    /// No whole answer within the request's time.
    Timeout {
        /// That time.
        after: Duration,
    },
    /// The body came too slowly.
    TooSlow,
    /// The connection ended before the answer did.
    CutShort,
    /// What came is no HTTP.
    Garbled,
    /// A status that is no success, see [`SendError::status`].
    Status,
    /// An HTML page instead of JSON.
    Html,
    /// The body exceeds a cap.
    TooLarge {
        /// Which one.
        size: Size,
        /// The cap: bytes, or decoded bytes a byte on the wire.
        limit: u64,
    },
    /// The body's compression is unknown or broken.
    BadEncoding,
    /// A redirect to another origin, not followed.
    RedirectElsewhere {
        /// The origin that was asked.
        from: String,
        /// The origin that it names.
        to: String,
    },
    /// A redirect that leads nowhere: no target, a circle, or too many hops.
    RedirectLoop,
    /// A link given by the source points to another origin; not asked.
    LinkElsewhere {
        /// The origin of the base URL.
        from: String,
        /// The origin that it names.
        to: String,
    },
    /// The request's path or URL cannot be sent as it is.
    BadTarget,
    /// The source has refused this credential wherever it was sent; not asked again with it.
    RefusedBefore {
        /// Where: addresses without query, at most three.
        at: Vec<String>,
    },
    /// The credential holds characters that cannot stand in a header.
    BadCredential,
    /// The token endpoint is plain `http` to another machine, or no URL.
    TokenUrl,
    /// The token endpoint refused the client credentials.
    TokenRefused,
    /// The token endpoint's answer holds no bearer token.
    TokenUnreadable,
    /// The source asked for a pause, by this or an earlier answer, that is longer than we wait.
    HeldOff,
}

/// What of a body is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The bytes on the wire.
    Wire,
    /// The decompressed bytes.
    Decoded,
    /// Decompressed bytes for each byte on the wire.
    Ratio,
}

/// What ended the tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Repeating cannot help.
    Final,
    /// So many tries are allowed.
    Tries(u32),
    /// The retries that all requests to this source share are used up.
    Budget,
    /// The longest pause that is waited for.
    RetryAfter(Duration),
}

/// A request failed for good. Holds neither a credential nor personal data.
#[derive(Debug, Clone)]
pub struct SendError(pub(crate) Box<Detail>);

#[derive(Debug, Clone)]
pub(crate) struct Detail {
    pub(crate) kind: ErrorKind,
    pub(crate) reason: Reason,
    pub(crate) limit: Limit,
    pub(crate) url: String,
    pub(crate) status: Option<u16>,
    pub(crate) tries: u32,
    pub(crate) attempts: Attempts,
    pub(crate) elapsed: Duration,
    pub(crate) excerpt: Option<String>,
    pub(crate) resume_at: Option<Timestamp>,
    /// The credential that was refused to this was taken for others.
    pub(crate) is_taken_elsewhere: bool,
}

impl SendError {
    /// What is to be done about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Why the last attempt failed.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// What ended the tries.
    pub fn limit(&self) -> Limit {
        self.0.limit
    }

    /// What was asked, without query and credentials, e-mail addresses masked.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The status of the last answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How often this request was tried.
    pub fn tries(&self) -> u32 {
        self.0.tries
    }

    /// What it cost.
    pub fn attempts(&self) -> Attempts {
        self.0.attempts
    }

    /// For how long it was tried.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The beginning of the answer's body, at most 200 bytes, with secrets and e-mail addresses masked.
    pub fn excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// When the source may be asked again, for [`ErrorKind::RateLimited`] where it said so.
    pub fn resume_at(&self) -> Option<Timestamp> {
        self.0.resume_at
    }

    /// Whether the request may have been received and acted upon, though no good answer came. Not so where the connection was
    /// never made, and where the answer is a refusal.
    pub fn may_have_arrived(&self) -> bool {
        match &self.0.reason {
            Reason::Timeout { .. }
            | Reason::TooSlow
            | Reason::CutShort
            | Reason::Garbled
            | Reason::Html
            | Reason::TooLarge { .. }
            | Reason::BadEncoding => true,
            Reason::Status => {
                self.0.status.is_some_and(|status| matches!(status, 408 | 409) || status >= 500)
            }
            _ => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        crate::hint::hint(&self.0)
    }
}

impl std::error::Error for SendError {}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = &*self.0;
        write!(f, "`{}` ", detail.url)?;
        match (&detail.reason, detail.status) {
            (Reason::Status | Reason::TokenRefused, Some(status)) => write!(f, "answered {status}")?,
            (reason, _) => write!(f, "{reason}")?,
        }
        if detail.tries > 1 {
            write!(f, ", tried {} times in {:.1} s", detail.tries, detail.elapsed.as_secs_f64())?;
        }
        match detail.limit {
            Limit::Budget => write!(f, ", and the retries for this source are used up")?,
            Limit::Final | Limit::Tries(_) | Limit::RetryAfter(_) => {}
        }
        if let Some(excerpt) = &detail.excerpt {
            write!(f, ": {excerpt}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => write!(f, "refused the connection"),
            Self::Dns { host } => write!(f, "could not be reached: no address for host `{host}`"),
            Self::ConnectTimeout => write!(f, "could not be reached: no connection in time"),
            Self::Connect => write!(f, "could not be reached"),
            Self::Tls { why } => write!(f, "could not be trusted: {why}"),
            Self::Timeout { after } => write!(f, "gave no whole answer within {} s", after.as_secs_f64()),
            Self::TooSlow => write!(f, "sent its answer too slowly"),
            Self::CutShort => write!(f, "ended the connection before the end of its answer"),
            Self::Garbled => write!(f, "sent something that is no HTTP answer"),
            Self::Status => write!(f, "answered with an error"),
            Self::Html => write!(f, "answered with HTML instead of JSON"),
            Self::TooLarge { size: Size::Wire, limit } => write!(f, "sent a body of more than {limit} bytes"),
            Self::TooLarge { size: Size::Decoded, limit } => {
                write!(f, "sent a body of more than {limit} bytes when decompressed")
            }
            Self::TooLarge { size: Size::Ratio, limit } => {
                write!(f, "sent a body that grows more than {limit} times when decompressed")
            }
            Self::BadEncoding => write!(f, "sent a body whose compression is unknown or broken"),
            Self::RedirectElsewhere { from, to } => {
                write!(f, "redirects from `{from}` to `{to}`, which was not followed")
            }
            Self::RedirectLoop => write!(f, "redirects without an end"),
            Self::LinkElsewhere { from, to } => {
                write!(f, "was not asked: a link given by `{from}` points to `{to}`")
            }
            Self::BadTarget => write!(f, "was not asked: its path cannot be sent unchanged"),
            Self::RefusedBefore { at } => {
                let at: Vec<String> = at.iter().map(|url| format!("`{url}`")).collect();
                write!(
                    f,
                    "was not asked: {} answered 401, and nothing has taken the credential",
                    at.join(", ")
                )
            }
            Self::BadCredential => {
                write!(f, "was not asked: the credential holds characters that cannot be sent in a header")
            }
            Self::TokenUrl => write!(f, "was not asked for a token: not an encrypted URL"),
            Self::TokenRefused => write!(f, "gave no token"),
            Self::TokenUnreadable => write!(f, "answered without a usable token"),
            Self::HeldOff => write!(f, "wants to be asked later"),
        }
    }
}

/// Whether the status is one that may pass by itself. An unknown one is not.
pub(crate) fn passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The kind of a failure that ended the tries.
pub(crate) fn kind(reason: &Reason, status: Option<u16>) -> ErrorKind {
    match reason {
        Reason::Refused
        | Reason::Dns { .. }
        | Reason::ConnectTimeout
        | Reason::Connect
        | Reason::Timeout { .. }
        | Reason::TooSlow
        | Reason::CutShort
        | Reason::Garbled => ErrorKind::Transient,
        Reason::Status => match status {
            Some(401 | 403) => ErrorKind::Credentials,
            Some(429) => ErrorKind::RateLimited,
            Some(status) if passing(status) => ErrorKind::Transient,
            Some(300..=399) => ErrorKind::Settings,
            _ => ErrorKind::Vendor,
        },
        Reason::Tls { .. } | Reason::RedirectElsewhere { .. } | Reason::RedirectLoop | Reason::TokenUrl => {
            ErrorKind::Settings
        }
        Reason::Html
        | Reason::TooLarge { .. }
        | Reason::BadEncoding
        | Reason::LinkElsewhere { .. }
        | Reason::BadTarget
        | Reason::TokenUnreadable => ErrorKind::Vendor,
        Reason::RefusedBefore { .. } | Reason::BadCredential | Reason::TokenRefused => ErrorKind::Credentials,
        Reason::HeldOff => ErrorKind::RateLimited,
    }
}
