//! HEART scores: one row a day (section 3.1).

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::core::seed::Seed;

use super::{
    PROPERTIES,
    world::{DAY_MS, DAYS, Draft, Maker, Row},
};

/// The scores of every day that has any; with `restated` those of the last 30 days are others.
pub(super) fn rows(maker: &Maker<'_>, restated: bool) -> Vec<Row> {
    let label = format!("userlane heart {}", PROPERTIES[maker.property]);
    let null_letters = maker.core.switches.on("null_letters");
    let mut rows = Vec::new();
    for day in DAYS {
        let mut numbers = Seed::of(maker.core.seed, &label, day.unsigned_abs());
        if numbers.below(45) == 0 {
            continue;
        }
        let again = restated && day >= DAYS.end - 30;
        let mut letter = |name: &str| {
            let null = numbers.below(25) == 0;
            let mut score = score(&mut numbers);
            if again {
                score = restate(&score);
            }
            // No NPS in the first year of the second property, so no basis for Happiness.
            let baseless = name == "happiness" && maker.property == 1 && day < DAYS.start + 365;
            let off = null_letters && matches!(name, "happiness" | "taskSuccess");
            if off || baseless || null { Value::Null } else { score }
        };
        let heart = letter("heartScore");
        let letters = ["happiness", "engagement", "adoption", "retention", "taskSuccess"]
            .map(|name| (name, letter(name)));
        let users = numbers.below(maker.members.len() as u64 + 1);
        let sessions = users + numbers.below(users * 3 + 1);
        let counted = numbers.below(30) != 0;
        let mut draft = Draft::default().set("date", calendar(day)).set("heartScore", heart);
        for (name, value) in letters {
            draft = draft.maybe(name, Some(value).filter(|value| !value.is_null()), &mut numbers);
        }
        draft = draft.maybe("users", counted.then_some(users), &mut numbers);
        draft = draft.maybe("sessions", counted.then_some(sessions), &mut numbers).extras(&mut numbers);
        rows.push(Row { at_ms: day * DAY_MS, body: maker.wire.names(draft.done()) });
    }
    rows
}

/// 0 to 100, whole or not; 20.5 lies between two published bands.
fn score(numbers: &mut Seed) -> Value {
    match numbers.below(12) {
        0 => json!(0),
        1 => json!(100),
        2 => json!(20.5),
        3 => json!(99.999_999_999),
        4 => json!(61.0),
        _ => json!(numbers.below(101)),
    }
}

fn restate(score: &Value) -> Value {
    let told = score.as_f64().unwrap_or(0.0);
    json!(if told > 50.0 { told - 3.25 } else { told + 3.25 })
}

/// A day counted since 1970, as `YYYY-MM-DD`.
pub(super) fn calendar(day: i64) -> String {
    let date = jiff::Timestamp::from_second(day.saturating_mul(86_400))
        .map_or(Date::ZERO, |instant| jiff::tz::TimeZone::UTC.to_datetime(instant).date());
    date.to_string()
}

/// The day since 1970 in which an instant lies, as the zone of the server cuts days.
pub(super) fn day_of(maker: &Maker<'_>, at_ms: i64) -> i64 {
    let instant = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let offset_seconds = i64::from(maker.wire.zone.to_offset(instant).seconds());
    (at_ms + offset_seconds * 1000).div_euclid(DAY_MS)
}
