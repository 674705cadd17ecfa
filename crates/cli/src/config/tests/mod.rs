//! Whole messages, one test each, over four invented connectors.

mod accepted;
mod refused;
mod set;
mod template;
mod values;

use std::fs;

use userhaul_connector::settings::{SettingKind, SettingSpec};

use super::{Config, ConfigError, ConnectorEntry};

const fn setting(name: &'static str, kind: SettingKind, required: bool) -> SettingSpec {
    let example = match kind {
        SettingKind::Integer => "4711",
        SettingKind::TextList => "[\"k3f9a\"]",
        SettingKind::Choice(_) => "\"staging\"",
        SettingKind::Text | SettingKind::Secret | SettingKind::File => "\"something\"",
    };
    SettingSpec { name, kind, required, help: "What it is for", example }
}

const ENVIRONMENTS: &[&str] = &["production", "staging"];

pub(super) const CONNECTORS: [ConnectorEntry; 4] = [
    ConnectorEntry {
        name: "sprig",
        settings: &[
            setting("api_key", SettingKind::Secret, true),
            setting("user_ids", SettingKind::File, false),
            setting("with", SettingKind::TextList, false),
        ],
        base_url_required: false,
    },
    ConnectorEntry {
        name: "thrive",
        settings: &[
            setting("tenant_id", SettingKind::Text, true),
            setting("api_key", SettingKind::Secret, false),
            setting("client_id", SettingKind::Text, false),
            setting("client_secret", SettingKind::Secret, false),
            setting("environment", SettingKind::Choice(ENVIRONMENTS), false),
            setting("token_url", SettingKind::Text, false),
        ],
        base_url_required: false,
    },
    ConnectorEntry {
        name: "userlane",
        settings: &[
            setting("token", SettingKind::Secret, true),
            setting("property_ids", SettingKind::TextList, true),
            setting("company_id", SettingKind::Integer, false),
        ],
        base_url_required: false,
    },
    ConnectorEntry {
        name: "userlot",
        settings: &[setting("api_key", SettingKind::Secret, true)],
        base_url_required: true,
    },
];

pub(super) fn environment(name: &str) -> Option<String> {
    let value = match name {
        "KEY" => "key-from-outside",
        "DAY" => "2024-02-30",
        "NUMBER" => "7",
        "YES" => "true",
        "EMPTY" => "",
        "LINES" => "one\ntwo",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Loads the text as `userhaul.toml` in a folder that also has `secret.txt`, `ids.txt`, `empty.txt` and `wire.toml`.
pub(super) fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let files = [
        ("secret.txt", "key-from-file\r\n\n"),
        ("ids.txt", "1\n"),
        ("empty.txt", "\n"),
        ("wire.toml", ""),
        ("userhaul.toml", text),
    ];
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("the folder is writable");
    }
    Config::load(&folder.path().join("userhaul.toml"), &CONNECTORS, &environment).map_err(|mut error| {
        let prefix = format!("{}/", folder.path().display());
        for problem in &mut error.problems {
            problem.file = Some("userhaul.toml".into());
            problem.message = problem.message.replace(&prefix, "");
        }
        error
    })
}

/// Messages and hints, a line each.
pub(super) fn told<T>(result: Result<T, ConfigError>) -> String {
    let Err(error) = result else { return "no problem".to_owned() };
    let lines = error.problems.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!("\n  {hint}"));
        format!("{problem}{}", hint.unwrap_or_default())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A configuration with one Sprig source that ends in these lines, of which the first is line 6.
pub(super) fn surveys(lines: &str) -> String {
    format!(
        "[destination]\npath = \"out\"\n[sources.surveys]\nconnector = \"sprig\"\napi_key = \"literal-key\"\n{lines}"
    )
}

/// What is wrong with these lines in a Sprig source.
pub(super) fn refused(lines: &str) -> String {
    told(load(&surveys(lines)))
}
