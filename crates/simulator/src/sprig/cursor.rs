//! Cursors: Base64 of `createdAt:<ms>`, or a token; section 2.2 of the reference.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::seed::Seed;

/// A place in an ordered list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// A creation time, in milliseconds.
    pub(super) at: i64,
    /// The row's number, where the cursor breaks ties.
    pub(super) row: Option<u64>,
}

/// The cursors that were given out.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    /// Cursor to the lists and filters under which it was given.
    issued: BTreeMap<String, BTreeSet<String>>,
    /// Token to its position.
    tokens: BTreeMap<String, Position>,
}

impl Cursors {
    /// A token for a position of a list; the same for the same position.
    pub(super) fn token(&mut self, seed: u64, list: &str, position: Position) -> String {
        let label = format!("cursor {list} {}", position.at);
        let token = Seed::of(seed, &label, position.row.unwrap_or(u64::MAX)).hex(40);
        self.tokens.insert(token.clone(), position);
        token
    }

    /// The position of a token.
    pub(super) fn position(&self, token: &str) -> Option<Position> {
        self.tokens.get(token).copied()
    }

    /// Remembers under which list and filters a cursor was given.
    pub(super) fn issue(&mut self, cursor: &str, list: &str, filters: &str) {
        self.issued.entry(cursor.to_owned()).or_default().insert(format!("{list}?{filters}"));
    }

    /// What is wrong with sending a cursor under these filters, if anything.
    pub(super) fn misuse(&self, cursor: &str, list: &str, filters: &str) -> Option<&'static str> {
        match self.issued.get(cursor) {
            None => Some("a cursor that was never given out"),
            Some(places) if places.contains(&format!("{list}?{filters}")) => None,
            Some(_) => Some("a cursor with other filters than those under which it was given out"),
        }
    }
}

/// Base64 of `createdAt:<ms>`, with the filters behind a semicolon where they are carried.
pub(super) fn encode(at: i64, carried: Option<&str>) -> String {
    match carried {
        Some(filters) => base64(format!("createdAt:{at};{filters}").as_bytes()),
        None => base64(format!("createdAt:{at}").as_bytes()),
    }
}

/// The time and the carried filters of [`encode`].
pub(super) fn decode(cursor: &str) -> Option<(i64, String)> {
    let text = String::from_utf8(unbase64(cursor)?).ok()?;
    let text = text.strip_prefix("createdAt:")?;
    let (at, filters) = text.split_once(';').unwrap_or((text, ""));
    Some((at.parse().ok()?, filters.to_owned()))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            if index > chunk.len() {
                text.push('=');
            } else {
                let sextet = bits >> (18 - 6 * index) & 63;
                text.push(char::from(ALPHABET[usize::try_from(sextet).unwrap_or(0)]));
            }
        }
    }
    text
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bits: u32 = 0;
    let mut held = 0;
    let mut bytes = Vec::new();
    for digit in text.trim_end_matches('=').bytes() {
        let sextet = ALPHABET.iter().position(|&known| known == digit)?;
        bits = (bits << 6 | u32::try_from(sextet).ok()?) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_like_the_samples_of_the_reference() {
        assert_eq!(encode(1_714_639_000_125, None), "Y3JlYXRlZEF0OjE3MTQ2MzkwMDAxMjU=");
        assert_eq!(decode("Y3JlYXRlZEF0OjE3MTQ2MzkwMDAxMjU="), Some((1_714_639_000_125, String::new())));
        assert_eq!(decode(&encode(-7, Some("sid=3&start=1"))), Some((-7, "sid=3&start=1".to_owned())));
        for broken in ["", "x", "Y3Jl", "****", "Y3JlYXRlZEF0OjE3MTQ2MzkwMDAxMjU"] {
            assert_eq!(decode(broken), None);
        }
    }
}
