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
    insta::assert_snapshot!(refused("sprg", &[]), @"");
}

#[test]
fn unknown_and_missing_keys() {
    insta::assert_snapshot!(refused("sprig", &[("api_kye", "secret-value")]), @"");
}

#[test]
fn missing_origin_and_text() {
    insta::assert_snapshot!(refused("userlot", &[("api_key", "k")]), @"");
    insta::assert_snapshot!(refused("thrive", &[]), @"");
}

#[test]
fn wrong_types() {
    let sets = [("api_key", "k"), ("rate_limit", "10"), ("history", "yes"), ("max_concurrency", "many")];
    insta::assert_snapshot!(refused("sprig", &sets), @"");
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(refused("sprig", &[("rate_limit", "{requests=10,per=1s}")]), @"");
}

#[test]
fn set_twice() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "a"), ("with", "x"), ("with", "y")]), @"");
}

#[test]
fn connector_set() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "a"), ("connector", "sprig")]), @"");
}

#[test]
fn unset_variable() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "${NOT_SET}")]), @"");
}

#[test]
fn missing_file() {
    insta::assert_snapshot!(refused("sprig", &[("api_key", "a"), ("user_ids", "no-such-file.txt")]), @"");
}
