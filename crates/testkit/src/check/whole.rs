//! Checks that look at what one run has left.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use userhaul_connector::{
    column::{Column, ColumnType},
    settings::SettingValue,
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::Table;
use userhaul_runner::record::RunStatus;

use super::PEOPLE;
use crate::{
    expect::{self, Notes},
    fault::{Asked, Fault},
    run::{Ran, SOURCE, Setting, clean, connector, folder, run},
    subject::{Subject, World},
    wire::{BASE, Plan},
};

fn spec(world: &dyn World) -> ConnectorSpec {
    connector(world, BASE, &Setting::default()).spec().clone()
}

fn wanted(spec: &ConnectorSpec) -> impl Iterator<Item = &StreamSpec> {
    spec.streams.values().filter(|stream| !stream.experimental)
}

/// Everything there is.
fn all() -> Setting {
    Setting { recent: false, ..Setting::quick() }
}

/// The primary key of a table that is called `it/<stream>` or `unified/<table>`.
pub(super) fn key_of(world: &dyn World, name: &str) -> Vec<String> {
    let (group, name) = name.split_once('/').unwrap_or_default();
    if group == SOURCE {
        return spec(world).stream(name).map(|stream| stream.table.primary_key.clone()).unwrap_or_default();
    }
    let table = Table::ALL.into_iter().find(|table| table.name() == name);
    table.map(|table| vec![table.primary_key().to_owned()]).unwrap_or_default()
}

pub(super) fn truth(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let ran = clean(&world, &all());
    let mut problems = Vec::new();
    if ran.record.as_ref().is_none_or(|record| record.status != RunStatus::Ok) {
        problems.push(ran.told());
    }
    problems.extend(
        world.violations().into_iter().take(3).map(|what| format!("a request is not allowed: {what}")),
    );
    let spec = spec(world.as_ref());
    for stream in wanted(&spec) {
        let Some(truth) = world.truth(&stream.name) else {
            problems.push(format!("{}: the world cannot tell what it holds", stream.name));
            continue;
        };
        let custom = stream.custom_fields.as_ref().map(|custom| (world.truth(&custom.from), &custom.name));
        let custom: Vec<String> = match custom {
            Some((Some(rows), name)) => {
                rows.iter().filter_map(|row| Some(row[name.as_str()].as_str()?.to_owned())).collect()
            }
            _ => Vec::new(),
        };
        let noted = Noted::of(stream);
        let compared = table(&ran, &stream.name)
            .and_then(|table| noted.compare(table, &truth, &stream.table.primary_key, &custom));
        problems.extend(compared.err().map(|problem| format!("{}: {problem}", stream.name)));
    }
    problems
}

fn table<'a>(ran: &'a Ran, stream: &str) -> Result<&'a crate::table::Table, String> {
    match ran.tables.get(&format!("{SOURCE}/{stream}")) {
        Some(Ok(table)) => Ok(table),
        Some(Err(problem)) => Err(problem.clone()),
        None => Err("there is no table".to_owned()),
    }
}

/// What the facts say of a stream's fields that its schema does not.
#[derive(Default)]
struct Noted {
    json: Vec<String>,
    id_or_object: Vec<String>,
    wrapped: Vec<String>,
    computed: Vec<String>,
    aliases: BTreeMap<String, Vec<String>>,
}

impl Noted {
    fn of(stream: &StreamSpec) -> Self {
        let mut noted = Self::default();
        stream.table.columns.iter().for_each(|column| noted.column(&column.field, &column.kind));
        noted.computed = stream.table.computed.iter().map(|column| column.name.clone()).collect();
        for alias in &stream.table.aliases {
            noted.aliases.entry(alias.field.clone()).or_default().push(alias.path.clone());
        }
        noted
    }

    fn compare(
        &self,
        table: &crate::table::Table,
        truth: &[Value],
        key: &[String],
        custom: &[String],
    ) -> Result<(), String> {
        fn borrowed(texts: &[String]) -> Vec<&str> {
            texts.iter().map(String::as_str).collect()
        }
        let (json, computed) = (borrowed(&self.json), borrowed(&self.computed));
        let (id_or_object, wrapped) = (borrowed(&self.id_or_object), borrowed(&self.wrapped));
        let others: Vec<(&str, Vec<&str>)> =
            self.aliases.iter().map(|(field, others)| (field.as_str(), borrowed(others))).collect();
        let aliases: Vec<(&str, &[&str])> =
            others.iter().map(|(field, others)| (*field, others.as_slice())).collect();
        let notes = Notes {
            json: &json,
            id_or_object: &id_or_object,
            wrapped: &wrapped,
            computed: &computed,
            aliases: &aliases,
        };
        expect::compare(table, truth, key, notes, custom)
    }

    fn column(&mut self, field: &str, kind: &ColumnType) {
        match kind {
            ColumnType::Json => self.json.push(field.to_owned()),
            ColumnType::IdOrObject => self.id_or_object.push(field.to_owned()),
            ColumnType::WrappedMap => self.wrapped.push(field.to_owned()),
            ColumnType::List(item) => self.column(field, item),
            ColumnType::Struct(members) => {
                members.iter().for_each(|member: &Column| self.column(&member.field, &member.kind));
            }
            _ => {}
        }
    }
}

pub(super) fn empty(subject: &dyn Subject) -> Vec<String> {
    let (full, bare) = (subject.open(PEOPLE), subject.open(0));
    let (full_ran, bare_ran) = (clean(&full, &all()), clean(&bare, &all()));
    let mut problems = Vec::new();
    if bare_ran.record.as_ref().is_none_or(|record| record.status != RunStatus::Ok) {
        problems.push(bare_ran.told());
    }
    for (name, table) in &full_ran.tables {
        let Ok(table) = table else { continue };
        match bare_ran.tables.get(name) {
            Some(Ok(bare)) if bare.schema.fields() != table.schema.fields() => {
                problems.push(format!("{name}: another schema than with rows"));
            }
            Some(Ok(_)) => {}
            Some(Err(problem)) => problems.push(format!("{name}: {problem}")),
            None => problems.push(format!("{name}: there is no table")),
        }
    }
    for stream in wanted(&spec(bare.as_ref())) {
        let rows = table(&bare_ran, &stream.name).map_or(0, |table| table.rows.len());
        if rows > 0 && bare.truth(&stream.name).is_some_and(|truth| truth.is_empty()) {
            problems.push(format!("{}: {rows} rows of nothing", stream.name));
        }
    }
    problems
}

pub(super) fn keys(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let ran = clean(&world, &all());
    let mut problems = Vec::new();
    for (name, table) in &ran.tables {
        let Ok(table) = table else { continue };
        let key = key_of(world.as_ref(), name);
        let mut seen = BTreeSet::new();
        for row in &table.rows {
            let values: Vec<&Value> =
                key.iter().map(|column| row.get(column).unwrap_or(&Value::Null)).collect();
            // A unified key is the source and the vendor's key; the source alone is none.
            let blank = |value: &&&Value| match value {
                Value::Null => true,
                Value::String(text) => {
                    let vendors = text.split_once(':').map_or("", |(_, key)| key);
                    name.starts_with("unified/") && vendors.trim().is_empty()
                }
                _ => false,
            };
            if values.is_empty() || values.iter().any(|value| blank(&value)) {
                problems.push(format!("{name}: a row has the key {values:?}"));
            }
            if !seen.insert(format!("{values:?}")) {
                problems.push(format!("{name}: the key {values:?} comes twice"));
            }
        }
    }
    problems.truncate(4);
    problems
}

/// Not every world fills every column; but where a column is empty while a field of nearly its name has no column, the
/// facts have the wrong name, and where the vendor sends values, the table has them.
pub(super) fn columns(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let ran = clean(&world, &all());
    let mut problems = Vec::new();
    for stream in wanted(&spec(world.as_ref())) {
        let (Ok(table), Some(truth)) = (table(&ran, &stream.name), world.truth(&stream.name)) else {
            continue;
        };
        let sent: BTreeSet<&String> = truth
            .iter()
            .filter_map(Value::as_object)
            .flat_map(|row| row.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name))
            .collect();
        let has_column = |name: &String| {
            stream.columns().any(|column| column.field == *name)
                || stream.table.aliases.iter().any(|alias| alias.path == *name)
        };
        let homeless: Vec<&&String> = sent.iter().filter(|name| !has_column(name)).collect();
        for column in &stream.table.columns {
            let empty = table.rows.iter().all(|row| row.get(&column.name).is_none_or(Value::is_null));
            if !empty || table.rows.is_empty() {
                continue;
            }
            if sent.contains(&column.field) {
                problems
                    .push(format!("{}.{}: empty, though the vendor sends values", stream.name, column.name));
            }
            if let Some(near) = homeless.iter().find(|name| near(name, &column.field)) {
                let name = &column.name;
                problems.push(format!("{}.{name}: empty, though the vendor sends `{near}`", stream.name));
            }
        }
    }
    problems
}

/// Whether two names are the same but for at most two letters at their end, or their case.
fn near(one: &str, two: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let (one, two) = (plain(one), plain(two));
    let common = one.chars().zip(two.chars()).take_while(|(one, two)| one == two).count();
    common >= 3 && one.chars().count().max(two.chars().count()) - common <= 2
}

fn anywhere(asked: &Asked<'_>) -> bool {
    asked.get
}

const fn telling(name: &'static str, act: crate::fault::Act) -> Fault {
    Fault { name, check: "leaks", applies: anywhere, act, once: None, stays: None }
}

/// An answer that holds what must not be repeated.
const PERSONAL: &str = "{\"message\":\"no such person: ann.lee@example.com\"}";

/// What makes a run talk.
const TALKATIVE: &[Fault] = &[
    telling("400", |_, _, _| Ok(crate::fault::Answer::json(400, PERSONAL))),
    telling("no rows", |_, _, _| Ok(crate::fault::Answer::json(200, PERSONAL))),
    telling("no JSON", |_, _, _| Ok(crate::fault::Answer::json(200, "[{\"id\":\"ann.lee@example.com\""))),
    telling("503", |_, _, _| Ok(crate::fault::Answer::json(503, PERSONAL))),
];

pub(super) fn leaks(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let secrets = world.settings().into_iter().filter_map(|(_, value)| match value {
        SettingValue::Secret(secret) => Some(secrecy::ExposeSecret::expose_secret(&secret).to_owned()),
        _ => None,
    });
    let needles: Vec<String> = secrets.chain(["@example.com".to_owned()]).collect();
    let mut problems = Vec::new();
    for fault in TALKATIVE {
        let place = folder();
        let plan = Plan { fault: Some((fault, 1, true)), kill_at: None };
        let ran = run(&world, &Setting::quick(), plan, place.path());
        let mut texts = vec![("what it said".to_owned(), ran.said.clone())];
        below(place.path(), &mut texts);
        for (number, needle) in needles.iter().enumerate() {
            let found = texts.iter().find(|(name, text)| name.contains(needle) || text.contains(needle));
            let what = if number + 1 == needles.len() { "an address" } else { "a credential" };
            problems.extend(found.map(|(name, _)| format!("{}: {what} is in {name}", fault.name)));
        }
    }
    problems
}

/// Every file that is no table, by its name, with what stands in it.
fn below(folder: &std::path::Path, texts: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, texts);
        } else {
            let table = path.extension().is_some_and(|extension| extension == "parquet");
            let bytes = if table { Vec::new() } else { std::fs::read(&path).unwrap_or_default() };
            texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}
