//! Sends a request until it is answered or the patience ends: quota, sign, send, judge, in this order, for each attempt.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, Mutex, Once, PoisonError, atomic::AtomicBool},
};

use bytes::Bytes;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use userhaul_connector::{auth::AuthSpec, request::Request};

use crate::{
    answer::{Attempts, Body, Page},
    body::Want,
    budget::Budget,
    course::Course,
    error::{ClientError, Limit, Reason, SendError},
    exchange::{Answer, Content},
    observer::Observer,
    rooms::Rooms,
    sending,
    settings::ClientSettings,
    sign,
    standing::Standings,
    target,
    throttle::{Permit, Throttle},
    token::Tokens,
    transport::{HttpTransport, Transport},
};

/// The way to one source with one credential. Clones share everything: quota, tokens, connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    unheard: Arc<Mutex<Attempts>>,
}

pub(crate) struct Inner {
    pub(crate) settings: ClientSettings,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) throttle: Arc<Throttle>,
    /// For token endpoints of another origin: no quota, but pauses that they ask for.
    pub(crate) elsewhere: Arc<Throttle>,
    pub(crate) tokens: Tokens,
    pub(crate) budget: Budget,
    pub(crate) rooms: Rooms,
    pub(crate) contacted: AtomicBool,
    /// The source has proved that its compression cannot be read.
    pub(crate) plain_only: AtomicBool,
    /// What the source thinks of each credential.
    pub(crate) standings: Standings,
    /// Tokens that were sent, the latest ones.
    pub(crate) sent_tokens: Mutex<VecDeque<SecretString>>,
    pub(crate) shared: Once,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Client {
    /// A client that talks HTTP. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// When a setting is out of range, or the base URL is not encrypted and not of this machine.
    pub fn new(settings: ClientSettings, observer: Arc<dyn Observer>) -> Result<Self, ClientError> {
        target::check_base(&settings.base_url)?;
        let transport = HttpTransport::new(&settings)?;
        Self::with_transport(settings, observer, Arc::new(transport))
    }

    /// A client over another transport.
    ///
    /// # Errors
    ///
    /// As [`Client::new`].
    pub fn with_transport(
        settings: ClientSettings,
        observer: Arc<dyn Observer>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, ClientError> {
        target::check_base(&settings.base_url)?;
        if settings.max_concurrency == 0 {
            return Err(ClientError::Zero { setting: "max_concurrency" });
        }
        if settings.quota.requests == 0 || settings.quota.per.is_zero() {
            return Err(ClientError::Zero { setting: "quota" });
        }
        let throttle = |quota| {
            let longest = settings.retry.longest_retry_after;
            Throttle::new(quota, settings.max_concurrency, longest, Arc::clone(&observer))
        };
        let inner = Inner {
            throttle: throttle(Some(settings.quota)),
            elsewhere: throttle(None),
            tokens: Tokens::default(),
            budget: Budget::new(&settings.retry),
            rooms: Rooms::default(),
            contacted: AtomicBool::new(false),
            plain_only: AtomicBool::new(false),
            standings: Standings::default(),
            sent_tokens: Mutex::default(),
            shared: Once::new(),
            transport,
            settings,
            observer,
        };
        Ok(Self { inner: Arc::new(inner), unheard: Arc::default() })
    }

    /// The same way to the source, with an account of its own for [`Client::take_unheard`].
    #[must_use]
    pub fn with_own_account(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), unheard: Arc::default() }
    }

    /// What requests have cost whose futures were dropped before they ended, since this was asked last: nobody else is told.
    pub fn take_unheard(&self) -> Attempts {
        std::mem::take(&mut *self.unheard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks, and gives the answer whole. Waits for the quota, repeats what may pass.
    ///
    /// Dropping the future closes the connection; the attempt then counts as answered.
    ///
    /// # Errors
    ///
    /// When the answer is an error that repeating cannot mend, or the tries are used up.
    pub async fn send(&self, request: &Request) -> Result<Page, SendError> {
        self.whole(request, None).await
    }

    /// Takes the memory of a body that has been read, for one that comes later.
    pub fn give_back(&self, body: Bytes) {
        self.inner.rooms.give_back(body);
    }

    /// Sends a request that changes something, and gives the answer whole. As [`Client::send`], but what may have arrived is
    /// sent again only if the payload says that this does no harm; what surely did not arrive always is. It follows no
    /// redirect.
    ///
    /// # Errors
    ///
    /// As [`Client::send`]. [`SendError::may_have_arrived`] tells whether the change may have been made.
    pub async fn write(&self, request: &Request, payload: &Payload) -> Result<Page, SendError> {
        self.whole(request, Some(payload)).await
    }

    /// What of these requests' credentials an answer must not be kept with: the keys in each form in which they are sent,
    /// and the tokens that they were exchanged for.
    pub fn secrets(&self, auth: &AuthSpec) -> Vec<SecretString> {
        let mut secrets = sign::secrets(auth);
        secrets.extend(self.inner.sent_tokens.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        secrets
    }

    async fn whole(&self, request: &Request, payload: Option<&Payload>) -> Result<Page, SendError> {
        let (answer, course) = self.run(request, payload, Want::Page).await?;
        let body = match answer.content {
            Content::Page(body) => body,
            Content::Stream(first, ..) => first.unwrap_or_default(),
        };
        let head = answer.head;
        Ok(Page {
            status: head.status,
            headers: head.headers,
            body,
            received_at: head.received_at,
            attempts: course.attempts,
        })
    }

    async fn run(
        &self,
        request: &Request,
        payload: Option<&Payload>,
        want: Want,
    ) -> Result<(Answer, Course), SendError> {
        let base = &self.inner.settings.base_url;
        let url = target::resolve(base, request);
        let known = url.clone().unwrap_or_else(|_| base.clone());
        let mut course = Course::new(known, sending::method(request.method), sign::secrets(&request.auth));
        course.repeatable |= payload.is_some_and(|payload| payload.repeatable);
        url.map_err(|reason| course.fail(reason))?;
        let mut under_way = UnderWay { course: &mut course, unheard: &self.unheard, is_over: false };
        let result = self.inner.run(under_way.course, request, payload, want).await;
        under_way.is_over = true;
        drop(under_way);
        match result {
            Ok(answer) => Ok((answer, course)),
            Err(mut error) => {
                // The error may be one that others share; what it has cost is told once.
                error.0.attempts = course.attempts;
                Err(error)
            }
        }
    }

    /// Asks, and gives the answer's body piece by piece. As [`Client::send`] up to the first piece; a failure after it is
    /// returned by [`Body::chunk`]. The request's timeout holds up to the first piece, then the minimum throughput does.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub async fn open(&self, request: &Request) -> Result<Body, SendError> {
        let (answer, course) = self.run(request, None, Want::Stream).await?;
        let (first, reader, permit) = match answer.content {
            Content::Page(body) => (Some(body).filter(|body| !body.is_empty()), None, None),
            Content::Stream(first, reader, permit) => (first, Some(*reader), Some(permit)),
        };
        let mut opened = Opened { course, _permit: permit };
        // The reader counts what it has read from here on.
        let read = reader.as_ref().map_or(0, crate::body::Reader::wire_bytes);
        opened.course.attempts.wire_bytes = opened.course.attempts.wire_bytes.saturating_sub(read);
        Ok(Body { head: answer.head, first, reader, opened })
    }
}

/// What a request carries that changes something.
#[derive(Clone, Default)]
pub struct Payload {
    /// The body; none for a request without one.
    pub body: Option<Bytes>,
    /// The value of `Content-Type`.
    pub content_type: Option<&'static str>,
    /// Whether it may arrive twice without harm.
    pub repeatable: bool,
}

/// A request that is being sent: what it has cost is not lost where nobody waits for its end.
struct UnderWay<'a> {
    course: &'a mut Course,
    unheard: &'a Mutex<Attempts>,
    is_over: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.unheard.lock().unwrap_or_else(PoisonError::into_inner).add(self.course.attempts);
        }
    }
}

/// What an open body keeps of its request.
pub(crate) struct Opened {
    course: Course,
    /// The place in flight, given back when the body is dropped.
    _permit: Option<Permit>,
}

impl Opened {
    pub(crate) fn fail(&self, reason: Reason, status: u16, attempts: Attempts) -> SendError {
        let mut error = self.course.end(reason, Some(status), Limit::Final);
        error.0.attempts = attempts;
        error
    }

    pub(crate) fn attempts(&self) -> Attempts {
        self.course.attempts
    }
}

/// A name for secrets that does not give them away: SHA-256 in hexadecimal.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string does not fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}
