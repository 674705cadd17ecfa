//! For tests: a simulator of its own, and requests over a connection of their own.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::net::TcpStream;

use crate::core::{
    scenario::{Scenario, VendorScenario},
    server::{Options, Running, Vendor, start},
};

use super::{API_KEY, TENANT_ID, token::base64};

/// An answer, its body null where it is not JSON.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Value,
}

pub(super) async fn simulator(users: usize, switches: &[(&str, &str)]) -> Running {
    let switches: BTreeMap<String, String> =
        switches.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let thrive = VendorScenario { switches, ..VendorScenario::default() };
    let scenario = Scenario { thrive, ..Scenario::default() };
    let options = Options { users, scenario, ..Options::default() };
    start(Vendor::Thrive, &options).await.expect("the switches are known and a port is free")
}

pub(super) fn basic() -> String {
    format!("Authorization: Basic {}\r\n", base64(&format!("{TENANT_ID}:{API_KEY}")))
}

/// Sends one request over a connection of its own and reads until the server closes it.
pub(super) async fn raw(running: &Running, method: &str, path: &str, headers: &str, body: &str) -> Answered {
    let address = running.base_url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.expect("the simulator listens");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.expect("the connection is open");
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65_536]);
    loop {
        stream.readable().await.expect("the connection is open");
        match stream.try_read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("the head ends");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answered { status, body: serde_json::from_slice(&bytes[end + 4..]).unwrap_or(Value::Null) }
}

pub(super) async fn get(running: &Running, path: &str) -> Answered {
    raw(running, "GET", path, &basic(), "").await
}

pub(super) async fn send(running: &Running, method: &str, path: &str, body: &Value) -> Answered {
    let headers = format!("{}Content-Type: application/json\r\n", basic());
    raw(running, method, path, &headers, &body.to_string()).await
}

pub(super) async fn truth(running: &Running, stream: &str) -> Vec<Value> {
    let answered = get(running, &format!("/__sim/truth/{stream}")).await;
    answered.body.as_array().expect("the stream has a truth").clone()
}

/// Every row of a list, page by page until an empty one.
pub(super) async fn walk(running: &Running, path: &str, size: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let separator = if path.contains('?') { '&' } else { '?' };
    for page in 1..1000 {
        let answered = get(running, &format!("{path}{separator}page={page}&perPage={size}")).await;
        assert_eq!(answered.status, 200, "{path}: {}", answered.body);
        let found = answered.body.get("results").unwrap_or(&answered.body).as_array().expect("rows").clone();
        if found.is_empty() {
            break;
        }
        rows.extend(found);
    }
    rows
}

pub(super) fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(ToString::to_string);
    rows
}

pub(super) async fn token(running: &Running, headers: &str, form: &str) -> Answered {
    let headers = format!("{headers}Content-Type: application/x-www-form-urlencoded\r\n");
    raw(running, "POST", &format!("/oauth2/token/{TENANT_ID}"), &headers, form).await
}

pub(super) fn bearer(answered: &Answered) -> String {
    format!("Authorization: Bearer {}\r\n", answered.body["access_token"].as_str().expect("a token"))
}
