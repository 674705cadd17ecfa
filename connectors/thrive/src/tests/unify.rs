use super::*;
use userhaul_connector::rows::{Lookups, Rows};
use userhaul_record::{Lineage, Table, Unified};

/// The unified rows of a stream's page, without the columns that are alike in all.
fn unified(stream: &str, batch: &RecordBatch) -> Vec<(Table, Value)> {
    let connector = connector(&[]);
    let stream = &connector.spec().streams[stream];
    let mut lookups = Lookups::default();
    lookups.insert("contents", &["id".to_owned()], vec![page_of("contents")]).expect("contents have ids");
    let view = Rows::new(batch, &stream.table.primary_key, &lookups).expect("the key is there");
    let mut into = Unified::new(Lineage { source: "lms", vendor: "thrive", stream: &stream.name });
    connector.unify(stream, &view, &mut into).expect("the columns are there");
    let shown = |row: &mut Value| {
        let members = row.as_object_mut().expect("rows are objects");
        members.retain(|name, _| !["source", "vendor", "_run_id", "_extracted_at"].contains(&name.as_str()));
        row.take()
    };
    let batches = into.finish();
    batches
        .iter()
        .flat_map(|(table, batch)| rows(batch).iter_mut().map(|row| (*table, shown(row))).collect::<Vec<_>>())
        .collect()
}

#[test]
fn users() {
    let expected = [
        json!({
            "user_key": "lms:70aa00000000000000000001", "vendor_user_id": "70aa00000000000000000001",
            "external_id": "E-100", "email": "ada.byron@example.com", "first_name": "Ada", "last_name": "Byron",
            "status": "active", "vendor_status": "active", "role": "learner", "job_title": "Engineer",
            "language": "it-it", "time_zone": "Europe/Rome", "manager_key": "lms:70aa00000000000000000009",
            "created_at": "2023-01-09T07:00:00Z", "updated_at": "2026-03-01T09:10:12Z",
            "first_seen_at": "2023-01-10T08:00:00Z", "last_seen_at": "2026-03-01T09:10:11.012Z",
            "attributes": { "location": "Turin", "floor": "3" },
        }),
        json!({
            "user_key": "lms:70aa00000000000000000002", "vendor_user_id": "70aa00000000000000000002",
            "status": "deleted", "vendor_status": "inactive", "role": "learner",
        }),
    ];
    assert_eq!(unified("users", &page_of("users")), expected.map(|row| (Table::Users, row)));
}

#[test]
fn standings_and_positions() {
    let page = r#"{ "results": [
        { "id": "1", "status": "new", "positions": [ { "title": "First", "isActive": false }, { "title": "Second" } ] },
        { "id": "2", "status": "inactive", "positions": [ null, { "title": "", "isActive": true } ] },
        { "id": "3", "status": "expired", "positions": null },
        { "id": "4", "status": "paused" },
        { "id": "5" } ] }"#;
    let batch = decode(&spec().streams["users"], page, &[]);
    let rows = unified("users", &batch);
    let shown: Vec<(&Value, Option<&Value>, Option<&Value>)> = rows
        .iter()
        .map(|(_, row)| (&row["status"], row.get("vendor_status"), row.get("job_title")))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("invited"), Some(&json!("new")), Some(&json!("First"))),
            (&json!("suspended"), Some(&json!("inactive")), None),
            (&json!("suspended"), Some(&json!("expired")), None),
            (&json!("unknown"), Some(&json!("paused")), None),
            (&json!("unknown"), None, None),
        ]
    );
}

#[test]
fn events_of_activities() {
    let expected = [
        json!({
            "event_key": "lms:activities:70ae00000000000000000001", "user_key": "lms:70aa00000000000000000001",
            "event_type": "learning.viewed", "vendor_event_type": "viewed", "object_type": "content",
            "object_id": "70ad00000000000000000001", "object_name": "Oiling gears",
            "occurred_at": "2026-02-03T11:12:13.141Z",
            "properties": {
                "name": "Oiling gears", "data": r#"{ "source": { "source": "feed" }, "duration": "95" }"#,
            },
        }),
        json!({
            "event_key": "lms:activities:70ae00000000000000000002", "user_key": "lms:70aa00000000000000000001",
            "event_type": "learning.loggedin", "vendor_event_type": "loggedin", "occurred_at": "2026-02-03T11:00:00Z",
            "properties": { "content_type": "none", "data": "{}" },
        }),
    ];
    assert_eq!(unified("activities", &page_of("activities")), expected.map(|row| (Table::Events, row)));
}

#[test]
fn an_activity_without_a_type_is_other() {
    let page = r#"{ "results": [ { "id": "1", "contextId": "gone", "contextType": "content" } ] }"#;
    let batch = decode(&spec().streams["activities"], page, &[]);
    let expected = json!({
        "event_key": "lms:activities:1", "event_type": "other", "object_type": "content", "object_id": "gone",
    });
    assert_eq!(unified("activities", &batch), [(Table::Events, expected)]);
}

#[test]
fn events_of_completions() {
    let expected = json!({
        "event_key": "lms:completions:70af00000000000000000001", "user_key": "lms:70aa00000000000000000001",
        "event_type": "content.completed", "object_type": "content", "object_id": "70ad00000000000000000001",
        "object_name": "Oiling gears", "occurred_at": "2019-06-01T00:00:00Z",
        "properties": {
            "completion_type": "default", "content_version": "3", "had_due_date": "false", "is_rpl": "true",
            "skills": "[\"engines\"]", "active_until": "2027-06-01T00:00:00Z",
        },
    });
    assert_eq!(unified("completions", &page_of("completions")), [(Table::Events, expected)]);
}

#[test]
fn events_of_enrolments() {
    let expected = json!({
        "event_key": "lms:enrolments:70b100000000000000000001", "user_key": "lms:70aa00000000000000000001",
        "event_type": "enrolment.overdue", "vendor_event_type": "overdue", "object_type": "content",
        "object_id": "70ad00000000000000000001", "object_name": "Oiling gears",
        "occurred_at": "2025-03-17T00:00:05Z",
        "properties": {
            "assignment_id": "70b000000000000000000001", "audience_id": "70ac00000000000000000001",
            "available_date": "2025-03-03T00:00:00Z", "due_date": "2025-03-17T00:00:00Z",
            "last_completed_at": "2024-03-03T10:00:00Z",
        },
    });
    assert_eq!(unified("enrolments", &page_of("enrolments")), [(Table::Events, expected)]);
}

#[test]
fn events_of_cpd_entries() {
    let expected = json!({
        "event_key": "lms:cpd_entries:70b400000000000000000001", "user_key": "lms:70aa00000000000000000001",
        "event_type": "cpd.logged", "object_type": "video", "object_name": "Oiling gears",
        "occurred_at": "2026-02-04T08:00:00.5Z",
        "properties": {
            "category.category_id": "70b300000000000000000001", "category.name": "LECTURES", "description": "Oil first.",
            "duration_minutes": "40", "is_verified": "false",
        },
    });
    assert_eq!(unified("cpd_entries", &page_of("cpd_entries")), [(Table::Events, expected)]);
}

#[test]
fn nothing_else_writes_unified_rows() {
    for (stream, _, _) in PAGES {
        let declared = crate::REGISTRATION.unifies.iter().find(|(name, _)| name == stream);
        let tables: Vec<Table> =
            unified(stream, &page_of(stream)).into_iter().map(|(table, _)| table).collect();
        assert!(
            tables.iter().all(|table| declared.is_some_and(|(_, declared)| declared.contains(table))),
            "{stream}"
        );
        assert_eq!(tables.is_empty(), declared.is_none(), "{stream}");
    }
}
