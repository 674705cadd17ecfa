//! Parts: what a slice of work leaves behind until its partition is committed.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::disk;
use crate::error::SinkError;
use crate::file::{FileWriter, Order, conform};
use crate::keys::KeyColumns;
use crate::log::{KeyLog, RUN_ENTRIES};
use crate::read::{read, stats};
use crate::spec::TableSpec;

/// A part in the making. Dropping it removes its file; after an error it can only be dropped.
#[derive(Debug)]
pub struct PartWriter {
    path: PathBuf,
    spec: TableSpec,
    file: FileWriter,
    keys: Option<Keys>,
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
    pub(crate) schema: SchemaRef,
    pub(crate) keys: Option<KeyLog>,
}

#[derive(Debug)]
struct Keys {
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
        Ok(Part { path: self.path, rows, bytes, schema: self.spec.schema, keys })
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
        let name = Path::new(path.file_name().unwrap_or_default());
        let keys = match Keys::new(spec, disk::keys_path(&scratch.join(name)), RUN_ENTRIES)? {
            Some(mut keys) => {
                for batch in read(&path, None)? {
                    keys.add(&conform(&batch?, spec)?)?;
                }
                Some(keys.seal()?)
            }
            None => {
                conform(&RecordBatch::new_empty(found.schema.clone()), spec)?;
                None
            }
        };
        Ok(Self { path, rows: found.rows, bytes: found.bytes, schema: found.schema, keys })
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

    fn add(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
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
