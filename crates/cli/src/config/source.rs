//! `[defaults]` and `[sources.*]`.

use std::time::Duration;

use indexmap::IndexMap;
use url::Url;
use userhaul_connector::{
    Registration,
    settings::{SettingKind, SettingSpec, SettingValue, Settings},
};

use super::{
    ConnectorEntry, Deletes, Privacy, SourceConfig, Wire,
    keys::{COMMON, names, names_of_all, placeholder},
    problem::listed,
    reading::{Entry, Reading, Section},
};
use crate::{declared, nearest::nearest};

/// The values that a source sees: its own, and the defaults behind them.
pub(super) struct Scope<'s, 'a> {
    /// Its own.
    pub(super) own: &'s Section<'a>,
    /// The defaults.
    pub(super) defaults: Option<&'s Section<'a>>,
}

impl<'a> Scope<'_, 'a> {
    fn get(&self, key: &str) -> Option<Entry<'a>> {
        self.own.get(key).or_else(|| self.defaults?.get(key))
    }

    /// What `read` makes of a key's value, if there is one.
    fn read<T>(
        &self,
        reading: &mut Reading<'a>,
        key: &str,
        read: impl FnOnce(&mut Reading<'a>, &Entry<'a>) -> Option<T>,
    ) -> Option<T> {
        self.get(key).and_then(|entry| read(reading, &entry))
    }
}

/// Reads all sources, with the defaults.
pub(super) fn read_all<'a>(
    reading: &mut Reading<'a>,
    root: &Section<'a>,
    connectors: &[ConnectorEntry],
) -> IndexMap<String, SourceConfig> {
    let all = root.get("sources").and_then(|entry| section(reading, &entry, "[sources]".to_owned()));
    let defaults = root.get("defaults").and_then(|entry| section(reading, &entry, "[defaults]".to_owned()));
    if let Some(section) = &defaults {
        let declared = declared_entries(reading, all.as_ref());
        let known = names_of_all(&[connectors, &declared].concat());
        reading.refuse_unknown(section, &known, |_| section.keys_hint(&known));
        // Read for its problems alone: a default may reach no source.
        common(reading, &Scope { own: section, defaults: None }, "", "");
    }
    let mut sources = IndexMap::new();
    let entries: Vec<Entry<'a>> = all.iter().flat_map(Section::entries).collect();
    if entries.is_empty() && (all.is_some() || root.get("sources").is_none()) {
        let hint = "add a `[sources.NAME]`; `userhaul init CONNECTOR` writes one";
        reading.problem_overall("no sources".to_owned(), Some(hint.to_owned()));
    }
    for entry in entries {
        check_name(reading, &entry);
        let Some(own) = section(reading, &entry, format!("[sources.{}]", entry.key)) else { continue };
        let scope = Scope { own: &own, defaults: defaults.as_ref() };
        let Some(connector) = connector(reading, &scope, connectors) else {
            let known = names_of_all(connectors);
            reading.refuse_unknown(&own, &known, |_| own.keys_hint(&known));
            common(reading, &scope, "", "");
            continue;
        };
        let source = read(reading, &scope, &entry.key, &connector, connectors);
        sources.insert(entry.key, source);
    }
    sources
}

/// The connectors that sources declare by a file: their keys may stand among the defaults. What is wrong with a file is told
/// where its source is read.
fn declared_entries(reading: &Reading<'_>, sources: Option<&Section<'_>>) -> Vec<ConnectorEntry> {
    let tables = sources.into_iter().flat_map(Section::entries).filter_map(|source| source.as_table());
    let files = tables.filter_map(|table| table.get("connector")?.get_ref().as_str());
    let files = files.filter(|name| declared::is_file(name)).map(|name| reading.folder.join(name));
    files.filter_map(|path| declared::read(&path).ok()).map(declared::entry).collect()
}

/// Reads one source.
pub(super) fn read<'a>(
    reading: &mut Reading<'a>,
    scope: &Scope<'_, 'a>,
    name: &str,
    chosen: &Chosen,
    connectors: &[ConnectorEntry],
) -> SourceConfig {
    let connector = &chosen.entry;
    let known = names(connector);
    reading.refuse_unknown(scope.own, &known, |word| {
        let owner = connectors.iter().find(|other| other.settings.iter().any(|spec| spec.name == word));
        let owner = owner.map(|other| format!("`{word}` is a key of connector `{}`; ", other.name));
        format!("{}{}", owner.unwrap_or_default(), scope.own.keys_hint(&known))
    });
    let mut source = common(reading, scope, name, connector.name);
    source.declared = chosen.declared;
    source.settings = settings(reading, scope, connector);
    if connector.base_url_required && scope.get("base_url").is_none() {
        let hint = added(reading, "base_url", "\"https://…\"");
        let hint = format!("every customer of this vendor has an address of their own: {hint}");
        missing(reading, scope, "base_url", hint);
    }
    source
}

/// The keys that every source takes.
fn common<'a>(
    reading: &mut Reading<'a>,
    scope: &Scope<'_, 'a>,
    name: &str,
    connector: &'static str,
) -> SourceConfig {
    let most = i64::from(u16::MAX);
    let any = Duration::ZERO;
    SourceConfig {
        name: name.to_owned(),
        connector,
        declared: None,
        base_url: scope.read(reading, "base_url", Reading::url),
        streams: scope.read(reading, "streams", Reading::streams).unwrap_or_default(),
        start_date: scope.read(reading, "start_date", Reading::date),
        rate_limit: scope.read(reading, "rate_limit", Reading::rate_limit),
        max_concurrency: scope
            .read(reading, "max_concurrency", |reading, entry| reading.integer(entry, 1..=most))
            .and_then(|number| u16::try_from(number).ok()),
        timeout: scope
            .read(reading, "timeout", |reading, entry| reading.span(entry, Duration::from_millis(1))),
        deletes: scope.read(reading, "deletes", deletes).unwrap_or_default(),
        history: scope.read(reading, "history", Reading::boolean).unwrap_or(false),
        look_back: scope.read(reading, "look_back", |reading, entry| reading.span(entry, any)),
        full_every: scope.read(reading, "full_every", |reading, entry| reading.span(entry, any)),
        privacy: scope.read(reading, "privacy", privacy),
        archive: scope.read(reading, "archive", archive).flatten(),
        wire: scope.read(reading, "wire", wire),
        settings: Settings::default(),
        line: reading.line(scope.own.offset),
    }
}

/// The connector's own keys.
fn settings<'a>(reading: &mut Reading<'a>, scope: &Scope<'_, 'a>, connector: &ConnectorEntry) -> Settings {
    let mut settings = Settings::default();
    for spec in connector.settings.iter().filter(|spec| COMMON.iter().all(|key| key.name != spec.name)) {
        let Some(entry) = scope.get(spec.name) else {
            if spec.required {
                let hint = added(reading, spec.name, &placeholder(connector, spec));
                missing(reading, scope, spec.name, format!("{}: {hint}", spec.help));
            }
            continue;
        };
        if let Some(value) = setting(reading, &entry, spec) {
            settings.set(spec.name, value);
        }
    }
    settings
}

fn setting<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>, spec: &SettingSpec) -> Option<SettingValue> {
    match spec.kind {
        // Credentials may go to any URL that a connector asks for, so the rules of `base_url` hold for all.
        SettingKind::Text if spec.name.ends_with("_url") => {
            reading.url(entry).map(|url| SettingValue::Text(Url::to_string(&url)))
        }
        SettingKind::Text => reading.text(entry, "a text").map(|text| SettingValue::Text(text.value)),
        SettingKind::Secret => reading.secret(entry).map(SettingValue::Secret),
        SettingKind::Integer => reading.integer(entry, i64::MIN..=i64::MAX).map(SettingValue::Integer),
        SettingKind::TextList => reading.list(entry).map(SettingValue::TextList),
        SettingKind::Choice(words) => {
            reading.choice(entry, words).map(|word| SettingValue::Text(word.to_owned()))
        }
        SettingKind::File => reading.existing_file(entry, "a path").map(SettingValue::File),
    }
}

/// The connector that a source has.
pub(super) struct Chosen {
    /// What the configuration must know of it.
    pub(super) entry: ConnectorEntry,
    /// The connector itself, where it is declared by a file.
    pub(super) declared: Option<&'static Registration>,
}

impl Chosen {
    /// One that is declared by a file.
    pub(super) fn declared(registration: &'static Registration) -> Self {
        Self { entry: declared::entry(registration), declared: Some(registration) }
    }
}

/// The connector that a source names.
fn connector<'a>(
    reading: &mut Reading<'a>,
    scope: &Scope<'_, 'a>,
    connectors: &[ConnectorEntry],
) -> Option<Chosen> {
    let names = listed(connectors.iter().map(|connector| connector.name));
    let valid = format!("connectors: {names}, or a file such as `./crm.toml`");
    let Some(entry) = scope.get("connector") else {
        missing(reading, scope, "connector", valid);
        return None;
    };
    let text = reading.text(&entry, "a connector's name")?;
    if declared::is_file(&text.value) {
        let path = reading.folder.join(&text.value);
        if !path.is_file() {
            let message = format!("{} names a file that is not there: {}", entry.name, text.shown());
            let hint = "paths are relative to the folder of the configuration";
            reading.problem(&entry, message, Some(hint.to_owned()));
            return None;
        }
        let read = declared::read(&path).map_err(|problem| reading.problem_elsewhere(problem));
        return read.ok().map(Chosen::declared);
    }
    let found = connectors.iter().find(|connector| connector.name == text.value);
    if found.is_none() {
        let meant = nearest(&text.value, connectors.iter().map(|connector| connector.name));
        let question = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let message = format!("{} names an unknown connector: {}{question}", entry.name, text.shown());
        reading.problem(&entry, message, Some(valid));
    }
    found.map(|entry| Chosen { entry: *entry, declared: None })
}

fn check_name(reading: &mut Reading<'_>, entry: &Entry<'_>) {
    let name = entry.key.as_str();
    let small = |letter: char| letter.is_ascii_lowercase();
    let (why, hint) = if name == "unified" {
        ("the unified tables have it", "choose another name")
    } else if name.starts_with('_') {
        ("names that begin with `_` are reserved", "choose another name")
    } else if !name.starts_with(small)
        || !name.chars().all(|letter| small(letter) || letter.is_ascii_digit() || letter == '_')
    {
        ("only small letters, digits and `_`, with a letter first", "such as `[sources.surveys]`")
    } else {
        return;
    };
    reading.problem(entry, format!("invalid source name `{name}`: {why}"), Some(hint.to_owned()));
}

fn section<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>, title: String) -> Option<Section<'a>> {
    let Some(table) = entry.as_table() else {
        let hint = match title.as_str() {
            "[defaults]" => "begin it with a line `[defaults]`",
            _ => "begin each source with a line `[sources.NAME]`",
        };
        reading.mismatch(entry, "a table", entry.found(), Some(hint.to_owned()));
        return None;
    };
    Some(Section::new(title, entry.offset, table))
}

fn missing<'a>(reading: &mut Reading<'a>, scope: &Scope<'_, 'a>, key: &str, hint: String) {
    let message = format!("missing key {}", scope.own.name(key));
    reading.problem_at(scope.own.offset, Some(key), message, Some(hint));
}

/// How a user adds a key, whichever way they configure.
fn added(reading: &Reading<'_>, key: &str, value: &str) -> String {
    if reading.file.is_some() {
        format!("`{key} = {value}`")
    } else {
        format!("`--set {key}='{}'`", value.trim_matches('"'))
    }
}

fn deletes<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>) -> Option<Deletes> {
    let word = reading.choice(entry, &["remove", "mark"])?;
    Some(if word == "mark" { Deletes::Mark } else { Deletes::Remove })
}

/// `true`, or how long answers are kept.
fn archive<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>) -> Option<Option<Duration>> {
    if entry.as_table().is_none() {
        return reading.boolean(entry).map(|kept| kept.then_some(userhaul_runner::archive::KEEP));
    }
    let section = reading.table(entry, &["keep"])?;
    let Some(keep) = section.get("keep") else {
        return Some(Some(userhaul_runner::archive::KEEP));
    };
    reading.span(&keep, Duration::from_millis(1)).map(Some)
}

fn privacy<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>) -> Option<Privacy> {
    let section = reading.table(entry, &["hash", "key", "drop"])?;
    let hash = section.get("hash").map_or(Some(Vec::new()), |entry| reading.list(&entry));
    let drop = section.get("drop").map_or(Some(Vec::new()), |entry| reading.list(&entry));
    let given = section.get("key");
    let key = given.as_ref().and_then(|entry| reading.secret(entry));
    let (hash, drop) = (hash?, drop?);
    if !hash.is_empty() && given.is_none() {
        let message = format!("missing key {}", section.name("key"));
        let hint = "the hash needs a secret, such as `key = \"${PEPPER}\"`";
        reading.problem(entry, message, Some(hint.to_owned()));
    }
    if let Some(column) = hash.iter().find(|column| drop.contains(column)) {
        let message = format!("{} both hashes and drops `{column}`", entry.name);
        reading.problem(entry, message, Some("keep one of the two".to_owned()));
    }
    Some(Privacy { hash, key, drop })
}

fn wire<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>) -> Option<Wire> {
    if entry.as_table().is_some() {
        return reading.any_table(entry).map(Wire::Inline);
    }
    reading.existing_file(entry, "a table or a path").map(Wire::File)
}
