//! `metrics`: one row a measured number.

use crate::cells::Row;
use crate::column::{Column, Kind, column, text};
use crate::unified::Prefix;
use crate::value::Date;

/// A measured number. Its key is made of the row's lineage and the name of the metric.
#[derive(Debug, Clone, Default)]
pub struct Metric<'a> {
    /// What was measured.
    pub subject: Subject<'a>,
    /// The day that the number is for, as the vendor names it.
    pub date: Option<Date>,
    /// Name of the metric: `heart.overall`, … Never empty, and unique for each key of a row.
    pub metric: &'a str,
    /// The number; null stays null.
    pub value: Option<f64>,
}

/// What a metric measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The vendor does not say.
    #[default]
    Unknown,
    /// A property or tenant, by its id.
    Named(&'a str),
    /// A company, by the vendor's id; becomes its `company_key`.
    Company(&'a str),
}

pub(crate) const COLUMNS: &[Column] = &[
    text("metric_key", "the row's key: `<source>:<stream>:<primary key>/<metric>`"),
    text("subject", "what was measured: a property, a tenant, or a company's `company_key`"),
    column("date", Kind::Day, "the day that the number is for, in the vendor's calendar"),
    text("metric", "name of the metric"),
    column("value", Kind::Double, "the number"),
];

impl Metric<'_> {
    pub(crate) fn fill(&self, row: &mut Row<'_>, prefix: &Prefix, key: &str) {
        row.joined(&[&prefix.row, key, "/", self.metric], !key.is_empty() && !self.metric.is_empty());
        match self.subject {
            Subject::Unknown => row.text(None),
            Subject::Named(name) => row.text(Some(name)),
            Subject::Company(id) => row.key(&prefix.id, Some(id)),
        };
        row.day(self.date).text(Some(self.metric)).double(self.value);
    }
}
