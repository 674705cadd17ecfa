//! Answers that need not be an array of rows.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use arrow_array::{Array, MapArray, RecordBatch, StringArray};
use userhaul_connector::{
    column::Column,
    decode::{Alias, CustomFields, DecodeError, DecodeOptions, Decoder, Lineage, TableLayout},
};

const LINEAGE: Lineage<'static> = Lineage { source: "crm", run_id: "01", extracted_at: 0, given: &[] };

fn options(items: &[&str], columns: &str) -> DecodeOptions {
    let columns: toml::Table = toml::from_str(columns).unwrap();
    let columns = columns.iter().map(|(field, notation)| Column::parse(field, notation).unwrap()).collect();
    DecodeOptions {
        table: TableLayout { columns, stream: "things".to_owned(), ..TableLayout::default() },
        derived: Vec::new(),
        items: items.iter().map(|&pointer| pointer.to_owned()).collect(),
        single: false,
        custom: None,
        rules: Vec::new(),
    }
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(column).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

fn ids(items: &[&str], body: &str) -> Result<Vec<Option<String>>, DecodeError> {
    let mut decoder = Decoder::new(&options(items, "id = \"id\""));
    decoder.page(body.as_bytes(), &LINEAGE)?;
    Ok(decoder.take()?.rows.map_or_else(Vec::new, |batch| texts(&batch, "id")))
}

#[test]
fn a_lone_object_is_a_row_where_the_facts_say_so() {
    for (body, rows) in [
        (r#"[{"id":"a"},{"id":"b"}]"#, vec!["a", "b"]),
        (r#"{"data":[{"id":"a"}],"note":1}"#, vec!["a"]),
        (r#"{"id":"a","plan":{"name":"x"}}"#, vec!["a"]),
        ("{ }", vec![]),
        (" null ", vec![]),
        (" \n", vec![]),
        ("", vec![]),
    ] {
        let rows: Vec<_> = rows.into_iter().map(|id| Some(id.to_owned())).collect();
        assert_eq!(ids(&["", "/*", "{}"], body).unwrap(), rows, "{body}");
    }
    assert!(ids(&["", "/*", "{}"], "true").is_err());
    assert!(ids(&["", "/*", "{}"], r#"{"id":"a"} x"#).is_err());
}

#[test]
fn elsewhere_it_is_an_error() {
    for body in [r#"{"id":"a"}"#, "{}", "null", ""] {
        assert!(ids(&["", "/*"], body).is_err(), "{body}");
    }
}

#[test]
fn an_error_that_came_as_a_success_is_no_row() {
    let error = r#"{"error":{"code":"quota"}}"#;
    assert!(matches!(ids(&["", "/*", "{}"], error), Err(DecodeError::NoItems { .. })));
    let mut options = options(&[""], "id = \"id\"");
    options.single = true;
    let read = Decoder::new(&options).page(error.as_bytes(), &LINEAGE);
    assert!(matches!(read, Err(DecodeError::NoItems { .. })));
}

#[test]
fn a_page_that_ends_between_two_rows_was_cut_off() {
    for body in ["[", r#"[{"id":"a"},"#] {
        assert!(matches!(ids(&[""], body), Err(DecodeError::Json(_))), "{body}");
    }
    assert!(matches!(ids(&[""], "[1]"), Err(DecodeError::NotAnObject { row: 0 })));
}

#[test]
fn a_null_object_of_custom_fields_leaves_nothing_over() {
    let mut options = options(&[""], "id = \"id\"\ncustom = \"map\"");
    options.custom = Some(CustomFields { column: "custom".to_owned(), names: BTreeSet::new() });
    let mut decoder = Decoder::new(&options);
    let page = br#"[{"id":"a","custom":null},{"id":"b","custom":[1]},{"id":"c","custom":{"x":1}}]"#;
    decoder.page(page, &LINEAGE).unwrap();
    let rows = decoder.take().unwrap().rows.unwrap();
    let custom = rows.column_by_name("custom").unwrap();
    assert_eq!([0, 1, 2].map(|row| custom.is_null(row)), [true, true, false]);
    assert_eq!(texts(&rows, "_extra"), [None, Some(r#"{"custom":[1]}"#.to_owned()), None]);
}

/// Where a type looks for one member of an object, that member may have another name.
#[test]
fn the_member_that_a_type_looks_for_may_be_called_otherwise() {
    let mut options = options(&[""], "id = \"id\"\nowner = \"id_or_object\"\nfacts = \"wrapped_map\"");
    let alias = |field: &str, path: &str| Alias { field: field.to_owned(), path: path.to_owned() };
    options.table.aliases = vec![alias("owner/id", "uid"), alias("facts/value", "val")];
    let mut decoder = Decoder::new(&options);
    let page = br#"[{"id":"a","owner":{"uid":"u-1"},"facts":{"plan":{"val":"gold"},"old":{"value":1}}}]"#;
    decoder.page(page, &LINEAGE).unwrap();
    let rows = decoder.take().unwrap().rows.unwrap();
    assert_eq!(texts(&rows, "owner"), [Some("u-1".to_owned())]);
    assert_eq!(texts(&rows, "_extra"), [None]);
    let facts = rows.column_by_name("facts").unwrap().as_any().downcast_ref::<MapArray>().unwrap();
    let values = facts.value(0);
    let values = values.column(1).as_any().downcast_ref::<StringArray>().unwrap();
    assert_eq!(values.iter().collect::<Vec<_>>(), [Some("gold"), Some("1")]);
}
