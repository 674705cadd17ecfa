//! What a handler answers: a response, or a refusal with the v1 error body.
//!
//! ```json
//! { "status": 400, "error": "Bad Request", "message": "perPage must not be greater than 1000" }
//! ```

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

/// What a handler gives.
pub(super) type Answer = Result<Response, Refusal>;

/// A refusal with the v1 error body; `message` is a text, or an object where the reference says so.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<Value>) -> Self {
        Self { status, message: message.into() }
    }

    /// An id that nothing has; no violation.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// A write that is well formed and still not valid: field name to what is wrong with it.
    pub(super) fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, json!({field: [why.into()]}))
    }

    /// A write that contradicts what is there.
    pub(super) fn conflict(why: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, why.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = match self.status {
            StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
            status => status.canonical_reason().unwrap_or("Error"),
        };
        let body = json!({"status": self.status.as_u16(), "error": error, "message": self.message});
        (self.status, Json(body)).into_response()
    }
}

/// 200 with this body.
pub(super) fn ok(body: &Value) -> Answer {
    Ok(Json(body).into_response())
}

/// 201 with this body.
pub(super) fn created(body: &Value) -> Answer {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// The body of a write that has nothing else to say.
pub(super) fn done(message: &str) -> Answer {
    ok(&json!({"status": 200, "message": message}))
}
