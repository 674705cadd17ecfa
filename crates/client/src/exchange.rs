//! One attempt: send, read, judge the answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout};

use crate::{
    answer::{Attempts, Head, Headers},
    body::{Reader, Want, collect, ends_with_connection},
    client::Inner,
    error::Reason,
    retry::Failure,
    retry_after::retry_after,
    throttle::Permit,
    transport::{Incoming, Outgoing},
    wall,
};

/// How much of an error's body is read.
const ERROR_BYTES: usize = 8 << 10;

/// One attempt to be made.
pub(crate) struct Attempt<'a> {
    pub(crate) outgoing: Outgoing,
    pub(crate) accept: &'a [u16],
    pub(crate) timeout: Duration,
    pub(crate) want: Want,
}

/// A good answer.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// The whole body.
    Page(Bytes),
    /// The first piece, the rest, and the place in flight that it takes.
    Stream(Option<Bytes>, Box<Reader>, Permit),
}

/// What was heard before an attempt failed.
#[derive(Default)]
struct Heard {
    status: Option<u16>,
    headers: HeaderMap,
    body: Bytes,
    wire: u64,
    /// The status is an error, whatever becomes of the body.
    refused: bool,
}

impl Inner {
    /// Sends one attempt and reads its answer. The permit is given back when the answer is read or the connection is closed.
    pub(crate) async fn exchange(
        &self,
        mut permit: Permit,
        attempt: Attempt<'_>,
        attempts: &mut Attempts,
    ) -> Result<Answer, Failure> {
        attempts.requests += 1;
        self.budget.count();
        let sent_at = Instant::now();
        let mut heard = Heard::default();
        let within = attempt.timeout;
        let want = attempt.want;
        let result = timeout(within, self.listen(attempt, &mut heard)).await;
        attempts.wire_bytes += heard.wire;
        if heard.status.is_some() {
            self.contacted.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        if heard.status == Some(429) {
            attempts.throttled += 1;
        }
        let result = result.unwrap_or(Err(match heard.refused {
            true => Reason::Status,
            false => Reason::Timeout { after: within },
        }));
        permit.answered();
        match result {
            Ok((body, reader)) => {
                let head = Head {
                    status: heard.status.unwrap_or_default(),
                    headers: Headers(heard.headers),
                    received_at: wall::now(),
                };
                let content = match (want, reader) {
                    (Want::Stream, Some(reader)) => {
                        Content::Stream(Some(body).filter(|body| !body.is_empty()), reader, permit)
                    }
                    _ => Content::Page(body),
                };
                Ok(Answer { head, content })
            }
            Err(reason) => Err(Failure {
                reason,
                status: heard.status,
                retry_after: heard
                    .status
                    .filter(|status| matches!(status, 429 | 503))
                    .and_then(|_| retry_after(&heard.headers, wall::system())),
                location: text(&heard.headers, header::LOCATION).map(str::to_owned),
                body: heard.body,
                sent_at,
            }),
        }
    }

    async fn listen(
        &self,
        attempt: Attempt<'_>,
        heard: &mut Heard,
    ) -> Result<(Bytes, Option<Box<Reader>>), Reason> {
        let Incoming { status, headers, body } = self.transport.exchange(attempt.outgoing).await?;
        heard.status = Some(status);
        heard.headers = headers;
        if !(200..300).contains(&status) && !attempt.accept.contains(&status) {
            heard.refused = true;
            let reader = Reader::new(&heard.headers, body, &self.settings.limits, Want::Page);
            heard.body = self.beginning(reader, &mut heard.wire).await;
            return Err(Reason::Status);
        }
        let mut reader = Reader::new(&heard.headers, body, &self.settings.limits, attempt.want)?;
        if status == 204 {
            return Ok((Bytes::new(), None));
        }
        let body = match attempt.want {
            Want::Page => collect(&mut reader, &heard.headers, &self.rooms, &mut heard.wire).await?,
            Want::Stream => reader.next().await?.unwrap_or_default(),
        };
        if (200..300).contains(&status) && is_html(&heard.headers, &body) {
            heard.wire = reader.wire_bytes();
            heard.body = body;
            return Err(Reason::Html);
        }
        if attempt.want == Want::Page && ends_with_connection(&heard.headers) && is_cut(&body) {
            return Err(Reason::CutShort);
        }
        Ok((body, Some(Box::new(reader))))
    }

    /// The beginning of an error's body; what cannot be read is left out, because the status says more.
    async fn beginning(&self, reader: Result<Reader, Reason>, wire: &mut u64) -> Bytes {
        let Ok(mut reader) = reader else { return Bytes::new() };
        let mut body = Vec::new();
        // Error pages that trickle must not use up the whole time of the attempt.
        let patience = self.settings.limits.throughput_window;
        let read = async {
            while body.len() < ERROR_BYTES {
                let Ok(Some(piece)) = reader.next().await else { break };
                body.extend_from_slice(&piece);
            }
            *wire = reader.wire_bytes();
        };
        // Whether it ended or not, what has come is shown.
        let _ended = timeout(patience, read).await;
        body.truncate(ERROR_BYTES);
        Bytes::from(body)
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Login and captive pages: HTML by its label or by its first character.
fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let label = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let by_label = label.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html"));
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    // An empty body is no page, whatever its label; a body that is JSON under a wrong label is an answer.
    match first {
        None => false,
        Some(b'<') => true,
        Some(b'{' | b'[') => false,
        Some(_) => by_label,
    }
}

/// Whether JSON stops before its end. HTTP cannot tell for a body that ends with its connection.
fn is_cut(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err_and(|error| error.is_eof())
        && !body.is_empty()
}
