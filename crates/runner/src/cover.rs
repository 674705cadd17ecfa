//! Which rows of a table a run has read again, or knows to be gone: what a commit leaves out of the old files.

use std::collections::BTreeSet;

use arrow_array::{
    Array, BooleanArray, RecordBatch, StringArray,
    cast::AsArray,
    types::{Date32Type, TimestampMicrosecondType},
};
use userhaul_connector::slice::Window;

use crate::tables::DAY;

/// What of a table has been read whole. The rows that were in it are superseded, also those that came no more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Covers {
    /// Windows of the instants or days in a column, each of one property or of all there are.
    pub(crate) windows: Vec<(Option<String>, Window)>,
    /// The column of the windows.
    pub(crate) by: String,
    /// The column of properties, where the table has one.
    pub(crate) property: Option<String>,
    /// All properties that there are; rows of others go.
    pub(crate) properties: Option<BTreeSet<String>>,
    /// The column of parents, where the table has one.
    pub(crate) parent: Option<String>,
    /// Parents whose children were read.
    pub(crate) parents_read: BTreeSet<String>,
    /// All parents that there are; rows of others go.
    pub(crate) parents: Option<BTreeSet<String>>,
    /// Columns all of whose true rows were read.
    pub(crate) flags: Vec<String>,
}

impl Covers {
    /// Whether no row is superseded but by another of its key.
    pub(crate) fn is_empty(&self) -> bool {
        self.windows.is_empty()
            && self.properties.is_none()
            && self.parents_read.is_empty()
            && self.parents.is_none()
            && self.flags.is_empty()
    }

    /// The columns that decide.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let by = (!self.windows.is_empty()).then_some(self.by.as_str());
        let flags = self.flags.iter().map(String::as_str);
        by.into_iter().chain(self.property.as_deref()).chain(self.parent.as_deref()).chain(flags)
    }

    /// For each row that lies in one of the windows, its property, or the empty text.
    pub(crate) fn within<'b>(&self, batch: &'b RecordBatch) -> Vec<&'b str> {
        let property = self.property.as_ref();
        let property = property.and_then(|name| batch.column_by_name(name)?.as_string_opt::<i32>());
        let (at, windows) = (instants(batch, &self.by), &self.windows);
        let rows = (0..batch.num_rows()).filter_map(|row| {
            let (at, property) = (at(row)?, text(property, row));
            let holds = windows
                .iter()
                .any(|(of, window)| window.holds(at) && of.as_deref().is_none_or(|of| Some(of) == property));
            holds.then_some(property.unwrap_or_default())
        });
        rows.collect()
    }

    /// For each row whether it goes.
    pub(crate) fn superseded(&self, batch: &RecordBatch) -> BooleanArray {
        let texts = |name: &Option<String>| {
            name.as_ref().and_then(|name| batch.column_by_name(name)?.as_string_opt::<i32>())
        };
        let (property, parent) = (texts(&self.property), texts(&self.parent));
        let at = instants(batch, &self.by);
        let flags: Vec<&BooleanArray> = self.flags.iter().filter_map(|name| flag(batch, name)).collect();
        (0..batch.num_rows())
            .map(|row| {
                let (property, parent) = (text(property, row), text(parent, row));
                let unknown = |all: &Option<BTreeSet<String>>, one: Option<&str>| {
                    all.as_ref().zip(one).is_some_and(|(all, one)| !all.contains(one))
                };
                let read_again = at(row).is_some_and(|at| {
                    self.windows.iter().any(|(of, window)| {
                        window.holds(at) && of.as_deref().is_none_or(|of| Some(of) == property)
                    })
                });
                Some(
                    read_again
                        || flags.iter().any(|flag| flag.is_valid(row) && flag.value(row))
                        || unknown(&self.properties, property)
                        || unknown(&self.parents, parent)
                        || parent.is_some_and(|parent| self.parents_read.contains(parent)),
                )
            })
            .collect()
    }
}

fn flag<'b>(batch: &'b RecordBatch, column: &str) -> Option<&'b BooleanArray> {
    batch.column_by_name(column)?.as_boolean_opt()
}

/// The instant, or the beginning of the day, in each row of a column.
pub(crate) fn instants<'b>(batch: &'b RecordBatch, column: &str) -> impl Fn(usize) -> Option<i64> + use<'b> {
    let array = batch.column_by_name(column);
    let micros = array.and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
    let days = array.and_then(|array| array.as_primitive_opt::<Date32Type>());
    move |row| match (micros, days) {
        (Some(micros), _) if micros.is_valid(row) => Some(micros.value(row)),
        (_, Some(days)) if days.is_valid(row) => Some(i64::from(days.value(row)) * DAY),
        _ => None,
    }
}

/// The text in a row of a column, where there is one.
fn text(texts: Option<&StringArray>, row: usize) -> Option<&str> {
    texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row))
}
