//! What an answer says, out of its JSON text.
//!
//! An answer may be any JSON value (vendors/sprig.md 3.2.3). Its JSON kind decides first, the question's type second;
//! what fits neither is left null, never an error.

use serde::{Deserialize, de::IgnoredAny};
use userhaul_connector::{
    Computed,
    rows::{Rows, UnifyError},
};

/// Question types whose objects have labels as keys, so that no key of theirs means anything by its name.
const KEYED_BY_LABEL: [&str; 2] = ["MATRIX", "RANKORDER"];

/// `response_text`, `response_number`, `response_kind`.
pub(crate) fn compute(rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
    let (responses, types) = (rows.text("response")?, rows.text("question_type")?);
    let mut texts = Vec::with_capacity(rows.len());
    let mut numbers = Vec::with_capacity(rows.len());
    let mut kinds = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let json = responses.get(row).unwrap_or("null");
        let question_type = types.get(row).unwrap_or_default();
        texts.push(text(json, question_type));
        numbers.push(number(json, question_type));
        kinds.push(Some(kind(json).to_owned()));
    }
    Ok(vec![Computed::Text(texts), Computed::Double(numbers), Computed::Text(kinds)])
}

/// A text as it is, the labels of a list a line each, or what was said in a recording.
fn text(json: &str, question_type: &str) -> Option<String> {
    match kind(json) {
        "string" => string(json),
        "array" => labels(json).filter(|labels| !labels.is_empty()).map(|labels| labels.join("\n")),
        "object" if !KEYED_BY_LABEL.contains(&question_type) => transcription(json),
        _ => None,
    }
}

/// A number, or for scales a text that is exactly one; none where a double would bend it.
fn number(json: &str, question_type: &str) -> Option<f64> {
    match kind(json) {
        "number" => exact(json),
        "string" if matches!(question_type, "NPS" | "LIKERT") => string(json).as_deref().and_then(exact),
        _ => None,
    }
}

/// The labels of a list of texts, nulls left out; none where something else stands in it.
pub(crate) fn labels(json: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Element {
        Label(Option<String>),
        Other(IgnoredAny),
    }
    if kind(json) == "string" {
        return string(json).map(|label| vec![label]);
    }
    let elements: Vec<Element> = serde_json::from_str(json).ok()?;
    let mut labels = Vec::with_capacity(elements.len());
    for element in elements {
        match element {
            Element::Label(label) => labels.extend(label),
            Element::Other(_) => return None,
        }
    }
    Some(labels)
}

fn transcription(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Recording {
        transcription: Option<String>,
    }
    serde_json::from_str::<Recording>(json).ok()?.transcription
}

/// The kind of a JSON value tells itself by its first byte.
fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "bool",
        Some(b'-' | b'0'..=b'9') => "number",
        _ => "null",
    }
}

/// Most texts have no escape and need no reader.
fn string(json: &str) -> Option<String> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(json).ok() } else { Some(inner.to_owned()) }
}

fn exact(text: &str) -> Option<f64> {
    // Serde says whether it is a JSON number, the standard library reads it to the last digit.
    serde_json::from_str::<f64>(text).ok()?;
    let number: f64 = text.parse().ok()?;
    let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (!whole || number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, question_type: &str) -> (Option<String>, Option<f64>, &'static str) {
        (text(json, question_type), number(json, question_type), kind(json))
    }

    fn said(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn every_shape_of_an_answer_is_read() {
        for (json, question_type, text, number, kind) in [
            (r#""Too many fields""#, "OPEN", said("Too many fields"), None, "string"),
            (r#""a\n\u00e9 \"b\"""#, "OPEN", said("a\né \"b\""), None, "string"),
            (r#""""#, "OPEN", said(""), None, "string"),
            (r#""7""#, "OPEN", said("7"), None, "string"),
            ("9", "NPS", None, Some(9.0), "number"),
            (r#""9""#, "NPS", said("9"), Some(9.0), "string"),
            (r#""3""#, "LIKERT", said("3"), Some(3.0), "string"),
            (r#""often""#, "LIKERT", said("often"), None, "string"),
            ("3.0", "LIKERT", None, Some(3.0), "number"),
            ("9007199254740993", "NEW", None, None, "number"),
            (r#""Address form""#, "MULTIPLESELECT", said("Address form"), None, "string"),
            (
                r#"["Address form", null, "Card"]"#,
                "MULTIPLESELECT",
                said("Address form\nCard"),
                None,
                "array",
            ),
            ("[]", "MULTIPLESELECT", None, None, "array"),
            (r#"{"Search":"4 - Good","transcription":"2"}"#, "MATRIX", None, None, "object"),
            (r#"{"transcription":1}"#, "RANKORDER", None, None, "object"),
            (r#"[[{"id":1,"option":"Price","selected":"left"}]]"#, "MAXDIFF", None, None, "array"),
            (r#"{"submitted":true}"#, "CONSENTLEGAL", None, None, "object"),
            (
                r#"{"mediaType":"video","duration":18.4,"transcription":"So"}"#,
                "VIDEOVOICE",
                said("So"),
                None,
                "object",
            ),
            (r#"{"mediaType":"video","transcription":null}"#, "VIDEOVOICE", None, None, "object"),
            ("true", "NEW", None, None, "bool"),
            ("null", "TEXTURLPROMPT", None, None, "null"),
        ] {
            assert_eq!(read(json, question_type), (text, number, kind), "{json} {question_type}");
        }
    }

    #[test]
    fn a_label_may_hold_a_line_break() {
        assert_eq!(labels(r#"["a\nb","c"]"#), Some(vec!["a\nb".to_owned(), "c".to_owned()]));
        assert_eq!(labels(r#""a""#), Some(vec!["a".to_owned()]));
        assert_eq!(labels(r#"[1]"#), None);
        assert_eq!(labels("7"), None);
    }
}
