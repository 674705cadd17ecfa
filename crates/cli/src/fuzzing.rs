//! What is fed with any bytes: each function takes them all without a panic, and checks what must hold of its answer.
//!
//! The fuzzer (`fuzz/`) and the test that plays its corpus (`tests/corpus.rs`) call the same functions.

use std::{path::Path, sync::LazyLock, time::SystemTime};

use userhaul_connector::{
    column::snake_case,
    decode::{DecodeOptions, Decoder, Lineage},
    pager::next_link,
    spec::ConnectorSpec,
};
use userhaul_runner::state::{Loaded, StateStore};

use crate::{config::Config, registry};

/// One function, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("page", page),
    ("retry_after", retry_after),
    ("link", link),
    ("state", state),
    ("config", config),
    ("name", name),
];

/// A stream with every kind of column.
const FACTS: &str = r#"
connector = "x"
title = "x"
about = "x"
docs = "x"
concurrency = 1
timeout = "1s"
quota = { requests = 1, per = "1s", mode = "paced", docs = "x" }
check = { stream = "x" }

[streams.x]
about = "x"
docs = "x"
path = "/x"
primary_key = ["id"]

[streams.x.columns]
id = "id"
text = "text"
int = "int"
double = "double"
bool = "bool"
instant = "instant"
millis = "millis"
date = "date"
decimal = "decimal"
json = "json"
map = "map"
wrapped = "wrapped_map"
list = ["text"]
struct = { a = "int", b = { c = "instant" } }
structs = [{ id = "id", labels = { left = "text" } }]
"#;

static OPTIONS: LazyLock<DecodeOptions> = LazyLock::new(|| {
    let spec = ConnectorSpec::parse(FACTS, None).expect("the facts hold");
    DecodeOptions {
        table: spec.stream("x").expect("the stream of the facts").table.clone(),
        derived: Vec::new(),
        items: vec![String::new(), "/data".to_owned()],
        single: false,
        custom: None,
        rules: Vec::new(),
    }
});

/// A page: it is read whole, or not at all.
pub fn page(data: &[u8]) {
    let lineage = Lineage { source: "s", run_id: "r", extracted_at: 7, given: &[] };
    let mut decoder = Decoder::new(&OPTIONS);
    let mut held = 0;
    for elements in [false, true] {
        let read = if elements {
            decoder.elements(data, &lineage)
        } else {
            decoder.page(data, &lineage).map(|(rows, _)| rows)
        };
        held += read.map_or(0, |rows| rows.rows);
        assert_eq!(decoder.rows(), held, "rows of a page that was refused, or not all of one that was read");
    }
    let taken = decoder.take().expect("columns of one length");
    assert_eq!(taken.rows.map_or(0, |batch| batch.num_rows()), held);
}

/// A `Retry-After` header, with the answer's date behind a line break.
pub fn retry_after(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let mut headers = http::HeaderMap::new();
    for name in [http::header::RETRY_AFTER, http::header::DATE] {
        if let Some(Ok(value)) = lines.next().map(http::HeaderValue::from_bytes) {
            headers.insert(name, value);
        }
    }
    let after = userhaul_client::retry_after(&headers, SystemTime::UNIX_EPOCH);
    let digits = headers.get(http::header::RETRY_AFTER).is_some_and(|value| value.as_bytes() == b"0");
    assert!(!digits || after.is_some_and(|after| after.is_zero()));
}

/// A `Link` header: what is followed stands in it.
pub fn link(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(url) = next_link(&text) {
        assert!(text.contains(&format!("<{url}")) || text.contains(&url), "{url:?} is not in the header");
        assert!(!url.contains('>'));
    }
}

/// The file of a checkpoint: whole, or damaged.
pub fn state(data: &[u8]) {
    let path = Path::new("state.json");
    if let Ok(Loaded::Found(state)) = StateStore::read(&String::from_utf8_lossy(data), path) {
        let written = StateStore::written(&state).expect("a state is JSON");
        assert_eq!(StateStore::read(&written, path).expect("a version that is known"), Loaded::Found(state));
    }
}

/// A configuration: its problems stand in lines that it has.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // Settings may name files, and some never end.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let environment = |name: &str| (name == "KEY").then(|| "s3cret-of-the-test".to_owned());
    let path = Path::new("no-such-folder/userhaul.toml");
    if let Err(error) = Config::parse(path, &text, &registry::entries(), &environment) {
        assert!(!error.problems.is_empty());
        let lines = text.lines().count().max(1) + 1;
        let told = error.to_string();
        assert!(
            error.problems.iter().all(|problem| problem.line.is_none_or(|line| (1..=lines).contains(&line))),
            "{told}"
        );
        assert!(!told.contains("s3cret"), "a secret is told");
    }
}

/// A vendor's name of a field.
pub fn name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let snake = snake_case(&text);
    if text.is_ascii() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(snake.bytes().all(plain), "{text:?} becomes {snake:?}");
        assert_eq!(snake_case(&snake), snake, "{text:?}");
    }
}
