//! Reading the file: its keys as serde types, then its facts checked against each other.

use indexmap::IndexMap;
use serde::Deserialize;

use super::{
    Alternative, Axis, CheckSpec, ConnectorSpec, CustomFieldsSpec, DerivedFrom, Fallback, HeaderAuth, Paging,
    PartitionBy, SpecError, StreamSpec, SyncMode,
    auth::{AuthFile, StreamAuthFile},
    axis::AxisFile,
};
use crate::{
    column::{Column, ColumnType, snake_case},
    decode::{Alias, TableLayout},
    quota::{Quota, QuotaMode, Span},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectorFile {
    connector: String,
    title: String,
    about: String,
    docs: String,
    base_url: Option<String>,
    quota: QuotaFile,
    concurrency: usize,
    timeout: String,
    auth: Option<AuthFile>,
    #[serde(default)]
    hosts: IndexMap<String, String>,
    #[serde(default)]
    path_prefixes: IndexMap<String, String>,
    #[serde(default)]
    alternatives: Vec<Alternative>,
    check: CheckFile,
    streams: IndexMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaFile {
    requests: u32,
    per: String,
    mode: QuotaMode,
    docs: String,
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
    about: String,
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
    auth: Option<StreamAuthFile>,
    #[serde(default = "whole_page")]
    items: Vec<String>,
    #[serde(default)]
    single: bool,
    #[serde(default)]
    empty: Vec<u16>,
    #[serde(default = "no_paging")]
    paging: Paging,
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
    #[serde(default)]
    keeps_absent: bool,
    columns: toml::Table,
    #[serde(default)]
    aliases: IndexMap<String, Vec<String>>,
    #[serde(default)]
    computed: toml::Table,
    synthetic_key: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    custom_fields: Option<CustomFieldsSpec>,
    derived: Option<DerivedFile>,
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

fn whole_page() -> Vec<String> {
    vec![String::new()]
}

fn no_paging() -> Paging {
    Paging::None
}

fn one() -> String {
    "one".to_owned()
}

fn full_refresh() -> SyncMode {
    SyncMode::FullRefresh
}

/// Reads a merged file.
pub(crate) fn read(table: toml::Table) -> Result<ConnectorSpec, SpecError> {
    let file: ConnectorFile = table
        .try_into()
        .map_err(|error: toml::de::Error| SpecError::at("connector.toml", one_line(&error)))?;
    let span = |place: &str, text: &str| {
        text.parse::<Span>().map(|span| span.0).map_err(|error| SpecError::at(place, error.to_string()))
    };
    let prefixed = |path: String| prefixed(path, &file.path_prefixes);
    let auth = file
        .auth
        .map(HeaderAuth::from)
        .map(|auth| HeaderAuth { token_path: auth.token_path.map(prefixed), ..auth });
    let mut streams = IndexMap::new();
    for (name, value) in file.streams {
        let mut stream = stream(&name, value, auth.as_ref())?;
        stream.path = prefixed(stream.path);
        streams.insert(name, stream);
    }
    let spec = ConnectorSpec {
        quota: Quota {
            requests: file.quota.requests.max(1),
            per: span("quota.per", &file.quota.per)?,
            mode: file.quota.mode,
        },
        quota_docs: file.quota.docs,
        timeout: span("timeout", &file.timeout)?,
        concurrency: file.concurrency.max(1),
        check: CheckSpec { stream: file.check.stream, params: file.check.params.into_iter().collect() },
        hosts: file.hosts,
        alternatives: file.alternatives,
        auth,
        name: file.connector,
        title: file.title,
        about: file.about,
        docs: file.docs,
        base_url: file.base_url,
        streams,
    };
    consistent(&spec)?;
    Ok(spec)
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
    let auth = file.auth.map(|own| own.over(auth)).transpose().map_err(refuse)?;
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
    Ok(StreamSpec {
        name: name.to_owned(),
        about: file.about,
        docs: file.docs,
        assumption: file.assumption,
        experimental: file.experimental,
        path: file.path,
        params: file.params.into_iter().collect(),
        on_demand: on_demand.map(|(name, params)| (name, params.into_iter().collect())).collect(),
        auth,
        items: file.items,
        single: file.single,
        empty: file.empty,
        paging: file.paging,
        axes,
        fallback,
        partition: partition(&file.partition).map_err(refuse)?,
        cursor: file.cursor,
        version: file.version,
        mode: file.mode,
        keeps_absent: file.keeps_absent,
        table,
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

fn columns(table: &toml::Table) -> Result<Vec<Column>, String> {
    table
        .iter()
        .map(|(field, notation)| Column::parse(field, notation).map_err(|error| error.to_string()))
        .collect()
}

fn given_columns(axis: &Axis) -> Vec<Column> {
    match axis {
        Axis::Property { column, .. } => vec![identifier(column, "the property that was asked")],
        Axis::Parent(parent) => {
            vec![identifier(&parent.column, &format!("`{}` of {}", parent.key, parent.stream))]
        }
        Axis::Window(window) if window.years => [
            window.columns.as_ref().map_or(&window.from, |columns| &columns.0),
            window.columns.as_ref().map_or(&window.to, |columns| &columns.1),
        ]
        .into_iter()
        .map(|field| Column {
            field: field.clone(),
            name: snake_case(field),
            kind: ColumnType::Instant,
            doc: "end of the period that was asked for".to_owned(),
        })
        .collect(),
        Axis::Window(_) | Axis::Passes(_) => Vec::new(),
    }
}

fn identifier(field: &str, doc: &str) -> Column {
    Column { field: field.to_owned(), name: snake_case(field), kind: ColumnType::Id, doc: doc.to_owned() }
}

fn partition(text: &str) -> Result<PartitionBy, String> {
    match text.split_once(':') {
        None if text == "one" => Ok(PartitionBy::One),
        None if text == "bucket" => Ok(PartitionBy::Bucket),
        Some(("value", column)) => Ok(PartitionBy::Value(column.to_owned())),
        Some(("month", column)) => Ok(PartitionBy::Month(column.to_owned())),
        _ => Err(format!("unknown partition `{text}`; one of one, bucket, value:COLUMN, month:COLUMN")),
    }
}

/// Names that facts use of each other exist.
fn consistent(spec: &ConnectorSpec) -> Result<(), SpecError> {
    let known = |place: &str, stream: &str| {
        if spec.streams.contains_key(stream) {
            Ok(())
        } else {
            Err(SpecError::at(place, format!("no stream `{stream}`")))
        }
    };
    known("check.stream", &spec.check.stream)?;
    for (name, stream) in &spec.streams {
        let place = format!("streams.{name}");
        for other in stream.depends_on() {
            known(&place, other)?;
        }
        let schema = stream.table.schema();
        let columns = stream
            .table
            .primary_key
            .iter()
            .chain(&stream.cursor)
            .chain(&stream.version)
            .chain(match &stream.partition {
                PartitionBy::Month(column) | PartitionBy::Value(column) => Some(column),
                PartitionBy::One | PartitionBy::Bucket => None,
            })
            .chain(stream.window().map(|window| &window.by).filter(|by| !by.is_empty()));
        for column in columns {
            if schema.field_with_name(column).is_err() {
                return Err(SpecError::at(&place, format!("no column `{column}`")));
            }
        }
        if stream.table.primary_key.is_empty() {
            return Err(SpecError::at(&place, "`primary_key` is empty"));
        }
        if stream.derived.is_none() && !stream.path.starts_with('/') {
            return Err(SpecError::at(&place, "`path` must begin with `/`"));
        }
    }
    Ok(())
}
