//! Sources of the configuration into sources that can be asked.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::ExposeSecret;
use userhaul_client::{Client, ClientSettings};
use userhaul_connector::{
    Connector, Registration,
    code::Note,
    column::{Column, ColumnType},
    decode::{Act, Rule},
    nearest::nearest,
    plan::PlanError,
    quota::Quota,
    settings::{SettingKind, SettingSpec, SettingValue},
    spec::{Axis, StreamSpec},
};
use userhaul_runner::{
    Source,
    progress::{ClientProgress, Progress},
};

use crate::{
    config::{Deletes, SourceConfig},
    corrections, declared,
    failure::{Code, Failure},
    ids, registry, select,
};

/// A source with its connector built, before any selection.
pub(crate) struct Prepared {
    pub(crate) config: SourceConfig,
    pub(crate) registration: &'static Registration,
    pub(crate) connector: Arc<dyn Connector>,
    /// The streams that the configuration names.
    pub(crate) configured: BTreeSet<String>,
    pub(crate) quota: Quota,
    pub(crate) concurrency: usize,
    pub(crate) timeout: std::time::Duration,
    /// What messages call it: file, line and table, or nothing for the command line.
    place: String,
}

/// Builds a source's connector.
pub(crate) fn prepare(config: &SourceConfig, file: Option<&Path>) -> Result<Prepared, Failure> {
    let prefix = match file {
        Some(file) => format!("{}:{}: [sources.{}]: ", file.display(), config.line, config.name),
        None => String::new(),
    };
    let place = |message: &dyn std::fmt::Display| format!("{prefix}{message}");
    let registration = config.declared.or_else(|| registry::find(config.connector));
    let mut registration = registration.ok_or_else(|| {
        Failure::usage(Code::UnknownName, place(&format!("no connector `{}`", config.connector)), None)
    })?;
    let mut spec = corrections::apply(registration, config, file)?;
    if config.declared.is_some() && config.wire.is_some() {
        // Corrections may add unified tables.
        registration = declared::registration(&spec, registration.facts.to_owned());
    }
    if let Some(stream) =
        spec.streams.values().find(|stream| config.declared.is_none() && stream.own_auth.is_some())
    {
        let message =
            format!("`streams.{}.auth`: `{}` signs all its requests alike", stream.name, config.connector);
        let hint = "correct `header` and `scheme` alone, without `kind`".to_owned();
        return Err(Failure::usage(Code::Settings, place(&message), Some(hint)));
    }
    let mut settings = config.settings.clone();
    if let Some(base_url) = &config.base_url {
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        settings.set("base_url", SettingValue::Text(base_url.clone()));
        spec.base_url = Some(base_url);
    }
    let (quota, concurrency, timeout) = (spec.quota, spec.concurrency, spec.timeout);
    let connector = (registration.build)(spec, &settings).map_err(|error| {
        let message = match error.key {
            Some(key) => format!("`{key}`: {error}"),
            None => error.to_string(),
        };
        Failure::usage(Code::Settings, place(&message), None)
    })?;
    let connector: Arc<dyn Connector> = Arc::from(connector);
    let configured = select::configured(connector.spec(), &config.streams)
        .map_err(|(message, hint)| Failure::usage(Code::Settings, place(&message), Some(hint)))?;
    Ok(Prepared {
        place: prefix,
        registration,
        configured,
        quota: config.rate_limit.map_or(quota, |limit| limit.quota(quota.mode)),
        concurrency: config.max_concurrency.map_or(concurrency, usize::from),
        timeout: config.timeout.unwrap_or(timeout),
        connector,
        config: config.clone(),
    })
}

impl Prepared {
    /// Makes the source ready to be asked for these streams.
    pub(crate) fn source(
        &self,
        selected: BTreeSet<String>,
        progress: &Arc<dyn Progress>,
        quota_dir: Option<PathBuf>,
    ) -> Result<Source, Failure> {
        let spec = self.connector.spec();
        let base_url = spec.base_url.as_deref().unwrap_or_default();
        let base_url = base_url.parse().map_err(|_| {
            Failure::usage(Code::Settings, format!("{}`base_url` is missing or no URL", self.place), None)
        })?;
        let mut settings = ClientSettings::new(base_url, self.quota, self.concurrency);
        settings.quota_dir = quota_dir;
        settings.headers.clone_from(&spec.headers);
        let observer = ClientProgress { source: self.config.name.clone(), progress: Arc::clone(progress) };
        let client = Client::new(settings, Arc::new(observer))
            .map_err(|error| Failure::usage(Code::Settings, format!("{}{error}", self.place), None))?;
        Ok(Source {
            name: self.config.name.clone(),
            connector: Arc::clone(&self.connector),
            registration: self.registration,
            client,
            selected,
            start: self.config.start_date.map(micros_of),
            identity: self.identity(),
            look_back: self.config.look_back,
            full_every: self.config.full_every,
            marks_deleted: self.config.deletes == Deletes::Mark,
            keeps_history: self.config.history,
            concurrency: self.concurrency,
            timeout: self.timeout,
            axis_settings: self.axis_settings(),
            id_files: self.id_files()?,
            rules: self.rules()?,
            archive: self.config.archive,
        })
    }

    /// What tells the account apart: the connector, the host, and settings that are plain texts or numbers. The port of
    /// a loopback host says nothing.
    fn identity(&self) -> String {
        let spec = self.connector.spec();
        let url = spec.base_url.as_deref().and_then(|url| url.parse::<url::Url>().ok());
        let host = url.map(|url| {
            let host = url.host_str().unwrap_or_default().to_owned();
            let loopback = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
            match url.port().filter(|_| !loopback) {
                Some(port) => format!("{host}:{port}{}", url.path()),
                None => format!("{host}{}", url.path()),
            }
        });
        let mut parts = vec![spec.name.clone(), host.unwrap_or_default()];
        for setting in self.registration.settings {
            let value = match setting.kind {
                SettingKind::Text | SettingKind::Choice(_) if !setting.name.ends_with("_url") => {
                    self.config.settings.text(setting.name).map(str::to_owned)
                }
                SettingKind::Integer => {
                    self.config.settings.integer(setting.name).map(|value| value.to_string())
                }
                _ => None,
            };
            parts.extend(value.map(|value| format!("{}={value}", setting.name)));
        }
        parts.join("\n")
    }

    /// Refuses streams that are read from a first day on, where none is set.
    pub(crate) fn check_start(&self, selected: &BTreeSet<String>) -> Result<(), Failure> {
        if self.config.start_date.is_some() {
            return Ok(());
        }
        let needs = |stream: &&StreamSpec| {
            selected.contains(&stream.name) && stream.window().is_some_and(|window| window.start_required)
        };
        let Some(stream) = self.connector.spec().streams.values().find(needs) else { return Ok(()) };
        let error = PlanError::StartRequired { stream: stream.name.clone() };
        let hint = "set `start_date` for the source, or under `[defaults]`".to_owned();
        Err(Failure::usage(Code::Settings, format!("{}{error}", self.place), Some(hint)))
    }

    /// Where its credential stands, for messages: the keys, and the place of the source.
    pub(crate) fn credential(&self) -> String {
        let secret = |spec: &&SettingSpec| spec.kind == SettingKind::Secret;
        let set = |spec: &&SettingSpec| self.config.settings.secret(spec.name).is_some();
        let specs = self.registration.settings.iter();
        let keys: Vec<String> =
            specs.filter(secret).filter(set).map(|spec| format!("`{}`", spec.name)).collect();
        match self.place.strip_suffix(": ").and_then(|place| place.rsplit_once(": ")) {
            Some((file, table)) => format!("{} in {table} of {file}", keys.join(", ")),
            None => format!("{} of `--set`", keys.join(", ")),
        }
    }

    /// What stands before messages about this source.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The values of the settings that axes name.
    pub(crate) fn axis_settings(&self) -> Vec<(String, Vec<String>)> {
        let streams = self.connector.spec().streams.values();
        let mut settings: Vec<(String, Vec<String>)> = Vec::new();
        for axis in streams.flat_map(|stream| &stream.axes) {
            if let Axis::Property { setting, .. } = axis
                && !settings.iter().any(|(name, _)| name == setting)
            {
                settings.push((setting.clone(), self.config.settings.list(setting).to_vec()));
            }
        }
        settings
    }

    fn id_files(&self) -> Result<Vec<(String, Vec<String>)>, Failure> {
        let mut files = Vec::new();
        for stream in self.connector.spec().streams.values() {
            let Some(setting) = stream.parent().and_then(|parent| parent.file.as_ref()) else { continue };
            if let Some(path) = self.config.settings.file(setting) {
                files.push((setting.clone(), ids::read(path)?));
            }
        }
        Ok(files)
    }

    /// The privacy rules; fields that logic needs cannot be dropped or hashed.
    fn rules(&self) -> Result<Vec<Rule>, Failure> {
        let Some(privacy) = &self.config.privacy else { return Ok(Vec::new()) };
        let refuse = |name: &str, why: &str| {
            Failure::usage(Code::Settings, format!("{}`privacy`: `{name}` {why}", self.place), None)
        };
        let mut rules = Vec::new();
        for name in privacy.hash.iter().chain(&privacy.drop) {
            if self.is_needed(name) {
                return Err(refuse(name, "is a key or cursor, which must stay as it is"));
            }
        }
        if !privacy.hash.is_empty() {
            let Some(key) = &privacy.key else {
                return Err(refuse("hash", "needs a `key`"));
            };
            let key = key.expose_secret().as_bytes().to_vec();
            rules.extend(
                privacy.hash.iter().map(|name| Rule { name: name.clone(), act: Act::Hash(key.clone()) }),
            );
        }
        rules.extend(privacy.drop.iter().map(|name| Rule { name: name.clone(), act: Act::Drop }));
        Ok(rules)
    }

    /// Names of privacy rules that are no column, and nearly that of one of these streams.
    pub(crate) fn unmatched_rules(&self) -> Vec<Note> {
        let streams = || {
            let streams = self.connector.spec().streams.values();
            streams.filter(|stream| self.configured.contains(&stream.name))
        };
        let names = |stream: &StreamSpec| {
            let mut names = Vec::new();
            stream.columns().for_each(|column| add_names(column, &mut names));
            names
        };
        let known: Vec<String> = streams().flat_map(names).collect();
        let rules = self.config.privacy.iter().flat_map(|privacy| privacy.hash.iter().chain(&privacy.drop));
        let unmatched = rules.filter(|rule| !known.contains(rule));
        let told = |rule: &String| {
            let near = nearest(rule, known.iter().map(String::as_str))?;
            let place = &self.place;
            let text = format!("{place}`privacy` names `{rule}`, which is no column: did you mean `{near}`?");
            Some(Code::PrivacyUnmatched.note(text))
        };
        unmatched.filter_map(told).collect()
    }

    /// Whether a key, cursor, version, partition or parent axis of a configured stream is of that name.
    fn is_needed(&self, name: &str) -> bool {
        let spec = self.connector.spec();
        spec.streams.values().filter(|stream| self.configured.contains(&stream.name)).any(|stream| {
            let mut needed: Vec<&str> = stream.table.primary_key.iter().map(String::as_str).collect();
            needed.extend(stream.cursor.as_deref());
            needed.extend(stream.version.as_deref());
            needed.extend(stream.paging.last_column());
            needed.extend(stream.window().map(|window| window.by.as_str()));
            let keys = spec.streams.values().filter_map(|child| child.parent());
            needed
                .extend(keys.filter(|parent| parent.stream == stream.name).map(|parent| parent.key.as_str()));
            let columns = stream.columns().filter(|column| needed.contains(&column.name.as_str()));
            columns.into_iter().any(|column| column.name == name || column.field == name)
        })
    }
}

/// The names of a column and of the members below it.
fn add_names(column: &Column, names: &mut Vec<String>) {
    names.extend([column.name.clone(), column.field.clone()]);
    let mut kind = &column.kind;
    while let ColumnType::List(element) = kind {
        kind = element;
    }
    if let ColumnType::Struct(members) = kind {
        members.iter().for_each(|member| add_names(member, names));
    }
}

/// The first instant of a day (UTC), in microseconds since 1970.
pub(crate) fn micros_of(date: jiff::civil::Date) -> i64 {
    let days = (date - jiff::civil::date(1970, 1, 1)).get_days();
    i64::from(days) * 86_400_000_000
}

/// Where quota rings live (contract section 6); none where there is no home.
pub(crate) fn quota_dir() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = variable("USERHAUL_STATE_DIR")
        .or_else(|| variable("XDG_STATE_HOME").map(|home| home.join("userhaul")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/userhaul")))?;
    Some(state.join("quota"))
}
