//! Fields that come under several names.

use arrow_array::{Array, Int64Array, StringArray};
use userhaul_connector::{
    column::Column,
    decode::{Alias, DecodeOptions, Decoder, Lineage, TableLayout},
};

/// `at` and `_extra` of a row with the field `at`, also known as `date` and `day`.
fn read(row: &str) -> (Option<i64>, Option<String>) {
    let column = Column::parse("at", &toml::Value::String("int".to_owned())).expect("a column");
    let alias = |path: &str| Alias { field: "at".to_owned(), path: path.to_owned() };
    let mut decoder = Decoder::new(&DecodeOptions {
        table: TableLayout {
            columns: vec![column],
            aliases: vec![alias("date"), alias("day")],
            ..TableLayout::default()
        },
        derived: Vec::new(),
        items: vec![String::new()],
        single: false,
        custom: None,
        rules: Vec::new(),
    });
    let lineage = Lineage { source: "s", run_id: "r", extracted_at: 0, given: &[] };
    decoder.page(format!("[{row}]").as_bytes(), &lineage).expect("a page");
    let batch = decoder.take().expect("a batch").rows.expect("a row");
    let numbers = batch.column_by_name("at").and_then(|array| array.as_any().downcast_ref::<Int64Array>());
    let extras = batch.column_by_name("_extra");
    let extras = extras.and_then(|array| array.as_any().downcast_ref::<StringArray>());
    let (numbers, extras) = numbers.zip(extras).expect("both columns");
    (numbers.iter().next().flatten(), extras.iter().next().flatten().map(str::to_owned))
}

#[test]
fn a_value_goes_before_null_and_the_own_name_before_aliases() {
    for (row, at, extra) in [
        (r#"{"date":1}"#, Some(1), None),
        (r#"{"at":null,"date":1}"#, Some(1), None),
        (r#"{"date":1,"at":null}"#, Some(1), None),
        (r#"{"day":null,"date":null,"at":null}"#, None, None),
        (r#"{"at":2,"date":1}"#, Some(2), Some(r#"{"date":1}"#)),
        (r#"{"date":1,"at":2}"#, Some(2), Some(r#"{"date":1}"#)),
        (r#"{"day":3,"at":null,"date":1}"#, Some(3), Some(r#"{"date":1}"#)),
        (r#"{"date":1,"at":2,"date":4,"at":5}"#, Some(5), Some(r#"{"date":4}"#)),
        (r#"{"d\u0061te":1,"at":null}"#, Some(1), None),
    ] {
        assert_eq!(read(row), (at, extra.map(str::to_owned)), "{row}");
    }
}
