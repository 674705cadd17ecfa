//! What a column of a unified table is: a name, a type and a sentence for the reader of the file.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};

use crate::value::{DECIMAL_PRECISION, DECIMAL_SCALE};

/// A column of a unified table.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Goes into the field's metadata under the key `doc`.
    pub(crate) doc: &'static str,
}

/// The closed set of column types that unified tables use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text that every row has.
    Word,
    /// Text, null where unknown.
    Text,
    /// An instant that every row has.
    Moment,
    /// An instant, null where unknown.
    Instant,
    /// A calendar day.
    Day,
    /// Money.
    Decimal,
    /// Any other number.
    Double,
    /// A list of texts.
    Texts,
    /// A map from text to text.
    Map,
}

impl Column {
    pub(crate) fn field(&self) -> Field {
        let nullable = !matches!(self.kind, Kind::Word | Kind::Moment);
        let metadata = [("doc".to_owned(), self.doc.to_owned())].into();
        Field::new(self.name, self.kind.data_type(), nullable).with_metadata(metadata)
    }
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Self::Word | Self::Text => DataType::Utf8,
            Self::Moment | Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Day => DataType::Date32,
            Self::Decimal => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Self::Double => DataType::Float64,
            Self::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            Self::Map => {
                let key = Field::new("key", DataType::Utf8, false);
                let value = Field::new("value", DataType::Utf8, true);
                let entries = DataType::Struct(vec![key, value].into());
                DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
            }
        }
    }
}

pub(crate) const fn text(name: &'static str, doc: &'static str) -> Column {
    Column { name, kind: Kind::Text, doc }
}

pub(crate) const fn instant(name: &'static str, doc: &'static str) -> Column {
    Column { name, kind: Kind::Instant, doc }
}

pub(crate) const fn column(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, doc }
}
