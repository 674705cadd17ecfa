//! Reading the file: its keys as serde types, then its facts checked against each other.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;

use super::{
    Alternative, AuthFacts, Axis, CheckSpec, ConnectorSpec, CustomFieldsSpec, DateFormat, DerivedFrom,
    Fallback, HeaderAuth, Paging, Since, SpecError, Stated, StreamSpec, SyncMode,
    auth::{AuthFile, StreamAuthFile},
    axis::AxisFile,
    consistent::consistent,
    unified,
};
use crate::{
    column::Column,
    decode::{Alias, TableLayout},
    quota::{Quota, QuotaMode, Span},
};
use parts::{columns, given_columns, identifier, own_auth, partition};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectorFile {
    connector: String,
    title: Option<String>,
    #[serde(default)]
    about: String,
    #[serde(default)]
    docs: String,
    base_url: Option<String>,
    #[serde(default)]
    quota: QuotaFile,
    #[serde(default = "concurrency")]
    concurrency: usize,
    #[serde(default = "timeout")]
    timeout: String,
    auth: Option<AuthFile>,
    #[serde(default)]
    headers: IndexMap<String, String>,
    #[serde(default)]
    hosts: IndexMap<String, String>,
    #[serde(default)]
    path_prefixes: IndexMap<String, String>,
    #[serde(default)]
    alternatives: Vec<Alternative>,
    check: Option<CheckFile>,
    streams: IndexMap<String, toml::Value>,
    #[serde(default)]
    push: IndexMap<String, super::PushSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaFile {
    requests: u32,
    per: String,
    #[serde(default = "window")]
    mode: QuotaMode,
    #[serde(default)]
    docs: String,
}

impl Default for QuotaFile {
    /// What is polite where the vendor publishes no limit.
    fn default() -> Self {
        Self { requests: 5, per: "1s".to_owned(), mode: QuotaMode::Paced, docs: String::new() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckFile {
    stream: String,
    #[serde(default)]
    params: IndexMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamFile {
    #[serde(default)]
    about: String,
    #[serde(default)]
    docs: String,
    assumption: Option<String>,
    #[serde(default)]
    experimental: bool,
    #[serde(default)]
    path: String,
    #[serde(default)]
    params: IndexMap<String, String>,
    #[serde(default)]
    on_demand: IndexMap<String, IndexMap<String, String>>,
    auth: Option<toml::Value>,
    #[serde(default = "whole_page")]
    items: Vec<String>,
    #[serde(default)]
    single: bool,
    #[serde(default)]
    empty: Vec<u16>,
    paging: Option<Paging>,
    #[serde(default)]
    axes: Vec<AxisFile>,
    fallback: Option<FallbackFile>,
    #[serde(default = "one")]
    partition: String,
    primary_key: Vec<String>,
    cursor: Option<String>,
    version: Option<String>,
    #[serde(default = "full_refresh")]
    mode: SyncMode,
    look_back: Option<String>,
    full_every: Option<String>,
    since: Option<SinceFile>,
    #[serde(default)]
    keeps_absent: bool,
    columns: toml::Table,
    #[serde(default)]
    aliases: IndexMap<String, Vec<String>>,
    #[serde(default)]
    computed: toml::Table,
    synthetic_key: Option<String>,
    generic_key: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    custom_fields: Option<CustomFieldsSpec>,
    derived: Option<DerivedFile>,
    #[serde(default)]
    unified: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SinceFile {
    param: String,
    format: DateFormat,
    overlap: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FallbackFile {
    statuses: Vec<u16>,
    axes: Vec<AxisFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DerivedFile {
    stream: String,
    #[serde(default)]
    field: String,
    #[serde(default)]
    inherits: IndexMap<String, String>,
    #[serde(default)]
    ordinal: bool,
    #[serde(default)]
    single: bool,
}

fn concurrency() -> usize {
    2
}

fn timeout() -> String {
    "60s".to_owned()
}

fn window() -> QuotaMode {
    QuotaMode::Window
}

fn whole_page() -> Vec<String> {
    vec![String::new()]
}

fn one() -> String {
    "one".to_owned()
}

fn full_refresh() -> SyncMode {
    SyncMode::FullRefresh
}

/// Reads a merged file.
pub(crate) fn read(table: toml::Table) -> Result<ConnectorSpec, SpecError> {
    if let Some(auth) = table.get("auth") {
        alone("auth", auth, &["none"])?;
    }
    let file: ConnectorFile = table
        .try_into()
        .map_err(|error: toml::de::Error| SpecError::at("connector.toml", one_line(&error)))?;
    let span = |place: &str, text: &str| {
        text.parse::<Span>().map(|span| span.0).map_err(|error| SpecError::at(place, error.to_string()))
    };
    let prefixed = |path: String| prefixed(path, &file.path_prefixes);
    let auth = file.auth.map(AuthFile::read).transpose();
    let auth = auth.map_err(|message| SpecError::at("auth", message))?.map(|auth| auth.prefixed(&prefixed));
    let header = match &auth {
        Some(AuthFacts::Header(header)) => Some(header.clone()),
        _ => None,
    };
    let mut streams = IndexMap::new();
    for (name, value) in file.streams {
        let mut stream = stream(&name, value, header.as_ref())?;
        stream.path = prefixed(stream.path);
        streams.insert(name, stream);
    }
    let check = match file.check {
        Some(check) => CheckSpec { stream: check.stream, params: check.params.into_iter().collect() },
        None => cheapest(&streams)?,
    };
    let spec = ConnectorSpec {
        quota: Quota {
            requests: file.quota.requests.max(1),
            per: span("quota.per", &file.quota.per)?,
            mode: file.quota.mode,
        },
        quota_docs: file.quota.docs,
        timeout: span("timeout", &file.timeout)?,
        concurrency: file.concurrency.max(1),
        check,
        auth,
        headers: file.headers.into_iter().collect(),
        hosts: file.hosts,
        alternatives: file.alternatives,
        title: file.title.unwrap_or_else(|| file.connector.clone()),
        name: file.connector,
        about: file.about,
        docs: file.docs,
        base_url: file.base_url,
        streams,
        push: file.push,
    };
    consistent(&spec)?;
    Ok(spec)
}

/// Kinds that take no key but `kind`: the reader of TOML would pass over others.
fn alone(place: &str, value: &toml::Value, kinds: &[&str]) -> Result<(), SpecError> {
    let kind = value.get("kind").and_then(toml::Value::as_str).unwrap_or_default();
    let other = value.as_table().and_then(|table| table.keys().find(|key| *key != "kind"));
    match other.filter(|_| kinds.contains(&kind)) {
        Some(key) => Err(SpecError::at(place, format!("unknown field `{key}`, expected `kind` alone"))),
        None => Ok(()),
    }
}

/// The check of a file that names none: the first stream that can be asked without knowing another.
fn cheapest(streams: &IndexMap<String, StreamSpec>) -> Result<CheckSpec, SpecError> {
    for stream in streams.values() {
        // A stream that asks for rows of one that is not there is what is wrong.
        if let Some(other) = stream.depends_on().into_iter().find(|other| !streams.contains_key(*other)) {
            return Err(SpecError::at(format!("streams.{}", stream.name), format!("no stream `{other}`")));
        }
    }
    let alone = |stream: &&StreamSpec| stream.derived.is_none() && stream.parent().is_none();
    let stream = streams.values().find(alone);
    let stream = stream.ok_or_else(|| SpecError::at("streams", "no stream that can be asked by itself"))?;
    Ok(CheckSpec { stream: stream.name.clone(), params: Vec::new() })
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().lines().next().unwrap_or_default().to_owned()
}

/// A path that begins with one of the prefixes begins with what stands for it.
fn prefixed(path: String, prefixes: &IndexMap<String, String>) -> String {
    let found = prefixes.iter().find_map(|(prefix, other)| {
        let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", other.trim_end_matches('/')))
    });
    found.unwrap_or(path)
}

fn stream(name: &str, value: toml::Value, auth: Option<&HeaderAuth>) -> Result<StreamSpec, SpecError> {
    let place = format!("streams.{name}");
    let refuse = |message: String| SpecError::at(&place, message);
    if let Some(paging) = value.get("paging") {
        let place = format!("{place}.paging");
        alone(&place, paging, &["none", "unknown"])?;
        let read: Result<Paging, toml::de::Error> = paging.clone().try_into();
        read.map_err(|error| SpecError::at(&place, one_line(&error)))?;
    }
    let file: StreamFile = value.try_into().map_err(|error: toml::de::Error| refuse(one_line(&error)))?;
    let columns = columns(&file.columns).map_err(refuse)?;
    let computed = self::columns(&file.computed).map_err(refuse)?;
    let axes: Vec<Axis> =
        file.axes.into_iter().map(AxisFile::read).collect::<Result<_, _>>().map_err(refuse)?;
    let fallback = file
        .fallback
        .map(|fallback| {
            let axes = fallback.axes.into_iter().map(AxisFile::read).collect::<Result<_, _>>()?;
            Ok(Fallback { statuses: fallback.statuses, axes })
        })
        .transpose()
        .map_err(refuse)?;
    let span = |key: &str, text: &str| {
        text.parse::<Span>().map(|span| span.0).map_err(|error| refuse(format!("`{key}`: {error}")))
    };
    let look_back = file.look_back.map_or(Ok(Duration::ZERO), |text| span("look_back", &text))?;
    let full_every = file.full_every.map(|text| span("full_every", &text)).transpose()?;
    let since = match file.since {
        None => None,
        Some(since) => Some(Since {
            overlap: span("since.overlap", &since.overlap)?,
            param: since.param,
            format: since.format,
        }),
    };
    let mut given: Vec<Column> = axes.iter().flat_map(given_columns).collect();
    if let Some(derived) = &file.derived {
        given.extend(derived.inherits.keys().map(|field| identifier(field, "key of the parent's row")));
    }
    // A vendor that names the parent in the child's rows needs no second column.
    given.retain(|column| !columns.iter().any(|own| own.name == column.name) || file.derived.is_some());
    let aliases = file
        .aliases
        .into_iter()
        .flat_map(|(field, paths)| paths.into_iter().map(move |path| Alias { field: field.clone(), path }));
    let (auth, own_auth) = match file.auth {
        None => (None, None),
        Some(own) if own.get("kind").is_some() => (None, Some(own_auth(&place, own)?)),
        Some(own) => {
            let own: Result<StreamAuthFile, toml::de::Error> = own.try_into();
            let own = own.map_err(|error| SpecError::at(format!("{place}.auth"), one_line(&error)))?;
            (Some(own.over(auth).map_err(refuse)?), None)
        }
    };
    let on_demand = file.on_demand.into_iter();
    let table = TableLayout {
        given,
        ordinal: file.derived.as_ref().is_some_and(|derived| derived.ordinal),
        columns,
        aliases: aliases.collect(),
        computed,
        synthetic_key: file.synthetic_key,
        primary_key: file.primary_key,
        stream: name.to_owned(),
    };
    let unified = unified::read(&place, &file.unified, &table)?;
    Ok(StreamSpec {
        unified,
        name: name.to_owned(),
        about: file.about,
        docs: file.docs,
        assumption: file.assumption,
        experimental: file.experimental,
        path: file.path,
        params: file.params.into_iter().collect(),
        on_demand: on_demand.map(|(name, params)| (name, params.into_iter().collect())).collect(),
        auth,
        own_auth,
        items: file.items,
        single: file.single,
        empty: file.empty,
        paging_stated: Stated(file.paging.is_some()),
        paging: file.paging.unwrap_or(Paging::None),
        axes,
        fallback,
        partition: partition(&file.partition).map_err(refuse)?,
        cursor: file.cursor,
        version: file.version,
        mode: file.mode,
        look_back,
        full_every,
        since,
        keeps_absent: file.keeps_absent,
        table,
        generic_key: file.generic_key,
        needs: file.needs,
        custom_fields: file.custom_fields,
        derived: file.derived.map(|derived| DerivedFrom {
            stream: derived.stream,
            field: derived.field,
            inherits: derived.inherits.into_values().collect(),
            single: derived.single,
        }),
    })
}

mod parts;
#[cfg(test)]
mod tests;
