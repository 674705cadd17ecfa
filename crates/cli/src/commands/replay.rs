//! `userhaul replay`: tables from archived answers.

use std::sync::Arc;

use clap::Args;
use userhaul_runner::{
    ReplayOptions,
    progress::Progress,
    record::{Command, RunRecord},
};

use super::{Chosen, sync};
use crate::{
    arguments::Global,
    console::{self, Console},
    failure::{Code, Exit, Failure},
    progress::Display,
    runs,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sources, streams (`source.stream`) or globs of these; all that are archived by default
    select: Vec<String>,
    /// The tables as this run left them, instead of the latest: its id or how the id begins
    #[arg(long, value_name = "RUN_ID")]
    run: Option<String>,
    /// Accept a snapshot that lost more than half of its rows
    #[arg(long)]
    allow_shrink: bool,
    /// Print the run record to stdout
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let (config, chosen) = super::choose(global, &options.select)?;
    let destination = config.destination.path.as_path();
    let archived = options.run.as_deref().map(|run| one_run(destination, run)).transpose()?;
    let progress: Arc<dyn Progress> = Arc::new(Display::new(console));
    let mut sources = Vec::new();
    for Chosen { prepared, selected } in &chosen {
        // Nothing is sent, so there is no quota to share.
        sources.push(prepared.source(selected.clone(), &progress, None)?);
    }
    let new = sync::new_run(destination, config.destination.compression);
    let replay = ReplayOptions {
        run_id: new.run_id,
        now: new.now,
        destination: new.destination,
        compression: new.compression,
        run: archived,
        strict: !options.select.is_empty(),
        allow_shrink: options.allow_shrink,
    };
    let (sources, replay) = (&sources, &replay);
    let (mut record, exit) = sync::watched_until_signal(
        sources,
        (Command::Replay, &replay.run_id),
        &progress,
        None,
        |watched| async move {
            userhaul_runner::replay(sources, replay, env!("CARGO_PKG_VERSION"), &watched).await
        },
    )
    .await?;
    record.sources.retain(|_, source| !source.streams.is_empty());
    if record.sources.is_empty() && exit != Exit::Interrupted && exit != Exit::Terminated {
        return Err(nothing(options));
    }
    runs::save(destination, &record, console);
    sync::tell(&record, console, &sync::Credentials::new());
    if options.json {
        print(&record)?;
    }
    Ok(exit)
}

/// The whole id of the run that is meant.
fn one_run(destination: &std::path::Path, run: &str) -> Result<String, Failure> {
    let known: Vec<String> = runs::all(destination).into_iter().map(|record| record.run_id).collect();
    let mut meant = known.iter().filter(|known| known.starts_with(run));
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only.clone()),
        // A run whose record is gone may still be in the archive.
        (None, _) if run.len() == "01900000-0000-7000-8000-000000000001".len() => Ok(run.to_owned()),
        (None, _) => Err(Failure::usage(
            Code::UnknownName,
            format!("no run `{run}`"),
            Some("`userhaul runs` lists them".to_owned()),
        )),
        (Some(_), Some(_)) => {
            let hint = Some("`userhaul runs` lists them".to_owned());
            Err(Failure::usage(Code::UnknownName, format!("several runs begin with `{run}`"), hint))
        }
    }
}

fn nothing(options: &Options) -> Failure {
    let what = match &options.run {
        Some(run) => format!("nothing of run `{run}` is archived"),
        None => "nothing is archived".to_owned(),
    };
    let hint = "`archive = true` on a source keeps what the next `sync` reads".to_owned();
    Failure::failed(Code::NotArchived, what, Some(hint))
}

fn print(record: &RunRecord) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(record).map_err(|error| {
        Failure::failed(Code::Internal, format!("cannot write the run record: {error}"), None)
    })?;
    console::print(&format!("{text}\n"));
    Ok(())
}
