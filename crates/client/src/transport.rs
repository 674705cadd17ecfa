//! The wire: one request out, one answer in. The only file that names reqwest.
//!
//! It follows no redirect, asks no proxy, keeps no cookie, sends no referer and repeats nothing.

#![expect(clippy::disallowed_methods, reason = "the one place that makes a client")]

use std::{
    error::Error,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Once, OnceLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::{dns, redirect};
use url::Url;

use crate::{
    error::{ClientError, Reason},
    redact,
    settings::ClientSettings,
};

/// Carries requests. One implementation talks HTTP, tests bring scripted ones.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request, once, and gives the answer's head with its body still to be read. Dropping the future ends the
    /// connection.
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason>;
}

/// A signed request.
#[derive(Clone)]
pub struct Outgoing {
    /// The verb.
    pub method: Method,
    /// The absolute URL.
    pub url: Url,
    /// All headers but those of the connection.
    pub headers: HeaderMap,
    /// The body, for forms.
    pub body: Option<Bytes>,
}

impl fmt::Debug for Outgoing {
    /// Shows neither query nor body: forms hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, redact::url(&self.url))
    }
}

/// The head of an answer, with its body to come.
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// The headers, as they came.
    pub headers: HeaderMap,
    /// The body, as it comes over the wire.
    pub body: Box<dyn Chunks>,
}

/// A body that is being received.
#[async_trait]
pub trait Chunks: Send {
    /// The next piece, `None` at the end. Dropping the future loses nothing.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Reason>;
}

pub(crate) struct HttpTransport {
    settings: ClientSettings,
    /// For loopback.
    plain: OnceLock<Built>,
    /// For everybody else. The system's certificates are read for it, hundreds of files.
    encrypted: OnceLock<Built>,
}

type Built = Result<reqwest::Client, String>;

impl HttpTransport {
    pub(crate) fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        static PROVIDER: Once = Once::new();
        // An error means that the program has chosen a provider already, which is as good.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let (plain, encrypted) = (OnceLock::new(), OnceLock::new());
        let transport = Self { settings: settings.clone(), plain, encrypted };
        transport.client(&settings.base_url).map_err(|why| ClientError::Setup { why })?;
        Ok(transport)
    }

    /// What is made when it is needed first: a machine without certificates can still talk to a simulator.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(|error| innermost(&error));
        let built = match url.scheme() {
            "http" => self.plain.get_or_init(|| build(builder(&self.settings).tls_certs_only([]))),
            _ => self.encrypted.get_or_init(|| build(builder(&self.settings))),
        };
        built.as_ref().map_err(String::clone)
    }
}

fn builder(settings: &ClientSettings) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .user_agent(settings.user_agent.as_str())
        .connect_timeout(settings.connect_timeout)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(settings.max_concurrency)
        // Node's servers close after 5 s of idling; a connection must not be closed while we take it up again.
        .pool_idle_timeout(std::time::Duration::from_secs(4))
        .dns_resolver(Arc::new(Resolver))
}

#[async_trait]
impl Transport for HttpTransport {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason> {
        let client = self.client(&outgoing.url).map_err(|why| Reason::Tls { why })?;
        let mut request = client.request(outgoing.method, outgoing.url).headers(outgoing.headers);
        if let Some(body) = outgoing.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(|error| classify(&error))?;
        Ok(Incoming {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: Box::new(HttpChunks(response)),
        })
    }
}

struct HttpChunks(reqwest::Response);

#[async_trait]
impl Chunks for HttpChunks {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Reason> {
        self.0.chunk().await.map_err(|error| classify(&error))
    }
}

/// What a failure of the library means. Its own `is_…` answers do not tell (a reset in mid-body is "decode", a garbled status line
/// is "request"), so the chain of causes decides.
fn classify(error: &reqwest::Error) -> Reason {
    let connecting = error.is_connect();
    for cause in causes(error) {
        if let Some(NoAddress(host)) = cause.downcast_ref() {
            return Reason::Dns { host: host.clone() };
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Reason::Tls { why: tls.to_string() };
        }
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return Reason::Refused,
            Some(io::ErrorKind::TimedOut) if connecting => return Reason::ConnectTimeout,
            _ => {}
        }
    }
    match (connecting, error.is_timeout()) {
        (true, true) => Reason::ConnectTimeout,
        (true, false) => Reason::Connect,
        // hyper names a parse error by its text alone; everything else is an answer that ended early.
        (false, _) if innermost(error).contains("invalid HTTP") => Reason::Garbled,
        (false, _) => Reason::CutShort,
    }
}

/// All that stands behind an error.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| match error.downcast_ref::<io::Error>() {
        // An `io::Error` passes over what it wraps in `source`.
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// The system's resolver, with an error that can be told from others.
struct Resolver;

#[derive(Debug, thiserror::Error)]
#[error("no address for `{0}`")]
struct NoAddress(String);

impl dns::Resolve for Resolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            if addresses.is_empty() {
                return Err(Box::new(NoAddress(host)) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(addresses.into_iter()) as dns::Addrs)
        })
    }
}
