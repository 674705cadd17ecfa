//! Tables that the tests write.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use userhaul_sink::{Part, PartWriter, SinkError, TableSpec};

/// A table of an id and a number, keyed by the id.
pub(crate) fn keyed() -> TableSpec {
    let fields = vec![Field::new("id", DataType::Utf8, true), Field::new("number", DataType::Int64, true)];
    TableSpec { primary_key: vec!["id".into()], ..TableSpec::new(Arc::new(Schema::new(fields))) }
}

/// Rows of [`keyed`].
pub(crate) fn rows(rows: &[(Option<&str>, i64)]) -> RecordBatch {
    let id: StringArray = rows.iter().map(|row| row.0).collect();
    let number: Int64Array = rows.iter().map(|row| Some(row.1)).collect();
    RecordBatch::try_new(keyed().schema, vec![Arc::new(id), Arc::new(number)]).expect("the schema fits")
}

/// A part of these batches.
pub(crate) fn part(path: &Path, spec: &TableSpec, batches: &[RecordBatch]) -> Result<Part, SinkError> {
    let mut writer = PartWriter::create(path.to_owned(), spec)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()
}
