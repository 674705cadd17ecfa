//! The facts and what is made of them, over the pages in `pages/`.

mod facts;
mod settings;
mod unify;
mod walk;

use arrow_array::{
    Array, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use serde_json::{Map, Value, json};
use userhaul_connector::{
    Connector,
    decode::{DecodeOptions, Decoder, Lineage},
    settings::{SettingValue, Settings},
    spec::{ConnectorSpec, StreamSpec},
};

/// A page of each stream, with the values of its given columns.
const PAGES: &[(&str, &str, &[&str])] = &[
    ("users", include_str!("../pages/users.json"), &[]),
    ("audiences", include_str!("../pages/audiences.json"), &[]),
    ("audience_members", include_str!("../pages/audience_members.json"), &["70ac00000000000000000001"]),
    ("audience_managers", include_str!("../pages/audience_managers.json"), &["70ac00000000000000000001"]),
    ("contents", include_str!("../pages/contents.json"), &[]),
    ("activities", include_str!("../pages/activities.json"), &[]),
    ("completions", include_str!("../pages/completions.json"), &[]),
    ("assignments", include_str!("../pages/assignments.json"), &[]),
    ("enrolments", include_str!("../pages/enrolments.json"), &["70b000000000000000000001"]),
    ("tags", include_str!("../pages/tags.json"), &[]),
    ("skill_levels", include_str!("../pages/skill_levels.json"), &[]),
    ("cpd_categories", include_str!("../pages/cpd_categories.json"), &[]),
    ("cpd_entries", include_str!("../pages/cpd_entries.json"), &[]),
    ("cpd_requirements", include_str!("../pages/cpd_requirements.json"), &[]),
    (
        "cpd_user_summaries",
        include_str!("../pages/cpd_user_summaries.json"),
        &["2026-01-01T00:00:00", "2026-12-31T23:59:59"],
    ),
];

fn spec() -> ConnectorSpec {
    ConnectorSpec::parse(crate::REGISTRATION.facts, None).expect("the facts are consistent")
}

/// The connector with an API key and the given texts.
fn connector(texts: &[(&'static str, &str)]) -> Box<dyn Connector> {
    let mut settings = Settings::default();
    settings.set("api_key", SettingValue::Secret("k".to_owned().into()));
    settings.set("tenant_id", SettingValue::Text("eu-west-2_Test00000".to_owned()));
    for &(name, text) in texts {
        settings.set(name, SettingValue::Text(text.to_owned()));
    }
    (crate::REGISTRATION.build)(spec(), &settings).expect("the settings are complete")
}

fn decode(stream: &StreamSpec, page: &str, given: &[&str]) -> RecordBatch {
    let options = DecodeOptions {
        table: stream.table.clone(),
        derived: Vec::new(),
        items: stream.items.clone(),
        single: stream.single,
        custom: None,
        rules: Vec::new(),
    };
    let given: Vec<Option<String>> = given.iter().map(|value| Some((*value).to_owned())).collect();
    let lineage = Lineage { source: "lms", run_id: "r1", extracted_at: 1_700_000_000_000_000, given: &given };
    let mut decoder = Decoder::new(&options);
    decoder.page(page.as_bytes(), &lineage).expect("the page is right");
    decoder.take().expect("the columns make a batch").rows.expect("the page has rows")
}

/// The rows of the stream's page in `PAGES`.
fn page_of(name: &str) -> RecordBatch {
    let (_, page, given) =
        PAGES.iter().find(|(stream, _, _)| *stream == name).expect("each stream has a page");
    decode(spec().stream(name).expect("a stream"), page, given)
}

/// The rows as JSON, nulls left out.
fn rows(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let row = |row| {
        let members = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, array)| (field.name(), value(array, row)));
        Value::Object(
            members
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), value))
                .collect(),
        )
    };
    (0..batch.num_rows()).map(row).collect()
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let any = array.as_any();
    if let Some(texts) = any.downcast_ref::<StringArray>() {
        json!(texts.value(row))
    } else if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        json!(numbers.value(row))
    } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
        json!(numbers.value(row))
    } else if let Some(bits) = any.downcast_ref::<BooleanArray>() {
        json!(bits.value(row))
    } else if let Some(instants) = any.downcast_ref::<TimestampMicrosecondArray>() {
        let instant = jiff::Timestamp::from_microsecond(instants.value(row)).expect("an instant of the page");
        json!(instant.to_string())
    } else if let Some(lists) = any.downcast_ref::<ListArray>() {
        let list = lists.value(row);
        (0..list.len()).map(|index| value(&list, index)).collect()
    } else if let Some(maps) = any.downcast_ref::<MapArray>() {
        let entries = maps.value(row);
        let entry = |index| {
            let key = value(entries.column(0), index).as_str().expect("keys are texts").to_owned();
            (key, value(entries.column(1), index))
        };
        Value::Object((0..entries.len()).map(entry).collect())
    } else if let Some(structs) = any.downcast_ref::<StructArray>() {
        let members = structs.column_names().into_iter().zip(structs.columns());
        let members = members.map(|(name, member)| (name.to_owned(), value(member, row)));
        Value::Object(members.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
    } else {
        panic!("no other type is in these tables: {}", array.data_type())
    }
}
