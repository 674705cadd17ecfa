//! A client of few words: raw HTTP over loopback.

use std::io::ErrorKind;

use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Options, Running, Scenario, Vendor, start, userlot::API_KEY};

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        match self.json() {
            Value::Array(rows) => rows,
            other => panic!("a list is a bare array, not {other}"),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub(super) async fn world(users: usize, switches: &[(&str, &str)]) -> Running {
    let mut scenario = Scenario::default();
    scenario.userlot.switches =
        switches.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    start(Vendor::Userlot, &Options { users, seed: 1, scenario, port: 0 }).await.expect("it starts")
}

pub(super) async fn ask(sim: &Running, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let host = sim.base_url.strip_prefix("http://").expect("plain HTTP");
    let mut text = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let stream = TcpStream::connect(host).await.expect("it listens");
    let mut left = text.as_bytes();
    while !left.is_empty() {
        stream.writable().await.expect("it is writable");
        match stream.try_write(left) {
            Ok(sent) => left = &left[sent..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        stream.readable().await.expect("it is readable");
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let text = String::from_utf8(bytes).expect("an answer is UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub(super) async fn get(sim: &Running, path: &str) -> Answer {
    ask(sim, &format!("GET /api/v1/{path}"), &[("ApiKey", API_KEY)], "").await
}

pub(super) async fn write(sim: &Running, line: &str, body: &Value) -> Answer {
    let headers = [("apikey", API_KEY), ("Content-Type", "application/json")];
    ask(sim, line, &headers, &body.to_string()).await
}

pub(super) async fn truth(sim: &Running, stream: &str) -> Vec<Value> {
    ask(sim, &format!("GET /__sim/truth/{stream}"), &[], "").await.rows()
}
