//! One sync of the built program, through a proxy or without one, and its tables.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;
use userhaul_simulator::{Options, Running, Scenario, Vendor, sprig, thrive, userlane, userlot};

use crate::{
    facts::{self, Kind, MARK},
    proxy::Proxy,
    table,
};

/// The rows of each table, without what differs from run to run.
pub(crate) type Tables = BTreeMap<String, Vec<String>>;

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) async fn simulator(vendor: Vendor, switches: &[(&str, &str)]) -> Running {
    let mut text = format!("[{}.switches]\n", vendor.name());
    for (name, value) in switches {
        text.push_str(&format!("{name} = \"{value}\"\n"));
    }
    let scenario = Scenario::parse(&text).expect("a scenario");
    let options = Options { users: 30, seed: 1, scenario, port: 0 };
    userhaul_simulator::start(vendor, &options).await.expect("a simulator")
}

/// The lines of a source that its connector needs.
pub(crate) fn settings(vendor: Vendor) -> String {
    match vendor {
        Vendor::Sprig => format!(
            "api_key = \"{}\"\nwith = [\"snapshots\", \"urls\", \"meta\", \"custom_metadata\", \"deleted_responses\"]\n",
            sprig::API_KEY
        ),
        Vendor::Thrive => {
            format!("tenant_id = \"{}\"\napi_key = \"{}\"\n", thrive::TENANT_ID, thrive::API_KEY)
        }
        Vendor::Userlane => format!(
            "token = \"{}\"\nproperty_ids = [\"k3f9a\", \"p7x2c\"]\nstart_date = \"2024-11-01\"\n",
            userlane::TOKEN
        ),
        Vendor::Userlot => format!("api_key = \"{}\"\n", userlot::API_KEY),
    }
}

/// Thrive by OAuth client credentials.
pub(crate) fn thrive_client() -> String {
    format!(
        "tenant_id = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\nstreams = [\"users\", \"tags\"]\n",
        thrive::TENANT_ID,
        thrive::CLIENT_ID,
        thrive::CLIENT_SECRET
    )
}

/// A configuration of one source called `it`.
pub(crate) fn config(vendor: Vendor, base_url: &str, lines: &str) -> String {
    format!(
        "[destination]\npath = \"warehouse\"\n\n[sources.it]\nconnector = \"{}\"\nbase_url = \"{base_url}\"\n\
         rate_limit = {{ requests = 1000, per = \"100ms\" }}\n{lines}",
        vendor.name()
    )
}

pub(crate) async fn program(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
    command.args(arguments).current_dir(folder).env("USERHAUL_STATE_DIR", folder.join("state"));
    let output =
        tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

pub(crate) async fn tables(vendor: Vendor, kind: Option<Kind>) -> Result<Tables, String> {
    tables_of(vendor, kind, &settings(vendor)).await
}

/// The tables of a sync of a vendor that calls things otherwise.
pub(crate) async fn tables_of(vendor: Vendor, kind: Option<Kind>, lines: &str) -> Result<Tables, String> {
    let mut switches = Vec::new();
    if vendor == Vendor::Userlane {
        // Without an id a row's key is a hash of the row as it came, names included.
        switches.push(("no_ids", "never"));
    }
    if kind == Some(Kind::ThirdProfile) {
        switches.push(("epoch_ms", "on"));
    }
    let simulator = simulator(vendor, &switches).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = lines.to_owned();
    let mut proxy = None;
    if let Some(kind) = kind {
        let wire = toml::to_string(&facts::corrections(vendor, kind)).expect("TOML");
        std::fs::write(folder.path().join("wire.toml"), wire).expect("a file");
        lines.push_str("wire = \"wire.toml\"\n");
        proxy = Some(Proxy::start(vendor, kind, &simulator.base_url).await);
    }
    let base_url = proxy.as_ref().map_or(&simulator.base_url, |proxy| &proxy.base_url);
    std::fs::write(folder.path().join("userhaul.toml"), config(vendor, base_url, &lines)).expect("a file");
    let outcome = program(folder.path(), &["sync"]).await;
    let refused = proxy.map(|proxy| proxy.refused()).unwrap_or_default();
    // A list of unknown paging is asked for a second page by guess.
    let guessed = |refusal: &&String| vendor == Vendor::Userlot && refusal.contains("parameter page ");
    if let Some(first) = refused.iter().find(|refusal| !guessed(refusal)) {
        return Err(format!("asked by an old name: {first}"));
    }
    if outcome.code != 0 {
        return Err(format!("exit {}: {}", outcome.code, outcome.stderr));
    }
    if let Some(first) = simulator.violations().first() {
        return Err(format!("violation: {first}"));
    }
    Ok(read(folder.path()))
}

/// All tables of a warehouse.
pub(crate) fn read(folder: &Path) -> Tables {
    let mut tables = Tables::new();
    for group in ["it", "unified"] {
        let entries = std::fs::read_dir(folder.join("warehouse").join(group)).expect("tables");
        for entry in entries {
            let path = entry.expect("an entry").path();
            let name = format!("{group}/{}", path.file_name().expect("a name").to_string_lossy());
            let table = table::read(&path).expect("a table");
            let mut rows: Vec<String> = table
                .rows
                .into_iter()
                .map(|mut row| {
                    row.remove("_run_id");
                    row.remove("_extracted_at");
                    if let Some(Value::String(extra)) = row.get("_extra") {
                        // What has no column keeps the vendor's spelling.
                        let extra: Value = serde_json::from_str(extra).expect("JSON");
                        row.insert("_extra".to_owned(), unmarked(extra));
                    }
                    Value::Object(row).to_string()
                })
                .collect();
            rows.sort();
            tables.insert(name, rows);
        }
    }
    tables
}

fn unmarked(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members
                .into_iter()
                .map(|(name, value)| {
                    let name = name.strip_prefix(MARK).unwrap_or(&name);
                    // The third profile writes every name in kebab case.
                    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
                    (letters.flat_map(char::to_lowercase).collect::<String>(), unmarked(value))
                })
                .collect();
            members.sort_by(|one, two| one.0.cmp(&two.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(unmarked).collect()),
        other => other,
    }
}

/// The first difference of each table; none where all are equal.
pub(crate) fn differences(original: &Tables, other: &Tables) -> Option<String> {
    let mut problems = Vec::new();
    for (name, rows) in original {
        let Some(others) = other.get(name) else {
            problems.push(format!("{name} is missing"));
            continue;
        };
        if rows != others {
            let row = rows.iter().find(|row| !others.contains(row));
            let another = others.iter().find(|row| !rows.contains(row));
            problems.push(format!(
                "{name}: {} rows, {} here\n    {row:?}\n    {another:?}",
                rows.len(),
                others.len()
            ));
        }
    }
    (!problems.is_empty()).then(|| problems.join("\n  "))
}
