//! Columns of vendor rows that are columns of unified records as they stand.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, MapArray, StringArray};
use arrow_schema::DataType;

/// The column under the rules of unified tables: no text is empty, no entry of a map is without a name. As most columns
/// keep to them anyway, this is mostly the array itself.
pub(crate) fn known(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8 if has_empty(array.as_string()) => {
            let texts = array.as_string::<i32>().iter();
            Arc::new(texts.map(|text| text.filter(|text| !text.is_empty())).collect::<StringArray>())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let [keys, values] = [map.keys(), map.values()].map(|texts| texts.as_string());
            let lone = (0..map.len()).any(|row| map.is_valid(row) && map.value_length(row) == 0);
            if lone || has_empty(keys) || has_empty(values) {
                entries(map, keys, values)
            } else {
                Arc::clone(array)
            }
        }
        _ => Arc::clone(array),
    }
}

/// Whether a text is empty but not null.
fn has_empty(texts: &StringArray) -> bool {
    let empty = |(row, ends): (usize, &[i32])| ends[0] == ends[1] && texts.is_valid(row);
    texts.value_offsets().windows(2).enumerate().any(empty)
}

/// The map without entries that have no name, its empty values null; null where it has no entry.
fn entries(map: &MapArray, keys: &StringArray, values: &StringArray) -> ArrayRef {
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut made = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for (row, ends) in map.value_offsets().windows(2).enumerate() {
        let [from, to] = [ends[0], ends[1]].map(|end| usize::try_from(end).unwrap_or_default());
        let before = made.keys().len();
        for entry in (from..to).filter(|&entry| map.is_valid(row) && !keys.value(entry).is_empty()) {
            made.keys().append_value(keys.value(entry));
            let value = values.is_valid(entry).then(|| values.value(entry));
            made.values().append_option(value.filter(|value| !value.is_empty()));
        }
        let known = made.keys().len() > before;
        made.append(known).expect("each key has been given a value");
    }
    Arc::new(made.finish())
}
