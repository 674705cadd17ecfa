//! The facts, the settings, and the reference's sample pages with values of our own.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use secrecy::{ExposeSecret, SecretString};
use userhaul_connector::{
    Computed, Connector,
    auth::AuthSpec,
    decode::{DecodeOptions, Decoder, DerivedLayout, Lineage, Taken},
    plan::{PlanInputs, plan},
    rows::{Lookups, Rows},
    settings::{SettingValue, Settings},
    spec::{Axis, ConnectorSpec, Paging},
};
use userhaul_record::{Table, Unified};

use crate::REGISTRATION;

mod shown;

use shown::{shown, table};

fn facts() -> ConnectorSpec {
    ConnectorSpec::parse(REGISTRATION.facts, None).expect("the facts are right")
}

fn settings(with: &[&str]) -> Settings {
    let mut settings = Settings::default();
    settings.set("api_key", SettingValue::Secret(SecretString::from("key")));
    settings.set("with", SettingValue::TextList(with.iter().map(|word| (*word).to_owned()).collect()));
    settings
}

fn sprig(with: &[&str]) -> Box<dyn Connector> {
    (REGISTRATION.build)(facts(), &settings(with)).expect("the settings are right")
}

/// A page of a stream as batches, computed columns filled.
fn decoded(sprig: &dyn Connector, name: &str, page: &str, given: &[Option<String>]) -> Taken {
    let stream = sprig.spec().stream(name).expect("the stream is there");
    let derived = sprig.spec().derived_from(name).filter_map(|child| {
        let from = child.derived.as_ref()?;
        Some(DerivedLayout {
            stream: child.name.clone(),
            table: child.table.clone(),
            field: from.field.clone(),
            inherits: from.inherits.clone(),
            single: from.single,
        })
    });
    let mut decoder = Decoder::new(&DecodeOptions {
        table: stream.table.clone(),
        derived: derived.filter(|layout| !layout.field.is_empty()).collect(),
        items: stream.items.clone(),
        single: stream.single,
        custom: None,
        rules: Vec::new(),
    });
    let lineage = Lineage { source: "surveys", run_id: "01", extracted_at: 1_700_000_000_000_000, given };
    decoder.page(page.as_bytes(), &lineage).expect("the page is right");
    let mut taken = decoder.take().expect("the columns make a batch");
    if let Some(batch) = taken.rows.as_mut().filter(|_| !stream.table.computed.is_empty()) {
        let lookups = Lookups::default();
        let rows = Rows::new(batch, &stream.table.primary_key, &lookups).expect("the key is there");
        let computed = sprig.compute(stream, &rows).expect("the columns are there");
        let names = stream.table.computed.iter().map(|column| column.name.clone());
        *batch = filled(batch, names, computed);
    }
    taken
}

fn filled(batch: &RecordBatch, names: impl Iterator<Item = String>, computed: Vec<Computed>) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    for (name, values) in names.zip(computed) {
        let index = batch.schema().index_of(&name).expect("the column is there");
        columns[index] = match values {
            Computed::Text(texts) => Arc::new(StringArray::from(texts)) as ArrayRef,
            Computed::Double(numbers) => Arc::new(Float64Array::from(numbers)),
        };
    }
    RecordBatch::try_new(batch.schema(), columns).expect("the columns make a batch")
}

fn unified(
    sprig: &dyn Connector,
    name: &str,
    batch: &RecordBatch,
    lookups: &Lookups,
) -> Vec<(Table, RecordBatch)> {
    let stream = sprig.spec().stream(name).expect("the stream is there");
    let rows = Rows::new(batch, &stream.table.primary_key, lookups).expect("the key is there");
    let mut into =
        Unified::new(userhaul_record::Lineage { source: "surveys", vendor: "sprig", stream: name });
    sprig.unify(stream, &rows, &mut into).expect("the columns are there");
    into.finish()
}

#[test]
fn the_facts_parse_and_every_stream_has_its_schema() {
    let mut lines = Vec::new();
    for stream in facts().streams.values() {
        let key = stream.table.primary_key.join(", ");
        lines.push(format!("{} ({key}) {:?} {}", stream.name, stream.partition, stream.mode.name()));
        for column in stream.columns() {
            assert!(!column.doc.is_empty(), "{}.{}", stream.name, column.name);
            lines.push(format!("  {}: {}", column.name, column.kind.describe()));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_endpoint_decides_on_the_header_word() {
    let sprig = sprig(&[]);
    for (name, word) in
        [("surveys", "Bearer"), ("responses", "Bearer"), ("themes", "Bearer"), ("users", "API-Key")]
    {
        let AuthSpec::Header { name: header, scheme, key } = sprig.auth(&sprig.spec().streams[name]) else {
            unreachable!("a header")
        };
        assert_eq!(
            (header.as_str(), scheme.as_deref(), key.expose_secret()),
            ("Authorization", Some(word), "key")
        );
    }
}

#[test]
fn the_setting_with_adds_exactly_its_parameters() {
    let responses = |with: &[&str]| {
        let stream = sprig(with).spec().streams["responses"].clone();
        let names: Vec<String> =
            stream.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let Paging::Cursor(paging) = stream.paging else { unreachable!("a cursor") };
        let passes = stream.axes.into_iter().find_map(|axis| match axis {
            Axis::Passes(passes) => Some(passes.into_iter().map(|pass| pass.params).collect::<Vec<_>>()),
            _ => None,
        });
        (names.join(" "), paging.rows, passes)
    };
    assert_eq!(responses(&[]), (String::new(), Some(1000), None));
    assert_eq!(responses(&["meta", "urls"]), ("with_urls=true with_meta=true".to_owned(), Some(1000), None));
    let deleted = vec![("with_deleted_responses".to_owned(), "true".to_owned())];
    assert_eq!(
        responses(&["deleted_responses", "snapshots", "custom_metadata"]),
        (
            "with_snapshots=true with_custom_metadata=true".to_owned(),
            Some(200),
            Some(vec![Vec::new(), deleted])
        )
    );
}

/// The requests that a plan begins with.
fn planned(sprig: &dyn Connector, name: &str, start: Option<i64>) -> Vec<String> {
    let parents = ["team_5/mia@example.com".to_owned()];
    let inputs = PlanInputs { now: 1_726_000_000_125_000, start, parents: &parents, ..PlanInputs::default() };
    let slices = plan(&sprig.spec().streams[name], &inputs).expect("a start date is not needed");
    let walks = slices.iter().flat_map(|slice| &slice.walks);
    let query = |params: &[(String, String)]| -> Vec<String> {
        params.iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    walks.map(|walk| format!("{}?{}", walk.path, query(&walk.params).join("&"))).collect()
}

#[test]
fn requests_are_those_of_the_reference() {
    let (plain, deleted) = (sprig(&[]), sprig(&["urls", "deleted_responses"]));
    let statuses = "IN_PROGRESS,PAUSED,COMPLETED,DRAFT,ARCHIVED,NEW";
    assert_eq!(
        planned(&*plain, "surveys", None),
        [format!("/v1/surveys?status={statuses}"), "/v1/surveys?".into()]
    );
    assert_eq!(planned(&*plain, "themes", Some(0)), ["/v1/themes?"]);
    assert_eq!(planned(&*plain, "users", None), ["/v2/users/team_5%2Fmia%40example.com?"]);
    assert_eq!(planned(&*plain, "responses", None), ["/v1/responses?end=1726000000126"]);
    let from = Some(1_725_000_000_000_000);
    assert_eq!(
        planned(&*deleted, "responses", from),
        [
            "/v1/responses?with_urls=true&start=1724999999999&end=1726000000126",
            "/v1/responses?with_urls=true&with_deleted_responses=true&start=1724999999999&end=1726000000126",
        ]
    );
}

#[test]
fn an_unknown_word_or_a_missing_key_is_refused() {
    let refused = |settings: &Settings| match (REGISTRATION.build)(facts(), settings) {
        Ok(_) => unreachable!("the settings are wrong"),
        Err(error) => (error.key, error.message),
    };
    assert_eq!(
        refused(&settings(&["url"])),
        (
            Some("with"),
            "unknown word `url`; one of snapshots, urls, meta, custom_metadata, deleted_responses".to_owned()
        )
    );
    assert_eq!(refused(&Settings::default()), (Some("api_key"), "a key is needed".to_owned()));
}

const SURVEYS: &str = r#"{ "cursor": null, "data": [
  { "id": 5012, "name": "Onboarding, autumn", "status": "COMPLETED", "platform": "web", "type": "CONTINUOUS",
    "totalResponseLimit": 250, "launchedAt": null, "completedAt": "2024-09-30T18:00:00.000Z",
    "createdAt": "2024-09-01T07:15:22.019Z", "updatedAt": "2024-10-01T09:00:01.500Z",
    "questions": [
      { "id": 91001, "questionText": "How easy was the start?", "type": "LIKERT", "options": [],
        "routingOptions": null, "optionsProperties": { "labels": { "left": "Hard", "right": "Easy" }, "range": 7 } },
      { "id": 91002, "questionText": "What helped?", "type": "MULTIPLECHOICE",
        "options": [{ "id": 3, "value": "The tour", "order": 1 }], "optionsProperties": null,
        "routingOptions": [{ "group": [], "target": -1 }] } ],
    "constraints": [ { "type": "SESSION_COUNT", "comparisonType": "gte", "event": null, "value": 2 },
                     { "type": "SESSION_COUNT", "comparisonType": "gte", "event": null, "value": 2 } ] } ] }"#;

#[test]
fn surveys_become_columns() {
    let taken = decoded(sprig(&[]).as_ref(), "surveys", SURVEYS, &[]);
    insta::assert_snapshot!(shown(&taken));
}

const RESPONSES: &str = r#"{ "cursor": "Y3JlYXRlZEF0OjE3MjYwMDAwMDAwMDA=", "data": [
  { "surveyId": 5012, "questionId": 91001, "questionType": "NPS", "questionText": "Would you recommend us?",
    "response": 9, "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000001",
    "visitorId": 7001, "visitorUuid": "aa000000-0000-4000-8000-000000000001",
    "externalUserId": "team_5/mia@example.com",
    "createdAt": "2024-09-10T20:26:40.000Z", "updatedAt": "2024-09-10T20:27:40.000Z" },
  { "surveyId": 5012, "questionId": 91002, "questionType": "MULTIPLESELECT", "questionText": "What helped?",
    "response": "The tour", "selectedIndexes": [1, 3],
    "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000001",
    "visitorId": 7001, "visitorUuid": "aa000000-0000-4000-8000-000000000001",
    "externalUserId": "team_5/mia@example.com",
    "createdAt": "2024-09-10T20:26:40.000Z", "updatedAt": "2024-09-10T20:26:40.000Z" },
  { "surveyId": 6000, "questionId": 91003, "questionType": "MATRIX", "questionText": "Rate each part",
    "response": { "Sync": "5 - Great", "Docs": "2" }, "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000002",
    "visitorId": 7002, "visitorUuid": "aa000000-0000-4000-8000-000000000002",
    "externalUserId": "", "partnerAnonymousId": "",
    "createdAt": "2024-09-10T20:26:41.000Z", "updatedAt": "2024-09-10T20:26:41.000Z" },
  { "surveyId": 6000, "questionId": 91004, "questionType": "VIDEOVOICE", "questionText": "Show us your desk",
    "response": { "mediaType": "video", "duration": 4.5, "uploadId": "up_1", "transcription": "A tidy desk.",
      "videoUrl": "https://media.example.com/1", "downloadUrl": "https://media.example.com/1.mp4",
      "updatedAt": "2024-09-11T00:00:00.000Z" },
    "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000003", "visitorId": 7003, "externalUserId": null,
    "url": "https://shop.example.com/start",
    "meta": { "browser": "Firefox", "os": "Linux", "language": "de-DE", "href": "https://shop.example.com/start",
      "userAgent": "Mozilla/5.0", "client": { "height": 800, "width": 1200 },
      "screen": { "height": 1080, "width": 1920 } },
    "customMetadata": { "campaign": "september" },
    "visitorSnapshot": { "visitorId": "aa000000-0000-4000-8000-000000000003", "externalUserId": null,
      "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000003", "triggeringEvent": "Opened Start",
      "attribtues": { "plan": "team", "seats": 4 }, "events": { "Opened Start": 2 },
      "eventProperties": { "first": true } },
    "deletedAt": null,
    "createdAt": "2024-09-12T08:00:00.000Z", "updatedAt": "2024-09-12T08:10:00.000Z" },
  { "surveyId": 6000, "questionId": 91005, "questionType": "OPEN", "questionText": "Anything else?",
    "response": "Nothing", "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000003", "visitorId": 7003,
    "visitorSnapshot": { "attributes": { "plan": "solo" } },
    "deletedAt": "2024-09-13T00:00:00.000Z",
    "createdAt": "2024-09-12T08:00:01.000Z", "updatedAt": "2024-09-13T00:00:00.000Z" } ] }"#;

#[test]
fn responses_become_columns() {
    let taken = decoded(sprig(&[]).as_ref(), "responses", RESPONSES, &[]);
    insta::assert_snapshot!(shown(&taken));
}

#[test]
fn responses_become_feedback() {
    let sprig = sprig(&[]);
    let surveys = decoded(sprig.as_ref(), "surveys", SURVEYS, &[]).rows.expect("there are rows");
    let mut lookups = Lookups::default();
    lookups.insert("surveys", &["id".to_owned()], vec![surveys]).expect("the key is there");
    let rows = decoded(sprig.as_ref(), "responses", RESPONSES, &[]).rows.expect("there are rows");
    let unified = unified(sprig.as_ref(), "responses", &rows, &lookups);
    assert_eq!(unified.iter().map(|(table, _)| *table).collect::<Vec<_>>(), [Table::Feedback]);
    insta::assert_snapshot!(table(&unified[0].1));
}

#[test]
fn themes_become_columns_with_or_without_an_id() {
    let page = r#"{ "cursor": null, "data": [
      { "id": 880, "theme": "Slow start", "themeDescription": "The first load takes long", "surveyId": 5012,
        "questionId": 91005, "questionType": "OPEN", "questionText": "Anything else?", "response": "Loads slowly",
        "responseGroupUid": "3b6f0a1e-0000-4000-8000-000000000001", "visitorId": 7001,
        "createdAt": "2024-09-20T10:00:00.000Z", "updatedAt": "2024-09-20T10:00:00.000Z" },
      { "theme": "Old label", "surveyId": 5012, "questionId": 91005, "responseGroupUid": "3b6f0a1e-2" } ] }"#;
    insta::assert_snapshot!(shown(&decoded(sprig(&[]).as_ref(), "themes", page, &[])));
}

const USER: &str = r#"{ "id": "aa000000-0000-4000-8000-000000000001", "externalUserId": "team_5/mia@example.com",
  "createdAt": 1725000000125, "attributes": { "plan": "team", "seats": 4, "beta": false },
  "events": [ { "event": "Opened Start", "count": 2, "createdAt": 1725000001000, "updatedAt": 1725000900000 } ] }"#;

#[test]
fn a_user_becomes_columns_and_events() {
    let given = [Some("team_5/mia@example.com".to_owned())];
    insta::assert_snapshot!(shown(&decoded(sprig(&[]).as_ref(), "users", USER, &given)));
}

#[test]
fn users_become_users() {
    let sprig = sprig(&[]);
    let records = |page: &str| {
        let given = [Some("asked".to_owned())];
        let rows = decoded(sprig.as_ref(), "users", page, &given).rows.expect("there are rows");
        unified(sprig.as_ref(), "users", &rows, &Lookups::default())
    };
    insta::assert_snapshot!(table(&records(USER)[0].1));
    insta::assert_snapshot!(table(
        &records(r#"{ "id": "aa-2", "externalUserId": "", "attributes": {} }"#)[0].1
    ));
    assert!(records(r#"{ "externalUserId": "x" }"#).is_empty());
}
