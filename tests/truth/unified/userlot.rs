//! Userlot: end users, companies, and what these pay.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Records, instant, key, map, text};
use crate::{expect, run::Outcome};

/// What Userlot's rows make. The custom fields are those that the definitions name.
pub(crate) fn records(outcome: &Outcome, of_companies: &[String], of_users: &[String]) -> Records {
    let mut records = Records::default();
    for row in outcome.truth("end_users") {
        let company = if row["company_id"].is_null() { &row["company"]["id"] } else { &row["company_id"] };
        // Without an id a row has a key of our own (A17).
        let id = if text(&row["id"]).is_null() { "#".into() } else { text(&row["id"]) };
        records.add(
            "users",
            [
                ("user_key", key(&id)),
                ("vendor_user_id", id),
                ("external_id", text(&row["external_id"])),
                ("email", text(&row["email"])),
                ("first_name", text(&row["first_name"])),
                ("last_name", text(&row["last_name"])),
                ("full_name", text(&row["name"])),
                ("status", "unknown".into()),
                ("company_key", key(company)),
                ("created_at", instant(&row["created_at"])),
                ("updated_at", instant(&row["updated_at"])),
                ("last_seen_at", instant(&row["last_seen_at"])),
                ("attributes", custom(&row, of_users)),
            ],
        );
    }
    let statuses = outcome.truth("company_statuses");
    let names: BTreeMap<&str, Value> =
        statuses.iter().filter_map(|row| Some((row["id"].as_str()?, text(&row["name"])))).collect();
    for row in outcome.truth("companies") {
        let status = row["status_id"].as_str().and_then(|id| names.get(id).cloned());
        records.add(
            "companies",
            [
                ("company_key", key(&row["id"])),
                ("vendor_company_id", text(&row["id"])),
                ("external_id", text(&row["external_id"])),
                ("name", text(&row["name"])),
                ("status", status.unwrap_or_default()),
                ("mrr", money(&row["mrr"])),
                ("arr", money(&row["arr"])),
                ("owner", text(&row["owner_user_id"])),
                ("created_at", instant(&row["created_at"])),
                ("updated_at", instant(&row["updated_at"])),
                ("attributes", custom(&row, of_companies)),
            ],
        );
    }
    for row in outcome.truth("company_revenue") {
        let company = row["company_id"].as_str().unwrap_or_default();
        let id = text(&row["id"]);
        let own = format!("it:company_revenue:{company}/{}", id.as_str().unwrap_or("#"));
        for (metric, field) in [("revenue.mrr", "mrr"), ("revenue.arr", "arr")] {
            records.add(
                "metrics",
                [
                    ("metric_key", format!("{own}/{metric}").into()),
                    ("subject", key(&row["company_id"])),
                    ("date", day(&row)),
                    ("metric", metric.into()),
                    ("value", super::number(&row[field])),
                ],
            );
        }
    }
    records
}

fn money(value: &Value) -> Value {
    expect::amount(value).map_or(Value::Null, Value::from)
}

/// The day from which the amounts hold, or that of the entry.
fn day(row: &Value) -> Value {
    let start = row["start_date"].as_str().and_then(expect::day);
    let entered = || {
        let at = jiff::Timestamp::from_microsecond(expect::instant(&row["created_at"])?).ok()?;
        Some(jiff::tz::TimeZone::UTC.to_datetime(at).date().to_string())
    };
    start.or_else(entered).map_or(Value::Null, Value::from)
}

/// The values of the fields that the customer has defined, wherever they stand (1.5, A4).
fn custom(row: &Value, names: &[String]) -> Value {
    let mut values: Map<String, Value> = Map::new();
    for object in ["custom_fields", "custom_attributes"] {
        values.extend(row[object].as_object().cloned().unwrap_or_default());
    }
    for name in names {
        values.extend(row.get(name).map(|value| (name.clone(), value.clone())));
    }
    map(values.iter().map(|(name, value)| (name.as_str(), value)))
}
