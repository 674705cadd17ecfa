//! A world on a real socket, spoiled where only a socket can be: connections that end, lines that are no HTTP, bodies
//! that stop.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

use crate::subject::World;

/// What happens to an answer on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// The connection is reset before the answer.
    Reset,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// Closed before the announced length.
    CutLength,
    /// Closed between two chunks.
    CutChunks,
    /// A body that ends with its connection ends early: HTTP cannot see it.
    CutClose,
    /// Closed without a byte.
    EmptyReply,
    /// The head stops half-way.
    CutHead,
    /// Something that is no HTTP.
    Garbage,
    /// Half of the body, and then nothing for ever.
    Trickle,
    /// No answer at all; tells [`Proxy::hanging`].
    Hang,
}

impl Spoil {
    /// Those that end by themselves.
    pub const ALL: [Self; 9] = [
        Self::Reset,
        Self::ResetInBody,
        Self::CutLength,
        Self::CutChunks,
        Self::CutClose,
        Self::EmptyReply,
        Self::CutHead,
        Self::Garbage,
        Self::Trickle,
    ];
}

/// Which requests are spoiled how.
#[derive(Debug, Clone, Copy)]
pub struct Spoiling {
    /// How.
    pub spoil: Spoil,
    /// The first one, from 1; only requests that read are counted.
    pub from: usize,
    /// Whether all that follow are spoiled too.
    pub stays: bool,
}

/// A server of a world. It stops when this is dropped.
pub struct Proxy {
    /// `http://127.0.0.1:{port}`.
    pub base_url: String,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    world: Arc<dyn World>,
    spoiling: Option<Spoiling>,
    reads: AtomicUsize,
    hanging: Notify,
}

impl Proxy {
    /// Serves a world on a free port of this machine. Must be called within a runtime.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(world: Arc<dyn World>, spoiling: Option<Spoiling>) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State { world, spoiling, reads: AtomicUsize::new(0), hanging: Notify::new() });
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away is no error of the server.
                    let _gone = serve(&state, stream).await;
                });
            }
        });
        Self { base_url: format!("http://{address}"), state, server }
    }

    /// Requests so far that read.
    pub fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }

    /// Returns when a request hangs.
    pub async fn hanging(&self) {
        self.state.hanging.notified().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers the requests of one connection.
async fn serve(state: &State, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let spoil = (request.method() == http::Method::GET).then(|| {
            let number = state.reads.fetch_add(1, Ordering::SeqCst) + 1;
            let due = |one: &Spoiling| number == one.from || one.stays && number > one.from;
            state.spoiling.filter(due).map(|one| one.spoil)
        });
        let response = state.world.answer(request).await;
        match spoil.flatten() {
            None => write(&mut stream, &response).await?,
            Some(Spoil::Hang) => {
                state.hanging.notify_one();
                return std::future::pending().await;
            }
            Some(spoil) => return spoiled(stream.into_inner(), &response, spoil).await,
        }
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<http::Request<Bytes>>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let mut request = http::Request::builder()
        .method(words.next().unwrap_or_default())
        .uri(words.next().unwrap_or_default());
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap_or(0);
        }
        request = request.header(name, value);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(request.body(body.into()).ok())
}

/// The head of an answer without what frames its body.
fn head(response: &http::Response<Bytes>) -> String {
    let status = response.status();
    let mut head = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or("Odd"));
    for (name, value) in response.headers() {
        if name != http::header::CONTENT_LENGTH && name != http::header::TRANSFER_ENCODING {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
        }
    }
    head
}

async fn write(stream: &mut BufReader<TcpStream>, response: &http::Response<Bytes>) -> std::io::Result<()> {
    let body = response.body();
    let head = format!("{}content-length: {}\r\n\r\n", head(response), body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    stream.flush().await
}

async fn spoiled(
    mut stream: TcpStream,
    response: &http::Response<Bytes>,
    spoil: Spoil,
) -> std::io::Result<()> {
    let body = response.body();
    let half = body.slice(..body.len() / 2);
    let announced = format!("{}content-length: {}\r\n\r\n", head(response), body.len() + 1);
    let start = match spoil {
        Spoil::Reset | Spoil::EmptyReply | Spoil::Hang => Vec::new(),
        Spoil::ResetInBody | Spoil::CutLength | Spoil::Trickle => [announced.as_bytes(), &half].concat(),
        Spoil::CutChunks => {
            let head =
                format!("{}transfer-encoding: chunked\r\n\r\n{:x}\r\n", head(response), half.len().max(1));
            [head.as_bytes(), &half, b"\r\n"].concat()
        }
        Spoil::CutClose => {
            [format!("{}connection: close\r\n\r\n", head(response)).as_bytes(), &half].concat()
        }
        Spoil::CutHead => b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
        Spoil::Garbage => b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(),
    };
    stream.write_all(&start).await?;
    match spoil {
        // The other side closes when it has had enough.
        Spoil::Trickle => drop(stream.read(&mut [0]).await),
        Spoil::Reset | Spoil::ResetInBody => stream.set_zero_linger()?,
        _ => {}
    }
    Ok(())
}
