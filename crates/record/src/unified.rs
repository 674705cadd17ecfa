//! Records in, batches out: what `Connector::unify` fills.

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;

use crate::cells::{Cells, Given, Row};
use crate::table::{Table, schema};
use crate::value::Micros;
use crate::{Company, Event, Feedback, Metric, User};

/// The unified records of one batch of vendor rows, one builder a table.
///
/// Each record is pushed with the [`RowLineage`] of the vendor row that it was made of. Records come out in the
/// order in which they went in.
///
/// ```
/// use userhaul_record::{Lineage, Micros, RowLineage, Table, Unified, User};
///
/// let mut unified = Unified::new(Lineage { source: "lms", vendor: "thrive", stream: "users" });
/// let row = RowLineage { run_id: "01", extracted_at: Micros(0), key: "17" };
/// unified.user(row, User { vendor_user_id: "17", email: Some("ada@example.com"), ..User::default() });
/// let batches = unified.finish();
/// assert_eq!(batches[0].0, Table::Users);
/// assert_eq!(batches[0].1.num_rows(), 1);
/// ```
#[derive(Debug)]
pub struct Unified {
    prefix: Prefix,
    users: Cells,
    companies: Cells,
    events: Cells,
    feedback: Cells,
    metrics: Cells,
}

/// Where the rows of a batch come from.
#[derive(Debug, Clone, Copy)]
pub struct Lineage<'a> {
    /// Name of the source in the configuration.
    pub source: &'a str,
    /// Name of its connector.
    pub vendor: &'a str,
    /// Name of the stream.
    pub stream: &'a str,
}

/// Where one row comes from.
#[derive(Debug, Clone, Copy)]
pub struct RowLineage<'a> {
    /// Run that wrote the vendor row.
    pub run_id: &'a str,
    /// When the page of the vendor row was received.
    pub extracted_at: Micros,
    /// Primary key of the vendor row, its parts joined by `/`. Not empty for events, feedback and metrics.
    pub key: &'a str,
}

/// What all rows of a batch share.
#[derive(Debug)]
pub(crate) struct Prefix {
    /// `<source>:`, before a vendor's id.
    pub(crate) id: String,
    /// `<source>:<stream>:`, before the key of a row.
    pub(crate) row: String,
}

impl Unified {
    /// No records yet.
    pub fn new(lineage: Lineage<'_>) -> Self {
        Self::with_room(lineage, 1024)
    }

    /// As [`Unified::new`], for about so many rows in each table that is filled.
    pub fn with_room(lineage: Lineage<'_>, rows: usize) -> Self {
        let Lineage { source, vendor, stream } = lineage;
        let cells = |table| {
            let mut cells = Cells::new(table, rows);
            cells.give("source", Given::Same(source.to_owned()));
            cells.give("vendor", Given::Same(vendor.to_owned()));
            cells
        };
        Self {
            prefix: Prefix { id: format!("{source}:"), row: format!("{source}:{stream}:") },
            users: cells(Table::Users),
            companies: cells(Table::Companies),
            events: cells(Table::Events),
            feedback: cells(Table::Feedback),
            metrics: cells(Table::Metrics),
        }
    }

    /// Gives a column of a table for all rows of the batch, before the first record: what the records say of it does not
    /// count. Every vendor row must make one record then, in order.
    ///
    /// An empty text in it becomes null, as it does in a record.
    ///
    /// # Errors
    /// Gives the type of the column back when the array has another one, or the table no such column.
    pub fn whole(&mut self, table: Table, column: &'static str, array: ArrayRef) -> Result<(), DataType> {
        let schema = schema(table);
        let expected =
            schema.field_with_name(column).map_or(DataType::Null, |field| field.data_type().clone());
        if expected != *array.data_type() {
            return Err(expected);
        }
        let cells = match table {
            Table::Users => &mut self.users,
            Table::Companies => &mut self.companies,
            Table::Events => &mut self.events,
            Table::Feedback => &mut self.feedback,
            Table::Metrics => &mut self.metrics,
        };
        cells.give(column, Given::Whole(array));
        Ok(())
    }

    /// Pushes a user.
    pub fn user(&mut self, row: RowLineage<'_>, user: User<'_>) {
        push(&mut self.users, &self.prefix, row, |cells, prefix| user.fill(cells, prefix));
    }

    /// Pushes a company.
    pub fn company(&mut self, row: RowLineage<'_>, company: Company<'_>) {
        push(&mut self.companies, &self.prefix, row, |cells, prefix| company.fill(cells, prefix));
    }

    /// Pushes an event.
    pub fn event(&mut self, row: RowLineage<'_>, event: Event<'_>) {
        push(&mut self.events, &self.prefix, row, |cells, prefix| event.fill(cells, prefix, row.key));
    }

    /// Pushes an answer.
    pub fn feedback(&mut self, row: RowLineage<'_>, feedback: Feedback<'_>) {
        push(&mut self.feedback, &self.prefix, row, |cells, prefix| feedback.fill(cells, prefix, row.key));
    }

    /// Pushes a measured number.
    pub fn metric(&mut self, row: RowLineage<'_>, metric: Metric<'_>) {
        push(&mut self.metrics, &self.prefix, row, |cells, prefix| metric.fill(cells, prefix, row.key));
    }

    /// One batch for each table that was given a record, in the order of [`Table::ALL`], with that table's
    /// [`schema`](crate::schema).
    pub fn finish(self) -> Vec<(Table, RecordBatch)> {
        [self.users, self.companies, self.events, self.feedback, self.metrics]
            .into_iter()
            .filter_map(Cells::finish)
            .collect()
    }
}

/// Fills a row: the columns that all tables share around those that are the table's own.
fn push(
    cells: &mut Cells,
    prefix: &Prefix,
    lineage: RowLineage<'_>,
    own: impl FnOnce(&mut Row<'_>, &Prefix),
) {
    let mut row = cells.row();
    // Source and vendor are given.
    row.text(None).text(None);
    own(&mut row, prefix);
    row.text(Some(lineage.run_id)).instant(Some(lineage.extracted_at));
}
