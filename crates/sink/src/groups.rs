//! The row groups of a file that are written out, and the file's end.
//!
//! The library's own file writer keeps what it knows of each column of each row group as values, half a kilobyte and more,
//! so that memory grows with the table. Here they are kept in the form in which they stand at the end of the file, compressed,
//! a twentieth of that, and are values again only when it is written.

use std::io::Write;

use parquet::bloom_filter::Sbbf;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    FileMetaData, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::SchemaDescPtr;
use userhaul_storage::File;

use crate::encoder::{Output, output};

/// How a file begins and ends.
const MAGIC: &[u8; 4] = b"PAR1";

/// What stands behind packed row groups: their length, and the mark of a file's end.
const TRAILER: usize = 4 + MAGIC.len();

/// Row groups that are packed together.
const TOGETHER: usize = 8;

/// A file whose row groups are written one after the other. After an error it can only be dropped.
pub(crate) struct Groups {
    output: TrackedWrite<Output>,
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    written: usize,
    rows: i64,
    /// Row groups that are not packed yet.
    recent: Vec<RowGroupMetaData>,
    packed: Vec<Vec<u8>>,
}

impl Groups {
    /// Begins a file.
    pub(crate) fn begin(file: File, schema: SchemaDescPtr, properties: WriterPropertiesPtr) -> Result<Self> {
        let mut output = TrackedWrite::new(output(file));
        output.write_all(MAGIC)?;
        Ok(Self { output, schema, properties, written: 0, rows: 0, recent: Vec::new(), packed: Vec::new() })
    }

    /// How many are written out.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// Begins the next one. It is written out when it is closed.
    pub(crate) fn next(&mut self) -> Result<SerializedRowGroupWriter<'_, Output>> {
        if self.recent.len() >= TOGETHER {
            self.packed.push(pack(&self.schema, std::mem::take(&mut self.recent))?);
        }
        let Self { output, schema, properties, written, rows, recent, .. } = self;
        let ordinal = i16::try_from(*written)?;
        let ended = move |output: &mut TrackedWrite<Output>, group, filters, _, _| {
            let group = with_filters(output, group, filters)?;
            *written += 1;
            *rows += group.num_rows();
            recent.push(group);
            Ok(())
        };
        let (schema, properties) = (SchemaDescPtr::clone(schema), WriterPropertiesPtr::clone(properties));
        Ok(SerializedRowGroupWriter::new(schema, properties, output, ordinal, Some(Box::new(ended))))
    }

    /// Writes the file's end.
    pub(crate) fn finish(&mut self) -> Result<&File> {
        let mut groups = Vec::with_capacity(self.written);
        for packed in self.packed.drain(..) {
            groups.append(&mut unpack(&self.schema, &packed)?);
        }
        groups.append(&mut self.recent);
        let properties = &self.properties;
        let file = FileMetaData::new(
            properties.writer_version().as_num(),
            self.rows,
            Some(properties.created_by().to_owned()),
            properties.key_value_metadata().cloned(),
            SchemaDescPtr::clone(&self.schema),
            // They are the library's to tell.
            None,
        );
        let metadata = ParquetMetaData::new(file, groups);
        ParquetMetaDataWriter::new(&mut self.output, &metadata).finish()?;
        self.output.flush()?;
        Ok(self.output.inner().get_ref())
    }
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("written", &self.written).finish_non_exhaustive()
    }
}

/// Writes the filters of keys behind the row group that they belong to.
fn with_filters(
    output: &mut TrackedWrite<Output>,
    group: RowGroupMetaData,
    filters: Vec<Option<Sbbf>>,
) -> Result<RowGroupMetaData> {
    let mut builder = group.into_builder();
    let mut columns = builder.take_columns();
    for (column, filter) in columns.iter_mut().zip(filters) {
        let Some(filter) = filter else { continue };
        let start = output.bytes_written();
        filter.write(&mut *output)?;
        let length = output.bytes_written() - start;
        let changed = column.clone().into_builder();
        let changed = changed.set_bloom_filter_offset(Some(i64::try_from(start)?));
        *column = changed.set_bloom_filter_length(Some(i32::try_from(length)?)).build()?;
    }
    builder.set_column_metadata(columns).build()
}

fn pack(schema: &SchemaDescPtr, groups: Vec<RowGroupMetaData>) -> Result<Vec<u8>> {
    let file = FileMetaData::new(1, 0, None, None, SchemaDescPtr::clone(schema), None);
    let mut packed = Vec::new();
    ParquetMetaDataWriter::new(&mut packed, &ParquetMetaData::new(file, groups)).finish()?;
    let mut packed = snap::raw::Encoder::new().compress_vec(&packed).map_err(external)?;
    packed.shrink_to_fit();
    Ok(packed)
}

fn unpack(schema: &SchemaDescPtr, packed: &[u8]) -> Result<Vec<RowGroupMetaData>> {
    let options = ParquetMetaDataOptions::new()
        .with_schema(SchemaDescPtr::clone(schema))
        .with_encoding_stats_as_mask(false);
    let packed = snap::raw::Decoder::new().decompress_vec(packed).map_err(external)?;
    let metadata = &packed[..packed.len() - TRAILER];
    let metadata = ParquetMetaDataReader::decode_metadata_with_options(metadata, Some(&options))?;
    Ok(metadata.into_builder().take_row_groups())
}

fn external(error: snap::Error) -> ParquetError {
    ParquetError::External(error.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::*;
    use crate::{PartWriter, TableSpec};

    #[test]
    fn packed_row_groups_are_what_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = |first: i64| {
            let ids = (first..first + 500).map(|row| Some(format!("{row}")));
            let ids: ArrayRef = Arc::new(ids.collect::<StringArray>());
            let levels: ArrayRef =
                Arc::new((0..500).map(|row| (row % 3 > 0).then_some(row % 7)).collect::<Int64Array>());
            RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("level", levels, true)])
                .expect("a batch")
        };
        let spec = TableSpec {
            primary_key: vec!["id".to_owned()],
            sorted_by: Some(vec!["id".to_owned()]),
            row_group_bytes: 1000,
            ..TableSpec::new(rows(0).schema())
        };
        let mut part = PartWriter::create(folder.path().join("part"), &spec).expect("a part");
        (0..30).for_each(|batch| part.write(&rows(batch * 500)).expect("rows"));
        let part = part.finish().expect("a file");
        let file = std::fs::File::open(&part.path).expect("a file");
        let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
        let reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
        let metadata = reader.parse_and_finish(&file).expect("metadata");
        let groups = metadata.row_groups();
        // Most of them were packed already.
        assert!(groups.len() > 2 * TOGETHER, "{}", groups.len());
        assert_eq!(metadata.file_metadata().num_rows(), 15_000);
        for (number, group) in groups.iter().enumerate() {
            assert_eq!(group.ordinal().map(usize::try_from), Some(Ok(number)));
            assert!(group.sorting_columns().is_some() && group.file_offset().is_some());
            let [id, level] = group.columns() else { panic!("two columns") };
            assert!(id.bloom_filter_offset().is_some() && id.statistics().is_some());
            assert!(level.dictionary_page_offset().is_some() && level.page_encoding_stats().is_some());
        }
        let schema = metadata.file_metadata().schema_descr_ptr();
        let packed = pack(&schema, groups.to_vec()).expect("packed");
        assert_eq!(unpack(&schema, &packed).expect("unpacked"), groups);
        assert!(packed.len() < groups.len() * 2 * 80, "{} of {}", packed.len(), groups.len());
    }
}
