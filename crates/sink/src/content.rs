//! Hashes of values, so that equal rows are found without keeping them.
//!
//! Nothing depends on a hash that an earlier version made: one that differs only means that something is made again.

use arrow_array::cast::AsArray;
use arrow_array::{Array, OffsetSizeTrait, RecordBatch};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Schema};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::SinkError;

/// Columns that tell about a run, not about a row.
const LINEAGE: [&str; 2] = ["_run_id", "_extracted_at"];

/// Hash of a value that is null.
const NULL: u64 = 0x6e75_6c6c;

/// One hash of all rows of a batch, whatever their order, but for the columns of lineage. The hash of a table is the
/// wrapping sum of those of its batches.
///
/// # Errors
/// When a column's type cannot be compared.
pub fn content_hash(batch: &RecordBatch) -> Result<u64, SinkError> {
    check(batch.schema_ref())?;
    Ok(rows(batch).into_iter().fold(batch.num_rows() as u64, u64::wrapping_add))
}

/// One hash a row over all its columns but those of lineage. Rows of equal content have equal hashes.
///
/// # Errors
/// When a column's type cannot be compared.
pub fn row_hashes(batch: &RecordBatch) -> Result<Vec<u64>, SinkError> {
    check(batch.schema_ref())?;
    Ok(rows(batch))
}

/// The same for rows whose types were looked at before.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<u64> {
    let mut hashes = vec![0; batch.num_rows()];
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if !LINEAGE.contains(&field.name().as_str()) {
            combine(&mut hashes, &values(column));
        }
    }
    hashes
}

/// One hash an element. Types that [`check`] refuses are all alike.
pub(crate) fn values(array: &dyn Array) -> Vec<u64> {
    let mut hashes = match array.data_type() {
        DataType::Boolean => array.as_boolean().values().iter().map(|value| mix(1, value.into())).collect(),
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            (0..array.len()).map(|row| bytes(array.value(row).as_bytes())).collect()
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            (0..array.len()).map(|row| bytes(array.value(row).as_bytes())).collect()
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            (0..array.len()).map(|row| bytes(array.value(row))).collect()
        }
        DataType::Struct(_) => {
            let mut hashes = vec![2; array.len()];
            for column in array.as_struct().columns() {
                combine(&mut hashes, &values(column));
            }
            hashes
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            ranges(list.value_offsets(), list.values(), in_order)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            ranges(list.value_offsets(), list.values(), in_order)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            // Entries have no order of their own.
            let sum =
                |range: &[u64]| range.iter().fold(5, |hash: u64, entry| hash.wrapping_add(mix(5, *entry)));
            ranges(map.value_offsets(), map.entries(), sum)
        }
        _ => match Fixed::new(array) {
            Some(fixed) => (0..array.len()).map(|row| number(fixed.value(row))).collect(),
            None => vec![NULL; array.len()],
        },
    };
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (hash, valid) in hashes.iter_mut().zip(nulls.iter()) {
            if !valid {
                *hash = NULL;
            }
        }
    }
    hashes
}

/// Refuses a schema whose rows cannot be compared.
pub(crate) fn check(schema: &Schema) -> Result<(), SinkError> {
    match schema.fields().iter().find(|field| !comparable(field.data_type())) {
        None => Ok(()),
        Some(field) => Err(SinkError::UnsupportedType {
            column: field.name().clone(),
            role: "compared",
            data_type: field.data_type().to_string(),
        }),
    }
}

fn comparable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::Null => true,
        DataType::Struct(fields) => fields.iter().all(|field| comparable(field.data_type())),
        DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => {
            comparable(field.data_type())
        }
        other => other.primitive_width().is_some(),
    }
}

/// The values of a column whose elements all take the same number of bytes.
pub(crate) struct Fixed {
    buffer: Buffer,
    width: usize,
}

impl Fixed {
    pub(crate) fn new(array: &dyn Array) -> Option<Self> {
        let width = array.data_type().primitive_width()?;
        let data = array.to_data();
        let buffer = data.buffers().first()?.slice_with_length(data.offset() * width, array.len() * width);
        Some(Self { buffer, width })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Little-endian on the machines that we build for.
    pub(crate) fn value(&self, row: usize) -> &[u8] {
        &self.buffer[row * self.width..(row + 1) * self.width]
    }
}

/// One hash a list. Of the items only those are looked at that belong to a list, as a slice keeps all of them.
fn ranges<O: OffsetSizeTrait>(offsets: &[O], items: &dyn Array, fold: fn(&[u64]) -> u64) -> Vec<u64> {
    let [first, .., last] = offsets else { return Vec::new() };
    let first = first.as_usize();
    let items = values(&items.slice(first, last.as_usize() - first));
    let range = |pair: &[O]| &items[pair[0].as_usize() - first..pair[1].as_usize() - first];
    offsets.windows(2).map(|pair| fold(range(pair))).collect()
}

fn in_order(items: &[u64]) -> u64 {
    items.iter().fold(3, |hash, item| mix(hash, *item))
}

fn combine(hashes: &mut [u64], more: &[u64]) {
    for (hash, more) in hashes.iter_mut().zip(more) {
        *hash = mix(*hash, *more);
    }
}

fn bytes(value: &[u8]) -> u64 {
    xxh3_64(value)
}

fn number(value: &[u8]) -> u64 {
    value.chunks(8).fold(4, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash, u64::from_le_bytes(word))
    })
}

/// Folds a value into a hash: the two halves of a 128-bit product.
fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15) * u128::from(value ^ 0xd6e8_feb8_6659_fd93);
    let [low, high] = [product & u128::from(u64::MAX), product >> 64]
        .map(|half| u64::try_from(half).expect("half of 128 bits"));
    (low ^ high).rotate_left(23).wrapping_add(hash)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, ListArray, StringArray};

    use super::*;

    #[test]
    fn a_slice_has_the_hashes_of_its_rows() {
        let lists =
            [Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(1), None]), Some(vec![Some(2)])];
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
        let all = values(&list);
        assert_eq!(values(&list.slice(2, 3)), all[2..]);
        assert_eq!(all[0], all[3]);
        let different = [all[0], all[1], all[2], all[4]];
        assert!((1..4).all(|end| !different[..end].contains(&different[end])));
        let numbers = Int64Array::from(vec![Some(1), None, Some(3)]);
        assert_eq!(values(&numbers.slice(1, 2)), values(&numbers)[1..]);
    }

    #[test]
    fn lineage_is_not_content() {
        let batch = |run: &str| {
            let columns: [(&str, Arc<dyn Array>); 2] = [
                ("id", Arc::new(StringArray::from(vec!["a"]))),
                ("_run_id", Arc::new(StringArray::from(vec![run]))),
            ];
            RecordBatch::try_from_iter(columns).expect("equal lengths")
        };
        assert_eq!(rows(&batch("1")), rows(&batch("2")));
    }
}
