//! Sources from the command line.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{CONNECTORS, environment, told};
use crate::config::{ConfigError, RateLimit, SourceConfig, one_source};

fn set(connector: &str, sets: &[(&str, &str)]) -> Result<SourceConfig, ConfigError> {
    let sets: Vec<_> = sets.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    one_source(connector, &sets, &CONNECTORS, &environment)
}

fn refused(connector: &str, sets: &[(&str, &str)]) -> String {
    told(set(connector, sets))
}

fn accepted(connector: &str, sets: &[(&str, &str)]) -> SourceConfig {
    match set(connector, sets) {
        Ok(source) => source,
        Err(error) => panic!("{}", told::<()>(Err(error))),
    }
}

#[test]
fn values_need_no_quotes() {
    let source = accepted(
        "userlane",
        &[
            ("token", "${KEY}"),
            ("property_ids", "a, b"),
            ("company_id", "4711"),
            ("streams", "[\"users\"]"),
            ("rate_limit", "{requests=10,per=\"1s\"}"),
            ("start_date", "2024-01-31"),
            ("history", "true"),
            ("base_url", "http://localhost:1"),
        ],
    );
    assert_eq!((source.name.as_str(), source.connector, source.line), ("userlane", "userlane", 0));
    assert_eq!(source.settings.secret("token").map(|token| token.expose_secret()), Some("key-from-outside"));
    assert_eq!(source.settings.list("property_ids"), ["a", "b"]);
    assert_eq!(source.settings.integer("company_id"), Some(4711));
    assert_eq!(source.streams, ["users"]);
    assert_eq!(source.rate_limit, Some(RateLimit { requests: 10, per: Duration::from_secs(1), mode: None }));
    assert!(source.history && source.start_date.is_some() && source.base_url.is_some());
}

#[test]
fn secrets_are_taken_as_they_are_unless_they_are_references() {
    for (value, expected) in [("{odd\"", "{odd\""), ("42", "42"), ("{ env = \"KEY\" }", "key-from-outside")] {
        let source = accepted("sprig", &[("api_key", value)]);
        assert_eq!(source.settings.secret("api_key").map(|key| key.expose_secret()), Some(expected));
    }
}

#[test]
fn unknown_connector() {
    insta::assert_snapshot!(refused("sprg", &[]), @r#"
    unknown connector `sprg`; did you mean `sprig`?
      connectors: `sprig`, `thrive`, `userlane`, `userlot`, or a file such as `./crm.toml`
    "#);
}

#[test]
fn unknown_and_missing_keys() {
    insta::assert_snapshot!(refused("sprig", &[("api_kye", "secret-value")]), @r#"
    --set api_kye: unknown key `api_kye`; did you mean `api_key`?
      valid keys: `connector`, `base_url`, `streams`, `start_date`, `rate_limit`, `max_concurrency`, `timeout`, `deletes`, `history`, `look_back`, `full_every`, `privacy`, `archive`, `wire`, `api_key`, `user_ids`, `with`
    --set api_key: missing key `api_key`
      What it is for: `--set api_key='${SPRIG_API_KEY}'`
    "#);
}

#[test]
fn missing_origin_and_text() {
    insta::assert_snapshot!(refused("userlot", &[("api_key", "k")]), @r#"
    --set base_url: missing key `base_url`
      every customer of this vendor has an address of their own: `--set base_url='https://…'`
    "#);
    insta::assert_snapshot!(refused("thrive", &[]), @r#"
    --set tenant_id: missing key `tenant_id`
      What it is for: `--set tenant_id='${THRIVE_TENANT_ID}'`
    "#);
}

#[test]
fn wrong_types() {
    let sets = [("api_key", "k"), ("rate_limit", "10"), ("history", "yes"), ("max_concurrency", "many")];
    insta::assert_snapshot!(refused("sprig", &sets), @r#"
    --set rate_limit: `rate_limit` must be a table, found a whole number
    --set max_concurrency: `max_concurrency` must be a whole number from 1 to 65535, found a text
    --set history: `history` must be `true` or `false`, found a text
    "#);
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(refused("sprig", &[("rate_limit", "{requests=10,per=1s}")]), @r#"
    --set rate_limit: not valid TOML: string values must be quoted, expected literal string
    "#);
}

#[test]
fn set_twice() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "a"), ("with", "x"), ("with", "y")]), @r#"
    --set with: `with` is set twice
      several values of a list go into one, with commas between them
    "#);
}

#[test]
fn connector_set() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "a"), ("connector", "sprig")]), @r#"
    --set connector: the connector is `sprig` already, before the stream
    "#);
}

#[test]
fn unset_variable() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "${NOT_SET}")]), @r#"
    --set api_key: `api_key` needs the environment variable `NOT_SET`, which is not set
      export NOT_SET=…
    "#);
}

#[test]
fn missing_file() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "a"), ("user_ids", "no-such-file.txt")]), @r#"
    --set user_ids: `user_ids` names a file that does not exist: `no-such-file.txt`
      paths are relative to the working directory
    "#);
}
