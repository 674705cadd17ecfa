//! One file a command.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod init;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod push;
pub(crate) mod replay;
pub(crate) mod runs;
pub(crate) mod sim;
pub(crate) mod state;
pub(crate) mod streams;
pub(crate) mod sync;

use std::collections::BTreeSet;

use crate::{
    arguments::Global,
    config::{Config, SourceConfig},
    failure::Failure,
    registry, select,
    sources::{self, Prepared},
};

/// A source and the streams of it that are meant.
pub(crate) struct Chosen {
    pub(crate) prepared: Prepared,
    pub(crate) selected: BTreeSet<String>,
}

/// Reads the configuration and chooses from it.
pub(crate) fn choose(global: &Global, selections: &[String]) -> Result<(Config, Vec<Chosen>), Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(&global.config, &registry::entries(), &environment)?;
    let mut chosen = Vec::new();
    let mut used = BTreeSet::new();
    let mut names = Vec::new();
    let mut failures = Vec::new();
    for (name, source) in &config.sources {
        let prepared = match sources::prepare(source, Some(&config.file)) {
            Ok(prepared) => prepared,
            Err(failure) => {
                failures.extend(failure.messages);
                continue;
            }
        };
        let spec = prepared.connector.spec();
        names.push(name.clone());
        names.extend(spec.streams.keys().map(|stream| format!("{name}.{stream}")));
        let selected = select::selected(spec, name, &prepared.configured, selections, &mut used);
        if !selected.is_empty() {
            chosen.push(Chosen { prepared, selected });
        }
    }
    if !failures.is_empty() {
        return Err(Failure { messages: failures, exit: crate::failure::Exit::Usage });
    }
    if let Some((_, selection)) = selections.iter().enumerate().find(|(index, _)| !used.contains(index)) {
        let word = selection.split('.').next().unwrap_or_default();
        if let Some(connector) = registry::find(word) {
            let of = |(name, source): (&String, &SourceConfig)| {
                (source.connector == connector.name).then(|| name.clone())
            };
            let sources: Vec<String> = config.sources.iter().filter_map(of).collect();
            return Err(select::is_connector(connector.name, &sources));
        }
        return Err(select::unknown(selection, &names));
    }
    Ok((config, chosen))
}
