//! Instants: the bounds of the world, how they are printed, and the formats that the parameters take.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};

/// 2024-11-01T00:00:00Z: nothing in the world is older.
pub(super) const WORLD_START: Timestamp = Timestamp::constant(1_730_419_200, 0);
/// 2026-11-01T00:00:00Z: nothing in the made world is as young; writes are stamped from here on.
pub(super) const WORLD_END: Timestamp = Timestamp::constant(1_793_491_200, 0);

/// `2025-06-01T10:00:00Z` or `2025-06-01T10:00:00.000Z`: both forms occur, but milliseconds are never lost.
pub(super) fn printed(at: Timestamp) -> String {
    let (second, millisecond) = (at.as_second(), at.subsec_millisecond());
    let whole = civil_printed(at);
    if millisecond == 0 && second % 2 == 0 {
        format!("{whole}Z")
    } else {
        format!("{whole}.{millisecond:03}Z")
    }
}

/// `2025-06-01T10:00:00`, in UTC.
pub(super) fn civil_printed(at: Timestamp) -> String {
    let civil = Offset::UTC.to_datetime(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

/// `2026-01-31T00:00:00Z`, with or without a fraction, or with an offset.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    text.parse().ok()
}

/// `2026-01-31 00:00:00` or with a `T`, as `separator` says, in `zone`.
pub(super) fn civil(text: &str, separator: char, zone: &TimeZone) -> Option<Timestamp> {
    if text.len() != 19 {
        return None;
    }
    let civil = DateTime::strptime(format!("%Y-%m-%d{separator}%H:%M:%S"), text).ok()?;
    Some(civil.to_zoned(zone.clone()).ok()?.timestamp())
}

/// `2026-01-31`, its first instant in `zone`.
pub(super) fn date(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if text.len() != 10 {
        return None;
    }
    let date = Date::strptime("%Y-%m-%d", text).ok()?;
    Some(date.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The zone that the switch `zone` names (row 16). Its rule is given, so that no zone database is needed.
pub(super) fn zone(name: &str) -> TimeZone {
    match name {
        "Europe/London" => TimeZone::posix("GMT0BST,M3.5.0/1,M10.5.0").unwrap_or(TimeZone::UTC),
        _ => TimeZone::UTC,
    }
}
