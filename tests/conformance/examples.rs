//! The connectors of docs/examples, each with a small server that answers as the facts say: whether the facts are the
//! vendor's is not asked here, only whether the engine keeps its promises over them.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use userhaul_client::Transport;
use userhaul_connector::{
    Registration,
    quota::Quota,
    settings::{SettingKind, SettingValue},
    spec::{Axis, ConnectorSpec, StreamSpec},
};
use userhaul_testkit::{Subject, World};

use crate::{
    answers::{self, Query},
    made,
};

/// 2026-09-01: before the first row.
const START: i64 = 1_788_220_800_000_000;

/// Every example of the folder, with the value of `connector` that a source of it has.
pub(crate) fn declared() -> Vec<(String, Box<dyn Subject>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    let entries = std::fs::read_dir(folder).expect("the folder of examples");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there is no example");
    let example = |path: &Path| {
        let registration = userhaul_cli::read_declared(path).unwrap_or_else(|problem| panic!("{problem:?}"));
        let subject: Box<dyn Subject> = Box::new(Example { registration });
        (path.display().to_string(), subject)
    };
    files.iter().map(|path| example(path)).collect()
}

struct Example {
    registration: &'static Registration,
}

impl Subject for Example {
    fn name(&self) -> String {
        format!("example {}", self.registration.name)
    }

    fn open(&self, people: usize) -> Arc<dyn World> {
        let spec = ConnectorSpec::parse(self.registration.facts, None).expect("the facts parse");
        Arc::new(Server { registration: self.registration, spec, people, asked_wrongly: Default::default() })
    }
}

struct Server {
    registration: &'static Registration,
    spec: ConnectorSpec,
    people: usize,
    asked_wrongly: std::sync::Mutex<Vec<String>>,
}

/// The values of every list in the settings.
const LISTED: [&str; 2] = ["one", "two"];

#[async_trait]
impl World for Server {
    async fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.respond(&request).unwrap_or_else(|(status, why)| {
            self.asked_wrongly.lock().expect("no panic").push(why);
            answers::json(status, &json!({ "error": "refused" }))
        })
    }

    fn truth(&self, stream: &str) -> Option<Vec<Value>> {
        let stream = self.spec.stream(stream)?;
        Some(self.rows(stream).into_iter().map(Value::Object).collect())
    }

    fn violations(&self) -> Vec<String> {
        self.asked_wrongly.lock().expect("no panic").clone()
    }

    fn registration(&self) -> &'static Registration {
        self.registration
    }

    fn settings(&self) -> Vec<(&'static str, SettingValue)> {
        let value = |kind: SettingKind| match kind {
            SettingKind::Secret => SettingValue::Secret("key-of-nobody-at-all".into()),
            SettingKind::TextList => SettingValue::TextList(LISTED.map(str::to_owned).to_vec()),
            _ => SettingValue::Text("nobody".to_owned()),
        };
        let needed = self.registration.settings.iter().filter(|setting| setting.required);
        needed.map(|setting| (setting.name, value(setting.kind))).collect()
    }

    fn start(&self) -> Option<i64> {
        self.spec.streams.values().any(|stream| stream.window().is_some()).then_some(START)
    }

    fn limit(&self) -> Option<Quota> {
        None
    }

    fn transport(&self, wire: Arc<dyn Transport>) -> Arc<dyn Transport> {
        wire
    }
}

impl Server {
    fn respond(&self, request: &http::Request<Bytes>) -> Result<http::Response<Bytes>, (u16, String)> {
        let path = request.uri().path();
        let query = Query::of(request.uri());
        let (stream, mut given) = (self.spec.streams.values())
            .find_map(|stream| Some((stream, placed(stream, path)?)))
            .ok_or_else(|| (404, format!("nothing is at {path}")))?;
        answers::signed(&self.spec, request.headers(), &query).map_err(|why| (401, why))?;
        given.extend(query.pairs.iter().cloned());
        answers::only_known(&self.spec, stream, &query).map_err(|why| (400, why))?;
        let mut rows = self.rows(stream);
        for axis in &stream.axes {
            let (Axis::Property { param, column, .. }
            | Axis::Parent(userhaul_connector::spec::ParentAxis { param, column, .. })) = axis
            else {
                continue;
            };
            let value = given.iter().find(|(name, _)| name == param).map(|(_, value)| json!(value));
            rows.retain(|row| row.get(column) == value.as_ref());
        }
        if let Some(window) = stream.window() {
            let bound = |param: Option<&String>| query.get(param?).map(answers::instant);
            let (from, to) = (bound(Some(&window.from)), bound(window.to.as_ref()));
            let at = |row: &Map<String, Value>| row.get(&window.by).map_or(0, made::micros);
            rows.retain(|row| from.is_none_or(|from| at(row) >= from) && to.is_none_or(|to| at(row) < to));
        }
        for row in &mut rows {
            stream.table.given.iter().for_each(|column| drop(row.remove(&column.field)));
        }
        let rows = rows.into_iter().map(Value::Object).collect();
        Ok(answers::page(stream, path, &query, rows))
    }

    /// All rows of a stream, with what the request gives and the rows of derived streams in them.
    fn rows(&self, stream: &StreamSpec) -> Vec<Map<String, Value>> {
        if let Some(derived) = &stream.derived {
            let parent = self.spec.stream(&derived.stream).expect("the facts are consistent");
            return self.rows(parent).iter().flat_map(|row| made::derived_rows(stream, row)).collect();
        }
        let mut rows = Vec::new();
        for (place, given) in self.places(stream).into_iter().enumerate() {
            for _ in 0..self.count(stream, place) {
                let mut row = made::row(stream, rows.len());
                for derived in self.spec.derived_from(&stream.name) {
                    made::put_derived(derived, rows.len(), &mut row);
                }
                row.extend(given.clone());
                rows.push(row);
            }
        }
        rows
    }

    /// What the request gives to the rows of each walk.
    fn places(&self, stream: &StreamSpec) -> Vec<Map<String, Value>> {
        let mut places = vec![Map::new()];
        for axis in &stream.axes {
            let (column, values): (_, Vec<Value>) = match axis {
                Axis::Property { column, .. } => (column, LISTED.map(|text| json!(text)).to_vec()),
                Axis::Parent(parent) => {
                    let rows = self.rows(self.spec.stream(&parent.stream).expect("the facts are consistent"));
                    (&parent.column, rows.iter().map(|row| json!(made::text(&row[&parent.key]))).collect())
                }
                Axis::Window(_) | Axis::Passes(_) => continue,
            };
            let with = |place: &Map<String, Value>, value: &Value| {
                let mut place = place.clone();
                place.insert(column.clone(), value.clone());
                place
            };
            places =
                places.iter().flat_map(|place| values.iter().map(move |value| with(place, value))).collect();
        }
        places
    }

    /// Few rows where each is asked for by itself, several pages elsewhere.
    fn count(&self, stream: &StreamSpec, place: usize) -> usize {
        let parent = |other: &StreamSpec| other.parent().is_some_and(|parent| parent.stream == stream.name);
        match (self.people, stream.parent()) {
            (0, _) => 0,
            _ if self.spec.streams.values().any(parent) => 3,
            (people, Some(_)) if place > 0 => people / 8,
            (people, _) => people,
        }
    }
}

/// What fills the placeholders of a stream's path, if the path is its.
fn placed(stream: &StreamSpec, path: &str) -> Option<Vec<(String, String)>> {
    let (wanted, parts): (Vec<&str>, Vec<&str>) =
        (stream.path.split('/').collect(), path.split('/').collect());
    if stream.derived.is_some() || wanted.len() != parts.len() {
        return None;
    }
    let mut given = Vec::new();
    for (wanted, part) in wanted.iter().zip(parts) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => given.push((name.to_owned(), part.to_owned())),
            None if *wanted != part => return None,
            None => {}
        }
    }
    Some(given)
}
