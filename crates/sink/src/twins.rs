//! Columns that hold the same values in two tables.
//!
//! Most columns of a unified record are columns of the vendor's row as they came. Comparing them costs little beside
//! encoding them twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Schema};

use crate::content::Fixed;
use crate::settings::leaves;
use crate::spec::TableSpec;

/// For each column of a table the column of another one whose values it has had so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Twins(Vec<Option<usize>>);

impl Twins {
    /// The twins in the first rows: batches of `other` with those of `table` that were written beside them.
    ///
    /// Columns of the key are left out, as only their own encoding has a filter of them; and those without a value, which
    /// tell nothing.
    pub(crate) fn find(
        table: &TableSpec,
        other: &TableSpec,
        rows: &[(RecordBatch, Option<RecordBatch>)],
    ) -> Self {
        let twin = |index: usize, field: &Field| {
            if table.primary_key.contains(field.name()) {
                return None;
            }
            let others = other.schema.fields();
            let named = others.iter().position(|other| other.name() == field.name());
            let candidates = named.into_iter().chain((0..others.len()).filter(|&at| Some(at) != named));
            candidates.filter(|&at| alike(field, &others[at])).find(|&at| {
                let valued = rows.iter().any(|(batch, _)| batch.column(at).null_count() < batch.num_rows());
                valued && rows.iter().all(|(batch, beside)| same_column(beside.as_ref(), index, batch, at))
            })
        };
        Self(table.schema.fields().iter().enumerate().map(|(index, field)| twin(index, field)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The column of the other table that holds the values of this one.
    pub(crate) fn of(&self, column: usize) -> Option<usize> {
        self.0.get(column).copied().flatten()
    }

    /// Those that are twins in these rows of the other table, and of this one beside them, too.
    pub(crate) fn still(&self, other: &RecordBatch, beside: Option<&RecordBatch>) -> Self {
        let still =
            |(index, twin): (usize, &Option<usize>)| twin.filter(|&at| same_column(beside, index, other, at));
        Self(self.0.iter().enumerate().map(still).collect())
    }

    /// For each leaf of this table the leaf of the other one.
    pub(crate) fn leaves(&self, table: &Schema, other: &Schema) -> Vec<Option<usize>> {
        let starts: Vec<usize> = starts(other).collect();
        let columns = table.fields().iter().zip(&self.0);
        let of = |(field, twin): (&Arc<Field>, &Option<usize>)| {
            let first = twin.map(|at| starts[at]);
            (0..leaves(field.data_type()))
                .map(move |leaf| first.map(|first| first + leaf))
                .collect::<Vec<_>>()
        };
        columns.flat_map(of).collect()
    }

    /// The leaves of the other table that are asked for.
    pub(crate) fn lent(&self, other: &Schema) -> BTreeSet<usize> {
        let starts: Vec<usize> = starts(other).collect();
        let of = |at: usize| starts[at]..starts[at] + leaves(other.field(at).data_type());
        self.0.iter().flatten().flat_map(|&at| of(at)).collect()
    }
}

/// The first leaf of each column.
fn starts(schema: &Schema) -> impl Iterator<Item = usize> {
    schema.fields().iter().scan(0, |next, field| {
        let first = *next;
        *next += leaves(field.data_type());
        Some(first)
    })
}

/// Whether the leaves of two columns are encoded alike: names apart, they are of one type.
fn alike(a: &Field, b: &Field) -> bool {
    a.is_nullable() == b.is_nullable()
        && match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
            }
            (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => {
                alike(a, b)
            }
            (a, b) => a == b,
        }
}

fn same_column(batch: Option<&RecordBatch>, index: usize, other: &RecordBatch, at: usize) -> bool {
    batch.is_some_and(|batch| same(batch.column(index), other.column(at)))
}

/// Whether two arrays of one type hold the same values. An array of a type that is not known here equals none.
fn same(a: &dyn Array, b: &dyn Array) -> bool {
    if a.len() != b.len()
        || a.null_count() != b.null_count()
        || (a.null_count() > 0 && a.nulls() != b.nulls())
    {
        return false;
    }
    match a.data_type() {
        DataType::Boolean => a.as_boolean().values() == b.as_boolean().values(),
        DataType::Utf8 => {
            let (a, b) = (a.as_string::<i32>(), b.as_string::<i32>());
            let bytes = |array: &'_ arrow_array::StringArray| ends(array.offsets());
            let ((from, to), (other_from, other_to)) = (bytes(a), bytes(b));
            a.values()[from..to] == b.values()[other_from..other_to] && same_offsets(a.offsets(), b.offsets())
        }
        DataType::Struct(_) => {
            let (a, b) = (a.as_struct().columns(), b.as_struct().columns());
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        DataType::List(_) => {
            let (a, b) = (a.as_list::<i32>(), b.as_list::<i32>());
            same_items((a.offsets(), a.values()), (b.offsets(), b.values()))
        }
        DataType::Map(..) => {
            let (a, b) = (a.as_map(), b.as_map());
            same_items((a.offsets(), a.entries()), (b.offsets(), b.entries()))
        }
        _ => match (Fixed::new(a), Fixed::new(b)) {
            (Some(a), Some(b)) => a.bytes() == b.bytes(),
            _ => false,
        },
    }
}

fn same_items(a: (&OffsetBuffer<i32>, &dyn Array), b: (&OffsetBuffer<i32>, &dyn Array)) -> bool {
    let items = |(offsets, values): (&OffsetBuffer<i32>, &dyn Array)| {
        let (from, to) = ends(offsets);
        values.slice(from, to - from)
    };
    same_offsets(a.0, b.0) && same(&items(a), &items(b))
}

/// Where the first item begins and the last one ends.
fn ends(offsets: &OffsetBuffer<i32>) -> (usize, usize) {
    let end = |offset: Option<&i32>| offset.map_or(0, |&offset| usize::try_from(offset).unwrap_or_default());
    (end(offsets.first()), end(offsets.last()))
}

fn same_offsets(a: &[i32], b: &[i32]) -> bool {
    match (a.first(), b.first()) {
        (Some(first), Some(other)) if first != other => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a - first == b - other)
        }
        _ => a == b,
    }
}
