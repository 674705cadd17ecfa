//! `userhaul streams`: the catalogue.

use std::{collections::BTreeSet, sync::Arc};

use arrow_schema::SchemaRef;
use clap::Args;
use serde_json::json;
use userhaul_connector::spec::{ConnectorSpec, StreamSpec};

use super::Chosen;
use crate::{
    arguments::Global,
    columns,
    config::Deletes,
    console, facts,
    failure::{Code, Exit, Failure},
    registry, render,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sources, streams or globs of these; all by default. Without a configuration, connectors
    select: Vec<String>,
    /// Print the facts in force for one source or connector as TOML, each with its origin: ready to be corrected
    #[arg(long)]
    wire: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A source or connector, and the streams of it to list.
struct Listed {
    name: String,
    spec: ConnectorSpec,
    streams: Vec<String>,
    selected: Vec<String>,
    /// Whether its tables mark what is gone.
    marks_deleted: bool,
    /// Whether its tables have tables of former versions beside them.
    keeps_history: bool,
}

/// A table that a stream is written to.
struct Written {
    name: String,
    schema: SchemaRef,
    primary_key: Vec<String>,
    /// The stream of whose rows it keeps the former versions.
    history_of: Option<String>,
}

impl Listed {
    /// The stream's table, and that of former versions where it is kept.
    fn tables(&self, stream: &StreamSpec) -> Vec<Written> {
        let rows = stream.table.schema();
        let spec = userhaul_sink::TableSpec {
            primary_key: stream.table.primary_key.clone(),
            ..userhaul_sink::TableSpec::new(Arc::clone(&rows))
        };
        let mut tables = vec![Written {
            name: stream.name.clone(),
            schema: if self.marks_deleted { userhaul_runner::with_deleted_at(&rows) } else { rows },
            primary_key: spec.primary_key.clone(),
            history_of: None,
        }];
        if self.keeps_history && !spec.primary_key.is_empty() {
            let versions = userhaul_sink::history_of(&spec);
            tables.push(Written {
                name: userhaul_runner::history_name(&stream.name),
                schema: versions.schema,
                primary_key: versions.primary_key,
                history_of: Some(stream.name.clone()),
            });
        }
        tables
    }
}

pub(crate) fn run(options: &Options, global: &Global) -> Result<Exit, Failure> {
    if options.wire {
        return wire(options, global);
    }
    let listed = if global.config.exists() { configured(options, global)? } else { connectors(options)? };
    if options.json {
        let all: Vec<serde_json::Value> = listed
            .iter()
            .flat_map(|listed| {
                let streams = listed.streams.iter().filter_map(|name| listed.spec.stream(name));
                streams.flat_map(|stream| as_json(listed, stream))
            })
            .collect();
        let text = serde_json::to_string_pretty(&all).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot write the catalogue: {error}"), None)
        })?;
        console::print(&format!("{text}\n"));
        return Ok(Exit::Ok);
    }
    let in_detail = listed.iter().map(|listed| listed.streams.len()).sum::<usize>() == 1;
    let mut rows = Vec::new();
    for listed in &listed {
        for name in &listed.streams {
            let Some(stream) = listed.spec.stream(name) else { continue };
            if in_detail {
                console::print(&detail(listed, stream));
                return Ok(Exit::Ok);
            }
            for table in listed.tables(stream) {
                rows.push(vec![
                    format!("{}.{}", listed.name, table.name),
                    table.primary_key.join(", "),
                    stream.cursor.clone().unwrap_or_default(),
                    stream.mode.name().to_owned(),
                    stream.columns().count().to_string(),
                    match (&table.history_of, stream.experimental) {
                        (Some(_), _) => "former versions".to_owned(),
                        (None, true) => "experimental".to_owned(),
                        (None, false) => String::new(),
                    },
                ]);
            }
        }
    }
    let header = ["stream", "primary key", "cursor", "sync mode", "columns", ""];
    console::print(&format!("{}\n", render::table(&header, &rows)));
    Ok(Exit::Ok)
}

/// Prints the facts in force for the one source or connector that is named.
fn wire(options: &Options, global: &Global) -> Result<Exit, Failure> {
    let named: Vec<&str> =
        options.select.iter().map(|select| select.split('.').next().unwrap_or(select)).collect();
    let connector = named.first().and_then(|name| registry::find(name));
    let chosen = match (global.config.exists(), connector) {
        (false, _) => Vec::new(),
        (true, connector) => match super::choose(global, &options.select) {
            Ok((_, chosen)) => chosen,
            // A connector may be asked for by its name, whatever the sources are called.
            Err(_) if connector.is_some() => Vec::new(),
            Err(failure) => return Err(failure),
        },
    };
    let (name, facts) = match (chosen.as_slice(), connector) {
        ([Chosen { prepared, selected }], _) => {
            let streams = options.select.iter().all(|select| select.contains('.')).then_some(selected);
            let streams = streams.filter(|_| !options.select.is_empty());
            let source = Some((&prepared.config, global.config.as_path()));
            (prepared.config.name.as_str(), facts::in_force(prepared.registration, source, streams)?)
        }
        ([], Some(connector)) if named.iter().all(|name| *name == connector.name) => {
            let listed = connectors(options)?;
            let own = listed.iter().find(|listed| listed.name == connector.name);
            let streams: BTreeSet<String> =
                own.map(|own| own.streams.iter().cloned().collect()).unwrap_or_default();
            (connector.name, facts::in_force(connector, None, Some(&streams))?)
        }
        (chosen, _) => {
            let mut names: Vec<&str> =
                chosen.iter().map(|chosen| chosen.prepared.config.name.as_str()).collect();
            if names.is_empty() {
                names = registry::CONNECTORS.iter().map(|connector| connector.name).collect();
            }
            let hint = format!("one of {}", names.join(", "));
            return Err(Failure::usage(
                Code::Usage,
                "`--wire` prints the facts of one source: name it",
                Some(hint),
            ));
        }
    };
    if options.json {
        let text = serde_json::to_string_pretty(&facts::as_json(name, &facts)).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot write the facts: {error}"), None)
        })?;
        console::print(&format!("{text}\n"));
    } else {
        console::print(&facts::as_toml(&facts));
    }
    Ok(Exit::Ok)
}

fn configured(options: &Options, global: &Global) -> Result<Vec<Listed>, Failure> {
    let (_, chosen) = super::choose(global, &options.select)?;
    Ok(chosen
        .into_iter()
        .map(|chosen| {
            let spec = chosen.prepared.connector.spec().clone();
            let all = options.select.is_empty();
            let streams =
                spec.streams.keys().filter(|name| all || chosen.selected.contains(*name)).cloned().collect();
            Listed {
                name: chosen.prepared.config.name.clone(),
                spec,
                streams,
                marks_deleted: chosen.prepared.config.deletes == Deletes::Mark,
                keeps_history: chosen.prepared.config.history,
                selected: chosen.prepared.configured.into_iter().collect(),
            }
        })
        .collect())
}

fn connectors(options: &Options) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    for connector in registry::CONNECTORS {
        let spec = ConnectorSpec::parse(connector.facts, None)
            .map_err(|error| Failure::failed(Code::Internal, format!("{}: {error}", connector.name), None))?;
        let wanted = |stream: &str| {
            options.select.is_empty()
                || options.select.iter().any(|pattern| match pattern.split_once('.') {
                    None => crate::select::matches(pattern, connector.name),
                    Some((name, pattern)) => {
                        crate::select::matches(name, connector.name)
                            && crate::select::matches(pattern, stream)
                    }
                })
        };
        let streams: Vec<String> = spec.streams.keys().filter(|name| wanted(name)).cloned().collect();
        let stable = spec.streams.values().filter(|stream| !stream.experimental);
        let selected = stable.map(|stream| stream.name.clone()).collect();
        let name = connector.name.to_owned();
        listed.push(Listed { name, spec, streams, selected, marks_deleted: false, keeps_history: false });
    }
    if listed.iter().all(|listed| listed.streams.is_empty()) {
        let names: Vec<String> =
            registry::CONNECTORS.iter().map(|connector| connector.name.to_owned()).collect();
        return Err(crate::select::unknown(options.select.first().map_or("", String::as_str), &names));
    }
    Ok(listed)
}

fn detail(listed: &Listed, stream: &StreamSpec) -> String {
    let mut text = format!("{}.{}: {}\n", listed.name, stream.name, stream.about);
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:12} {value}\n"));
        }
    };
    fact("primary key", &stream.table.primary_key.join(", "));
    fact("cursor", stream.cursor.as_deref().unwrap_or_default());
    fact("sync mode", stream.mode.name());
    fact("docs", &stream.docs);
    fact("assumption", stream.assumption.as_deref().unwrap_or_default());
    for table in listed.tables(stream) {
        if table.history_of.is_some() {
            text.push_str(&format!("\n{}.{}: its former versions\n", listed.name, table.name));
        }
        text.push('\n');
        columns_of(&table.schema, &mut text);
    }
    text
}

fn columns_of(schema: &SchemaRef, text: &mut String) {
    let rows: Vec<[String; 3]> = schema
        .fields()
        .iter()
        .map(|field| {
            let doc = field.metadata().get("doc").cloned().unwrap_or_default();
            [field.name().clone(), columns::type_name(field.data_type()), doc]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    // A long struct would push every comment off the screen.
    let (names, types) = (width(0), width(1).min(24));
    for [name, kind, doc] in &rows {
        text.push_str(format!("  {name:names$}  {kind:types$}  {doc}").trim_end());
        text.push('\n');
    }
}

/// The stream's table, and that of former versions where it is kept.
fn as_json(listed: &Listed, stream: &StreamSpec) -> Vec<serde_json::Value> {
    listed.tables(stream).iter().map(|table| table_as_json(listed, stream, table)).collect()
}

fn table_as_json(listed: &Listed, stream: &StreamSpec, table: &Written) -> serde_json::Value {
    let columns: Vec<serde_json::Value> = table
        .schema
        .fields()
        .iter()
        .map(|field| {
            json!({
                "name": field.name(),
                "type": columns::type_name(field.data_type()),
                "vendor_field": field.metadata().get("vendor_field").unwrap_or(field.name()),
                "doc": field.metadata().get("doc"),
            })
        })
        .collect();
    let mut document = json!({
        "source": listed.name,
        "connector": listed.spec.name,
        "stream": table.name,
        "about": stream.about,
        "primary_key": table.primary_key,
        "cursor": stream.cursor,
        "sync_mode": stream.mode.name(),
        "selected": listed.selected.contains(&stream.name),
        "experimental": stream.experimental,
        "docs": stream.docs,
        "assumption": stream.assumption,
        "columns": columns,
    });
    if let Some(stream) = &table.history_of {
        document["history_of"] = json!(stream);
    }
    document
}
