//! How faults bend an answer.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value, json};
use userhaul_client::Reason;
use userhaul_connector::{column::snake_case, spec::StreamSpec};

use super::{Answer, Asked};

/// An answer of this status; a body is JSON.
pub(super) fn status(status: u16, body: &str) -> Answer {
    Answer::json(status, body)
}

/// A page for people.
pub(super) fn html(status: u16) -> Answer {
    let answer = Answer::json(status, "<!doctype html><title>Sign in</title><p>ann.lee@example.com");
    header(answer, "content-type", "text/html; charset=utf-8")
}

/// The answer with a header more, or another value of it.
pub(super) fn header(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers.insert(name, value.parse().expect("a header's value"));
    answer
}

/// A 429 that names an instant, on a clock that is years off.
pub(super) fn in_seconds(seconds: u64) -> Answer {
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let then = now + std::time::Duration::from_secs(seconds);
    let answer = header(status(429, ""), "date", &httpdate::fmt_http_date(now));
    header(answer, "retry-after", &httpdate::fmt_http_date(then))
}

/// The answer without any header.
pub(super) fn bare(mut answer: Answer) -> Answer {
    let kept = answer.headers.get(header::LINK).cloned();
    let hints = answer.headers.drain().filter_map(|(name, value)| Some((name?, value)));
    // What pagers look at stays.
    answer.headers =
        hints.filter(|(name, _)| name.as_str().contains("page") || name.as_str().contains("total")).collect();
    if let Some(link) = kept {
        answer.headers.insert(header::LINK, link);
    }
    answer
}

/// Half of the body, and how the connection ends then.
pub(super) fn cut(mut answer: Answer, broken: Option<Reason>) -> Answer {
    answer.body = answer.body.slice(..answer.body.len() / 2);
    answer.broken = broken;
    answer
}

/// A byte in a text that no text has.
pub(super) fn not_text(mut answer: Answer) -> Answer {
    let mut bytes = answer.body.to_vec();
    let place = bytes.iter().position(|&byte| byte == b'"').map_or(0, |quote| quote + 1);
    bytes.insert(place, 0xFF);
    answer.body = bytes.into();
    answer
}

/// A byte-order mark in front.
pub(super) fn bom(mut answer: Answer) -> Answer {
    answer.body = [b"\xEF\xBB\xBF".as_slice(), &answer.body].concat().into();
    answer
}

fn zipped(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written").into()
}

/// The body compressed as announced.
pub(super) fn packed(answer: &Answer) -> Answer {
    let answer = Answer { body: zipped(&answer.body), ..answer.clone() };
    header(answer, "content-encoding", "gzip")
}

/// The body compressed once more than announced.
pub(super) fn packed_twice(answer: &Answer) -> Answer {
    let once = packed(answer);
    Answer { body: zipped(&once.body), ..once }
}

/// Four kilobytes that become four megabytes.
pub(super) fn bomb() -> Answer {
    packed(&Answer::json(200, &" ".repeat(4 << 20)))
}

/// A redirect.
pub(super) fn redirect(to: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, HeaderValue::from_str(to).expect("an address"));
    Answer { status: 302, headers, body: Bytes::new(), broken: None }
}

/// A redirect to another address of the same page.
pub(super) fn hop(asked: &Asked<'_>) -> Answer {
    let mut url = asked.url.clone();
    let query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    url.set_query(Some(&format!("{query}{}", crate::wire::HOP)));
    redirect(url.as_str())
}

/// The vendor's names of the fields of a row that make its key; none where a part of it comes from elsewhere.
pub(super) fn own_key(stream: &StreamSpec) -> Option<Vec<&str>> {
    if stream.table.synthetic_key.is_some() || !stream.table.given.is_empty() {
        return None;
    }
    let field = |name: &String| {
        let column = stream.table.columns.iter().find(|column| column.name == *name)?;
        let aliased = stream.table.aliases.iter().any(|alias| alias.field == column.field);
        (!aliased).then_some(column.field.as_str())
    };
    stream.table.primary_key.iter().map(field).collect()
}

/// Does something to the rows of an answer, wherever in it they are.
fn with_rows(mut answer: Answer, change: impl FnOnce(&mut Vec<Value>)) -> Answer {
    if answer.status >= 300 {
        return answer;
    }
    let Ok(mut page) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
    let rows = match &mut page {
        Value::Array(rows) => Some(rows),
        Value::Object(members) => {
            let objects = |value: &&mut Value| {
                value.as_array().is_some_and(|items| items.first().is_some_and(Value::is_object))
            };
            members.values_mut().find(objects).and_then(Value::as_array_mut)
        }
        _ => None,
    };
    if let Some(rows) = rows {
        change(rows);
        answer.body = page.to_string().into();
        answer.headers.remove(header::CONTENT_LENGTH);
    }
    answer
}

/// Each row twice.
pub(super) fn duplicate_rows(answer: Answer, _: &Asked<'_>) -> Answer {
    with_rows(answer, |rows| *rows = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect())
}

/// The first row without the first field of its key.
pub(super) fn no_key(answer: Answer, asked: &Asked<'_>) -> Answer {
    let key = asked.stream.and_then(own_key).unwrap_or_default();
    with_first(answer, |row| {
        for field in key {
            // Some vendors spell a name in more than one way.
            row.retain(|name, _| name != field && snake_case(name) != snake_case(field));
            row.insert(field.to_owned(), Value::Null);
        }
    })
}

/// The first row's fields, but for those on which logic depends, become objects.
pub(super) fn drift(answer: Answer, asked: &Asked<'_>) -> Answer {
    let Some(stream) = asked.stream else { return answer };
    let needed: Vec<&String> = stream
        .table
        .primary_key
        .iter()
        .chain(&stream.cursor)
        .chain(&stream.version)
        .chain(stream.window().map(|window| &window.by))
        .collect();
    // One plain column of text is enough: keys of other streams hang on the rest.
    let column = stream.table.columns.iter().find(|column| {
        matches!(column.kind, userhaul_connector::column::ColumnType::Text) && !needed.contains(&&column.name)
    });
    let Some(column) = column else { return answer };
    with_first(answer, |row| {
        row.insert(column.field.clone(), json!({ "was": "text" }));
    })
}

/// An unknown field whose value is a hundred thousand arrays deep.
pub(super) fn deep(answer: Answer, _: &Asked<'_>) -> Answer {
    const MARK: &str = "\"a mark of the testkit\"";
    let mut bent = with_first(answer, |row| {
        row.insert("deep".to_owned(), json!("a mark of the testkit"));
    });
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = String::from_utf8_lossy(&bent.body).replace(MARK, &bomb);
    bent.body = text.into();
    bent
}

fn with_first(answer: Answer, change: impl FnOnce(&mut Map<String, Value>)) -> Answer {
    with_rows(answer, |rows| {
        if let Some(row) = rows.first_mut().and_then(Value::as_object_mut) {
            change(row);
        }
    })
}
