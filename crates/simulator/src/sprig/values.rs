//! Values that every kind of row is made of: times, numbers, texts, unknown fields.

use serde_json::{Map, Value, json};

use crate::core::{scenario::Switches, seed::Seed};

/// 2026-11-01T00:00:00Z, in milliseconds. Nothing in the world is later.
pub(super) const END_MS: i64 = 1_793_491_200_000;
/// A day, in milliseconds.
pub(super) const DAY_MS: i64 = 86_400_000;
/// Two years before [`END_MS`], in milliseconds. Nothing in the world is earlier.
pub(super) const BEGIN_MS: i64 = END_MS - 730 * DAY_MS;

/// Texts as people write them.
pub(super) const TEXTS: &[&str] = &[
    "Typing my address twice",
    "Ünïcödé, naïve & 日本語 🦊",
    "two\nlines\tand a tab",
    "\"quoted\", with a comma; and a semicolon",
    "مرحبا بالعالم",
    "e\u{301} is not é; \u{2028} ends a line",
    "",
    "  spaces around  ",
    "{\"looks\": \"like JSON\"}",
    "=1+1",
    "null",
    "👩‍👩‍👧‍👦 nothing slowed me down",
    "C:\\path\\to\r\nnowhere",
    "0042",
];

/// An ISO time in UTC with milliseconds.
pub(super) fn iso(ms: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{instant:.3}")
}

/// A number in `0..bound`.
pub(super) fn below(numbers: &mut Seed, bound: i64) -> i64 {
    let bound = u64::try_from(bound).unwrap_or(1);
    i64::try_from(numbers.below(bound)).unwrap_or(0)
}

/// An integer as the switch `numbers` has it; only `is_id` numbers grow large.
pub(super) fn number(switches: &Switches, value: i64, is_id: bool) -> Value {
    match switches.get("numbers") {
        "float" => serde_json::from_str(&format!("{value}.0")).unwrap_or(Value::from(value)),
        "large" if is_id => Value::from(value.saturating_add(9_007_199_254_740_993)),
        _ => Value::from(value),
    }
}

/// Adds fields that the reference does not know to one row in six.
pub(super) fn add_unknown(switches: &Switches, numbers: &mut Seed, row: &mut Map<String, Value>) {
    if !switches.on("extra_fields") {
        return;
    }
    let (name, value) = match numbers.below(18) {
        0 => ("xScalar", json!(9_007_199_254_740_993_i64)),
        1 => ("xObject", json!({ "a.b": { "c d": [1, null, { "é": true }] }, "empty": {} })),
        2 => ("xArray", json!([[], {}, "", 1.5, null])),
        _ => return,
    };
    row.insert(name.to_owned(), value);
}

/// A deep value without a fixed shape.
pub(super) fn free_form(numbers: &mut Seed) -> Value {
    let mut value = match numbers.below(6) {
        0 => Value::Null,
        1 => json!({}),
        2 => json!([]),
        3 => json!(18_446_744_073_709_551_615_u64),
        4 => json!(-0.125),
        _ => json!(*numbers.pick(TEXTS)),
    };
    for level in 0..numbers.below(9) {
        value = if level % 2 == 0 {
            json!({ "level": level, "in side": value })
        } else {
            json!([value, level, null])
        };
    }
    value
}

/// An object from a literal; empty for anything else.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
