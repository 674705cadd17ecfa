//! The documented keys are those that the reader takes.

use serde::de::DeserializeOwned;

use super::*;
use crate::spec::{Barren, key_groups, shape};

/// The keys that a reader takes, by what it says of one that it does not.
fn keys_of<T: DeserializeOwned + std::fmt::Debug>(kind: Option<&str>) -> Vec<String> {
    let mut table = toml::Table::new();
    table.extend(kind.map(|kind| ("kind".to_owned(), toml::Value::from(kind))));
    table.insert("no such key".to_owned(), toml::Value::from(1));
    let error = toml::Value::Table(table).try_into::<T>().expect_err("no such key");
    let (_, expected) = error.message().split_once("expected").unwrap_or_default();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The table that finds misspelt keys has the keys of the documentation, which are those of the reader, and each table of
/// the documentation.
#[test]
fn every_key_is_checked_and_no_other() {
    let mut checked = shape::groups();
    // One line of their owner says all of these.
    checked.retain(|(name, _)| !["alternatives", "auth", "bounds", "passes"].contains(&name.as_str()));
    let mut documented: Vec<(String, Vec<&str>)> = key_groups()
        .map(|group| (group.name.to_owned(), group.keys.iter().map(|key| key.name).collect()))
        .collect();
    for (_, keys) in checked.iter_mut().chain(&mut documented) {
        keys.sort_unstable();
    }
    checked.sort();
    documented.sort();
    assert_eq!(checked, documented);
}

#[test]
fn every_key_is_documented_and_no_other() {
    for group in key_groups().filter(|group| !group.keys.is_empty()) {
        let (table, kind) = group.name.split_once(' ').unwrap_or((group.name, ""));
        let mut taken = match table {
            "the" => keys_of::<ConnectorFile>(None),
            "quota" => keys_of::<QuotaFile>(None),
            "check" => keys_of::<CheckFile>(None),
            "stream" => keys_of::<StreamFile>(None),
            "derived" => keys_of::<DerivedFile>(None),
            "fallback" => keys_of::<FallbackFile>(None),
            "barren" => keys_of::<Barren>(None),
            "since" => keys_of::<SinceFile>(None),
            "custom_fields" => keys_of::<CustomFieldsSpec>(None),
            "auth" => keys_of::<AuthFile>(Some(kind)),
            "paging" => keys_of::<Paging>(Some(kind)),
            "axis" => keys_of::<AxisFile>(Some(kind)),
            other => unreachable!("{other}"),
        };
        taken.retain(|key| key != "kind");
        let mut documented: Vec<&str> = group.keys.iter().map(|key| key.name).collect();
        taken.sort();
        documented.sort_unstable();
        assert_eq!(taken, documented, "{}", group.name);
    }
}
