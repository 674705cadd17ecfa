//! What a request costs besides its vendor: throttle, signature, account, and judging an answer that is there at once.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use userhaul_client::{Chunks, Client, ClientSettings, Incoming, Outgoing, Reason, Silent, Transport};
use userhaul_connector::{
    auth::AuthSpec,
    quota::{Quota, QuotaMode},
    request::{Method, Request, Target},
};

use crate::Failure;

/// The ways in which a quota is kept.
pub(crate) const WAYS: [(&str, QuotaMode, bool); 3] = [
    ("window", QuotaMode::Window, false),
    ("paced", QuotaMode::Paced, false),
    ("window, remembered on disk", QuotaMode::Window, true),
];

/// Sends so many requests, one after the other, under a quota that never makes one wait.
pub(crate) fn send(count: u32, mode: QuotaMode, memory: Option<&Path>) -> Result<(), Failure> {
    let quota = Quota { requests: 1_000_000_000, per: Duration::from_secs(1), mode };
    let base = "https://api.example.com".parse()?;
    let settings =
        ClientSettings { quota_dir: memory.map(Path::to_owned), ..ClientSettings::new(base, quota, 8) };
    let client = Client::with_transport(settings, Arc::new(Silent), Arc::new(AtOnce))?;
    let request = Request {
        method: Method::Get,
        target: Target::Path("/users".to_owned()),
        query: vec![("page".to_owned(), "7".to_owned()), ("perPage".to_owned(), "1000".to_owned())],
        auth: AuthSpec::Header {
            name: "Authorization".to_owned(),
            scheme: Some("Bearer".to_owned()),
            key: "bench".into(),
        },
        accept: Vec::new(),
        timeout: Duration::from_secs(60),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        for _ in 0..count {
            client.send(&request).await?;
        }
        Ok(())
    })
}

/// Answers every request with an empty object.
struct AtOnce;

#[async_trait]
impl Transport for AtOnce {
    async fn exchange(&self, _: Outgoing) -> Result<Incoming, Reason> {
        let body = Box::new(Once(Some(Bytes::from_static(b"{}"))));
        Ok(Incoming { status: 200, headers: HeaderMap::new(), body })
    }
}

struct Once(Option<Bytes>);

#[async_trait]
impl Chunks for Once {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Reason> {
        Ok(self.0.take())
    }
}
