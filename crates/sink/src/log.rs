//! The key log of a part: what is remembered of each row to find the rows of equal key at the commit.
//!
//! Entries are gathered into runs sorted by key; a full run goes to a file beside the part, so that memory is bounded.
//! The file is of use to this process alone and is not synced.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::SinkError;

/// Entries in a run: 0.8 MB.
pub(crate) const RUN_ENTRIES: usize = 1 << 14;

/// Entries that a finished part may keep in memory: 80 kB, as a commit may have thousands of parts.
const KEPT_ENTRIES: usize = 1 << 11;

/// A row, as far as the commit is concerned. Sorts by key, then row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Hash of the primary key.
    pub(crate) key: u128,
    /// Index of the row within its part.
    pub(crate) row: u64,
    /// Larger supersedes smaller; the smallest is null.
    pub(crate) version: i64,
    /// Hash of everything but lineage, where it is asked for; 0 elsewhere.
    pub(crate) content: u64,
}

/// The entries of a part. Dropping it removes its file.
#[derive(Debug)]
pub(crate) struct KeyLog {
    path: PathBuf,
    file: Option<userhaul_storage::File>,
    open: Vec<Entry>,
    run_entries: usize,
    runs: Vec<Run>,
}

/// A sorted run in the file, by entry numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    first: usize,
    entries: usize,
}

/// A sorted run being read from its start.
pub(crate) enum Cursor<'a> {
    Memory(&'a [Entry]),
    File(FileCursor<'a>),
}

/// A cursor over a run in the file, of which one block is in memory.
pub(crate) struct FileCursor<'a> {
    file: Rc<LogFile<'a>>,
    /// What has not been read yet.
    run: Run,
    block: Vec<u8>,
    /// How much of the block was given.
    given: usize,
    block_entries: usize,
}

impl KeyLog {
    /// An empty log that may make a file at `path`.
    pub(crate) fn new(path: PathBuf, run_entries: usize) -> Self {
        Self { path, file: None, open: Vec::new(), run_entries: run_entries.max(1), runs: Vec::new() }
    }

    pub(crate) fn push(&mut self, entry: Entry) -> Result<(), SinkError> {
        self.open.push(entry);
        if self.open.len() >= self.run_entries { self.spill() } else { Ok(()) }
    }

    /// Ends the last run and frees memory and file handle. Nothing may be pushed afterwards.
    pub(crate) fn seal(&mut self) -> Result<(), SinkError> {
        if self.open.len() > KEPT_ENTRIES.min(self.run_entries) {
            self.spill()?;
        }
        self.open.sort_unstable();
        self.open.shrink_to_fit();
        self.file = None;
        Ok(())
    }

    /// A cursor for each run of a sealed log. The file is opened anew for each block, unless it may stay open.
    pub(crate) fn cursors(&self, block_entries: usize, stays_open: bool) -> impl Iterator<Item = Cursor<'_>> {
        let file = Rc::new(LogFile { path: &self.path, stays_open, open: RefCell::default() });
        let cursor = move |&run: &Run| {
            let file = Rc::clone(&file);
            Cursor::File(FileCursor { file, run, block: Vec::new(), given: 0, block_entries })
        };
        self.runs.iter().map(cursor).chain((!self.open.is_empty()).then_some(Cursor::Memory(&self.open)))
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.runs.iter().map(|run| run.entries).sum::<usize>() + self.open.len()
    }

    /// Number of cursors.
    pub(crate) fn run_count(&self) -> usize {
        self.runs.len() + usize::from(!self.open.is_empty())
    }

    fn spill(&mut self) -> Result<(), SinkError> {
        self.open.sort_unstable();
        if self.file.is_none() {
            let file = userhaul_storage::create(&self.path).map_err(SinkError::io("create", &self.path))?;
            self.file = Some(file);
        }
        let file = self.file.as_mut().expect("opened above");
        let mut bytes = Vec::with_capacity(BLOCK_ENTRIES * ENTRY_BYTES);
        for block in self.open.chunks(BLOCK_ENTRIES) {
            bytes.clear();
            for entry in block {
                bytes.extend_from_slice(&entry.to_bytes());
            }
            file.write_all(&bytes).map_err(SinkError::io("write", &self.path))?;
        }
        let first = self.runs.last().map_or(0, |run| run.first + run.entries);
        self.runs.push(Run { first, entries: self.open.len() });
        self.open.clear();
        Ok(())
    }
}

impl Drop for KeyLog {
    fn drop(&mut self) {
        if !self.runs.is_empty() || self.file.is_some() {
            // A failure leaves a file for `sweep`; there is nobody to tell.
            let _ = userhaul_storage::remove_file(&self.path);
        }
    }
}

impl Cursor<'_> {
    /// The next entry in order.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, SinkError> {
        match self {
            Self::Memory(entries) => Ok(entries.split_off_first().copied()),
            Self::File(file) => {
                let next = file.block()?.first().map(Entry::from_bytes);
                file.given += if next.is_some() { ENTRY_BYTES } else { 0 };
                Ok(next)
            }
        }
    }

    /// Gives the next entries in order, as long as their keys are smaller than `bound`; all of them where there is none.
    pub(crate) fn below(
        &mut self,
        bound: Option<u128>,
        mut each: impl FnMut(Entry) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let is_below = |entry: &Entry| bound.is_none_or(|bound| entry.key < bound);
        match self {
            Self::Memory(entries) => {
                let count = entries.partition_point(is_below);
                let (below, rest) = entries.split_at(count);
                *entries = rest;
                below.iter().copied().try_for_each(each)?;
            }
            Self::File(file) => loop {
                let block = file.block()?;
                let mut taken = 0;
                for entry in block.iter().map(Entry::from_bytes).take_while(is_below) {
                    each(entry)?;
                    taken += 1;
                }
                let is_over = taken < block.len() || taken == 0;
                file.given += taken * ENTRY_BYTES;
                if is_over {
                    break;
                }
            },
        }
        Ok(())
    }
}

impl FileCursor<'_> {
    /// What is to be given next; nothing at the end of the run.
    fn block(&mut self) -> Result<&[[u8; ENTRY_BYTES]], SinkError> {
        if self.given == self.block.len() && self.run.entries > 0 {
            let count = self.run.entries.min(self.block_entries);
            self.block.resize(count * ENTRY_BYTES, 0);
            self.file
                .read_block(self.run.first, &mut self.block)
                .map_err(SinkError::io("read", self.file.path))?;
            self.given = 0;
            self.run = Run { first: self.run.first + count, entries: self.run.entries - count };
        }
        Ok(self.block[self.given..].as_chunks().0)
    }
}

/// The file of a sealed log, which cursors share.
struct LogFile<'a> {
    path: &'a Path,
    stays_open: bool,
    open: RefCell<Option<fs::File>>,
}

impl LogFile<'_> {
    fn read_block(&self, first: usize, block: &mut [u8]) -> io::Result<()> {
        let mut open = self.open.borrow_mut();
        let mut file = match open.take() {
            Some(file) => file,
            None => fs::File::open(self.path)?,
        };
        file.seek(SeekFrom::Start((first * ENTRY_BYTES) as u64))?;
        file.read_exact(block)?;
        *open = self.stays_open.then_some(file);
        Ok(())
    }
}

const ENTRY_BYTES: usize = 40;

/// Entries that are written or read at once.
pub(crate) const BLOCK_ENTRIES: usize = 1 << 12;

impl Entry {
    fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..16].copy_from_slice(&self.key.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.row.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.version.to_le_bytes());
        bytes[32..].copy_from_slice(&self.content.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let (key, rest) = bytes.split_first_chunk().expect("40 bytes");
        let (row, rest) = rest.split_first_chunk().expect("24 bytes");
        let (version, rest) = rest.split_first_chunk().expect("16 bytes");
        let content = rest.first_chunk().expect("8 bytes");
        Self {
            key: u128::from_le_bytes(*key),
            row: u64::from_le_bytes(*row),
            version: i64::from_le_bytes(*version),
            content: u64::from_le_bytes(*content),
        }
    }
}
