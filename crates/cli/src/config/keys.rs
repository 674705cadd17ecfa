//! The keys that a source takes: those of every source, and those of its connector.

use userhaul_connector::settings::{SettingKind, SettingSpec};

use super::ConnectorEntry;

/// A key that every source takes.
pub(crate) struct CommonKey {
    /// The key.
    pub(crate) name: &'static str,
    /// What its value is, for the documentation.
    pub(crate) kind: &'static str,
    /// What holds without it, for the documentation.
    pub(crate) default: &'static str,
    /// How its value is written on the command line.
    pub(super) form: Form,
    /// A value for the generated configuration, as TOML.
    pub(crate) example: &'static str,
    /// One sentence for the generated configuration, without a full stop.
    pub(crate) help: &'static str,
}

/// How a value is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Text,
    /// With commas, or as TOML.
    List,
    /// As TOML; as it is where that is not TOML.
    Toml,
}

/// The keys that every source takes.
pub(crate) const COMMON: [CommonKey; 14] = [
    CommonKey {
        name: "connector",
        kind: "text",
        default: "required",
        form: Form::Text,
        example: "\"sprig\"",
        help: "The vendor's connector",
    },
    CommonKey {
        name: "base_url",
        kind: "URL",
        default: "the vendor's, where it has one",
        form: Form::Text,
        example: "\"https://api.example.com\"",
        help: "Send every request to this origin instead of the vendor's",
    },
    CommonKey {
        name: "streams",
        kind: "list of texts",
        default: "all stable streams",
        form: Form::List,
        example: "[\"users\", \"user_*\"]",
        help: "Only these streams: names or globs; all stable ones by default",
    },
    CommonKey {
        name: "start_date",
        kind: "date",
        default: "all there is",
        form: Form::Text,
        example: "\"2024-01-01\"",
        help: "The first day of streams that are read in windows of time",
    },
    CommonKey {
        name: "rate_limit",
        kind: "table",
        default: "the vendor's",
        form: Form::Toml,
        example: "{ requests = 1000, per = \"5m\", mode = \"window\" }",
        help: "A limit on requests instead of the vendor's: `window` allows bursts, `paced` spaces evenly",
    },
    CommonKey {
        name: "max_concurrency",
        kind: "whole number, 1 to 65535",
        default: "the connector's",
        form: Form::Toml,
        example: "4",
        help: "At most so many requests at a time",
    },
    CommonKey {
        name: "timeout",
        kind: "duration",
        default: "the connector's",
        form: Form::Text,
        example: "\"60s\"",
        help: "How long one request may take",
    },
    CommonKey {
        name: "deletes",
        kind: "`remove` or `mark`",
        default: "`remove`",
        form: Form::Text,
        example: "\"remove\"",
        help: "Rows that the vendor no longer has: `remove` them, or `mark` them with `_deleted_at`",
    },
    CommonKey {
        name: "history",
        kind: "true or false",
        default: "`false`",
        form: Form::Toml,
        example: "false",
        help: "Keep former versions of rows, in a table `<stream>__history` beside each table",
    },
    CommonKey {
        name: "look_back",
        kind: "duration",
        default: "none",
        form: Form::Text,
        example: "\"2d\"",
        help: "Ask again for this long before the last checkpoint, for rows that come late",
    },
    CommonKey {
        name: "full_every",
        kind: "duration",
        default: "none",
        form: Form::Text,
        example: "\"7d\"",
        help: "Read everything from the beginning this often",
    },
    CommonKey {
        name: "privacy",
        kind: "table",
        default: "none",
        form: Form::Toml,
        example: "{ hash = [\"email\"], key = \"${PEPPER}\", drop = [\"first_name\"] }",
        help: "Columns to replace by a keyed hash, and columns to empty",
    },
    CommonKey {
        name: "archive",
        kind: "true, false, or `{ keep = \"90d\" }`",
        default: "`false`",
        form: Form::Toml,
        example: "true",
        help: "Keep the vendor's answers, for `userhaul replay`: for 30 days, or `{ keep = \"90d\" }`",
    },
    CommonKey {
        name: "wire",
        kind: "table or path",
        default: "none",
        form: Form::Toml,
        example: "\"wire.toml\"",
        help: "Corrections of the connector's facts: a table or a file",
    },
];

/// The names of all keys of a source with this connector.
pub(super) fn names(connector: &ConnectorEntry) -> Vec<&'static str> {
    names_of_all(std::slice::from_ref(connector))
}

/// The names of all keys of a source with any of these connectors, each once.
pub(super) fn names_of_all(connectors: &[ConnectorEntry]) -> Vec<&'static str> {
    let own = connectors.iter().flat_map(|connector| connector.settings).map(|spec| spec.name);
    let mut names: Vec<&str> = Vec::new();
    for name in COMMON.iter().map(|key| key.name).chain(own) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// How the value of a key is written on the command line.
pub(super) fn form(connector: &ConnectorEntry, name: &str) -> Form {
    if let Some(key) = COMMON.iter().find(|key| key.name == name) {
        return key.form;
    }
    match connector.settings.iter().find(|spec| spec.name == name).map(|spec| spec.kind) {
        Some(SettingKind::Integer) => Form::Toml,
        Some(SettingKind::TextList) => Form::List,
        Some(SettingKind::Text | SettingKind::Secret | SettingKind::Choice(_) | SettingKind::File) | None => {
            Form::Text
        }
    }
}

/// A value to begin with, as TOML: a variable for what differs from user to user.
pub(super) fn placeholder(connector: &ConnectorEntry, spec: &SettingSpec) -> String {
    match spec.kind {
        SettingKind::Secret => variable(connector, spec),
        SettingKind::Text if spec.required => variable(connector, spec),
        SettingKind::Text
        | SettingKind::Integer
        | SettingKind::TextList
        | SettingKind::Choice(_)
        | SettingKind::File => spec.example.to_owned(),
    }
}

fn variable(connector: &ConnectorEntry, spec: &SettingSpec) -> String {
    format!(
        "\"${{{}_{}}}\"",
        connector.name.to_ascii_uppercase().replace('-', "_"),
        spec.name.to_ascii_uppercase()
    )
}
