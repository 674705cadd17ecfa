//! What a request says: its path, its parameters, its body in any of three encodings.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};

use super::{Sim, answer::Refusal};

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// As it came.
    pub(super) path: String,
    /// As it came, empty where there is none.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    /// The parts after `/api/v1/`, decoded; none for a path that lies elsewhere.
    pub(super) fn segments(&self) -> Option<Vec<String>> {
        let rest = self.path.strip_prefix("/api/v1/")?;
        Some(rest.split('/').map(|part| decode(part, false)).collect())
    }

    /// The query's parameters in their order.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        pairs(&self.query)
    }

    /// The last value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Notes what is wrong with this request.
    pub(super) fn violates(&self, sim: &Sim, what: &str) {
        sim.core.violation(format!("{} {}: {what}", self.method, self.path));
    }

    /// The body's fields (A19): a flat JSON object, or a form, whose values are all text.
    pub(super) fn fields(&self, sim: &Sim) -> Result<Fields, Refusal> {
        let content_type =
            self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" => self.json(sim),
            "application/x-www-form-urlencoded" => {
                let text = String::from_utf8_lossy(&self.body);
                Ok(Fields { values: texts(pairs(&text)), form: true })
            }
            "multipart/form-data" => {
                let boundary = content_type
                    .split(';')
                    .filter_map(|part| part.trim().strip_prefix("boundary="))
                    .next()
                    .map(|boundary| boundary.trim_matches('"'))
                    .filter(|boundary| !boundary.is_empty());
                match boundary {
                    Some(boundary) => Ok(Fields { values: texts(parts(&self.body, boundary)), form: true }),
                    None => {
                        Err(self.refused(sim, StatusCode::BAD_REQUEST, "a multipart body without a boundary"))
                    }
                }
            }
            _ => {
                Err(self.refused(sim, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a content type that is not taken"))
            }
        }
    }

    fn json(&self, sim: &Sim) -> Result<Fields, Refusal> {
        match sim.switch("json_writes") {
            "415" => return Err(Refusal::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
            "400" => return Err(Refusal::Status(StatusCode::BAD_REQUEST)),
            _ => {}
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(values)) => Ok(Fields { values, form: false }),
            Ok(_) => Err(self.refused(sim, StatusCode::BAD_REQUEST, "a JSON body that is no object")),
            Err(_) => Err(self.refused(sim, StatusCode::BAD_REQUEST, "a body that is not JSON")),
        }
    }

    fn refused(&self, sim: &Sim, status: StatusCode, what: &str) -> Refusal {
        self.violates(sim, what);
        Refusal::Status(status)
    }
}

/// The fields of a write.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) values: Map<String, Value>,
    /// Whether all values are text because a form can hold nothing else.
    pub(super) form: bool,
}

fn texts(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect()
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Undoes percent-encoding; bytes that are no UTF-8 become U+FFFD, a `%` that stands alone stays.
fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (ahead.next().and_then(digit), ahead.next().and_then(digit));
        match (byte, digits) {
            (b'%', (Some(high), Some(low))) => {
                decoded.push(high << 4 | low);
                bytes = ahead;
            }
            (b'+', _) if plus_is_space => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The named text parts of a multipart body.
fn parts(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    text.split(&format!("--{boundary}"))
        .filter_map(|part| {
            let (head, value) = part.split_once("\r\n\r\n")?;
            let (_, after) = head.split_once(" name=\"")?;
            let (name, _) = after.split_once('"')?;
            Some((name.to_owned(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()))
        })
        .collect()
}
