//! What a user sets for a source: declared by the connector, checked by the configuration, read by the connector.

use std::{collections::BTreeMap, path::PathBuf};

use secrecy::SecretString;

/// A key that a source of this connector takes in the configuration, besides those that every source takes.
#[derive(Debug, Clone, Copy)]
pub struct SettingSpec {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: SettingKind,
    /// Whether a source is refused without it. (Keys of which one of several is needed are checked by the connector.)
    pub required: bool,
    /// One sentence for the generated configuration and the documentation, without a full stop.
    pub help: &'static str,
    /// A value for the generated configuration, as TOML.
    pub example: &'static str,
}

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A text.
    Text,
    /// A text that must never be shown; `${VAR}`, `{ env = "VAR" }` or `{ file = "path" }` in the configuration.
    Secret,
    /// A whole number.
    Integer,
    /// A list of texts.
    TextList,
    /// One word of a closed list.
    Choice(&'static [&'static str]),
    /// A file, relative to the configuration's folder.
    File,
}

/// A setting's checked value.
#[derive(Debug, Clone)]
pub enum SettingValue {
    /// For [`SettingKind::Text`] and [`SettingKind::Choice`].
    Text(String),
    /// For [`SettingKind::Secret`].
    Secret(SecretString),
    /// For [`SettingKind::Integer`].
    Integer(i64),
    /// For [`SettingKind::TextList`].
    TextList(Vec<String>),
    /// For [`SettingKind::File`], made absolute.
    File(PathBuf),
}

/// The settings of one source, each of the kind that its connector declared.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, SettingValue>,
}

impl Settings {
    /// Puts a value in, over a former one.
    pub fn set(&mut self, name: &'static str, value: SettingValue) {
        self.values.insert(name, value);
    }

    /// Whether there is a value.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A text or a choice.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(SettingValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A secret.
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        match self.values.get(name) {
            Some(SettingValue::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(SettingValue::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A list of texts; empty where there is none.
    pub fn list(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(SettingValue::TextList(list)) => list,
            _ => &[],
        }
    }

    /// A file.
    pub fn file(&self, name: &str) -> Option<&PathBuf> {
        match self.values.get(name) {
            Some(SettingValue::File(path)) => Some(path),
            _ => None,
        }
    }
}

/// Why a connector refuses a source's settings; it becomes exit code 2, before any request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    /// The key that the message is about, where there is one.
    pub key: Option<&'static str>,
    /// A lower-case phrase without a full stop.
    pub message: String,
}

impl SettingsError {
    /// An error about `key`.
    pub fn about(key: &'static str, message: impl Into<String>) -> Self {
        Self { key: Some(key), message: message.into() }
    }

    /// An error about the settings as a whole.
    pub fn general(message: impl Into<String>) -> Self {
        Self { key: None, message: message.into() }
    }
}
