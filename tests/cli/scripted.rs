//! A vendor that answers as a test says, for what the simulators do not play.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A server on loopback, until the test ends.
pub(crate) struct Scripted {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Answers each request's path and query with a status and a body.
    pub(crate) fn start(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::with_headers("", answer)
    }

    /// The same, with more lines in each answer's head.
    pub(crate) fn with_headers(
        headers: &'static str,
        answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, asked) = (Arc::clone(&answer), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, headers, answer.as_ref(), &asked));
            }
        });
        Self { url, asked }
    }

    /// What was asked for below a path, in order.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("no test panics while it holds this");
        asked.iter().filter(|target| target.starts_with(path)).cloned().collect()
    }
}

/// One request a connection.
fn serve(
    mut stream: TcpStream,
    headers: &str,
    answer: &(dyn Fn(&str) -> (u16, String) + Send + Sync),
    asked: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    for line in lines {
        if line.is_empty() {
            break;
        }
    }
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, body) = answer(&target);
    asked.lock().expect("no test panics while it holds this").push(target);
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    // A client that has gone is the test's to notice.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
