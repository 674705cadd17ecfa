//! A small server of the test's own: one answer a request, written by the test.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::Value;

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// Names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A running server. It stops when this is dropped.
pub(crate) struct Server {
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Answer {
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.to_string() }
    }

    pub(crate) fn refused(status: u16, why: &str) -> Self {
        Self { status, headers: Vec::new(), body: serde_json::json!({ "error": why }).to_string() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Asked {
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.query.get(name).map(|text| text.parse().expect("a number"))
    }

    /// Refuses every parameter but these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Answer> {
        match self.query.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Answer::refused(400, &format!("unknown parameter {name}"))),
            None => Ok(()),
        }
    }
}

impl Server {
    /// The handler also gets the server's own address, for links.
    pub(crate) fn start(handler: impl Fn(&Asked, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self { base_url: base_url.clone(), asked: Arc::default(), over: Arc::default() };
        let (asked, over, handler) = (Arc::clone(&server.asked), Arc::clone(&server.over), Arc::new(handler));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let (asked, handler, base_url) = (Arc::clone(&asked), Arc::clone(&handler), base_url.clone());
                thread::spawn(move || {
                    let stream = stream.expect("a connection");
                    // A connection without a request is the one that ends the server.
                    if let Some(request) = read(&stream) {
                        asked.lock().expect("no panic").push(request.clone());
                        write(stream, &handler(&request, &base_url));
                    }
                });
            }
        });
        server
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _wakes = TcpStream::connect(self.base_url.trim_start_matches("http://"));
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    });
    Some(Asked {
        method,
        path: decoded(path),
        query: query.collect(),
        headers,
        body: String::from_utf8(body).expect("text"),
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let hex = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let hex = std::str::from_utf8(&hex).expect("ASCII");
                bytes.push(u8::from_str_radix(hex, 16).expect("hexadecimal"));
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).expect("text")
}

fn write(mut stream: TcpStream, answer: &Answer) {
    let mut text = format!(
        "HTTP/1.1 {} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(&answer.body);
    // Who asked may have gone.
    let _sent = stream.write_all(text.as_bytes());
}
