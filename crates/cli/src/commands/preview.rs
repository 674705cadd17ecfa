//! `userhaul preview`: a few rows of a stream as a table.

use std::sync::Arc;

use arrow_array::RecordBatch;
use clap::Args;
use userhaul_client::Event;
use userhaul_connector::code::Note;
use userhaul_runner::{
    progress::Progress,
    record::{RunStatus, StreamRecord},
};

use super::{Chosen, sync};
use crate::{
    arguments::Global,
    columns,
    config::Compression,
    console::{self, Console, printable},
    failure::{Code, Exit, Failure},
    progress::Display,
    render,
    sources::quota_dir,
};

/// A cell is cut after so many characters.
const CELL: usize = 32;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The stream, `source.stream`
    stream: String,
    /// How many rows
    #[arg(value_name = "N", short = 'n', long = "rows", default_value_t = 20)]
    rows: u64,
}

pub(crate) async fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let (_, chosen) = super::choose(global, std::slice::from_ref(&options.stream))?;
    let [Chosen { prepared, selected }] = chosen.as_slice() else {
        return Err(one_stream());
    };
    if selected.len() != 1 {
        return Err(one_stream());
    }
    prepared.check_start(selected)?;
    let progress: Arc<dyn Progress> = Arc::new(Waits(Display::new(console)));
    let (Some(stream), source) =
        (selected.iter().next(), prepared.source(selected.clone(), &progress, quota_dir())?)
    else {
        return Err(one_stream());
    };
    let read = read(source, stream, Some(options.rows), &progress).await?;
    if let Some(failure) = read.failure {
        return Err(failure);
    }
    let rows = usize::try_from(options.rows).unwrap_or(usize::MAX);
    console::print(&as_table(&read.batches, rows)?);
    if read.batches.iter().all(|batch| batch.num_rows() == 0) {
        console.info("no rows");
    }
    Ok(read.exit)
}

fn one_stream() -> Failure {
    Failure::usage(
        Code::Usage,
        "expected one stream, `source.stream`",
        Some("`userhaul streams` lists all".to_owned()),
    )
}

/// Tells only what one waits for: the other news of a run say little about one stream.
pub(crate) struct Waits(pub(crate) Display);

impl Progress for Waits {
    fn begun(&self, _: &str, _: &str) {}
    fn page(&self, _: &str, _: &str, _: u64, _: u64) {}
    fn warning(&self, _: &str, _: &str, _: &Note) {}
    fn finished(&self, _: &str, _: &str, _: &StreamRecord) {}

    fn client(&self, source: &str, event: &Event) {
        self.0.client(source, event);
    }
}

/// The rows of a stream, read once, without a trace on disk.
pub(crate) struct Read {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) schema: arrow_schema::SchemaRef,
    pub(crate) exit: Exit,
    pub(crate) failure: Option<Failure>,
    /// What is to be said of the rows: those that shared a key, for example.
    pub(crate) warnings: Vec<Note>,
}

/// Reads one stream into memory by way of a temporary folder.
pub(crate) async fn read(
    mut source: userhaul_runner::Source,
    stream: &str,
    limit: Option<u64>,
    progress: &Arc<dyn Progress>,
) -> Result<Read, Failure> {
    source.archive = None;
    let folder = Temporary::new()?;
    let mut run_options = sync::new_run(&folder.0, Compression::Zstd);
    run_options.limit = limit;
    let name = source.name.clone();
    let spec = source.connector.spec().stream(stream).map(|stream| stream.table.schema());
    let schema = spec.ok_or_else(one_stream)?;
    let (record, exit) = sync::until_signal(&[source], &run_options, progress).await?;
    if record.status == RunStatus::Interrupted {
        return Err(Failure::new(Code::Interrupted, "interrupted: nothing was written", None, exit));
    }
    let outcomes = record.sources.get(&name).map(|source| &source.streams);
    let mut failure = None;
    let mut warnings = Vec::new();
    for (failed, outcome) in outcomes.into_iter().flatten() {
        if let Some(error) = &outcome.error {
            let message = format!("{name}.{failed}: {}", error.message);
            failure = Some(Failure::failed(Code::of(&error.code), message, error.hint.clone()));
        }
        let told = outcome.warnings.iter();
        warnings.extend(told.map(|(code, text)| Code::of(code).note(format!("{name}.{failed}: {text}"))));
    }
    let mut batches = Vec::new();
    let table = folder.0.join(&name).join(stream);
    let mut files: Vec<std::path::PathBuf> = std::fs::read_dir(&table)
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    files.sort();
    for file in files {
        let rows = userhaul_sink::read(&file, None)
            .map_err(|error| Failure::failed(Code::Output, error.to_string(), None))?;
        for batch in rows {
            batches.push(batch.map_err(|error| Failure::failed(Code::Output, error.to_string(), None))?);
        }
    }
    // A stream that was cut at its limit is not proven complete, and nobody asked for that.
    let exit = if limit.is_some() && failure.is_none() && exit == Exit::Partial { Exit::Ok } else { exit };
    Ok(Read { batches, schema, exit, failure, warnings })
}

/// A folder that goes when it is dropped.
struct Temporary(std::path::PathBuf);

impl Temporary {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("userhaul-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).map_err(|error| Failure::file("create", &path, &error))?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Left behind it is only litter of the system's own folder for it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Rows as a table as wide as they need; the columns of the lineage are left out.
fn as_table(batches: &[RecordBatch], limit: usize) -> Result<String, Failure> {
    let Some(first) = batches.first() else { return Ok(String::new()) };
    let failed = |error: arrow_schema::ArrowError| Failure::failed(Code::Output, error.to_string(), None);
    let schema = first.schema();
    let shown: Vec<usize> = (0..schema.fields().len())
        .filter(|&index| {
            !matches!(schema.field(index).name().as_str(), "_source" | "_run_id" | "_extracted_at")
        })
        .collect();
    let header: Vec<&str> = shown.iter().map(|&index| schema.field(index).name().as_str()).collect();
    let options = arrow_cast::display::FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let batch = columns::with_offsets(batch).map_err(failed)?;
        let formatters: Vec<arrow_cast::display::ArrayFormatter<'_>> = shown
            .iter()
            .map(|&index| arrow_cast::display::ArrayFormatter::try_new(batch.column(index), &options))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        for row in 0..batch.num_rows().min(limit.saturating_sub(rows.len())) {
            rows.push(formatters.iter().map(|formatter| cell(&formatter.value(row).to_string())).collect());
        }
    }
    Ok(format!("{}\n", render::table(&header, &rows)))
}

fn cell(text: &str) -> String {
    let line = printable(text).replace('\n', " ");
    if line.chars().count() <= CELL {
        return line;
    }
    let mut cut: String = line.chars().take(CELL - 1).collect();
    cut.push('…');
    cut
}
