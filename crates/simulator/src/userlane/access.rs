//! Who may ask (section 1.4), and how a refusal looks (section 5.1).

use std::time::Instant;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{App, PROPERTIES, ROTATED_TOKEN, TOKEN};

/// An answer that carries no rows.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// A refusal with the error body of section 5.1.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// The 422 of section 4.5, with one `{path, reason}` for each fault of the body.
    pub(super) fn invalid_body(errors: Vec<Value>) -> Self {
        let message = "Request validation failed".to_owned();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, message, errors, retry_after_seconds: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = if self.errors.is_empty() {
            let error = self.status.canonical_reason().unwrap_or("Error");
            json!({ "statusCode": self.status.as_u16(), "error": error, "message": self.message })
        } else {
            json!({ "statusCode": self.status.as_u16(), "message": self.message, "errors": self.errors })
        };
        match self.retry_after_seconds {
            None => (self.status, Json(body)).into_response(),
            Some(seconds) => {
                (self.status, [(header::RETRY_AFTER, seconds.to_string())], Json(body)).into_response()
            }
        }
    }
}

/// Counts the request, then checks rate and token. The token itself is never noted.
pub(super) fn admit(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    let request = app.memory.count();
    if let Err(wait) = app.memory.limit(Instant::now()) {
        let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
        refusal.retry_after_seconds = Some(wait.as_secs() + 1);
        return Err(refusal);
    }
    let unauthorized = || Refusal::new(StatusCode::UNAUTHORIZED, "Token is invalid or expired");
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        app.core.violation("Authorization is missing or repeated");
        return Err(unauthorized());
    };
    let value = value.to_str().unwrap_or_default();
    let token = if app.core.switches.on("bearer") { value.strip_prefix("Bearer ") } else { Some(value) };
    let rotation = app.core.switches.number("rotate_token_after");
    let rotated = rotation > 0 && request >= rotation;
    match token {
        Some(TOKEN) if !rotated => Ok(()),
        Some(ROTATED_TOKEN) if rotated => Ok(()),
        // No mistake of the caller: the token was replaced under its feet.
        Some(TOKEN) => Err(unauthorized()),
        _ => {
            app.core.violation("Authorization holds a wrong token or the wrong scheme");
            Err(unauthorized())
        }
    }
}

/// The index of a property that the token's Manager may see. An unknown id is a plain 404.
pub(super) fn property(app: &App, id: &str) -> Result<usize, Refusal> {
    let Some(index) = PROPERTIES.iter().position(|&known| known == id) else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Property not found"));
    };
    match app.core.switches.get("limited_manager") {
        "404" if index == 1 => Err(Refusal::new(StatusCode::NOT_FOUND, "Property not found")),
        "on" if index == 1 => {
            Err(Refusal::new(StatusCode::FORBIDDEN, "Manager has no access to this property"))
        }
        _ => Ok(index),
    }
}

/// The properties whose rows can be had at all.
pub(super) fn reachable(app: &App) -> impl Iterator<Item = (usize, &'static str)> {
    let limited = app.core.switches.get("limited_manager") != "off";
    PROPERTIES.into_iter().enumerate().filter(move |&(index, _)| !(limited && index == 1))
}
