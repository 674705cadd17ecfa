//! `userhaul push`: rows of a file to a vendor.

mod ask;
mod tell;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::Args;
use userhaul_client::Event;
use userhaul_connector::{
    code::Note,
    push::{Mapping, Open, Options as TargetOptions, Place, Target},
};
use userhaul_runner::{
    Source,
    progress::Progress,
    push::{Input, Push, Pushed},
    record::{RunStatus, StreamRecord},
};

use crate::{
    arguments::Global,
    config::Config,
    console::Console,
    failure::{Code, Exit, Failure},
    input,
    progress::Display,
    registry, runs,
    sources::quota_dir,
};
use ask::{Asked, asked};

/// How long a push may finish what is under way after a signal.
const GRACE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to: `source.target`, or the name of a `[push.NAME]`
    #[arg(value_name = "SOURCE.TARGET")]
    target: String,
    /// The rows: a Parquet, CSV or NDJSON file, or `-` for stdin
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Send a column to this field; `COLUMN=` leaves it out
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = pair)]
    map: Vec<(String, String)>,
    /// `company` or `property:ID` (Userlane)
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// Send rows that have not changed since the last push too
    #[arg(long)]
    all: bool,
    /// Print what would be sent, request by request, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove what the input does not name (needs `--yes`)
    #[arg(long)]
    replace: bool,
    /// Do what cannot be undone
    #[arg(long)]
    yes: bool,
    /// Read back what was written, and compare
    #[arg(long)]
    verify: bool,
    /// Keep former values in this new file, which can be pushed back
    #[arg(long, value_name = "FILE")]
    undo: Option<PathBuf>,
    /// Keep rows that did not get there, with the reasons, in this file
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// The type of an attribute, over what is inferred (Userlane)
    #[arg(long = "type", value_name = "FIELD=TYPE", value_parser = pair)]
    types: Vec<(String, String)>,
    /// The display name of a new attribute (Userlane)
    #[arg(long = "name", value_name = "FIELD=NAME", value_parser = pair)]
    names: Vec<(String, String)>,
    /// Refuse users whom the vendor does not know (Userlane)
    #[arg(long)]
    known_users_only: bool,
    /// Let `--type` change the type of an attribute (Userlane)
    #[arg(long)]
    allow_type_change: bool,
    /// Print the record of the push to stdout
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    // A column may have a `=` in its name, a field has none.
    let found = text.rsplit_once('=').filter(|(name, _)| !name.is_empty());
    found.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or("expected NAME=VALUE")
}

pub(crate) async fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(&global.config, &registry::entries(), &environment)?;
    let asked = asked(options, &config)?;
    asked.check(options)?;
    let progress: Arc<dyn Progress> = Arc::new(Sent { display: Display::new(console), live: console.live });
    let source = asked.prepared.source(Default::default(), &progress, quota_dir())?;
    let target = asked.target(&config)?;
    let input = input::read(&asked.from)?;
    let mapping = mapping(&asked, options, &config, &source, &input, console).await?;
    let destination = config.destination.path.as_path();
    if asked.target_options.replace && !options.yes && !options.dry_run {
        return Err(
            unconfirmed(&asked, &source, target.as_ref(), &input, &mapping, destination, &progress).await
        );
    }
    tell::heading(&asked, target.as_ref(), &input, console);
    let stop = Arc::new(AtomicBool::new(false));
    let run_id = uuid::Uuid::now_v7().to_string();
    let say = |line: &str| console.info(&format!("  {line}"));
    let push = Push {
        source: &source,
        target: target.as_ref(),
        options: &asked.target_options,
        input: &input,
        mapping: &mapping,
        destination,
        run_id: &run_id,
        all: asked.all,
        dry_run: options.dry_run,
        verify: asked.verify,
        undo: asked.undo.as_deref(),
        stop: &stop,
        progress: &progress,
        say: &say,
        version: env!("CARGO_PKG_VERSION"),
    };
    let (pushed, signal) = until_signal(&push, &stop, console).await?;
    let kept = asked.errors.as_ref().map_or(Ok(()), |path| tell::errors(path, &pushed, &input));
    if !pushed.record.dry_run {
        runs::save_push(destination, &pushed.record, console);
    }
    tell::outcome(&pushed, &asked, options.json, console)?;
    kept?;
    Ok(signal.unwrap_or(match pushed.record.status {
        RunStatus::Ok => Exit::Ok,
        RunStatus::Partial => Exit::Partial,
        RunStatus::Failed => Exit::Failed,
        RunStatus::Interrupted => Exit::Interrupted,
    }))
}

/// Shows how far a push is on a terminal, and elsewhere only what it waits for.
struct Sent {
    display: Display,
    live: bool,
}

impl Progress for Sent {
    fn begun(&self, source: &str, target: &str) {
        if self.live {
            self.display.begun(source, target);
        }
    }

    fn page(&self, source: &str, target: &str, rows: u64, bytes: u64) {
        self.display.page(source, target, rows, bytes);
    }

    fn warning(&self, _: &str, _: &str, _: &Note) {}

    fn finished(&self, source: &str, target: &str, outcome: &StreamRecord) {
        if self.live {
            self.display.finished(source, target, outcome);
        }
    }

    fn client(&self, source: &str, event: &Event) {
        self.display.client(source, event);
    }
}

/// Where the columns go. Columns that may be custom fields are looked up, but not by a dry run that has no export.
async fn mapping(
    asked: &Asked<'_>,
    options: &Options,
    config: &Config,
    source: &Source,
    input: &Input,
    console: Console,
) -> Result<Mapping, Failure> {
    let refused = |error: userhaul_connector::push::MappingError| {
        let meant = crate::nearest::nearest(&error.word, error.known.iter().map(String::as_str));
        let known = error.known.join(", ");
        let hint = match meant {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => (!known.is_empty()).then(|| format!("known are {known}")),
        };
        Failure::usage(Code::Usage, error.to_string(), hint)
    };
    let spec = asked.spec;
    let mut mapping = Mapping::new(spec, &input.columns, &asked.map, &[]).map_err(refused)?;
    let unknown = |mapping: &Mapping| -> Vec<String> {
        let columns = input.columns.iter().zip(&mapping.places);
        columns.filter(|(_, place)| **place == Place::Unknown).map(|(column, _)| column.clone()).collect()
    };
    let wanted = unknown(&mapping);
    if let Open::Custom(stream) = spec.open
        && !wanted.is_empty()
    {
        let destination = config.destination.path.as_path();
        let version = env!("CARGO_PKG_VERSION");
        let names = userhaul_runner::push::custom_names(
            source,
            stream,
            &wanted,
            destination,
            !options.dry_run,
            version,
        )
        .await;
        match names {
            Ok(names) => mapping = Mapping::new(spec, &input.columns, &asked.map, &names).map_err(refused)?,
            Err(message) => console.warning(
                Code::VendorUnread,
                &format!("`{stream}` cannot be read, so that custom fields are not known: {message}"),
            ),
        }
    }
    tell::left_out(spec, &unknown(&mapping), console);
    Ok(mapping)
}

/// What a replacing push would remove, by the last export; no request is sent.
async fn unconfirmed(
    asked: &Asked<'_>,
    source: &Source,
    target: &dyn Target,
    input: &Input,
    mapping: &Mapping,
    destination: &Path,
    progress: &Arc<dyn Progress>,
) -> Failure {
    let lines = std::sync::Mutex::new(Vec::new());
    let say = |line: &str| {
        if let Ok(mut lines) = lines.lock() {
            lines.push(line.to_owned());
        }
    };
    let push = Push {
        source,
        target,
        options: &asked.target_options,
        input,
        mapping,
        destination,
        run_id: "",
        all: true,
        dry_run: true,
        verify: false,
        undo: None,
        stop: &Arc::new(AtomicBool::new(false)),
        progress,
        say: &say,
        version: env!("CARGO_PKG_VERSION"),
    };
    let planned = userhaul_runner::push::push(&push).await;
    let lines = lines.into_inner().unwrap_or_default();
    let losses = lines.iter().find(|line| line.starts_with("`--replace`"));
    let message = match (losses, planned) {
        (_, Err(error)) => error.to_string(),
        (Some(line), Ok(_)) => format!("{line} (by the last export)"),
        (None, Ok(planned)) => {
            let what = asked.spec.replaces.unwrap_or_default();
            format!(
                "`--replace` {what}: {} rows; how much that is only an export can tell",
                planned.record.rows.read
            )
        }
    };
    Failure::usage(
        Code::Unconfirmed,
        message,
        Some("nothing was sent; `--yes` does it, `--undo FILE` keeps what was".to_owned()),
    )
}

/// Pushes until it is over. A first signal lets it finish what is under way, a second one or too long a wait ends it at once.
async fn until_signal(
    push: &Push<'_>,
    stop: &AtomicBool,
    console: Console,
) -> Result<(Pushed, Option<Exit>), Failure> {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot watch for signals: {error}"), None)
        })?;
    let mut running = std::pin::pin!(userhaul_runner::push::push(push));
    let exit = tokio::select! {
        pushed = &mut running => return Ok((pushed.map_err(Failure::from)?, None)),
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    };
    stop.store(true, Ordering::Relaxed);
    console.info("interrupted: finishing the request that is under way");
    let pushed = tokio::select! {
        pushed = &mut running => pushed.map_err(Failure::from)?,
        _ = tokio::signal::ctrl_c() => return Err(cut_off(exit)),
        _ = terminate.recv() => return Err(cut_off(exit)),
        () = tokio::time::sleep(GRACE) => return Err(cut_off(exit)),
    };
    Ok((pushed, Some(exit)))
}

fn cut_off(exit: Exit) -> Failure {
    let message = "interrupted: what is applied is remembered, and the next `push` goes on".to_owned();
    Failure::new(Code::Interrupted, message, None, exit)
}
