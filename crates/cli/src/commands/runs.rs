//! `userhaul runs`: history.

use clap::Args;

use crate::{
    arguments::Global,
    config::Config,
    console,
    failure::{Exit, Failure},
    registry, render, runs,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One run in detail.
    run_id: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options, global: &Global) -> Result<Exit, Failure> {
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
            console::print(&format!(
                "run {} from {}\n{}\n",
                record.run_id,
                record.started_at,
                render::summary(record)
            ));
        }
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            let streams = || record.sources.values().flat_map(|source| source.streams.values());
            vec![
                record.run_id.clone(),
                record.started_at.clone(),
                format!("{:?}", record.status).to_lowercase(),
                render::grouped(streams().map(|stream| stream.rows).sum()),
                render::grouped(streams().map(|stream| stream.requests).sum()),
            ]
        })
        .collect();
    console::print(&format!("{}\n", render::table(&["run", "started", "status", "rows", "requests"], &rows)));
    Ok(Exit::Ok)
}
