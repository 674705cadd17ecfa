//! Answering an export, and the truth behind it.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use jiff::{civil::Date, tz::TimeZone};
use serde_json::Value;

use super::{
    App,
    access::{self, Refusal},
    parameters::{self, Page, Window},
    profiles,
    streams::Stream,
    world::{DAY_MS, END_MS, Row},
};

/// Answers an export. `in_path` is the property of the path, if the path has one.
pub(super) fn answer(
    app: &App,
    stream: Stream,
    in_path: Option<String>,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, Refusal> {
    if login_page(app) {
        let page = "<!doctype html><html><title>Sign in</title><form method=post></form></html>";
        return Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response());
    }
    access::admit(app, headers)?;
    let asked = parameters::read(app, stream, uri)?;
    let Some(id) = in_path.or(asked.property) else {
        app.core.violation("parameter propertyId is missing");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "parameter propertyId is missing"));
    };
    let property = access::property(app, &id)?;
    Ok(match asked.window {
        None => {
            let users = profiles::listed(app, property);
            let cut = cut(app, users.len(), asked.page);
            let rows = users.get(cut.range).unwrap_or_default();
            let rows = rows.iter().map(|user| profiles::row(app, property, user)).collect();
            Json(app.wire.envelope(rows, cut.page, users.len())).into_response()
        }
        Some(window) => dated(app, stream, property, window, asked.page),
    })
}

/// Every row of a stream, with `propertyId`, from the properties that can be reached; besides the streams also
/// `user_attributes` (one row a value) and `attribute_definitions` (both scopes).
pub(super) fn truth(app: &App, name: &str) -> Option<Vec<Value>> {
    match name {
        "user_attributes" => return Some(profiles::attribute_rows(app)),
        "attribute_definitions" => return Some(app.stores().definition_rows()),
        _ => {}
    }
    let stream = Stream::ALL.into_iter().find(|stream| stream.name() == name)?;
    let mut all = Vec::new();
    for (property, id) in access::reachable(app) {
        let mut rows: Vec<Value> = if stream.dated() {
            let restated = restated(app, app.memory.current_pass(stream, property));
            let rows = app.world.rows(stream, property, restated);
            rows.iter().map(|row| Value::Object(row.body.clone())).collect()
        } else {
            profiles::listed(app, property).iter().map(|user| profiles::row(app, property, user)).collect()
        };
        for row in &mut rows {
            if let Some(row) = row.as_object_mut() {
                row.insert("propertyId".to_owned(), id.into());
            }
        }
        all.append(&mut rows);
    }
    Some(all)
}

fn dated(app: &App, stream: Stream, property: usize, window: Window, page: Option<Page>) -> Response {
    let pass = app.memory.pass(stream, property, window, page.map_or(1, |page| page.number));
    let rows = app.world.rows(stream, property, restated(app, pass));
    let rows = visible(app, rows, pass);
    let mut rows = within(app, stream, rows, window);
    let vanishing = match app.core.switches.get("vanish_once") {
        "on" => pass >= 1,
        "again" => pass >= 2,
        _ => false,
    };
    if vanishing && !rows.is_empty() && app.memory.vanish(stream, property) {
        rows = &[];
    }
    if rows.is_empty() && app.core.switches.get("empty_window") == "204" {
        return StatusCode::NO_CONTENT.into_response();
    }
    let cut = cut(app, rows.len(), page);
    let body =
        rows.get(cut.range).unwrap_or_default().iter().map(|row| Value::Object(row.body.clone())).collect();
    Json(app.wire.envelope(body, cut.page, rows.len())).into_response()
}

fn login_page(app: &App) -> bool {
    let export = app.memory.count_export();
    match app.core.switches.get("html_200") {
        "on" => true,
        _ => export <= app.core.switches.number("html_200"),
    }
}

fn restated(app: &App, pass: u64) -> bool {
    app.core.switches.on("restate_heart") && pass >= 2
}

/// The rows that are old enough to be seen: `late_events` hours before the instant of the pass.
fn visible<'a>(app: &App, rows: &'a [Row], pass: u64) -> &'a [Row] {
    let hours = i64::try_from(app.core.switches.number("late_events")).unwrap_or(0).min(24 * 730);
    let days = i64::try_from(pass.saturating_sub(1)).unwrap_or(0).min(10_000);
    let now_ms = END_MS + days * DAY_MS;
    rows.get(..rows.partition_point(|row| row.at_ms + hours * 3_600_000 <= now_ms)).unwrap_or(rows)
}

/// The rows of a window, as the server cuts it. Rows that name a day are found by that name, whatever the zone.
fn within<'a>(app: &App, stream: Stream, rows: &'a [Row], window: Window) -> &'a [Row] {
    let switches = &app.core.switches;
    if switches.on("ignore_dates") {
        return rows;
    }
    let by_day = stream == Stream::Heart || (stream == Stream::Tags && switches.get("tag_grain") != "click");
    let zone = if by_day { &TimeZone::UTC } else { &app.wire.zone };
    let end = if switches.on("to_exclusive") { Some(window.to) } else { window.to.tomorrow().ok() };
    let from_ms = start_of(window.from, zone).unwrap_or(i64::MIN);
    let end_ms = end.and_then(|day| start_of(day, zone)).unwrap_or(i64::MAX);
    let first = rows.partition_point(|row| row.at_ms < from_ms);
    let last = rows.partition_point(|row| row.at_ms < end_ms);
    rows.get(first..last).unwrap_or_default()
}

fn start_of(day: Date, zone: &TimeZone) -> Option<i64> {
    day.to_zoned(zone.clone()).ok().map(|start| start.timestamp().as_millisecond())
}

/// Which rows an answer holds, and what its `pagination` says; none where it has none.
struct Cut {
    range: std::ops::Range<usize>,
    page: Option<Page>,
}

fn cut(app: &App, total: usize, page: Option<Page>) -> Cut {
    let cap = match app.core.switches.number("page_size_cap") {
        0 => u64::MAX,
        cap => cap,
    };
    let whole = Cut { range: 0..total, page: None };
    let Some(asked) = page else { return whole };
    let page = match app.core.switches.get("ignore_paging") {
        "on" => return Cut { range: 0..total.min(usize::try_from(cap).unwrap_or(total)), page: None },
        "first_page" => Page { number: 1, size: asked.size.min(cap) },
        _ => Page { number: asked.number, size: asked.size.min(cap) },
    };
    let skipped = page.number.saturating_sub(1).saturating_mul(page.size);
    let first = usize::try_from(skipped).unwrap_or(usize::MAX).min(total);
    let last = first.saturating_add(usize::try_from(page.size).unwrap_or(usize::MAX)).min(total);
    Cut { range: first..last, page: Some(page) }
}
