//! Rows into Arrow columns: a builder for each column, and a cursor that fills one row from left to right. A column that
//! is known before has no builder; the cursor passes over it.
//!
//! The cursor knows no table. A table's `push` calls it once for each column, in the order of the table's columns; a
//! call of the wrong kind is a bug of that function, which the tests of this crate meet on their first row.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, Date32Builder, Decimal128Builder, Float64Builder, ListBuilder, MapBuilder, MapFieldNames,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, StringArray};

use crate::column::{Column, Kind};
use crate::table::{Table, schema};
use crate::value::{Attributes, DECIMAL_PRECISION, DECIMAL_SCALE, Date, Decimal, Micros};
use crate::whole;

/// What a text takes, as a rule: a guess, so that columns rarely grow.
const TEXT_BYTES: usize = 24;

/// The columns of one table in the making.
#[derive(Debug)]
pub(crate) struct Cells {
    table: Table,
    columns: Vec<Cell>,
    /// Columns that were given before the first row.
    given: Vec<(&'static str, Given)>,
    rows: usize,
    room: usize,
}

#[derive(Debug)]
enum Cell {
    Text(StringBuilder),
    Instant(TimestampMicrosecondBuilder),
    Day(Date32Builder),
    Decimal(Decimal128Builder),
    Double(Float64Builder),
    Texts(ListBuilder<StringBuilder>),
    Map(MapBuilder<StringBuilder, StringBuilder>),
    Given(Given),
}

/// A column that is known before its rows.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    /// Each row's value.
    Whole(ArrayRef),
    /// One text for all rows.
    Same(String),
}

/// A row in the making. Every column must be given once, from left to right.
pub(crate) struct Row<'a>(std::slice::IterMut<'a, Cell>);

impl Cells {
    pub(crate) fn new(table: Table, room: usize) -> Self {
        Self { table, columns: Vec::new(), given: Vec::new(), rows: 0, room }
    }

    /// Takes a column of all rows that are to come.
    pub(crate) fn give(&mut self, column: &'static str, given: Given) {
        self.given.push((column, given));
    }

    pub(crate) fn row(&mut self) -> Row<'_> {
        // Builders take memory from the start, and most streams fill one table of the five.
        if self.columns.is_empty() {
            let given = |name| self.given.iter().find(|(column, _)| *column == name);
            let cell = |column: &Column| match given(column.name) {
                Some((_, given)) => Cell::Given(given.clone()),
                None => Cell::new(column.kind, self.room),
            };
            self.columns = self.table.columns().map(cell).collect();
        }
        self.rows += 1;
        Row(self.columns.iter_mut())
    }

    /// The rows so far, or nothing when there are none.
    pub(crate) fn finish(mut self) -> Option<(Table, RecordBatch)> {
        if self.rows == 0 {
            return None;
        }
        let rows = self.rows;
        let columns = self.columns.iter_mut().map(|cell| cell.finish(rows)).collect();
        let batch = RecordBatch::try_new(schema(self.table), columns)
            .expect("builders and schema come from one list of columns");
        Some((self.table, batch))
    }
}

impl Cell {
    fn new(kind: Kind, room: usize) -> Self {
        let texts = || StringBuilder::with_capacity(room, room.saturating_mul(TEXT_BYTES));
        match kind {
            Kind::Word | Kind::Text => Self::Text(texts()),
            Kind::Moment | Kind::Instant => {
                Self::Instant(TimestampMicrosecondBuilder::with_capacity(room).with_timezone("UTC"))
            }
            Kind::Day => Self::Day(Date32Builder::with_capacity(room)),
            Kind::Decimal => Self::Decimal(
                Decimal128Builder::with_capacity(room)
                    .with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE)
                    .expect("the precision is one that 128 bits hold"),
            ),
            Kind::Double => Self::Double(Float64Builder::with_capacity(room)),
            Kind::Texts => Self::Texts(ListBuilder::new(texts())),
            Kind::Map => {
                let names =
                    MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
                Self::Map(MapBuilder::new(Some(names), texts(), texts()))
            }
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Instant(builder) => Arc::new(builder.finish()),
            Self::Day(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder) => Arc::new(builder.finish()),
            Self::Double(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
            Self::Map(builder) => Arc::new(builder.finish()),
            Self::Given(Given::Whole(array)) => whole::known(array),
            Self::Given(Given::Same(text)) => Arc::new(StringArray::new_repeated(text.as_str(), rows)),
        }
    }
}

/// Takes the next column, which must be of the given kind. One that was given ends the call.
macro_rules! next {
    ($row:expr, $kind:path) => {
        match $row.0.next() {
            Some($kind(builder)) => builder,
            Some(Cell::Given(_)) => return $row,
            _ => unreachable!("a row is filled in the order of its table's columns"),
        }
    };
}

impl Row<'_> {
    /// A text; an empty one is null.
    pub(crate) fn text(&mut self, value: Option<&str>) -> &mut Self {
        next!(self, Cell::Text).append_option(value.filter(|text| !text.is_empty()));
        self
    }

    /// A text made of a prefix and an id; null without an id.
    pub(crate) fn key(&mut self, prefix: &str, id: Option<&str>) -> &mut Self {
        self.joined(&[prefix, id.unwrap_or_default()], id.is_some_and(|id| !id.is_empty()))
    }

    /// A text made of pieces, without a text of its own on the way; null where it is not known.
    pub(crate) fn joined(&mut self, pieces: &[&str], known: bool) -> &mut Self {
        let builder = next!(self, Cell::Text);
        if known {
            for piece in pieces {
                builder.write_str(piece).expect("writing into memory cannot fail");
            }
            builder.append_value("");
        } else {
            builder.append_null();
        }
        self
    }

    pub(crate) fn instant(&mut self, value: Option<Micros>) -> &mut Self {
        next!(self, Cell::Instant).append_option(value.map(|instant| instant.0));
        self
    }

    pub(crate) fn day(&mut self, value: Option<Date>) -> &mut Self {
        next!(self, Cell::Day).append_option(value.map(|day| day.0));
        self
    }

    pub(crate) fn decimal(&mut self, value: Option<Decimal>) -> &mut Self {
        next!(self, Cell::Decimal).append_option(value.map(|decimal| decimal.0));
        self
    }

    pub(crate) fn double(&mut self, value: Option<f64>) -> &mut Self {
        next!(self, Cell::Double).append_option(value);
        self
    }

    /// A list; null when it has no text that is not empty.
    pub(crate) fn texts(&mut self, values: &[Cow<'_, str>]) -> &mut Self {
        let builder = next!(self, Cell::Texts);
        let before = builder.values().len();
        for value in values.iter().filter(|text| !text.is_empty()) {
            builder.values().append_value(value);
        }
        let known = builder.values().len() > before;
        builder.append(known);
        self
    }

    /// A map; null when it has no entry.
    pub(crate) fn map(&mut self, entries: &Attributes<'_>) -> &mut Self {
        let builder = next!(self, Cell::Map);
        let before = builder.keys().len();
        for (key, value) in entries.iter().filter(|(key, _)| !key.is_empty()) {
            builder.keys().append_value(key);
            builder.values().append_option(value.as_deref().filter(|text| !text.is_empty()));
        }
        let known = builder.keys().len() > before;
        builder.append(known).expect("each key has been given a value");
        self
    }
}
