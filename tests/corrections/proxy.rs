//! A proxy that renames one kind of thing both ways, and refuses the old names.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use toml::Table;
use userhaul_connector::spec::{DateFormat, Round};
use userhaul_simulator::{Vendor, thrive};

use crate::facts::{self, Kind, MARK, members};

/// A running proxy; it stops when this is dropped.
pub(crate) struct Proxy {
    pub(crate) base_url: String,
    rules: Arc<Rules>,
    server: tokio::task::JoinHandle<()>,
}

struct Rules {
    vendor: Vendor,
    kind: Kind,
    facts: Table,
    behind: String,
    client: reqwest::Client,
    refused: Mutex<Vec<String>>,
}

/// A request as the vendor wants it, or why it is refused.
struct Inward {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    #[expect(clippy::disallowed_methods, reason = "the proxy is the test's own, and asks loopback only")]
    pub(crate) async fn start(vendor: Vendor, kind: Kind, behind: &str) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let rules = Arc::new(Rules {
            vendor,
            kind,
            facts: facts::of(vendor),
            behind: behind.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            refused: Mutex::new(Vec::new()),
        });
        let router = Router::new().fallback(forward).with_state(Arc::clone(&rules));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { base_url, rules, server }
    }

    /// What was asked by an old name.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.rules.refused.lock().expect("no panic").clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "a simulator's answers are small")]
async fn forward(State(rules): State<Arc<Rules>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let inward = match rules.inward(&path, query, headers.collect()) {
        Ok(inward) => inward,
        Err(message) => {
            rules.refused.lock().expect("no panic").push(message.clone());
            return answer(400, json!({ "message": message }).to_string());
        }
    };
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    let mut outgoing = rules.client.request(parts.method, format!("{}{}", rules.behind, inward.path));
    outgoing = outgoing.query(&inward.query).body(body);
    for (name, value) in &inward.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "accept-encoding") {
            outgoing = outgoing.header(name, value);
        }
    }
    let incoming = outgoing.send().await.expect("the simulator answers");
    let status = incoming.status().as_u16();
    let text = incoming.text().await.expect("a text");
    let renamed = match serde_json::from_str::<Value>(&text) {
        Ok(value) if status < 300 => rules.outward(&inward.path, value).to_string(),
        _ => text,
    };
    answer(status, renamed)
}

fn answer(status: u16, body: String) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .expect("an answer")
}

impl Rules {
    fn inward(
        &self,
        path: &str,
        query: Vec<(String, String)>,
        headers: Vec<(String, String)>,
    ) -> Result<Inward, String> {
        let mut inward = Inward { path: path.to_owned(), query, headers };
        match self.kind {
            Kind::Paths => inward.path = self.old_path(path)?,
            Kind::Prefix => {
                let found = facts::prefixes(&self.facts).into_iter().find_map(|(old, new)| {
                    Some(format!(
                        "{old}{}",
                        path.strip_prefix(&format!("{new}/")).map(|rest| format!("/{rest}"))?
                    ))
                });
                inward.path = found.ok_or_else(|| format!("no such path {path}"))?;
            }
            Kind::Params => {
                for (name, _) in &mut inward.query {
                    let old = name
                        .strip_prefix(MARK)
                        .ok_or_else(|| format!("unknown parameter {name} of {path}"))?;
                    *name = old.to_owned();
                }
            }
            Kind::Header => self.header(&mut inward, "x-zz-key")?,
            Kind::Scheme => self.scheme(&mut inward)?,
            Kind::Dates => self.dates(&mut inward)?,
            Kind::ThirdProfile => self.third(&mut inward)?,
            Kind::Members | Kind::Envelope | Kind::Sizes => {}
        }
        Ok(inward)
    }

    fn old_header(&self) -> &'static str {
        if self.vendor == Vendor::Userlot { "apikey" } else { "authorization" }
    }

    fn old_path(&self, path: &str) -> Result<String, String> {
        let token = self.facts.get("auth").and_then(|auth| auth.get("token_path"));
        let templates = facts::streams(&self.facts)
            .filter_map(|(_, stream)| stream.get("path"))
            .chain(token)
            .filter_map(toml::Value::as_str);
        for template in templates {
            if let Some(values) = matched(&facts::renamed_path(template), path) {
                let mut values = values.into_iter();
                let segments = template.split('/').map(|segment| match segment.starts_with('{') {
                    true => values.next().expect("a value for each placeholder"),
                    false => segment.to_owned(),
                });
                return Ok(segments.collect::<Vec<_>>().join("/"));
            }
        }
        Err(format!("no such path {path}"))
    }

    fn stream(&self, path: &str) -> Option<&Table> {
        facts::streams(&self.facts)
            .find(|(_, stream)| {
                stream
                    .get("path")
                    .and_then(toml::Value::as_str)
                    .is_some_and(|template| matched(template, path).is_some())
            })
            .map(|(_, stream)| stream)
    }

    /// The credential under its old header.
    fn header(&self, inward: &mut Inward, new: &str) -> Result<(), String> {
        let old = self.old_header();
        if inward.headers.iter().any(|(name, _)| name == old) {
            return Err(format!("header {old}"));
        }
        for (name, _) in &mut inward.headers {
            if name == new {
                *name = old.to_owned();
            }
        }
        Ok(())
    }

    /// The credential behind its old word.
    fn scheme(&self, inward: &mut Inward) -> Result<(), String> {
        let old = self.old_header();
        let (_, value) = inward.headers.iter_mut().find(|(name, _)| name == old).ok_or("no credential")?;
        let (word, key) = value.split_once(' ').ok_or("no word before the credential")?;
        *value = match (self.vendor, word) {
            (Vendor::Sprig, "Zz") => format!("Bearer {key}"),
            (Vendor::Sprig, "Yy") => format!("API-Key {key}"),
            (Vendor::Thrive, "Zz") => {
                format!("Basic {}", STANDARD.encode(format!("{}:{key}", thrive::TENANT_ID)))
            }
            (Vendor::Userlane | Vendor::Userlot, "Zz") => key.to_owned(),
            _ => return Err(format!("scheme {word}")),
        };
        Ok(())
    }

    /// Instants in the old format.
    fn dates(&self, inward: &mut Inward) -> Result<(), String> {
        let Some(stream) = self.stream(&inward.path) else { return Ok(()) };
        let window = stream.get("axes").and_then(toml::Value::as_array).into_iter().flatten();
        let window = window.filter(|axis| axis["kind"].as_str() == Some("window"));
        let bounds = stream.get("paging").and_then(|paging| paging.get("bounds"));
        // The bounds of a walk are those of its windows, where it has any.
        for place in window.chain(bounds).take(1) {
            let old = DateFormat::parse(place["format"].as_str().expect("a format")).expect("a known format");
            for end in ["from", "to"] {
                let name = place[end].as_str().expect("a name");
                for (_, value) in inward.query.iter_mut().filter(|(known, _)| known == name) {
                    let text = value.clone();
                    let format = facts::other_format(&old);
                    let parsed =
                        jiff::fmt::strtime::parse(format, &text).map_err(|_| format!("{name}={text}"))?;
                    let at = match old.is_day() {
                        true => parsed.to_date().expect("a day").to_datetime(jiff::civil::Time::midnight()),
                        false => parsed.to_datetime().expect("an instant"),
                    };
                    let at = at.to_zoned(jiff::tz::TimeZone::UTC).expect("UTC").timestamp().as_microsecond();
                    *value = old.write(at, Round::Down);
                }
            }
        }
        Ok(())
    }

    /// The third profile's request in the words of the reference.
    fn third(&self, inward: &mut Inward) -> Result<(), String> {
        self.header(inward, "x-access")?;
        for (name, value) in &mut inward.headers {
            if name == "authorization" {
                *value = value.strip_prefix("Token ").ok_or("no `Token`")?.to_owned();
            }
        }
        let (_, old) = THIRD_PATHS
            .iter()
            .find(|(new, _)| *new == inward.path)
            .ok_or(format!("no such path {}", inward.path))?;
        let mut property = None;
        let mut query = Vec::new();
        for (name, value) in std::mem::take(&mut inward.query) {
            match name.as_str() {
                "app" => property = Some(value),
                "since" | "until" => {
                    let day =
                        jiff::fmt::strtime::parse("%d.%m.%Y", &value).and_then(|parsed| parsed.to_date());
                    let day = day.map_err(|_| format!("{name}={value}"))?.to_string();
                    query.push((if name == "since" { "from" } else { "to" }.to_owned(), day));
                }
                "p" => {
                    let page: u64 = value.parse().map_err(|_| "no number")?;
                    query.push(("page".to_owned(), (page + 1).to_string()));
                }
                "n" => query.push(("pageSize".to_owned(), value)),
                _ => return Err(format!("unknown parameter {name}")),
            }
        }
        inward.query = query;
        inward.path = format!("/v1/properties/{}/{old}", property.ok_or("no `app`")?);
        Ok(())
    }

    /// The vendor's answer with new names.
    fn outward(&self, path: &str, body: Value) -> Value {
        match self.kind {
            Kind::Members => self.members(path, body),
            Kind::Envelope => self.envelope(path, body),
            Kind::ThirdProfile => third_answer(body),
            _ => body,
        }
    }

    fn members(&self, path: &str, mut body: Value) -> Value {
        let Some(stream) = self.stream(path) else { return body };
        let columns = stream["columns"].as_table().expect("columns");
        let empty = Table::new();
        let aliases = stream.get("aliases").and_then(toml::Value::as_table).unwrap_or(&empty);
        let rename = |row: Value| renamed(row, columns, aliases);
        if stream.contains_key("single") {
            return rename(body);
        }
        let items = stream.get("items").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let pointers = items.iter().filter_map(toml::Value::as_str).chain([""]);
        for pointer in pointers.filter(|pointer| !pointer.contains(['*', '{'])) {
            if let Some(Value::Array(rows)) = body.pointer_mut(pointer) {
                *rows = rows.drain(..).map(rename).collect();
                return body;
            }
        }
        body
    }

    fn envelope(&self, path: &str, body: Value) -> Value {
        let single = self.stream(path).is_none_or(|stream| stream.contains_key("single"));
        match body {
            Value::Array(rows) if !single => json!({ format!("{MARK}rows"): rows, "other": [] }),
            Value::Object(members) if !single => Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| {
                        let value = match value {
                            Value::Object(inner) => Value::Object(
                                inner
                                    .into_iter()
                                    .map(|(name, value)| (format!("{MARK}{name}"), value))
                                    .collect(),
                            ),
                            other => other,
                        };
                        (format!("{MARK}{name}"), value)
                    })
                    .collect(),
            ),
            other => other,
        }
    }
}

const THIRD_PATHS: &[(&str, &str)] = &[
    ("/export/heart-scores", "heart"),
    ("/export/nps-answers", "nps"),
    ("/export/survey-answers", "surveys"),
    ("/export/tag-clicks", "tags"),
    ("/export/guide-log", "guide-events"),
    ("/export/guide-state", "guide-progress"),
    ("/export/announcement-log", "announcement-events"),
    ("/export/people", "users"),
];

/// Rows under `/result/rows`, fields in kebab case, `date` as `day`.
fn third_answer(mut body: Value) -> Value {
    let total = |name: &str| body.pointer(&format!("/pagination/{name}")).cloned().unwrap_or_default();
    let (count, pages) = (total("totalItems"), total("totalPages"));
    let rows = body.get_mut("data").map(Value::take).unwrap_or_default();
    let kebab = |name: &str| -> String {
        if name == "date" {
            return "day".to_owned();
        }
        name.chars()
            .flat_map(|letter| match letter.is_ascii_uppercase() {
                true => vec!['-', letter.to_ascii_lowercase()],
                false => vec![letter],
            })
            .collect()
    };
    let rows: Vec<Value> = rows
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(|row| Value::Object(row.iter().map(|(name, value)| (kebab(name), value.clone())).collect()))
        .collect();
    json!({ "result": { "rows": rows, "count": count, "pages": pages } })
}

/// A row with its documented members renamed, those of its objects too.
fn renamed(row: Value, columns: &Table, aliases: &Table) -> Value {
    let Value::Object(row) = row else { return row };
    let paths: Vec<&str> = aliases
        .values()
        .filter_map(toml::Value::as_array)
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let mut made = Map::new();
    for (name, value) in row {
        let column = columns.get(&name).filter(|_| name != "_");
        let containers: Vec<&str> =
            paths.iter().filter_map(|path| path.strip_prefix(&format!("{name}/"))).collect();
        let known = column.is_some() || paths.contains(&name.as_str()) || !containers.is_empty();
        let value = match (column.and_then(members), value) {
            (Some(members), Value::Array(list)) => Value::Array(
                list.into_iter().map(|element| renamed(element, members, &Table::new())).collect(),
            ),
            (Some(members), value) => renamed(value, members, &Table::new()),
            (None, Value::Object(inner)) if !containers.is_empty() => Value::Object(
                inner
                    .into_iter()
                    .map(|(name, value)| match containers.contains(&name.as_str()) {
                        true => (format!("{MARK}{name}"), value),
                        false => (name, value),
                    })
                    .collect(),
            ),
            (None, value) => value,
        };
        made.insert(if known { format!("{MARK}{name}") } else { name }, value);
    }
    Value::Object(made)
}

/// The values of a template's placeholders.
fn matched(template: &str, path: &str) -> Option<Vec<String>> {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, segment) in template.into_iter().zip(path) {
        if wanted.starts_with('{') {
            values.push(segment.to_owned());
        } else if wanted != segment {
            return None;
        }
    }
    Some(values)
}
