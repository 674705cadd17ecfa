//! `userhaul init`: a commented configuration, or a declared connector after a sample.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use userhaul_connector::{Registration, spec::ConnectorSpec};

use crate::{
    arguments::Global,
    config::{ConfigError, ConnectorEntry, TemplateSource, template},
    console::Console,
    declared,
    failure::{Code, Exit, Failure, reason},
    nearest::nearest,
    registry, sample,
};

/// A sample is a page; what is larger is something else.
const MOST_SAMPLE_BYTES: u64 = 64 << 20;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The connectors to write a source for, by name or file; all built-in ones by default
    #[arg(value_name = "CONNECTOR")]
    connectors: Vec<String>,
    /// Write a declared connector after a page of an API instead; CONNECTOR names it
    #[arg(long, value_name = "FILE")]
    from_sample: Option<PathBuf>,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
}

/// A connector to write a source for.
struct Wanted<'a> {
    entry: ConnectorEntry,
    registration: &'static Registration,
    file: Option<&'a str>,
}

pub(crate) fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    if let Some(sample) = &options.from_sample {
        return from_sample(options, sample, global, console);
    }
    let mut wanted = Vec::new();
    for name in &options.connectors {
        wanted.push(find(name, global)?);
    }
    if wanted.is_empty() {
        let all = registry::CONNECTORS.iter().zip(registry::entries());
        wanted.extend(all.map(|(registration, entry)| Wanted { entry, registration, file: None }));
    }
    let mut specs = Vec::new();
    for one in &wanted {
        let spec = ConnectorSpec::parse(one.registration.facts, None)
            .map_err(|error| Failure::failed(Code::Internal, format!("{}: {error}", one.entry.name), None))?;
        specs.push(spec);
    }
    let blocks: Vec<TemplateSource<'_>> = wanted
        .iter()
        .zip(&specs)
        .map(|(one, spec)| TemplateSource {
            connector: &one.entry,
            file: one.file,
            docs: Some(spec.docs.as_str()).filter(|docs| !docs.is_empty()),
            base_url: spec.base_url.as_deref(),
        })
        .collect();
    write(
        &global.config,
        &template(&blocks),
        options.force,
        "`--force` overwrites it, `-c FILE` names another",
    )?;
    console.info(&format!(
        "wrote `{}`: set the variables that it names, then run `userhaul check`",
        global.config.display()
    ));
    Ok(Exit::Ok)
}

/// The connector of this name or file; the path is relative to the folder of the configuration.
fn find<'a>(name: &'a str, global: &Global) -> Result<Wanted<'a>, Failure> {
    if declared::is_file(name) {
        let path = folder(global).join(name);
        let registration = declared::read(&path)
            .map_err(|problem| Failure::from(ConfigError { problems: vec![problem] }))?;
        return Ok(Wanted { entry: declared::entry(registration), registration, file: Some(name) });
    }
    let entries = registry::entries();
    let entry = entries.iter().find(|entry| entry.name == name);
    let (Some(entry), Some(registration)) = (entry, registry::find(name)) else {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? There are {}", names.join(", ")),
            None => format!("there are {}, or a file such as `./crm.toml`", names.join(", ")),
        };
        return Err(Failure::usage(Code::UnknownName, format!("no connector `{name}`"), Some(hint)));
    };
    Ok(Wanted { entry: *entry, registration, file: None })
}

fn folder(global: &Global) -> &Path {
    global.config.parent().unwrap_or(Path::new(""))
}

/// Writes `<name>.toml` beside the configuration.
fn from_sample(options: &Options, sample: &Path, global: &Global, console: Console) -> Result<Exit, Failure> {
    let told = match options.connectors.as_slice() {
        [] => sample.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default(),
        [name] => Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default(),
        _ => return Err(Failure::usage(Code::Usage, "`--from-sample` takes one name at most", None)),
    };
    let name =
        Some(sample::name_of(told)).filter(|name| !name.is_empty()).unwrap_or_else(|| "api".to_owned());
    let path = match options.connectors.first() {
        Some(given) if declared::is_file(given) => folder(global).join(given),
        _ => folder(global).join(format!("{name}.toml")),
    };
    if path == global.config {
        let hint = "name the connector: `userhaul init NAME --from-sample FILE`".to_owned();
        return Err(Failure::usage(
            Code::Usage,
            format!("`{}` is the configuration", path.display()),
            Some(hint),
        ));
    }
    let refuse = |why: String| {
        let hint = "a sample is one answer of the API, saved as it came: `curl … > page.json`".to_owned();
        Failure::usage(
            Code::Input,
            format!("no connector can be made of `{}`: {why}", sample.display()),
            Some(hint),
        )
    };
    let length = fs::metadata(sample).map_err(|error| Failure::named_file(sample, &error))?.len();
    if length > MOST_SAMPLE_BYTES {
        return Err(refuse("it is larger than 64 MiB".to_owned()));
    }
    let bytes = fs::read(sample).map_err(|error| refuse(reason(&error)))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8".to_owned()))?;
    let of = sample.file_name().and_then(|name| name.to_str()).unwrap_or("a sample");
    let written = sample::connector(&name, of, &text).map_err(refuse)?;
    write(
        &path,
        &written,
        options.force,
        "`--force` overwrites it, a CONNECTOR before `--from-sample` names another",
    )?;
    console.info(&format!(
        "wrote `{}`: look at its guesses, then `userhaul init ./{name}.toml` writes a configuration for it",
        path.display()
    ));
    Ok(Exit::Ok)
}

fn write(path: &Path, text: &str, force: bool, hint: &str) -> Result<(), Failure> {
    if path.exists() && !force {
        return Err(Failure::usage(
            Code::Exists,
            format!("`{}` is there already", path.display()),
            Some(hint.to_owned()),
        ));
    }
    fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
}
