//! What was written, read back: Parquet into plain JSON values, one object a row.
//!
//! Instants are microseconds, days their ISO text, amounts a number of billionths as text.

use std::{fs::File, path::Path};

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType},
};
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};

/// A table: its schema and all its rows.
#[derive(Debug, Clone)]
pub struct Table {
    /// The schema that all its files have.
    pub schema: SchemaRef,
    /// The rows of all files, in the order of the files' names.
    pub rows: Vec<Map<String, Value>>,
}

/// Reads every Parquet file directly in a folder.
///
/// # Errors
/// Where there is none, where another file stands, or where the files differ in their schema.
///
/// # Panics
/// When a file is no Parquet file.
pub fn read(folder: &Path) -> Result<Table, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder's entry").path()).collect();
    paths.sort();
    let mut table: Option<Table> = None;
    for path in paths {
        if path.extension().is_none_or(|extension| extension != "parquet") {
            return Err(format!("{} is no table", path.display()));
        }
        let file = File::open(&path).expect("a file that is there");
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
        let table = table.get_or_insert_with(|| Table { schema: builder.schema().clone(), rows: Vec::new() });
        if table.schema.fields() != builder.schema().fields() {
            return Err(format!("{} has another schema than its neighbours", path.display()));
        }
        for batch in builder.build().expect("a reader") {
            table.rows.extend(rows(&batch.expect("a batch")));
        }
    }
    table.ok_or_else(|| format!("{} has no file", folder.display()))
}

fn rows(batch: &RecordBatch) -> impl Iterator<Item = Map<String, Value>> + '_ {
    (0..batch.num_rows()).map(|row| {
        let schema = batch.schema();
        let cells = schema.fields().iter().zip(batch.columns());
        cells.map(|(field, column)| (field.name().clone(), cell(column.as_ref(), row))).collect()
    })
}

fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).into(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row).to_string().into(),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(i64::from(days));
            day.to_string().into()
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|item| cell(items.as_ref(), item)).collect()
        }
        DataType::Struct(fields) => {
            let members = fields.iter().zip(column.as_struct().columns());
            Value::Object(
                members.map(|(field, member)| (field.name().clone(), cell(member.as_ref(), row))).collect(),
            )
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1));
            let entries =
                (0..entries.len()).map(|entry| (keys.value(entry).to_owned(), cell(values.as_ref(), entry)));
            Value::Object(entries.collect())
        }
        other => panic!("no table has the type {other}"),
    }
}
