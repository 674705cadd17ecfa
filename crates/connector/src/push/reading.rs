//! What several targets do alike: groups of records, told types, and reasons in the bodies of refusals.

use std::collections::BTreeMap;

use super::{field::FieldKind, value::Value};

/// A value as the user told its type, where it is told: `string`, `number` or `boolean`; a text without a type stays a text.
///
/// # Errors
/// Why it is not of that type, a phrase.
pub fn as_told(types: &BTreeMap<String, String>, name: &str, value: &Value) -> Result<Value, String> {
    match types.get(name).map(String::as_str) {
        Some("number") => FieldKind::Decimal.take(value),
        Some("boolean") => FieldKind::Boolean.take(value),
        Some("date") => FieldKind::Date.take(value),
        Some("list") => FieldKind::List.take(value),
        Some("string") => FieldKind::Text(0).take(value),
        _ => FieldKind::Any.take(value),
    }
}

/// The field that a refusal is about, where its body tells: the first key of `errors`, `message` or `error`.
pub fn field_of(body: &[u8]) -> Option<String> {
    let body = Value::parse(body).ok()?;
    ["errors", "message", "error"].iter().find_map(|name| match body.get(name) {
        Some(Value::Object(members)) => members.first().map(|(field, _)| field.clone()),
        _ => None,
    })
}

/// Items in groups of at most `rows`, each of at most `bytes` by what `weigh` says.
pub fn chunks(
    items: &[usize],
    rows: usize,
    bytes: usize,
    mut weigh: impl FnMut(usize) -> usize,
) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut weight = 0;
    for &item in items {
        let own = weigh(item);
        match groups.last_mut() {
            Some(group) if group.len() < rows.max(1) && weight + own <= bytes => {
                group.push(item);
                weight += own;
            }
            _ => {
                groups.push(vec![item]);
                weight = own;
            }
        }
    }
    groups
}

/// The reason in an error's body, whatever its shape; never more than 500 characters.
pub fn reason_of(body: &[u8], status: u16) -> String {
    let parsed = Value::parse(body).ok();
    let found = parsed.as_ref().and_then(reason_in);
    let text = found.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    let html = text.trim_start().starts_with('<');
    if text.is_empty() || html {
        format!("answered {status} without a reason")
    } else {
        text.chars().take(500).collect()
    }
}

fn reason_in(value: &Value) -> Option<String> {
    let words = |value: &Value| value.as_text().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    if let Value::List(_) = value {
        let all: Vec<String> =
            value.items().iter().filter_map(|item| words(item).or_else(|| reason_in(item))).collect();
        return (!all.is_empty()).then(|| all.join("; "));
    }
    let errors = value.get("errors").and_then(|errors| match errors {
        Value::Object(members) => {
            let all = members.iter().map(|(field, why)| format!("{field}: {}", flat(why)));
            Some(all.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
        }
        list => reason_in(list),
    });
    let message = || {
        let message = value.get("message")?;
        words(message).or_else(|| match message {
            Value::Object(members) => Some(
                members
                    .iter()
                    .map(|(field, why)| format!("{field}: {}", flat(why)))
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
            _ => None,
        })
    };
    let error = || value.get("error").and_then(|error| words(error).or_else(|| reason_in(error)));
    errors.or_else(message).or_else(error).or_else(|| value.get("reason").and_then(words))
}

fn flat(value: &Value) -> String {
    match value {
        Value::List(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        value => value.as_text().map_or_else(|| value.json(), str::to_owned),
    }
}
