//! A vendor in memory: three lists that change from day to day, and a count of the requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use userhaul_client::{Chunks, Client, ClientSettings, Incoming, Outgoing, Reason, Silent, Transport};
use userhaul_connector::{
    Computed, Connector, Registration, as_facts,
    auth::AuthSpec,
    quota::{Quota, QuotaMode},
    rows::{Rows, UnifyError},
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::{Event, Status, Table, Unified, User};
use userhaul_runner::Source;

pub(crate) const DAY: i64 = 86_400_000_000;

/// 2026-03-01T00:00:00Z.
pub(crate) const FIRST: i64 = 1_772_323_200_000_000;

const FACTS: &str = r#"
connector = "memory"
title = "Memory"
about = "A vendor in memory"
docs = "https://docs.example.com"
base_url = "http://127.0.0.1:1"
concurrency = 1
timeout = "1s"
quota = { requests = 100000, per = "1s", mode = "paced", docs = "none" }
check = { stream = "kinds" }

[streams.kinds]
about = "One row a kind"
docs = "https://docs.example.com"
path = "/kinds"
primary_key = ["id"]
columns = { id = "id", name = "text" }

[streams.events]
about = "One row an event"
docs = "https://docs.example.com"
path = "/{property}/events"
axes = [
    { kind = "window", from = "from", to = "to", format = "day", by = "at", days = 7, pad = "1d", keep_inside = true, start_required = true },
    { kind = "property", setting = "properties", param = "property", column = "property" },
]
partition = "month:at"
primary_key = ["property", "id"]
cursor = "at"
mode = "incremental"
look_back = "3d"
needs = ["kinds"]
columns = { id = "id", kind = "id", at = "instant", note = "text" }

[streams.visits]
about = "One row an event of the first property, in one window that is halved where it holds too much"
docs = "https://docs.example.com"
path = "/visits"
axes = [{ kind = "window", from = "from", to = "to", format = "rfc3339", by = "at", pad = "1s", keep_inside = true }]
partition = "month:at"
primary_key = ["id"]
cursor = "at"
mode = "incremental"
look_back = "3d"
columns = { id = "id", at = "instant", note = "text" }

[streams.people]
about = "One row a person"
docs = "https://docs.example.com"
path = "/people"
paging = { kind = "page_number", page = "page", size = "size", rows = 5 }
primary_key = ["id"]
cursor = "updated"
version = "updated"
since = { param = "since", format = "rfc3339", overlap = "10m" }
full_every = "7d"
columns = { id = "id", updated = "instant", note = "text" }

[streams.details]
about = "One row a person who was in an event"
docs = "https://docs.example.com"
path = "/details/{id}"
single = true
axes = [{ kind = "parent", stream = "events", key = "note", param = "id", column = "asked", gone = [404], missing = "details_missing", block = 3 }]
partition = "bucket"
primary_key = ["asked"]
full_every = "7d"
columns = { note = "text" }

[streams.details_missing]
about = "One row an id that is not known"
docs = "https://docs.example.com"
primary_key = ["asked"]
partition = "bucket"
derived = { stream = "details", inherits = { asked = "asked" } }
columns = {}
"#;

pub(crate) static REGISTRATION: Registration = Registration {
    name: "memory",
    facts: FACTS,
    settings: &[],
    unifies: &[("events", &[Table::Events]), ("people", &[Table::Users])],
    targets: &[],
    words: &[],
    wire: as_facts,
    build,
};

struct Memory(ConnectorSpec);

fn build(spec: ConnectorSpec, _: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    Ok(Box::new(Memory(spec)))
}

impl Connector for Memory {
    fn spec(&self) -> &ConnectorSpec {
        &self.0
    }

    fn auth(&self, _: &StreamSpec) -> AuthSpec {
        AuthSpec::Anonymous
    }

    fn compute(&self, _: &StreamSpec, _: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        Ok(Vec::new())
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        if stream.name == "people" {
            let (ids, notes) = (rows.text("id")?, rows.text("note")?);
            for (row, lineage) in rows.lineage()? {
                let vendor_user_id = ids.get(row).unwrap_or_default();
                let user = User {
                    vendor_user_id,
                    status: Status::Active,
                    full_name: notes.get(row),
                    ..User::default()
                };
                into.user(lineage, user);
            }
        }
        if stream.name != "events" {
            return Ok(());
        }
        let (kinds, ids) = (rows.text("kind")?, rows.text("note")?);
        for (row, lineage) in rows.lineage()? {
            assert!(ids.get(row) != Some(BROKEN), "a connector that panics");
            let kind = kinds.get(row).and_then(|kind| rows.lookup("kinds", kind));
            let object_name = kind.and_then(|kind| kind.text("name"));
            let event =
                Event { event_type: "other", object_id: ids.get(row), object_name, ..Event::default() };
            into.event(lineage, event);
        }
        Ok(())
    }
}

/// A note at which the connector panics.
pub(crate) const BROKEN: &str = "broken";

/// Visits that an answer may hold.
const MANY: usize = 12;

/// One event: when, of which kind, what is noted.
pub(crate) type Happening = (i64, String, String);

/// What the vendor holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    pub(crate) kinds: BTreeMap<String, String>,
    /// By property and id.
    pub(crate) events: BTreeMap<(String, String), Happening>,
    /// By id: when changed, and a note.
    pub(crate) people: BTreeMap<String, (i64, String)>,
    pub(crate) details: BTreeMap<String, String>,
    pub(crate) asked: Vec<String>,
    /// By how many seconds its clock is behind, where its answers say what time it is.
    pub(crate) behind: Option<u64>,
    /// The n-th request from now on fails for good.
    pub(crate) fails_after: Option<usize>,
    /// The n-th request from now on is never answered.
    pub(crate) hangs_after: Option<usize>,
    /// Told when a request is not answered.
    pub(crate) hangs: Arc<tokio::sync::Notify>,
}

#[derive(Clone, Default)]
pub(crate) struct Vendor(pub(crate) Arc<Mutex<Held>>);

impl Vendor {
    /// Counts a request, and says whom to tell where it is not answered.
    fn hangs(&self) -> Option<Arc<tokio::sync::Notify>> {
        let mut held = self.0.lock().expect("nobody panicked");
        let left = held.hangs_after?;
        held.hangs_after = left.checked_sub(1);
        held.hangs_after.is_none().then(|| Arc::clone(&held.hangs))
    }
}

struct Whole(Option<Bytes>);

#[async_trait]
impl Chunks for Whole {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Reason> {
        Ok(self.0.take())
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason> {
        if let Some(hangs) = self.hangs() {
            hangs.notify_one();
            return std::future::pending().await;
        }
        let mut held = self.0.lock().expect("nobody panicked");
        held.asked.push(format!("{}?{}", outgoing.url.path(), outgoing.url.query().unwrap_or_default()));
        let failing = match &mut held.fails_after {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        let answer = if failing { None } else { held.answer(&outgoing) };
        let (status, body) = match answer {
            Some(body)
                if outgoing.url.path() == "/visits"
                    && body.as_array().is_some_and(|rows| rows.len() > MANY) =>
            {
                (413, String::new())
            }
            Some(body) => (200, body.to_string()),
            None if failing => (501, String::new()),
            None => (404, "{}".to_owned()),
        };
        let body = Box::new(Whole(Some(Bytes::from(body))));
        let mut headers = HeaderMap::new();
        if let Some(behind) = held.behind {
            #[expect(clippy::disallowed_methods, reason = "the vendor's clock is compared with the client's")]
            let date = jiff::Timestamp::now() - Duration::from_secs(behind);
            let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date);
            headers.insert("date", text.expect("a date").parse().expect("a header"));
        }
        Ok(Incoming { status, headers, body })
    }
}

impl Held {
    fn answer(&self, outgoing: &Outgoing) -> Option<Value> {
        let query: BTreeMap<String, String> = outgoing.url.query_pairs().into_owned().collect();
        let segments: Vec<&str> = outgoing.url.path_segments()?.collect();
        match segments.as_slice() {
            ["kinds"] => {
                Some(self.kinds.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect())
            }
            ["people"] => Some(self.people_page(&query)),
            ["details", id] => self.details.get(*id).map(|note| json!({ "note": note })),
            ["visits"] => Some(self.visits(&query)),
            [property, "events"] => Some(self.events_of(property, &query)),
            _ => None,
        }
    }

    /// Both ends inclusive, by the UTC day.
    fn events_of(&self, property: &str, query: &BTreeMap<String, String>) -> Value {
        let day = |at: i64| instant(at).split('T').next().unwrap_or_default().to_owned();
        self.events
            .iter()
            .filter(|((of, _), (at, ..))| of == property && (query["from"].clone()..=query["to"].clone()).contains(&day(*at)))
            .map(|((_, id), (at, kind, note))| json!({ "id": id, "at": instant(*at), "kind": kind, "note": note }))
            .collect()
    }

    /// Both ends inclusive, to the second.
    fn visits(&self, query: &BTreeMap<String, String>) -> Value {
        let wanted = |at: i64| (query["from"].clone()..=query["to"].clone()).contains(&instant(at));
        let events = self.events.iter().filter(|((property, _), (at, ..))| property == "a" && wanted(*at));
        events.map(|((_, id), (at, _, note))| json!({ "id": id, "at": instant(*at), "note": note })).collect()
    }

    fn people_page(&self, query: &BTreeMap<String, String>) -> Value {
        let (page, size): (usize, usize) = (query["page"].parse().expect("a number"), 5);
        let since = query.get("since").cloned().unwrap_or_default();
        self.people
            .iter()
            .filter(|(_, (updated, _))| instant(*updated) >= since)
            .skip((page - 1) * size)
            .take(size)
            .map(|(id, (updated, note))| json!({ "id": id, "updated": instant(*updated), "note": note }))
            .collect()
    }
}

pub(crate) fn instant(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).expect("an instant");
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The vendor as a source, with these properties.
pub(crate) fn source(vendor: &Vendor, properties: &[&str], streams: &[&str]) -> Source {
    source_by(FACTS, vendor, properties, streams)
}

/// The same, with streams that are read one after the other, so that the files change in the same order each time.
pub(crate) fn in_a_row(vendor: &Vendor, properties: &[&str], streams: &[&str]) -> Source {
    let facts = FACTS.replace("[streams.people]", "[streams.people]\nneeds = [\"details\"]");
    source_by(&facts, vendor, properties, streams)
}

fn source_by(facts: &str, vendor: &Vendor, properties: &[&str], streams: &[&str]) -> Source {
    let spec = ConnectorSpec::parse(facts, None).expect("facts");
    let quota = Quota { requests: 100_000, per: Duration::from_secs(1), mode: QuotaMode::Paced };
    let settings = ClientSettings::new("http://127.0.0.1:1".parse().expect("a URL"), quota, 1);
    let client =
        Client::with_transport(settings, Arc::new(Silent), Arc::new(vendor.clone())).expect("a client");
    let names = properties.iter().map(|name| (*name).to_owned()).collect();
    Source {
        name: "memory".to_owned(),
        connector: Arc::new(Memory(spec)),
        registration: &REGISTRATION,
        client,
        selected: streams.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
        start: Some(FIRST),
        identity: "memory".to_owned(),
        look_back: None,
        full_every: None,
        marks_deleted: false,
        keeps_history: false,
        archive: None,
        concurrency: 1,
        timeout: Duration::from_secs(1),
        axis_settings: vec![("properties".to_owned(), names)],
        id_files: Vec::new(),
        rules: Vec::new(),
    }
}
