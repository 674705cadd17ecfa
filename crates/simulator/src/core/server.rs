//! Serving a vendor on loopback, with the log, the limiter and the faults in front of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    fault::{FaultKind, Faults},
    limiter::Limiter,
    log::{Log, Report},
    scenario::{Scenario, Switches, VendorScenario},
};

/// A vendor that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Sprig, `https://api.sprig.com`.
    Sprig,
    /// Thrive Learning, `https://public.api.learn.link`.
    Thrive,
    /// Userlane, `https://api.userlane.com`.
    Userlane,
    /// Userlot, `https://{subdomain}.userlot.app`.
    Userlot,
}

impl Vendor {
    /// All of them, in alphabetical order.
    pub const ALL: [Self; 4] = [Self::Sprig, Self::Thrive, Self::Userlane, Self::Userlot];

    /// The vendor's name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sprig => "sprig",
            Self::Thrive => "thrive",
            Self::Userlane => "userlane",
            Self::Userlot => "userlot",
        }
    }

    fn scenario(self, scenario: &Scenario) -> &VendorScenario {
        match self {
            Self::Sprig => &scenario.sprig,
            Self::Thrive => &scenario.thrive,
            Self::Userlane => &scenario.userlane,
            Self::Userlot => &scenario.userlot,
        }
    }
}

/// What world to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many people there are.
    pub users: usize,
    /// The same seed gives the same world.
    pub seed: u64,
    /// Switches, limits and faults.
    pub scenario: Scenario,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { users: 200, seed: 1, scenario: Scenario::default(), port: 0 }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A switch that the vendor does not have.
    #[error("{vendor}: {reason}")]
    Switch {
        /// The vendor's name.
        vendor: &'static str,
        /// Which switch.
        reason: String,
    },
    /// The port is taken, or loopback is not there.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// A running simulator. It stops when this is dropped.
pub struct Running {
    /// Which vendor.
    pub vendor: Vendor,
    /// `http://127.0.0.1:{port}`, without a slash at the end.
    pub base_url: String,
    core: Arc<Core>,
    truth: Truth,
    server: JoinHandle<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Running").field("vendor", &self.vendor).finish_non_exhaustive()
    }
}

impl Running {
    /// Requests so far that the reference does not allow.
    pub fn violations(&self) -> Vec<String> {
        self.core.log().violations.clone()
    }

    /// Every row of a stream as the vendor sends it, by the stream's name in the reference; none for an unknown name.
    pub fn truth(&self, stream: &str) -> Option<Vec<Value>> {
        (self.truth)(stream)
    }

    /// Requests so far, the simulator's own paths not counted.
    pub fn requests(&self) -> usize {
        self.core.log().arrivals.len()
    }

    /// How many were answered 429.
    pub fn refused(&self) -> usize {
        self.core.log().arrivals.iter().filter(|arrival| arrival.status == 429).count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What every vendor's handlers may use.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) users: usize,
    pub(crate) seed: u64,
    pub(crate) switches: Switches,
    log: Mutex<Log>,
    limiter: Mutex<Option<Limiter>>,
    faults: Mutex<Faults>,
}

impl Core {
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request that the reference does not allow.
    pub(crate) fn violation(&self, what: impl Into<String>) {
        self.log().violations.push(what.into());
    }
}

/// What a vendor's module provides.
pub(crate) struct Api {
    /// The vendor's own routes.
    pub(crate) router: Router,
    /// Every row of a stream as the vendor sends it, by the stream's name in the reference; none for an unknown name.
    pub(crate) truth: Truth,
}

/// Rows by the name of their stream.
pub(crate) type Truth = Arc<dyn Fn(&str) -> Option<Vec<Value>> + Send + Sync>;

/// Starts a vendor's simulator.
///
/// # Errors
/// When the scenario names a switch that the vendor does not have, or the port cannot be had.
pub async fn start(vendor: Vendor, options: &Options) -> Result<Running, StartError> {
    let scenario = vendor.scenario(&options.scenario);
    let known = match vendor {
        Vendor::Sprig => crate::sprig::SWITCHES,
        Vendor::Thrive => crate::thrive::SWITCHES,
        Vendor::Userlane => crate::userlane::SWITCHES,
        Vendor::Userlot => crate::userlot::SWITCHES,
    };
    let switches = Switches::new(known, &scenario.switches)
        .map_err(|reason| StartError::Switch { vendor: vendor.name(), reason })?;
    let now = Instant::now();
    let default_limit = match vendor {
        Vendor::Sprig => Some(crate::sprig::DEFAULT_LIMIT),
        Vendor::Thrive | Vendor::Userlane | Vendor::Userlot => None,
    };
    let limit = scenario.limit.clone().or_else(|| default_limit.map(|make| make()));
    let core = Arc::new(Core {
        users: options.users,
        seed: options.seed,
        switches,
        log: Mutex::new(Log::new(now)),
        limiter: Mutex::new(limit.map(|limit| Limiter::new(limit, now))),
        faults: Mutex::new(Faults::new(scenario.faults.clone())),
    });
    let api = match vendor {
        Vendor::Sprig => crate::sprig::api(&core),
        Vendor::Thrive => crate::thrive::api(&core),
        Vendor::Userlane => crate::userlane::api(&core),
        Vendor::Userlot => crate::userlot::api(&core),
    };
    let truth = Arc::clone(&api.truth);
    let own = Router::new()
        .route("/__sim/log", get(log))
        .route("/__sim/switches", get(switches_in_force))
        .with_state(Arc::clone(&core))
        .route(
            "/__sim/truth/{stream}",
            get(move |Path(stream): Path<String>| async move {
                (api.truth)(&stream)
                    .map_or(StatusCode::NOT_FOUND.into_response(), |rows| Json(rows).into_response())
            }),
        );
    let guarded = api.router.layer(axum::middleware::from_fn_with_state(Arc::clone(&core), guard)).merge(own);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))
        .await
        .map_err(|source| StartError::Listen { port: options.port, source })?;
    let port =
        listener.local_addr().map_err(|source| StartError::Listen { port: options.port, source })?.port();
    let server = tokio::spawn(async move {
        // It ends only by being aborted.
        let _ = axum::serve(listener, guarded).await;
    });
    Ok(Running { vendor, base_url: format!("http://127.0.0.1:{port}"), core, truth, server })
}

async fn log(State(core): State<Arc<Core>>) -> Response {
    let log = core.log();
    Json(Report { arrivals: &log.arrivals, violations: &log.violations }).into_response()
}

async fn switches_in_force(State(core): State<Arc<Core>>) -> Response {
    Json(core.switches.all()).into_response()
}

/// Logs, counts and spoils a request before the vendor sees it.
async fn guard(State(core): State<Arc<Core>>, request: Request, next: Next) -> Response {
    let now = Instant::now();
    let path = request.uri().path().to_owned();
    let entry =
        core.log().arrived(now, request.method().as_str(), &path, request.uri().query().unwrap_or_default());
    let refused = refusal(&core, now);
    let fault =
        core.faults.lock().unwrap_or_else(PoisonError::into_inner).hit(request.method().as_str(), &path);
    let response = match (refused, fault) {
        (Some(refused), _) => refused,
        (None, None) => next.run(request).await,
        (None, Some(FaultKind::Delay { ms })) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(request).await
        }
        (None, Some(FaultKind::CutAfter)) => {
            // The answer is thrown away; what was done is done.
            drop(next.run(request).await);
            spoiled(&FaultKind::Reset)
        }
        (None, Some(FaultKind::Truncate)) => truncated(next.run(request).await).await,
        (None, Some(kind)) => spoiled(&kind),
    };
    core.log().arrivals[entry].status = response.status().as_u16();
    response
}

fn refusal(core: &Core, now: Instant) -> Option<Response> {
    let mut limiter = core.limiter.lock().unwrap_or_else(PoisonError::into_inner);
    let limiter = limiter.as_mut()?;
    let wait = limiter.admit(now).err()?;
    let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
    let seconds = wait.as_secs() + 1;
    let value = match limiter.retry_after() {
        "seconds" => Some(seconds.to_string()),
        "date" => {
            #[expect(clippy::disallowed_methods, reason = "`Retry-After` as a date is on the server's clock")]
            let at = jiff::Timestamp::now()
                + jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(60));
            Some(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        }
        _ => None,
    };
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    Some(response)
}

fn spoiled(kind: &FaultKind) -> Response {
    match kind {
        FaultKind::Status { status, headers, body } => {
            let mut response = Response::builder().status(*status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response
                .body(Body::from(body.clone()))
                .unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
        }
        FaultKind::Html => {
            ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><title>Sign in</title>").into_response()
        }
        FaultKind::Redirect { location } => {
            (StatusCode::FOUND, [(header::LOCATION, location.clone())]).into_response()
        }
        FaultKind::Reset => {
            let cut = futures::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("cut")) });
            Response::new(Body::from_stream(cut))
        }
        FaultKind::Truncate | FaultKind::Delay { .. } | FaultKind::CutAfter => {
            unreachable!("the caller runs the vendor's code for these")
        }
    }
}

/// Sends half of the body, then cuts the connection.
async fn truncated(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    let cut = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
    let mut response = Response::from_parts(parts, Body::from_stream(cut));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}
