//! What a request goes through from its first attempt to its answer or its end.

use http::Method;
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

use crate::{
    answer::Attempts,
    error::{Detail, ErrorKind, Limit, Reason, SendError, kind},
    redact,
    retry::{Failure, Patience},
    token::{Refusals, Token},
    wall,
};

/// One request on its way, all its attempts together.
pub(crate) struct Course {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) secrets: Vec<SecretString>,
    pub(crate) tries: u32,
    pub(crate) attempts: Attempts,
    started: Instant,
    pub(crate) patience: Patience,
    pub(crate) hops: u32,
    pub(crate) plain: bool,
    /// An attempt that may have arrived may be sent again.
    pub(crate) repeatable: bool,
    /// Tokens that were refused and are worth a new one.
    pub(crate) refusals: Refusals,
    /// The credential that was refused to this was taken for others.
    pub(crate) is_taken_elsewhere: bool,
}

impl Course {
    pub(crate) fn new(url: Url, method: Method, secrets: Vec<SecretString>) -> Self {
        Self {
            url,
            repeatable: method == Method::GET,
            method,
            secrets,
            tries: 0,
            attempts: Attempts::default(),
            started: Instant::now(),
            patience: Patience::default(),
            hops: 0,
            plain: false,
            refusals: Refusals::default(),
            is_taken_elsewhere: false,
        }
    }

    /// An end without an answer.
    pub(crate) fn fail(&self, reason: Reason) -> SendError {
        self.end(reason, None, Limit::Final)
    }

    pub(crate) fn end(&self, reason: Reason, status: Option<u16>, limit: Limit) -> SendError {
        SendError(Box::new(Detail {
            kind: match limit {
                Limit::RetryAfter(_) => ErrorKind::RateLimited,
                Limit::Final | Limit::Tries(_) | Limit::Budget => kind(&reason, status),
            },
            reason,
            limit,
            url: redact::url(&self.url),
            status,
            tries: self.tries,
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
            excerpt: None,
            resume_at: None,
            is_taken_elsewhere: self.is_taken_elsewhere,
        }))
    }

    /// An end with the last answer in it.
    pub(crate) fn give_up(&self, failure: Failure, limit: Limit) -> SendError {
        let mut error = self.end(failure.reason, failure.status, limit);
        error.0.excerpt = redact::excerpt(&failure.body, &self.secrets);
        error.0.resume_at = failure.retry_after.map(|after| wall::at(Instant::now() + after));
        error
    }

    /// Whether a refused token is worth a new one.
    pub(crate) fn renews(&mut self, failure: &Failure, token: Option<&Token>) -> bool {
        let Some(token) = token.filter(|_| failure.is_refusal()) else { return false };
        token.was_refused();
        let renews = token.is_worth_another(self.refusals.count > 0);
        if renews {
            self.refusals = Refusals { last: Some(token.generation), count: self.refusals.count + 1 };
            self.attempts.retries += 1;
        }
        renews
    }
}
