//! Raw HTTP against a running simulator.

use std::{collections::BTreeMap, io::ErrorKind};

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::core::{
    scenario::{Scenario, VendorScenario},
    server::{Options, Running, Vendor, start},
};

use super::{COMPANY, PROPERTIES, ROTATED_TOKEN, TOKEN};

mod imports;
mod reads;
mod switches;

const ALL: &str = "from=2024-10-31&to=2026-11-01";

struct Answer {
    status: u16,
    head: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    fn rows(&self) -> Vec<Value> {
        self.json()["data"].as_array().expect("rows under data").clone()
    }
}

async fn simulator(switches: &[(&str, &str)]) -> Running {
    let switches: BTreeMap<String, String> =
        switches.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let userlane = VendorScenario { switches, ..VendorScenario::default() };
    let options =
        Options { users: 60, scenario: Scenario { userlane, ..Scenario::default() }, ..Options::default() };
    start(Vendor::Userlane, &options).await.expect("a free port and known switches")
}

async fn send(running: &Running, method: &str, target: &str, token: Option<&str>, body: &str) -> Answer {
    let address = running.base_url.trim_start_matches("http://");
    let authorization = token.map(|token| format!("Authorization: {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\n{authorization}Connection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let stream = TcpStream::connect(address).await.expect("a listening simulator");
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.expect("an open connection");
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let mut bytes = Vec::new();
    let mut part = [0; 16384];
    loop {
        stream.readable().await.expect("an open connection");
        match stream.try_read(&mut part) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&part[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, text) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_lowercase(), text: text.to_owned() }
}

async fn get(running: &Running, target: &str) -> Answer {
    send(running, "GET", target, Some(TOKEN), "").await
}

async fn import(running: &Running, scope: &str, body: &Value) -> Answer {
    send(running, "POST", &format!("/v1/{scope}/attributes/import"), Some(TOKEN), &body.to_string()).await
}

async fn truth(running: &Running, stream: &str) -> Vec<Value> {
    let rows = get(running, &format!("/__sim/truth/{stream}")).await.json();
    rows.as_array().expect("an array").clone()
}

/// Every page of a stream of every property, each row with its `propertyId`.
async fn walk(running: &Running, resource: &str, query: &str, size: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for property in PROPERTIES {
        for page in 1.. {
            let target = format!("/v1/properties/{property}/{resource}?{query}&page={page}&pageSize={size}");
            let mut rows = get(running, target.replace("?&", "?").as_str()).await.rows();
            let last = rows.len() < size;
            rows.iter_mut().for_each(|row| row["propertyId"] = json!(property));
            all.append(&mut rows);
            if last {
                break;
            }
        }
    }
    all
}
