//! One request until it is answered or the patience ends.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};
use url::Url;
use userhaul_connector::{
    auth::AuthSpec,
    request::{self, Request},
};

use crate::{
    body::Want,
    client::{Inner, Payload, hash},
    course::Course,
    error::{Limit, Reason, SendError},
    exchange::{Answer, Attempt},
    observer::Event,
    redact,
    retry::{Failure, Verdict, jitter},
    sign,
    standing::Standing,
    target,
    throttle::{HeldOff, Permit, Throttle},
    token::{Grant, Lease},
    transport::Outgoing,
    wall,
};

/// Tokens that are remembered, so that what comes back with one in it is recognised.
const MOST_TOKENS: usize = 8;

/// How often a token that ran out while its request waited for the quota is exchanged for a new one.
const STALE_TOKENS: u32 = 2;

impl Inner {
    pub(crate) async fn run(
        &self,
        course: &mut Course,
        request: &Request,
        payload: Option<&Payload>,
        want: Want,
    ) -> Result<Answer, SendError> {
        self.share_quota(&request.auth);
        let standing = self.standings.of(&request.auth);
        let standing = standing.as_deref();
        loop {
            // Nobody logs in for what will not be sent.
            is_worth_sending(standing, course)?;
            let (permit, outgoing, token) = self.ready(course, request, payload).await?;
            let turn = match standing {
                Some(standing) => standing.turn().await,
                None => None,
            };
            // What others have heard meanwhile need not be heard again.
            is_worth_sending(standing, course)?;
            if let Some(token) = &token {
                if token.is_spoiled() {
                    continue;
                }
                token.used();
            }
            course.tries += 1;
            let attempt = Attempt { outgoing, accept: &request.accept, timeout: request.timeout, want };
            let result = self.exchange(permit, attempt, &mut course.attempts).await;
            match result {
                Ok(answer) => {
                    self.throttle.praise();
                    if let Some(standing) = standing.filter(|_| answer.head.status < 300) {
                        standing.take();
                    }
                    if let Some(token) = &token {
                        token.worked();
                    }
                    if course.plain {
                        self.plain_only.store(true, Ordering::Relaxed);
                    }
                    return Ok(answer);
                }
                Err(failure) if course.renews(&failure, token.as_deref()) => {}
                Err(failure) => {
                    if let Some(standing) = standing.filter(|_| failure.is_refusal()) {
                        standing.refuse(redact::url(&course.url));
                        course.is_taken_elsewhere = standing.is_taken();
                    }
                    // Nobody waits for the pause of another.
                    drop((turn, token));
                    self.settle(course, &self.throttle, failure).await?;
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
    ) -> Result<(Permit, Outgoing, Option<Lease>), SendError> {
        let mut stale = 0;
        let (permit, token) = loop {
            let token = self.token_for(course, request).await?;
            let permit = self.permit(&self.throttle, course).await?;
            // The wait may have been longer than the token's life.
            if stale == STALE_TOKENS || token.as_ref().is_none_or(|token| token.lives()) {
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

    async fn token_for(&self, course: &mut Course, request: &Request) -> Result<Option<Lease>, SendError> {
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
        let token = self.token(grant, course.refusals, &mut course.attempts).await?;
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
            // A hop is no try that failed.
            course.tries -= 1;
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

pub(crate) fn method(method: request::Method) -> Method {
    match method {
        request::Method::Get => Method::GET,
        request::Method::Post => Method::POST,
        request::Method::Put => Method::PUT,
        request::Method::Patch => Method::PATCH,
        request::Method::Delete => Method::DELETE,
    }
}

/// An error where the source has refused the credential so often that nothing is sent with it any more.
fn is_worth_sending(standing: Option<&Standing>, course: &Course) -> Result<(), SendError> {
    match standing.and_then(Standing::given_up) {
        Some(at) => Err(course.fail(Reason::RefusedBefore { at })),
        None => Ok(()),
    }
}
