//! What the user asks for: the command line over `[push.NAME]`, checked before anything is read or sent.

use std::path::PathBuf;

use userhaul_connector::{
    push::{Target, TargetSpec},
    settings::SettingValue,
};

use super::{Options, TargetOptions};
use crate::{
    config::{Config, PushConfig},
    failure::{Code, Failure},
    nearest::nearest,
    registry, sources,
    sources::Prepared,
};

/// A push, with the command line over the configuration.
pub(super) struct Asked<'a> {
    /// What messages call it.
    pub(super) name: String,
    pub(super) prepared: Prepared,
    pub(super) spec: &'static TargetSpec,
    pub(super) from: PathBuf,
    pub(super) map: Vec<(String, String)>,
    pub(super) all: bool,
    pub(super) verify: bool,
    pub(super) undo: Option<PathBuf>,
    pub(super) errors: Option<PathBuf>,
    pub(super) target_options: TargetOptions,
    push: Option<&'a PushConfig>,
}

/// Finds out what is asked for.
pub(super) fn asked<'a>(options: &Options, config: &'a Config) -> Result<Asked<'a>, Failure> {
    let push = match options.target.contains('.') {
        true => None,
        false => Some(block(&options.target, config)?),
    };
    let name = push.map_or(options.target.as_str(), |push| push.target.as_str()).to_owned();
    let (prepared, spec) = place(&name, config, push)?;
    let over = |own: &[(String, String)], given: Option<&Vec<(String, String)>>| {
        let mut pairs = given.cloned().unwrap_or_default();
        pairs.retain(|(name, _)| !own.iter().any(|(known, _)| known == name));
        pairs.extend(own.iter().cloned());
        pairs
    };
    let from = options.from.clone().or_else(|| push.and_then(|push| push.from.clone()));
    let from = from.ok_or_else(|| {
        Failure::usage(
            Code::Usage,
            "no input: name a file",
            Some("`--from FILE`, or `--from -` for stdin".to_owned()),
        )
    })?;
    let on = |own: bool, given: fn(&PushConfig) -> bool| own || push.is_some_and(given);
    let mut types = push.map(|push| push.types.clone()).unwrap_or_default();
    types.extend(options.types.iter().cloned());
    let mut names = push.map(|push| push.names.clone()).unwrap_or_default();
    names.extend(options.names.iter().cloned());
    Ok(Asked {
        name,
        prepared,
        spec,
        from,
        map: over(&options.map, push.map(|push| &push.map)),
        all: on(options.all, |push| push.all),
        verify: on(options.verify, |push| push.verify),
        undo: options.undo.clone().or_else(|| push.and_then(|push| push.undo.clone())),
        errors: options.errors.clone().or_else(|| push.and_then(|push| push.errors.clone())),
        target_options: TargetOptions {
            scope: options.scope.clone().or_else(|| push.and_then(|push| push.scope.clone())),
            replace: on(options.replace, |push| push.replace),
            types,
            names,
            known_users_only: on(options.known_users_only, |push| push.known_users_only),
            type_changes: on(options.allow_type_change, |push| push.allow_type_change),
        },
        push,
    })
}

fn block<'a>(name: &str, config: &'a Config) -> Result<&'a PushConfig, Failure> {
    if let Some(push) = config.pushes.get(name) {
        return Ok(push);
    }
    let meant = nearest(name, config.pushes.keys().map(String::as_str));
    let question = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    let hint = match (config.pushes.is_empty(), config.sources.contains_key(name)) {
        (_, true) => format!("a target stands behind a dot: {}", targets_of(name, config)),
        (true, false) => "name a target, `source.target`, or write a `[push.NAME]`".to_owned(),
        (false, false) => format!("pushes: {}", config.pushes.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    Err(Failure::usage(Code::UnknownName, format!("no push `{name}`{question}"), Some(hint)))
}

/// The targets of a source, as they are written.
fn targets_of(source: &str, config: &Config) -> String {
    let registration = config.sources.get(source).and_then(|source| registry::find(source.connector));
    let targets = registration.map_or(&[][..], |registration| registration.targets);
    targets.iter().map(|target| format!("`{source}.{}`", target.name)).collect::<Vec<_>>().join(", ")
}

fn place(
    name: &str,
    config: &Config,
    push: Option<&PushConfig>,
) -> Result<(Prepared, &'static TargetSpec), Failure> {
    let at = push.map(|push| format!("{}:{}: [push.{}]: ", config.file.display(), push.line, push.name));
    let at = at.unwrap_or_default();
    let (source, target) = name.split_once('.').unwrap_or((name, ""));
    let Some(found) = config.sources.get(source) else {
        let meant = nearest(source, config.sources.keys().map(String::as_str));
        let question = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let same = config.sources.values().find(|known| known.connector == source);
        let hint = match same {
            Some(same) => {
                format!("the source with that connector is `{}`: `{}.{target}`", same.name, same.name)
            }
            None => format!("sources: {}", config.sources.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        return Err(Failure::usage(
            Code::UnknownName,
            format!("{at}no source `{source}`{question}"),
            Some(hint),
        ));
    };
    let prepared = sources::prepare(found, Some(&config.file))?;
    let targets = prepared.registration.targets;
    let Some(spec) = targets.iter().find(|known| known.name == target) else {
        let meant = nearest(target, targets.iter().map(|target| target.name));
        let question = meant.map(|name| format!("; did you mean `{source}.{name}`?")).unwrap_or_default();
        let hint = match targets {
            [] => format!("connector `{}` takes nothing", prepared.registration.name),
            _ => format!("targets: {}", targets_of(source, config)),
        };
        return Err(Failure::usage(
            Code::UnknownName,
            format!("{at}no target `{name}`{question}"),
            Some(hint),
        ));
    };
    Ok((prepared, spec))
}

impl Asked<'_> {
    /// Whether the options can be right together.
    pub(super) fn check(&self, options: &Options) -> Result<(), Failure> {
        if self.target_options.replace && self.spec.replaces.is_none() {
            let hint = "it updates what is named, and leaves the rest alone".to_owned();
            return Err(Failure::usage(
                Code::Usage,
                format!("`--replace` means nothing for `{}`", self.name),
                Some(hint),
            ));
        }
        if self.target_options.scope.is_some() && !self.spec.scoped {
            return Err(Failure::usage(
                Code::Usage,
                format!("`{}` has no scopes", self.name),
                Some("leave out `--scope`".to_owned()),
            ));
        }
        if let Some(why) = self.spec.confirm.filter(|_| !options.yes && !options.dry_run) {
            let hint = "nothing was sent; `--dry-run` shows what would be".to_owned();
            return Err(Failure::usage(
                Code::Unconfirmed,
                format!("`{}` needs `--yes`: {why}", self.name),
                Some(hint),
            ));
        }
        for path in [&self.errors, &self.undo].into_iter().flatten() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Err(Failure::usage(
                    Code::Input,
                    format!("no folder `{}` for `{}`", folder.display(), path.display()),
                    None,
                ));
            }
        }
        if let Some(undo) = self.undo.as_ref().filter(|_| !options.dry_run) {
            if self.spec.confirm.is_some() {
                return Err(Failure::usage(
                    Code::Usage,
                    format!("`{}` cannot be undone", self.name),
                    Some("leave out `--undo`".to_owned()),
                ));
            }
            if undo.exists() {
                let message =
                    format!("`{}` is there already, and may hold the only former values", undo.display());
                return Err(Failure::usage(
                    Code::Exists,
                    message,
                    Some("name a new file, or move that one away".to_owned()),
                ));
            }
        }
        Ok(())
    }

    /// The target, with the source's settings.
    pub(super) fn target(&self, config: &Config) -> Result<Box<dyn Target>, Failure> {
        let mut settings = self.prepared.config.settings.clone();
        if let Some(base_url) = &self.prepared.config.base_url {
            settings.set("base_url", SettingValue::Text(base_url.as_str().trim_end_matches('/').to_owned()));
        }
        (self.spec.build)(self.prepared.connector.spec(), &settings, &self.target_options).map_err(|error| {
            let key = error.key.map(|key| format!("`{key}` ")).unwrap_or_default();
            let at = match (self.push, error.key) {
                (Some(push), None) => {
                    format!("{}:{}: [push.{}]: ", config.file.display(), push.line, push.name)
                }
                _ => self.prepared.place().to_owned(),
            };
            Failure::usage(Code::Settings, format!("{at}{key}{error}"), None)
        })
    }
}
