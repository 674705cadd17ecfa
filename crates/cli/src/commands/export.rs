//! `userhaul export`: one stream once, without a configuration.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, cast::AsArray};
use arrow_schema::{DataType, Field, Schema};
use clap::{Args, ValueEnum};
use userhaul_runner::progress::Progress;

use super::preview;
use crate::{
    columns, config,
    console::{self, Console},
    declared,
    failure::{Code, Exit, Failure},
    nearest::nearest,
    progress::Display,
    registry, render, sources,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The stream, `connector.stream`; of a declared connector `./crm.toml.stream`
    stream: String,
    /// A key of a source, as in the configuration; lists with commas
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The file to write; `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The format; by default what the file's ending says, else Parquet
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Parquet,
    Ndjson,
    Csv,
    Arrow,
}

pub(crate) async fn run(options: &Options, console: Console) -> Result<Exit, Failure> {
    let Some((connector, stream)) = address(&options.stream) else {
        let hint = "such as `userhaul export sprig.responses`; `userhaul streams` lists all".to_owned();
        let message = format!("expected `connector.stream`, found `{}`", options.stream);
        return Err(Failure::usage(Code::Usage, message, Some(hint)));
    };
    let sets: Vec<(String, String)> = options
        .sets
        .iter()
        .map(|set| {
            let pair = set.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned()));
            let hint = "such as `--set 'api_key=${SPRIG_API_KEY}'`".to_owned();
            pair.ok_or_else(|| {
                Failure::usage(Code::Usage, "`--set` expects `KEY=VALUE`, found no `=`", Some(hint))
            })
        })
        .collect::<Result<_, _>>()?;
    let environment = |name: &str| std::env::var(name).ok();
    let source = config::one_source(connector, &sets, &registry::entries(), &environment)?;
    let prepared = sources::prepare(&source, None)?;
    if prepared.connector.spec().stream(stream).is_none() {
        let known: Vec<&str> = prepared.connector.spec().streams.keys().map(String::as_str).collect();
        let hint = match nearest(stream, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? The streams are {}", known.join(", ")),
            None => format!("the streams are {}", known.join(", ")),
        };
        return Err(Failure::usage(
            Code::UnknownName,
            format!("`{connector}` has no stream `{stream}`"),
            Some(hint),
        ));
    }
    let selected = [stream.to_owned()].into();
    prepared.check_start(&selected)?;
    let progress: Arc<dyn Progress> = Arc::new(preview::Waits(Display::new(console)));
    let ready = prepared.source(selected, &progress, sources::quota_dir())?;
    let read = preview::read(ready, stream, options.limit, &progress).await?;
    if let Some(failure) = read.failure {
        return Err(failure);
    }
    for warning in &read.warnings {
        console.warning(warning.code, &warning.text);
    }
    let batches = limited(read.batches, options.limit);
    let rows: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let format = options.format.unwrap_or_else(|| by_ending(&options.output));
    write(&batches, &read.schema, &options.output, format)?;
    if options.output.as_os_str() != "-" {
        console.info(&format!("wrote {} to `{}`", render::counted(rows, "row"), options.output.display()));
    }
    Ok(read.exit)
}

/// The connector and the stream; a declared connector is the path of its file, up to `.toml`.
fn address(text: &str) -> Option<(&str, &str)> {
    if !declared::is_file(text) {
        return text.split_once('.');
    }
    let (path, stream) = text.rsplit_once('.')?;
    path.ends_with(".toml").then_some((path, stream))
}

fn limited(batches: Vec<RecordBatch>, limit: Option<u64>) -> Vec<RecordBatch> {
    let Some(limit) = limit else { return batches };
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    batches
        .into_iter()
        .map(|batch| {
            let rows = batch.num_rows().min(left);
            left -= rows;
            batch.slice(0, rows)
        })
        .collect()
}

fn by_ending(path: &Path) -> Format {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("ndjson" | "jsonl" | "json") => Format::Ndjson,
        Some("csv") => Format::Csv,
        Some("arrow" | "feather" | "ipc") => Format::Arrow,
        _ => Format::Parquet,
    }
}

fn write(
    batches: &[RecordBatch],
    schema: &Arc<Schema>,
    output: &Path,
    format: Format,
) -> Result<(), Failure> {
    let bytes = encode(batches, schema, format)
        .map_err(|error| Failure::failed(Code::Internal, error.to_string(), None))?;
    if output.as_os_str() == "-" {
        console::print_bytes(&bytes);
        return Ok(());
    }
    // A pipe or a device is written to; renaming a file over it would put the file in its place.
    if std::fs::metadata(output).is_ok_and(|target| !target.is_file()) {
        return std::fs::write(output, &bytes).map_err(|error| Failure::file("write", output, &error));
    }
    // A link stays a link: what it points to is replaced.
    let output = &std::fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
    // Beside the target and renamed, so that nobody ever reads half a file.
    let mut making = output.as_os_str().to_owned();
    making.push(".making");
    let making = PathBuf::from(making);
    let written = std::fs::File::create(&making).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&making, output)).map_err(|error| {
        let _ = std::fs::remove_file(&making);
        Failure::file("write", output, &error)
    })
}

fn encode(
    batches: &[RecordBatch],
    schema: &Arc<Schema>,
    format: Format,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    match format {
        Format::Parquet => return parquet(batches, schema),
        Format::Ndjson => {
            let mut writer = arrow_json::LineDelimitedWriter::new(&mut bytes);
            for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
                writer.write(&columns::with_offsets(batch)?)?;
            }
            writer.finish()?;
        }
        Format::Csv => {
            let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(&mut bytes);
            if batches.iter().all(|batch| batch.num_rows() == 0) {
                writer.write(&for_spreadsheets(&RecordBatch::new_empty(Arc::clone(schema)))?)?;
            }
            for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
                writer.write(&for_spreadsheets(batch)?)?;
            }
        }
        Format::Arrow => {
            let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut bytes, schema)?;
            for batch in batches {
                writer.write(batch)?;
            }
            writer.finish()?;
        }
    }
    Ok(bytes)
}

fn parquet(batches: &[RecordBatch], schema: &Arc<Schema>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("userhaul-{}.parquet", uuid::Uuid::now_v7()));
    let spec = userhaul_sink::TableSpec::new(Arc::clone(schema));
    let mut part = userhaul_sink::PartWriter::create(path.with_extension("part"), &spec)?;
    for batch in batches {
        part.write(batch)?;
    }
    userhaul_sink::commit(&spec, vec![part.finish()?], &path, &mut |_| Ok(()))?;
    let bytes = std::fs::read(&path)?;
    std::fs::remove_file(&path)?;
    Ok(bytes)
}

/// Nested columns as JSON text, and texts that a spreadsheet would run as a formula behind an apostrophe.
fn for_spreadsheets(batch: &RecordBatch) -> Result<RecordBatch, Box<dyn std::error::Error>> {
    let batch = columns::with_offsets(batch)?;
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column: ArrayRef = match field.data_type() {
            DataType::Struct(_) | DataType::List(_) | DataType::Map(..) => Arc::new(as_json(field, column)?),
            DataType::Utf8 => Arc::new(harmless(column.as_string::<i32>())),
            _ => Arc::clone(column),
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn harmless(texts: &StringArray) -> StringArray {
    texts
        .iter()
        .map(|text| {
            text.map(|text| {
                let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
                if runs { format!("'{text}") } else { text.to_owned() }
            })
        })
        .collect()
}

/// Each value of a nested column as JSON text.
fn as_json(field: &Field, column: &ArrayRef) -> Result<StringArray, Box<dyn std::error::Error>> {
    let schema = Arc::new(Schema::new(vec![Field::new("v", field.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::clone(column)])?;
    let mut bytes = Vec::new();
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(&mut bytes);
    writer.write(&batch)?;
    writer.finish()?;
    let text = String::from_utf8(bytes)?;
    Ok(text
        .lines()
        .map(|line| {
            let value = line.strip_prefix("{\"v\":").and_then(|line| line.strip_suffix('}'))?;
            (value != "null").then(|| value.to_owned())
        })
        .collect())
}
