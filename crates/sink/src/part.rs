//! Parts: what a slice of work leaves behind until its partition is committed.

use std::path::{Path, PathBuf};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;

use crate::bits;
use crate::disk;
use crate::error::SinkError;
use crate::file::{FileWriter, Order, conform};
use crate::former::{adapt, differs, unmarked};
use crate::keys::KeyColumns;
use crate::log::{Entry, KeyLog, RUN_ENTRIES};
use crate::read::{read, stats};
use crate::spec::TableSpec;

/// A part in the making. Dropping it removes its file; after an error it can only be dropped.
#[derive(Debug)]
pub struct PartWriter {
    path: PathBuf,
    pub(crate) spec: TableSpec,
    pub(crate) file: FileWriter,
    pub(crate) keys: Option<Keys>,
}

/// A finished, synced file that knows the keys of its rows.
///
/// Dropping it keeps the file: a restarted run takes it up again with [`Part::open`].
#[derive(Debug)]
pub struct Part {
    /// Where the file stands.
    pub path: PathBuf,
    /// Rows in the file, duplicates included.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Rows of it that a commit leaves out; see [`Part::open_former`].
    pub left_out: u64,
    /// Rows of it that a commit marks unless another of their key came; see [`Part::open_former`].
    pub gone: u64,
    pub(crate) schema: SchemaRef,
    pub(crate) keys: Option<KeyLog>,
    pub(crate) former: Option<Former>,
}

/// What is particular to a file that was committed before.
#[derive(Debug, Default)]
pub(crate) struct Former {
    /// A bit a row that is left out.
    pub(crate) out: Vec<u64>,
    /// A bit a row that gets a mark if it stays.
    pub(crate) gone: Vec<u64>,
    /// Whether the file has other columns than the table.
    pub(crate) differs: bool,
}

/// The keys of a part in the making.
#[derive(Debug)]
pub(crate) struct Keys {
    columns: KeyColumns,
    log: KeyLog,
    rows: u64,
}

impl PartWriter {
    /// Begins a part that will stand at `path` once it is finished; a finished part there is replaced then. Folders
    /// above it are made.
    ///
    /// Fails when the specification does not fit its schema.
    pub fn create(path: PathBuf, spec: &TableSpec) -> Result<Self, SinkError> {
        Self::with_runs(path, spec, RUN_ENTRIES)
    }

    pub(crate) fn with_runs(path: PathBuf, spec: &TableSpec, run_entries: usize) -> Result<Self, SinkError> {
        let keys = Keys::new(spec, disk::keys_path(&path), run_entries)?;
        let file = FileWriter::create(&path, spec, Order::AsSpecified)?;
        Ok(Self { path, spec: spec.clone(), file, keys })
    }

    /// Adds the rows of a batch, in order. It may have any number of rows.
    ///
    /// The batch must have the names and types of the table's columns. A null in a key column fails with
    /// [`SinkError::NullKey`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let batch = conform(batch, &self.spec)?;
        if let Some(keys) = &mut self.keys {
            keys.add(&batch)?;
        }
        self.file.write(&batch)
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.file.rows()
    }

    /// Ends the file, syncs it and gives it its name.
    pub fn finish(self) -> Result<Part, SinkError> {
        let finished = self.file.finish()?;
        let (rows, bytes) = (finished.rows, finished.bytes);
        let keys = self.keys.map(Keys::seal).transpose()?;
        finished.making.publish(&self.path)?;
        Ok(Part {
            path: self.path,
            rows,
            bytes,
            left_out: 0,
            gone: 0,
            schema: self.spec.schema,
            keys,
            former: None,
        })
    }
}

impl Part {
    /// Takes up a finished file again, a part of an earlier run or a committed file that new rows are to supersede.
    ///
    /// The file is read once where the table has a key. Key hashes that do not fit in memory go into the folder
    /// `scratch`, which must be there, under the name of the file. Fails when the file's columns are not those of the
    /// table.
    pub fn open(path: PathBuf, spec: &TableSpec, scratch: &Path) -> Result<Self, SinkError> {
        let found = stats(&path)?;
        let mut keys = Self::keys_of(&path, spec, scratch)?;
        match &mut keys {
            None => drop(conform(&RecordBatch::new_empty(found.schema.clone()), spec)?),
            Some(keys) => {
                for batch in read(&path, None)? {
                    keys.add(&conform(&batch?, spec)?)?;
                }
            }
        }
        let keys = keys.map(Keys::seal).transpose()?;
        let (rows, bytes, schema) = (found.rows, found.bytes, found.schema);
        Ok(Self { path, rows, bytes, left_out: 0, gone: 0, schema, keys, former: None })
    }

    /// Takes up a committed file that new rows are to supersede: any new row of the same key, whatever its version.
    ///
    /// `is_gone` tells of each batch, as it stands in the file, which rows are gone. A commit leaves them out; or, where the
    /// table has a [`Mark`](crate::Mark), keeps those that no new row supersedes, with the mark. Rows that have it already keep it.
    /// A former part stands first among the parts of a commit. Columns are told by their names: one that the file does
    /// not have, or has with another type, is null. Besides as [`open`](Self::open).
    pub fn open_former(
        path: PathBuf,
        spec: &TableSpec,
        scratch: &Path,
        is_gone: &mut dyn FnMut(&RecordBatch) -> BooleanArray,
    ) -> Result<Self, SinkError> {
        let found = stats(&path)?;
        let mut keys = Self::keys_of(&path, spec, scratch)?;
        let mut former = Former { differs: differs(&found.schema, spec), ..Former::default() };
        let (mut left_out, mut gone, mut first) = (0, 0, 0);
        for batch in read(&path, None)? {
            let batch = batch?;
            let is_gone = is_gone(&batch);
            let batch = adapt(&batch, spec)?;
            let unmarked = spec.mark.as_ref().map(|mark| unmarked(&batch, mark)).transpose()?;
            for row in is_gone.values().set_indices() {
                match &unmarked {
                    None => {
                        bits::set(&mut former.out, first + row as u64);
                        left_out += 1;
                    }
                    Some(unmarked) if unmarked[row] => {
                        bits::set(&mut former.gone, first + row as u64);
                        gone += 1;
                    }
                    Some(_) => {}
                }
            }
            if let Some(keys) = &mut keys {
                keys.add_former(&batch, unmarked.is_none().then_some(&is_gone))?;
            }
            first += batch.num_rows() as u64;
        }
        let keys = keys.map(Keys::seal).transpose()?;
        let (rows, bytes, schema) = (found.rows, found.bytes, found.schema);
        Ok(Self { path, rows, bytes, left_out, gone, schema, keys, former: Some(former) })
    }

    fn keys_of(path: &Path, spec: &TableSpec, scratch: &Path) -> Result<Option<Keys>, SinkError> {
        let name = Path::new(path.file_name().unwrap_or_default());
        Keys::new(spec, disk::keys_path(&scratch.join(name)), RUN_ENTRIES)
    }

    /// Whether it was committed before under other columns than the table has.
    pub fn differs(&self) -> bool {
        self.former.as_ref().is_some_and(|former| former.differs)
    }

    /// Removes the file.
    pub fn discard(self) -> Result<(), SinkError> {
        disk::remove(&self.path)
    }
}

impl Keys {
    fn new(spec: &TableSpec, path: PathBuf, run_entries: usize) -> Result<Option<Self>, SinkError> {
        let columns = KeyColumns::new(spec)?;
        Ok(columns.map(|columns| Self { columns, log: KeyLog::new(path, run_entries), rows: 0 }))
    }

    /// Adds rows that were committed before: they yield to any row that comes later. Those that are left out have no
    /// entry.
    fn add_former(&mut self, batch: &RecordBatch, out: Option<&BooleanArray>) -> Result<(), SinkError> {
        let (log, first) = (&mut self.log, self.rows);
        self.columns.entries(batch, first, |entry| {
            let row = usize::try_from(entry.row - first).unwrap_or(usize::MAX);
            let is_out = out.is_some_and(|out| out.value(row));
            if is_out { Ok(()) } else { log.push(Entry { version: i64::MIN, ..entry }) }
        })?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let log = &mut self.log;
        self.columns.entries(batch, self.rows, |entry| log.push(entry))?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn seal(mut self) -> Result<KeyLog, SinkError> {
        self.log.seal()?;
        Ok(self.log)
    }
}
