//! A simulator, a folder with a configuration, and the built program.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use userhaul_simulator::{Options, Running, Scenario, Vendor, sprig, thrive, userlane, userlot};

/// The rows of each table as texts, sorted.
pub(crate) type Tables = BTreeMap<String, Vec<String>>;

/// One vendor and one warehouse.
pub(crate) struct Case {
    vendor: Vendor,
    simulator: Option<Running>,
    base_url: String,
    folder: TempDir,
}

/// What a run of the program left.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl Case {
    pub(crate) async fn new(vendor: Vendor, lines: &str) -> Self {
        Self::with(vendor, lines, "").await
    }

    /// The same, with a scenario of the simulator.
    pub(crate) async fn with(vendor: Vendor, lines: &str, scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let options = Options { users: 30, seed: 1, scenario, port: 0 };
        let simulator = userhaul_simulator::start(vendor, &options).await.expect("a simulator");
        let folder = tempfile::tempdir().expect("a folder");
        let base_url = simulator.base_url.clone();
        let case = Self { vendor, simulator: Some(simulator), base_url, folder };
        case.configure(lines);
        case
    }

    /// Writes the configuration: a source called `it`.
    pub(crate) fn configure(&self, lines: &str) {
        let settings = match self.vendor {
            Vendor::Sprig => {
                format!("api_key = \"{}\"\nwith = [\"snapshots\", \"urls\", \"meta\"]\n", sprig::API_KEY)
            }
            Vendor::Thrive => {
                format!("tenant_id = \"{}\"\napi_key = \"{}\"\n", thrive::TENANT_ID, thrive::API_KEY)
            }
            Vendor::Userlane => {
                let start = if lines.contains("start_date") { "" } else { "start_date = \"2024-11-01\"\n" };
                format!("token = \"{}\"\nproperty_ids = [\"k3f9a\", \"p7x2c\"]\n{start}", userlane::TOKEN)
            }
            Vendor::Userlot => format!("api_key = \"{}\"\n", userlot::API_KEY),
        };
        let text = format!(
            "[destination]\npath = \"warehouse\"\n\n[sources.it]\nconnector = \"{}\"\nbase_url = \"{}\"\n\
             rate_limit = {{ requests = 1000, per = \"100ms\" }}\n{settings}{lines}",
            self.vendor.name(),
            self.base_url
        );
        std::fs::write(self.folder.path().join("userhaul.toml"), text).expect("a file");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("USERHAUL_STATE_DIR", self.folder.path().join("state"));
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.command(arguments);
        let output =
            tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts a run and kills it once so many requests have arrived.
    pub(crate) fn kill_at(&self, arguments: &[&str], requests: usize) {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        while self.requests() < requests {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before request {requests}");
            std::thread::yield_now();
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }

    /// The vendor goes away.
    pub(crate) fn close(&mut self) {
        self.simulator = None;
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.simulator.as_ref().map_or(0, Running::requests)
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        let secret = match self.vendor {
            Vendor::Sprig => sprig::API_KEY,
            Vendor::Thrive => thrive::API_KEY,
            Vendor::Userlane => userlane::TOKEN,
            Vendor::Userlot => userlot::API_KEY,
        };
        vec![secret.to_owned()]
    }

    fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    pub(crate) fn remove_tables(&self) {
        for group in ["it", "unified", "_userhaul/state"] {
            std::fs::remove_dir_all(self.warehouse().join(group)).expect("tables");
        }
    }

    /// All tables, every column.
    pub(crate) fn tables(&self) -> Tables {
        self.read(&[])
    }

    pub(crate) fn tables_without_lineage(&self) -> Tables {
        self.read(&["_run_id", "_extracted_at"])
    }

    fn read(&self, but: &[&str]) -> Tables {
        let mut tables = Tables::new();
        for group in ["it", "unified"] {
            for path in entries(&self.warehouse().join(group)) {
                let name = format!("{group}/{}", path.file_name().expect("a name").to_string_lossy());
                let table = userhaul_testkit::table::read(&path).expect("a table");
                let rows = table.rows.into_iter().map(|mut row| {
                    but.iter().for_each(|column| _ = row.remove(*column));
                    Value::Object(row).to_string()
                });
                let mut rows: Vec<String> = rows.collect();
                rows.sort();
                tables.insert(name, rows);
            }
        }
        tables
    }

    /// What says that answers of a stream count, the oldest run first.
    pub(crate) fn archived(&self, stream: &str) -> Vec<PathBuf> {
        let mut paths = entries(&self.warehouse().join("_userhaul/archive/it").join(stream));
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths
    }

    /// Everything in the archive, unpacked.
    pub(crate) fn unpacked(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for stream in entries(&self.warehouse().join("_userhaul/archive/it")) {
            for path in entries(&stream) {
                let bytes = std::fs::read(&path).expect("a file");
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("zst") => all.extend(zstd::stream::decode_all(bytes.as_slice()).expect("zstd")),
                    _ => all.extend(bytes),
                }
            }
        }
        all
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// How tables differ; nothing where they are the same.
pub(crate) fn differences(one: &Tables, other: &Tables) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let none = Vec::new();
    let mut problems = Vec::new();
    for name in names {
        let (before, after) = (one.get(name).unwrap_or(&none), other.get(name).unwrap_or(&none));
        if before != after {
            let lost = before.iter().find(|row| !after.contains(row));
            let new = after.iter().find(|row| !before.contains(row));
            problems.push(format!(
                "{name}: {} rows, then {}; lost {lost:?}; new {new:?}",
                before.len(),
                after.len()
            ));
        }
    }
    problems
}
