//! Several parts into one file without encoding anything again: their row groups are copied as they are.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::writer::SerializedFileWriter;

use crate::disk::Making;
use crate::encoder::{Output, output};
use crate::error::SinkError;
use crate::file::{Finished, finished};
use crate::part::Part;
use crate::settings;
use crate::spec::TableSpec;

/// A row group of this size is large, in bytes.
const LARGE: usize = 4 << 20;

/// Whether the parts can be copied, and are large enough that the file is not cut into crumbs: small row groups make
/// every later reading slow, which costs more than encoding them once.
pub(crate) fn possible(spec: &TableSpec, parts: &[&Part]) -> bool {
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    bytes / (parts.len().max(1) as u64) >= spec.row_group_bytes.min(LARGE) as u64 / 2
        && parts.iter().all(|part| part.schema.fields() == spec.schema.fields())
}

/// Copies all row groups into a new file beside `path`.
pub(crate) fn concat(spec: &TableSpec, parts: &[&Part], path: &Path) -> Result<Finished, SinkError> {
    let mut making = Making::beside(path)?;
    let file = output(making.create()?);
    let failed = || SinkError::parquet("write", making.path());
    let properties = settings::properties(spec, &[], true).map_err(failed())?;
    let writer = ArrowWriter::try_new(file, Arc::clone(&spec.schema), Some(properties)).map_err(failed())?;
    let (mut writer, _) = writer.into_serialized_writer().map_err(failed())?;
    let mut rows = 0;
    for part in parts {
        let source = File::open(&part.path).map_err(SinkError::io("open", &part.path))?;
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&source)
            .map_err(SinkError::parquet("read", &part.path))?;
        for index in 0..metadata.num_row_groups() {
            copy(&mut writer, &source, &metadata, index).map_err(failed())?;
        }
        rows += part.rows;
    }
    writer.finish().map_err(failed())?;
    finished(writer.inner().get_ref(), making, rows)
}

fn copy(
    writer: &mut SerializedFileWriter<Output>,
    source: &File,
    metadata: &ParquetMetaData,
    index: usize,
) -> Result<(), ParquetError> {
    let group = metadata.row_group(index);
    let rows_written = u64::try_from(group.num_rows())?;
    let mut into = writer.next_row_group()?;
    for (leaf, column) in group.columns().iter().enumerate() {
        let column_index = metadata.column_index().map(|groups| groups[index][leaf].clone());
        let offset_index = metadata.offset_index().map(|groups| groups[index][leaf].clone());
        let close = ColumnCloseResult {
            bytes_written: u64::try_from(column.compressed_size())?,
            rows_written,
            metadata: column.clone(),
            bloom_filter: Sbbf::read_from_column_chunk(column, source)?,
            column_index,
            offset_index,
        };
        into.append_column(source, close)?;
    }
    into.close()?;
    Ok(())
}
