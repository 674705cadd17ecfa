//! Records become batches: keys, lineage, and null for what is not known.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use userhaul_record::{
    Company, Date, Decimal, Event, Feedback, FeedbackKind, Lineage, Metric, Micros, RowLineage, Status,
    Subject, Table, Unified, User, schema,
};

const ROW: RowLineage<'static> = RowLineage { run_id: "run-1", extracted_at: Micros(7), key: "a/1" };

fn unified() -> Unified {
    Unified::new(Lineage { source: "crm", vendor: "sprig", stream: "things" })
}

fn only(unified: Unified, table: Table) -> RecordBatch {
    let mut batches = unified.finish();
    assert_eq!(batches.len(), 1);
    let (found, batch) = batches.remove(0);
    assert_eq!((found, batch.schema()), (table, schema(table)));
    batch
}

fn text<'a>(batch: &'a RecordBatch, column: &str) -> Vec<Option<&'a str>> {
    batch.column_by_name(column).unwrap().as_string::<i32>().iter().collect()
}

#[test]
fn nothing_in_nothing_out() {
    assert!(unified().finish().is_empty());
}

#[test]
fn a_user_gets_keys_and_lineage() {
    let mut unified = unified();
    let attributes = vec![(Cow::from("plan"), Some(Cow::from("gold"))), (Cow::from("seat"), None)];
    unified.user(
        ROW,
        User {
            vendor_user_id: "u1",
            status: Status::Active,
            vendor_company_id: Some("c1"),
            vendor_manager_id: Some("u0"),
            last_seen_at: Some(Micros(-1)),
            attributes,
            ..User::default()
        },
    );
    let batch = only(unified, Table::Users);
    for (column, expected) in [
        ("source", "crm"),
        ("vendor", "sprig"),
        ("user_key", "crm:u1"),
        ("vendor_user_id", "u1"),
        ("status", "active"),
        ("company_key", "crm:c1"),
        ("manager_key", "crm:u0"),
        ("_run_id", "run-1"),
    ] {
        assert_eq!(text(&batch, column), [Some(expected)], "{column}");
    }
    let instant = |column| {
        let column: &dyn Array = batch.column_by_name(column).unwrap();
        column.as_primitive::<TimestampMicrosecondType>().iter().collect::<Vec<_>>()
    };
    assert_eq!(instant("last_seen_at"), [Some(-1)]);
    assert_eq!(instant("created_at"), [None]);
    assert_eq!(instant("_extracted_at"), [Some(7)]);
    let map = batch.column_by_name("attributes").unwrap().as_map().value(0);
    assert_eq!(map.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("plan"), Some("seat")]);
    assert_eq!(map.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("gold"), None]);
}

#[test]
fn what_is_empty_is_null() {
    let mut unified = unified();
    unified.user(
        ROW,
        User {
            vendor_user_id: "u1",
            email: Some(""),
            vendor_company_id: Some(""),
            attributes: vec![(Cow::from(""), Some(Cow::from("x")))],
            ..User::default()
        },
    );
    unified.feedback(ROW, Feedback { choices: vec![Cow::from("")], ..Feedback::default() });
    let batches = unified.finish();
    let users = &batches[0].1;
    assert_eq!(text(users, "status"), [Some("unknown")]);
    for column in ["email", "company_key", "attributes", "external_id"] {
        assert_eq!(users.column_by_name(column).unwrap().null_count(), 1, "{column}");
    }
    assert_eq!(batches[1].1.column_by_name("choices").unwrap().null_count(), 1);
}

#[test]
fn rows_of_the_other_tables_are_keyed_by_stream_and_primary_key() {
    let mut unified = unified();
    let company =
        Company { vendor_company_id: "c1", mrr: Some(Decimal(1_500_000_000)), ..Company::default() };
    unified.company(ROW, company);
    unified.event(ROW, Event { event_type: "guide.started", vendor_user_id: Some("u1"), ..Event::default() });
    unified.feedback(
        ROW,
        Feedback {
            kind: FeedbackKind::Nps,
            score: Some(9.0),
            choices: vec![Cow::from("a"), Cow::from("b")],
            ..Feedback::default()
        },
    );
    unified.metric(
        ROW,
        Metric {
            subject: Subject::Company("c1"),
            date: Some(Date(1)),
            metric: "revenue.mrr",
            value: Some(0.5),
        },
    );
    let batches = unified.finish();
    let tables: Vec<_> = batches.iter().map(|(table, _)| *table).collect();
    assert_eq!(tables, [Table::Companies, Table::Events, Table::Feedback, Table::Metrics]);
    let [companies, events, feedback, metrics] = [0, 1, 2, 3].map(|index: usize| &batches[index].1);
    assert_eq!(text(companies, "company_key"), [Some("crm:c1")]);
    let mrr = companies.column_by_name("mrr").unwrap().as_primitive::<Decimal128Type>();
    assert_eq!(mrr.value_as_string(0), "1.500000000");
    assert_eq!(text(events, "event_key"), [Some("crm:things:a/1")]);
    assert_eq!(text(events, "user_key"), [Some("crm:u1")]);
    assert_eq!(text(feedback, "feedback_key"), [Some("crm:things:a/1")]);
    assert_eq!(text(feedback, "kind"), [Some("nps")]);
    assert_eq!(text(metrics, "metric_key"), [Some("crm:things:a/1/revenue.mrr")]);
    assert_eq!(text(metrics, "subject"), [Some("crm:c1")]);
    assert_eq!(metrics.column_by_name("date").unwrap().as_primitive::<Date32Type>().value(0), 1);
    assert_eq!(metrics.column_by_name("value").unwrap().as_primitive::<Float64Type>().value(0), 0.5);
}

#[test]
fn a_row_without_an_id_has_no_key() {
    let mut unified = unified();
    unified.user(ROW, User::default());
    unified.event(RowLineage { key: "", ..ROW }, Event::default());
    let batches = unified.finish();
    assert_eq!(text(&batches[0].1, "user_key"), [None]);
    assert_eq!(text(&batches[1].1, "event_key"), [None]);
}
