//! Reading the file: its keys as serde types, then its facts checked against each other.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;

use super::{
    Axis, CheckSpec, ConnectorSpec, CustomFieldsSpec, DateFormat, DerivedFrom, Fallback, HeaderAuth, Paging,
    PartitionBy, Since, SpecError, StreamSpec, SyncMode, axis::AxisFile,
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
struct AuthFile {
    header: String,
    /// `raw`, `bearer`, or the word itself.
    scheme: String,
}

impl From<AuthFile> for HeaderAuth {
    fn from(file: AuthFile) -> Self {
        let scheme = match file.scheme.as_str() {
            "raw" => None,
            "bearer" => Some("Bearer".to_owned()),
            _ => Some(file.scheme),
        };
        Self { header: file.header, scheme }
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
    about: String,
    docs: String,
    assumption: Option<String>,
    #[serde(default)]
    experimental: bool,
    #[serde(default)]
    path: String,
    #[serde(default)]
    params: IndexMap<String, String>,
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
    #[serde(default)]
    needs: Vec<String>,
    custom_fields: Option<CustomFieldsSpec>,
    derived: Option<DerivedFile>,
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
    let mut streams = IndexMap::new();
    for (name, value) in file.streams {
        let stream = stream(&name, value)?;
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
        auth: file.auth.map(HeaderAuth::from),
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

fn stream(name: &str, value: toml::Value) -> Result<StreamSpec, SpecError> {
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
        look_back,
        full_every,
        since,
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
        Axis::Window(window) if window.years => [&window.from, &window.to]
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
