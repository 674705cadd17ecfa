//! A value enters its column only if nothing is lost; everything else stands in `_extra` as it came.

use arrow_array::{Array, RecordBatch, cast::AsArray, types};
use proptest::prelude::*;
use userhaul_connector::{
    decode::{DecodeError, DecodeOptions, Decoder, Lineage},
    spec::ConnectorSpec,
};

fn decoder(columns: &str) -> Decoder {
    let facts = format!(
        r#"
        connector = "x"
        title = "x"
        about = "x"
        docs = "x"
        concurrency = 1
        timeout = "1s"
        quota = {{ requests = 1, per = "1s", mode = "paced", docs = "x" }}
        check = {{ stream = "x" }}
        streams.x = {{ about = "x", docs = "x", path = "/x", primary_key = ["id"], columns = {{ id = "id", {columns} }} }}
        "#
    );
    let spec = ConnectorSpec::parse(&facts, None).expect("facts");
    let stream = spec.stream("x").expect("stream");
    Decoder::new(&DecodeOptions {
        table: stream.table.clone(),
        derived: Vec::new(),
        items: vec![String::new(), "/data".to_owned()],
        single: false,
        custom: None,
        rules: Vec::new(),
    })
}

fn read(decoder: &mut Decoder, page: &[u8]) -> Result<Option<RecordBatch>, DecodeError> {
    let lineage = Lineage { source: "s", run_id: "r", extracted_at: 7, given: &[] };
    decoder.page(page, &lineage)?;
    Ok(decoder.take()?.rows)
}

/// The column `v` and `_extra` of a page with one row, as text.
fn one(kind: &str, value: &str) -> (String, Option<String>) {
    let mut decoder = decoder(&format!("v = {kind}"));
    let page = format!(r#"[{{"id":"1","v":{value}}}]"#);
    let batch = read(&mut decoder, page.as_bytes()).expect("a page").expect("a row");
    let column = batch.column_by_name("v").expect("the column");
    let shown = if column.is_null(0) {
        "null".to_owned()
    } else {
        let options = arrow_cast::display::FormatOptions::default().with_null("null");
        arrow_cast::display::ArrayFormatter::try_new(column, &options)
            .expect("a formatter")
            .value(0)
            .to_string()
    };
    let extra = batch.column_by_name("_extra").expect("the column").as_string::<i32>().clone();
    (shown, extra.is_valid(0).then(|| extra.value(0).to_owned()))
}

#[test]
fn what_fits_stands_in_its_column() {
    for (kind, value, shown) in [
        (r#""text""#, r#""a\u00e9""#, "aé"),
        (r#""text""#, "12.50", "12.50"),
        (r#""text""#, r#""""#, ""),
        (r#""id""#, "90071992547409931234", "90071992547409931234"),
        (r#""int""#, "9223372036854775807", "9223372036854775807"),
        (r#""int""#, "3.0", "3"),
        (r#""int""#, r#""3""#, "3"),
        (r#""double""#, r#""1.5""#, "1.5"),
        (r#""bool""#, "true", "true"),
        (r#""instant""#, r#""2024-05-02T10:30:00.125+02:00""#, "2024-05-02T08:30:00.125Z"),
        (r#""instant""#, "1714638600125", "2024-05-02T08:30:00.125Z"),
        (r#""instant""#, "1714638600", "2024-05-02T08:30:00Z"),
        (r#""millis""#, "12", "1970-01-01T00:00:00.012Z"),
        (r#""date""#, r#""2024-03-01""#, "2024-03-01"),
        (r#""decimal""#, r#""1250.50""#, "1250.500000000"),
        (r#""json""#, r#"{"a": [1, 2.50]}"#, r#"{"a": [1, 2.50]}"#),
        (r#""map""#, r#"{"a":"x","b":2,"c":null,"a":"y"}"#, "{a: y, b: 2, c: null}"),
        (r#""map""#, "{}", "{}"),
        (r#"["int"]"#, "[]", "[]"),
        (r#"["int"]"#, "[1,null,2]", "[1, null, 2]"),
        (r#"["id_or_object"]"#, r#"["a",{"id":"b"}]"#, "[a, b]"),
        (r#"{ a = "int" }"#, r#"{"a":1}"#, "{a: 1}"),
    ] {
        assert_eq!(one(kind, value), (shown.to_owned(), None), "{kind} {value}");
    }
}

#[test]
fn what_would_lose_stands_in_extra_as_it_came() {
    for (kind, value) in [
        (r#""text""#, "true"),
        (r#""text""#, r#"{"a":1}"#),
        (r#""int""#, "1.5"),
        (r#""int""#, "9223372036854775808"),
        (r#""int""#, r#""3.0""#),
        (r#""int""#, "1e400"),
        (r#""double""#, "1e400"),
        (r#""double""#, "9007199254740993"),
        (r#""double""#, r#""NaN""#),
        (r#""bool""#, r#""true""#),
        (r#""bool""#, "1"),
        (r#""instant""#, r#""soon""#),
        (r#""instant""#, "42"),
        (r#""instant""#, r#""2024-05-02T08:30:00.1234567Z""#),
        (r#""date""#, r#""2024-03-01T10:00:00Z""#),
        (r#""decimal""#, "0.0000000001"),
        (r#""map""#, "[1]"),
        (r#"["int"]"#, r#"{"a":1}"#),
        (r#"{ a = "int" }"#, "[]"),
    ] {
        assert_eq!(
            one(kind, value),
            ("null".to_owned(), Some(format!(r#"{{"v":{value}}}"#))),
            "{kind} {value}"
        );
    }
}

#[test]
fn what_fits_in_part_keeps_the_part_and_stands_whole_in_extra() {
    for (kind, value, shown) in [
        (r#"["int"]"#, r#"[1,"x",2]"#, "[1, null, 2]"),
        (r#"{ a = "int" }"#, r#"{"a":1,"b":2}"#, "{a: 1}"),
        (r#"[{ a = "int" }]"#, r#"[{"a":"x"}]"#, "[{a: null}]"),
        (r#"["id_or_object"]"#, r#"[{"id":"b","n":1}]"#, "[b]"),
    ] {
        assert_eq!(
            one(kind, value),
            (shown.to_owned(), Some(format!(r#"{{"v":{value}}}"#))),
            "{kind} {value}"
        );
    }
}

#[test]
fn unknown_fields_stand_in_extra_and_of_equal_keys_the_last_wins() {
    let mut decoder = decoder(r#"v = "int""#);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let page = format!(
        "\u{FEFF} [{{\"v\":1, \"id\":1, \"x\":null, \"x\":{deep}, \"v\":2, \"\\u0079\":\"\\ud800\"}}] "
    );
    let batch = read(&mut decoder, page.as_bytes()).expect("a page").expect("a row");
    assert_eq!(batch.column_by_name("v").expect("v").as_primitive::<types::Int64Type>().value(0), 2);
    let extra = batch.column_by_name("_extra").expect("_extra").as_string::<i32>().value(0).to_owned();
    assert_eq!(extra, format!("{{\"x\":{deep},\"\\u0079\":\"\\ufffd\"}}"));
    assert_eq!(decoder.counts().surrogates, 1);
    assert!(decoder.counts().duplicate_keys >= 2);
}

#[test]
fn a_page_that_is_refused_leaves_no_row_behind() {
    let mut decoder = decoder(r#"v = "int""#);
    for page in [
        r#"[{"id":1},{"id":2,"v":1]"#.as_bytes(),
        r#"[{"id":1},7]"#.as_bytes(),
        r#"[{"id":1},{"v":7}]"#.as_bytes(),
        r#"{"error":"no"}"#.as_bytes(),
        b"[{\"id\":\"\xFF\"}]",
        b"<html>",
        b"",
    ] {
        assert!(read(&mut decoder, page).is_err(), "{}", String::from_utf8_lossy(page));
        assert_eq!(decoder.rows(), 0);
    }
    let error = read(&mut decoder, br#"[{"v":1,"name":"Ada"},{"v":2,"other":[]}]"#)
        .expect_err("rows without their key");
    assert_eq!(
        error.to_string(),
        "no row has `id`, which is part of the primary key; their fields: v, name, other"
    );
    for page in [r#"[{"v":1,"name":"Ada"},{"id":2}]"#, r#"[{"v":1,"name":"Ada"},{"id":null}]"#] {
        let error = read(&mut decoder, page.as_bytes()).expect_err("a row without its key");
        assert_eq!(
            error.to_string(),
            "row 1 has no value for `id`, which is part of the primary key; its fields: v, name"
        );
    }
}

/// Any JSON value, shallow enough to print in a failure.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<i32>().prop_map(|number| (f64::from(number) / 4.0).into()),
        "[a-z\"\\\\\n\u{e9}\u{1F600}]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever the rows: nothing of them is lost between the columns and `_extra`.
    #[test]
    fn nothing_is_lost(rows in prop::collection::vec(prop::collection::btree_map("[a-g]", json(), 0..7), 1..6)) {
        let mut decoder = decoder(r#"a = "int", b = "text", c = "json", d = "map", e = ["double"], f = { x = "bool" }"#);
        let page: Vec<serde_json::Value> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| {
                let mut row: serde_json::Map<String, serde_json::Value> = row.clone().into_iter().collect();
                row.insert("id".to_owned(), index.into());
                row.into()
            })
            .collect();
        let text = serde_json::to_vec(&page).expect("JSON");
        let batch = read(&mut decoder, &text).expect("a page").expect("rows");
        prop_assert_eq!(batch.num_rows(), rows.len());
        let extras = batch.column_by_name("_extra").expect("_extra").as_string::<i32>();
        for (index, row) in rows.iter().enumerate() {
            let extra: serde_json::Value = if extras.is_valid(index) {
                serde_json::from_str(extras.value(index)).expect("`_extra` is JSON")
            } else {
                serde_json::Value::Null
            };
            for (name, value) in row {
                let column = batch.column_by_name(name);
                let kept_whole = extra.get(name) == Some(value);
                let in_column = column.is_some_and(|column| column.is_valid(index) || value.is_null());
                prop_assert!(kept_whole || in_column, "{} of row {}", name, index);
                if let (Some(column), "c") = (column, name.as_str()) && column.is_valid(index) {
                    let kept: serde_json::Value = serde_json::from_str(column.as_string::<i32>().value(index)).expect("JSON");
                    prop_assert_eq!(&kept, value);
                }
            }
        }
    }

    /// Whatever the bytes: an answer, never a panic.
    #[test]
    fn no_bytes_make_it_panic(page in prop::collection::vec(any::<u8>(), 0..200), tail in "[\\[\\]{}\",:a0-9.eE\\\\u-]{0,60}") {
        let mut decoder = decoder(r#"v = "instant", w = { x = "decimal" }"#);
        let _ = read(&mut decoder, &page);
        let _ = read(&mut decoder, tail.as_bytes());
        let _ = read(&mut decoder, format!("[{{\"id\":1,\"v\":{tail}}}]").as_bytes());
    }
}
