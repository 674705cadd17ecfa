//! Encoded columns that stand in more than one file.
//!
//! The bytes of a leaf that a row group was written out with are appended to another file as they are, under names of its
//! own.

use std::collections::BTreeMap;
use std::sync::Arc;

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaDataPtr};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use crate::encoder::Output;
use crate::pages::Chunk;

/// What a row group that was written out lends: its leaves that are asked for.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) metadata: RowGroupMetaDataPtr,
    pub(crate) chunks: BTreeMap<usize, Chunk>,
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
    chunk: &'a Chunk,
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
