//! A source without a configuration file: `--set KEY=VALUE`.

use std::{borrow::Cow, path::Path};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    ConfigError, ConnectorEntry, Environment, SourceConfig,
    keys::{Form, form},
    problem::listed,
    reading::{Reading, Section},
    source::{self, Chosen, Scope},
};
use crate::{declared, nearest::nearest};

/// Makes a source of a connector's name and `--set` values: the same keys and the same checks as in a file.
///
/// Texts are taken as they are, lists with commas or as TOML, everything else as TOML. Relative paths begin at the
/// working directory.
///
/// # Errors
///
/// Everything that is wrong with the values. Problems have no file and no line, but a key.
pub fn one_source(
    connector: &str,
    sets: &[(String, String)],
    connectors: &[ConnectorEntry],
    environment: Environment<'_>,
) -> Result<SourceConfig, ConfigError> {
    let mut table = DeTable::new();
    let mut reading = Reading::of_command_line(environment);
    let chosen = if declared::is_file(connector) {
        match declared::read(Path::new(connector)) {
            Ok(registration) => Chosen::declared(registration),
            Err(problem) => {
                reading.problem_elsewhere(problem);
                return reading.finish(None);
            }
        }
    } else if let Some(entry) = connectors.iter().find(|entry| entry.name == connector) {
        Chosen { entry: *entry, declared: None }
    } else {
        let meant = nearest(connector, connectors.iter().map(|entry| entry.name));
        let question = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let names = listed(connectors.iter().map(|entry| entry.name));
        let valid = format!("connectors: {names}, or a file such as `./crm.toml`");
        reading.problem_overall(format!("unknown connector `{connector}`{question}"), Some(valid));
        return reading.finish(None);
    };
    let found = &chosen.entry;
    let mut is_toml = true;
    for (key, text) in sets {
        let value = value(form(found, key), text).unwrap_or_else(|error| {
            is_toml = false;
            reading.problem_at(0, Some(key), format!("not valid TOML: {}", error.message()), None);
            DeValue::Boolean(false)
        });
        if table.insert(spanned(Cow::Borrowed(key.as_str())), spanned(value)).is_some() {
            let hint = "several values of a list go into one, with commas between them";
            reading.problem_at(0, Some(key), format!("`{key}` is set twice"), Some(hint.to_owned()));
        }
    }
    if !is_toml {
        return reading.finish(None);
    }
    if table.contains_key("connector") {
        let message = format!("the connector is `{connector}` already, before the stream");
        reading.problem_at(0, Some("connector"), message, None);
    }
    let own = Section::new("", 0, &table);
    let scope = Scope { own: &own, defaults: None };
    let source = source::read(&mut reading, &scope, found.name, &chosen, connectors);
    reading.finish(Some(source))
}

fn value(form: Form, text: &str) -> Result<DeValue<'_>, toml::de::Error> {
    let trimmed = text.trim();
    let parsed = || DeValue::parse(trimmed).map(Spanned::into_inner);
    let literal = DeValue::String(Cow::Borrowed(text));
    match form {
        // A secret may begin with a brace; only what is a table is taken for `{ env = … }`.
        Form::Text if trimmed.starts_with('{') => {
            Ok(parsed().ok().filter(DeValue::is_table).unwrap_or(literal))
        }
        Form::Text => Ok(literal),
        Form::List if trimmed.starts_with('[') => parsed(),
        Form::List => Ok(DeValue::Array(items(text))),
        Form::Toml if trimmed.starts_with(['{', '[']) => parsed(),
        Form::Toml => Ok(parsed().unwrap_or(literal)),
    }
}

fn items(text: &str) -> DeArray<'_> {
    text.split(',').map(|item| spanned(DeValue::String(Cow::Borrowed(item.trim())))).collect()
}

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}
