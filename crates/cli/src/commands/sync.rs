//! `userhaul sync`: the main job.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clap::Args;
use indexmap::IndexMap;
use jiff::civil::Date;
use serde_json::json;
use userhaul_client::Event;
use userhaul_connector::code::Note;
use userhaul_runner::{
    RunError, RunOptions, Source, Stop,
    progress::Progress,
    record::{Command, ErrorRecord, RunRecord, RunStatus, SourceRecord, StreamRecord},
};

use super::{
    Chosen,
    plan::{self, Requests},
};
use crate::{
    arguments::Global,
    config::Compression,
    console::{self, Console, LogFormat},
    failure::{Code, Exit, Failure},
    metrics,
    progress::Display,
    render, runs,
    sources::{micros_of, quota_dir},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sources, streams (`source.stream`) or globs of these; all by default
    select: Vec<String>,
    /// Read everything from the beginning
    #[arg(long)]
    full: bool,
    /// Only from this day on (windowed streams)
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Date>,
    /// Only before this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<Date>,
    /// Accept a snapshot that lost more than half of its rows
    #[arg(long)]
    allow_shrink: bool,
    /// Write the figures of all runs to this file, in Prometheus' text format
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Print the run record to stdout
    #[arg(long)]
    json: bool,
}

/// A day of the calendar, and nothing but a day.
fn day(text: &str) -> Result<Date, &'static str> {
    let day = Some(text).filter(|text| text.len() == "2024-01-31".len());
    day.and_then(|text| Date::strptime("%Y-%m-%d", text).ok()).ok_or("expected a date such as 2024-01-31")
}

pub(crate) async fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let (config, chosen) = super::choose(global, &options.select)?;
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from >= to
    {
        let hint = format!("`--to` is the first day that is left out; found {from} and {to}");
        return Err(Failure::usage(Code::Usage, "`--from` must be before `--to`", Some(hint)));
    }
    let progress: Arc<dyn Progress> = Arc::new(Display::new(console));
    let mut sources = Vec::new();
    for Chosen { prepared, selected } in &chosen {
        if options.from.is_none() {
            prepared.check_start(selected)?;
        }
        prepared.unmatched_rules().iter().for_each(|note| console.warning(note.code, &note.text));
        sources.push(prepared.source(selected.clone(), &progress, quota_dir())?);
    }
    let destination = config.destination.path.as_path();
    let mut run_options = new_run(destination, config.destination.compression);
    run_options.from = options.from.map(micros_of);
    run_options.to = options.to.map(micros_of);
    run_options.full = options.full;
    run_options.allow_shrink = options.allow_shrink;
    let forecast = forecast(&chosen, destination);
    let (record, exit) = until_signal(&sources, &run_options, &progress).await?;
    runs::save(destination, &record, console);
    if let Some(path) = options.metrics.as_deref().or(config.run.metrics.as_deref()) {
        metrics::save(path, destination, console);
    }
    let credentials =
        chosen.iter().map(|Chosen { prepared, .. }| (prepared.config.name.clone(), prepared.credential()));
    tell(&record, console, &credentials.collect());
    if let Some(forecast) = forecast {
        let streams = record.sources.values().flat_map(|source| source.streams.values());
        let fact: u64 = streams.map(|stream| stream.requests).sum();
        console.info(&format!(
            "forecast of {}, in fact {}",
            render::counted(forecast, "request"),
            render::grouped(fact)
        ));
    }
    if options.json {
        let text = serde_json::to_string_pretty(&record).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot write the run record: {error}"), None)
        })?;
        console::print(&format!("{text}\n"));
    }
    Ok(exit)
}

/// The requests that the streams will take, where earlier runs allow to say.
fn forecast(chosen: &[Chosen], destination: &Path) -> Option<u64> {
    let records = runs::all(destination);
    let mut requests = 0;
    for Chosen { prepared, selected } in chosen {
        for stream in
            prepared.connector.spec().streams.values().filter(|stream| selected.contains(&stream.name))
        {
            match plan::forecast(prepared, stream, &records, destination).ok()?.requests {
                Requests::Exact(count) | Requests::Estimated(count) => requests += count,
                Requests::AtLeast(_) => return None,
            }
        }
    }
    Some(requests)
}

/// The options of a new run, beginning now.
pub(crate) fn new_run(destination: &Path, compression: Compression) -> RunOptions {
    RunOptions {
        run_id: uuid::Uuid::now_v7().to_string(),
        now: jiff::Timestamp::now().as_microsecond(),
        destination: destination.to_owned(),
        compression: match compression {
            Compression::Zstd => userhaul_sink::Compression::Zstd,
            Compression::Snappy => userhaul_sink::Compression::Snappy,
            Compression::None => userhaul_sink::Compression::None,
        },
        from: None,
        to: None,
        full: false,
        allow_shrink: false,
        limit: None,
    }
}

/// How long a run may take to keep what it has read once a signal has come. A container is killed 30 seconds after it.
const GRACE: Duration = Duration::from_secs(20);

/// Runs until it is over or a signal comes. A first signal lets it commit what is being committed and keep what was read whole; a
/// second one, or too long a wait, drops what is in the making. Tables stay as they are.
pub(crate) async fn until_signal(
    sources: &[Source],
    options: &RunOptions,
    progress: &Arc<dyn Progress>,
) -> Result<(RunRecord, Exit), Failure> {
    let stop = &Stop::default();
    let work = |watched| async move {
        userhaul_runner::sync_until(stop, sources, options, env!("CARGO_PKG_VERSION"), &watched).await
    };
    watched_until_signal(sources, (Command::Sync, &options.run_id), progress, Some(stop), work).await
}

/// The same for any work that gives a record and tells of the streams that are over. Where it cannot be asked to stop, a signal drops
/// it.
pub(crate) async fn watched_until_signal<F: Future<Output = Result<RunRecord, RunError>>>(
    sources: &[Source],
    (command, run_id): (Command, &str),
    progress: &Arc<dyn Progress>,
    stop: Option<&Stop>,
    work: impl FnOnce(Arc<dyn Progress>) -> F,
) -> Result<(RunRecord, Exit), Failure> {
    let started_at = jiff::Timestamp::now().to_string();
    let finished = Arc::new(Finished::new(Arc::clone(progress)));
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot watch for signals: {error}"), None)
        })?;
    let mut work = std::pin::pin!(work(Arc::clone(&finished) as _));
    let exit = tokio::select! {
        record = &mut work => {
            let record = record?;
            let exit = match record.status {
                RunStatus::Ok => Exit::Ok,
                RunStatus::Partial => Exit::Partial,
                RunStatus::Failed => Exit::Failed,
                RunStatus::Interrupted => Exit::Interrupted,
            };
            return Ok((record, exit));
        }
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    };
    if let Some(stop) = stop {
        stop.ask();
        tokio::select! {
            // What it has finished is known here, whether it ends well or not.
            _ = work => {}
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
    }
    let record = RunRecord {
        run_id: run_id.to_owned(),
        started_at,
        finished_at: jiff::Timestamp::now().to_string(),
        command,
        status: RunStatus::Interrupted,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sources: sources.iter().map(|source| (source.name.clone(), finished.of(source))).collect(),
        unified: IndexMap::new(),
    };
    Ok((record, exit))
}

/// Keeps the records of streams that are over, for a run that a signal ends.
struct Finished {
    progress: Arc<dyn Progress>,
    records: Mutex<BTreeMap<(String, String), StreamRecord>>,
}

impl Finished {
    fn new(progress: Arc<dyn Progress>) -> Self {
        Self { progress, records: Mutex::new(BTreeMap::new()) }
    }

    /// The streams of a source that are over and were asked for, in the order of its facts.
    fn of(&self, source: &Source) -> SourceRecord {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = source.connector.spec().streams.keys().filter(|name| source.selected.contains(*name));
        let found = |name: &String| records.get(&(source.name.clone(), name.clone())).cloned();
        SourceRecord { streams: wanted.filter_map(|name| Some((name.clone(), found(name)?))).collect() }
    }
}

impl Progress for Finished {
    fn begun(&self, source: &str, stream: &str) {
        self.progress.begun(source, stream);
    }

    fn page(&self, source: &str, stream: &str, rows: u64, bytes: u64) {
        self.progress.page(source, stream, rows, bytes);
    }

    fn warning(&self, source: &str, stream: &str, note: &Note) {
        self.progress.warning(source, stream, note);
    }

    fn finished(&self, source: &str, stream: &str, outcome: &StreamRecord) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.insert((source.to_owned(), stream.to_owned()), outcome.clone());
        drop(records);
        self.progress.finished(source, stream, outcome);
    }

    fn client(&self, source: &str, event: &Event) {
        self.progress.client(source, event);
    }
}

/// Where a source's credential stands, by the source's name.
pub(crate) type Credentials = BTreeMap<String, String>;

/// What the run did: warnings, failures, and the table.
pub(crate) fn tell(record: &RunRecord, console: Console, credentials: &Credentials) {
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            let facts = [("source", json!(source)), ("stream", json!(stream))];
            for (code, warning) in outcome.warnings.iter() {
                console.warning_with(Code::of(code), &format!("{source}.{stream}: {warning}"), &facts);
            }
            if let Some(reason) = outcome.reason.text() {
                let text = format!("{source}.{stream}: not proven complete: {reason}");
                match Code::find(outcome.reason.code()) {
                    Some(code) => console.warning_hinted(code, &text, &code.advice(), &facts),
                    None => console.warning_with(Code::Internal, &text, &facts),
                }
            }
        }
        for failure in failures(streams) {
            failure.tell(source, console, credentials.get(source).map(String::as_str));
        }
    }
    for (table, error) in &record.unified {
        let message = format!("unified.{table}: {}", error.message);
        let facts = [("source", json!("unified")), ("streams", json!([table]))];
        console.error_with(Code::of(&error.code), &message, error.hint.as_deref(), &facts);
    }
    match (record.status, console.format) {
        (RunStatus::Interrupted, _) => {
            console.info("interrupted: every table is as it was or as it will be; the next `sync` goes on");
        }
        (_, LogFormat::Text) => console.info(&render::summary(record)),
        (_, LogFormat::Json) => summary_lines(record, console),
    }
}

/// The summary for programs: one line a stream, and one for the run.
fn summary_lines(record: &RunRecord, console: Console) {
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            let status = render::status(outcome.status);
            let facts = [
                ("source", json!(source)),
                ("stream", json!(stream)),
                ("status", json!(status)),
                ("rows", json!(outcome.rows)),
                ("requests", json!(outcome.requests)),
                ("retries", json!(outcome.retries)),
                ("throttled", json!(outcome.throttled)),
                ("bytes_received", json!(outcome.bytes_received)),
                ("bytes_written", json!(outcome.bytes_written)),
                ("files", json!(outcome.files)),
                ("seconds", json!(outcome.seconds)),
            ];
            console.info_with(&format!("{source}.{stream}: {status}"), &facts);
        }
    }
    let status = render::run_status(record.status);
    let facts = [("run_id", json!(record.run_id)), ("status", json!(status))];
    console.info_with(&format!("run {}: {status}", record.run_id), &facts);
}

/// Streams of one source that failed for one reason.
struct Failures<'a> {
    streams: Vec<&'a str>,
    error: &'a ErrorRecord,
}

/// The failures of a source. What concerns the whole source is told once, not once a stream.
fn failures(source: &SourceRecord) -> Vec<Failures<'_>> {
    let mut all: Vec<Failures<'_>> = Vec::new();
    for (stream, outcome) in &source.streams {
        let Some(error) = &outcome.error else { continue };
        let same = all.iter_mut().find(|known| {
            let shared = matches!(
                error.code.as_str(),
                "credentials" | "forbidden" | "source_unavailable" | "rate_limited"
            );
            let equal = known.error.message == error.message || shared;
            known.error.code == error.code && known.error.hint == error.hint && equal
        });
        match same {
            Some(known) => known.streams.push(stream),
            None => all.push(Failures { streams: vec![stream], error }),
        }
    }
    all
}

impl Failures<'_> {
    fn tell(&self, source: &str, console: Console, credential: Option<&str>) {
        let mut message = match self.streams.split_first() {
            Some((first, _)) => format!("{source}.{first}: {}", self.error.message),
            None => self.error.message.clone(),
        };
        if let Some((_, more)) = self.streams.split_first().filter(|(_, more)| !more.is_empty()) {
            let count = render::counted(more.len() as u64, "more stream");
            message.push_str(&format!("; {count} likewise: {}", more.join(", ")));
        }
        let concerned = matches!(self.error.code.as_str(), "credentials" | "forbidden");
        let hint = match (&self.error.hint, credential.filter(|_| concerned)) {
            (Some(hint), Some(place)) => Some(format!("{hint} ({place})")),
            (hint, _) => hint.clone(),
        };
        let facts = [("source", json!(source)), ("streams", json!(self.streams))];
        console.error_with(Code::of(&self.error.code), &message, hint.as_deref(), &facts);
    }
}
