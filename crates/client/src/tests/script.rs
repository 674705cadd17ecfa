//! A transport that plays answers, and short ways to build what tests need.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use tokio::time::{Instant, sleep};
use url::Url;
use userhaul_connector::{
    auth::AuthSpec,
    quota::{Quota, QuotaMode},
    request::{Method, Request, Target},
};

use crate::{Chunks, Client, ClientSettings, Event, Incoming, Observer, Outgoing, Reason, Transport};

pub(super) const BASE: &str = "https://api.example/v1";

/// One scripted answer.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) result: Result<u16, Reason>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
    pub(super) after: Duration,
}

pub(super) fn reply(status: u16, body: &str) -> Reply {
    Reply {
        result: Ok(status),
        headers: vec![("content-length", body.len().to_string())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        after: Duration::from_millis(10),
    }
}

pub(super) fn ok() -> Reply {
    reply(200, "{\"ok\":true}")
}

pub(super) fn fault(reason: Reason) -> Reply {
    Reply { result: Err(reason), ..ok() }
}

impl Reply {
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn bytes(mut self, body: Vec<u8>) -> Self {
        self.headers.retain(|(name, _)| *name != "content-length");
        self.headers.push(("content-length", body.len().to_string()));
        self.body = body.into();
        self
    }

    pub(super) fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

/// What was asked, and when.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) at: Instant,
    pub(super) outgoing: Outgoing,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.outgoing.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn form(&self) -> String {
        String::from_utf8_lossy(self.outgoing.body.as_deref().unwrap_or_default()).into_owned()
    }
}

type Answering = dyn Fn(&Outgoing, usize) -> Reply + Send + Sync;

/// A transport that answers by a function of the request and its number.
pub(super) struct Script {
    answer: Box<Answering>,
    asked: Mutex<Vec<Asked>>,
}

impl Script {
    pub(super) fn of(answer: impl Fn(&Outgoing, usize) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), asked: Mutex::default() })
    }

    /// Plays the replies in order, the last one for ever.
    pub(super) fn play(replies: Vec<Reply>) -> Arc<Self> {
        Self::of(move |_, number| replies.get(number).or(replies.last()).cloned().unwrap_or_else(ok))
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics here").clone()
    }

    /// Seconds from the first request to each.
    pub(super) fn times(&self) -> Vec<f64> {
        let asked = self.asked();
        asked.iter().map(|one| (one.at - asked[0].at).as_secs_f64()).collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason> {
        let reply = {
            let mut asked = self.asked.lock().expect("no test panics here");
            asked.push(Asked { at: Instant::now(), outgoing: outgoing.clone() });
            (self.answer)(&outgoing, asked.len() - 1)
        };
        sleep(reply.after).await;
        let status = reply.result?;
        let pairs = reply.headers.iter();
        let headers: HeaderMap = pairs
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect();
        Ok(Incoming { status, headers, body: Box::new(Pieces(VecDeque::from([reply.body]))) })
    }
}

struct Pieces(VecDeque<Bytes>);

#[async_trait]
impl Chunks for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Reason> {
        Ok(self.0.pop_front())
    }
}

/// An observer that remembers.
#[derive(Default)]
pub(super) struct Diary(pub(super) Mutex<Vec<Event>>);

impl Observer for Diary {
    fn event(&self, event: Event) {
        self.0.lock().expect("no test panics here").push(event);
    }
}

impl Diary {
    pub(super) fn events(&self) -> Vec<Event> {
        self.0.lock().expect("no test panics here").clone()
    }
}

pub(super) fn quota(requests: u32, seconds: u64, mode: QuotaMode) -> Quota {
    Quota { requests, per: Duration::from_secs(seconds), mode }
}

pub(super) fn wide() -> Quota {
    quota(10_000, 1, QuotaMode::Window)
}

pub(super) fn settings(quota: Quota) -> ClientSettings {
    ClientSettings::new(Url::parse(BASE).expect("a URL"), quota, 8)
}

pub(super) fn client(quota: Quota, script: &Arc<Script>) -> Client {
    observed(quota, script).0
}

pub(super) fn observed(quota: Quota, script: &Arc<Script>) -> (Client, Arc<Diary>) {
    let diary = Arc::new(Diary::default());
    let transport: Arc<dyn Transport> = script.clone();
    (Client::with_transport(settings(quota), diary.clone(), transport).expect("good settings"), diary)
}

pub(super) fn get(path: &str) -> Request {
    Request {
        method: Method::Get,
        target: Target::Path(path.to_owned()),
        query: Vec::new(),
        auth: AuthSpec::Header { name: "ApiKey".into(), scheme: None, key: "s3cret-key".into() },
        accept: Vec::new(),
        timeout: Duration::from_secs(120),
    }
}

pub(super) fn oauth(scope: Option<&str>) -> Request {
    Request {
        auth: AuthSpec::ClientCredentials {
            token_url: "https://login.example/token".into(),
            client_id: "id".into(),
            client_secret: "s3cret".into(),
            scope: scope.map(str::to_owned),
            form_encoded: true,
        },
        ..get("/users")
    }
}
