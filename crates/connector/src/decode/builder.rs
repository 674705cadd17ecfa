//! Growing columns: values are appended one by one, taken back row by row, and become Arrow arrays without a copy.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, MapArray,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};

use super::{
    private::Rule,
    shape::{Alias, Shape},
    valid::Valid,
};
use crate::column::{Column, ColumnType, map_entries};

/// Texts one behind the other, with their ends.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    pub(crate) bytes: Vec<u8>,
    /// Where each begins, and where the last one ends.
    offsets: Vec<i32>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}

impl Texts {
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Ends the text whose bytes were appended to `bytes` since the last one ended.
    #[inline]
    pub(crate) fn close(&mut self) {
        // A page is capped far below 2 GiB, so the end always fits; a wrong cap would be seen by Arrow.
        self.offsets.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.close();
    }

    fn start(&self, index: usize) -> usize {
        self.offsets.get(index).map_or(self.bytes.len(), |&start| usize::try_from(start).unwrap_or(0))
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.start(index)..self.start(index + 1)]
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start(len));
        self.offsets.truncate(len + 1);
    }

    pub(crate) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<StringArray, ArrowError> {
        let (bytes, offsets) = (renew(&mut self.bytes), renew(&mut self.offsets));
        self.offsets.push(0);
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(bytes), nulls)
    }
}

/// The offsets of these ends, which are empty afterwards.
fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut all = Vec::with_capacity(ends.len() + 1);
    all.push(0);
    all.append(ends);
    OffsetBuffer::new(ScalarBuffer::from(all))
}

/// The values, in whose place stand none, with room for about as many: batches are alike, and growing by doubling
/// copies each value twice.
fn renew<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len() + values.len() / 8;
    std::mem::replace(values, Vec::with_capacity(room))
}

/// The bits, which are gone afterwards.
fn bits(values: &mut Vec<bool>) -> BooleanBuffer {
    let bits = BooleanBuffer::from(values.as_slice());
    values.clear();
    bits
}

/// The names of a member.
fn names_of(member: &str, aliases: &[Alias]) -> Vec<Vec<u8>> {
    let others = aliases.iter().filter(|alias| alias.field == member).map(|alias| alias.path.as_str());
    std::iter::once(member).chain(others).map(|name| name.as_bytes().to_vec()).collect()
}

/// The values of a growing column, by type.
#[derive(Debug)]
pub(crate) enum Values {
    Text(Texts),
    Id(Texts),
    Json(Texts),
    /// With the names of the member that is the identifier.
    IdOrObject(Texts, Vec<Vec<u8>>),
    Int(Vec<i64>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
    Instant(Vec<i64>),
    Millis(Vec<i64>),
    Date(Vec<i32>),
    Decimal(Vec<i128>),
    /// `wrapped` are the names of the one member that a value may stand in; none for values that stand alone.
    Map {
        ends: Vec<i32>,
        keys: Texts,
        values: Texts,
        valid: Valid,
        wrapped: Vec<Vec<u8>>,
    },
    List {
        ends: Vec<i32>,
        element: Box<ColumnBuilder>,
    },
    Struct(Box<Shape>),
}

/// A growing column.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    pub(crate) values: Values,
    pub(crate) valid: Valid,
}

impl ColumnBuilder {
    pub(crate) fn new(kind: &ColumnType, rules: &[Rule]) -> Self {
        Self::aliased(kind, &[], rules)
    }

    /// A column whose members, where it is an object or a list of objects, have other names too.
    pub(crate) fn aliased(kind: &ColumnType, aliases: &[Alias], rules: &[Rule]) -> Self {
        let values = match kind {
            ColumnType::Text => Values::Text(Texts::default()),
            ColumnType::Id => Values::Id(Texts::default()),
            ColumnType::Json => Values::Json(Texts::default()),
            ColumnType::IdOrObject => Values::IdOrObject(Texts::default(), names_of("id", aliases)),
            ColumnType::Int => Values::Int(Vec::new()),
            ColumnType::Double => Values::Double(Vec::new()),
            ColumnType::Bool => Values::Bool(Vec::new()),
            ColumnType::Instant => Values::Instant(Vec::new()),
            ColumnType::Millis => Values::Millis(Vec::new()),
            ColumnType::Date => Values::Date(Vec::new()),
            ColumnType::Decimal => Values::Decimal(Vec::new()),
            ColumnType::Map | ColumnType::WrappedMap => Values::Map {
                ends: Vec::new(),
                keys: Texts::default(),
                values: Texts::default(),
                valid: Valid::default(),
                wrapped: match kind {
                    ColumnType::WrappedMap => names_of("value", aliases),
                    _ => Vec::new(),
                },
            },
            ColumnType::List(element) => {
                Values::List { ends: Vec::new(), element: Box::new(Self::aliased(element, aliases, rules)) }
            }
            ColumnType::Struct(columns) => Values::Struct(Box::new(Shape::new(columns, aliases, rules))),
        };
        Self { values, valid: Valid::default() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Appends a null.
    #[inline]
    pub(crate) fn push_null(&mut self) {
        match &mut self.values {
            Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _) => {
                texts.close()
            }
            Values::Int(numbers) | Values::Instant(numbers) | Values::Millis(numbers) => numbers.push(0),
            Values::Double(numbers) => numbers.push(0.0),
            Values::Bool(bits) => bits.push(false),
            Values::Date(days) => days.push(0),
            Values::Decimal(amounts) => amounts.push(0),
            Values::Map { ends, .. } | Values::List { ends, .. } => {
                let end = ends.last().copied().unwrap_or(0);
                ends.push(end);
            }
            Values::Struct(shape) => shape.push_nulls(),
        }
        self.valid.push(false);
    }

    /// Takes back everything from row `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.valid.truncate(len);
        match &mut self.values {
            Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _) => {
                texts.truncate(len);
            }
            Values::Int(numbers) | Values::Instant(numbers) | Values::Millis(numbers) => {
                numbers.truncate(len)
            }
            Values::Double(numbers) => numbers.truncate(len),
            Values::Bool(bits) => bits.truncate(len),
            Values::Date(days) => days.truncate(len),
            Values::Decimal(amounts) => amounts.truncate(len),
            Values::Map { ends, keys, values, valid, .. } => {
                ends.truncate(len);
                let entries = last_end(ends);
                keys.truncate(entries);
                values.truncate(entries);
                valid.truncate(entries);
            }
            Values::List { ends, element } => {
                ends.truncate(len);
                let elements = last_end(ends);
                element.truncate(elements);
            }
            Values::Struct(shape) => shape.truncate(len),
        }
    }

    /// Bytes held, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let values = match &self.values {
            Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _) => {
                texts.bytes.len() + texts.len() * 4
            }
            Values::Map { keys, values, .. } => keys.bytes.len() + values.bytes.len() + keys.len() * 8,
            Values::List { element, .. } => element.bytes(),
            Values::Struct(shape) => shape.fields.iter().map(|field| field.builder.bytes()).sum(),
            Values::Decimal(amounts) => amounts.len() * 16,
            _ => self.valid.len() * 8,
        };
        values + self.valid.len()
    }

    /// Gives the column and begins anew.
    pub(crate) fn finish(&mut self, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let rows = self.valid.len();
        let nulls = self.valid.finish();
        Ok(match &mut self.values {
            Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _) => {
                Arc::new(texts.finish(nulls)?)
            }
            Values::Int(numbers) => Arc::new(Int64Array::new(renew(numbers).into(), nulls)),
            Values::Instant(numbers) | Values::Millis(numbers) => {
                Arc::new(TimestampMicrosecondArray::new(renew(numbers).into(), nulls).with_timezone("UTC"))
            }
            Values::Double(numbers) => Arc::new(Float64Array::new(renew(numbers).into(), nulls)),
            Values::Bool(values) => Arc::new(BooleanArray::new(bits(values), nulls)),
            Values::Date(days) => Arc::new(Date32Array::new(renew(days).into(), nulls)),
            Values::Decimal(amounts) => {
                Arc::new(Decimal128Array::new(renew(amounts).into(), nulls).with_data_type(kind.clone()))
            }
            Values::Map { ends, keys, values, valid, .. } => {
                let (keys, values) = (keys.finish(None)?, values.finish(valid.finish())?);
                let entries = StructArray::new(map_entries(), vec![Arc::new(keys), Arc::new(values)], None);
                let field = Arc::new(Field::new("entries", DataType::Struct(map_entries()), false));
                Arc::new(MapArray::try_new(field, offsets(ends), entries, nulls, false)?)
            }
            Values::List { ends, element } => {
                let DataType::List(field) = kind else { return Err(mismatch(kind)) };
                let elements = element.finish(field.data_type())?;
                Arc::new(ListArray::try_new(Arc::clone(field), offsets(ends), elements, nulls)?)
            }
            Values::Struct(shape) => {
                let DataType::Struct(fields) = kind else { return Err(mismatch(kind)) };
                let children = shape.finish(fields)?;
                if children.is_empty() {
                    Arc::new(StructArray::new_empty_fields(rows, nulls))
                } else {
                    Arc::new(StructArray::try_new(fields.clone(), children, nulls)?)
                }
            }
        })
    }

    /// Puts a text where the last row of a text-like column is null.
    pub(crate) fn fill_last(&mut self, text: &[u8]) {
        let Some(last) = self.len().checked_sub(1).filter(|&last| !self.valid.get(last)) else { return };
        if let Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _) =
            &mut self.values
        {
            texts.truncate(last);
            texts.push(text);
            self.valid.fill_last();
        }
    }

    /// The text of row `row` of a text-like column; none where it is null or no text.
    pub(crate) fn text(&self, row: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _) => {
                self.valid.get(row).then(|| texts.get(row))
            }
            _ => None,
        }
    }

    /// The number, instant or day of row `row`.
    pub(crate) fn number(&self, row: usize) -> Option<i64> {
        if !self.valid.get(row) {
            return None;
        }
        match &self.values {
            Values::Int(numbers) | Values::Instant(numbers) | Values::Millis(numbers) => {
                numbers.get(row).copied()
            }
            Values::Date(days) => days.get(row).copied().map(i64::from),
            _ => None,
        }
    }
}

pub(crate) fn last_end(ends: &[i32]) -> usize {
    ends.last().map_or(0, |&end| usize::try_from(end).unwrap_or(0))
}

fn mismatch(kind: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a builder of another type than {kind}"))
}

/// The columns' builders in order.
pub(crate) fn builders(columns: &[Column], rules: &[Rule]) -> Vec<ColumnBuilder> {
    columns.iter().map(|column| ColumnBuilder::new(&column.kind, rules)).collect()
}
