//! Vendors to write to, and what arrived there.

use serde_json::Value;
use tokio::runtime::Runtime;
use userhaul_simulator::{Options, Running, Scenario, Vendor};

use crate::folder::{Folder, Outcome};

/// A vendor on loopback, and a folder whose configuration has it as the source `it`.
pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) folder: Folder,
    source: String,
    _runtime: Runtime,
}

impl World {
    /// A vendor of 40 people. `source` is what its source needs besides the address.
    pub(crate) fn new(vendor: Vendor, scenario: &str, source: &str) -> Self {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let options = Options { users: 40, scenario, ..Options::default() };
        let running = runtime.block_on(userhaul_simulator::start(vendor, &options)).expect("a free port");
        let source = format!(
            "[sources.it]\nconnector = \"{}\"\nbase_url = \"{}\"\nrate_limit = {{ requests = 10000, per = \"1s\" }}\n{source}\n",
            vendor.name(),
            running.base_url
        );
        let folder = Folder::with(&format!("[destination]\npath = \"w\"\n\n{source}"));
        Self { running, folder, source, _runtime: runtime }
    }

    /// Adds to the configuration.
    pub(crate) fn configure(&self, more: &str) {
        self.folder
            .write("userhaul.toml", &format!("[destination]\npath = \"w\"\n\n{}\n{more}\n", self.source));
    }

    pub(crate) fn push(&self, arguments: &[&str]) -> Outcome {
        let mut all = vec!["push"];
        all.extend(arguments);
        self.folder.run(&all)
    }

    /// The requests that write, as `METHOD path`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let log = self.log();
        let arrivals = log["arrivals"].as_array().expect("arrivals").iter();
        let word = |value: &Value| value.as_str().expect("a text").to_owned();
        let lines =
            arrivals.map(|arrival| format!("{} {}", word(&arrival["method"]), word(&arrival["path"])));
        lines.filter(|line| !line.starts_with("GET")).collect()
    }

    /// Everything that came, from the simulator's own path.
    pub(crate) fn log(&self) -> Value {
        use std::io::{Read, Write};
        let address = self.running.base_url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).expect("the simulator listens");
        write!(stream, "GET /__sim/log HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        crate::folder::json(text.split_once("\r\n\r\n").expect("a body").1)
    }

    /// The rows of a stream that the vendor holds.
    pub(crate) fn truth(&self, stream: &str) -> Vec<Value> {
        self.running.truth(stream).expect("a stream of the simulator")
    }

    /// The lines of a file of JSON.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join(name)).expect("the file");
        text.lines().map(crate::folder::json).collect()
    }

    /// Nothing was asked that the reference does not allow.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.running.violations(), Vec::<String>::new());
    }

    /// No file but the input, the errors and the undo file holds this text.
    pub(crate) fn assert_nowhere(&self, secret: &str, but: &[&str]) {
        for path in self.folder.files() {
            if but.contains(&path.as_str()) || path == "userhaul.toml" {
                continue;
            }
            let bytes = std::fs::read(self.folder.path().join(&path)).expect("a file");
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{path} holds {secret}"
            );
        }
    }
}

/// The record of a push with `--json`.
pub(crate) fn rows(outcome: &Outcome) -> Value {
    outcome.json()["rows"].clone()
}

/// `(read, applied, unchanged, failed, unknown, not_sent)`.
pub(crate) fn counts(outcome: &Outcome) -> [u64; 6] {
    let rows = rows(outcome);
    ["read", "applied", "unchanged", "failed", "unknown", "not_sent"]
        .map(|name| rows[name].as_u64().expect("a count"))
}
