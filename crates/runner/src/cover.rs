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
}

impl Covers {
    /// Whether no row is superseded but by another of its key.
    pub(crate) fn is_empty(&self) -> bool {
        self.windows.is_empty()
            && self.properties.is_none()
            && self.parents_read.is_empty()
            && self.parents.is_none()
    }

    /// The columns that decide.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let by = (!self.windows.is_empty()).then_some(self.by.as_str());
        by.into_iter().chain(self.property.as_deref()).chain(self.parent.as_deref())
    }

    /// For each row whether it goes.
    pub(crate) fn superseded(&self, batch: &RecordBatch) -> BooleanArray {
        let texts = |name: &Option<String>| {
            name.as_ref().and_then(|name| batch.column_by_name(name)?.as_string_opt::<i32>())
        };
        let (property, parent) = (texts(&self.property), texts(&self.parent));
        let instants = batch.column_by_name(&self.by);
        let micros = instants.and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
        let days = instants.and_then(|array| array.as_primitive_opt::<Date32Type>());
        let at = |row: usize| match (micros, days) {
            (Some(micros), _) if micros.is_valid(row) => Some(micros.value(row)),
            (_, Some(days)) if days.is_valid(row) => Some(i64::from(days.value(row)) * DAY),
            _ => None,
        };
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
                        || unknown(&self.properties, property)
                        || unknown(&self.parents, parent)
                        || parent.is_some_and(|parent| self.parents_read.contains(parent)),
                )
            })
            .collect()
    }
}

/// The text in a row of a column, where there is one.
fn text(texts: Option<&StringArray>, row: usize) -> Option<&str> {
    texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row))
}
