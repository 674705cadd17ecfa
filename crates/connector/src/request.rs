//! What to ask: a request as a value, before anybody signs or sends it.

use std::time::Duration;

use crate::auth::AuthSpec;

/// The verb of a request. Exports send [`Method::Get`] only; a token endpoint is asked with a form by the client itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads; may be repeated freely.
    Get,
    /// Creates or triggers.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

/// One request to a source, relative to its base URL.
#[derive(Debug, Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The path below the base URL, with a leading slash and already percent-encoded; or an absolute URL, which the
    /// client sends only to the origin of the base URL.
    pub target: Target,
    /// Query parameters in order, not yet encoded. Empty for an absolute URL.
    pub query: Vec<(String, String)>,
    /// How this endpoint wants to be signed.
    pub auth: AuthSpec,
    /// Statuses outside 200–299 that are an answer and not an error, 404 for "no rows" for example.
    pub accept: Vec<u16>,
    /// The longest that one attempt may take, from sending to the last byte.
    pub timeout: Duration,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path below the base URL, percent-encoded, with a leading slash.
    Path(String),
    /// An absolute URL that a server gave us (a `Link` header). Refused by the client when its origin is another.
    Url(String),
}

/// Percent-encodes a text as one segment of a path: everything but unreserved characters, so `/` becomes `%2F`.
pub fn encode_segment(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    // `.` and `..` would be taken for folders.
    match encoded.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => encoded,
    }
}
