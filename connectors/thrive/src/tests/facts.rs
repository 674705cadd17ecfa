use super::*;

#[test]
fn every_stream_has_a_page_and_every_page_is_taken_whole() {
    let spec = spec();
    assert!(spec.streams.keys().eq(PAGES.iter().map(|(stream, _, _)| stream)));
    let mut shown = String::new();
    for (name, page, given) in PAGES {
        for row in rows(&decode(&spec.streams[*name], page, given)) {
            assert_eq!(row.get("_extra"), None, "{name}");
            let members = row.as_object().expect("rows are objects").iter();
            let own = members
                .filter(|(column, _)| !["_source", "_run_id", "_extracted_at"].contains(&column.as_str()));
            shown.push_str(&format!("{name}\n"));
            own.for_each(|(column, value)| shown.push_str(&format!("  {column}: {value}\n")));
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn streams_with_keys_partitions_and_columns() {
    let mut shown = String::new();
    for (name, stream) in &spec().streams {
        let key = stream.table.primary_key.join(", ");
        let (partition, mode) = (&stream.partition, stream.mode.name());
        shown.push_str(&format!("{name} key ({key}) {partition:?} {mode}\n"));
        for column in stream.columns() {
            assert!(!column.doc.is_empty(), "{name}.{}", column.field);
            shown.push_str(&format!("  {}: {}\n", column.name, column.kind.describe()));
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn no_column_of_the_pages_is_always_null_but_those_without_a_value_in_them() {
    let empty: Vec<String> = PAGES
        .iter()
        .flat_map(|(name, page, given)| {
            let batch = decode(&spec().streams[*name], page, given);
            let fields = batch.schema().fields().clone();
            let empty =
                fields.iter().zip(batch.columns()).filter(|(_, array)| array.null_count() == array.len());
            empty.map(|(field, _)| format!("{name}.{}", field.name())).collect::<Vec<_>>()
        })
        .filter(|column| !column.ends_with("._extra"))
        .collect();
    assert_eq!(empty, ["users.summary", "activities.with"]);
}

#[test]
fn a_bare_array_is_taken_where_an_envelope_is_usual() {
    let spec = spec();
    let batch = decode(&spec.streams["tags"], r#"[{ "id": "t1", "tag": "safety" }]"#, &[]);
    assert_eq!(rows(&batch)[0]["tag"], "safety");
}

#[test]
fn what_is_unknown_or_does_not_fit_is_kept() {
    let page = r#"{ "results": [ { "id": 17, "level": 2.5, "pronouns": "she", "audiences": [ { "id": "a", "name": "A" } ] } ] }"#;
    let row = rows(&decode(&spec().streams["users"], page, &[])).remove(0);
    assert_eq!(row["id"], "17");
    assert_eq!(row["audiences"], json!(["a"]));
    assert_eq!(row["_extra"], r#"{"level":2.5,"pronouns":"she","audiences":[ { "id": "a", "name": "A" } ]}"#);
}
