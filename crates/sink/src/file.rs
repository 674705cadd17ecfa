//! A Parquet file in the making: no name until it is whole and synced.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};
use userhaul_storage::File;

use crate::disk::Making;
use crate::encoder::Encoder;
use crate::error::SinkError;
use crate::loan::{Lent, Loan};
use crate::pages::Pages;
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
    Sampling(Sample),
    Writing(Box<Encoder>),
    /// An error has left the file useless.
    Broken,
}

/// The first rows of a file.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Sample {
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch.clone());
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.rows >= SAMPLE_ROWS || self.bytes >= SAMPLE_BYTES
    }
}

impl FileWriter {
    /// Begins a file that is to stand at `path` or elsewhere in the same file system.
    pub(crate) fn create(path: &Path, spec: &TableSpec, order: Order) -> Result<Self, SinkError> {
        let making = Making::beside(path)?;
        Ok(Self { state: State::Sampling(Sample::default()), making, spec: spec.clone(), order, rows: 0 })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows + if let State::Sampling(sample) = &self.state { sample.rows as u64 } else { 0 }
    }

    /// Adds rows. The batch must have the schema of the specification; see [`conform`].
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let State::Sampling(sample) = &mut self.state else { return self.write_through(batch) };
        sample.add(batch);
        if sample.is_enough() { self.write_sample() } else { Ok(()) }
    }

    /// Writes what is left and the footer, and syncs.
    pub(crate) fn finish(mut self) -> Result<Finished, SinkError> {
        if let State::Sampling(_) = self.state {
            self.write_sample()?;
        }
        let State::Writing(mut encoder) = std::mem::replace(&mut self.state, State::Broken) else {
            return Err(self.broken());
        };
        let file = encoder.finish().map_err(SinkError::parquet("write", self.making.path()))?;
        finished(file, self.making, self.rows)
    }

    fn write_sample(&mut self) -> Result<(), SinkError> {
        let State::Sampling(sample) = std::mem::replace(&mut self.state, State::Broken) else {
            return Err(self.broken());
        };
        self.begin(&sample.batches, BTreeSet::new())?;
        sample.batches.iter().try_for_each(|batch| self.write_through(batch))
    }

    fn write_through(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.encode(batch, |_| false)?;
        if self.is_full() {
            self.close_group(None)?;
        }
        Ok(())
    }

    /// Judges the first rows, which are to be encoded next, and makes the file. The leaves of `lent` are lent to others.
    pub(crate) fn begin(&mut self, sample: &[RecordBatch], lent: BTreeSet<usize>) -> Result<(), SinkError> {
        let file = self.making.create()?;
        let failed = || SinkError::parquet("write", self.making.path());
        let in_order = self.order == Order::AsSpecified;
        let properties = settings::properties(&self.spec, sample, in_order).map_err(failed())?;
        let pages = Pages::lending(lent, self.spec.compression).map_err(failed())?;
        let encoder = Encoder::new(file, &self.spec, properties, pages).map_err(failed())?;
        self.state = State::Writing(Box::new(encoder));
        Ok(())
    }

    /// Adds rows to the row group, but for the columns that are borrowed.
    pub(crate) fn encode(
        &mut self,
        batch: &RecordBatch,
        is_borrowed: impl Fn(usize) -> bool,
    ) -> Result<(), SinkError> {
        let State::Writing(encoder) = &mut self.state else { return Err(self.broken()) };
        encoder.write(batch, is_borrowed).map_err(SinkError::parquet("write", self.making.path()))?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Whether the row group has reached its size.
    pub(crate) fn is_full(&self) -> bool {
        matches!(&self.state, State::Writing(encoder) if encoder.is_full())
    }

    /// Ends the row group, if one is begun; see [`Encoder::close_group`].
    pub(crate) fn close_group(&mut self, loan: Option<&Loan<'_>>) -> Result<Option<Lent>, SinkError> {
        let State::Writing(encoder) = &mut self.state else { return Err(self.broken()) };
        encoder.close_group(loan).map_err(SinkError::parquet("write", self.making.path()))
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
