//! How a row looks on the wire: names, instants, numbers, envelope (sections 1.5 and 1.6).

use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use serde_json::{Map, Value, json};

use crate::core::{scenario::Switches, seed::Seed};

use super::parameters::Page;

/// The forms of an instant (section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instants {
    Utc,
    Offset,
    Naive,
    Seconds,
    Milliseconds,
    Mixed,
}

/// The wire as the switches make it.
#[derive(Debug)]
pub(super) struct Wire {
    instants: Instants,
    /// The zone in which the server cuts days.
    pub(super) zone: TimeZone,
    snake: bool,
    bare: bool,
    totals: bool,
    rows_under: String,
    ids: String,
    guide_ids: String,
    text_numbers: bool,
    internal_ids: bool,
}

/// The fields that the switch `numbers` turns into text.
const NUMBERS: &[&str] = &[
    "heartScore",
    "happiness",
    "engagement",
    "adoption",
    "retention",
    "taskSuccess",
    "users",
    "sessions",
    "score",
    "count",
    "uniqueUsers",
    "stepIndex",
    "currentStep",
    "totalSteps",
];

impl Wire {
    pub(super) fn new(switches: &Switches) -> Self {
        let instants = match (switches.on("epoch_ms"), switches.get("timestamps")) {
            (true, _) => Instants::Milliseconds,
            (false, "offset") => Instants::Offset,
            (false, "naive") => Instants::Naive,
            (false, "epoch_s") => Instants::Seconds,
            (false, "mixed") => Instants::Mixed,
            (false, _) => Instants::Utc,
        };
        Self {
            instants,
            zone: zone(switches.get("tz")),
            snake: switches.on("snake_case"),
            bare: switches.on("bare_array"),
            totals: switches.on("totals"),
            rows_under: switches.get("rows_under").to_owned(),
            ids: switches.get("no_ids").to_owned(),
            guide_ids: switches.get("guide_ids").to_owned(),
            text_numbers: switches.get("numbers") == "text",
            internal_ids: switches.get("user_ids") == "internal",
        }
    }

    /// An instant, in milliseconds since 1970.
    pub(super) fn instant(&self, at_ms: i64) -> Value {
        let form = match self.instants {
            Instants::Mixed => match at_ms.rem_euclid(5) {
                0 => Instants::Offset,
                1 => Instants::Naive,
                2 => Instants::Seconds,
                3 => Instants::Milliseconds,
                _ => Instants::Utc,
            },
            form => form,
        };
        let instant = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        match form {
            Instants::Utc | Instants::Mixed => instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
            Instants::Naive => instant.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string().into(),
            Instants::Offset => {
                let local = instant.to_zoned(TimeZone::fixed(Offset::constant(2)));
                local.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string().into()
            }
            Instants::Seconds => at_ms.div_euclid(1000).into(),
            Instants::Milliseconds => at_ms.into(),
        }
    }

    /// Which of the two ids of a person stands in the rows of events and answers.
    pub(super) fn user_id(&self, customer: &str, internal: &str) -> String {
        if self.internal_ids { internal.to_owned() } else { customer.to_owned() }
    }

    /// The id of a guide, as text or as a number (3.5).
    pub(super) fn guide_id(&self, id: &str) -> Value {
        let as_number = match self.guide_ids.as_str() {
            "number" => true,
            "text" => false,
            _ => id != "4471",
        };
        match (as_number, id.parse::<u64>()) {
            (true, Ok(number)) => number.into(),
            _ => id.into(),
        }
    }

    /// The last touch to a row: ids, numbers, names.
    pub(super) fn finish(&self, mut row: Map<String, Value>, numbers: &mut Seed) -> Map<String, Value> {
        let drop_id = numbers.below(40) == 0;
        match self.ids.as_str() {
            "on" => {
                row.remove("id");
            }
            "never" => {}
            _ => {
                if drop_id && let Some(id) = row.get_mut("id") {
                    *id = Value::Null;
                }
            }
        }
        self.names(row)
    }

    /// Numbers and names alone, for rows without an `id`.
    pub(super) fn names(&self, mut row: Map<String, Value>) -> Map<String, Value> {
        if self.text_numbers {
            for name in NUMBERS {
                if let Some(value) = row.get_mut(*name)
                    && value.is_number()
                {
                    *value = value.to_string().into();
                }
            }
        }
        if self.snake { row.into_iter().map(|(name, value)| (snake(&name), value)).collect() } else { row }
    }

    /// The body of an answer. `total` counts the rows of all pages; `page` is none where the answer is not paged.
    pub(super) fn envelope(&self, rows: Vec<Value>, page: Option<Page>, total: usize) -> Value {
        if self.bare {
            return Value::Array(rows);
        }
        let mut body = Map::new();
        if self.rows_under == "none" {
            body.insert("message".to_owned(), "ok".into());
        } else {
            body.insert(self.rows_under.clone(), Value::Array(rows));
        }
        if let Some(page) = page {
            let mut pagination = Map::new();
            pagination.insert("page".to_owned(), page.number.into());
            pagination.insert("pageSize".to_owned(), page.size.into());
            if self.totals {
                pagination.insert("totalItems".to_owned(), json!(total));
                pagination.insert("totalPages".to_owned(), (total as u64).div_ceil(page.size.max(1)).into());
            }
            body.insert("pagination".to_owned(), Value::Object(self.names(pagination)));
        }
        Value::Object(body)
    }
}

/// The zones by name: there is no zone database on board, so their rules stand here.
fn zone(name: &str) -> TimeZone {
    let rule = match name {
        "UTC" => return TimeZone::UTC,
        "Europe/Berlin" => "CET-1CEST,M3.5.0,M10.5.0/3",
        "America/Los_Angeles" => "PST8PDT,M3.2.0,M11.1.0",
        "Asia/Tokyo" => "JST-9",
        rule => rule,
    };
    TimeZone::posix(rule).unwrap_or(TimeZone::UTC)
}

/// `taskSuccess` as `task_success`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
