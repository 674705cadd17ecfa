//! Faults on the wire, played by real sockets on loopback. Delays are scaled down; nothing sleeps.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use url::Url;

use super::script::{get, wide};
use crate::{Client, ClientError, ClientSettings, ErrorKind, Reason, RetrySettings, SendError, Silent};

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";

/// A server that plays one script a connection, the last one for ever, and reports the heads of the requests.
async fn server(scripts: Vec<&'static str>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tell, heads) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let script = scripts.get(number).or(scripts.last()).copied().unwrap_or(WHOLE);
            let tell = tell.clone();
            tokio::spawn(async move {
                let _told = tell.send(head(&mut stream).await);
                if script == "reset" {
                    let _set = stream.set_zero_linger();
                    return;
                }
                let (text, open) = script.strip_suffix("…").map_or((script, false), |text| (text, true));
                let _sent = stream.write_all(text.as_bytes()).await;
                if open {
                    // The other side closes when it has had enough.
                    let _closed = stream.read(&mut [0]).await;
                }
            });
        }
    });
    (address, heads)
}

async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn settings(base: &str) -> ClientSettings {
    let mut settings = ClientSettings::new(Url::parse(base).expect("a URL"), wide(), 4);
    settings.retry = RetrySettings {
        first_delay: Duration::from_millis(1),
        refused_first_delay: Duration::from_millis(1),
        ..RetrySettings::default()
    };
    settings.limits.throughput_window = Duration::from_millis(50);
    settings
}

fn client(address: SocketAddr) -> Client {
    Client::new(settings(&format!("http://{address}")), Arc::new(Silent)).expect("good settings")
}

async fn failure(script: &'static str) -> SendError {
    let (address, _heads) = server(vec![script]).await;
    client(address).send(&get("/x")).await.expect_err("a failure")
}

#[tokio::test]
async fn a_page_comes_over_the_wire() {
    let (address, mut heads) = server(vec![WHOLE]).await;
    let page = client(address).send(&get("/x")).await.expect("a page");
    assert_eq!(&*page.body, b"[]");
    let head = heads.recv().await.expect("a request").to_ascii_lowercase();
    assert!(head.starts_with("get /x http/1.1\r\n"), "{head}");
    for line in
        ["apikey: s3cret-key", "accept: application/json", "accept-encoding: gzip", "user-agent: userhaul/"]
    {
        assert!(head.contains(line), "{head}");
    }
    for name in ["referer", "cookie"] {
        assert!(!head.contains(name), "{head}");
    }
}

#[tokio::test]
async fn cut_and_reset_answers_are_repeated() {
    for script in [
        "",
        "reset",
        "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n[1,2",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n[1,2\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[1,2",
        "HTTP/1.1 200 OK\r\ncontent-le",
    ] {
        let (address, _heads) = server(vec![script, WHOLE]).await;
        let page =
            client(address).send(&get("/x")).await.unwrap_or_else(|error| panic!("{script:?}: {error}"));
        assert_eq!(page.attempts.retries, 1, "{script:?}");
        let error = failure(script).await;
        assert_eq!(
            (error.kind(), error.reason(), error.tries()),
            (ErrorKind::Transient, &Reason::CutShort, 6),
            "{script:?}"
        );
    }
}

#[tokio::test]
async fn a_garbage_status_line_is_transient() {
    let error = failure("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Transient, &Reason::Garbled));
}

#[tokio::test]
async fn a_refused_connection_is_named() {
    let address = TcpListener::bind("127.0.0.1:0").await.and_then(|free| free.local_addr()).expect("a port");
    let error = client(address).send(&get("/x?")).await.err();
    assert!(error.is_some_and(|error| error.reason() == &Reason::BadTarget));
    let error = client(address).send(&get("/x")).await.expect_err("nobody there");
    assert_eq!((error.kind(), error.reason(), error.tries()), (ErrorKind::Transient, &Reason::Refused, 5));
    assert!(
        error.to_string().starts_with(&format!("`http://{address}/x` refused the connection, tried 5 times"))
    );
}

#[tokio::test]
async fn a_host_without_an_address_is_named() {
    let client = Client::new(settings("https://nowhere.invalid"), Arc::new(Silent)).expect("good settings");
    let error = client.send(&get("/x")).await.expect_err("no host");
    assert_eq!(error.reason(), &Reason::Dns { host: "nowhere.invalid".into() });
    assert_eq!(error.kind(), ErrorKind::Transient);
}

#[tokio::test]
async fn a_slow_loris_body_is_too_slow() {
    let error = failure("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1,…").await;
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Transient, &Reason::TooSlow));
}

#[tokio::test]
async fn a_promised_giant_is_refused_at_its_head() {
    let error = failure("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n[…").await;
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Vendor, 1));
}

#[tokio::test]
async fn a_tls_failure_is_a_matter_of_settings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _closed = stream.read(&mut [0; 4096]).await;
        }
    });
    let client =
        Client::new(settings(&format!("https://{address}")), Arc::new(Silent)).expect("good settings");
    let error = client.send(&get("/x")).await.expect_err("no TLS there");
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Settings, 1), "{error}");
}

#[tokio::test]
async fn a_redirect_elsewhere_carries_no_key_there() {
    let (other, mut visits) = server(vec![WHOLE]).await;
    let head: &'static str = Box::leak(
        format!("HTTP/1.1 302 Found\r\nlocation: http://{other}/x\r\ncontent-length: 0\r\n\r\n")
            .into_boxed_str(),
    );
    let error = failure(head).await;
    assert!(matches!(error.reason(), Reason::RedirectElsewhere { .. }), "{error}");
    assert!(visits.try_recv().is_err());
}

#[tokio::test]
async fn a_connection_is_kept_and_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        for _ in 0..3 {
            head(&mut stream).await;
            stream.write_all(WHOLE.as_bytes()).await.expect("still open");
        }
    };
    let client = client(address);
    let ask = async {
        for _ in 0..3 {
            client.send(&get("/x")).await.expect("a page");
        }
    };
    tokio::join!(serve, ask);
}

#[test]
fn plain_http_is_refused_but_for_loopback() {
    let error = Client::new(settings("http://h.example"), Arc::new(Silent)).err();
    assert!(matches!(error, Some(ClientError::Unencrypted { .. })));
}
