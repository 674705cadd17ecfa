//! The encoded pages of a row group, until it is written out.
//!
//! A row group must be large, or the file's metadata grows with the table until it is written; and memory must not grow
//! with it. So pages are compressed as they come, and those beyond the first ones wait in a temporary file that has no
//! name and vanishes with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::codec::{Codec, Kind, rewrite_header};
use crate::spec::Compression;

/// Bytes of pages that wait in memory, over all columns of a file.
const IN_MEMORY: usize = 512 << 10;

/// The pages of one file's row group in the making.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    codec: Codec,
    /// Leaves whose pages are kept when they are written out, for others to borrow.
    lent: BTreeSet<usize>,
    group: Group,
    /// Bytes in memory.
    resident: usize,
    file: Option<File>,
    /// Where the next page goes.
    end: u64,
    /// Whether there is no room for a file.
    full: bool,
    /// Room for a page's data, and for all of it.
    rooms: (Vec<u8>, Vec<u8>),
}

/// The pages of a row group by their leaves.
#[derive(Debug, Default)]
struct Group {
    leaves: BTreeMap<usize, Leaf>,
    plain: usize,
    packed: usize,
}

/// The pages of one leaf.
#[derive(Debug, Default)]
struct Leaf {
    /// The header of a page whose data come next.
    header: Option<Bytes>,
    dictionary: Option<Page>,
    values: Vec<Page>,
    /// Bytes before and after compression, headers included.
    plain: usize,
    packed: usize,
}

/// One page, with its header.
#[derive(Debug, Clone)]
enum Page {
    Here(Bytes),
    InFile { start: u64, length: usize },
}

/// The pages of one leaf of the row group, in the order of a file.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pages: Vec<Page>,
    shared: Arc<Mutex<Shared>>,
}

impl Pages {
    /// Pages of which those of some leaves are lent.
    pub(crate) fn lending(leaves: BTreeSet<usize>, compression: Compression) -> Result<Self> {
        let shared = Shared {
            codec: Codec::new(compression)?,
            lent: leaves,
            group: Group::default(),
            resident: 0,
            file: None,
            end: 0,
            full: false,
            rooms: Default::default(),
        };
        Ok(Self { shared: Arc::new(Mutex::new(shared)) })
    }

    /// Bytes of the row group's pages, before and after compression.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let shared = lock(&self.shared);
        (shared.group.plain, shared.group.packed)
    }

    /// The pages of a leaf whose writer was closed, and what a row group must know to append them.
    pub(crate) fn close(
        &self,
        leaf: usize,
        mut written: ArrowColumnChunk,
    ) -> Result<(Chunk, ColumnCloseResult)> {
        let mut shared = lock(&self.shared);
        let Leaf { dictionary, values, plain, packed, .. } =
            shared.group.leaves.remove(&leaf).unwrap_or_default();
        let dictionary_length = dictionary.as_ref().map(Page::length);
        let written = written.close_mut();
        // The offsets are those of the chunk by itself; the row group moves them to where it puts it.
        let metadata = written.metadata.clone().into_builder();
        let metadata = metadata
            .set_compression(shared.codec.name()?)
            .set_total_compressed_size(i64::try_from(packed)?)
            .set_total_uncompressed_size(i64::try_from(plain)?)
            .set_dictionary_page_offset(dictionary_length.map(|_| 0))
            .set_data_page_offset(i64::try_from(dictionary_length.unwrap_or(0))?);
        let closed = ColumnCloseResult {
            bytes_written: packed as u64,
            rows_written: written.rows_written,
            metadata: metadata.build()?,
            bloom_filter: written.bloom_filter.take(),
            column_index: written.column_index.take(),
            offset_index: None,
        };
        let pages: Vec<_> = dictionary.into_iter().chain(values).collect();
        if !shared.lent.contains(&leaf) {
            // They are written out next, and no longer in the way of others.
            shared.resident = shared.resident.saturating_sub(resident(&pages));
        }
        Ok((Chunk { pages, shared: Arc::clone(&self.shared) }, closed))
    }

    /// Whether the pages of a leaf are lent.
    pub(crate) fn lends(&self, leaf: usize) -> bool {
        lock(&self.shared).lent.contains(&leaf)
    }

    /// Ends a row group that was written out. Lent chunks must be read before the next page comes.
    pub(crate) fn end_group(&self) {
        let mut shared = lock(&self.shared);
        (shared.group, shared.resident, shared.end) = (Group::default(), 0, 0);
    }
}

impl PageStoreFactory for Pages {
    fn create(&self, args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        Ok(Box::new(Store { leaf: args.column_index(), of: self.clone() }))
    }
}

/// Takes the pages of one leaf from its writer.
struct Store {
    leaf: usize,
    of: Pages,
}

impl PageStore for Store {
    /// A page comes as its header and its data, one after the other.
    fn put(&mut self, bytes: Bytes) -> Result<PageKey> {
        lock(&self.of.shared).put(self.leaf, bytes)?;
        Ok(PageKey::new(0))
    }

    fn take(&mut self, _: PageKey) -> Result<Bytes> {
        Err(ParquetError::General("pages are read as a chunk".to_owned()))
    }
}

impl Shared {
    fn put(&mut self, leaf: usize, bytes: Bytes) -> Result<()> {
        let leaf_pages = self.group.leaves.entry(leaf).or_default();
        let Some(header) = leaf_pages.header.take() else {
            leaf_pages.header = Some(bytes);
            return Ok(());
        };
        let (mut data, mut page) = std::mem::take(&mut self.rooms);
        self.codec.compress(&bytes, &mut data)?;
        page.clear();
        let kind = rewrite_header(&header, data.len(), &mut page)?;
        let (plain, packed) = (page.len() + bytes.len(), page.len() + data.len());
        page.extend_from_slice(&data);
        let kept = self.keep(&page);
        if page.len() <= IN_MEMORY {
            self.rooms = (data, page);
        }
        let leaf = self.group.leaves.entry(leaf).or_default();
        match kind {
            Kind::Dictionary => leaf.dictionary = Some(kept),
            Kind::Values => leaf.values.push(kept),
        }
        leaf.plain += plain;
        leaf.packed += packed;
        self.group.plain += plain;
        self.group.packed += packed;
        Ok(())
    }

    fn keep(&mut self, page: &[u8]) -> Page {
        if !self.full && self.resident + page.len() > IN_MEMORY {
            match self.spill(page) {
                Ok(start) => return Page::InFile { start, length: page.len() },
                // Where there is no room for a file, pages stay in memory.
                Err(_) => self.full = true,
            }
        }
        self.resident += page.len();
        Page::Here(Bytes::copy_from_slice(page))
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

impl Page {
    fn length(&self) -> usize {
        match self {
            Page::Here(bytes) => bytes.len(),
            Page::InFile { length, .. } => *length,
        }
    }
}

fn resident(pages: &[Page]) -> usize {
    pages.iter().map(|page| if let Page::Here(bytes) = page { bytes.len() } else { 0 }).sum()
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.pages.iter().map(Page::length).sum::<usize>() as u64
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
