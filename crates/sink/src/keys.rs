//! The primary key of each row as a 128-bit hash, and its version.
//!
//! What is hashed (XXH3, 128 bits) is for each key column a tag of its type, the length of the value in bytes (`u32`,
//! little-endian) and the value, so that (`a`, `bc`) and (`ab`, `c`) differ. Two keys of a billion share a hash by
//! chance once in 10²⁰ tables.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, GenericBinaryArray, GenericStringArray, RecordBatch};
use arrow_schema::DataType;
use xxhash_rust::xxh3::xxh3_128;

use crate::content::{self, Fixed};
use crate::error::SinkError;
use crate::log::Entry;
use crate::spec::TableSpec;

/// Where a table's key and version stand.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumns {
    key: Arc<[usize]>,
    version: Option<usize>,
}

impl KeyColumns {
    /// Nothing where the table has no key.
    pub(crate) fn new(spec: &TableSpec) -> Result<Option<Self>, SinkError> {
        if spec.primary_key.is_empty() {
            return Ok(None);
        }
        content::check(&spec.schema)?;
        let key =
            spec.primary_key.iter().map(|name| find(spec, name, "a key", tag)).collect::<Result<_, _>>()?;
        let version =
            spec.version.as_ref().map(|name| find(spec, name, "a version", version_tag)).transpose()?;
        Ok(Some(Self { key, version }))
    }

    /// Gives the entries of a batch, whose first row is row `first` of its part. They tell nothing of the rows' content.
    pub(crate) fn entries(
        &self,
        batch: &RecordBatch,
        first: u64,
        mut push: impl FnMut(Entry) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut columns = Vec::with_capacity(self.key.len());
        for &index in self.key.iter() {
            let array = batch.column(index);
            if let Some(row) = (0..array.len()).find(|&row| array.is_null(row)) {
                let column = batch.schema_ref().field(index).name().clone();
                return Err(SinkError::NullKey { column, row: first + row as u64 });
            }
            columns.push(KeyValues::new(array));
        }
        let versions = self.version.map(|index| versions(batch.column(index)));
        let mut bytes = Vec::new();
        for row in 0..batch.num_rows() {
            bytes.clear();
            for column in &columns {
                column.append(row, &mut bytes);
            }
            push(Entry {
                key: xxh3_128(&bytes),
                row: first + row as u64,
                version: versions.as_ref().map_or(0, |versions| versions[row]),
                content: 0,
            })?;
        }
        Ok(())
    }

    /// As [`Self::entries`], with the hash of each row's content.
    pub(crate) fn entries_with_content(
        &self,
        batch: &RecordBatch,
        first: u64,
        mut push: impl FnMut(Entry) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut contents = content::rows(batch).into_iter();
        self.entries(batch, first, |entry| {
            push(Entry { content: contents.next().unwrap_or_default(), ..entry })
        })
    }
}

fn find(
    spec: &TableSpec,
    name: &str,
    role: &'static str,
    allowed: fn(&DataType) -> Option<u8>,
) -> Result<usize, SinkError> {
    let column = || name.to_owned();
    let (index, field) =
        spec.schema.column_with_name(name).ok_or_else(|| SinkError::UnknownColumn { column: column() })?;
    match allowed(field.data_type()) {
        Some(_) => Ok(index),
        None => Err(SinkError::UnsupportedType {
            column: column(),
            role,
            data_type: field.data_type().to_string(),
        }),
    }
}

/// The tag of a type in a key. Floating-point numbers have none: they have values that differ and are equal.
fn tag(data_type: &DataType) -> Option<u8> {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => Some(b's'),
        DataType::Binary => Some(b'x'),
        DataType::Boolean => Some(b'b'),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(b'i'),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Some(b'u'),
        DataType::Decimal128(..) => Some(b'n'),
        DataType::Date32 => Some(b'd'),
        DataType::Timestamp(..) => Some(b't'),
        _ => None,
    }
}

fn version_tag(data_type: &DataType) -> Option<u8> {
    match data_type {
        DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => tag(data_type),
        _ => None,
    }
}

/// Versions that keep their order. Null is the smallest.
fn versions(array: &dyn Array) -> Vec<i64> {
    let Some(fixed) = Fixed::new(array) else { return vec![0; array.len()] };
    let value = |row: usize| match *fixed.value(row) {
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    };
    (0..array.len()).map(|row| if array.is_null(row) { i64::MIN } else { value(row) }).collect()
}

/// A key column by the way in which its values lie in memory.
enum KeyValues<'a> {
    Text(&'a GenericStringArray<i32>),
    LargeText(&'a GenericStringArray<i64>),
    Bytes(&'a GenericBinaryArray<i32>),
    Boolean(&'a BooleanArray),
    Fixed(u8, Fixed),
}

impl<'a> KeyValues<'a> {
    fn new(array: &'a dyn Array) -> Self {
        match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::LargeUtf8 => Self::LargeText(array.as_string()),
            DataType::Binary => Self::Bytes(array.as_binary()),
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            other => {
                let tag = tag(other).expect("`find` let only types with a tag pass");
                Self::Fixed(tag, Fixed::new(array).expect("the other types with a tag are of fixed width"))
            }
        }
    }

    fn append(&self, row: usize, bytes: &mut Vec<u8>) {
        let (tag, value): (u8, &[u8]) = match self {
            Self::Text(array) => (b's', array.value(row).as_bytes()),
            Self::LargeText(array) => (b's', array.value(row).as_bytes()),
            Self::Bytes(array) => (b'x', array.value(row)),
            Self::Boolean(array) => (b'b', if array.value(row) { &[1] } else { &[0] }),
            Self::Fixed(tag, fixed) => (*tag, fixed.value(row)),
        };
        bytes.push(tag);
        // A text of a batch is shorter than 4 GiB, and a longer one would only lose its place in the prefix.
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(value);
    }
}
