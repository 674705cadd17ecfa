//! The parameters of an export, checked strictly (section 3, the common set).

use axum::extract::Query;
use http::{StatusCode, Uri};
use jiff::civil::Date;

use super::{App, access::Refusal, streams::Stream};

/// A time span as it was asked for; whether `to` belongs to it is the server's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Date,
    pub(super) to: Date,
}

/// A page as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// From 1.
    pub(super) number: u64,
    /// 1 to 1000.
    pub(super) size: u64,
}

/// What an export was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// `propertyId`, with the switch `query_id`.
    pub(super) property: Option<String>,
    /// None where the stream has no dates.
    pub(super) window: Option<Window>,
    /// None where the stream, or the server, has no pages.
    pub(super) page: Option<Page>,
}

/// Reads the query of an export; whatever is wrong is noted.
pub(super) fn read(app: &App, stream: Stream, uri: &Uri) -> Result<Asked, Refusal> {
    let (first, last) = match app.core.switches.get("date_params") {
        "start_end" => ("startDate", "endDate"),
        _ => ("from", "to"),
    };
    let paged = stream.paged() && app.core.switches.get("paging") != "none";
    let mut known = Vec::new();
    if app.core.switches.on("query_id") {
        known.push("propertyId");
    }
    if stream.dated() {
        known.extend([first, last]);
    }
    if paged {
        known.extend(["page", "pageSize"]);
    }
    let given = pairs(app, uri, &known)?;
    let value = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let window = if stream.dated() {
        Some(span(app, day(app, first, value(first))?, day(app, last, value(last))?)?)
    } else {
        None
    };
    let page = if paged {
        let number = whole(app, "page", value("page"), 1, u64::MAX)?;
        Some(Page { number, size: whole(app, "pageSize", value("pageSize"), 100, 1000)? })
    } else {
        None
    };
    Ok(Asked { property: value("propertyId").map(str::to_owned), window, page })
}

/// The pairs of a query that may hold only `known` names, each once.
pub(super) fn pairs(app: &App, uri: &Uri, known: &[&str]) -> Result<Vec<(String, String)>, Refusal> {
    let Ok(Query(given)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(bad(app, StatusCode::BAD_REQUEST, "the query is not readable".to_owned()));
    };
    for (index, (name, _)) in given.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let refusal =
                bad(app, StatusCode::BAD_REQUEST, format!("unknown parameter {name} on {}", uri.path()));
            if app.core.switches.get("unknown_params") != "ignore" {
                return Err(refusal);
            }
        } else if given.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(bad(app, StatusCode::BAD_REQUEST, format!("parameter {name} is repeated")));
        }
    }
    Ok(given)
}

fn bad(app: &App, status: StatusCode, message: String) -> Refusal {
    app.core.violation(message.clone());
    Refusal::new(status, message)
}

fn day(app: &App, name: &str, value: Option<&str>) -> Result<Date, Refusal> {
    let Some(text) = value else {
        return Err(bad(app, StatusCode::BAD_REQUEST, format!("parameter {name} is missing")));
    };
    calendar_day(text)
        .ok_or_else(|| bad(app, StatusCode::BAD_REQUEST, format!("parameter {name} is no YYYY-MM-DD")))
}

/// A day in the one form `YYYY-MM-DD`.
pub(super) fn calendar_day(text: &str) -> Option<Date> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if shaped { text.parse().ok() } else { None }
}

fn span(app: &App, from: Date, to: Date) -> Result<Window, Refusal> {
    if from > to {
        return Err(bad(app, StatusCode::UNPROCESSABLE_ENTITY, "the span ends before it begins".to_owned()));
    }
    let longest = app.core.switches.number("max_span_days");
    let days = u64::try_from(from.duration_until(to).as_hours() / 24 + 1).unwrap_or(u64::MAX);
    if longest > 0 && days > longest {
        // Nobody can know the limit beforehand, so this is no violation.
        let status = match app.core.switches.get("span_status") {
            "400" => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        return Err(Refusal::new(status, format!("the span is longer than {longest} days")));
    }
    Ok(Window { from, to })
}

fn whole(app: &App, name: &str, value: Option<&str>, default: u64, most: u64) -> Result<u64, Refusal> {
    let Some(text) = value else { return Ok(default) };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(app, StatusCode::BAD_REQUEST, format!("parameter {name} is no whole number")));
    }
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(bad(app, StatusCode::UNPROCESSABLE_ENTITY, format!("parameter {name} is out of range"))),
    }
}
