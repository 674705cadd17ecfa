//! The configuration that `userhaul init` writes.

use std::fmt::Write;

use userhaul_connector::settings::{SettingKind, SettingSpec};

use super::{
    ConnectorEntry,
    keys::{COMMON, placeholder},
};

/// A connector to write a block for.
#[derive(Debug, Clone, Copy)]
pub struct TemplateSource<'a> {
    /// The connector.
    pub connector: &'a ConnectorEntry,
    /// The file that declares it; none for a built-in one.
    pub file: Option<&'a str>,
    /// Where its settings are documented.
    pub docs: Option<&'a str>,
    /// What an origin of this vendor looks like; needed where `base_url` is.
    pub base_url: Option<&'a str>,
}

const HEAD: &str = r#"# Configuration of userhaul. `userhaul check` tries it, `userhaul sync` runs it.
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
"#;

/// A configuration with a block for each connector: what is required stands there, with a `${VAR}` to be set or a value
/// to be changed; what is optional is commented out. It loads as soon as the variables are set.
///
/// Where none of a connector's secrets is required (one of several is), the first stands there.
pub fn template(sources: &[TemplateSource<'_>]) -> String {
    let mut text = HEAD.to_owned();
    for key in COMMON.iter().filter(|key| !matches!(key.name, "connector" | "base_url" | "streams" | "wire"))
    {
        line(&mut text, key.help, key.name, key.example, false);
    }
    for source in sources {
        block(&mut text, source);
    }
    text
}

fn block(text: &mut String, source: &TemplateSource<'_>) {
    let connector = source.connector;
    text.push('\n');
    if let Some(docs) = source.docs {
        push(text, format_args!("# {docs}\n"));
    }
    push(
        text,
        format_args!(
            "[sources.{}]\nconnector = {}\n",
            connector.name.replace('-', "_"),
            toml::Value::from(source.file.unwrap_or(connector.name))
        ),
    );
    let origin = format!("\"{}\"", source.base_url.unwrap_or("https://api.example.com"));
    if connector.base_url_required {
        line(text, "Your own address at the vendor", "base_url", &origin, true);
    }
    for spec in connector.settings {
        let active = spec.required || is_first_secret(connector, spec);
        line(text, &help(spec), spec.name, &placeholder(connector, spec), active);
    }
    for key in COMMON.iter().filter(|key| matches!(key.name, "base_url" | "streams" | "wire")) {
        match key.name {
            "base_url" if connector.base_url_required => {}
            "base_url" => line(text, key.help, key.name, &origin, false),
            _ => line(text, key.help, key.name, key.example, false),
        }
    }
}

/// Whether this is the secret to begin with: a block without any credential would be of no use.
fn is_first_secret(connector: &ConnectorEntry, spec: &SettingSpec) -> bool {
    let mut secrets = connector.settings.iter().filter(|spec| spec.kind == SettingKind::Secret);
    let first = secrets.clone().next().is_some_and(|first| first.name == spec.name);
    first && !secrets.any(|secret| secret.required)
}

fn help(spec: &SettingSpec) -> String {
    match spec.kind {
        SettingKind::Choice(words) => format!("{}: {}", spec.help, words.join(", ")),
        SettingKind::Text
        | SettingKind::Secret
        | SettingKind::Integer
        | SettingKind::TextList
        | SettingKind::File => spec.help.to_owned(),
    }
}

fn line(text: &mut String, help: &str, key: &str, value: &str, active: bool) {
    let mark = if active { "" } else { "# " };
    push(text, format_args!("# {help}\n{mark}{key} = {value}\n"));
}

fn push(text: &mut String, written: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = text.write_fmt(written);
}
