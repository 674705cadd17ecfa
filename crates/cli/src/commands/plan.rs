//! `userhaul plan`: what a sync would do, without doing it.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};
use userhaul_connector::{
    plan::{self, PlanInputs},
    quota::{Quota, QuotaMode},
    spec::{Paging, PartitionBy, StreamSpec},
};
use userhaul_runner::{
    record::{RunRecord, StreamRecord, StreamStatus},
    state::{Loaded, StateStore},
};

use super::Chosen;
use crate::{
    arguments::Global,
    console,
    failure::{Code, Exit, Failure},
    render, runs,
    sources::{Prepared, micros_of},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sources, streams or globs of these; all by default
    select: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What a stream will take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forecast {
    pub(crate) stream: String,
    /// Slices; none where they depend on rows that no run has read yet.
    pub(crate) slices: Option<u64>,
    pub(crate) requests: Requests,
    /// Bytes to receive, by the last run.
    pub(crate) bytes: Option<u64>,
    /// Files, by the last run where the rows decide.
    pub(crate) files: Option<u64>,
    /// Requests of the last run.
    pub(crate) last: Option<u64>,
}

/// How many requests a stream will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requests {
    /// Exactly so many.
    Exact(u64),
    /// About so many, by the last run.
    Estimated(u64),
    /// So many or more: nobody has read it yet.
    AtLeast(u64),
}

impl Requests {
    fn count(self) -> u64 {
        match self {
            Self::Exact(count) | Self::Estimated(count) | Self::AtLeast(count) => count,
        }
    }

    /// Those of two streams together: no surer than the less sure of them.
    fn and(self, other: Self) -> Self {
        let count = self.count() + other.count();
        match (self, other) {
            (Self::AtLeast(_), _) | (_, Self::AtLeast(_)) => Self::AtLeast(count),
            (Self::Estimated(_), _) | (_, Self::Estimated(_)) => Self::Estimated(count),
            (Self::Exact(_), Self::Exact(_)) => Self::Exact(count),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Exact(_) => "",
            Self::Estimated(_) => "about ",
            Self::AtLeast(_) => "at least ",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Estimated(_) => "estimated",
            Self::AtLeast(_) => "at_least",
        }
    }
}

pub(crate) fn run(options: &Options, global: &Global) -> Result<Exit, Failure> {
    let (config, chosen) = super::choose(global, &options.select)?;
    let records = runs::all(config.destination.path.as_path());
    let mut documents = Vec::new();
    let mut rows = Vec::new();
    let mut totals = Vec::new();
    for Chosen { prepared, selected } in &chosen {
        let spec = prepared.connector.spec();
        let streams = spec.streams.values().filter(|stream| selected.contains(&stream.name));
        let mut requests = Requests::Exact(0);
        for stream in streams {
            let forecast = forecast(prepared, stream, &records, config.destination.path.as_path())?;
            requests = requests.and(forecast.requests);
            rows.push(row(&prepared.config.name, &forecast));
            documents.push(document(&prepared.config.name, &forecast));
        }
        totals.push((prepared.config.name.clone(), requests, prepared.quota));
    }
    if options.json {
        let quotas: Vec<Value> = totals
            .iter()
            .map(|(source, requests, quota)| {
                json!({
                    "source": source,
                    "requests": requests.count(),
                    "requests_are": requests.kind(),
                    "quota": quota.to_string(),
                    "minutes": minutes(requests.count(), *quota),
                })
            })
            .collect();
        let text = serde_json::to_string_pretty(&json!({ "streams": documents, "sources": quotas }))
            .map_err(|error| {
                Failure::failed(Code::Internal, format!("cannot write the plan: {error}"), None)
            })?;
        console::print(&format!("{text}\n"));
        return Ok(Exit::Ok);
    }
    let header = ["stream", "slices", "requests", "received", "files", "last run"];
    console::print(&format!("{}\n\n", render::table(&header, &rows)));
    for (source, requests, quota) in totals {
        console::print(&format!(
            "{source}: {}{}, {} under the quota of {quota}\n",
            requests.word(),
            render::counted(requests.count(), "request"),
            duration(minutes(requests.count(), quota))
        ));
    }
    Ok(Exit::Ok)
}

/// The forecast of one stream, from its facts and from the last run that read it.
pub(crate) fn forecast(
    prepared: &Prepared,
    stream: &StreamSpec,
    records: &[RunRecord],
    destination: &Path,
) -> Result<Forecast, Failure> {
    let last = last_run(&prepared.config.name, &stream.name, records);
    let now = jiff::Timestamp::now().as_microsecond();
    let resumed = resumed(prepared, stream, destination, now);
    let inputs = PlanInputs {
        now,
        start: prepared.config.start_date.map(micros_of),
        settings: &prepared.axis_settings(),
        resume: &resumed,
        ..PlanInputs::default()
    };
    if stream.derived.is_some() {
        return Ok(Forecast {
            stream: stream.name.clone(),
            slices: Some(0),
            requests: Requests::Exact(0),
            bytes: Some(0),
            files: last.map(|last| last.files),
            last: last.map(|last| last.requests),
        });
    }
    let planned = plan::plan(stream, &inputs).map_err(|error| {
        Failure::usage(
            Code::Settings,
            format!("{}{}: {error}", prepared.place(), stream.name),
            Some("set `start_date` for the source, or under `[defaults]`".to_owned()),
        )
    })?;
    let parented = stream.parent().is_some();
    let walks: u64 = planned.iter().map(|slice| slice.walks.len() as u64).sum();
    let requests = match (last, parented, &stream.paging) {
        (_, false, Paging::None) => Requests::Exact(walks),
        // A last run of many more windows tells nothing: one page each is the rule in the look-back.
        (Some(last), false, _) if !resumed.is_empty() && last.requests > 3 * walks => {
            Requests::Estimated(walks)
        }
        (Some(last), ..) => Requests::Estimated(last.requests),
        (None, true, _) => Requests::AtLeast(0),
        (None, false, _) => Requests::AtLeast(walks),
    };
    Ok(Forecast {
        stream: stream.name.clone(),
        slices: (!parented).then_some(planned.len() as u64),
        requests,
        bytes: last.map(|last| last.bytes_received),
        files: last.map(|last| last.files).or((stream.partition == PartitionBy::One).then_some(1)),
        last: last.map(|last| last.requests),
    })
}

/// Where the checkpoints let the windows begin.
fn resumed(prepared: &Prepared, stream: &StreamSpec, destination: &Path, now: i64) -> Vec<(String, i64)> {
    let config = &prepared.config;
    let loaded = StateStore::new(destination).load(&config.name, &stream.name);
    let Ok(Loaded::Found(state)) = loaded else { return Vec::new() };
    if userhaul_runner::due(stream, &state, config.full_every, now) {
        return Vec::new();
    }
    userhaul_runner::resume(stream, &state, config.look_back).unwrap_or_default()
}

fn last_run<'a>(source: &str, stream: &str, records: &'a [RunRecord]) -> Option<&'a StreamRecord> {
    records
        .iter()
        .filter_map(|record| record.sources.get(source)?.streams.get(stream))
        // A replay asks for nothing, which tells nothing.
        .find(|outcome| outcome.status == StreamStatus::Ok && outcome.mode != "replay")
}

/// Minutes that the quota alone makes so many requests take.
pub(crate) fn minutes(requests: u64, quota: Quota) -> f64 {
    let limit = u64::from(quota.requests);
    let seconds = quota.per.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a forecast for people")]
    let seconds = match quota.mode {
        QuotaMode::Window => requests.div_ceil(limit).saturating_sub(1) as f64 * seconds,
        QuotaMode::Paced => requests.saturating_sub(1) as f64 * seconds / f64::from(quota.requests),
    };
    seconds / 60.0
}

fn duration(minutes: f64) -> String {
    if minutes < 0.1 { "under 0.1 minutes".to_owned() } else { format!("{minutes:.1} minutes") }
}

fn row(source: &str, forecast: &Forecast) -> Vec<String> {
    let known = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), render::grouped);
    let requests = match forecast.requests {
        Requests::Exact(count) => render::grouped(count),
        Requests::Estimated(count) => format!("~{}", render::grouped(count)),
        Requests::AtLeast(count) => format!("{}+", render::grouped(count)),
    };
    vec![
        format!("{source}.{}", forecast.stream),
        known(forecast.slices),
        requests,
        forecast.bytes.map_or_else(|| "?".to_owned(), |bytes| format!("~{}", render::bytes(bytes))),
        known(forecast.files),
        forecast.last.map_or_else(|| "never".to_owned(), |requests| render::counted(requests, "request")),
    ]
}

fn document(source: &str, forecast: &Forecast) -> Value {
    json!({
        "source": source,
        "stream": forecast.stream,
        "slices": forecast.slices,
        "requests": forecast.requests.count(),
        "requests_are": forecast.requests.kind(),
        "bytes": forecast.bytes,
        "files": forecast.files,
        "last_run_requests": forecast.last,
    })
}
