//! `userhaul runs`: history.

use clap::Args;
use userhaul_runner::record::RunRecord;

use crate::{
    arguments::Global,
    config::Config,
    console::{self, Console},
    failure::{Exit, Failure},
    registry, render, runs,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One run in detail: its id or how the id begins
    run_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(&global.config, &registry::entries(), &environment)?;
    let mut records = runs::all(config.destination.path.as_path());
    if let Some(run_id) = &options.run_id {
        records.retain(|record| record.run_id.starts_with(run_id.as_str()));
        if records.is_empty() {
            return Err(Failure::usage(
                format!("no run `{run_id}`"),
                Some("`userhaul runs` lists them".to_owned()),
            ));
        }
    }
    if options.json {
        let text = match (&options.run_id, records.first()) {
            (Some(_), Some(record)) => serde_json::to_string_pretty(record),
            _ => serde_json::to_string_pretty(&records),
        };
        let text = text.map_err(|error| Failure::failed(format!("cannot write the runs: {error}"), None))?;
        console::print(&format!("{text}\n"));
        return Ok(Exit::Ok);
    }
    if options.run_id.is_some() {
        for record in &records {
            console::print(&detail(record));
        }
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        console.info("no run yet: `userhaul sync` makes one");
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            let streams = || record.sources.values().flat_map(|source| source.streams.values());
            vec![
                record.run_id.clone(),
                render::instant(&record.started_at),
                render::run_status(record.status).to_owned(),
                render::grouped(streams().map(|stream| stream.rows).sum()),
                render::grouped(streams().map(|stream| stream.requests).sum()),
            ]
        })
        .collect();
    console::print(&format!("{}\n", render::table(&["run", "started", "status", "rows", "requests"], &rows)));
    Ok(Exit::Ok)
}

/// One run: its table, and what its streams have to tell.
fn detail(record: &RunRecord) -> String {
    let mut text = format!(
        "run {}: {}, {} to {}\n",
        record.run_id,
        render::run_status(record.status),
        render::instant(&record.started_at),
        render::instant(&record.finished_at)
    );
    text.push_str(&render::summary(record));
    text.push('\n');
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            let mut note = |word: &str, what: &str| {
                text.push_str(&console::printable(&format!("{word}: {source}.{stream}: {what}\n")));
            };
            outcome.warnings.iter().for_each(|warning| note("warning", warning));
            outcome.reason.iter().for_each(|reason| note("not proven complete", reason));
            outcome.error.iter().for_each(|error| note("error", &error.message));
        }
    }
    text
}
