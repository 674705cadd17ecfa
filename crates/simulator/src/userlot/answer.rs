//! Answers: JSON with `<` and `>` written as the vendor writes them, and errors in every guise that A23 thinks of.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Sim;

/// A page as a wrong host or a proxy would send it.
pub(super) const HTML: &str =
    "<!doctype html><html><head><title>Userlot</title></head><body>Sign in</body></html>";

/// Answers with a JSON value.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response {
    let text = value.to_string().replace('<', "\\u003c").replace('>', "\\u003e");
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

/// Answers with a page of HTML.
pub(super) fn html_answer(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], HTML).into_response()
}

/// Answers without a body.
pub(super) fn empty_answer(status: StatusCode) -> Response {
    (status, Body::empty()).into_response()
}

/// A request that is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A status with its own word.
    Status(StatusCode),
    /// A value that is not taken, 422 by default.
    Invalid { status: StatusCode, field: String, problem: &'static str },
}

impl Refusal {
    /// 422, with a field and what is wrong with it.
    pub(super) fn invalid(field: impl Into<String>, problem: &'static str) -> Self {
        Self::Invalid { status: StatusCode::UNPROCESSABLE_ENTITY, field: field.into(), problem }
    }

    /// The answer, in the guise that `error_body` asks for.
    pub(super) fn answer(&self, sim: &Sim) -> Response {
        let (status, text) = match self {
            Self::Status(status) => (*status, status.canonical_reason().unwrap_or("Error").to_owned()),
            Self::Invalid { status, field, problem } => (*status, format!("{field} {problem}")),
        };
        let body = match sim.switch("error_body") {
            "message" => json!({"message": text}),
            "error_object" => json!({"error": {"message": text}}),
            "errors_array" => json!({"errors": [text]}),
            "empty" => return empty_answer(status),
            "html" => return html_answer(status),
            "text" => return (status, [(header::CONTENT_TYPE, "text/plain")], text).into_response(),
            _ => match self {
                Self::Status(_) => json!({"error": text}),
                Self::Invalid { field, problem, .. } => json!({"errors": {field.as_str(): [problem]}}),
            },
        };
        json_answer(status, &body)
    }
}

/// 429, with `Retry-After` as the switch says.
pub(super) fn too_many(sim: &Sim) -> Response {
    let mut response = Refusal::Status(StatusCode::TOO_MANY_REQUESTS).answer(sim);
    let wait = sim.switch("throttle_retry_after");
    if let (true, Ok(value)) = (wait != "none", HeaderValue::from_str(wait)) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// The redirect that `redirect_to` asks for, to the same path on that host.
pub(super) fn redirect(sim: &Sim, path: &str) -> Response {
    let status = sim.switch("redirect_status").parse().unwrap_or(StatusCode::FOUND);
    let location = format!("{}{path}", sim.switch("redirect_to").trim_end_matches('/'));
    (status, [(header::LOCATION, location)]).into_response()
}
