//! The facts, and what the tests of the unified tables share: pages in, records out.

use arrow_array::{
    Array, Date32Array, Float64Array, Int64Array, MapArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use userhaul_connector::decode::{DecodeOptions, Decoder, Lineage as PageLineage};
use userhaul_connector::plan::{PlanInputs, plan};
use userhaul_connector::rows::Lookups;
use userhaul_connector::settings::SettingValue;
use userhaul_record::Lineage;

use super::*;

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.set("token", SettingValue::Secret("ul_0123456789".into()));
    settings.set("property_ids", SettingValue::TextList(vec!["k3f9a".to_owned()]));
    settings
}

fn connector(corrections: Option<&str>) -> Box<dyn Connector> {
    let corrections = corrections.map(|text| toml::from_str(text).expect("corrections are TOML"));
    let spec = ConnectorSpec::parse(REGISTRATION.facts, corrections.as_ref()).expect("the facts hold");
    (REGISTRATION.build)(spec, &settings()).expect("the settings are right")
}

fn decode(connector: &dyn Connector, stream: &str, page: &str) -> RecordBatch {
    let stream = connector.spec().stream(stream).expect("a stream of the facts");
    let options = DecodeOptions {
        table: stream.table.clone(),
        derived: Vec::new(),
        items: stream.items.clone(),
        single: stream.single,
        custom: None,
        rules: Vec::new(),
    };
    let given = [Some("k3f9a".to_owned())];
    let lineage = PageLineage { source: "adoption", run_id: "run-1", extracted_at: 7, given: &given };
    let mut decoder = Decoder::new(&options);
    decoder.page(page.as_bytes(), &lineage).expect("a page of the stream");
    assert_eq!(decoder.counts().type_mismatches.len(), 0);
    decoder.take().expect("columns make a batch").rows.expect("the page has rows")
}

/// The rows that a page becomes in the vendor's table.
pub(crate) fn rows(stream: &str, page: &str) -> Vec<String> {
    printed(&decode(&*connector(None), stream, page), &["_source", "_run_id", "_extracted_at"])
}

/// The records that a page becomes, all of one unified table.
pub(crate) fn records(stream: &str, page: &str) -> Vec<String> {
    let connector = connector(None);
    let batch = decode(&*connector, stream, page);
    let spec = connector.spec().stream(stream).expect("a stream of the facts");
    let lookups = Lookups::default();
    let rows = Rows::new(&batch, &spec.table.primary_key, &lookups).expect("the key is there");
    let mut unified = Unified::new(Lineage { source: "adoption", vendor: "userlane", stream });
    connector.unify(spec, &rows, &mut unified).expect("the columns are there");
    let batches = unified.finish();
    let tables: Vec<Table> = batches.iter().map(|(table, _)| *table).collect();
    let declared = REGISTRATION.unifies.iter().find(|(name, _)| *name == stream).map(|(_, tables)| *tables);
    assert_eq!(Some(&tables[..]), declared);
    printed(&batches[0].1, &["source", "vendor", "_run_id", "_extracted_at"])
}

/// Each row as `column=value`, without nulls and without the columns `but`.
fn printed(batch: &RecordBatch, but: &[&str]) -> Vec<String> {
    let schema = batch.schema();
    let columns = schema.fields().iter().map(|field| field.name().as_str()).zip(batch.columns());
    let columns: Vec<_> = columns.filter(|(name, _)| !but.contains(name)).collect();
    let print = |row| {
        let values =
            columns.iter().filter_map(|(name, array)| Some(format!("{name}={}", value(array, row)?)));
        values.collect::<Vec<_>>().join(" | ")
    };
    (0..batch.num_rows()).map(print).collect()
}

fn value(array: &dyn Array, row: usize) -> Option<String> {
    let any = array.as_any();
    if array.is_null(row) {
        None
    } else if let Some(texts) = any.downcast_ref::<StringArray>() {
        Some(texts.value(row).to_owned())
    } else if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        Some(numbers.value(row).to_string())
    } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
        Some(format!("{:?}", numbers.value(row)))
    } else if let Some(days) = any.downcast_ref::<Date32Array>() {
        days.value_as_date(row).map(|day| day.to_string())
    } else if let Some(instants) = any.downcast_ref::<TimestampMicrosecondArray>() {
        instants.value_as_datetime(row).map(|instant| instant.to_string())
    } else if let Some(maps) = any.downcast_ref::<MapArray>() {
        Some(entries(&maps.value(row)))
    } else {
        panic!("a column of {}", array.data_type())
    }
}

fn entries(entries: &StructArray) -> String {
    let text = |column: usize, row| value(entries.column(column), row).unwrap_or_else(|| "null".to_owned());
    let pairs = (0..entries.len()).map(|row| format!("{}: {}", text(0, row), text(1, row)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

#[test]
fn every_stream_has_the_table_of_the_reference() {
    let mut described = String::new();
    for stream in connector(None).spec().streams.values() {
        let columns: Vec<String> =
            stream.columns().map(|column| format!("{}:{}", column.name, column.kind.describe())).collect();
        let key = stream.table.primary_key.join("+");
        described += &format!("{} [{key}] {}\n", stream.name, columns.join(" "));
        assert!(stream.columns().all(|column| !column.doc.is_empty()), "{}", stream.name);
        assert!(stream.assumption.is_some() && !stream.experimental, "{}", stream.name);
    }
    let expected = "\
heart_scores [property_id+date] property_id:id date:date heart_score:double happiness:double \
engagement:double adoption:double retention:double task_success:double users:int sessions:int
nps_responses [property_id+_key] property_id:id id:id user_id:id score:int comment:text responded_at:instant
survey_responses [property_id+_key] property_id:id id:id survey_id:id survey_name:text question:text \
user_id:id score:int comment:text responded_at:instant
tag_interactions [property_id+_key] property_id:id id:id tag_id:id tag_name:text user_id:id \
occurred_at:instant count:int unique_users:int
guide_events [property_id+_key] property_id:id id:id event_type:text guide_id:id guide_name:text step_id:id \
step_index:int source:text exit_reason:text user_id:id session_id:id occurred_at:instant
guide_progress [property_id+user_id+guide_id] property_id:id user_id:id guide_id:id guide_name:text \
status:text current_step:int total_steps:int started_at:instant completed_at:instant updated_at:instant
announcement_events [property_id+_key] property_id:id id:id event_type:text announcement_id:id \
announcement_title:text guide_id:id url:text user_id:id occurred_at:instant
user_profiles [property_id+user_id] property_id:id user_id:id internal_id:id source:text \
first_active_at:instant last_active_at:instant property_attributes:wrapped_map company_attributes:wrapped_map \
unknown_attributes:wrapped_map
";
    assert_eq!(described, expected);
}

/// Days since 1970, as midnight.
fn midnight(day: i64) -> i64 {
    day * 86_400_000_000
}

/// The requests of a stream for 2025-03-01 to noon of 2025-03-09 (19 783 days after 1970 is 2024-03-01).
fn requests(connector: &dyn Connector, stream: &str) -> Vec<String> {
    let ids = [("property_ids".to_owned(), vec!["k3f9a".to_owned(), "m 2".to_owned()])];
    let start = midnight(19_783 + 365);
    let now = start + midnight(8) + midnight(1) / 2;
    let inputs = PlanInputs { now, start: Some(start), settings: &ids, ..PlanInputs::default() };
    let slices =
        plan(connector.spec().stream(stream).expect("a stream of the facts"), &inputs).expect("a plan");
    let walks = slices.iter().flat_map(|slice| &slice.walks);
    walks
        .map(|walk| {
            let params: Vec<String> =
                walk.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}?{}", walk.path, params.join("&"))
        })
        .collect()
}

#[test]
fn windows_are_padded_and_never_reach_beyond_today() {
    let connector = connector(None);
    assert_eq!(
        requests(&*connector, "guide_events"),
        [
            "/v1/properties/k3f9a/guide-events?from=2025-02-28&to=2025-03-08",
            "/v1/properties/k3f9a/guide-events?from=2025-03-07&to=2025-03-09",
            "/v1/properties/m%202/guide-events?from=2025-02-28&to=2025-03-08",
            "/v1/properties/m%202/guide-events?from=2025-03-07&to=2025-03-09",
        ]
    );
    assert_eq!(
        requests(&*connector, "heart_scores"),
        [
            "/v1/properties/k3f9a/heart?from=2025-02-28&to=2025-03-09",
            "/v1/properties/m%202/heart?from=2025-02-28&to=2025-03-09",
        ]
    );
    assert_eq!(
        requests(&*connector, "user_profiles"),
        ["/v1/properties/k3f9a/users?", "/v1/properties/m%202/users?"]
    );
}

#[test]
fn the_token_stands_alone_in_its_header() {
    let connector = connector(None);
    let auth = connector.auth(&connector.spec().streams["heart_scores"]);
    assert!(!format!("{auth:?}").contains("ul_0123456789"));
    let AuthSpec::Header { name, scheme, .. } = auth else { panic!("no header") };
    assert_eq!((name.as_str(), scheme), ("Authorization", None));
}

/// The second profile of vendors/userlane.md 1.6: id in the query, other parameters, no paging, a bare array,
/// `snake_case` names, epoch milliseconds.
#[test]
fn the_wire_can_be_corrected() {
    let connector = connector(Some(
        r#"
        [streams.nps_responses]
        path = "/v1/nps"
        paging = { kind = "none" }
        axes = [
            { kind = "window", from = "startDate", to = "endDate", format = "day", by = "responded_at", days = 31, pad = "1d", keep_inside = true, start_required = true },
            { kind = "property", setting = "property_ids", param = "applicationId", column = "propertyId" },
        ]
        "#,
    ));
    assert_eq!(
        requests(&*connector, "nps_responses"),
        [
            "/v1/nps?startDate=2025-02-28&endDate=2025-03-09&applicationId=k3f9a",
            "/v1/nps?startDate=2025-02-28&endDate=2025-03-09&applicationId=m 2",
        ]
    );
    let page = r#"[{"response_id": "nps_1", "user_id": "emp-1", "score": "9", "created_at": 1740903330000}]"#;
    let rows = printed(&decode(&*connector, "nps_responses", page), &["_source", "_run_id", "_extracted_at"]);
    assert_eq!(
        rows,
        [
            "property_id=k3f9a | id=nps_1 | user_id=emp-1 | score=9 | responded_at=2025-03-02 08:15:30 | _key=nps_1"
        ]
    );
}
