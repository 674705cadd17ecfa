//! Columns back to values: rows of files that are pushed, and of tables that are compared.

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{
        Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use userhaul_connector::push::Value;

/// The rows of a batch: a value a column.
pub fn rows(batch: &RecordBatch) -> Vec<Vec<Value>> {
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect())
        .collect()
}

/// One cell. Types that JSON has no word for give [`Value::Odd`].
fn cell(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    macro_rules! number {
        ($kind:ty) => {
            Value::Number(array.as_primitive::<$kind>().value(row).to_string())
        };
    }
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => double(array.as_primitive::<Float32Type>().value(row).to_string()),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row).to_string()),
        DataType::Decimal128(_, _) => {
            let text = array.as_primitive::<Decimal128Type>().value_as_string(row);
            let trimmed =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            Value::Number(trimmed.to_owned())
        }
        DataType::Utf8 => Value::text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::text(array.as_string_view().value(row)),
        DataType::Date32 => day(i64::from(array.as_primitive::<Date32Type>().value(row)) * 86_400_000_000),
        DataType::Date64 => day(array.as_primitive::<Date64Type>().value(row).saturating_mul(1000)),
        DataType::Timestamp(unit, _) => instant(match unit {
            TimeUnit::Second => {
                array.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000)
            }
            TimeUnit::Millisecond => {
                array.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1000)
            }
            TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
            TimeUnit::Nanosecond => {
                array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1000)
            }
        }),
        DataType::List(_) => list(array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row).as_ref()),
        DataType::FixedSizeList(_, _) => list(array.as_fixed_size_list().value(row).as_ref()),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let members =
                fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), cell(column, row)));
            Value::Object(members.collect())
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let [keys, values] = entries.columns() else { return Value::Odd("a map of another form") };
            let member = |entry: usize| {
                let name = cell(keys, entry).as_text().unwrap_or_default().to_owned();
                (name, cell(values, entry))
            };
            Value::Object((0..entries.len()).map(member).collect())
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            match dictionary.normalized_keys().get(row) {
                Some(&key) => cell(dictionary.values(), key),
                None => Value::Null,
            }
        }
        DataType::Null => Value::Null,
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) | DataType::BinaryView => {
            Value::Odd("bytes")
        }
        _ => Value::Odd("a value of a type that has no text"),
    }
}

fn double(text: String) -> Value {
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'e')) {
        Value::Number(text)
    } else {
        Value::Odd("NaN or infinity")
    }
}

fn list(values: &dyn Array) -> Value {
    Value::List((0..values.len()).map(|index| cell(values, index)).collect())
}

fn day(micros: i64) -> Value {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(instant) => Value::Date(instant.strftime("%Y-%m-%d").to_string()),
        Err(_) => Value::Odd("a date beyond the calendar"),
    }
}

fn instant(micros: i64) -> Value {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(instant) => Value::Instant(instant.to_string()),
        Err(_) => Value::Odd("an instant beyond the calendar"),
    }
}
