//! Which crate may depend on which, and which dependencies there may not be (docs/architecture.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What each crate of ours depends on, of ours. An edge more is the most expensive kind of change.
const EDGES: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("connector", &["record"]),
    ("storage", &[]),
    ("client", &["connector", "storage"]),
    ("sink", &["storage"]),
    ("runner", &["client", "connector", "record", "sink", "storage"]),
    ("simulator", &[]),
    ("testkit", &["client", "connector", "record", "runner", "sink"]),
    (
        "cli",
        &[
            "client",
            "connector",
            "record",
            "runner",
            "simulator",
            "sink",
            "sprig",
            "storage",
            "thrive",
            "userlane",
            "userlot",
        ],
    ),
    ("", &["cli"]),
    ("bench", &[]),
    ("stages", &["bench", "client", "connector", "record", "sink", "thrive"]),
];

/// What every connector depends on, of ours.
const OF_A_CONNECTOR: &[&str] = &["connector", "record"];

/// Crates of others that only these of ours may name.
const NAMED_BY: &[(&str, &[&str])] = &[
    ("reqwest", &["client", "bench"]),
    ("governor", &["client"]),
    ("tikv-jemallocator", &[""]),
    ("rustls", &["client", "bench"]),
    ("parquet", &["sink", "cli", "testkit", "bench"]),
    ("axum", &["simulator", "bench"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("tokio", &["client", "runner", "cli", "simulator", "testkit", "bench", "stages"]),
    ("async-trait", &["client", "runner", "testkit", "stages"]),
    ("futures", &["client", "runner", "cli", "simulator", "testkit", "bench"]),
];

/// Crates that must not be in the lock.
const BANNED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];

#[test]
fn crates_depend_on_each_other_as_the_table_says() {
    let mut unseen: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    for (name, package) in ours() {
        let actual: BTreeSet<String> = dependencies(&package)
            .filter_map(|dependency| own_name(&dependency).map(str::to_owned))
            .collect();
        let row = EDGES.iter().find(|(known, _)| *known == name);
        let expected = row.map_or(OF_A_CONNECTOR, |(_, expected)| *expected);
        unseen.remove(name.as_str());
        assert_eq!(
            actual,
            expected.iter().map(|&name| name.to_owned()).collect(),
            "dependencies of `{name}`"
        );
    }
    assert!(unseen.is_empty(), "no crate is called {unseen:?}");
}

#[test]
fn the_testkit_is_in_no_program() {
    for (name, package) in ours() {
        let all = package["dependencies"].as_array().expect("a list of dependencies");
        let wrong = all.iter().find(|one| one["name"] == "userhaul-testkit" && one["kind"] != "dev");
        assert!(wrong.is_none(), "`{name}` needs the testkit for more than its tests");
    }
}

#[test]
fn crates_of_others_are_named_where_they_belong() {
    for (name, package) in ours() {
        for dependency in dependencies(&package) {
            let rule = NAMED_BY.iter().find(|(other, _)| *other == dependency);
            assert!(
                rule.is_none_or(|(_, allowed)| allowed.contains(&name.as_str())),
                "`{name}` names `{dependency}`"
            );
        }
    }
}

#[test]
fn the_lock_has_one_arrow_and_no_foreign_tls() {
    let lock = include_str!("../Cargo.lock");
    let count = |name: &str| lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
    for name in ["arrow-array", "arrow-schema", "arrow-buffer", "parquet"] {
        assert_eq!(count(name), 1, "versions of {name}");
    }
    for name in BANNED {
        assert_eq!(count(name), 0, "{name} is in the lock");
    }
}

/// Crates that write below a destination, or keep the history of a quota.
const WRITING: &[&str] = &["client", "runner", "sink"];

/// Calls that change the file system.
const CHANGES: &[&str] = &[
    "fs::write(",
    "fs::rename(",
    "fs::remove_",
    "fs::create_dir",
    "File::create",
    "File::options(",
    "OpenOptions",
];

#[test]
fn only_storage_changes_files() {
    let mut folders: Vec<PathBuf> = WRITING
        .iter()
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(name).join("src"))
        .collect();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && !["tests.rs", "model.rs"].contains(&name.as_str()) {
                let text = std::fs::read_to_string(&path).expect("a text");
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let found = CHANGES.iter().find(|call| code.contains(**call));
                assert!(
                    found.is_none(),
                    "{}: `{}` goes past `userhaul_storage`",
                    path.display(),
                    found.unwrap_or(&"")
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen} files");
}

/// Our packages by their short names: without `userhaul-`, empty for the program.
fn ours() -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().expect("a name");
            (own_name(name).expect("our prefix").to_owned(), package.clone())
        })
        .collect()
}

/// The names of a package's dependencies, those of tests and builds apart.
fn dependencies(package: &Value) -> impl Iterator<Item = String> {
    let all = package["dependencies"].as_array().expect("a list of dependencies");
    all.iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().expect("a name").to_owned())
}

fn own_name(name: &str) -> Option<&str> {
    if name == "userhaul" { Some("") } else { name.strip_prefix("userhaul-") }
}
