//! Pages as the facts describe them, and what a server refuses.

use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, Response, Uri};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use userhaul_connector::spec::{AuthFacts, Axis, BasicAuth, ConnectorSpec, Paging, StreamSpec};

use crate::made::text;

/// The parameters of a request.
pub(crate) struct Query {
    pub(crate) pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self { pairs: pairs.into_owned().collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.get(name).map(|text| text.parse().expect("a number"))
    }
}

/// An answer in JSON.
pub(crate) fn json(status: u16, body: &Value) -> Response<Bytes> {
    let body = Bytes::from(body.to_string());
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.header("content-length", body.len()).body(body).expect("a response of known parts")
}

/// An instant of a parameter, in microseconds since 1970.
pub(crate) fn instant(text: &str) -> i64 {
    if let Ok(number) = text.parse::<i64>() {
        return if number > 100_000_000_000 { number * 1000 } else { number * 1_000_000 };
    }
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let instant = text.parse::<Timestamp>().ok().or_else(day);
    instant.unwrap_or_else(|| panic!("the server does not read the instant {text}")).as_microsecond()
}

/// Whether the credential came as the facts say; else what is missing.
pub(crate) fn signed(spec: &ConnectorSpec, headers: &HeaderMap, query: &Query) -> Result<(), String> {
    let key = "key-of-nobody-at-all";
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let basic = |pair: String| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        header("authorization") == Some(format!("Basic {encoded}"))
    };
    let right = match spec.auth.as_ref().unwrap_or(&AuthFacts::None) {
        AuthFacts::None => true,
        AuthFacts::Header(facts) => {
            let scheme = facts.scheme.as_ref().map(|scheme| format!("{scheme} ")).unwrap_or_default();
            header(&facts.header) == Some(format!("{scheme}{key}"))
        }
        AuthFacts::Query { parameter, .. } => query.get(parameter) == Some(key),
        AuthFacts::Basic(BasicAuth::Both { .. }) => basic(format!("nobody:{key}")),
        AuthFacts::Basic(BasicAuth::KeyFirst { password, .. }) => basic(format!("{key}:{password}")),
        AuthFacts::Basic(BasicAuth::KeyLast { username, .. }) => basic(format!("{username}:{key}")),
        AuthFacts::ClientCredentials { .. } => panic!("the server has no tokens yet"),
    };
    let headers = spec.headers.iter().find(|(name, value)| header(name).as_ref() != Some(value));
    match headers {
        Some((name, _)) => Err(format!("the header {name} is missing")),
        None if right => Ok(()),
        None => Err("the credential is missing".to_owned()),
    }
}

/// Refuses parameters that the facts do not name.
pub(crate) fn only_known(spec: &ConnectorSpec, stream: &StreamSpec, query: &Query) -> Result<(), String> {
    let mut known: Vec<&str> = stream.params.iter().map(|(name, _)| name.as_str()).collect();
    known.extend(stream.paging.page_size().map(|(name, _)| name));
    known.extend(spec.check.params.iter().map(|(name, _)| name.as_str()));
    known.extend(stream.since.iter().map(|since| since.param.as_str()));
    if let Some(AuthFacts::Query { parameter, .. }) = &spec.auth {
        known.push(parameter);
    }
    known.extend(match &stream.paging {
        Paging::PageNumber(paging) => Some(paging.page.as_str()),
        Paging::Offset(paging) => Some(paging.offset.as_str()),
        Paging::Cursor(paging) => Some(paging.param.as_str()),
        Paging::LastId(paging) => Some(paging.param.as_str()),
        Paging::NextUrl(_) | Paging::LinkHeader(_) | Paging::Unknown => Some("page"),
        Paging::None => None,
    });
    for axis in &stream.axes {
        match axis {
            Axis::Window(window) => known.extend(window.to.iter().chain([&window.from]).map(String::as_str)),
            Axis::Property { param, .. } => known.push(param),
            Axis::Parent(parent) => known.push(&parent.param),
            Axis::Passes(passes) => {
                known.extend(passes.iter().flat_map(|pass| &pass.params).map(|(name, _)| name.as_str()));
            }
        }
    }
    match query.pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(format!("{}: the parameter {name} is unknown", stream.name)),
        None => Ok(()),
    }
}

/// The page that was asked for, of all these rows.
pub(crate) fn page(stream: &StreamSpec, path: &str, query: &Query, rows: Vec<Value>) -> Response<Bytes> {
    let total = rows.len();
    let size = stream.paging.page_size().and_then(|(name, _)| query.number(name)).unwrap_or(10);
    let paged = !matches!(stream.paging, Paging::None);
    let begin = match &stream.paging {
        Paging::None => 0,
        Paging::PageNumber(paging) => {
            let first = usize::try_from(paging.first).expect("a small number");
            (query.number(&paging.page).unwrap_or(first) - first) * size
        }
        Paging::Offset(paging) => query.number(&paging.offset).unwrap_or(0),
        Paging::Cursor(paging) => query.number(&paging.param).unwrap_or(0),
        Paging::LastId(paging) => query.get(&paging.param).map_or(0, |last| {
            let at = rows.iter().position(|row| text(&row[&paging.column]) == last);
            at.map_or(total, |at| at + 1)
        }),
        Paging::NextUrl(_) | Paging::LinkHeader(_) | Paging::Unknown => {
            query.number("page").unwrap_or(0) * size
        }
    };
    let page: Vec<Value> = rows.into_iter().skip(begin).take(if paged { size } else { total }).collect();
    let next = begin + page.len();
    let more = paged && next < total;
    let link = || {
        let others = query.pairs.iter().filter(|(name, _)| name != "page");
        let others: Vec<String> = others.map(|(name, value)| format!("{name}={value}")).collect();
        format!("{path}?{}", [others, vec![format!("page={}", begin / size + 1)]].concat().join("&"))
    };
    let mut body = Value::Null;
    let mut headers = Vec::new();
    put(&mut body, &mut headers, &stream.items[0], if stream.single { page[0].clone() } else { page.into() });
    for (place, value) in told(&stream.paging, total, size, next, more, link) {
        put(&mut body, &mut headers, &place, value);
    }
    let mut response = json(200, &body);
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a header's name");
        response.headers_mut().insert(name, text(&value).parse().expect("a header's value"));
    }
    response
}

/// What the facts say that a page tells, each with its place.
fn told(
    paging: &Paging,
    total: usize,
    size: usize,
    next: usize,
    more: bool,
    link: impl FnOnce() -> String,
) -> Vec<(String, Value)> {
    let (mores, lasts, totals, pages) = match paging {
        Paging::PageNumber(paging) => (&paging.more, &paging.last, &paging.total_rows, &paging.total_pages),
        Paging::Offset(paging) => (&paging.more, &paging.last, &paging.total_rows, &None),
        Paging::Cursor(paging) => (&paging.more, &paging.last, &None, &None),
        Paging::LastId(paging) => (&paging.more, &paging.last, &None, &None),
        Paging::NextUrl(paging) => (&paging.more, &paging.last, &None, &None),
        Paging::LinkHeader(_) | Paging::Unknown | Paging::None => (&None, &None, &None, &None),
    };
    let next = match paging {
        Paging::Cursor(paging) => Some((paging.next.clone(), json!(next.to_string()))),
        Paging::NextUrl(paging) => Some((paging.next.clone(), json!(link()))),
        Paging::LinkHeader(_) | Paging::Unknown => {
            Some(("header:Link".to_owned(), json!(format!("<{}>; rel=\"next\"", link()))))
        }
        Paging::PageNumber(_) | Paging::Offset(_) | Paging::LastId(_) | Paging::None => None,
    };
    let places = [
        (mores, json!(more)),
        (lasts, json!(!more)),
        (totals, json!(total)),
        (pages, json!(total.div_ceil(size))),
    ];
    let told = places.into_iter().filter_map(|(place, value)| Some((place.clone()?, value)));
    told.chain(next.filter(|_| more)).collect()
}

/// Puts a value where a pointer or `header:NAME` says.
fn put(body: &mut Value, headers: &mut Vec<(String, Value)>, place: &str, value: Value) {
    if let Some(name) = place.strip_prefix("header:") {
        headers.push((name.to_owned(), value));
        return;
    }
    let mut at = body;
    for name in place.split('/').skip(1) {
        at = &mut at[name];
    }
    *at = value;
}
