//! One sync of the built program against a simulator.

use std::{fmt::Write as _, path::PathBuf, process::Command, sync::Arc};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use userhaul_simulator::{Options, Running, Scenario, Vendor};

use crate::{
    expect::{self, Notes},
    table,
};

/// A simulator's world and what the configuration says besides the usual.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) vendor: Vendor,
    pub(crate) switches: Vec<(&'static str, &'static str)>,
    /// Faults of the simulator, as an array of TOML.
    pub(crate) faults: &'static str,
    pub(crate) users: usize,
    pub(crate) seed: u64,
    /// Lines of the source.
    pub(crate) source: String,
}

impl Case {
    pub(crate) fn named(&self) -> String {
        let switches: Vec<String> =
            self.switches.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} [{}] users {} seed {}", self.vendor.name(), switches.join(" "), self.users, self.seed)
    }
}

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) report: Value,
    pub(crate) stderr: String,
    pub(crate) simulator: Running,
    pub(crate) folder: TempDir,
    /// The stream of each table: its key.
    pub(crate) streams: Vec<(String, Vec<String>)>,
    config: PathBuf,
}

/// Syncs once.
pub(crate) async fn sync(case: &Case) -> Outcome {
    let vendor = case.vendor.name();
    let mut text = format!("[{vendor}]\nfaults = [{}]\n[{vendor}.switches]\n", case.faults);
    for (name, value) in &case.switches {
        writeln!(text, "{name} = \"{value}\"").expect("a text grows");
    }
    let scenario = Scenario::parse(&text).expect("a scenario");
    let options = Options { users: case.users, seed: case.seed, scenario, port: 0 };
    let simulator = userhaul_simulator::start(case.vendor, &options).await.expect("a simulator");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("userhaul.toml");
    let text = format!(
        "[destination]\ntype = \"parquet\"\npath = \"warehouse\"\n\n[sources.it]\nconnector = \"{}\"\nbase_url = \"{}\"\nrate_limit = {{ requests = 1000, per = \"100ms\" }}\n{}",
        case.vendor.name(),
        simulator.base_url,
        case.source
    );
    std::fs::write(&config, text).expect("a file");
    let streams = catalogue(&config, &folder).await;
    let mut outcome =
        Outcome { code: 0, report: Value::Null, stderr: String::new(), simulator, folder, streams, config };
    outcome.again(&[]).await;
    outcome
}

async fn program(
    config: &std::path::Path,
    folder: &std::path::Path,
    arguments: &[&str],
) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
    command
        .arg("-c")
        .arg(config)
        .args(arguments)
        .current_dir(folder)
        .env("USERHAUL_STATE_DIR", folder.join("state"));
    let output =
        tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

async fn catalogue(config: &std::path::Path, folder: &TempDir) -> Vec<(String, Vec<String>)> {
    let (code, stdout, stderr) = program(config, folder.path(), &["streams", "--json"]).await;
    assert_eq!(code, 0, "{stderr}");
    let streams: Vec<Value> =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let words = |value: &Value| {
        let words = value.as_array().expect("a list").iter();
        words.map(|word| word.as_str().expect("a text").to_owned()).collect()
    };
    let name = |stream: &Value| stream["stream"].as_str().expect("a text").to_owned();
    let selected = streams.iter().filter(|stream| stream["selected"] == true);
    selected.map(|stream| (name(stream), words(&stream["primary_key"]))).collect()
}

impl Outcome {
    /// Syncs once more into the same warehouse.
    pub(crate) async fn again(&mut self, arguments: &[&str]) {
        let mut all = vec!["sync", "--json"];
        all.extend(arguments);
        let (code, stdout, stderr) = program(&self.config, self.folder.path(), &all).await;
        self.code = code;
        self.report = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        self.stderr = stderr;
    }

    pub(crate) fn table(&self, stream: &str) -> Result<table::Table, String> {
        table::read(&self.folder.path().join("warehouse").join("it").join(stream))
    }

    pub(crate) fn unified(&self, name: &str) -> Result<table::Table, String> {
        table::read(&self.folder.path().join("warehouse").join("unified").join(name))
    }

    /// The record of a stream in the run's report.
    pub(crate) fn record(&self, stream: &str) -> &Value {
        &self.report["sources"]["it"]["streams"][stream]
    }

    /// The code of the error of a stream.
    pub(crate) fn error(&self, stream: &str) -> &str {
        self.record(stream)["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn truth(&self, stream: &str) -> Vec<Value> {
        self.simulator.truth(stream).unwrap_or_else(|| panic!("the simulator knows no {stream}"))
    }

    /// Compares a stream's table with rows.
    pub(crate) fn compare(
        &self,
        stream: &str,
        truth: &[Value],
        notes: Notes,
        custom: &[String],
    ) -> Vec<String> {
        let key = self.streams.iter().find(|(name, _)| name == stream).map(|(_, key)| key.clone());
        let Some(mut key) = key else { return vec![format!("{stream}: not in the catalogue")] };
        // A stream whose key is not unique has a synthetic one beside its property (vendors/userlane.md 3.6).
        let generic = |table: &table::Table| table.schema.field_with_name("_key").is_ok();
        if !key.contains(&"_key".to_owned()) && self.table(stream).is_ok_and(|table| generic(&table)) {
            key.retain(|name| name == "property_id");
            key.push("_key".to_owned());
        }
        let compared =
            self.table(stream).and_then(|table| expect::compare(&table, truth, &key, notes, custom));
        compared.err().map(|problem| format!("{stream}: {problem}")).into_iter().collect()
    }

    /// That everything was done, and no request was wrong.
    pub(crate) fn flawless(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.code != 0 {
            problems.push(format!(
                "exit {}: {}",
                self.code,
                self.stderr.lines().take(6).collect::<Vec<_>>().join(" | ")
            ));
            for (stream, _) in &self.streams {
                let record = self.record(stream);
                if record["status"] != "ok" {
                    problems.push(format!(
                        "{stream}: {} {} {}",
                        record["status"], record["reason"], record["error"]
                    ));
                }
            }
        }
        let violations = self.simulator.violations();
        if let Some(first) = violations.first() {
            problems.push(format!("{} violations, the first: {first}", violations.len()));
        }
        problems
    }
}

/// Runs cases, a few at a time, and fails with all that is wrong.
pub(crate) async fn all<F>(cases: Vec<Case>, judge: F)
where
    F: Fn(&Case, &Outcome) -> Vec<String> + Send + Sync + 'static,
{
    let judge = Arc::new(judge);
    let places = Arc::new(Semaphore::new(3));
    let mut running = tokio::task::JoinSet::new();
    for case in cases {
        let (judge, places) = (Arc::clone(&judge), Arc::clone(&places));
        running.spawn(async move {
            let _place = places.acquire_owned().await.expect("an open semaphore");
            let outcome = sync(&case).await;
            let problems = judge(&case, &outcome);
            (!problems.is_empty()).then(|| format!("{}\n  {}", case.named(), problems.join("\n  ")))
        });
    }
    let mut problems = Vec::new();
    while let Some(done) = running.join_next().await {
        problems.extend(done.expect("no panic"));
    }
    problems.sort();
    assert!(problems.is_empty(), "{} cases differ:\n{}", problems.len(), problems.join("\n"));
}
