//! Credentials, refusals and unknown paths.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::{API_KEY, Sprig};

/// The word before the key in `Authorization`; section 1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Bearer,
    ApiKey,
}

/// Why a request is not answered with rows; section 5.1.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The key is missing or wrong, or has the wrong word before it.
    Credentials,
    /// 400 with this text; a violation.
    Bad(String),
    /// 422 with this text; a violation.
    Invalid(String),
    /// 400 with this text, without fault of the client.
    NoMatch(String),
    /// 404 with the text `Not Found`.
    NotFound,
    /// An empty list, as the named switch says.
    Empty(&'static str),
    /// More rows than can be processed.
    TooLarge,
}

impl Sprig {
    /// Turns a handler's result into the answer, and notes what the reference does not allow.
    pub(super) async fn answer(&self, result: Result<Response, Refusal>) -> Response {
        match result {
            Ok(response) => response,
            Err(Refusal::Credentials) if self.is("bad_key", "401") => {
                (StatusCode::UNAUTHORIZED, Json(json!({ "error": "Unauthorized" }))).into_response()
            }
            Err(Refusal::Credentials) => StatusCode::FORBIDDEN.into_response(),
            Err(Refusal::Bad(text)) => {
                self.core.violation(text.clone());
                self.bad_request(&text)
            }
            Err(Refusal::NoMatch(text)) => self.bad_request(&text),
            Err(Refusal::Invalid(text)) => {
                self.core.violation(text.clone());
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": text }))).into_response()
            }
            Err(Refusal::NotFound) => (StatusCode::NOT_FOUND, "Not Found").into_response(),
            Err(Refusal::Empty(switch)) => match self.core.switches.get(switch) {
                "200" => Json(json!({ "cursor": null, "data": [] })).into_response(),
                "404_text" => (StatusCode::NOT_FOUND, "Not Found").into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            },
            Err(Refusal::TooLarge) => self.too_large().await,
        }
    }

    /// Checks the key and the word before it.
    pub(super) fn authorize(&self, headers: &HeaderMap, word: Word) -> Result<(), Refusal> {
        self.authorize_any(headers, &[word])
    }

    /// Purge's page and the overview contradict each other, so trying one word and then the other is no violation.
    pub(super) fn authorize_purge(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let both = [Word::Bearer, Word::ApiKey];
        self.authorize_any(headers, &both)?;
        match (self.core.switches.get("auth"), self.core.switches.get("purge_word"), word_and_key(headers)) {
            ("lenient", _, _) | (_, "both", _) => Ok(()),
            (_, "api_key", Some((Word::ApiKey, _))) => Ok(()),
            (_, "api_key", _) => Err(Refusal::Credentials),
            (_, _, Some((Word::Bearer, _))) => Ok(()),
            _ => Err(Refusal::Credentials),
        }
    }

    fn authorize_any(&self, headers: &HeaderMap, words: &[Word]) -> Result<(), Refusal> {
        let Some((word, key)) = word_and_key(headers) else {
            self.core.violation("the credential is missing or has no known word before it");
            return Err(Refusal::Credentials);
        };
        if key != API_KEY {
            self.core.violation("the key is wrong");
            return Err(Refusal::Credentials);
        }
        if words.contains(&word) {
            return Ok(());
        }
        self.core.violation(format!("the wrong word before the key: {word:?}"));
        if self.is("auth", "lenient") { Ok(()) } else { Err(Refusal::Credentials) }
    }

    fn bad_request(&self, text: &str) -> Response {
        match self.core.switches.get("error_body") {
            "array" => (StatusCode::BAD_REQUEST, Json(json!([text]))).into_response(),
            "empty" => StatusCode::BAD_REQUEST.into_response(),
            _ => (StatusCode::BAD_REQUEST, Json(json!({ "error": text }))).into_response(),
        }
    }

    async fn too_large(&self) -> Response {
        tokio::time::sleep(Duration::from_millis(self.core.switches.number("large_query_delay_ms"))).await;
        match self.core.switches.get("large_query") {
            "reset" => {
                let cut =
                    futures::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("cut")) });
                Response::new(Body::from_stream(cut))
            }
            "500" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => StatusCode::GATEWAY_TIMEOUT.into_response(),
        }
    }
}

fn word_and_key(headers: &HeaderMap) -> Option<(Word, &str)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    match value.split_once(' ')? {
        ("Bearer", key) => Some((Word::Bearer, key)),
        ("API-Key", key) => Some((Word::ApiKey, key)),
        _ => None,
    }
}

/// Answers a path or method that the reference does not have.
pub(super) async fn unknown(State(sprig): State<Arc<Sprig>>, request: Request) -> Response {
    sprig.core.violation(format!("unknown path: {} {}", request.method(), request.uri().path()));
    sprig.answer(Err(Refusal::NotFound)).await
}
