//! Privacy rules: what happens to a field before anything is kept.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::table::TableLayout;
use crate::{
    column::snake_case,
    json::{
        scan::{JsonError, Kind, Scanner, StringSpan},
        text,
    },
};

/// Deeper than this nothing is looked at, and so nothing is kept.
const MAX_DEPTH: usize = 64;

/// What is done to a field, by its name: the vendor's or the column's.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The field's or the column's name.
    pub name: String,
    /// What is done.
    pub act: Act,
}

/// What is done to a private value.
#[derive(Clone)]
pub enum Act {
    /// It is not kept.
    Drop,
    /// It is replaced by the hexadecimal HMAC-SHA-256 of its text under this key.
    Hash(Vec<u8>),
    /// It was replaced by such a hash before the page was kept.
    Hashed,
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Drop => "Drop",
            Self::Hash(_) => "Hash(…)",
            Self::Hashed => "Hashed",
        })
    }
}

impl Act {
    /// A text that tells one act from another: another key gives another, and no key can be found from it.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Drop => "drop".to_owned(),
            Self::Hash(key) => hashed(key, b"fingerprint"),
            Self::Hashed => "hashed".to_owned(),
        }
    }
}

/// The rule for a field, by either of its names.
pub(crate) fn rule_for<'a>(rules: &'a [Rule], field: &str, name: &str) -> Option<&'a Act> {
    rules.iter().find(|rule| rule.name == field || rule.name == name).map(|rule| &rule.act)
}

/// The hexadecimal HMAC-SHA-256 of a text.
pub(crate) fn hashed(key: &[u8], text: &[u8]) -> String {
    // HMAC takes keys of any length, so this branch is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rule for a key as it stands in the page, with its quotes.
pub(crate) fn rule_of_key<'a>(rules: &'a [Rule], key: &[u8]) -> Option<&'a Act> {
    let inner = key.get(1..key.len().saturating_sub(1))?;
    rule_of_inner(rules, StringSpan { inner, escaped: inner.contains(&b'\\') })
}

/// The rule for a key of a page.
pub(crate) fn rule_of_inner<'a>(rules: &'a [Rule], key: StringSpan<'_>) -> Option<&'a Act> {
    if rules.is_empty() {
        return None;
    }
    let mut decoded = Vec::new();
    text::append(key, &mut decoded);
    let name = String::from_utf8_lossy(&decoded);
    rule_for(rules, &name, &snake_case(&name))
}

/// The text of a raw value that is hashed: a string's text, anything else as JSON text.
pub(crate) fn text_of(raw: &[u8]) -> Vec<u8> {
    let mut scanner = Scanner::new(raw);
    match scanner.string() {
        Ok(span) => {
            let mut decoded = Vec::new();
            text::append(span, &mut decoded);
            decoded
        }
        Err(_) => raw.to_vec(),
    }
}

/// Appends the hash of a raw value as JSON; nothing has no hash.
pub(crate) fn append_hashed(raw: &[u8], key: &[u8], into: &mut Vec<u8>) {
    if raw == b"null" {
        into.extend_from_slice(raw);
    } else {
        text::append_quoted(&hashed(key, &text_of(raw)), into);
    }
}

/// A page without its private members, at any depth; none where it is no JSON.
///
/// A page that is decoded with [`Act::Hashed`] for each hash gives the rows that the page as it came gives.
pub fn redacted(page: &[u8], rules: &[Rule]) -> Option<Vec<u8>> {
    let page = page.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(page);
    std::str::from_utf8(page).ok()?;
    let mut kept = Vec::with_capacity(page.len());
    let mut scanner = Scanner::new(page);
    redact_at(&mut scanner, rules, &mut kept, 0).ok()?;
    scanner.end().ok()?;
    Some(kept)
}

/// The rules, and the same for every other name under which a column's field may come.
pub fn widened(rules: &[Rule], tables: &[&TableLayout]) -> Vec<Rule> {
    let mut all = rules.to_vec();
    for table in tables.iter().filter(|_| !rules.is_empty()) {
        let fields: Vec<&str> = table.columns.iter().map(|column| column.field.as_str()).collect();
        let mut add = |field: &str, name: &str| {
            let last = field.rsplit('/').next().unwrap_or(field);
            if let Some(act) = rule_for(rules, last, &snake_case(last)).cloned() {
                all.push(Rule { name: name.to_owned(), act });
            }
        };
        for alias in &table.aliases {
            let name = alias.path.rsplit('/').next().unwrap_or_default();
            // A column of its own lends its text, and has its own rule.
            if name != "*" && !fields.contains(&alias.path.as_str()) {
                add(&alias.field, name);
            }
        }
    }
    all
}

/// Copies a raw value without its private members, at any depth.
///
/// The value was read over once, so it is JSON; where that should not hold, nothing is kept.
pub(crate) fn redact(raw: &[u8], rules: &[Rule], into: &mut Vec<u8>) {
    let start = into.len();
    if redact_at(&mut Scanner::new(raw), rules, into, 0).is_err() {
        into.truncate(start);
        into.extend_from_slice(b"null");
    }
}

fn redact_at(
    scanner: &mut Scanner<'_>,
    rules: &[Rule],
    into: &mut Vec<u8>,
    depth: usize,
) -> Result<(), JsonError> {
    match scanner.kind()? {
        Kind::Object | Kind::Array if depth >= MAX_DEPTH => {
            scanner.skip()?;
            into.extend_from_slice(b"null");
        }
        Kind::Object => {
            into.push(b'{');
            let mut first = true;
            let mut more = scanner.enter_object()?;
            while more {
                let begun = into.len();
                if !first {
                    into.push(b',');
                }
                if redact_member(scanner, rules, into, depth)? {
                    first = false;
                } else {
                    into.truncate(begun);
                }
                more = scanner.next_member()?;
            }
            into.push(b'}');
        }
        Kind::Array => {
            into.push(b'[');
            let mut first = true;
            let mut more = scanner.enter_array()?;
            while more {
                if !first {
                    into.push(b',');
                }
                first = false;
                redact_at(scanner, rules, into, depth + 1)?;
                more = scanner.next_element()?;
            }
            into.push(b']');
        }
        _ => {
            let range = scanner.skip()?;
            into.extend_from_slice(&scanner.bytes[range]);
        }
    }
    Ok(())
}

/// Copies one member; false where it is dropped.
fn redact_member(
    scanner: &mut Scanner<'_>,
    rules: &[Rule],
    into: &mut Vec<u8>,
    depth: usize,
) -> Result<bool, JsonError> {
    let start = scanner.at;
    let key = scanner.string()?;
    let quoted = &scanner.bytes[start..scanner.at];
    scanner.colon()?;
    match rule_of_inner(rules, key) {
        Some(Act::Drop) => {
            scanner.skip()?;
            Ok(false)
        }
        Some(Act::Hash(secret)) => {
            let range = scanner.skip()?;
            into.extend_from_slice(quoted);
            into.push(b':');
            append_hashed(&scanner.bytes[range], secret, into);
            Ok(true)
        }
        Some(Act::Hashed) => {
            let range = scanner.skip()?;
            into.extend_from_slice(quoted);
            into.push(b':');
            into.extend_from_slice(&scanner.bytes[range]);
            Ok(true)
        }
        None => {
            into.extend_from_slice(quoted);
            into.push(b':');
            redact_at(scanner, rules, into, depth + 1)?;
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_no_json_is_not_kept() {
        let rules = [Rule { name: "email".to_owned(), act: Act::Hash(b"pepper".to_vec()) }];
        assert_eq!(redacted(b"<html>x@example.com</html>", &rules), None);
        assert_eq!(redacted(b"{} x@example.com", &rules), None);
        assert_eq!(redacted(b"[{\"email\":null}]", &rules), Some(b"[{\"email\":null}]".to_vec()));
        let once = redacted(b"{\"email\": \"x@example.com\"}", &rules).expect("JSON");
        let again = [Rule { name: "email".to_owned(), act: Act::Hashed }];
        assert_eq!(redacted(&once, &again), Some(once));
    }

    #[test]
    fn private_members_are_found_at_any_depth() {
        let rules = [
            Rule { name: "email".to_owned(), act: Act::Drop },
            Rule { name: "first_name".to_owned(), act: Act::Hash(b"pepper".to_vec()) },
        ];
        let mut kept = Vec::new();
        let raw =
            br#"{"a": [{"email": "x@example.com", "firstName": "Ada", "b": 1}], "em\u0061il": 2, "c": []}"#;
        redact(raw, &rules, &mut kept);
        let hash = hashed(b"pepper", b"Ada");
        assert_eq!(
            String::from_utf8(kept).expect("text"),
            format!(r#"{{"a":[{{"firstName":"{hash}","b":1}}],"c":[]}}"#)
        );
    }
}
