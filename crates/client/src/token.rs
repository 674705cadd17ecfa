//! OAuth 2.0 client credentials (RFC 6749, section 4.4): one token a credential and scope, fetched by one request however many wait.
//!
//! The client secret goes to the token endpoint only, the token to the origin of the base URL only.

use std::{
    collections::{HashMap, VecDeque},
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::{sync::OwnedMutexGuard, time::Instant};
use url::{Url, form_urlencoded};

use crate::{
    answer::Attempts,
    body::Want,
    client::Inner,
    course::Course,
    error::{Limit, Reason, SendError},
    exchange::{Answer, Attempt, Content},
    login::{self, Memory, Style},
    retry::Failure,
    sign, target,
    throttle::Throttle,
    transport::Outgoing,
};

/// How long a token lives whose answer does not say (vendors/thrive.md 1.3).
const DEFAULT_LIFE: Duration = Duration::from_secs(3600);

/// The longest life that is believed.
const LONGEST_LIFE: f64 = 366.0 * 86_400.0;

/// A client's id, secret and scope, and where they are exchanged for a token.
#[derive(Clone, Copy)]
pub(crate) struct Grant<'a> {
    pub(crate) token_url: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a SecretString,
    pub(crate) scope: Option<&'a str>,
    /// Whether id and secret are rather form-encoded in the header than as they are.
    pub(crate) form_encoded: bool,
    pub(crate) timeout: Duration,
}

/// A token, and which one it is.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: SecretString,
    pub(crate) generation: u64,
    renew_at: Instant,
    ends_at: Instant,
    /// Had because the one before was refused.
    pub(crate) is_second: bool,
    /// How many requests went out with it.
    uses: Arc<AtomicU32>,
    fate: Arc<Fate>,
}

/// A token for one request; nobody else is given one while a request has it to itself.
pub(crate) struct Lease {
    token: Token,
    _alone: Option<OwnedMutexGuard<SlotState>>,
}

impl Deref for Lease {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
}

/// What a request knows of the tokens that it has had.
#[derive(Clone, Copy, Default)]
pub(crate) struct Refusals {
    /// The generation that was refused last.
    pub(crate) last: Option<u64>,
    /// How many were.
    pub(crate) count: u32,
}

/// What became of the tokens of a grant.
#[derive(Default)]
struct Fate {
    /// The latest generation that the source has taken.
    taken: AtomicU64,
    /// The latest one that it has refused.
    refused: AtomicU64,
    /// The latest one that it has refused to the only request that ever had it, as it had refused it one before.
    refused_alone: AtomicU64,
}

impl Fate {
    /// Whether one that nobody can have used up was refused, and none was taken since.
    fn is_hopeless(&self) -> bool {
        self.refused_alone.load(Ordering::Acquire) > self.taken.load(Ordering::Acquire)
    }
}

impl Token {
    /// A request goes out with it.
    pub(crate) fn used(&self) {
        self.uses.fetch_add(1, Ordering::AcqRel);
    }

    /// The source has taken it.
    pub(crate) fn worked(&self) {
        self.fate.taken.fetch_max(self.generation, Ordering::AcqRel);
    }

    /// The source has refused it.
    pub(crate) fn was_refused(&self) {
        self.fate.refused.fetch_max(self.generation, Ordering::AcqRel);
    }

    /// Whether a request that it was refused to may have another one: where the source has taken the credential, once, and
    /// once more where others may have used the second one up; where it has taken nothing, once for all requests together.
    pub(crate) fn is_worth_another(&self, refused_before: bool) -> bool {
        let fate = &self.fate;
        let is_mine_alone = self.uses.load(Ordering::Acquire) == 1;
        if refused_before && is_mine_alone {
            fate.refused_alone.fetch_max(self.generation, Ordering::AcqRel);
        }
        match fate.taken.load(Ordering::Acquire) {
            0 => !refused_before && !self.is_second,
            _ => !(fate.is_hopeless() || refused_before && is_mine_alone),
        }
    }

    /// Whether it was refused before anybody could use it, and another one may do better.
    pub(crate) fn is_spoiled(&self) -> bool {
        let has_worked = self.fate.taken.load(Ordering::Acquire) >= self.generation;
        !self.is_second && !has_worked && self.fate.refused.load(Ordering::Acquire) >= self.generation
    }

    /// Whether the source should still take it.
    pub(crate) fn lives(&self) -> bool {
        Instant::now() < self.ends_at
    }
}

/// The tokens of a client, one for each grant.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    /// Calls that failed so far: who waited for one of them shares its error instead of calling again.
    failures: AtomicU64,
    fate: Arc<Fate>,
    state: Arc<tokio::sync::Mutex<SlotState>>,
}

#[derive(Default)]
pub(crate) struct SlotState {
    token: Option<Token>,
    generation: u64,
    last_error: Option<SendError>,
    learned: Learned,
}

/// What the token endpoint has taught us.
#[derive(Clone, Copy, Default)]
struct Learned {
    style: Option<Style>,
    without_scope: bool,
}

impl Inner {
    /// The token of a grant, fetched where there is none, where it is old, or where it is the one that was refused. What was
    /// refused more than once gets one that nobody else can have used up.
    pub(crate) async fn token(
        &self,
        grant: Grant<'_>,
        refusals: Refusals,
        attempts: &mut Attempts,
    ) -> Result<Lease, SendError> {
        let slot = self.tokens.slot(grant);
        let failures = slot.failures.load(Ordering::Acquire);
        let mut state = Arc::clone(&slot.state).lock_owned().await;
        let refused = refusals.last;
        let alone = refusals.count > 1 && !slot.fate.is_hopeless();
        let good = |token: &&Token| {
            !alone
                && Instant::now() < token.renew_at
                && Some(token.generation) != refused
                && !token.is_spoiled()
        };
        if let Some(token) = state.token.as_ref().filter(good) {
            return Ok(Lease { token: token.clone(), _alone: None });
        }
        let shared = slot.failures.load(Ordering::Acquire) != failures;
        // A login that was refused is not tried again: it would be the same one.
        let shared = |error: &&SendError| shared || lasts(error.reason());
        if let Some(error) = state.last_error.as_ref().filter(shared) {
            return Err(error.clone());
        }
        let is_second =
            state.token.as_ref().is_some_and(|token| Some(token.generation) == refused || token.is_spoiled());
        let mut learned = state.learned;
        match self.fetch_token(grant, &mut learned, attempts).await {
            Ok(life) => {
                let now = Instant::now();
                state.learned = learned;
                state.generation += 1;
                let token = Token {
                    value: life.0,
                    generation: state.generation,
                    renew_at: now + life.1.mul_f64(0.9),
                    ends_at: now + life.1,
                    is_second,
                    uses: Arc::default(),
                    fate: Arc::clone(&slot.fate),
                };
                state.token = Some(token.clone());
                state.last_error = None;
                Ok(Lease { token, _alone: alone.then_some(state) })
            }
            Err(error) => {
                state.last_error = Some(error.clone());
                slot.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn fetch_token(
        &self,
        grant: Grant<'_>,
        learned: &mut Learned,
        attempts: &mut Attempts,
    ) -> Result<(SecretString, Duration), SendError> {
        let base = &self.settings.base_url;
        let url = token_url(base, grant.token_url);
        let auth = userhaul_connector::auth::AuthSpec::ClientCredentials {
            token_url: grant.token_url.to_owned(),
            client_id: grant.client_id.to_owned(),
            client_secret: grant.client_secret.clone(),
            scope: None,
            form_encoded: grant.form_encoded,
        };
        let mut course =
            Course::new(url.clone().unwrap_or_else(|| base.clone()), Method::POST, sign::secrets(&auth));
        // A token may be fetched twice without harm.
        course.repeatable = true;
        let Some(url) = url.filter(target::encrypted_or_local) else {
            return Err(course.fail(Reason::TokenUrl));
        };
        let throttle = self.token_throttle(&url);
        let memory = Memory::open(self.settings.quota_dir.as_ref(), &name(grant));
        // A form that this process has seen taken is not doubted.
        let mut ways = match learned.style {
            Some(style) => [style].into(),
            None => login::ways(grant, memory.style),
        };
        let result = loop {
            let Some(&style) = ways.front() else { break Err(course.fail(Reason::TokenRefused)) };
            let outgoing = match form(&url, grant, style, learned.without_scope) {
                Ok(outgoing) => outgoing,
                // One form may not be able to hold what another can.
                Err(_) if ways.len() > 1 => {
                    ways.pop_front();
                    continue;
                }
                Err(reason) => break Err(course.fail(reason)),
            };
            let permit = match self.permit(&throttle, &mut course).await {
                Ok(permit) => permit,
                Err(error) => break Err(error),
            };
            course.tries += 1;
            let attempt = Attempt { outgoing, accept: &[], timeout: grant.timeout, want: Want::Page };
            // At once, so that it is counted whatever becomes of the request that waits for it.
            match self.exchange(permit, attempt, attempts).await {
                Ok(answer) => {
                    throttle.praise();
                    if learned.style.replace(style).is_none() {
                        memory.keep(grant, style);
                    }
                    break read(&answer).ok_or_else(|| course.fail_with(Reason::TokenUnreadable, &answer));
                }
                Err(failure) => {
                    if adapt(learned, &mut ways, grant, &failure) {
                        continue;
                    }
                    let failure = refusal(failure);
                    if let Err(error) = self.settle(&mut course, &throttle, failure).await {
                        break Err(error);
                    }
                }
            }
        };
        attempts.add(course.attempts);
        result
    }

    /// The quota counts token calls to the same origin; other origins have limits of their own.
    fn token_throttle(&self, url: &Url) -> Arc<Throttle> {
        if url.origin() == self.settings.base_url.origin() {
            Arc::clone(&self.throttle)
        } else {
            Arc::clone(&self.elsewhere)
        }
    }
}

impl Tokens {
    fn slot(&self, grant: Grant<'_>) -> Arc<Slot> {
        let key = name(grant);
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }
}

/// What tells one grant from another, without giving it away.
fn name(grant: Grant<'_>) -> String {
    let secret = grant.client_secret.expose_secret();
    crate::client::hash(&[grant.token_url, grant.client_id, secret, grant.scope.unwrap_or("\0")])
}

fn token_url(base: &Url, text: &str) -> Option<Url> {
    if text.starts_with('/') { target::below(base, text).ok() } else { Url::parse(text).ok() }
}

fn form(url: &Url, grant: Grant<'_>, style: Style, without_scope: bool) -> Result<Outgoing, Reason> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if let Some(scope) = grant.scope.filter(|_| !without_scope) {
        form.append_pair("scope", scope);
    }
    // Never both ways in one request (RFC 6749, section 2.3).
    headers.extend(login::prove(grant, style, &mut form)?);
    Ok(Outgoing { method: Method::POST, url: url.clone(), headers, body: Some(form.finish().into()) })
}

/// Whether another form of the same call may succeed; each is tried once.
fn adapt(learned: &mut Learned, ways: &mut VecDeque<Style>, grant: Grant<'_>, failure: &Failure) -> bool {
    if failure.reason != Reason::Status || !matches!(failure.status, Some(400 | 401)) {
        return false;
    }
    let error: Option<TokenError> = serde_json::from_slice(&failure.body).ok();
    let bad_scope = error.is_some_and(|error| error.error == "invalid_scope");
    if bad_scope && grant.scope.is_some() && !learned.without_scope {
        learned.without_scope = true;
        return true;
    }
    let other = !bad_scope && ways.len() > 1;
    if other {
        ways.pop_front();
    }
    other
}

/// Whether a failure of the login is the same for the whole run.
fn lasts(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::TokenRefused | Reason::TokenUnreadable | Reason::TokenUrl | Reason::BadCredential
    )
}

fn refusal(mut failure: Failure) -> Failure {
    if failure.reason == Reason::Status && matches!(failure.status, Some(400 | 401 | 403)) {
        failure.reason = Reason::TokenRefused;
    }
    failure
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

/// The token and its life.
fn read(answer: &Answer) -> Option<(SecretString, Duration)> {
    let Content::Page(body) = &answer.content else { return None };
    let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
    let bearer = answer.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer || answer.access_token.is_empty() {
        return None;
    }
    let seconds = match answer.expires_in {
        Some(Seconds::Number(seconds)) => Some(seconds),
        Some(Seconds::Text(text)) => text.trim().parse().ok(),
        Some(Seconds::Other(_)) | None => None,
    };
    let life = seconds
        .filter(|seconds| *seconds > 0.0)
        .map_or(DEFAULT_LIFE, |seconds| Duration::from_secs_f64(seconds.min(LONGEST_LIFE)));
    Some((answer.access_token.into(), life))
}

/// Ends a course whose endpoint answered, but not with what is needed.
impl Course {
    fn fail_with(&self, reason: Reason, answer: &Answer) -> SendError {
        self.end(reason, Some(answer.head.status), Limit::Final)
    }
}
