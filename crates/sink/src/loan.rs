//! Encoded columns that stand in more than one file.
//!
//! When a row group is written out, the bytes of the leaves that are lent are kept; another file appends them as they
//! are, under names of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::{InMemoryPageStore, PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaDataPtr};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use crate::encoder::Output;

/// The bytes of lent leaves, by leaf: of the row group that is being written out.
type Chunks = BTreeMap<usize, Vec<u8>>;

/// Keeps the bytes of the leaves that a file lends.
#[derive(Debug, Clone)]
pub(crate) struct Copies {
    leaves: Arc<BTreeSet<usize>>,
    chunks: Arc<Mutex<Chunks>>,
}

/// What a row group that was written out lends.
#[derive(Debug)]
pub(crate) struct Lent {
    metadata: RowGroupMetaDataPtr,
    chunks: BTreeMap<usize, Bytes>,
}

/// A row group's loan to another file, whose leaf `n` is the lender's leaf `leaves[n]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loan<'a> {
    pub(crate) lent: &'a Lent,
    pub(crate) leaves: &'a [Option<usize>],
}

/// One leaf of a loan.
#[derive(Debug)]
pub(crate) struct LentLeaf<'a> {
    metadata: &'a ColumnChunkMetaData,
    rows: i64,
    chunk: &'a Bytes,
}

/// The pages of one leaf of the row group in the making.
struct Pages {
    pages: InMemoryPageStore,
    leaf: usize,
    chunks: Arc<Mutex<Chunks>>,
}

impl Copies {
    pub(crate) fn of(leaves: BTreeSet<usize>) -> Self {
        Self { leaves: Arc::new(leaves), chunks: Arc::default() }
    }

    /// The bytes kept since they were last taken, which belong to this row group.
    pub(crate) fn take(&self, metadata: RowGroupMetaDataPtr) -> Lent {
        let chunks = mem::take(&mut *self.chunks.lock().unwrap_or_else(PoisonError::into_inner));
        Lent { metadata, chunks: chunks.into_iter().map(|(leaf, bytes)| (leaf, bytes.into())).collect() }
    }
}

impl PageStoreFactory for Copies {
    fn create(&self, args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        let (pages, leaf) = (InMemoryPageStore::default(), args.column_index());
        Ok(match self.leaves.contains(&leaf) {
            true => Box::new(Pages { pages, leaf, chunks: Arc::clone(&self.chunks) }),
            false => Box::new(pages),
        })
    }
}

impl PageStore for Pages {
    fn put(&mut self, page: Bytes) -> Result<PageKey> {
        self.pages.put(page)
    }

    /// Pages are taken one by one in the order in which they come to stand in the file.
    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let page = self.pages.take(key)?;
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.entry(self.leaf).or_default().extend_from_slice(&page);
        Ok(page)
    }

    fn memory_size(&self) -> usize {
        self.pages.memory_size()
    }
}

impl<'a> Loan<'a> {
    /// What stands for the leaf; nothing where it is not borrowed.
    pub(crate) fn leaf(&self, leaf: usize) -> Option<LentLeaf<'a>> {
        let from = self.leaves.get(leaf).copied().flatten()?;
        let (metadata, rows) = (self.lent.metadata.column(from), self.lent.metadata.num_rows());
        Some(LentLeaf { metadata, rows, chunk: self.lent.chunks.get(&from)? })
    }
}

impl LentLeaf<'_> {
    /// Writes the leaf as the next one of a row group, in which it is this column.
    pub(crate) fn append(
        self,
        group: &mut SerializedRowGroupWriter<'_, Output>,
        column: &ColumnDescPtr,
    ) -> Result<()> {
        let lent = self.metadata;
        // The offsets are those of the chunk by itself; the row group moves them to where it puts it.
        let dictionary = lent.dictionary_page_offset().map(|start| lent.data_page_offset() - start);
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(column))
            .set_compression_codec(lent.compression_codec())
            .set_encodings_mask(*lent.encodings_mask())
            .set_total_compressed_size(lent.compressed_size())
            .set_total_uncompressed_size(lent.uncompressed_size())
            .set_num_values(lent.num_values())
            .set_dictionary_page_offset(dictionary.map(|_| 0))
            .set_data_page_offset(dictionary.unwrap_or_default())
            .set_unencoded_byte_array_data_bytes(lent.unencoded_byte_array_data_bytes())
            .set_repetition_level_histogram(lent.repetition_level_histogram().cloned())
            .set_definition_level_histogram(lent.definition_level_histogram().cloned());
        if let Some(statistics) = lent.statistics() {
            metadata = metadata.set_statistics(statistics.clone());
        }
        if let Some(encodings) = lent.page_encoding_stats() {
            metadata = metadata.set_page_encoding_stats(encodings.clone());
        }
        let closed = ColumnCloseResult {
            bytes_written: u64::try_from(lent.compressed_size())?,
            rows_written: u64::try_from(self.rows)?,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        group.append_column(self.chunk, closed)
    }
}
