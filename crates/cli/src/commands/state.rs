//! `userhaul state`: checkpoints.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
};

use clap::{Args, Subcommand};
use serde_json::json;
use userhaul_runner::{
    archive::{self, Size},
    reset,
    state::{Loaded, StateStore, StreamState},
};

use crate::{
    arguments::Global,
    config::Config,
    console::{self, Console},
    failure::{Code, Exit, Failure},
    registry, render, select,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show up to where each stream has been read
    Show(Show),
    /// Forget checkpoints, so that the next sync reads everything; removes the tables of sources that are no longer
    /// configured
    Reset(Reset),
}

#[derive(Debug, Args)]
struct Show {
    /// Sources, streams (`source.stream`) or globs of these; all by default
    select: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Reset {
    /// Sources, streams (`source.stream`) or globs of these; all by default
    select: Vec<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(&global.config, &registry::entries(), &environment)?;
    match &options.act {
        Act::Show(options) => show(options, &config, console),
        Act::Reset(options) => forget(options, &config, console),
    }
}

fn show(options: &Show, config: &Config, console: Console) -> Result<Exit, Failure> {
    let store = StateStore::new(config.destination.path.as_path());
    let known = chosen(&store, config, &options.select)?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    let mut archives: BTreeMap<&String, BTreeMap<String, Size>> = BTreeMap::new();
    for (source, stream) in &known {
        if !archives.contains_key(source) {
            let sizes = archive::sizes(config.destination.path.as_path(), source);
            archives.insert(
                source,
                sizes.map_err(|error| Failure::failed(error.code(), error.to_string(), error.hint()))?,
            );
        }
        let size = archives.get(source).and_then(|sizes| sizes.get(stream)).copied().unwrap_or_default();
        let loaded = store
            .load(source, stream)
            .map_err(|error| Failure::failed(error.code(), error.to_string(), error.hint()))?;
        match loaded {
            Loaded::Absent => {}
            Loaded::Damaged => {
                let text = format!(
                    "{source}.{stream}: the checkpoint cannot be read; the next sync reads everything anew"
                );
                console.warning(Code::ReadAnew, &text);
            }
            Loaded::Found(state) => {
                rows.push(row(source, stream, &state, size));
                rows.extend(state.history.map(|versions| history_row(source, stream, versions, &state)));
                documents.push(document(source, stream, &state, size));
            }
        }
    }
    if options.json {
        print_json(&json!({ "streams": documents }))?;
    } else if rows.is_empty() {
        console.info("no checkpoint yet: `userhaul sync` makes them");
    } else {
        let header = ["stream", "read through", "read whole at", "rows", "archive", "run"];
        console::print(&format!("{}\n", render::table(&header, &rows)));
    }
    Ok(Exit::Ok)
}

fn row(source: &str, stream: &str, state: &StreamState, archive: Size) -> Vec<String> {
    let through: BTreeSet<&i64> = state.through.values().collect();
    let through = match (through.first(), through.last()) {
        (Some(first), Some(last)) if first != last => format!("{} to {}", written(**first), written(**last)),
        (Some(first), _) => written(**first),
        _ => String::new(),
    };
    vec![
        format!("{source}.{stream}"),
        through,
        written(state.full_at),
        render::grouped(state.rows),
        if archive.runs == 0 { String::new() } else { render::bytes(archive.bytes) },
        state.run_id.clone(),
    ]
}

/// The table of former versions, as far as it has no checkpoint of its own.
fn history_row(source: &str, stream: &str, versions: u64, state: &StreamState) -> Vec<String> {
    let name = userhaul_runner::history_name(stream);
    let nothing = String::new;
    vec![
        format!("{source}.{name}"),
        nothing(),
        nothing(),
        render::grouped(versions),
        nothing(),
        state.run_id.clone(),
    ]
}

fn document(source: &str, stream: &str, state: &StreamState, archive: Size) -> serde_json::Value {
    let through: serde_json::Map<String, serde_json::Value> =
        state.through.iter().map(|(property, &at)| (property.clone(), json!(written(at)))).collect();
    json!({
        "source": source,
        "stream": stream,
        "through": through,
        "full_at": written(state.full_at),
        "start": state.start.map(written),
        "rows": state.rows,
        "history_rows": state.history,
        "run_id": state.run_id,
        "archived_runs": archive.runs,
        "archive_bytes": archive.bytes,
    })
}

/// Microseconds since 1970 as RFC 3339.
fn written(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| format!("{at:.0}"))
}

fn forget(options: &Reset, config: &Config, console: Console) -> Result<Exit, Failure> {
    let destination = config.destination.path.as_path();
    let store = StateStore::new(destination);
    let known = chosen(&store, config, &options.select)?;
    if known.is_empty() {
        console.info("no checkpoint to forget");
        return Ok(Exit::Ok);
    }
    let gone: BTreeSet<&String> = known
        .iter()
        .map(|(source, _)| source)
        .filter(|source| !config.sources.contains_key(*source))
        .collect();
    let names: Vec<String> = known.iter().map(|(source, stream)| format!("{source}.{stream}")).collect();
    let mut question = format!(
        "forget {}: {}; the next sync reads everything of them",
        render::counted(known.len() as u64, "checkpoint"),
        names.join(", ")
    );
    for source in &gone {
        question.push_str(&format!(
            "; `{source}` is no longer configured: its tables and its archive are removed"
        ));
    }
    if !options.yes && !confirmed(&question)? {
        console.info("nothing was changed");
        return Ok(Exit::Ok);
    }
    reset(destination, &known, &gone.iter().map(|source| source.as_str()).collect::<Vec<_>>())
        .map_err(|error| Failure::failed(Code::Output, error.to_string(), None))?;
    if options.json {
        print_json(&json!({ "forgotten": names, "removed_sources": gone }))?;
    }
    console.info(&format!("forgot {}", render::counted(known.len() as u64, "checkpoint")));
    Ok(Exit::Ok)
}

/// Asks on the terminal; without one the answer must be on the command line.
fn confirmed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let hint = Some("`--yes` says so without being asked".to_owned());
        return Err(Failure::usage(
            Code::Unconfirmed,
            format!("`state reset` asks before it acts: {question}"),
            hint,
        ));
    }
    console::ask(&format!("{question}. Go on? [y/N] "));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed(Code::Input, format!("cannot read the answer: {error}"), None))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The streams with a checkpoint that are selected.
fn chosen(
    store: &StateStore,
    config: &Config,
    selections: &[String],
) -> Result<Vec<(String, String)>, Failure> {
    let known = store.known().map_err(|error| Failure::failed(Code::Output, error.to_string(), None))?;
    let is_meant = |selection: &str, source: &str, stream: &str| match selection.split_once('.') {
        None => select::matches(selection, source),
        Some((of, name)) => select::matches(of, source) && select::matches(name, stream),
    };
    let mut names: Vec<String> = config.sources.keys().cloned().collect();
    names.extend(known.iter().map(|(source, stream)| format!("{source}.{stream}")));
    for selection in selections {
        let configured = config.sources.keys().any(|source| is_meant(selection, source, "*"));
        if !configured && !known.iter().any(|(source, stream)| is_meant(selection, source, stream)) {
            return Err(select::unknown(selection, &names));
        }
    }
    let wanted = |source: &str, stream: &str| {
        selections.is_empty() || selections.iter().any(|selection| is_meant(selection, source, stream))
    };
    Ok(known.into_iter().filter(|(source, stream)| wanted(source, stream)).collect())
}

fn print_json(document: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(|error| {
        Failure::failed(Code::Internal, format!("cannot write the checkpoints: {error}"), None)
    })?;
    console::print(&format!("{text}\n"));
    Ok(())
}
