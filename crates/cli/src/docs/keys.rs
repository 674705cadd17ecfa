//! The keys of the configuration as tables.

use userhaul_connector::settings::{SettingKind, SettingSpec};

use super::{code, codes, markdown};
use crate::config::{PUSH_KEYS, keys::COMMON};

/// The keys of every source.
pub(super) fn common() -> String {
    let rows = COMMON.iter().map(|key| {
        vec![
            code(key.name),
            key.kind.to_owned(),
            key.default.to_owned(),
            code(key.example),
            sentence(key.help),
        ]
    });
    markdown(&["key", "type", "default", "example", "meaning"], rows)
}

/// The keys of a push.
pub(super) fn push() -> String {
    let rows = PUSH_KEYS
        .iter()
        .map(|key| vec![code(key.name), key.kind.to_owned(), code(key.example), sentence(key.help)]);
    markdown(&["key", "type", "example", "meaning"], rows)
}

/// The keys of a connector.
pub(super) fn of(settings: &[SettingSpec]) -> String {
    let rows = settings.iter().map(|setting| {
        let required = if setting.required { "yes" } else { "no" };
        vec![
            code(setting.name),
            kind(setting),
            required.to_owned(),
            code(setting.example),
            sentence(setting.help),
        ]
    });
    markdown(&["key", "type", "required", "example", "meaning"], rows)
}

fn kind(setting: &SettingSpec) -> String {
    match setting.kind {
        SettingKind::Text if setting.name.ends_with("_url") => "URL".to_owned(),
        SettingKind::Text => "text".to_owned(),
        SettingKind::Secret => "secret".to_owned(),
        SettingKind::Integer => "whole number".to_owned(),
        SettingKind::TextList => "list of texts".to_owned(),
        SettingKind::Choice(words) => format!("one of {}", codes(words.iter().copied())),
        SettingKind::File => "path of a file".to_owned(),
    }
}

/// With a capital first, as helps of connectors begin either way.
fn sentence(help: &str) -> String {
    let mut letters = help.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
