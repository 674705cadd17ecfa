//! Arrow's columns in the words of the documentation, and in a form that text formats take.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, ListArray, MapArray, RecordBatch, StructArray, cast::AsArray,
    types::TimestampMicrosecondType,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

/// A column's type as the documentation writes it: `string`, `timestamp(us, UTC)`, `list<int64>`.
pub(crate) fn type_name(kind: &DataType) -> String {
    let entry = |field: &FieldRef| type_name(field.data_type());
    match kind {
        DataType::Utf8 => "string".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => format!("timestamp(us, {zone})"),
        DataType::Decimal128(digits, scale) => format!("decimal({digits}, {scale})"),
        DataType::List(item) => format!("list<{}>", entry(item)),
        DataType::Struct(members) => {
            let members: Vec<String> =
                members.iter().map(|field| format!("{}: {}", field.name(), entry(field))).collect();
            format!("struct<{}>", members.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                let pair: Vec<String> = pair.iter().map(entry).collect();
                format!("map<{}>", pair.join(", "))
            }
            other => type_name(other),
        },
        other => other.to_string().to_lowercase(),
    }
}

/// The rows with instants in a zone that Arrow's writers of text know: `UTC` by name would need a table of all zones.
pub(crate) fn with_offsets(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = schema_with_offsets(batch.schema_ref());
    RecordBatch::try_new(schema, batch.columns().iter().map(retyped).collect())
}

/// The schema of [`with_offsets`].
pub(crate) fn schema_with_offsets(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(offset_field).collect::<Vec<_>>()))
}

fn offset_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), offset_type(field.data_type()), field.is_nullable()))
}

fn offset_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Timestamp(unit, Some(zone)) if &**zone == "UTC" => {
            DataType::Timestamp(*unit, Some("+00:00".into()))
        }
        DataType::List(item) => DataType::List(offset_field(item)),
        DataType::Struct(members) => DataType::Struct(members.iter().map(offset_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(offset_field(entries), *sorted),
        other => other.clone(),
    }
}

/// The same values under the type of [`offset_type`].
fn retyped(column: &ArrayRef) -> ArrayRef {
    let kind = offset_type(column.data_type());
    match (column.data_type(), &kind) {
        (before, after) if before == after => Arc::clone(column),
        (_, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            let instants = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(instants.with_timezone("+00:00"))
        }
        (_, DataType::List(item)) => {
            let list = column.as_list::<i32>();
            let values = retyped(list.values());
            Arc::new(ListArray::new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned()))
        }
        (_, DataType::Struct(_)) => Arc::new(retyped_struct(column.as_struct())),
        (_, DataType::Map(entries, sorted)) => {
            let map = column.as_map();
            let pairs = retyped_struct(map.entries());
            Arc::new(MapArray::new(
                Arc::clone(entries),
                map.offsets().clone(),
                pairs,
                map.nulls().cloned(),
                *sorted,
            ))
        }
        _ => Arc::clone(column),
    }
}

fn retyped_struct(record: &StructArray) -> StructArray {
    let fields: Fields = record.fields().iter().map(offset_field).collect();
    StructArray::new(fields, record.columns().iter().map(retyped).collect(), record.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_of_the_documentation() {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let member = Field::new("at", instant, true);
        let list = DataType::List(Arc::new(Field::new("item", DataType::Struct(vec![member].into()), true)));
        assert_eq!(type_name(&list), "list<struct<at: timestamp(us, UTC)>>");
        assert_eq!(type_name(&DataType::Decimal128(38, 9)), "decimal(38, 9)");
        assert_eq!(
            [DataType::Utf8, DataType::Int64, DataType::Date32].map(|kind| type_name(&kind)),
            ["string", "int64", "date32"]
        );
    }
}
