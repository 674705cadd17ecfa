//! HTTP: transport, signing, throttle, retry.
//!
//! [`Client::send`] waits for the quota, signs, sends and judges the answer, in this order, for each attempt. It knows no vendor
//! and no JSON: what the bytes mean is the decoder's business.
//!
//! Invariants: a credential goes only to the origin of the base URL (a client secret only to its token endpoint); every attempt
//! is counted by the quota before it leaves; no body is held beyond its caps.

mod answer;
mod body;
mod budget;
mod client;
mod course;
mod disk;
mod error;
mod exchange;
mod gzip;
mod hint;
mod ledger;
mod login;
mod machine;
mod observer;
mod pacer;
mod record;
mod redact;
mod retry;
mod retry_after;
mod ring;
mod rooms;
mod sending;
mod settings;
mod sign;
mod standing;
mod target;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod told;
mod transport;
mod wall;

pub use answer::{Attempts, Body, Head, Headers, Page};
pub use client::{Client, Payload};
pub use error::{ClientError, ErrorKind, Limit, Reason, SendError, Size};
pub use observer::{Event, Observer, Silent, WaitReason};
pub use redact::{for_people, masked, path as masked_path, without_credential, without_secrets};
#[doc(hidden)]
pub use retry_after::retry_after;
pub use settings::{BodyLimits, ClientSettings, RetrySettings};
pub use told::warn;
pub use transport::{Chunks, Incoming, Outgoing, Transport};
