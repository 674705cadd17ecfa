//! The generated configuration.

use super::{CONNECTORS, load, told};
use crate::config::{Config, TemplateSource, template};

fn written(count: usize) -> String {
    let docs = Some("https://docs.example.com");
    let sources: Vec<_> = CONNECTORS
        .iter()
        .take(count)
        .map(|connector| TemplateSource { connector, docs, base_url: Some("https://acme.example.com") })
        .collect();
    template(&sources)
}

#[test]
fn reads_well() {
    let text = written(1);
    let (_, block) = text.split_once("\n\n[sources").unwrap_or_default();
    insta::assert_snapshot!(block, @"");
    insta::assert_snapshot!(text, @"");
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
    insta::assert_snapshot!(told(load(&written(4))), @"");
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
