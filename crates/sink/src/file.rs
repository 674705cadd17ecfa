//! A Parquet file in the making: no name until it is whole and synced.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};
use parquet::arrow::ArrowWriter;
use userhaul_storage::File;

use crate::disk::Making;
use crate::error::SinkError;
use crate::settings::{self, SAMPLE_ROWS};
use crate::spec::TableSpec;

/// Bytes in memory at which the first rows are sample enough, however few they are.
const SAMPLE_BYTES: usize = 8 << 20;

/// Writes batches. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct FileWriter {
    state: State,
    making: Making,
    spec: TableSpec,
    order: Order,
    rows: u64,
}

/// Whether the rows come in the order that the specification names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// They do, if it names one.
    AsSpecified,
    /// They do not.
    Mixed,
}

/// A whole, synced file that has no name yet. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) making: Making,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
enum State {
    /// The first rows are gathered, as the layout depends on them. There is no file yet: a run has many small parts open
    /// at a time, and a system has few handles.
    Sampling {
        batches: Vec<RecordBatch>,
        rows: usize,
        bytes: usize,
    },
    Writing(Box<ArrowWriter<File>>),
    /// An error has left the file useless.
    Broken,
}

impl FileWriter {
    /// Begins a file that is to stand at `path` or elsewhere in the same file system.
    pub(crate) fn create(path: &Path, spec: &TableSpec, order: Order) -> Result<Self, SinkError> {
        let making = Making::beside(path)?;
        let state = State::Sampling { batches: Vec::new(), rows: 0, bytes: 0 };
        Ok(Self { state, making, spec: spec.clone(), order, rows: 0 })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds rows. The batch must have the schema of the specification; see [`conform`].
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        match &mut self.state {
            State::Sampling { batches, rows, bytes, .. } => {
                *rows += batch.num_rows();
                *bytes += batch.get_array_memory_size();
                batches.push(batch.clone());
                if *rows >= SAMPLE_ROWS || *bytes >= SAMPLE_BYTES {
                    self.start()?;
                }
            }
            State::Writing(writer) => {
                writer.write(batch).map_err(SinkError::parquet("write", self.making.path()))?;
            }
            State::Broken => return Err(self.broken()),
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes what is left and the footer, and syncs.
    pub(crate) fn finish(mut self) -> Result<Finished, SinkError> {
        if let State::Sampling { .. } = self.state {
            self.start()?;
        }
        let State::Writing(mut writer) = std::mem::replace(&mut self.state, State::Broken) else {
            return Err(self.broken());
        };
        // Not `into_inner`, which makes a text of the system's answer.
        writer.finish().map_err(SinkError::parquet("write", self.making.path()))?;
        finished(writer.inner(), self.making, self.rows)
    }

    /// Judges the sample and begins to encode.
    fn start(&mut self) -> Result<(), SinkError> {
        let State::Sampling { batches, .. } = std::mem::replace(&mut self.state, State::Broken) else {
            return Ok(());
        };
        let file = self.making.create()?;
        let path = self.making.path();
        let failed = || SinkError::parquet("write", path);
        let properties = settings::properties(&self.spec, &batches, self.order == Order::AsSpecified);
        let schema = Arc::clone(&self.spec.schema);
        let mut writer =
            ArrowWriter::try_new(file, schema, Some(properties.map_err(failed())?)).map_err(failed())?;
        for batch in &batches {
            writer.write(batch).map_err(failed())?;
        }
        self.state = State::Writing(Box::new(writer));
        Ok(())
    }

    fn broken(&self) -> SinkError {
        let source = std::io::Error::other("an earlier write failed");
        SinkError::Io { what: "write", path: self.making.path().to_owned(), source }
    }
}

/// Syncs a file that has its footer.
pub(crate) fn finished(file: &File, making: Making, rows: u64) -> Result<Finished, SinkError> {
    file.sync_all().map_err(SinkError::io("sync", making.path()))?;
    let bytes = file.metadata().map_err(SinkError::io("measure", making.path()))?.len();
    Ok(Finished { making, rows, bytes })
}

/// The batch under the table's own schema. Types must be equal; metadata of columns is the table's.
pub(crate) fn conform(batch: &RecordBatch, spec: &TableSpec) -> Result<RecordBatch, SinkError> {
    if Arc::ptr_eq(batch.schema_ref(), &spec.schema) {
        return Ok(batch.clone());
    }
    let names =
        |schema: &Schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    if names(batch.schema_ref()) != names(&spec.schema) {
        let source = ArrowError::SchemaError("the columns have other names".to_owned());
        return Err(SinkError::Schema { source });
    }
    RecordBatch::try_new(Arc::clone(&spec.schema), batch.columns().to_vec())
        .map_err(|source| SinkError::Schema { source })
}
