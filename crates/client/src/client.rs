//! Sends a request until it is answered or the patience ends: quota, sign, send, judge, in this order, for each attempt.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{
        Arc, Mutex, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use url::Url;
use userhaul_connector::{
    auth::AuthSpec,
    request::{self, Request},
};

use crate::{
    answer::{Attempts, Body, Page},
    body::Want,
    budget::Budget,
    course::Course,
    error::{ClientError, Limit, Reason, SendError},
    exchange::{Answer, Attempt, Content},
    observer::{Event, Observer},
    retry::{Failure, Verdict, jitter},
    rooms::Rooms,
    settings::ClientSettings,
    sign, target,
    throttle::{HeldOff, Permit, Throttle},
    token::{Grant, Token, Tokens},
    transport::{HttpTransport, Outgoing, Transport},
    wall,
};

/// Tokens that are remembered, so that what comes back with one in it is recognised.
const MOST_TOKENS: usize = 8;

/// How often a token that ran out while its request waited for the quota is exchanged for a new one.
const STALE_TOKENS: u32 = 2;

/// The way to one source with one credential. Clones share everything: quota, tokens, connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

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
    plain_only: AtomicBool,
    /// The credential that the source has refused, as a hash.
    refused: OnceLock<String>,
    /// Tokens that were sent, the latest ones.
    sent_tokens: Mutex<VecDeque<SecretString>>,
    shared: Once,
    observer: Arc<dyn Observer>,
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
        Ok(Self(Arc::new(Inner {
            throttle: throttle(Some(settings.quota)),
            elsewhere: throttle(None),
            tokens: Tokens::default(),
            budget: Budget::new(&settings.retry),
            rooms: Rooms::default(),
            contacted: AtomicBool::new(false),
            plain_only: AtomicBool::new(false),
            refused: OnceLock::new(),
            sent_tokens: Mutex::default(),
            shared: Once::new(),
            transport,
            settings,
            observer,
        })))
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
        self.0.rooms.give_back(body);
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
        secrets.extend(self.0.sent_tokens.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        secrets
    }

    async fn whole(&self, request: &Request, payload: Option<&Payload>) -> Result<Page, SendError> {
        let (answer, course) = self.0.run(request, payload, Want::Page).await?;
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

    /// Asks, and gives the answer's body piece by piece. As [`Client::send`] up to the first piece; a failure after it is
    /// returned by [`Body::chunk`]. The request's timeout holds up to the first piece, then the minimum throughput does.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub async fn open(&self, request: &Request) -> Result<Body, SendError> {
        let (answer, course) = self.0.run(request, None, Want::Stream).await?;
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

impl Inner {
    async fn run(
        &self,
        request: &Request,
        payload: Option<&Payload>,
        want: Want,
    ) -> Result<(Answer, Course), SendError> {
        let base = &self.settings.base_url;
        let url = target::resolve(base, request);
        let mut course = Course::new(
            url.clone().unwrap_or_else(|_| base.clone()),
            method(request.method),
            sign::secrets(&request.auth),
        );
        course.repeatable |= payload.is_some_and(|payload| payload.repeatable);
        url.map_err(|reason| course.fail(reason))?;
        self.share_quota(&request.auth);
        let credential = fixed(&request.auth);
        loop {
            let (permit, outgoing, token) = self.ready(&mut course, request, payload).await?;
            // One credential, one verdict: those that waited meanwhile need not hear it again.
            if credential.is_some() && credential.as_ref() == self.refused.get() {
                return Err(course.fail(Reason::RefusedBefore));
            }
            course.tries += 1;
            let attempt = Attempt { outgoing, accept: &request.accept, timeout: request.timeout, want };
            match self.exchange(permit, attempt, &mut course.attempts).await {
                Ok(answer) => {
                    self.throttle.praise();
                    if let Some(token) = &token {
                        token.worked();
                    }
                    if course.plain {
                        self.plain_only.store(true, Ordering::Relaxed);
                    }
                    return Ok((answer, course));
                }
                Err(failure) if course.renews(&failure, token.as_ref()) => {}
                Err(failure) => {
                    if failure.status == Some(401) && failure.reason == Reason::Status {
                        credential.iter().for_each(|credential| _ = self.refused.set(credential.clone()));
                    }
                    self.settle(&mut course, &self.throttle, failure).await?;
                }
            }
        }
    }

    /// Joins the other processes that use this credential; it is known only once a request brings it.
    fn share_quota(&self, auth: &AuthSpec) {
        self.shared.call_once(|| {
            if let Some(folder) = &self.settings.quota_dir {
                let origin = target::origin(&self.settings.base_url);
                let name = hash(&[&origin, sign::identity(auth).expose_secret()]);
                self.throttle.share(folder, &name);
            }
        });
    }

    /// Waits until the request may be sent, and signs it with what is valid then.
    async fn ready(
        &self,
        course: &mut Course,
        request: &Request,
        payload: Option<&Payload>,
    ) -> Result<(Permit, Outgoing, Option<Token>), SendError> {
        let mut stale = 0;
        let (permit, token) = loop {
            let token = self.token_for(course, request).await?;
            let permit = self.permit(&self.throttle, course).await?;
            // The wait may have been longer than the token's life.
            if stale == STALE_TOKENS || token.as_ref().is_none_or(Token::lives) {
                break (permit, token);
            }
            stale += 1;
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let plain = course.plain || self.plain_only.load(Ordering::Relaxed);
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static(if plain { "identity" } else { "gzip" }),
        );
        for (name, value) in &self.settings.headers {
            // The facts were checked for what cannot be sent.
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        sign::sign(&mut headers, &request.auth, token.as_ref().map(|token| &token.value))
            .map_err(|reason| course.fail(reason))?;
        let body = payload.and_then(|payload| payload.body.clone());
        if let Some(kind) = payload.and_then(|payload| payload.content_type) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let mut url = course.url.clone();
        sign::in_query(&mut url, &request.auth);
        let outgoing = Outgoing { method: course.method.clone(), url, headers, body };
        Ok((permit, outgoing, token))
    }

    async fn token_for(&self, course: &mut Course, request: &Request) -> Result<Option<Token>, SendError> {
        let AuthSpec::ClientCredentials { token_url, client_id, client_secret, scope, form_encoded } =
            &request.auth
        else {
            return Ok(None);
        };
        let grant = Grant {
            token_url,
            client_id,
            client_secret,
            scope: scope.as_deref(),
            form_encoded: *form_encoded,
            timeout: request.timeout,
        };
        let token = self.token(grant, course.refused, &mut course.attempts).await?;
        course.secrets.push(token.value.clone());
        let mut sent = self.sent_tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if !sent.iter().any(|known| known.expose_secret() == token.value.expose_secret()) {
            sent.push_back(token.value.clone());
            if sent.len() > MOST_TOKENS {
                sent.pop_front();
            }
        }
        drop(sent);
        Ok(Some(token))
    }

    /// Waits for the quota on behalf of a request.
    pub(crate) async fn permit(
        &self,
        throttle: &Arc<Throttle>,
        course: &mut Course,
    ) -> Result<Permit, SendError> {
        let before = Instant::now();
        let permit = throttle.permit().await;
        course.attempts.waited_on_quota += before.elapsed();
        permit.map_err(|HeldOff(until)| {
            let limit = Limit::RetryAfter(self.settings.retry.longest_retry_after);
            let mut error = course.end(Reason::HeldOff, None, limit);
            error.0.resume_at = Some(wall::at(until));
            error
        })
    }

    /// Returns when a failed request is to be sent again; otherwise why it is not.
    pub(crate) async fn settle(
        &self,
        course: &mut Course,
        throttle: &Throttle,
        failure: Failure,
    ) -> Result<(), SendError> {
        if let Some(url) = self.redirected(course, &failure)? {
            course.url = url;
            return Ok(());
        }
        if failure.reason == Reason::BadEncoding && !course.plain && course.method == Method::GET {
            course.plain = true;
            course.attempts.retries += 1;
            return Ok(());
        }
        let refused = (&failure.reason, failure.status) == (&Reason::Status, Some(429));
        if refused {
            throttle.complain(failure.sent_at, failure.retry_after);
        } else if let Some(after) = failure.retry_after {
            throttle.hold(after);
        }
        let contacted = self.contacted.load(Ordering::Relaxed);
        let settings = &self.settings.retry;
        let verdict =
            course.patience.judge(settings, course.repeatable, &failure, contacted, throttle.successes());
        let bound = match verdict {
            Verdict::Stop(limit) => return Err(course.give_up(failure, limit)),
            Verdict::Throttled => Duration::ZERO,
            Verdict::Again(_) if !self.budget.spend() => return Err(course.give_up(failure, Limit::Budget)),
            Verdict::Again(bound) => bound,
        };
        let after = jitter(bound);
        course.attempts.retries += 1;
        self.observer.event(Event::Retrying { attempt: course.tries, after, why: failure.reason });
        sleep(after).await;
        Ok(())
    }

    fn redirected(&self, course: &mut Course, failure: &Failure) -> Result<Option<Url>, SendError> {
        let moved = matches!(failure.status, Some(301 | 302 | 303 | 307 | 308));
        if failure.reason != Reason::Status || !moved || course.method != Method::GET {
            return Ok(None);
        }
        let stop = |reason| course.end(reason, failure.status, Limit::Final);
        let url = target::redirect(&course.url, failure.location.as_deref()).map_err(stop)?;
        if url == course.url || course.hops == target::MOST_HOPS {
            return Err(stop(Reason::RedirectLoop));
        }
        course.hops += 1;
        Ok(Some(url))
    }
}

fn method(method: request::Method) -> Method {
    match method {
        request::Method::Get => Method::GET,
        request::Method::Post => Method::POST,
        request::Method::Put => Method::PUT,
        request::Method::Patch => Method::PATCH,
        request::Method::Delete => Method::DELETE,
    }
}

/// A name of what is sent as it is with each request; none where it can be renewed.
fn fixed(auth: &AuthSpec) -> Option<String> {
    let scheme = match auth {
        AuthSpec::Anonymous | AuthSpec::ClientCredentials { .. } => return None,
        AuthSpec::Header { scheme, .. } => scheme.as_deref().unwrap_or_default(),
        AuthSpec::Basic { .. } | AuthSpec::KeyAsUser { .. } => "Basic",
        AuthSpec::Query { parameter, .. } => parameter,
    };
    Some(hash(&[scheme, sign::identity(auth).expose_secret()]))
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
