//! Batches as text: a line for each value that is not null.

use arrow_array::{
    Array, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use userhaul_connector::decode::Taken;

pub(super) fn shown(taken: &Taken) -> String {
    let mut text = taken.rows.as_ref().map(table).unwrap_or_default();
    for (stream, batch) in &taken.derived {
        text.push_str(&format!("\n{stream}\n{}", table(batch)));
    }
    text
}

/// Lineage that every row has alike is left out.
pub(super) fn table(batch: &RecordBatch) -> String {
    let mut lines = Vec::new();
    for row in 0..batch.num_rows() {
        lines.push(format!("row {row}"));
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let alike =
                ["source", "vendor", "_source", "_run_id", "_extracted_at"].contains(&field.name().as_str());
            if array.is_valid(row) && !alike {
                lines.push(format!("  {}: {}", field.name(), value(array, row)));
            }
        }
    }
    lines.join("\n")
}

fn value(array: &dyn Array, row: usize) -> String {
    let any = array.as_any();
    if array.is_null(row) {
        "-".to_owned()
    } else if let Some(texts) = any.downcast_ref::<StringArray>() {
        texts.value(row).to_owned()
    } else if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        numbers.value(row).to_string()
    } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
        format!("{:?}", numbers.value(row))
    } else if let Some(bits) = any.downcast_ref::<BooleanArray>() {
        bits.value(row).to_string()
    } else if let Some(instants) = any.downcast_ref::<TimestampMicrosecondArray>() {
        format!("@{}", instants.value(row))
    } else if let Some(list) = any.downcast_ref::<ListArray>() {
        all(list.value(row).as_ref())
    } else if let Some(map) = any.downcast_ref::<MapArray>() {
        all(&map.value(row))
    } else if let Some(members) = any.downcast_ref::<StructArray>() {
        let members = members.column_names().into_iter().zip(members.columns());
        let members: Vec<String> =
            members.map(|(name, member)| format!("{name}={}", value(member, row))).collect();
        format!("({})", members.join(" "))
    } else {
        unreachable!("no column of Sprig's has another type")
    }
}

fn all(values: &dyn Array) -> String {
    let values: Vec<String> = (0..values.len()).map(|index| value(values, index)).collect();
    format!("[{}]", values.join(", "))
}
