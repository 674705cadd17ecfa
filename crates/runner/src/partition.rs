//! Which file a row belongs to.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, Date32Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array, cast::AsArray,
};
use arrow_schema::ArrowError;
use sha2::{Digest, Sha256};
use userhaul_connector::spec::PartitionBy;

/// Sixteen files for streams whose rows have no other lasting order.
const BUCKETS: u8 = 16;

/// The label of the only file of a table that is not cut.
pub(crate) const ALL: &str = "all";

/// Cuts a batch by partition: label and rows.
pub(crate) fn cut(
    batch: RecordBatch,
    by: &PartitionBy,
    primary_key: &[String],
) -> Result<Vec<(String, RecordBatch)>, ArrowError> {
    let labels: Vec<String> = match by {
        PartitionBy::One => return Ok(vec![(ALL.to_owned(), batch)]),
        PartitionBy::Value(column) => values(&batch, column)?,
        PartitionBy::Month(column) => months(&batch, column)?,
        PartitionBy::Bucket => buckets(&batch, primary_key)?,
    };
    let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (row, label) in labels.into_iter().enumerate() {
        rows.entry(label).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    if rows.len() == 1 {
        return Ok(rows.into_keys().map(|label| (label, batch.clone())).collect());
    }
    rows.into_iter()
        .map(|(label, rows)| {
            let cut = arrow_select::take::take_record_batch(&batch, &UInt32Array::from(rows))?;
            Ok((label, cut))
        })
        .collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Arc<dyn Array>, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column `{name}`")))
}

fn values(batch: &RecordBatch, name: &str) -> Result<Vec<String>, ArrowError> {
    let texts = column(batch, name)?.as_string::<i32>();
    Ok(texts.iter().map(|text| safe(text.unwrap_or("none"))).collect())
}

fn months(batch: &RecordBatch, name: &str) -> Result<Vec<String>, ArrowError> {
    let array = column(batch, name)?;
    let day = |row: usize| -> Option<i64> {
        if array.is_null(row) {
            return None;
        }
        if let Some(instants) = array.as_any().downcast_ref::<TimestampMicrosecondArray>() {
            return Some(instants.value(row).div_euclid(86_400_000_000));
        }
        array.as_any().downcast_ref::<Date32Array>().map(|days| i64::from(days.value(row)))
    };
    Ok((0..batch.num_rows())
        .map(|row| day(row).and_then(month).unwrap_or_else(|| "undated".to_owned()))
        .collect())
}

fn month(day: i64) -> Option<String> {
    let span = jiff::Span::new().try_days(day).ok()?;
    let date = jiff::civil::date(1970, 1, 1).checked_add(span).ok()?;
    Some(date.strftime("%Y-%m").to_string())
}

fn buckets(batch: &RecordBatch, primary_key: &[String]) -> Result<Vec<String>, ArrowError> {
    let keys: Vec<&Arc<dyn Array>> =
        primary_key.iter().map(|name| column(batch, name)).collect::<Result<_, _>>()?;
    Ok((0..batch.num_rows())
        .map(|row| {
            let mut hash = Sha256::new();
            for key in &keys {
                if let Some(texts) = key.as_any().downcast_ref::<StringArray>() {
                    hash.update(texts.value(row));
                } else if let Some(numbers) = key.as_any().downcast_ref::<arrow_array::Int64Array>() {
                    hash.update(numbers.value(row).to_le_bytes());
                }
                hash.update([0]);
            }
            format!("bucket-{:02}", hash.finalize()[0] % BUCKETS)
        })
        .collect())
}

/// The label of the file that stands for a table without rows, where partitions are named by their rows.
pub(crate) const EMPTY: &str = "empty";

/// A vendor's text as part of a file name: itself where it is harmless, else a hash.
pub(crate) fn safe(text: &str) -> String {
    let harmless = (1..=64).contains(&text.len())
        && text != EMPTY
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
    if harmless {
        return text.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("h-{hex}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_values_name_files_of_their_folder() {
        let odd =
            ["", "..", "../../etc/passwd", "a/b", "a\0b", "CON", "%2f", "year=2026/..", "\u{202e}x", EMPTY];
        for text in odd {
            let name = safe(text);
            assert!(name.starts_with("h-") && name.len() == 26, "{text:?} is named {name}");
        }
        assert_eq!(safe("k3f9a"), "k3f9a");
    }

    proptest! {
        #[test]
        fn any_two_values_have_two_harmless_names(one in "\\PC{0,80}", two in "\\PC{0,80}") {
            let names = [safe(&one), safe(&two)];
            for name in &names {
                prop_assert!(!name.is_empty() && name.len() <= 64);
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
            }
            prop_assert_eq!(one == two, names[0] == names[1]);
        }
    }
}
