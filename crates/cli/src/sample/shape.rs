//! Values of a sample into the notation of a column.

use std::collections::HashSet;

use userhaul_connector::column::snake_case;

use super::json::Json;

/// Objects within objects that are written out; deeper ones are JSON text.
const MOST_DEPTH: usize = 5;

/// Members of an object that are written out; an object with more has free keys.
const MOST_MEMBERS: usize = 60;

/// The notation of a field, as TOML, after all its values.
pub(super) fn notation(name: &str, values: &[&Json], depth: usize) -> String {
    let values: Vec<&Json> = values.iter().copied().filter(|value| **value != Json::Null).collect();
    let all = |is: fn(&Json) -> bool| !values.is_empty() && values.iter().all(|value| is(value));
    let is_list = |value: &Json| matches!(value, Json::List(_));
    let is_object = |value: &Json| matches!(value, Json::Object(_));
    if all(is_list) {
        return list(name, &values, depth);
    }
    if all(is_object) {
        return object(&values, depth);
    }
    quoted(scalar(name, &values))
}

/// The word of a field without lists and objects; `json` where there are some beside others.
pub(super) fn scalar(name: &str, values: &[&Json]) -> &'static str {
    let all = |is: &dyn Fn(&Json) -> bool| values.iter().all(|value| is(value));
    let is_text = |value: &Json| matches!(value, Json::Text(_));
    let is_number = |value: &Json| matches!(value, Json::Int(_) | Json::Large | Json::Double);
    let name = snake_case(name);
    if values.is_empty() {
        return if is_id(&name) { "id" } else { "text" };
    }
    if is_id(&name) && all(&|value| matches!(value, Json::Text(_) | Json::Int(_) | Json::Large)) {
        return "id";
    }
    if all(&|value| matches!(value, Json::Text(text) if is_day(text))) {
        return "date";
    }
    if all(&|value| matches!(value, Json::Text(text) if is_instant(text) || is_day(text))) {
        return "instant";
    }
    if all(&is_text) {
        return "text";
    }
    if is_time(&name) && all(&|value| matches!(value, Json::Int(number) if is_epoch(*number))) {
        return "instant";
    }
    if all(&|value| matches!(value, Json::Int(_))) {
        return "int";
    }
    if all(&is_number) && !values.iter().any(|value| matches!(value, Json::Large)) {
        return "double";
    }
    if all(&|value| matches!(value, Json::Bool(_))) {
        return "bool";
    }
    // A number enters a column of texts as it is written.
    if all(&|value| is_text(value) || is_number(value)) { "text" } else { "json" }
}

fn list(name: &str, values: &[&Json], depth: usize) -> String {
    let elements: Vec<&Json> = values
        .iter()
        .flat_map(|value| match value {
            Json::List(elements) => elements.as_slice(),
            _ => &[],
        })
        .filter(|element| **element != Json::Null)
        .collect();
    // Nobody knows what an empty list holds, and a list of lists has no notation that is worth reading.
    if elements.is_empty() || elements.iter().any(|element| matches!(element, Json::List(_))) {
        return quoted("json");
    }
    if depth >= MOST_DEPTH {
        return quoted("json");
    }
    if elements.iter().all(|element| matches!(element, Json::Object(_))) {
        let element = object(&elements, depth + 1);
        return if element == quoted("map") { quoted("json") } else { format!("[{element}]") };
    }
    let singular = name.strip_suffix('s').unwrap_or(name);
    match scalar(singular, &elements) {
        "json" => quoted("json"),
        word => format!("[{}]", quoted(word)),
    }
}

fn object(values: &[&Json], depth: usize) -> String {
    let keys = keys(values);
    if depth >= MOST_DEPTH {
        return quoted("json");
    }
    if has_free_keys(values, &keys) {
        return quoted("map");
    }
    let members: Vec<String> = keys
        .iter()
        .map(|key| {
            let own: Vec<&Json> = values.iter().filter_map(|value| value.get(key)).collect();
            format!("{} = {}", toml_key(key), notation(key, &own, depth + 1))
        })
        .collect();
    format!("{{ {} }}", members.join(", "))
}

/// All keys, in the order in which they are met.
pub(super) fn keys<'a>(values: &[&'a Json]) -> Vec<&'a str> {
    let mut known = HashSet::new();
    let all = values.iter().flat_map(|value| value.members()).map(|(key, _)| key.as_str());
    all.filter(|key| known.insert(*key)).collect()
}

/// Whether the keys look like values: many, different from object to object, or no names.
fn has_free_keys(values: &[&Json], keys: &[&str]) -> bool {
    let mut names = HashSet::new();
    let named = keys.iter().all(|key| is_name(key) && names.insert(snake_case(key)));
    if keys.is_empty() || keys.len() > MOST_MEMBERS || !named {
        return true;
    }
    let filled: Vec<usize> =
        values.iter().map(|value| value.members().len()).filter(|&members| members > 0).collect();
    let met: usize = filled.iter().sum();
    filled.len() > 1 && met * 2 < filled.len() * keys.len()
}

fn is_name(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether a name in `snake_case` is one of an identifier.
pub(super) fn is_id(name: &str) -> bool {
    matches!(name, "id" | "uuid" | "guid" | "gid" | "key" | "_id")
        || name.ends_with("_id")
        || name.ends_with("_uuid")
        || name.ends_with("_ids")
}

fn is_time(name: &str) -> bool {
    matches!(name, "at" | "ts")
        || ["_at", "_on", "_ts"].iter().any(|ending| name.ends_with(ending))
        || ["time", "date", "created", "updated", "modified", "timestamp", "seen"]
            .iter()
            .any(|word| name.ends_with(word))
}

fn is_epoch(number: i64) -> bool {
    (1_000_000_000..4_000_000_000).contains(&number)
        || (1_000_000_000_000..4_000_000_000_000).contains(&number)
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn is_instant(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 16
        && text.get(..10).is_some_and(is_day)
        && matches!(bytes[10], b'T' | b't' | b' ')
        && bytes[13] == b':'
        && [11, 12, 14, 15].iter().all(|&at| bytes[at].is_ascii_digit())
}

pub(super) fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}

/// A key as TOML writes it.
pub(super) fn toml_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { key.to_owned() } else { toml_text(key) }
}

/// A text as TOML writes it, on one line.
pub(super) fn toml_text(text: &str) -> String {
    let mut written = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            control if control.is_control() => written.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => written.push(other),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, values: &str) -> String {
        let list: Json = serde_json::from_str(values).expect("JSON");
        let Json::List(values) = list else { panic!("a list") };
        notation(name, &values.iter().collect::<Vec<_>>(), 0)
    }

    #[test]
    fn a_field_has_the_type_that_all_its_values_fit() {
        for (name, values, expected) in [
            ("id", "[1, 2]", "\"id\""),
            ("accountId", "[\"a\", null]", "\"id\""),
            ("age", "[1, null]", "\"int\""),
            ("age", "[1, 2.5]", "\"double\""),
            ("big", "[1, 18446744073709551615]", "\"text\""),
            ("on", "[true, false]", "\"bool\""),
            ("name", "[\"a\", 3]", "\"text\""),
            ("odd", "[true, \"x\"]", "\"json\""),
            ("born", "[\"1990-01-02\"]", "\"date\""),
            ("at", "[\"2026-01-02T03:04:05Z\", \"2026-01-02\"]", "\"instant\""),
            ("created_at", "[1760000000]", "\"instant\""),
            ("count", "[1760000000]", "\"int\""),
            ("nothing", "[null]", "\"text\""),
            ("tags", "[[\"a\"], []]", "[\"text\"]"),
            ("groupIds", "[[1, 2]]", "[\"id\"]"),
            ("empty", "[[]]", "\"json\""),
            ("grid", "[[[1]]]", "\"json\""),
            (
                "home",
                "[{\"city\": \"x\", \"zip\": 1}, {\"city\": \"y\", \"zip\": 2}]",
                "{ city = \"text\", zip = \"int\" }",
            ),
            ("custom", "[{\"a\": 1}, {\"b\": 2}, {\"c\": 3}]", "\"map\""),
            ("custom", "[{\"a b\": 1}]", "\"map\""),
            ("custom", "[{\"a\": 1, \"A\": 2}]", "\"map\""),
            ("custom", "[{}]", "\"map\""),
            (
                "phones",
                "[[{\"kind\": \"home\", \"number\": \"1\"}]]",
                "[{ kind = \"text\", number = \"text\" }]",
            ),
        ] {
            assert_eq!(of(name, values), expected, "{name} {values}");
        }
    }

    #[test]
    fn keys_are_written_so_that_they_are_read_back() {
        for key in ["", "a b", "quote\"d", "back\\slash", "new\nline", "ünïcode", "plain_key-1"] {
            let text = format!("{} = 1", toml_key(key));
            let table: toml::Table = toml::from_str(&text).expect("TOML");
            assert_eq!(table.keys().next().map(String::as_str), Some(key));
        }
    }
}
