//! One run of a subject, in this process, and what it left.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use userhaul_client::{Client, ClientSettings, Event, Transport};
use userhaul_connector::{
    Connector,
    auth::AuthSpec,
    code::Note,
    quota::{Quota, QuotaMode},
    settings::{SettingValue, Settings},
    spec::{Axis, ConnectorSpec, Paging},
};
use userhaul_runner::{
    RunOptions, Source,
    progress::{ClientProgress, Progress},
    record::{RunRecord, StreamRecord},
};

use crate::{
    subject::World,
    table::{self, Table},
    time::paused,
    wire::{BASE, Exchange, Plan, Wire},
};

/// The name of every subject's source.
pub(crate) const SOURCE: &str = "it";

/// What a run is set to, besides what the facts say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// The largest page size to ask for.
    pub page_rows: Option<u32>,
    /// Another quota than the facts'.
    pub quota: Option<Quota>,
    /// Whether a source that needs a beginning begins shortly before the end: enough for several windows.
    pub recent: bool,
    /// Whether everything is read, whatever earlier runs have left.
    pub full: bool,
}

impl Setting {
    /// For runs that are many: small pages, no waits for the quota, few windows.
    pub(crate) fn quick() -> Self {
        let quota = Quota { requests: 1_000_000, per: Duration::from_secs(1), mode: QuotaMode::Window };
        Self { page_rows: Some(crate::check::PAGE_ROWS), quota: Some(quota), recent: true, full: false }
    }
}

/// 2026-09-20, in microseconds since 1970.
const RECENT: i64 = NOW - 63 * 86_400_000_000;

/// The tables of a destination, by name, with what is wrong with those that cannot be read.
pub type Tables = BTreeMap<String, Result<Table, String>>;

/// What a run left.
pub struct Ran {
    /// The run record; none where the run was killed.
    pub record: Option<RunRecord>,
    /// Every table.
    pub tables: Tables,
    /// What went out.
    pub exchanges: Vec<Exchange>,
    /// Whether the credential is a token that can be had again.
    pub renewable: bool,
    /// The streams that the fault hit.
    pub hit: Vec<String>,
    /// Everything that was told: warnings, client events, the record itself.
    pub said: String,
}

/// The settings of a source.
pub(crate) fn settings_of(world: &dyn World, base_url: &str) -> Settings {
    let mut settings = Settings::default();
    settings.set("base_url", SettingValue::Text(base_url.to_owned()));
    for (name, value) in world.settings() {
        settings.set(name, value);
    }
    settings
}

/// Builds the connector as a source of the configuration does.
///
/// # Panics
/// When the facts do not parse, or the connector refuses the world's settings.
pub(crate) fn connector(world: &dyn World, base_url: &str, setting: &Setting) -> Arc<dyn Connector> {
    let registration = world.registration();
    let mut spec = ConnectorSpec::parse(registration.facts, None).expect("the facts parse");
    spec.base_url = Some(base_url.to_owned());
    for stream in spec.streams.values_mut() {
        let rows = match &mut stream.paging {
            Paging::PageNumber(paging) => &mut paging.rows,
            Paging::Offset(paging) => &mut paging.rows,
            Paging::Cursor(paging) => &mut paging.rows,
            Paging::LastId(paging) => &mut paging.rows,
            Paging::NextUrl(paging) => &mut paging.rows,
            Paging::LinkHeader(paging) => &mut paging.rows,
            Paging::None | Paging::Unknown => continue,
        };
        *rows = rows.map(|rows| rows.min(setting.page_rows.unwrap_or(rows)));
    }
    let settings = settings_of(world, base_url);
    Arc::from((registration.build)(spec, &settings).expect("the world's settings are right"))
}

/// A source that is read through a client.
pub(crate) fn source(
    world: &dyn World,
    connector: Arc<dyn Connector>,
    client: Client,
    setting: &Setting,
) -> Source {
    let spec = connector.spec();
    let settings = settings_of(world, BASE);
    let mut axis_settings: Vec<(String, Vec<String>)> = Vec::new();
    for axis in spec.streams.values().flat_map(|stream| &stream.axes) {
        if let Axis::Property { setting, .. } = axis
            && !axis_settings.iter().any(|(name, _)| name == setting)
        {
            axis_settings.push((setting.clone(), settings.list(setting).to_vec()));
        }
    }
    let streams = spec.streams.values().filter(|stream| !stream.experimental);
    Source {
        name: SOURCE.to_owned(),
        registration: world.registration(),
        selected: streams.map(|stream| stream.name.clone()).collect(),
        start: world.start().map(|start| if setting.recent { RECENT } else { start }),
        concurrency: spec.concurrency,
        timeout: spec.timeout,
        axis_settings,
        id_files: Vec::new(),
        identity: world.registration().name.to_owned(),
        look_back: None,
        full_every: None,
        marks_deleted: false,
        keeps_history: false,
        rules: Vec::new(),
        archive: None,
        client,
        connector,
    }
}

/// The options of a run into a folder. The clock stands behind every world's last row.
pub(crate) fn options(destination: &Path, setting: &Setting) -> RunOptions {
    RunOptions {
        run_id: "01900000-0000-7000-8000-000000000001".to_owned(),
        now: NOW,
        destination: destination.to_owned(),
        compression: userhaul_sink::Compression::None,
        from: None,
        to: None,
        full: setting.full,
        allow_shrink: false,
        limit: None,
    }
}

/// 2026-11-22, in microseconds since 1970.
const NOW: i64 = 1_795_305_600_000_000;

/// A folder for a destination, in memory where there is such a place.
///
/// # Panics
/// When there can be none.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// Runs once on paused time.
///
/// # Panics
/// When the run cannot begin, which would be an error of the test.
pub(crate) fn run(world: &Arc<dyn World>, setting: &Setting, plan: Plan, destination: &Path) -> Ran {
    let connector = connector(world.as_ref(), BASE, setting);
    let spec = connector.spec();
    // Faults go by what the facts say, not by what a broken connector makes of them.
    let facts = ConnectorSpec::parse(world.registration().facts, None).expect("the facts parse");
    let renewable = spec
        .streams
        .values()
        .any(|stream| matches!(connector.auth(stream), AuthSpec::ClientCredentials { .. }));
    let wire = Wire::new(world, facts, renewable, plan);
    let diary = Arc::new(Diary::default());
    let progress: Arc<dyn Progress> = Arc::clone(&diary) as _;
    let record = paused(|| wire.count(), async {
        let quota = setting.quota.unwrap_or(spec.quota);
        let base = BASE.parse().expect("an address");
        let mut settings = ClientSettings::new(base, quota, spec.concurrency);
        settings.headers.clone_from(&spec.headers);
        let observer = ClientProgress { source: SOURCE.to_owned(), progress: Arc::clone(&progress) };
        let transport: Arc<dyn Transport> = world.transport(Arc::clone(&wire) as _);
        let client =
            Client::with_transport(settings, Arc::new(observer), transport).expect("the facts make a client");
        let sources = [source(world.as_ref(), Arc::clone(&connector), client, setting)];
        let options = options(destination, setting);
        tokio::select! {
            record = userhaul_runner::sync(&sources, &options, "0", &progress) => {
                Some(record.expect("the destination can be written"))
            }
            () = wire.killed.notified() => None,
        }
    });
    let mut said = diary.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
    if let Some(record) = &record {
        said.push_str(&serde_json::to_string(record).expect("a record is JSON"));
    }
    Ran {
        record,
        tables: tables(destination),
        exchanges: wire.exchanges(),
        renewable,
        hit: wire.hit_streams(),
        said,
    }
}

/// Runs once over sockets and in real time, with waits cut to next to nothing.
///
/// # Panics
/// When the run cannot begin, which would be an error of the test.
pub async fn over_socket(world: &Arc<dyn World>, base_url: &str, destination: &Path) -> Ran {
    let setting = Setting { full: true, ..Setting::quick() };
    let connector = connector(world.as_ref(), base_url, &setting);
    let diary = Arc::new(Diary::default());
    let progress: Arc<dyn Progress> = Arc::clone(&diary) as _;
    let moment = Duration::from_millis(1);
    let quota = setting.quota.unwrap_or(connector.spec().quota);
    let base = base_url.parse().expect("an address");
    let mut settings = ClientSettings::new(base, quota, connector.spec().concurrency);
    settings.headers.clone_from(&connector.spec().headers);
    settings.retry.first_delay = moment;
    settings.retry.refused_first_delay = moment;
    settings.limits.throughput_window = Duration::from_millis(250);
    let observer = ClientProgress { source: SOURCE.to_owned(), progress: Arc::clone(&progress) };
    let client = Client::new(settings, Arc::new(observer)).expect("a loopback address");
    let sources = [source(world.as_ref(), connector, client, &setting)];
    let record = userhaul_runner::sync(&sources, &options(destination, &setting), "0", &progress).await;
    Ran {
        record: Some(record.expect("the destination can be written")),
        tables: tables(destination),
        exchanges: Vec::new(),
        renewable: false,
        hit: Vec::new(),
        said: String::new(),
    }
}

/// A run without any fault, in a folder of its own.
pub fn clean(world: &Arc<dyn World>, setting: &Setting) -> Ran {
    run(world, setting, Plan::default(), folder().path())
}

/// Every table of a destination: `it/<stream>` and `unified/<table>`.
pub fn tables(destination: &Path) -> Tables {
    let mut tables = BTreeMap::new();
    for group in [SOURCE, "unified"] {
        let Ok(entries) = std::fs::read_dir(destination.join(group)) else { continue };
        for entry in entries.flatten() {
            let name = format!("{group}/{}", entry.file_name().to_string_lossy());
            tables.insert(name, table::read(&entry.path()));
        }
    }
    tables
}

impl Ran {
    /// The record of a stream.
    pub fn streams(&self) -> impl Iterator<Item = (&String, &StreamRecord)> {
        self.record.iter().flat_map(|record| record.sources.values()).flat_map(|source| &source.streams)
    }

    /// How the run ended and why its streams failed, for messages.
    pub fn told(&self) -> String {
        let Some(record) = &self.record else { return "killed".to_owned() };
        let failures = self.streams().filter_map(|(name, stream)| {
            let error = stream.error.as_ref().map(|error| format!("{}: {}", error.code, error.message));
            Some(format!("{name}: {}", error.or_else(|| stream.reason.text().map(str::to_owned))?))
        });
        let failures: Vec<String> = failures.take(3).collect();
        format!("{:?} {}", record.status, failures.join(" | "))
    }
}

/// How the tables of two destinations differ, but for columns of these names; nothing where they are the same.
pub fn same_rows(before: &Tables, after: &Tables, but: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(Ok(before)), Some(Ok(after))) => {
                let (one, two) = (texts(before, but), texts(after, but));
                if one != two {
                    problems.push(format!("{name}: {}", difference(&one, &two)));
                }
            }
            (Some(Err(_)), Some(Err(_))) => {}
            (before, after) => {
                let state = |table: Option<&Result<Table, String>>| match table {
                    None => "missing".to_owned(),
                    Some(Ok(table)) => format!("{} rows", table.rows.len()),
                    Some(Err(problem)) => problem.clone(),
                };
                problems.push(format!("{name}: {} before, {} after", state(before), state(after)));
            }
        }
    }
    problems
}

/// The rows of a table as sorted texts, without lineage and without these columns.
pub(crate) fn texts(table: &Table, but: &BTreeSet<String>) -> Vec<String> {
    let text = |row: &serde_json::Map<String, Value>| {
        let kept = row.iter().filter(|(name, _)| {
            !matches!(name.as_str(), "_run_id" | "_extracted_at") && !but.contains(*name)
        });
        Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect()).to_string()
    };
    let mut texts: Vec<String> = table.rows.iter().map(text).collect();
    texts.sort();
    texts
}

fn difference(one: &[String], two: &[String]) -> String {
    let (first, second): (BTreeSet<&String>, BTreeSet<&String>) =
        (one.iter().collect(), two.iter().collect());
    let cut = |text: &&&String| text.chars().take(300).collect::<String>();
    let lost = first.difference(&second).next().as_ref().map(cut);
    let new = second.difference(&first).next().as_ref().map(cut);
    format!("{} rows before, {} after; lost {lost:?}, new {new:?}", one.len(), two.len())
}

/// Writes down what a run tells.
#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn note(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Progress for Diary {
    fn begun(&self, _: &str, _: &str) {}
    fn page(&self, _: &str, _: &str, _: u64, _: u64) {}
    fn warning(&self, _: &str, stream: &str, note: &Note) {
        self.note(format!("{stream}: {note}"));
    }
    fn finished(&self, _: &str, stream: &str, outcome: &StreamRecord) {
        self.note(format!("{stream}: {outcome:?}"));
    }
    fn client(&self, _: &str, event: &Event) {
        self.note(format!("{event:?}"));
    }
}
