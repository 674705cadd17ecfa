//! Credentials: the token endpoint, and who may make a data call.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::{API_KEY, CLIENT_ID, CLIENT_SECRET, Simulator, TENANT_ID, query::decoded};

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: BTreeMap<String, Token>,
}

#[derive(Debug)]
struct Token {
    scopes: Vec<String>,
    expires: Instant,
    uses: u64,
}

/// What is thought of a data call's credential.
#[derive(Debug)]
pub(super) enum Judgement {
    Welcome,
    /// A token that was good once; no violation.
    Expired,
    /// A missing or wrong credential.
    Refused(&'static str),
    /// A token without a fitting scope (row 28).
    OutOfScope,
}

/// Judges the `Authorization` header of a data call.
pub(super) fn judge(simulator: &Simulator, headers: &HeaderMap, reading: bool) -> Judgement {
    let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Judgement::Refused("the Authorization header is missing");
    };
    let (scheme, credential) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return if credential == base64(&format!("{TENANT_ID}:{API_KEY}")) {
            Judgement::Welcome
        } else {
            Judgement::Refused("the tenant id or API key is wrong")
        };
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Judgement::Refused("the Authorization header has an unknown scheme");
    }
    let most = simulator.core.switches.number("token_requests");
    let mut tokens = simulator.tokens();
    let Some(token) = tokens.issued.get_mut(credential) else {
        return Judgement::Refused("the token was not issued here");
    };
    token.uses += 1;
    if Instant::now() >= token.expires || (most > 0 && token.uses > most) {
        return Judgement::Expired;
    }
    let fitting = if reading { "api/read" } else { "api/write" };
    if token.scopes.iter().any(|scope| scope == "api/all" || scope == fitting) {
        Judgement::Welcome
    } else {
        Judgement::OutOfScope
    }
}

/// `POST /oauth2/token/{tenantId}`: client credentials, as a form (row 5).
pub(super) async fn issue(
    State(simulator): State<Arc<Simulator>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = match form(&headers, &body) {
        Ok(form) => form,
        Err(why) => return wrong(&simulator, StatusCode::BAD_REQUEST, "invalid_request", why),
    };
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let in_body = form.contains_key("client_id") || form.contains_key("client_secret");
    if let Some(name) = form
        .keys()
        .find(|name| !["grant_type", "scope", "client_id", "client_secret"].contains(&name.as_str()))
    {
        let why = format!("unknown form field: {name}");
        return wrong(&simulator, StatusCode::BAD_REQUEST, "invalid_request", &why);
    }
    let accepted = simulator.switch("token_auth");
    let refused = if in_body { StatusCode::BAD_REQUEST } else { StatusCode::UNAUTHORIZED };
    let right = match (basic, in_body) {
        (Some(_), true) => {
            let why = "client credentials in the header and in the body";
            return wrong(&simulator, StatusCode::BAD_REQUEST, "invalid_request", why);
        }
        (Some(_), false) if accepted == "body" => return error(refused, "invalid_client"),
        (None, true) if accepted == "basic" => return error(refused, "invalid_client"),
        (Some(value), false) => {
            value.strip_prefix("Basic ") == Some(base64(&format!("{CLIENT_ID}:{CLIENT_SECRET}")).as_str())
        }
        (None, true) => {
            form.get("client_id").is_some_and(|id| id == CLIENT_ID)
                && form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET)
        }
        (None, false) => false,
    };
    if !right || tenant != TENANT_ID {
        return wrong(&simulator, refused, "invalid_client", "a wrong tenant id, client id or client secret");
    }
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        let why = "grant_type must be client_credentials";
        return wrong(&simulator, StatusCode::BAD_REQUEST, "unsupported_grant_type", why);
    }
    let scopes: Vec<String> = match form.get("scope") {
        Some(_) if simulator.switch("token_scope") == "refused" => {
            return error(StatusCode::BAD_REQUEST, "invalid_scope");
        }
        Some(scope) => scope.split(' ').map(str::to_owned).collect(),
        None => vec!["api/all".to_owned()],
    };
    if !scopes.iter().all(|scope| ["api/read", "api/write", "api/all"].contains(&scope.as_str())) {
        return wrong(&simulator, StatusCode::BAD_REQUEST, "invalid_scope", "an unknown scope");
    }
    granted(&simulator, scopes)
}

fn granted(simulator: &Simulator, scopes: Vec<String>) -> Response {
    let seconds = simulator.core.switches.number("token_expires_in");
    let expires = Instant::now() + Duration::from_secs(seconds.min(31_536_000));
    let mut tokens = simulator.tokens();
    let name = format!("sim-token-{:04}", tokens.issued.len() + 1);
    tokens.issued.insert(name.clone(), Token { scopes, expires, uses: 0 });
    let mut answer = json!({"access_token": name, "token_type": simulator.switch("token_type")});
    match simulator.switch("token_expires_in_shape") {
        "absent" => {}
        "string" => answer["expires_in"] = json!(seconds.to_string()),
        _ => answer["expires_in"] = json!(seconds),
    }
    Json(answer).into_response()
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<BTreeMap<String, String>, &'static str> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err("the token call is not a form");
    }
    let text = std::str::from_utf8(body).map_err(|_| "the form is not UTF-8")?;
    let mut fields = BTreeMap::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or("a form field without a value")?;
        let name = decoded(name, true).ok_or("a form field is not percent-encoded UTF-8")?;
        let value = decoded(value, true).ok_or("a form field is not percent-encoded UTF-8")?;
        if fields.insert(name, value).is_some() {
            return Err("a form field is given twice");
        }
    }
    Ok(fields)
}

fn wrong(simulator: &Simulator, status: StatusCode, code: &str, why: &str) -> Response {
    simulator.core.violation(format!("token call: {why}"));
    error(status, code)
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({"error": code}))).into_response()
}

/// Base64 with padding.
pub(super) fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, &byte| (bits << 8) | usize::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                encoded.push(char::from(DIGITS[(bits >> (18 - 6 * place)) & 63]));
            } else {
                encoded.push('=');
            }
        }
    }
    encoded
}
