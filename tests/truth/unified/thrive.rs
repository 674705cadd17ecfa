//! Thrive: users with their standing, and what they did.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Records, instant, key, map, moment, properties, text};
use crate::run::Outcome;

/// What Thrive's rows make.
pub(crate) fn records(outcome: &Outcome) -> Records {
    let mut records = Records::default();
    outcome.truth("users").iter().for_each(|row| user(&mut records, row));
    let contents = outcome.truth("contents");
    let titles: BTreeMap<&str, Value> =
        contents.iter().filter_map(|row| Some((row["id"].as_str()?, text(&row["title"])))).collect();
    let title = |id: &Value| id.as_str().and_then(|id| titles.get(id).cloned()).unwrap_or_default();
    for row in outcome.truth("completions") {
        records.add(
            "events",
            [
                ("event_key", own(&row, "completions", "id")),
                ("user_key", key(&row["userId"])),
                ("event_type", "content.completed".into()),
                ("object_type", "content".into()),
                ("object_id", text(&row["contentId"])),
                ("object_name", title(&row["contentId"])),
                ("occurred_at", instant(&row["completedAt"])),
                (
                    "properties",
                    properties([
                        ("completion_type", row["completionType"].clone()),
                        ("content_version", row["contentVersion"].clone()),
                        ("had_due_date", row["hadDueDate"].clone()),
                        ("is_rpl", row["isRPL"].clone()),
                        ("skills", row["skills"].clone()),
                        ("active_until", moment(&row["activeUntil"])),
                    ]),
                ),
            ],
        );
    }
    for row in outcome.truth("activities") {
        let content = row["contextType"] == "content";
        let named = if content { title(&row["contextId"]) } else { Value::Null };
        let thing = !text(&row["contextId"]).is_null();
        records.add(
            "events",
            [
                ("event_key", own(&row, "activities", "id")),
                ("user_key", key(&row["user"])),
                ("event_type", word("learning", &row["type"])),
                ("vendor_event_type", text(&row["type"])),
                ("object_type", text(&row["contextType"])),
                ("object_id", text(&row["contextId"])),
                ("object_name", if named.is_null() && thing { text(&row["name"]) } else { named }),
                ("occurred_at", instant(&row["date"])),
                (
                    "properties",
                    properties([
                        ("name", row["name"].clone()),
                        ("content_type", row["contentType"].clone()),
                        ("data", json(&row["data"])),
                        ("with", json(&row["with"])),
                    ]),
                ),
            ],
        );
    }
    for row in outcome.truth("enrolments") {
        records.add(
            "events",
            [
                ("event_key", own(&row, "enrolments", "id")),
                ("user_key", key(&row["userId"])),
                ("event_type", word("enrolment", &row["status"])),
                ("vendor_event_type", text(&row["status"])),
                ("object_type", "content".into()),
                ("object_id", text(&row["primaryContentId"])),
                ("object_name", title(&row["primaryContentId"])),
                ("occurred_at", instant(&row["updatedAt"])),
                (
                    "properties",
                    properties([
                        ("assignment_id", row["assignmentId"].clone()),
                        ("audience_id", row["audienceId"].clone()),
                        ("available_date", moment(&row["availableDate"])),
                        ("due_date", moment(&row["dueDate"])),
                        ("last_completed_at", moment(&row["lastCompletedAt"])),
                    ]),
                ),
            ],
        );
    }
    for row in outcome.truth("cpd_entries") {
        records.add(
            "events",
            [
                ("event_key", own(&row, "cpd_entries", "logEntryId")),
                ("user_key", key(&row["userId"])),
                ("event_type", "cpd.logged".into()),
                ("object_type", text(&row["activity"]["type"])),
                ("object_name", text(&row["activity"]["name"])),
                ("occurred_at", instant(&row["entryDate"])),
                (
                    "properties",
                    properties([
                        ("category.category_id", row["category"]["categoryId"].clone()),
                        ("category.name", row["category"]["name"].clone()),
                        ("description", row["description"].clone()),
                        ("duration_minutes", row["durationMinutes"].clone()),
                        ("is_verified", row["isVerified"].clone()),
                    ]),
                ),
            ],
        );
    }
    records
}

fn user(records: &mut Records, row: &Value) {
    let status = match row["status"].as_str() {
        _ if row["deleted"] == true => "deleted",
        Some("active") => "active",
        Some("new") => "invited",
        Some("inactive" | "expired") => "suspended",
        _ => "unknown",
    };
    // The job that is held now, or else the first that is listed.
    let jobs = row["positions"].as_array().cloned().unwrap_or_default();
    let jobs: Vec<Value> = jobs.into_iter().filter(Value::is_object).collect();
    let job = jobs.iter().find(|job| job["isActive"] == true).or(jobs.first()).cloned().unwrap_or_default();
    records.add(
        "users",
        [
            ("user_key", key(&row["id"])),
            ("vendor_user_id", text(&row["id"])),
            ("external_id", text(&row["ref"])),
            ("email", text(&row["email"])),
            ("first_name", text(&row["firstName"])),
            ("last_name", text(&row["lastName"])),
            ("status", status.into()),
            ("vendor_status", text(&row["status"])),
            ("role", text(&row["role"])),
            ("job_title", text(&job["title"])),
            ("language", text(&row["languageCode"])),
            ("time_zone", text(&row["timeZone"])),
            ("manager_key", key(&job["manager"]["id"])),
            ("created_at", instant(&row["createdAt"])),
            ("updated_at", instant(&row["updatedAt"])),
            ("first_seen_at", instant(&row["firstLogin"])),
            ("last_seen_at", instant(&row["lastLogin"])),
            (
                "attributes",
                map(row["additionalFields"].as_object().into_iter().flatten().map(|(k, v)| (k.as_str(), v))),
            ),
        ],
    );
}

fn own(row: &Value, stream: &str, id: &str) -> Value {
    format!("it:{stream}:{}", row[id].as_str().unwrap_or_default()).into()
}

/// Our word for the vendor's: with the family before it.
fn word(family: &str, vendor: &Value) -> Value {
    vendor
        .as_str()
        .filter(|word| !word.is_empty())
        .map_or("other".into(), |word| format!("{family}.{word}").into())
}

/// Any value as its JSON text, a text too (contract section 6: polymorphic).
fn json(value: &Value) -> Value {
    if value.is_null() { Value::Null } else { value.to_string().into() }
}
