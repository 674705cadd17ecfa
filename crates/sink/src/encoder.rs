//! Rows into the row groups of one file, column by column.
//!
//! A row group stands in memory until it is closed. Some of its columns may have been encoded already, for another file:
//! see [`loan`](crate::loan).

use std::collections::BTreeMap;
use std::io::BufWriter;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnDescPtr;
use userhaul_storage::File;

use crate::groups::Groups;
use crate::loan::{Lent, Loan};
use crate::pages::Pages;
use crate::settings::leaves;
use crate::spec::TableSpec;

/// A file that is written in larger pieces than the pages of a column.
pub(crate) type Output = BufWriter<File>;

/// Rows at which a row group is closed, however few bytes they take: filters of keys are made for so many, and readers
/// share out row groups.
pub(crate) const GROUP_ROWS: usize = 1 << 16;

/// Bytes that are handed to the system at once.
const OUTPUT_BYTES: usize = 64 << 10;

pub(crate) fn output(file: File) -> Output {
    Output::with_capacity(OUTPUT_BYTES, file)
}

/// Encodes the rows of one file. After an error it can only be dropped.
#[derive(Debug)]
pub(crate) struct Encoder {
    groups: Groups,
    columns: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    leaves: Vec<ColumnDescPtr>,
    /// The leaves of the row group in the making; empty where none is begun.
    group: Vec<ArrowColumnWriter>,
    /// Rows of it.
    rows: usize,
    /// Encoded bytes at which a row group is closed.
    group_bytes: usize,
    pages: Pages,
}

impl Encoder {
    /// Begins a file, whose row group in the making is in `pages`.
    pub(crate) fn new(
        file: File,
        spec: &TableSpec,
        properties: WriterProperties,
        pages: Pages,
    ) -> Result<Self> {
        let schema = Arc::clone(&spec.schema);
        // That writer, which writes nothing, puts the types of our columns into the metadata, which readers go by.
        let writer = ArrowWriter::try_new(std::io::sink(), Arc::clone(&schema), Some(properties))?;
        let (unused, columns) = writer.into_serialized_writer()?;
        let columns = columns.with_page_store_factory(Arc::new(pages.clone()));
        let descriptor = Arc::new(unused.schema_descr().clone());
        let leaves = descriptor.columns().to_vec();
        let groups = Groups::begin(file, descriptor, Arc::clone(unused.properties()))?;
        let group_bytes = spec.row_group_bytes;
        Ok(Self { groups, columns, schema, leaves, group: Vec::new(), rows: 0, group_bytes, pages })
    }

    /// Adds rows to the row group, but for the columns that are borrowed, by their index.
    pub(crate) fn write(&mut self, batch: &RecordBatch, is_borrowed: impl Fn(usize) -> bool) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.group.is_empty() {
            self.group = self.columns.create_column_writers(self.groups.written())?;
        }
        self.rows += batch.num_rows();
        let mut writers = self.group.iter_mut();
        for (index, (field, column)) in self.schema.fields().iter().zip(batch.columns()).enumerate() {
            if is_borrowed(index) {
                writers.by_ref().take(leaves(field.data_type())).for_each(drop);
                continue;
            }
            for (leaf, writer) in compute_leaves(field, column)?.iter().zip(writers.by_ref()) {
                writer.write(leaf)?;
            }
        }
        Ok(())
    }

    /// Whether a row group is begun.
    pub(crate) fn is_open(&self) -> bool {
        !self.group.is_empty()
    }

    /// Whether the row group has reached its size.
    pub(crate) fn is_full(&self) -> bool {
        if self.rows >= GROUP_ROWS {
            return self.is_open();
        }
        let seen = self.group.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum::<usize>();
        let (plain, packed) = self.pages.sizes();
        // What is in no page yet is not compressed either.
        self.is_open() && packed + seen.saturating_sub(plain) >= self.group_bytes
    }

    /// Ends the row group, if one is begun. Borrowed columns are taken from the loan. Gives what others may borrow.
    pub(crate) fn close_group(&mut self, loan: Option<&Loan<'_>>) -> Result<Option<Lent>> {
        if !self.is_open() {
            return Ok(None);
        }
        self.rows = 0;
        let mut lent = BTreeMap::new();
        let mut group = self.groups.next()?;
        for (leaf, writer) in self.group.drain(..).enumerate() {
            if let Some(column) = loan.and_then(|loan| loan.leaf(leaf)) {
                column.append(&mut group, &self.leaves[leaf])?;
                continue;
            }
            let (chunk, closed) = self.pages.close(leaf, writer.close()?)?;
            group.append_column(&chunk, closed)?;
            if self.pages.lends(leaf) {
                lent.insert(leaf, chunk);
            }
        }
        let metadata = group.close()?;
        self.pages.end_group();
        Ok(Some(Lent { metadata, chunks: lent }))
    }

    /// Ends the file, which is to be synced yet.
    pub(crate) fn finish(&mut self) -> Result<&File> {
        self.close_group(None)?;
        self.groups.finish()
    }
}
