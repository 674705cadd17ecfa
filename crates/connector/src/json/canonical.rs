//! The canonical form of a JSON value: members sorted by key, no white space, strings unescaped and escaped anew.
//!
//! It is what synthetic keys are hashed from, so it must never change.

use super::scan::{JsonError, Kind, Scanner};
use super::text;

/// Deeper than this, a value is taken as it came: synthetic keys need no more, and recursion stays bounded.
const MAX_DEPTH: usize = 64;

/// Appends the canonical form of the value that begins at the scanner.
pub(crate) fn append(scanner: &mut Scanner<'_>, into: &mut Vec<u8>) -> Result<(), JsonError> {
    append_at(scanner, into, 0)
}

fn append_at(scanner: &mut Scanner<'_>, into: &mut Vec<u8>, depth: usize) -> Result<(), JsonError> {
    match scanner.kind()? {
        Kind::Object if depth < MAX_DEPTH => object(scanner, into, depth),
        Kind::Array if depth < MAX_DEPTH => array(scanner, into, depth),
        Kind::String => {
            let decoded = string(scanner)?;
            text::append_quoted(&decoded, into);
            Ok(())
        }
        _ => {
            let range = scanner.skip()?;
            into.extend_from_slice(&scanner.bytes[range]);
            Ok(())
        }
    }
}

fn string(scanner: &mut Scanner<'_>) -> Result<String, JsonError> {
    let mut decoded = Vec::new();
    text::append(scanner.string()?, &mut decoded);
    Ok(String::from_utf8_lossy(&decoded).into_owned())
}

fn object(scanner: &mut Scanner<'_>, into: &mut Vec<u8>, depth: usize) -> Result<(), JsonError> {
    let mut members = Vec::new();
    let mut more = scanner.enter_object()?;
    while more {
        let key = string(scanner)?;
        scanner.colon()?;
        let mut value = Vec::new();
        append_at(scanner, &mut value, depth + 1)?;
        members.push((key, value));
        more = scanner.next_member()?;
    }
    members.sort_by(|a, b| a.0.cmp(&b.0));
    into.push(b'{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            into.push(b',');
        }
        text::append_quoted(key, into);
        into.push(b':');
        into.extend_from_slice(value);
    }
    into.push(b'}');
    Ok(())
}

fn array(scanner: &mut Scanner<'_>, into: &mut Vec<u8>, depth: usize) -> Result<(), JsonError> {
    into.push(b'[');
    let mut more = scanner.enter_array()?;
    let mut first = true;
    while more {
        if !first {
            into.push(b',');
        }
        first = false;
        append_at(scanner, into, depth + 1)?;
        more = scanner.next_element()?;
    }
    into.push(b']');
    Ok(())
}
