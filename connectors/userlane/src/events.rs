//! `events`: one row a guide event, a user's progress in a guide, an announcement event, or a use of a tag.

use std::borrow::Cow;

use userhaul_connector::rows::{Rows, UnifyError, ValueColumn};
use userhaul_connector::spec::StreamSpec;
use userhaul_record::{Attributes, Event, Unified};

use crate::{users::vendor_user_id, words::event_type};

/// Rows of the four streams; those of others are no events.
pub(crate) fn unify(stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (object, name, word, at) = match stream.name.as_str() {
        "guide_events" => ("guide", "guide_name", Some("event_type"), "occurred_at"),
        "guide_progress" => ("guide", "guide_name", Some("status"), "updated_at"),
        "announcement_events" => ("announcement", "announcement_title", Some("event_type"), "occurred_at"),
        "tag_interactions" => ("tag", "tag_name", None, "occurred_at"),
        _ => return Ok(()),
    };
    let object_id = format!("{object}_id");
    let taken = ["id", "user_id", &object_id, name, word.unwrap_or_default(), at];
    let others: Vec<(&str, ValueColumn<'_>)> = stream
        .columns()
        .map(|column| column.name.as_str())
        .filter(|column| !taken.contains(column))
        .map(|column| Ok((column, rows.value(column)?)))
        .collect::<Result<_, UnifyError>>()?;
    let (property_ids, user_ids) = (rows.text("property_id")?, rows.text("user_id")?);
    let (object_ids, names, instants) = (rows.text(&object_id)?, rows.text(name)?, rows.instant(at)?);
    let words = word.map(|column| rows.text(column)).transpose()?;
    for (row, lineage) in rows.lineage()? {
        let vendor_user_id = vendor_user_id(property_ids.get(row), user_ids.get(row));
        let word = words.and_then(|words| words.get(row));
        let event = Event {
            vendor_user_id: vendor_user_id.as_deref(),
            user_external_id: user_ids.get(row),
            event_type: event_type(&stream.name, word.unwrap_or_default()),
            vendor_event_type: word,
            object_type: Some(object),
            object_id: object_ids.get(row),
            object_name: names.get(row),
            occurred_at: instants.get(row),
            properties: properties(&others, row),
        };
        into.event(lineage, event);
    }
    Ok(())
}

/// What no column of `events` takes, each under the name of its column; what is null is left out.
fn properties<'a>(others: &[(&'a str, ValueColumn<'a>)], row: usize) -> Attributes<'a> {
    others.iter().filter_map(|(name, column)| Some((Cow::from(*name), Some(column.get(row)?)))).collect()
}

#[cfg(test)]
mod tests {
    use crate::tests::{records, rows};

    #[test]
    fn guide_events_keep_the_vendors_words_beside_ours() {
        let page = r#"{ "data": [
            { "id": "ge_1", "eventType": "guide_started", "guideId": "4471", "guideName": "Order a laptop",
              "stepId": null, "stepIndex": null, "source": "assistant_menu", "exitReason": null,
              "userId": "emp-1", "sessionId": "se_9", "occurredAt": "2025-03-02T08:01:10.004Z" },
            { "event": "step_error", "userlaneId": 4471, "stepId": "st_3", "stepIndex": 3,
              "exitReason": "error",
              "uuid": "ge_2", "occurredAt": "2025-03-02T08:02:55Z" } ],
            "pagination": { "page": 1, "pageSize": 100, "totalItems": 2, "totalPages": 1 } }"#;
        assert_eq!(
            rows("guide_events", page),
            [
                "property_id=k3f9a | id=ge_1 | event_type=guide_started | guide_id=4471 | \
                 guide_name=Order a laptop | source=assistant_menu | user_id=emp-1 | session_id=se_9 | \
                 occurred_at=2025-03-02 08:01:10.004 | _key=ge_1",
                "property_id=k3f9a | id=ge_2 | event_type=step_error | guide_id=4471 | step_id=st_3 | \
                 step_index=3 | exit_reason=error | occurred_at=2025-03-02 08:02:55 | _key=ge_2",
            ]
        );
        assert_eq!(
            records("guide_events", page),
            [
                "event_key=adoption:guide_events:k3f9a/ge_1 | user_key=adoption:k3f9a/emp-1 | \
                 user_external_id=emp-1 | event_type=guide.started | vendor_event_type=guide_started | \
                 object_type=guide | object_id=4471 | object_name=Order a laptop | \
                 occurred_at=2025-03-02 08:01:10.004 | \
                 properties={property_id: k3f9a, source: assistant_menu, session_id: se_9}",
                "event_key=adoption:guide_events:k3f9a/ge_2 | event_type=other | \
                 vendor_event_type=step_error | object_type=guide | object_id=4471 | occurred_at=2025-03-02 \
                 08:02:55 | properties={property_id: k3f9a, step_id: st_3, step_index: 3, exit_reason: error}",
            ]
        );
    }

    #[test]
    fn progress_is_one_kind_of_event_with_the_status_as_its_word() {
        let page = r#"{ "data": [
            { "userId": "emp-1", "guideId": "4471", "guideName": "Order a laptop", "status": "exited",
              "currentStep": 3, "totalSteps": 8, "startedAt": "2025-03-02T08:01:10.004Z", "completedAt": null,
              "updatedAt": "2025-03-02T08:02:55.870Z" } ] }"#;
        assert_eq!(
            rows("guide_progress", page),
            ["property_id=k3f9a | user_id=emp-1 | guide_id=4471 | guide_name=Order a laptop | \
              status=exited | current_step=3 | total_steps=8 | started_at=2025-03-02 08:01:10.004 | \
              updated_at=2025-03-02 08:02:55.870"]
        );
        assert_eq!(
            records("guide_progress", page),
            ["event_key=adoption:guide_progress:k3f9a/emp-1/4471 | user_key=adoption:k3f9a/emp-1 | \
              user_external_id=emp-1 | event_type=guide.progress | vendor_event_type=exited | \
              object_type=guide | object_id=4471 | object_name=Order a laptop | occurred_at=2025-03-02 \
              08:02:55.870 | properties={property_id: k3f9a, current_step: 3, total_steps: 8, \
              started_at: 2025-03-02T08:01:10.004Z}"]
        );
    }

    #[test]
    fn one_push_of_two_announcements_is_two_events() {
        let page = r#"{ "data": [
            { "id": "ae_1", "eventType": "announcement_pushed", "announcementId": "an_1",
              "announcementTitle": "New policy", "guideId": null, "url": null, "userId": "emp-2",
              "occurredAt": "2025-03-02T07:30:00.000Z" },
            { "id": "ae_2", "eventType": "announcement_link_clicked", "announcementId": null,
              "announcementTitle": null, "guideId": null, "url": "https://example.com/policy", "userId": "emp-2",
              "occurredAt": "2025-03-02T07:30:00.000Z" } ] }"#;
        assert_eq!(
            rows("announcement_events", page),
            [
                "property_id=k3f9a | id=ae_1 | event_type=announcement_pushed | announcement_id=an_1 | \
                 announcement_title=New policy | user_id=emp-2 | occurred_at=2025-03-02 07:30:00 | _key=ae_1",
                "property_id=k3f9a | id=ae_2 | event_type=announcement_link_clicked | \
                 url=https://example.com/policy | user_id=emp-2 | occurred_at=2025-03-02 07:30:00 | _key=ae_2",
            ]
        );
        assert_eq!(
            records("announcement_events", page),
            [
                "event_key=adoption:announcement_events:k3f9a/ae_1 | user_key=adoption:k3f9a/emp-2 | \
                 user_external_id=emp-2 | event_type=announcement.shown | \
                 vendor_event_type=announcement_pushed | object_type=announcement | object_id=an_1 | \
                 object_name=New policy | occurred_at=2025-03-02 07:30:00 | properties={property_id: k3f9a}",
                "event_key=adoption:announcement_events:k3f9a/ae_2 | user_key=adoption:k3f9a/emp-2 | \
                 user_external_id=emp-2 | event_type=announcement.link_clicked | \
                 vendor_event_type=announcement_link_clicked | object_type=announcement | \
                 occurred_at=2025-03-02 07:30:00 | \
                 properties={property_id: k3f9a, url: https://example.com/policy}",
            ]
        );
    }

    /// vendors/userlane.md 3.4: a row is a click, or a count a day.
    #[test]
    fn tags_are_read_at_every_grain() {
        let page = r#"{ "data": [
            { "id": "ti_1", "tagId": "t_2", "tagName": "Export", "userId": "emp-2",
              "occurredAt": "2025-03-02T13:20:45.120Z" },
            { "id": "ti_2", "tagId": "t_2", "tagName": null, "userId": null, "occurredAt": null,
              "date": "2025-03-02", "count": 12, "uniqueUsers": 5 } ] }"#;
        assert_eq!(
            rows("tag_interactions", page),
            [
                "property_id=k3f9a | id=ti_1 | tag_id=t_2 | tag_name=Export | user_id=emp-2 | \
                 occurred_at=2025-03-02 13:20:45.120 | _key=ti_1",
                "property_id=k3f9a | id=ti_2 | tag_id=t_2 | occurred_at=2025-03-02 00:00:00 | count=12 | \
                 unique_users=5 | _key=ti_2",
            ]
        );
        assert_eq!(
            records("tag_interactions", page),
            [
                "event_key=adoption:tag_interactions:k3f9a/ti_1 | user_key=adoption:k3f9a/emp-2 | \
                 user_external_id=emp-2 | event_type=tag.clicked | object_type=tag | object_id=t_2 | \
                 object_name=Export | occurred_at=2025-03-02 13:20:45.120 | properties={property_id: k3f9a}",
                "event_key=adoption:tag_interactions:k3f9a/ti_2 | event_type=tag.clicked | object_type=tag | \
                 object_id=t_2 | occurred_at=2025-03-02 00:00:00 | \
                 properties={property_id: k3f9a, count: 12, unique_users: 5}",
            ]
        );
    }
}
