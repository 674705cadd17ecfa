//! The network between a client and a world, in memory: it counts, remembers, and spoils what its plan names.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::{sync::Notify, time::Instant};
use url::Url;
use userhaul_client::{Chunks, Incoming, Outgoing, Reason, Transport};
use userhaul_connector::spec::ConnectorSpec;

use crate::{
    fault::{Answer, Asked, Fault},
    subject::World,
};

/// What the client believes the vendor's address to be.
pub(crate) const BASE: &str = "http://127.0.0.1:1";

/// The query that a redirect of ours adds, so that its target is another address.
pub(crate) const HOP: &str = "hop-of-the-testkit=1";

/// How long the vendor thinks.
const LATENCY: Duration = Duration::from_millis(10);

/// What is to happen to which request.
#[derive(Clone, Copy, Default)]
pub struct Plan {
    /// A fault, the first request that it hits (from 1, of those that it applies to), and whether it stays from then on.
    pub fault: Option<(&'static Fault, usize, bool)>,
    /// The request (from 1) at which the run is killed.
    pub kill_at: Option<usize>,
}

/// One request that went out.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When.
    pub at: Instant,
    /// When its answer was there.
    pub answered: Option<Instant>,
    /// Where to.
    pub url: Url,
    /// Whether it only reads.
    pub get: bool,
    /// Whether the fault hit it.
    pub hit: bool,
    /// Whether it went to another origin than the vendor's.
    pub astray: bool,
}

/// The transport of one run.
pub struct Wire {
    world: Arc<dyn World>,
    spec: ConnectorSpec,
    renewable: bool,
    plan: Plan,
    exchanges: Mutex<Vec<Exchange>>,
    applicable: AtomicUsize,
    first: Mutex<BTreeMap<String, Answer>>,
    /// Told when the request comes at which the run is killed.
    pub killed: Notify,
}

impl Wire {
    /// A wire to a world; `renewable` tells whether the credential is a token that can be had again.
    pub fn new(world: &Arc<dyn World>, spec: ConnectorSpec, renewable: bool, plan: Plan) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            spec,
            renewable,
            plan,
            exchanges: Mutex::default(),
            applicable: AtomicUsize::new(0),
            first: Mutex::default(),
            killed: Notify::new(),
        })
    }

    /// What went out, in order.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.exchanges).clone()
    }

    /// How many requests so far.
    pub fn count(&self) -> usize {
        lock(&self.exchanges).len()
    }

    /// The streams whose requests were hit.
    pub fn hit_streams(&self) -> Vec<String> {
        let exchanges = lock(&self.exchanges);
        let hit = exchanges.iter().filter(|exchange| exchange.hit);
        hit.filter_map(|exchange| Some(stream_of(&self.spec, &exchange.url)?.name.clone())).collect()
    }

    /// Whether the plan's fault hits this request.
    fn hits(&self, asked: &Asked<'_>) -> Option<&'static Fault> {
        let (fault, from, stays) = self.plan.fault?;
        if !(fault.applies)(asked) {
            return None;
        }
        let number = self.applicable.fetch_add(1, Ordering::Relaxed) + 1;
        (number == from || stays && number > from).then_some(fault)
    }

    async fn ask(&self, outgoing: &Outgoing) -> Answer {
        let url = outgoing.url.as_str().replace(&format!("?{HOP}"), "").replace(&format!("&{HOP}"), "");
        let path = url.strip_prefix(BASE).unwrap_or(&url).to_owned();
        let mut request = http::Request::builder().method(outgoing.method.clone()).uri(path);
        if let Some(headers) = request.headers_mut() {
            *headers = outgoing.headers.clone();
        }
        let request = request.body(outgoing.body.clone().unwrap_or_default()).expect("a request as it came");
        let (parts, body) = self.world.answer(request).await.into_parts();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, broken: None }
    }
}

/// The stream whose path an address fills.
pub(crate) fn stream_of<'a>(
    spec: &'a ConnectorSpec,
    url: &Url,
) -> Option<&'a userhaul_connector::spec::StreamSpec> {
    let path: Vec<&str> = url.path().split('/').collect();
    spec.streams.values().filter(|stream| stream.derived.is_none()).find(|stream| {
        let wanted: Vec<&str> = stream.path.split('/').collect();
        wanted.len() == path.len()
            && wanted.iter().zip(&path).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
    })
}

#[async_trait]
impl Transport for Wire {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason> {
        let astray = !outgoing.url.as_str().starts_with(&format!("{BASE}/"));
        let stream = stream_of(&self.spec, &outgoing.url);
        let asked = Asked {
            stream,
            url: &outgoing.url,
            get: outgoing.method == Method::GET,
            renewable: self.renewable,
        };
        let (number, fault) = {
            let mut exchanges = lock(&self.exchanges);
            let fault = if astray { None } else { self.hits(&asked) };
            let hit = fault.is_some();
            let (at, url, get) = (Instant::now(), outgoing.url.clone(), asked.get);
            exchanges.push(Exchange { at, answered: None, url, get, hit, astray });
            (exchanges.len(), fault)
        };
        if self.plan.kill_at == Some(number) {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(LATENCY).await;
        if let Some(exchange) = lock(&self.exchanges).get_mut(number - 1) {
            exchange.answered = Some(Instant::now());
        }
        if astray {
            return Ok(Answer::json(200, "[]").incoming());
        }
        let answer = self.ask(&outgoing).await;
        let first = {
            let mut first = lock(&self.first);
            first.entry(outgoing.url.path().to_owned()).or_insert_with(|| answer.clone()).clone()
        };
        match fault {
            None => Ok(answer.incoming()),
            Some(fault) => (fault.act)(answer, &asked, &first).map(Answer::incoming),
        }
    }
}

impl Answer {
    fn incoming(mut self) -> Incoming {
        if let Some(length) =
            self.headers.get_mut(http::header::CONTENT_LENGTH).filter(|_| self.broken.is_none())
        {
            *length = self.body.len().into();
        }
        let pieces = VecDeque::from([self.body]);
        Incoming { status: self.status, headers: self.headers, body: Box::new(Pieces(pieces, self.broken)) }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        headers.insert(http::header::CONTENT_LENGTH, body.len().into());
        Self { status, headers, body: Bytes::copy_from_slice(body.as_bytes()), broken: None }
    }
}

struct Pieces(VecDeque<Bytes>, Option<Reason>);

#[async_trait]
impl Chunks for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Reason> {
        match (self.0.pop_front(), self.1.take()) {
            (Some(piece), reason) => {
                self.1 = reason;
                Ok(Some(piece))
            }
            (None, Some(reason)) => Err(reason),
            (None, None) => Ok(None),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
