//! What loads, and as what.

use std::{path::Path, time::Duration};

use secrecy::ExposeSecret;
use userhaul_connector::quota::{Quota, QuotaMode};

use super::{load, surveys, told};
use crate::config::{Compression, Config, Deletes, DestinationKind, RateLimit, SourceConfig, Wire};

fn loaded(text: &str) -> Config {
    match load(text) {
        Ok(config) => config,
        Err(error) => panic!("{}", told::<()>(Err(error))),
    }
}

fn source(lines: &str) -> SourceConfig {
    loaded(&surveys(lines)).sources.swap_remove("surveys").expect("the source is there")
}

fn secret(source: &SourceConfig, name: &str) -> Option<String> {
    source.settings.secret(name).map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn a_short_configuration_has_defaults_for_the_rest() {
    let config = loaded(&surveys(""));
    assert_eq!(config.destination.kind, DestinationKind::Parquet);
    assert_eq!(config.destination.compression, Compression::Zstd);
    assert_eq!(config.destination.path.as_path(), config.file.with_file_name("out"));
    let source = &config.sources["surveys"];
    assert_eq!((source.name.as_str(), source.connector, source.line), ("surveys", "sprig", 3));
    assert_eq!(source.deletes, Deletes::Remove);
    assert!(!source.history && source.archive.is_none() && source.streams.is_empty());
    assert!(source.base_url.is_none() && source.start_date.is_none() && source.rate_limit.is_none());
    assert!(source.privacy.is_none() && source.wire.is_none() && source.timeout.is_none());
}

#[test]
fn every_key_of_a_source_is_read() {
    let source = source(
        r#"
base_url = "http://127.0.0.1:8080/api"
streams = ["users", "user_*"]
start_date = "2024-01-31"
rate_limit = { requests = 1000, per = "5m", mode = "paced" }
max_concurrency = 4
timeout = "90s"
deletes = "mark"
history = true
look_back = "2d"
full_every = "7d"
privacy = { hash = ["email"], key = "${KEY}", drop = ["first_name"] }
archive = true
wire = "wire.toml"
user_ids = "ids.txt"
with = ["urls", "meta"]
"#,
    );
    assert_eq!(source.base_url.as_ref().map(url::Url::as_str), Some("http://127.0.0.1:8080/api"));
    assert_eq!(source.streams, ["users", "user_*"]);
    assert_eq!(source.start_date, Some(jiff::civil::date(2024, 1, 31)));
    let limit = source.rate_limit.expect("it is given");
    let per = Duration::from_secs(300);
    assert_eq!(limit, RateLimit { requests: 1000, per, mode: Some(QuotaMode::Paced) });
    assert_eq!(limit.quota(QuotaMode::Window), Quota { requests: 1000, per, mode: QuotaMode::Paced });
    assert_eq!(source.max_concurrency, Some(4));
    assert_eq!(source.timeout, Some(Duration::from_secs(90)));
    assert_eq!(source.deletes, Deletes::Mark);
    assert!(source.history && source.archive == Some(userhaul_runner::archive::KEEP));
    assert_eq!(source.look_back, Some(Duration::from_secs(2 * 86_400)));
    assert_eq!(source.full_every, Some(Duration::from_secs(7 * 86_400)));
    let privacy = source.privacy.as_ref().expect("it is given");
    assert_eq!(
        (privacy.hash.as_slice(), privacy.drop.as_slice()),
        (&["email".to_owned()][..], &["first_name".to_owned()][..])
    );
    assert_eq!(privacy.key.as_ref().map(|key| key.expose_secret()), Some("key-from-outside"));
    let Some(Wire::File(wire)) = &source.wire else { panic!("a file, not {:?}", source.wire) };
    assert!(wire.is_absolute() && wire.ends_with("wire.toml"));
    assert!(source.settings.file("user_ids").is_some_and(|path| path.is_absolute()));
    assert_eq!(source.settings.list("with"), ["urls", "meta"]);
}

#[test]
fn secrets_come_from_everywhere() {
    for (value, expected) in [
        ("\"literal\"", "literal"),
        ("\"${KEY}\"", "key-from-outside"),
        ("\"a-${KEY}-${NUMBER}-$${KEY}\"", "a-key-from-outside-7-${KEY}"),
        ("{ env = \"KEY\" }", "key-from-outside"),
        ("{ file = \"secret.txt\" }", "key-from-file"),
    ] {
        let text =
            format!("destination.path = \"out\"\nsources.x = {{ connector = \"sprig\", api_key = {value} }}");
        assert_eq!(secret(&loaded(&text).sources["x"], "api_key").as_deref(), Some(expected));
    }
}

#[test]
fn variables_stand_for_numbers_and_booleans_too() {
    let source = source("max_concurrency = \"${NUMBER}\"\nhistory = \"${YES}\"\n");
    assert_eq!((source.max_concurrency, source.history), (Some(7), true));
}

#[test]
fn dates_need_no_quotes() {
    assert_eq!(source("start_date = 2024-01-31\n").start_date, Some(jiff::civil::date(2024, 1, 31)));
}

#[test]
fn defaults_reach_the_sources_that_know_them() {
    let config = loaded(
        r#"
[destination]
path = "out"
[defaults]
start_date = "2024-01-01"
timeout = "30s"
api_key = "shared"
[sources.one]
connector = "sprig"
[sources.two]
connector = "userlot"
base_url = "https://acme.example.com"
api_key = "own"
timeout = "5s"
[sources.three]
connector = "userlane"
token = "token"
property_ids = ["a"]
"#,
    );
    let [one, two, three] = ["one", "two", "three"].map(|name| &config.sources[name]);
    assert_eq!(config.sources.keys().collect::<Vec<_>>(), ["one", "two", "three"]);
    assert_eq!(secret(one, "api_key").as_deref(), Some("shared"));
    assert_eq!(secret(two, "api_key").as_deref(), Some("own"));
    assert_eq!(secret(three, "api_key"), None);
    let seconds = [one, two, three].map(|source| source.timeout.map(|timeout| timeout.as_secs()));
    assert_eq!(seconds, [Some(30), Some(5), Some(30)]);
    assert!([one, two, three].iter().all(|source| source.start_date == Some(jiff::civil::date(2024, 1, 1))));
}

#[test]
fn corrections_may_stand_in_the_configuration() {
    let source = source("[sources.surveys.wire.streams.users]\npath = \"/v3/${users}\"\nsizes = [1, 2]\n");
    let expected: toml::Table =
        toml::from_str("streams.users = { path = \"/v3/${users}\", sizes = [1, 2] }").expect("it is TOML");
    assert_eq!(source.wire, Some(Wire::Inline(expected)));
}

#[test]
fn loopback_hosts_need_no_encryption() {
    for host in ["localhost:1", "127.0.0.1", "127.8.9.1:80", "[::1]:8080"] {
        source(&format!("base_url = \"http://{host}\"\n"));
    }
}

#[test]
fn a_configuration_never_shows_its_secrets() {
    let config = loaded(&surveys("privacy = { hash = [\"email\"], key = \"${KEY}\" }\n"));
    let shown = format!("{config:?}");
    assert!(!shown.contains("literal-key") && !shown.contains("key-from-outside"), "{shown}");
}

#[test]
fn the_destination_may_be_absolute() {
    let text =
        surveys("").replace("\"out\"", "\"/srv/${NUMBER}\"\ntype = \"parquet\"\ncompression = \"none\"");
    let destination = loaded(&text).destination;
    assert_eq!(destination.path.as_path(), Path::new("/srv/7"));
    assert_eq!(destination.compression, Compression::None);
}
