//! The encoded pages of a row group, until it is written out.
//!
//! A row group must be large, or the file's metadata grows with the table until it is written; and memory must not grow
//! with it. So pages beyond the first ones wait in a temporary file that has no name and vanishes with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Bytes of pages that wait in memory, over all columns of a file.
const IN_MEMORY: usize = 1 << 20;

/// The pages of one file's row group in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages {
    /// Leaves whose pages are remembered when they are written out, for others to borrow.
    lent: Arc<BTreeSet<usize>>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Bytes in memory.
    resident: usize,
    file: Option<File>,
    /// Where the next page goes.
    end: u64,
    /// Whether there is no room for a file.
    full: bool,
    written: BTreeMap<usize, Vec<Page>>,
}

/// One page, or a dictionary.
#[derive(Debug, Clone)]
enum Page {
    Here(Bytes),
    InFile { start: u64, length: usize },
}

/// The pages of one leaf of a row group that was written out, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pages: Vec<Page>,
    shared: Arc<Mutex<Shared>>,
}

/// The pages of one leaf of the row group in the making.
struct Leaf {
    leaf: usize,
    of: Pages,
    pages: Vec<Page>,
}

impl Pages {
    /// Pages of which those of some leaves are lent.
    pub(crate) fn lending(leaves: BTreeSet<usize>) -> Self {
        Self { lent: Arc::new(leaves), ..Self::default() }
    }

    /// Ends a row group that was written out. Gives the lent chunks, which must be read before the next page comes.
    pub(crate) fn end_group(&self) -> BTreeMap<usize, Chunk> {
        let mut shared = lock(&self.shared);
        shared.end = 0;
        let written = std::mem::take(&mut shared.written);
        let chunk = |(leaf, pages)| (leaf, Chunk { pages, shared: Arc::clone(&self.shared) });
        written.into_iter().map(chunk).collect()
    }
}

impl PageStoreFactory for Pages {
    fn create(&self, args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        Ok(Box::new(Leaf { leaf: args.column_index(), of: self.clone(), pages: Vec::new() }))
    }
}

impl PageStore for Leaf {
    fn put(&mut self, page: Bytes) -> Result<PageKey> {
        let page = lock(&self.of.shared).keep(page);
        self.pages.push(page);
        Ok(PageKey::new(self.pages.len() as u64 - 1))
    }

    /// Pages are taken one by one in the order in which they come to stand in the file.
    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let index = usize::try_from(key.get())?;
        let unknown = || ParquetError::General("no such page".to_owned());
        let page = self.pages.get(index).cloned().ok_or_else(unknown)?;
        let mut shared = lock(&self.of.shared);
        if let Page::Here(bytes) = &page {
            shared.resident = shared.resident.saturating_sub(bytes.len());
            self.pages[index] = Page::Here(Bytes::new());
        }
        let bytes = shared.read(&page)?;
        if self.of.lent.contains(&self.leaf) {
            shared.written.entry(self.leaf).or_default().push(page);
        }
        Ok(bytes)
    }

    fn memory_size(&self) -> usize {
        let resident = |page: &Page| if let Page::Here(bytes) = page { bytes.len() } else { 0 };
        self.pages.iter().map(resident).sum()
    }
}

impl Shared {
    fn keep(&mut self, page: Bytes) -> Page {
        if self.full || self.resident + page.len() <= IN_MEMORY {
            self.resident += page.len();
            return Page::Here(page);
        }
        match self.spill(&page) {
            Ok(start) => Page::InFile { start, length: page.len() },
            Err(_) => {
                // Where there is no room for a file, pages stay in memory.
                self.full = true;
                self.resident += page.len();
                Page::Here(page)
            }
        }
    }

    fn spill(&mut self, page: &[u8]) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let start = file.seek(SeekFrom::Start(self.end))?;
        file.write_all(page)?;
        self.end += page.len() as u64;
        Ok(start)
    }

    fn read(&mut self, page: &Page) -> io::Result<Bytes> {
        match page {
            Page::Here(bytes) => Ok(bytes.clone()),
            &Page::InFile { start, length } => {
                let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = vec![0; length];
                file.read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        let length = |page: &Page| match page {
            Page::Here(bytes) => bytes.len(),
            Page::InFile { length, .. } => *length,
        };
        self.pages.iter().map(length).sum::<usize>() as u64
    }
}

/// A chunk is read from its first page on, whatever the place that is asked for.
impl ChunkReader for Chunk {
    type T = ChunkRead;

    fn get_read(&self, _: u64) -> Result<ChunkRead> {
        Ok(ChunkRead { chunk: self.clone(), next: 0, page: Bytes::new() })
    }

    fn get_bytes(&self, _: u64, length: usize) -> Result<Bytes> {
        let mut bytes = vec![0; length];
        self.get_read(0)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// The bytes of a chunk, with one page in memory.
pub(crate) struct ChunkRead {
    chunk: Chunk,
    next: usize,
    page: Bytes,
}

impl Read for ChunkRead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.page.is_empty() {
            let Some(page) = self.chunk.pages.get(self.next) else { return Ok(0) };
            self.page = lock(&self.chunk.shared).read(page)?;
            self.next += 1;
        }
        let count = into.len().min(self.page.len());
        into[..count].copy_from_slice(&self.page.split_to(count));
        Ok(count)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
