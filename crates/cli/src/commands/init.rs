//! `userhaul init`: a commented configuration.

use clap::Args;
use userhaul_connector::spec::ConnectorSpec;

use crate::{
    arguments::Global,
    config::{ConnectorEntry, TemplateSource, template},
    console::Console,
    failure::{Exit, Failure},
    nearest::nearest,
    registry,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The connectors to write a source for; all by default
    #[arg(value_name = "CONNECTOR")]
    connectors: Vec<String>,
    /// Overwrite a configuration that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let entries = registry::entries();
    let mut wanted: Vec<&ConnectorEntry> = Vec::new();
    for name in &options.connectors {
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
            let near = nearest(name, names.iter().copied());
            let hint = match near {
                Some(near) => format!("did you mean `{near}`? There are {}", names.join(", ")),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(Failure::usage(format!("no connector `{name}`"), Some(hint)));
        };
        wanted.push(entry);
    }
    if wanted.is_empty() {
        wanted.extend(&entries);
    }
    let mut specs = Vec::new();
    for entry in &wanted {
        let facts = registry::find(entry.name).map(|registration| registration.facts).unwrap_or_default();
        let spec = ConnectorSpec::parse(facts, None)
            .map_err(|error| Failure::failed(format!("{}: {error}", entry.name), None))?;
        specs.push(spec);
    }
    let blocks: Vec<TemplateSource<'_>> = wanted
        .iter()
        .zip(&specs)
        .map(|(entry, spec)| TemplateSource {
            connector: entry,
            docs: Some(&spec.docs),
            base_url: spec.base_url.as_deref(),
        })
        .collect();
    let text = template(&blocks);
    let path = &global.config;
    if path.exists() && !options.force {
        let hint = Some("`--force` overwrites it, `-c FILE` names another".to_owned());
        return Err(Failure::usage(format!("`{}` is there already", path.display()), hint));
    }
    std::fs::write(path, text).map_err(|error| Failure::file("write", path, &error))?;
    console.info(&format!(
        "wrote `{}`: set the variables that it names, then run `userhaul check`",
        path.display()
    ));
    Ok(Exit::Ok)
}
