//! Rows of a file that was committed before: under the columns that the table has today, and marked where they are
//! gone.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, ListArray, MapArray, PrimitiveArray, RecordBatch, StructArray, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Schema};

use crate::bits;
use crate::error::SinkError;
use crate::spec::{Mark, TableSpec};

/// Whether the file's columns are not those of the table, documentation apart.
pub(crate) fn differs(found: &Schema, spec: &TableSpec) -> bool {
    let columns = |schema: &Schema| {
        let fields = schema.fields().iter();
        fields.map(|field| (field.name().clone(), field.data_type().clone())).collect::<Vec<_>>()
    };
    columns(found) != columns(&spec.schema)
}

/// The batch under the table's columns, by name. A column that the file does not have, or has with another type, is null.
pub(crate) fn adapt(batch: &RecordBatch, spec: &TableSpec) -> Result<RecordBatch, SinkError> {
    let columns = spec.schema.fields().iter().map(|field| {
        let found = batch.column_by_name(field.name()).and_then(|array| fitted(array, field.data_type()));
        found.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()))
    });
    RecordBatch::try_new(Arc::clone(&spec.schema), columns.collect())
        .map_err(|source| SinkError::Schema { source })
}

/// The values under a type that differs in the members of objects at most.
fn fitted(array: &ArrayRef, kind: &DataType) -> Option<ArrayRef> {
    match (array.data_type(), kind) {
        (before, after) if before == after => Some(Arc::clone(array)),
        (DataType::Struct(_), DataType::Struct(_)) => Some(Arc::new(members(array.as_struct(), kind)?)),
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = fitted(list.values(), item.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Some(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls).ok()?))
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let pairs = members(map.entries(), entries.data_type())?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Some(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted).ok()?))
        }
        _ => None,
    }
}

fn members(record: &StructArray, kind: &DataType) -> Option<StructArray> {
    let DataType::Struct(fields) = kind else { return None };
    let columns = fields.iter().map(|field| {
        let found = record.column_by_name(field.name()).and_then(|array| fitted(array, field.data_type()));
        found.unwrap_or_else(|| new_null_array(field.data_type(), record.len()))
    });
    StructArray::try_new(fields.clone(), columns.collect(), record.nulls().cloned()).ok()
}

/// The rows of a batch whose mark is null.
pub(crate) fn unmarked(batch: &RecordBatch, mark: &Mark) -> Result<Vec<bool>, SinkError> {
    let marks = marks(batch, mark)?;
    Ok((0..batch.num_rows()).map(|row| marks.is_null(row)).collect())
}

/// The batch with a mark on rows that are in the set; its first row has the number `first`.
pub(crate) fn marked(
    batch: RecordBatch,
    mark: Option<&Mark>,
    first: u64,
    set: &[u64],
) -> Result<RecordBatch, SinkError> {
    let Some(mark) = mark else { return Ok(batch) };
    let rows = first..first + batch.num_rows() as u64;
    if !rows.clone().any(|row| bits::contains(set, row)) {
        return Ok(batch);
    }
    let before = marks(&batch, mark)?;
    let after: PrimitiveArray<TimestampMicrosecondType> = before
        .iter()
        .zip(rows)
        .map(|(before, row)| if bits::contains(set, row) { Some(mark.at) } else { before })
        .collect();
    let index = batch.schema_ref().index_of(&mark.column).map_err(|source| SinkError::Schema { source })?;
    let mut columns = batch.columns().to_vec();
    columns[index] = Arc::new(after.with_timezone_opt(before.timezone()));
    RecordBatch::try_new(batch.schema(), columns).map_err(|source| SinkError::Schema { source })
}

fn marks<'a>(
    batch: &'a RecordBatch,
    mark: &Mark,
) -> Result<&'a PrimitiveArray<TimestampMicrosecondType>, SinkError> {
    let column = batch.column_by_name(&mark.column);
    column.and_then(|array| array.as_primitive_opt()).ok_or_else(|| SinkError::Schema {
        source: ArrowError::SchemaError(format!("`{}` is no column of instants", mark.column)),
    })
}
