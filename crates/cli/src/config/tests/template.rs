//! The generated configuration.

use super::{CONNECTORS, load, told};
use crate::config::{Config, TemplateSource, template};

fn written(count: usize) -> String {
    let docs = Some("https://docs.example.com");
    let sources: Vec<_> = CONNECTORS
        .iter()
        .take(count)
        .map(|connector| TemplateSource {
            connector,
            file: None,
            docs,
            base_url: Some("https://acme.example.com"),
        })
        .collect();
    template(&sources)
}

#[test]
fn reads_well() {
    insta::assert_snapshot!(written(1), @r#"
    # Configuration of userhaul. `userhaul check` tries it, `userhaul sync` runs it.
    # A text may hold environment variables: "${VAR}". Secrets may also be { env = "VAR" } or { file = "/run/secrets/x" }.

    [destination]
    type = "parquet"
    # A folder, relative to this file
    path = "./warehouse"
    # zstd, snappy or none
    compression = "zstd"

    # What each sync does besides
    # [run]
    # The file for the figures of all runs, in Prometheus' text format
    # metrics = "./userhaul.prom"

    # Values for all sources. Each of these keys may also stand in a source, for that source alone.
    [defaults]
    # The first day of streams that are read in windows of time
    # start_date = "2024-01-01"
    # A limit on requests instead of the vendor's: `window` allows bursts, `paced` spaces evenly
    # rate_limit = { requests = 1000, per = "5m", mode = "window" }
    # At most so many requests at a time
    # max_concurrency = 4
    # How long one request may take
    # timeout = "60s"
    # Rows that the vendor no longer has: `remove` them, or `mark` them with `_deleted_at`
    # deletes = "remove"
    # Keep former versions of rows, in a table `<stream>__history` beside each table
    # history = false
    # Ask again for this long before the last checkpoint, for rows that come late
    # look_back = "2d"
    # Read everything from the beginning this often
    # full_every = "7d"
    # Columns to replace by a keyed hash, and columns to empty
    # privacy = { hash = ["email"], key = "${PEPPER}", drop = ["first_name"] }
    # Keep the vendor's answers, for `userhaul replay`: for 30 days, or `{ keep = "90d" }`
    # archive = true

    # https://docs.example.com
    [sources.sprig]
    connector = "sprig"
    # What it is for
    api_key = "${SPRIG_API_KEY}"
    # What it is for
    # user_ids = "something"
    # What it is for
    # with = ["k3f9a"]
    # Send every request to this origin instead of the vendor's
    # base_url = "https://acme.example.com"
    # Only these streams: names or globs; all stable ones by default
    # streams = ["users", "user_*"]
    # Corrections of the connector's facts: a table or a file
    # wire = "wire.toml"
    "#);
}

#[test]
fn loads_as_soon_as_the_variables_are_set() {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let file = folder.path().join("userhaul.toml");
    std::fs::write(&file, written(4)).expect("the folder is writable");
    let config = Config::load(&file, &CONNECTORS, &|name| Some(format!("value-of-{name}")));
    match config {
        Ok(config) => assert_eq!(config.sources.len(), 4),
        Err(error) => panic!("{}", told::<()>(Err(error))),
    }
}

#[test]
fn names_the_variables_that_are_to_be_set() {
    insta::assert_snapshot!(told(load(&written(4))), @r#"
    userhaul.toml:43: `api_key` in [sources.sprig] needs the environment variable `SPRIG_API_KEY`, which is not set
      export SPRIG_API_KEY=…
    userhaul.toml:59: `tenant_id` in [sources.thrive] needs the environment variable `THRIVE_TENANT_ID`, which is not set
      export THRIVE_TENANT_ID=…
    userhaul.toml:61: `api_key` in [sources.thrive] needs the environment variable `THRIVE_API_KEY`, which is not set
      export THRIVE_API_KEY=…
    userhaul.toml:81: `token` in [sources.userlane] needs the environment variable `USERLANE_TOKEN`, which is not set
      export USERLANE_TOKEN=…
    userhaul.toml:99: `api_key` in [sources.userlot] needs the environment variable `USERLOT_API_KEY`, which is not set
      export USERLOT_API_KEY=…
    "#);
}

#[test]
fn what_is_commented_out_would_load_too() {
    let keys =
        ["start_date", "rate_limit", "timeout", "deletes", "history", "privacy", "streams", "company_id"];
    let text = written(4)
        .lines()
        .map(|line| {
            let bare = line
                .strip_prefix("# ")
                .filter(|bare| keys.iter().any(|key| bare.starts_with(&format!("{key} ="))));
            bare.unwrap_or(line).to_owned() + "\n"
        })
        .collect::<String>();
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let file = folder.path().join("userhaul.toml");
    std::fs::write(&file, text).expect("the folder is writable");
    let config = Config::load(&file, &CONNECTORS, &|_| Some("value".to_owned()));
    assert_eq!(told(config), "no problem");
}
