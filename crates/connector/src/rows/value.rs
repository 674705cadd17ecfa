//! A column of any type as texts: what becomes an entry of a map.

use std::borrow::Cow;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray,
    MapArray, StringArray, StructArray, TimestampMicrosecondArray,
};

/// A column of any type. Texts are as they are, instants RFC 3339 in UTC, everything else is its JSON text.
#[derive(Debug, Clone, Copy)]
pub struct ValueColumn<'a>(pub(crate) &'a dyn Array);

impl<'a> ValueColumn<'a> {
    /// The value of a row; none where it is null or an empty text.
    pub fn get(&self, row: usize) -> Option<Cow<'a, str>> {
        let array: &'a dyn Array = self.0;
        if array.is_null(row) {
            return None;
        }
        if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
            return Some(texts.value(row)).filter(|text| !text.is_empty()).map(Cow::Borrowed);
        }
        plain(array, row).or_else(|| nested(array, row)).map(Cow::Owned)
    }
}

/// Numbers, booleans, instants and days.
fn plain(array: &dyn Array, row: usize) -> Option<String> {
    let any = array.as_any();
    if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        Some(numbers.value(row).to_string())
    } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
        Some(numbers.value(row).to_string())
    } else if let Some(bits) = any.downcast_ref::<BooleanArray>() {
        Some(bits.value(row).to_string())
    } else if let Some(amounts) = any.downcast_ref::<Decimal128Array>() {
        let text = amounts.value_as_string(row);
        let fraction = text.contains('.');
        Some(if fraction { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text })
    } else if let Some(instants) = any.downcast_ref::<TimestampMicrosecondArray>() {
        jiff::Timestamp::from_microsecond(instants.value(row)).ok().map(|instant| instant.to_string())
    } else {
        let days = any.downcast_ref::<Date32Array>()?;
        let day = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days.value(row))).ok()?;
        Some(day.to_string())
    }
}

/// Lists, objects and maps, as JSON.
fn nested(array: &dyn Array, row: usize) -> Option<String> {
    let any = array.as_any();
    if let Some(lists) = any.downcast_ref::<ListArray>() {
        let items: ArrayRef = lists.value(row);
        let items: Vec<String> = (0..items.len()).map(|item| json(&*items, item)).collect();
        return Some(format!("[{}]", items.join(",")));
    }
    let members: Vec<String> = if let Some(maps) = any.downcast_ref::<MapArray>() {
        let entries = maps.value(row);
        let (keys, values) = (entries.column(0), entries.column(1));
        (0..entries.len())
            .map(|entry| format!("{}:{}", json(&**keys, entry), json(&**values, entry)))
            .collect()
    } else {
        let objects = any.downcast_ref::<StructArray>()?;
        let members = objects.fields().iter().zip(objects.columns());
        members.map(|(field, member)| format!("{}:{}", quoted(field.name()), json(&**member, row))).collect()
    };
    Some(format!("{{{}}}", members.join(",")))
}

fn json(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    let any = array.as_any();
    if let Some(texts) = any.downcast_ref::<StringArray>() {
        return quoted(texts.value(row));
    }
    match plain(array, row) {
        Some(text) if any.is::<TimestampMicrosecondArray>() || any.is::<Date32Array>() => quoted(&text),
        Some(text) => text,
        None => nested(array, row).unwrap_or_else(|| "null".to_owned()),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int64Type;
    use arrow_schema::{DataType, Field};

    use super::*;

    #[test]
    fn every_type_has_a_text() {
        let instants = TimestampMicrosecondArray::from(vec![1_740_902_470_004_000]).with_timezone("UTC");
        let amounts = Decimal128Array::from(vec![1_250_500_000_000])
            .with_precision_and_scale(38, 9)
            .expect("a precision of 128 bits");
        let objects = StructArray::from(vec![(
            Arc::new(Field::new("a", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec!["x\"y"])) as ArrayRef,
        )]);
        let columns: [(&dyn Array, &str); 9] = [
            (&StringArray::from(vec!["é"]), "é"),
            (&Int64Array::from(vec![-3]), "-3"),
            (&Float64Array::from(vec![1.5]), "1.5"),
            (&BooleanArray::from(vec![true]), "true"),
            (&amounts, "1250.5"),
            (&instants, "2025-03-02T08:01:10.004Z"),
            (&Date32Array::from(vec![20_149]), "2025-03-02"),
            (&ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])]), "[1,null]"),
            (&objects, "{\"a\":\"x\\\"y\"}"),
        ];
        for (column, text) in columns {
            assert_eq!(ValueColumn(column).get(0).as_deref(), Some(text));
        }
        for nothing in [StringArray::from(vec![None::<&str>]), StringArray::from(vec![""])] {
            assert_eq!(ValueColumn(&nothing).get(0), None);
        }
    }
}
