//! The writing side of a stream: batches into parts, parts into visible files.
//!
//! It runs on a thread of its own, so that encoding goes on while pages are fetched and decoded. It knows nothing of
//! HTTP. A slice's rows are kept apart until the slice is closed: then they count, or are forgotten.

mod commit;
mod former;
mod history;
mod keys;
mod unify;

pub use former::with_deleted_at;
pub(crate) use keys::{Claims, settle};

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use arrow_array::{Array, BooleanArray, Date32Array, RecordBatch, TimestampMicrosecondArray};
use userhaul_connector::{Connector, rows::Lookups, slice::Window, spec::StreamSpec};
use userhaul_record::Table;
use userhaul_sink::{Part, PartSet, PartWriter, TableSpec};

use crate::{
    cover::Covers,
    error::StreamError,
    partition,
    tables::{self, Folders},
};

/// What the writing of a source's tables depends on.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) source: String,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) unifies: &'static [(&'static str, &'static [Table])],
    pub(crate) folders: Folders,
    pub(crate) run_id: String,
    pub(crate) compression: userhaul_sink::Compression,
    /// When the run began, in microseconds since 1970.
    pub(crate) now: i64,
    /// Whether rows that are gone are kept with a mark.
    pub(crate) marks_deleted: bool,
    /// Whether former versions of rows are kept.
    pub(crate) keeps_history: bool,
    /// A hash of what the tables' rows are kept under: the account and the privacy rules.
    pub(crate) account: String,
}

/// One table in the making.
pub(crate) struct TableWriter {
    around: Surroundings,
    stream: StreamSpec,
    wanted: bool,
    lookups: Lookups,
    /// A hash of what `unify` may look up.
    pub(crate) lookups_hash: u64,
    spec: TableSpec,
    tables: Vec<Table>,
    /// Open parts by slice and partition: the vendor's rows, and the unified ones of each of `tables`.
    open: BTreeMap<(usize, String), PartSet>,
    /// Finished parts by partition, of closed slices.
    done: BTreeMap<String, Vec<Finished>>,
    /// Finished parts of walks that were begun again, by slice.
    former: BTreeMap<usize, Vec<(String, Finished)>>,
    /// Tables in which rows have keys that others may have too.
    shareable: BTreeSet<Table>,
    /// Unified files, by table and partition, that a commit has left rows out of as others had their keys.
    short: BTreeSet<(Table, String)>,
    made: u64,
}

struct Finished {
    vendor: Part,
    unified: BTreeMap<&'static str, (Table, Part)>,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) files: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    /// Unified rows that another one of their key and of other content stands for.
    pub(crate) lost: u64,
    /// Whether unified rows may have keys that others have too.
    pub(crate) shareable: bool,
    /// Rows of the table of versions, where it is kept and up to date.
    pub(crate) versions: Option<u64>,
    /// Whether the table of versions was begun anew.
    pub(crate) history_anew: bool,
}

/// What is known of the visible files before a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// The unified rows of files that stay as they are must be made anew: a commit was cut short, or what is looked up
    /// has changed.
    pub(crate) torn: bool,
    /// Versions may be missing for files that stay as they are.
    pub(crate) behind: bool,
    /// Unified rows of files that stay as they are may have keys that others have too.
    pub(crate) shareable: bool,
}

/// What happens to files of the table that this commit does not touch, and to rows that it does not bring.
#[derive(Debug, Clone)]
pub(crate) enum Replace {
    /// They go: the rows are everything there is.
    All,
    /// Rows that are covered go, and those of keys that came; all others stay.
    Covered(Box<Covers>),
}

impl TableWriter {
    pub(crate) fn new(
        around: &Surroundings,
        stream: &StreamSpec,
        wanted: bool,
        (lookups, lookups_hash): (Lookups, u64),
    ) -> Result<Self, StreamError> {
        tables::make(&around.folders.making(&around.source, &stream.name))?;
        let unified = around.unifies.iter().find(|(name, _)| *name == stream.name).filter(|_| wanted);
        let mark = former::mark(around).filter(|_| wanted);
        let schema = stream.table.schema();
        let spec = TableSpec {
            primary_key: stream.table.primary_key.clone(),
            version: stream.version.clone(),
            metadata: vec![
                former::grain(around, stream),
                ("userhaul.run_id".to_owned(), around.run_id.clone()),
                ("userhaul.source".to_owned(), around.source.clone()),
                ("userhaul.connector".to_owned(), around.connector.spec().name.clone()),
                ("userhaul.stream".to_owned(), stream.name.clone()),
                ("userhaul.about".to_owned(), stream.about.clone()),
                ("userhaul.docs".to_owned(), stream.docs.clone()),
                ("userhaul.table_version".to_owned(), "1".to_owned()),
            ],
            compression: around.compression,
            ..TableSpec::new(if mark.is_some() { with_deleted_at(&schema) } else { schema })
        };
        let spec = TableSpec { mark, ..spec };
        Ok(Self {
            around: around.clone(),
            stream: stream.clone(),
            wanted,
            lookups,
            lookups_hash,
            spec,
            tables: unified.map(|(_, tables)| tables.to_vec()).unwrap_or_default(),
            open: BTreeMap::new(),
            done: BTreeMap::new(),
            former: BTreeMap::new(),
            shareable: BTreeSet::new(),
            short: BTreeSet::new(),
            made: 0,
        })
    }

    /// Adds rows of a slice; of a slice with a window only those inside it.
    pub(crate) fn write(
        &mut self,
        slice: usize,
        batch: RecordBatch,
        window: Option<Window>,
    ) -> Result<(), StreamError> {
        let batch = self.computed(batch)?;
        let batch = match (self.stream.window(), window) {
            (Some(axis), Some(window)) if axis.keep_inside || axis.days.is_some() => {
                inside(batch, &axis.by, window)?
            }
            _ => batch,
        };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = self.unmarked(batch)?;
        let cut =
            partition::cut(batch, &self.stream.partition, &self.stream.table.primary_key).map_err(bug)?;
        for (label, batch) in cut {
            let mut unified = if self.tables.is_empty() { Vec::new() } else { self.unify(&batch)? };
            self.note_keys(&batch, &unified);
            let key = (slice, label);
            if !self.open.contains_key(&key) {
                let open = self.open_part()?;
                self.open.insert(key.clone(), open);
            }
            let Some(open) = self.open.get_mut(&key) else { continue };
            let beside = self.tables.iter().map(|table| {
                let at = unified.iter().position(|(of, _)| of == table)?;
                Some(unified.swap_remove(at).1)
            });
            open.write(&batch, beside)?;
        }
        Ok(())
    }

    fn open_part(&mut self) -> Result<PartSet, StreamError> {
        let vendor = PartWriter::create(self.next_path(), &self.spec)?;
        let mut unified = Vec::with_capacity(self.tables.len());
        for table in self.tables.clone() {
            unified.push(PartWriter::create(self.next_path(), &self.unified_spec(table))?);
        }
        Ok(PartSet::new(vendor, unified))
    }

    fn next_path(&mut self) -> PathBuf {
        self.made += 1;
        let folder = self.around.folders.making(&self.around.source, &self.stream.name);
        folder.join(format!("part-{}.parquet", self.made))
    }

    fn unified_spec(&self, table: Table) -> TableSpec {
        TableSpec {
            primary_key: vec![table.primary_key().to_owned()],
            metadata: vec![
                ("userhaul.run_id".to_owned(), self.around.run_id.clone()),
                ("userhaul.source".to_owned(), self.around.source.clone()),
                ("userhaul.stream".to_owned(), self.stream.name.clone()),
                ("userhaul.unified".to_owned(), table.name().to_owned()),
                ("userhaul.table_version".to_owned(), userhaul_record::SCHEMA_VERSION.to_string()),
            ],
            compression: self.around.compression,
            ..TableSpec::new(userhaul_record::schema(table))
        }
    }

    /// The stream's name.
    pub(crate) fn name(&self) -> &str {
        &self.stream.name
    }

    /// Adds rows as an earlier run has written them; of a slice with a window only those inside it.
    pub(crate) fn write_kept(
        &mut self,
        slice: usize,
        batch: RecordBatch,
        window: Option<Window>,
    ) -> Result<(), StreamError> {
        let schema = self.stream.table.schema();
        let columns = schema.fields().iter().map(|field| {
            let missing = || StreamError::Bug { what: format!("no column `{}`", field.name()) };
            batch.column_by_name(field.name()).cloned().ok_or_else(missing)
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.write(slice, RecordBatch::try_new(schema, columns).map_err(bug)?, window)
    }

    /// Ends a slice's rows: they count. Gives its parts.
    pub(crate) fn close(&mut self, slice: usize, proven: bool) -> Result<Vec<PathBuf>, StreamError> {
        let mut parts = Vec::new();
        for (label, finished) in self.finish(slice)? {
            parts.push(finished.vendor.path.clone());
            self.done.entry(label).or_default().push(finished);
        }
        for (label, finished) in self.former.remove(&slice).unwrap_or_default() {
            if proven {
                discard(finished)?;
            } else {
                self.done.entry(label).or_default().push(finished);
            }
        }
        Ok(parts)
    }

    /// Makes use of a pause after what may be the last rows of a slice.
    pub(crate) fn pause(&mut self, slice: usize) -> Result<(), StreamError> {
        let open = self.open.range_mut((slice, String::new())..).take_while(|((of, _), _)| *of == slice);
        for (_, open) in open {
            open.pause()?;
        }
        Ok(())
    }

    /// A slice's walk begins anew: its rows so far count only if it ends unproven.
    pub(crate) fn restart(&mut self, slice: usize) -> Result<(), StreamError> {
        let finished = self.finish(slice)?;
        self.former.entry(slice).or_default().extend(finished);
        Ok(())
    }

    /// Forgets a slice's rows.
    pub(crate) fn forget(&mut self, slice: usize) -> Result<(), StreamError> {
        for (_, finished) in self.finish(slice)? {
            discard(finished)?;
        }
        for (_, finished) in self.former.remove(&slice).unwrap_or_default() {
            discard(finished)?;
        }
        Ok(())
    }

    fn finish(&mut self, slice: usize) -> Result<Vec<(String, Finished)>, StreamError> {
        let keys: Vec<(usize, String)> = self.open.keys().filter(|(of, _)| *of == slice).cloned().collect();
        let mut finished = Vec::new();
        for key in keys {
            let Some(open) = self.open.remove(&key) else { continue };
            let (vendor, parts) = open.finish()?;
            let unified = self.tables.iter().zip(parts);
            let unified = unified.map(|(&table, part)| (table.name(), (table, part))).collect();
            finished.push((key.1, Finished { vendor, unified }));
        }
        Ok(finished)
    }

    /// Rows of closed slices, repeated keys counted.
    pub(crate) fn rows(&self) -> u64 {
        self.done.values().flatten().map(|finished| finished.vendor.rows).sum()
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) -> Result<(), StreamError> {
        let slices: BTreeSet<usize> =
            self.open.keys().map(|(slice, _)| *slice).chain(self.former.keys().copied()).collect();
        for slice in slices {
            self.forget(slice)?;
        }
        for finished in std::mem::take(&mut self.done).into_values().flatten() {
            discard(finished)?;
        }
        Ok(())
    }
}

fn discard(finished: Finished) -> Result<(), StreamError> {
    finished.vendor.discard()?;
    for (_, (_, part)) in finished.unified {
        part.discard()?;
    }
    Ok(())
}

/// The rows whose column lies in the window. Rows without a value cannot be placed elsewhere and stay.
fn inside(batch: RecordBatch, column: &str, window: Window) -> Result<RecordBatch, StreamError> {
    let array = batch
        .column_by_name(column)
        .ok_or_else(|| StreamError::Bug { what: format!("no column `{column}`") })?;
    let micros = |row: usize| -> Option<i64> {
        if array.is_null(row) {
            return None;
        }
        if let Some(instants) = array.as_any().downcast_ref::<TimestampMicrosecondArray>() {
            return Some(instants.value(row));
        }
        let days = array.as_any().downcast_ref::<Date32Array>()?;
        Some(i64::from(days.value(row)) * 86_400_000_000)
    };
    let keep: BooleanArray = (0..batch.num_rows())
        .map(|row| Some(micros(row).is_none_or(|micros| window.holds(micros))))
        .collect();
    arrow_select::filter::filter_record_batch(&batch, &keep).map_err(bug)
}

fn bug(error: arrow_schema::ArrowError) -> StreamError {
    StreamError::Bug { what: error.to_string() }
}
