//! What is made of vendor rows on their way: the connector's own columns, and records in the unified tables.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, new_null_array};
use arrow_schema::SchemaRef;
use userhaul_connector::{Computed, rows::Rows};
use userhaul_record::{Lineage, Status, Table, Unified};
use userhaul_sink::{PartWriter, SinkError};

use super::{TableWriter, Written, bug};
use crate::{error::StreamError, tables};

impl TableWriter {
    /// The unified records of vendor rows. Of rows that are marked as gone only accounts and companies are, whose status
    /// says so: nothing in the other tables could tell them from rows that stand.
    pub(super) fn unify(&self, batch: &RecordBatch) -> Result<Vec<(Table, RecordBatch)>, StreamError> {
        let marks = batch.column_by_name(tables::DELETED_AT).filter(|marks| marks.null_count() < marks.len());
        let Some(marks) = marks else { return self.unify_all(batch) };
        let live: BooleanArray = (0..marks.len()).map(|row| Some(marks.is_null(row))).collect();
        let gone: BooleanArray = (0..marks.len()).map(|row| Some(marks.is_valid(row))).collect();
        let part = |mask| arrow_select::filter::filter_record_batch(batch, mask).map_err(bug);
        let mut unified = self.unify_all(&part(&live)?)?;
        for (table, batch) in self.unify_all(&part(&gone)?)? {
            if matches!(table, Table::Users | Table::Companies) {
                unified.push((table, as_deleted(&batch)?));
            }
        }
        Ok(unified)
    }

    /// The rows with a column for the mark, where the table has one: they are there.
    pub(super) fn unmarked(&self, batch: RecordBatch) -> Result<RecordBatch, StreamError> {
        if self.spec.mark.is_none() {
            return Ok(batch);
        }
        let mut columns = batch.columns().to_vec();
        let kind = self.spec.schema.field(columns.len()).data_type();
        columns.push(new_null_array(kind, batch.num_rows()));
        RecordBatch::try_new(Arc::clone(&self.spec.schema), columns).map_err(bug)
    }

    fn unify_all(&self, batch: &RecordBatch) -> Result<Vec<(Table, RecordBatch)>, StreamError> {
        let lineage = Lineage {
            source: &self.around.source,
            vendor: &self.around.connector.spec().name,
            stream: &self.stream.name,
        };
        let mut unified = Unified::with_room(lineage, batch.num_rows());
        let rows = Rows::new(batch, &self.stream.table.primary_key, &self.lookups)?;
        self.around.connector.unify(&self.stream, &rows, &mut unified)?;
        Ok(unified.finish())
    }

    /// Puts the connector's computed columns in.
    pub(super) fn computed(&self, batch: RecordBatch) -> Result<RecordBatch, StreamError> {
        if self.stream.table.computed.is_empty() {
            return Ok(batch);
        }
        let rows = Rows::new(&batch, &self.stream.table.primary_key, &self.lookups)?;
        let computed = self.around.connector.compute(&self.stream, &rows)?;
        let schema: SchemaRef = batch.schema();
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        for (column, values) in self.stream.table.computed.iter().zip(computed) {
            let index = schema.index_of(&column.name).map_err(bug)?;
            columns[index] = match values {
                Computed::Text(texts) => Arc::new(StringArray::from(texts)),
                Computed::Double(numbers) => Arc::new(Float64Array::from(numbers)),
            };
        }
        RecordBatch::try_new(schema, columns).map_err(bug)
    }

    /// Makes the unified rows of a vendor file that stays as it is.
    pub(super) fn unify_file(&mut self, label: &str, written: &mut Written) -> Result<(), StreamError> {
        let mut made: BTreeMap<&'static str, PartWriter> = BTreeMap::new();
        if self.tables.is_empty() {
            return Ok(());
        }
        for batch in userhaul_sink::read(&self.folder().join(format!("{label}.parquet")), None)? {
            self.unify_again(&batch?, &mut made)?;
        }
        for table in self.tables.clone() {
            let parts = made.remove(table.name()).map(PartWriter::finish).transpose()?;
            self.commit_unified(table, label, parts.into_iter().collect(), written)?;
        }
        Ok(())
    }

    /// Unified rows of vendor rows that were merged: those made on the way in count no longer.
    pub(super) fn unify_again(
        &mut self,
        batch: &RecordBatch,
        parts: &mut BTreeMap<&'static str, PartWriter>,
    ) -> Result<(), SinkError> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let failed = |error: StreamError| SinkError::Rewrite { source: Box::new(error) };
        let unified = self.unify(batch).map_err(failed)?;
        self.note_keys(batch, &unified);
        for (table, batch) in unified {
            if !parts.contains_key(table.name()) {
                let part = PartWriter::create(self.next_path(), &self.unified_spec(table))?;
                parts.insert(table.name(), part);
            }
            if let Some(part) = parts.get_mut(table.name()) {
                part.write(&batch)?;
            }
        }
        Ok(())
    }
}

/// The records with the status of what is gone.
fn as_deleted(batch: &RecordBatch) -> Result<RecordBatch, StreamError> {
    let index = batch.schema_ref().index_of("status").map_err(bug)?;
    let mut columns = batch.columns().to_vec();
    let word = Some(Status::Deleted.as_str());
    columns[index] = Arc::new(std::iter::repeat_n(word, batch.num_rows()).collect::<StringArray>());
    RecordBatch::try_new(batch.schema(), columns).map_err(bug)
}
