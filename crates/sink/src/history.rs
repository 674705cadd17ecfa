//! What a table has held and when: a file of versions beside a file of current rows (slowly changing dimension, type 2).
//!
//! The versions follow from the current rows and from the versions so far alone, so that a repeated call changes
//! nothing. Memory is bounded as in a commit: key hashes are sorted and spilled.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use arrow_select::filter::filter_record_batch;

use crate::commit::Committed;
use crate::error::SinkError;
use crate::file::{FileWriter, Order};
use crate::former::{adapt, differs, marked, unmarked};
use crate::keys::KeyColumns;
use crate::log::{Entry, KeyLog, RUN_ENTRIES};
use crate::merge::in_order;
use crate::read::{read, stats};
use crate::spec::{Mark, TableSpec};
use crate::{bits, disk};

/// The column that says from when on a version was known.
pub const VALID_FROM: &str = "_valid_from";

/// The column that says when a version was found to be superseded or gone; null while it is current.
pub const VALID_TO: &str = "_valid_to";

/// The table of versions of a table: its columns but for the mark, then [`VALID_FROM`] and [`VALID_TO`].
pub fn history_of(table: &TableSpec) -> TableSpec {
    let instant = |name: &str, doc: &str| {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Field::new(name, kind, true).with_metadata([("doc".to_owned(), doc.to_owned())].into())
    };
    let rows = rows_of(table);
    let mut fields: Vec<Arc<Field>> = rows.schema.fields().iter().cloned().collect();
    fields.push(Arc::new(instant(VALID_FROM, "start of the run that found this version")));
    fields.push(Arc::new(instant(
        VALID_TO,
        "start of the run that found it changed or gone; null while it stands",
    )));
    let mut primary_key = table.primary_key.clone();
    primary_key.push(VALID_FROM.to_owned());
    TableSpec { schema: Arc::new(Schema::new(fields)), primary_key, ..rows }
}

/// The table without the mark.
fn rows_of(table: &TableSpec) -> TableSpec {
    let mark = table.mark.as_ref().map(|mark| mark.column.as_str());
    let fields = table.schema.fields().iter().filter(|field| Some(field.name().as_str()) != mark);
    let schema = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
    TableSpec { schema, version: None, mark: None, sorted_by: None, ..table.clone() }
}

/// Brings the file of versions at `target` up to the file of current rows, in one step and for good: rows that are new
/// or differ in more than lineage begin a version at the instant `at`, and versions whose row differs, is gone or is
/// marked end there. Where a version is not older than `at`, the instant is just after all that the file knows.
///
/// `table` is the specification of the table of current rows, which has a key; without `current` there are none.
/// Key hashes that do not fit in memory go into the folder `scratch`, and so does the file in the making: it must be there, in
/// the file system of `target`. Gives what was written; none where the file stands as it is.
///
/// # Errors
/// When a file cannot be read or written; the old one stands then.
pub fn keep_history(
    table: &TableSpec,
    current: Option<&Path>,
    target: &Path,
    scratch: &Path,
    at: i64,
) -> Result<Option<Committed>, SinkError> {
    let rows = rows_of(table);
    let Some(columns) = KeyColumns::new(&rows)? else { return Ok(None) };
    let versions = history_of(table);
    let name = target.file_name().unwrap_or_default();
    let log = |ending: &str| {
        let path = scratch.join(Path::new(name).with_added_extension(ending));
        KeyLog::new(disk::keys_path(&path), RUN_ENTRIES)
    };
    let mut known = Known { log: log("versions"), rows: 0, latest: i64::MIN, fits: false };
    if target.exists() {
        known.read(target, &rows, &versions, &columns)?;
    }
    let mut present = log("current");
    if let Some(current) = current {
        let mut first = 0;
        for batch in read(current, None)? {
            let batch = live(&adapt(&batch?, table)?, table)?;
            let batch = adapt(&batch, &rows)?;
            columns.entries_with_content(&batch, first, |entry| present.push(entry))?;
            first += batch.num_rows() as u64;
        }
    }
    present.seal()?;
    known.log.seal()?;
    let changes = Changes::between(&known, &present)?;
    if changes.is_empty() && known.fits {
        return Ok(None);
    }
    let at = at.max(known.latest.saturating_add(1));
    let making = scratch.join(name);
    let mut writer = FileWriter::create(&making, &versions, Order::Mixed)?;
    if target.exists() {
        let mark = Mark { column: VALID_TO.to_owned(), at };
        let mut first = 0;
        for batch in read(target, None)? {
            let batch = marked(adapt(&batch?, &versions)?, Some(&mark), first, &changes.ended)?;
            first += batch.num_rows() as u64;
            writer.write(&batch)?;
        }
    }
    if let Some(current) = current {
        let mut first = 0;
        for batch in read(current, None)? {
            let batch = live(&adapt(&batch?, table)?, table)?;
            let begun = begun(&batch, first, &changes.begun, at, &versions)?;
            first += batch.num_rows() as u64;
            if begun.num_rows() > 0 {
                writer.write(&begun)?;
            }
        }
    }
    let finished = writer.finish()?;
    let (rows, bytes) = (finished.rows, finished.bytes);
    finished.making.publish(target)?;
    Ok(Some(Committed { rows, bytes, rewritten: true, ..Committed::default() }))
}

/// The versions so far.
struct Known {
    /// The keys of those that stand.
    log: KeyLog,
    rows: u64,
    /// The latest instant in them.
    latest: i64,
    /// Whether the file has the columns of the table.
    fits: bool,
}

impl Known {
    fn read(
        &mut self,
        path: &Path,
        rows: &TableSpec,
        versions: &TableSpec,
        columns: &KeyColumns,
    ) -> Result<(), SinkError> {
        self.fits = !differs(&stats(path)?.schema, versions);
        let end = Mark { column: VALID_TO.to_owned(), at: 0 };
        for batch in read(path, None)? {
            let batch = adapt(&batch?, versions)?;
            for name in [VALID_FROM, VALID_TO] {
                let instants = batch
                    .column_by_name(name)
                    .and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
                self.latest =
                    self.latest.max(instants.into_iter().flatten().flatten().max().unwrap_or(i64::MIN));
            }
            let stands = unmarked(&batch, &end)?;
            let (log, first) = (&mut self.log, self.rows);
            columns.entries_with_content(&adapt(&batch, rows)?, first, |entry| {
                let row = usize::try_from(entry.row - first).unwrap_or(usize::MAX);
                if stands[row] { log.push(entry) } else { Ok(()) }
            })?;
            self.rows += batch.num_rows() as u64;
        }
        Ok(())
    }
}

/// What differs between the versions that stand and the rows that do.
#[derive(Default)]
struct Changes {
    /// A bit a version that ends.
    ended: Vec<u64>,
    /// A bit a row that begins a version.
    begun: Vec<u64>,
}

impl Changes {
    fn between(known: &Known, present: &KeyLog) -> Result<Self, SinkError> {
        let mut changes = Self::default();
        let mut waiting: Option<Entry> = None;
        // The versions are numbered before the rows, so that of one key the version comes first.
        in_order([(0, &known.log), (known.rows, present)].into_iter(), |entry| {
            match waiting.take() {
                Some(version) if version.key == entry.key && version.row < known.rows => {
                    if version.content != entry.content {
                        changes.note(version, known.rows);
                        changes.note(entry, known.rows);
                    }
                    return Ok(());
                }
                Some(alone) => changes.note(alone, known.rows),
                None => {}
            }
            waiting = Some(entry);
            Ok(())
        })?;
        if let Some(alone) = waiting {
            changes.note(alone, known.rows);
        }
        Ok(changes)
    }

    fn note(&mut self, entry: Entry, versions: u64) {
        match entry.row.checked_sub(versions) {
            None => bits::set(&mut self.ended, entry.row),
            Some(row) => bits::set(&mut self.begun, row),
        }
    }

    fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.begun.is_empty()
    }
}

/// The rows that are not marked as gone.
fn live(batch: &RecordBatch, table: &TableSpec) -> Result<RecordBatch, SinkError> {
    let Some(mark) = &table.mark else { return Ok(batch.clone()) };
    let live = BooleanArray::from(unmarked(batch, mark)?);
    filter_record_batch(batch, &live).map_err(|source| SinkError::Schema { source })
}

/// The versions that begin with rows of a batch, whose first row has the number `first`.
fn begun(
    batch: &RecordBatch,
    first: u64,
    begun: &[u64],
    at: i64,
    versions: &TableSpec,
) -> Result<RecordBatch, SinkError> {
    let failed = |source| SinkError::Schema { source };
    let rows = first..first + batch.num_rows() as u64;
    let kept: BooleanArray = rows.map(|row| Some(bits::contains(begun, row))).collect();
    let kept = filter_record_batch(batch, &kept).map_err(failed)?;
    let version = adapt(&kept, versions)?;
    let index = version.schema_ref().index_of(VALID_FROM).map_err(failed)?;
    let mut columns: Vec<ArrayRef> = version.columns().to_vec();
    let instants = TimestampMicrosecondArray::from_value(at, version.num_rows());
    columns[index] = Arc::new(instants.with_timezone("UTC"));
    RecordBatch::try_new(version.schema(), columns).map_err(failed)
}
