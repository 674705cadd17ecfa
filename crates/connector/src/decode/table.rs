//! The columns of a vendor table, in the order in which they are written.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::shape::Alias;
use crate::column::{Column, instant_type};

/// A vendor table's columns.
///
/// Order: the columns that the slice or the parent row gives, `ordinal`, the vendor's fields, the columns that the
/// connector computes, `_key`, and the lineage of contract section 3.
#[derive(Debug, Clone, Default)]
pub struct TableLayout {
    /// Columns whose value is the same for every row of a request: a parent's key, a property.
    pub given: Vec<Column>,
    /// Whether there is an `ordinal`: the row's index in its parent's array, from 0.
    pub ordinal: bool,
    /// The vendor's fields.
    pub columns: Vec<Column>,
    /// Other names of these fields.
    pub aliases: Vec<Alias>,
    /// Columns that the connector computes from a row's others.
    pub computed: Vec<Column>,
    /// The fields that make `_key` where a row has them; where it has none, `_key` is a hash of the row. Empty: no `_key`.
    pub synthetic_key: Option<String>,
    /// The names of the primary key's columns.
    pub primary_key: Vec<String>,
    /// The stream's name; it is hashed into synthetic keys.
    pub stream: String,
}

/// Where a page comes from.
#[derive(Debug, Clone, Copy)]
pub struct Lineage<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The run's id.
    pub run_id: &'a str,
    /// When the page was received, in microseconds since 1970.
    pub extracted_at: i64,
    /// The values of the given columns, in order.
    pub given: &'a [Option<String>],
}

impl TableLayout {
    /// The Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> = self.given.iter().map(Column::arrow).collect();
        if self.ordinal {
            fields.push(documented(
                "ordinal",
                DataType::Int64,
                "index of the row in its parent's array, from 0",
            ));
        }
        fields.extend(self.columns.iter().chain(&self.computed).map(Column::arrow));
        if self.synthetic_key.is_some() {
            fields.push(documented(
                "_key",
                DataType::Utf8,
                "the row's id, or a hash of the row where it has none",
            ));
        }
        fields.push(documented("_source", DataType::Utf8, "name of the source in the configuration"));
        fields.push(documented("_run_id", DataType::Utf8, "run that wrote the row"));
        fields.push(documented("_extracted_at", instant_type(), "when the row's page was received"));
        fields.push(documented("_extra", DataType::Utf8, "JSON object of what no column takes"));
        Arc::new(Schema::new(fields))
    }
}

fn documented(name: &str, kind: DataType, doc: &str) -> Field {
    Field::new(name, kind, true).with_metadata([("doc".to_owned(), doc.to_owned())].into())
}
