//! What can go wrong while reading, and what is promised then: a table that can be searched for.
//!
//! A fault spoils one answer, or every answer from one on. What follows from it depends on the fault and on what the
//! facts say of the stream that was asked (a status that the vendor documents as "no rows" is no fault), never on the
//! connector.

mod bend;

use bytes::Bytes;
use http::HeaderMap;
use url::Url;
use userhaul_client::Reason;
use userhaul_connector::spec::{Axis, Paging, StreamSpec};

use bend::{
    bare, bom, cut, deep, drift, duplicate_rows, header, html, no_key, not_text, packed, packed_twice, status,
};

/// A request, as far as faults look at it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The stream, where the address is one's.
    pub stream: Option<&'a StreamSpec>,
    /// The address.
    pub url: &'a Url,
    /// Whether it only reads.
    pub get: bool,
    /// Whether its credential is a token that can be had again.
    pub renewable: bool,
}

/// An answer on its way.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How the connection ends behind the body, if not well.
    pub broken: Option<Reason>,
}

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is done, after asking again: status ok, the same rows, retries counted.
    Recovers,
    /// Everything is done without more ado: status ok, the same rows.
    Absorbed,
    /// Everything is done; what the fault put in is kept in `_extra` or left out: status ok, the same keys.
    Kept,
    /// The stream that was hit fails with one of these codes, nothing else does but what needs it, and every table is
    /// as it was.
    Fails(&'static [&'static str]),
    /// It is not known whether everything came: unproven, and no row is lost.
    Unproven,
}

/// What a fault does to the answer of a request; the third is the first answer that this path gave in the run.
pub type Act = fn(Answer, &Asked<'_>, &Answer) -> Result<Answer, Reason>;

/// One thing that goes wrong.
pub struct Fault {
    /// What failures call it.
    pub name: &'static str,
    /// The check that it belongs to.
    pub check: &'static str,
    /// Whether it is one for this request.
    pub applies: fn(&Asked<'_>) -> bool,
    /// What it does.
    pub act: Act,
    /// What is promised where it happens once.
    pub once: Option<Verdict>,
    /// What is promised where it stays.
    pub stays: Option<Verdict>,
}

const UNAVAILABLE: Verdict = Verdict::Fails(&["source_unavailable"]);
const LIMITED: Verdict = Verdict::Fails(&["rate_limited"]);
const REFUSED: Verdict = Verdict::Fails(&["vendor_error"]);
const MOVED: Verdict = Verdict::Fails(&["settings"]);
const CUT: Verdict = Verdict::Fails(&["source_unavailable", "invalid_page"]);
const UNREADABLE: Verdict = Verdict::Fails(&["invalid_page"]);

const fn passing(name: &'static str, act: Act) -> Fault {
    let (once, stays) = (Some(Verdict::Recovers), Some(UNAVAILABLE));
    Fault { name, check: "transient", applies: reading, act, once, stays }
}

const fn throttling(name: &'static str, act: Act) -> Fault {
    let (once, stays) = (Some(Verdict::Recovers), Some(LIMITED));
    Fault { name, check: "transient", applies: reading, act, once, stays }
}

const fn lasting(name: &'static str, applies: fn(&Asked<'_>) -> bool, act: Act, once: Verdict) -> Fault {
    Fault { name, check: "lasting", applies, act, once: Some(once), stays: None }
}

const fn unreadable(name: &'static str, applies: fn(&Asked<'_>) -> bool, act: Act, stays: Verdict) -> Fault {
    Fault { name, check: "content", applies, act, once: Some(Verdict::Recovers), stays: Some(stays) }
}

const fn data(
    name: &'static str,
    applies: fn(&Asked<'_>) -> bool,
    act: Act,
    once: Option<Verdict>,
    stays: Option<Verdict>,
) -> Fault {
    Fault { name, check: "data", applies, act, once, stays }
}

/// All faults that are played in this process. Those that only a socket can play are in [`crate::proxy`].
pub const FAULTS: &[Fault] = &[
    passing("connection refused", |_, _, _| Err(Reason::Refused)),
    passing("reset in mid-body", |answer, _, _| Ok(cut(answer, Some(Reason::CutShort)))),
    passing("garbage for a status line", |_, _, _| Err(Reason::Garbled)),
    passing("no answer in time", |_, _, _| {
        Err(Reason::Timeout { after: std::time::Duration::from_secs(60) })
    }),
    passing("no address", |_, _, _| Err(Reason::Dns { host: "vendor.invalid".to_owned() })),
    passing("408", |_, _, _| Ok(status(408, ""))),
    passing("425", |_, _, _| Ok(status(425, ""))),
    passing("500", |_, _, _| Ok(status(500, "{\"error\":\"oops\"}"))),
    passing("502 with HTML", |_, _, _| Ok(html(502))),
    passing("503", |_, _, _| Ok(status(503, ""))),
    passing("503 with Retry-After", |_, _, _| Ok(header(status(503, ""), "retry-after", "7"))),
    passing("504", |_, _, _| Ok(status(504, ""))),
    throttling("429", |_, _, _| Ok(status(429, ""))),
    throttling("429, seconds", |_, _, _| Ok(header(status(429, ""), "retry-after", "3"))),
    throttling("429, date", |_, _, _| Ok(bend::in_seconds(3))),
    throttling("429, negative", |_, _, _| Ok(header(status(429, ""), "retry-after", "-5"))),
    throttling("429, 1e99", |_, _, _| Ok(header(status(429, ""), "retry-after", "1e99"))),
    throttling("429, text", |_, _, _| Ok(header(status(429, ""), "retry-after", "soon"))),
    lasting(
        "429, a year",
        reading,
        |_, _, _| Ok(header(status(429, ""), "retry-after", "31536000")),
        LIMITED,
    ),
    Fault {
        name: "413 on large pages",
        check: "page_size",
        applies: large_page,
        act: |_, _, _| Ok(status(413, "")),
        once: Some(Verdict::Recovers),
        stays: Some(Verdict::Recovers),
    },
    lasting("401, key", keyed, |_, _, _| Ok(status(401, "{}")), Verdict::Fails(&["credentials"])),
    Fault {
        name: "401, token",
        check: "transient",
        applies: tokened,
        act: |_, _, _| Ok(status(401, "{}")),
        once: Some(Verdict::Recovers),
        stays: Some(Verdict::Fails(&["credentials"])),
    },
    lasting("403", plain_403, |_, _, _| Ok(status(403, "{}")), Verdict::Fails(&["forbidden"])),
    lasting("404 on the collection", plain_404, |_, _, _| Ok(status(404, "{}")), REFUSED),
    Fault {
        name: "409",
        check: "lasting",
        applies: reading,
        act: |_, _, _| Ok(status(409, "")),
        once: Some(Verdict::Recovers),
        stays: Some(REFUSED),
    },
    Fault {
        name: "410 on a page behind the first",
        check: "lasting",
        applies: behind_the_first,
        act: |_, _, _| Ok(status(410, "")),
        once: Some(Verdict::Absorbed),
        stays: Some(REFUSED),
    },
    lasting("418", reading, |_, _, _| Ok(status(418, "")), REFUSED),
    lasting("501", reading, |_, _, _| Ok(status(501, "")), REFUSED),
    lasting("505", reading, |_, _, _| Ok(status(505, "")), REFUSED),
    lasting("304 unasked", reading, |_, _, _| Ok(status(304, "")), MOVED),
    lasting(
        "204 undocumented",
        plain_204,
        |_, _, _| Ok(status(204, "")),
        Verdict::Fails(&["schema_mismatch"]),
    ),
    lasting(
        "200 with an error in JSON",
        reading,
        |_, _, _| Ok(Answer::json(200, "{\"error\":{\"code\":\"quota\",\"message\":\"no more\"}}")),
        Verdict::Fails(&["schema_mismatch", "null_key"]),
    ),
    unreadable("HTML", reading, |_, _, _| Ok(html(200)), REFUSED),
    unreadable("cut where HTTP cannot see it", listing, |answer, _, _| Ok(cut(bare(answer), None)), CUT),
    unreadable("an empty body", listing, |_, _, _| Ok(status(200, "")), UNREADABLE),
    unreadable("invalid UTF-8", listing, |answer, _, _| Ok(not_text(answer)), UNREADABLE),
    unreadable(
        "gzip on the label alone",
        reading,
        |answer, _, _| Ok(header(answer, "content-encoding", "gzip")),
        REFUSED,
    ),
    unreadable("gzip twice", listing, |answer, _, _| Ok(packed_twice(&answer)), REFUSED),
    unreadable(
        "an unknown encoding",
        reading,
        |answer, _, _| Ok(header(answer, "content-encoding", "br")),
        REFUSED,
    ),
    Fault {
        name: "gzip bomb",
        check: "content",
        applies: listing,
        act: |_, _, _| Ok(bend::bomb()),
        once: None,
        stays: Some(REFUSED),
    },
    data("gzip", listing, |answer, _, _| Ok(packed(&answer)), None, Some(Verdict::Absorbed)),
    data("byte-order mark", listing, |answer, _, _| Ok(bom(answer)), None, Some(Verdict::Absorbed)),
    data("no content type", listing, |answer, _, _| Ok(bare(answer)), None, Some(Verdict::Absorbed)),
    data(
        "rows twice in a page",
        keyed_rows,
        |answer, asked, _| Ok(duplicate_rows(answer, asked)),
        Some(Verdict::Absorbed),
        None,
    ),
    data(
        "a row without its key",
        keyed_rows,
        |answer, asked, _| Ok(no_key(answer, asked)),
        None,
        Some(Verdict::Fails(&["null_key"])),
    ),
    data("another type", keyed_rows, |answer, asked, _| Ok(drift(answer, asked)), Some(Verdict::Kept), None),
    data("a depth bomb", listing, |answer, asked, _| Ok(deep(answer, asked)), Some(Verdict::Kept), None),
    data(
        "the first page again and again",
        totalled,
        |_, _, first| Ok(first.clone()),
        None,
        Some(Verdict::Unproven),
    ),
    data(
        "the same cursor again and again",
        cursored,
        |_, _, first| Ok(first.clone()),
        None,
        Some(Verdict::Fails(&["cursor_loop"])),
    ),
    Fault {
        name: "redirect to the same origin",
        check: "origin",
        applies: |asked| reading(asked) && !asked.url.as_str().contains(crate::wire::HOP),
        act: |_, asked, _| Ok(bend::hop(asked)),
        once: Some(Verdict::Absorbed),
        stays: None,
    },
    Fault {
        name: "redirect in a circle",
        check: "origin",
        applies: reading,
        act: |_, asked, _| Ok(bend::redirect(asked.url.as_str())),
        once: Some(MOVED),
        stays: None,
    },
    Fault {
        name: "redirect to another origin",
        check: "origin",
        applies: reading,
        act: |_, _, _| Ok(bend::redirect("http://127.0.0.1:2/elsewhere")),
        once: Some(MOVED),
        stays: None,
    },
    Fault {
        name: "redirect to a file",
        check: "origin",
        applies: reading,
        act: |_, _, _| Ok(bend::redirect("file:///etc/passwd")),
        once: Some(MOVED),
        stays: None,
    },
    Fault {
        name: "next link to another origin",
        check: "origin",
        applies: |asked| {
            let linked =
                |stream: &StreamSpec| matches!(stream.paging, Paging::Unknown | Paging::LinkHeader(_));
            stream(asked).is_some_and(linked) && first_page(asked)
        },
        act: |answer, _, _| Ok(header(answer, "link", "<http://127.0.0.1:2/elsewhere>; rel=\"next\"")),
        once: None,
        stays: Some(REFUSED),
    },
];

/// A request of a stream.
fn stream<'a>(asked: &Asked<'a>) -> Option<&'a StreamSpec> {
    asked.stream.filter(|_| asked.get)
}

fn reading(asked: &Asked<'_>) -> bool {
    // Where the server may refuse one way of asking, there is another.
    stream(asked).is_some()
}

/// Whether a status is an answer, by the facts.
fn documented(stream: &StreamSpec, status: u16) -> bool {
    let gone = stream.parent().is_some_and(|parent| {
        parent.gone.contains(&status)
            || parent.barren.as_ref().is_some_and(|barren| barren.statuses.contains(&status))
    });
    gone || stream.empty.contains(&status)
        || stream.fallback.as_ref().is_some_and(|way| way.statuses.contains(&status))
}

fn first_page(asked: &Asked<'_>) -> bool {
    let Some(stream) = asked.stream else { return false };
    let value = |name: &str| asked.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    match &stream.paging {
        Paging::PageNumber(paging) => value(&paging.page).is_none_or(|page| page == paging.first.to_string()),
        Paging::Cursor(paging) => value(&paging.param).is_none(),
        _ => value("page").is_none() && value("offset").is_none(),
    }
}

/// A page of more rows than half of what the runs of the suite ask for.
fn large_page(asked: &Asked<'_>) -> bool {
    let size = stream(asked).and_then(|stream| stream.paging.page_size());
    let Some((name, _)) = size else { return false };
    let asked = asked.url.query_pairs().find(|(key, _)| key == name);
    asked
        .and_then(|(_, value)| value.parse().ok())
        .is_some_and(|rows: u32| rows * 2 > crate::check::PAGE_ROWS)
}

fn behind_the_first(asked: &Asked<'_>) -> bool {
    let paged = |stream: &StreamSpec| matches!(stream.paging, Paging::PageNumber(_) | Paging::Cursor(_));
    stream(asked).is_some_and(paged) && !first_page(asked)
}

fn keyed(asked: &Asked<'_>) -> bool {
    reading(asked) && !asked.renewable
}

fn tokened(asked: &Asked<'_>) -> bool {
    reading(asked) && asked.renewable
}

fn plain_403(asked: &Asked<'_>) -> bool {
    stream(asked).is_some_and(|stream| !documented(stream, 403))
}

fn plain_404(asked: &Asked<'_>) -> bool {
    stream(asked).is_some_and(|stream| !documented(stream, 404)) && first_page(asked)
}

/// A list whose rows stand at a place of their own: not one row alone, whatever its shape.
fn listing(asked: &Asked<'_>) -> bool {
    stream(asked).is_some_and(|stream| !stream.single && !lone(stream))
}

fn lone(stream: &StreamSpec) -> bool {
    stream.items.iter().any(|pointer| pointer == "{}")
}

fn plain_204(asked: &Asked<'_>) -> bool {
    listing(asked) && asked.stream.is_some_and(|stream| !documented(stream, 204))
}

/// A list whose rows bring their whole key.
fn keyed_rows(asked: &Asked<'_>) -> bool {
    listing(asked) && asked.stream.is_some_and(|stream| bend::own_key(stream).is_some())
}

fn totalled(asked: &Asked<'_>) -> bool {
    let total = |stream: &StreamSpec| match &stream.paging {
        Paging::PageNumber(paging) => paging.total_rows.is_some(),
        _ => false,
    };
    // Behind a window that can be halved, or with keys that are counted, repetition is told otherwise.
    let plain = |stream: &StreamSpec| {
        stream.table.synthetic_key.is_none()
            && !stream.axes.iter().any(|axis| matches!(axis, Axis::Window(_)))
    };
    behind_the_first(asked) && asked.stream.is_some_and(|stream| total(stream) && plain(stream))
}

fn cursored(asked: &Asked<'_>) -> bool {
    stream(asked).is_some_and(|stream| matches!(stream.paging, Paging::Cursor(_))) && !first_page(asked)
}
