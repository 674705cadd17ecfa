//! Serves made-up people as pages with totals, from memory, so that what is measured is the client.
//!
//! `GET /rest/v1/users?page=1&perPage=1000` answers a page; `GET /stats` how many pages have been asked for and how
//! many were refused since the last look. The first line on stdout is the port.

// A yardstick for people at a terminal: it prints.
#![allow(clippy::print_stdout)]

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use userhaul_bench::{rows, shape::Shape};

/// Pages are kept up to so many rows in all; larger lists are made page by page.
const KEPT_ROWS: u64 = 1_000_000;

struct Server {
    total: u64,
    shape: Shape,
    latency: Duration,
    limit: Option<Limit>,
    retry_after: Option<u64>,
    requests: AtomicU64,
    refused: AtomicU64,
    pages: Mutex<HashMap<(u64, u64), Bytes>>,
}

/// So many requests in any window of such a length, or in each window that begins with a first request.
struct Limit {
    requests: usize,
    per: Duration,
    fixed: bool,
    seen: Mutex<VecDeque<Instant>>,
}

impl Limit {
    fn admits(&self) -> bool {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.fixed {
            if seen.front().is_some_and(|&first| now.duration_since(first) >= self.per) {
                seen.clear();
            }
        } else {
            while seen.front().is_some_and(|&first| now.duration_since(first) >= self.per) {
                seen.pop_front();
            }
        }
        let admitted = seen.len() < self.requests;
        if admitted {
            seen.push_back(now);
        }
        admitted
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut server = Server {
        total: 100_000,
        shape: Shape::Users,
        latency: Duration::ZERO,
        limit: None,
        retry_after: None,
        requests: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        pages: Mutex::default(),
    };
    let mut arguments = std::env::args().skip(1);
    let (mut limit, mut fixed) = (None, false);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number =
            || value.parse::<u64>().unwrap_or_else(|_| panic!("{name} wants a number, not `{value}`"));
        match name.as_str() {
            "--rows" => server.total = number(),
            "--shape" => server.shape = Shape::named(&value).unwrap_or_else(|| panic!("no shape `{value}`")),
            "--latency-ms" => server.latency = Duration::from_millis(number()),
            "--limit" => limit = Some(number()),
            "--per-ms" => {
                let requests = usize::try_from(limit.unwrap_or(1000)).unwrap_or(usize::MAX);
                let per = Duration::from_millis(number());
                server.limit = Some(Limit { requests, per, fixed: false, seen: Mutex::default() });
            }
            "--window" => fixed = value == "fixed",
            "--retry-after" => server.retry_after = Some(number()),
            _ => panic!("no option `{name}`"),
        }
    }
    if let Some(limit) = &mut server.limit {
        limit.fixed = fixed;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let router = Router::new()
        .route("/rest/v1/users", get(users))
        .route("/stats", get(stats))
        .with_state(Arc::new(server));
    axum::serve(listener, router).await
}

async fn users(State(server): State<Arc<Server>>, Query(query): Query<HashMap<String, String>>) -> Response {
    server.requests.fetch_add(1, Ordering::Relaxed);
    if server.limit.as_ref().is_some_and(|limit| !limit.admits()) {
        server.refused.fetch_add(1, Ordering::Relaxed);
        let mut headers = HeaderMap::new();
        if let Some(seconds) = server.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        return (StatusCode::TOO_MANY_REQUESTS, headers, "{}").into_response();
    }
    let number =
        |name: &str, or: u64| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(or).max(1);
    let key = (number("page", 1), number("perPage", 100));
    if !server.latency.is_zero() {
        tokio::time::sleep(server.latency).await;
    }
    let kept = server.pages.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let page = match kept {
        Some(page) => page,
        None => {
            let page = Bytes::from(rows::page(key.0, key.1, server.total, server.shape));
            if server.total <= KEPT_ROWS {
                server.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(key, page.clone());
            }
            page
        }
    };
    ([(header::CONTENT_TYPE, "application/json")], page).into_response()
}

async fn stats(State(server): State<Arc<Server>>) -> String {
    let requests = server.requests.swap(0, Ordering::Relaxed);
    let refused = server.refused.swap(0, Ordering::Relaxed);
    format!("{{\"requests\":{requests},\"refused\":{refused}}}")
}
