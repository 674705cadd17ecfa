//! `userhaul runs`: history.

use clap::Args;
use userhaul_runner::{
    push::PushRecord,
    record::{Command, ErrorRecord, RunRecord, Warnings},
};

use crate::{
    arguments::Global,
    config::Config,
    console::{self, Console},
    failure::{Code, Exit, Failure},
    registry, render,
    runs::{self, Past},
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
    let mut records = runs::every(config.destination.path.as_path());
    if let Some(run_id) = &options.run_id {
        records.retain(|record| record.run_id().starts_with(run_id.as_str()));
        if records.is_empty() {
            let hint = Some("`userhaul runs` lists them".to_owned());
            return Err(Failure::usage(Code::UnknownName, format!("no run `{run_id}`"), hint));
        }
    }
    if options.json {
        let text = match (&options.run_id, records.first()) {
            (Some(_), Some(record)) => serde_json::to_string_pretty(record),
            _ => serde_json::to_string_pretty(&records),
        };
        let text = text.map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot write the runs: {error}"), None)
        })?;
        console::print(&format!("{text}\n"));
        return Ok(Exit::Ok);
    }
    if options.run_id.is_some() {
        for record in &records {
            console::print(&match record {
                Past::Run(record) => detail(record),
                Past::Push(record) => detail_of_push(record),
            });
        }
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        console.info("no run yet: `userhaul sync` makes one");
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    let header = ["run", "command", "started", "status", "rows", "requests"];
    console::print(&format!("{}\n", render::table(&header, &rows)));
    Ok(Exit::Ok)
}

fn row(record: &Past) -> Vec<String> {
    let (command, started_at, status, rows, requests) = match record {
        Past::Run(record) => {
            let streams = || record.sources.values().flat_map(|source| source.streams.values());
            let rows = streams().map(|stream| stream.rows).sum();
            let requests = streams().map(|stream| stream.requests).sum();
            (record.command, &record.started_at, record.status, rows, requests)
        }
        Past::Push(push) => (push.command, &push.started_at, push.status, push.rows.applied, push.requests),
    };
    vec![
        record.run_id().to_owned(),
        word(command).to_owned(),
        render::instant(started_at),
        render::run_status(status).to_owned(),
        render::grouped(rows),
        render::grouped(requests),
    ]
}

fn word(command: Command) -> &'static str {
    match command {
        Command::Sync => "sync",
        Command::Replay => "replay",
        Command::Push => "push",
    }
}

/// One run: its table, and what its streams have to tell.
fn detail(record: &RunRecord) -> String {
    let made_by = match record.command {
        Command::Sync => "",
        Command::Replay | Command::Push => " (replay)",
    };
    let mut text = format!(
        "run {}{made_by}: {}, {} to {}\n",
        record.run_id,
        render::run_status(record.status),
        render::instant(&record.started_at),
        render::instant(&record.finished_at)
    );
    text.push_str(&render::summary(record));
    text.push('\n');
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            let place = format!("{source}.{stream}: ");
            warnings(&outcome.warnings, &place, &mut text);
            if let Some(reason) = outcome.reason.text() {
                note("not proven complete", &place, outcome.reason.code(), reason, &mut text);
            }
            failure(outcome.error.as_ref(), &place, &mut text);
        }
    }
    for (table, error) in &record.unified {
        failure(Some(error), &format!("unified.{table}: "), &mut text);
    }
    text
}

/// One push: what became of its rows, and what it has to tell.
fn detail_of_push(record: &PushRecord) -> String {
    let rows = &record.rows;
    let mut text = format!(
        "run {} (push to {}.{}): {}, {} to {}\n",
        record.run_id,
        record.source,
        record.target,
        render::run_status(record.status),
        render::instant(&record.started_at),
        render::instant(&record.finished_at)
    );
    for (count, word) in [
        (rows.applied, "applied"),
        (rows.unchanged, "unchanged"),
        (rows.failed, "failed"),
        (rows.unknown, "unknown"),
        (rows.not_sent, "not sent"),
    ] {
        text.push_str(&format!("{word}: {}\n", render::grouped(count)));
    }
    text.push_str(&format!("requests: {}\n", render::grouped(record.requests)));
    warnings(&record.warnings, "", &mut text);
    failure(record.error.as_ref(), "", &mut text);
    text
}

fn warnings(warnings: &Warnings, place: &str, text: &mut String) {
    warnings.iter().for_each(|(code, warning)| note("warning", place, code, warning, text));
}

fn failure(error: Option<&ErrorRecord>, place: &str, text: &mut String) {
    error.iter().for_each(|error| note("error", place, &error.code, &error.message, text));
}

/// A line. Records of earlier versions have no codes of warnings.
fn note(word: &str, place: &str, code: &str, what: &str, text: &mut String) {
    let code = if code.is_empty() { String::new() } else { format!(" [{code}]") };
    text.push_str(&console::printable(&format!("{word}: {place}{what}{code}\n")));
}
