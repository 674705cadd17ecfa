//! `userhaul sync`: the main job.

use std::{path::Path, sync::Arc};

use clap::Args;
use jiff::civil::Date;
use userhaul_runner::{
    RunOptions, Source,
    progress::Progress,
    record::{RunRecord, RunStatus, SourceRecord},
};

use super::{
    Chosen,
    plan::{self, Requests},
};
use crate::{
    arguments::Global,
    config::Compression,
    console::{self, Console},
    failure::{Exit, Failure},
    progress::Display,
    render, runs,
    sources::{micros_of, quota_dir},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sources, streams (`source.stream`) or globs of these; all by default.
    select: Vec<String>,
    /// Read everything from the beginning.
    #[arg(long)]
    full: bool,
    /// Only from this day on (backfill of windowed streams).
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Only before this day.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Accept a snapshot that lost more than half of its rows.
    #[arg(long)]
    allow_shrink: bool,
    /// Print the run record to stdout.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let (config, chosen) = super::choose(global, &options.select)?;
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from >= to
    {
        return Err(Failure::usage("`--from` must be before `--to`", None));
    }
    // Without checkpoints every run reads everything; the flag is then already true.
    let _ = options.full;
    let progress: Arc<dyn Progress> = Arc::new(Display::new(console));
    let mut sources = Vec::new();
    for Chosen { prepared, selected } in &chosen {
        sources.push(prepared.source(selected.clone(), &progress, quota_dir())?);
    }
    let destination = config.destination.path.as_path();
    let mut run_options = new_run(destination, config.destination.compression);
    run_options.from = options.from.map(micros_of);
    run_options.to = options.to.map(micros_of);
    run_options.allow_shrink = options.allow_shrink;
    let forecast = forecast(&chosen, destination);
    let (record, exit) = until_signal(&sources, &run_options, &progress).await?;
    runs::save(destination, &record)?;
    tell(&record, console);
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
        let text = serde_json::to_string_pretty(&record)
            .map_err(|error| Failure::failed(format!("cannot write the run record: {error}"), None))?;
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
            match plan::forecast(prepared, stream, &records).ok()?.requests {
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
        allow_shrink: false,
        limit: None,
    }
}

/// Runs until it is over or a signal comes. A signal drops what is in the making: tables stay as they are.
pub(crate) async fn until_signal(
    sources: &[Source],
    options: &RunOptions,
    progress: &Arc<dyn Progress>,
) -> Result<(RunRecord, Exit), Failure> {
    let started_at = jiff::Timestamp::now().to_string();
    let interrupted = |status_code: Exit| {
        let record = RunRecord {
            run_id: options.run_id.clone(),
            started_at: started_at.clone(),
            finished_at: jiff::Timestamp::now().to_string(),
            status: RunStatus::Interrupted,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sources: sources.iter().map(|source| (source.name.clone(), SourceRecord::default())).collect(),
        };
        Ok((record, status_code))
    };
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| Failure::failed(format!("cannot watch for signals: {error}"), None))?;
    tokio::select! {
        record = userhaul_runner::sync(sources, options, env!("CARGO_PKG_VERSION"), progress) => {
            let record = record?;
            let exit = match record.status {
                RunStatus::Ok => Exit::Ok,
                RunStatus::Partial => Exit::Partial,
                RunStatus::Failed => Exit::Failed,
                RunStatus::Interrupted => Exit::Interrupted,
            };
            Ok((record, exit))
        }
        _ = tokio::signal::ctrl_c() => interrupted(Exit::Interrupted),
        _ = terminate.recv() => interrupted(Exit::Terminated),
    }
}

/// What the run did: warnings, failures, and the table.
pub(crate) fn tell(record: &RunRecord, console: Console) {
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            for warning in &outcome.warnings {
                console.warning(&format!("{source}.{stream}: {warning}"));
            }
            if let Some(reason) = &outcome.reason {
                console.warning(&format!("{source}.{stream}: not proven complete: {reason}"));
            }
            if let Some(error) = &outcome.error {
                console.error(&format!("{source}.{stream}: {}", error.message), error.hint.as_deref());
            }
        }
    }
    if record.status == RunStatus::Interrupted {
        console.info("interrupted: every table is as it was or as it will be; the next `sync` goes on");
    } else {
        console.info(&render::summary(record));
    }
}
