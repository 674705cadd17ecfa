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
    /// The generation of the token that was refused.
    pub(crate) refused: Option<u64>,
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
            refused: None,
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
        }))
    }

    /// An end with the last answer in it.
    pub(crate) fn give_up(&self, failure: Failure, limit: Limit) -> SendError {
        let mut error = self.end(failure.reason, failure.status, limit);
        error.0.excerpt = redact::excerpt(&failure.body, &self.secrets);
        error.0.resume_at = failure.retry_after.map(|after| wall::at(Instant::now() + after));
        error
    }

    /// Whether a refused token is worth a new one: once a request.
    pub(crate) fn renews(&mut self, failure: &Failure, token: Option<u64>) -> bool {
        let renews = failure.status == Some(401) && self.refused.is_none() && token.is_some();
        if renews {
            self.refused = token;
            self.attempts.retries += 1;
        }
        renews
    }
}
