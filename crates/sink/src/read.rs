//! Files back to batches: for lookups, parents, previews and merging.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection};

use crate::error::SinkError;

/// Rows in a batch, as a rule: enough that a batch costs nothing, few enough that wide rows stay small.
const BATCH_ROWS: usize = 1 << 13;

/// Key of the schema that the codec puts into the metadata for itself.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// Reads a file from its first row to its last.
///
/// With `columns`, only these top-level columns are read; they come in the order of the file, and a name that the
/// file does not have is an error.
pub fn read(path: &Path, columns: Option<&[&str]>) -> Result<Batches, SinkError> {
    let mut builder = open(path)?.with_batch_size(BATCH_ROWS);
    if let Some(columns) = columns {
        let indices = columns.iter().map(|&name| match builder.schema().index_of(name) {
            Ok(index) => Ok(index),
            Err(_) => Err(SinkError::UnknownColumn { column: name.to_owned() }),
        });
        let mask = ProjectionMask::roots(builder.parquet_schema(), indices.collect::<Result<Vec<_>, _>>()?);
        builder = builder.with_projection(mask);
    }
    let reader = builder.build().map_err(SinkError::parquet("read", path))?;
    Ok(Batches { reader, path: path.to_owned() })
}

/// Reads these rows of a file, whose numbers are ascending.
pub(crate) fn read_rows(path: &Path, rows: &[u64]) -> Result<Batches, SinkError> {
    let builder = open(path)?.with_batch_size(BATCH_ROWS);
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let all = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    let ranges = rows.iter().map(|&row| number(row)..number(row) + 1);
    let selection = RowSelection::from_consecutive_ranges(ranges, all);
    let reader = builder.with_row_selection(selection).build().map_err(SinkError::parquet("read", path))?;
    Ok(Batches { reader, path: path.to_owned() })
}

/// What a file says about itself, without reading its rows.
pub fn stats(path: &Path) -> Result<FileStats, SinkError> {
    let bytes = std::fs::metadata(path).map_err(SinkError::io("open", path))?.len();
    let builder = open(path)?;
    let file = builder.metadata().file_metadata();
    let pairs = file.key_value_metadata().into_iter().flatten();
    let metadata = pairs
        .filter(|pair| pair.key != ARROW_SCHEMA)
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
        .collect();
    let rows = u64::try_from(file.num_rows()).unwrap_or_default();
    let row_groups = builder.metadata().num_row_groups();
    Ok(FileStats { rows, bytes, row_groups, metadata, schema: builder.schema().clone() })
}

/// The batches of a file. Ends after the first error.
#[derive(Debug)]
pub struct Batches {
    reader: ParquetRecordBatchReader,
    path: PathBuf,
}

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStats {
    /// Rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Row groups.
    pub row_groups: usize,
    /// Key-value metadata, as given in [`TableSpec::metadata`](crate::TableSpec::metadata).
    pub metadata: Vec<(String, String)>,
    /// Columns, with the metadata that each was given.
    pub schema: SchemaRef,
}

impl Batches {
    /// The columns that are read.
    pub fn schema(&self) -> SchemaRef {
        arrow_array::RecordBatchReader::schema(&self.reader)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.reader.next()?.map_err(SinkError::arrow("read", &self.path)))
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, SinkError> {
    let file = File::open(path).map_err(SinkError::io("open", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(SinkError::parquet("read", path))
}
