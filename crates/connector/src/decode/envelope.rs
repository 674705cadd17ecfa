//! What stands around the rows of a page: cursors, totals.

use std::ops::Range;

use super::DecodeError;
use crate::json::{
    number, pointer,
    scan::{JsonError, Kind, Scanner, StringSpan},
    text,
};

/// The members of a page that is an object.
///
/// Small members are kept for pagers to ask; large ones, the rows above all, are forgotten.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    members: Vec<(String, Range<usize>)>,
    kept: Vec<(String, Vec<u8>)>,
    last: Option<String>,
}

/// A fact of the envelope that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` of the page is {found}, expected {expected}")]
pub struct FactsError {
    /// Where.
    pub pointer: String,
    /// What is right.
    pub expected: &'static str,
    /// What is there.
    pub found: &'static str,
}

/// Members above this many bytes are no facts.
const MAX_FACT_BYTES: usize = 64 * 1024;

impl Envelope {
    /// Reads the members of the object that begins at the scanner: the value of the first member of the name `inline`
    /// by `read_inline`, if it is an array, and the others by skipping them.
    pub(crate) fn read<E: From<JsonError>>(
        scanner: &mut Scanner<'_>,
        inline: Option<&str>,
        mut read_inline: impl FnMut(&mut Scanner<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut members: Vec<(String, Range<usize>)> = Vec::new();
        let mut inline = inline;
        let mut more = scanner.enter_object()?;
        while more {
            let mut key = Vec::new();
            text::append(scanner.string()?, &mut key);
            let key = String::from_utf8_lossy(&key).into_owned();
            scanner.colon()?;
            let kind = scanner.kind()?;
            let start = scanner.at;
            let range = if inline == Some(key.as_str()) && kind == Kind::Array {
                inline = None;
                read_inline(scanner)?;
                start..scanner.at
            } else {
                scanner.skip()?
            };
            members.retain(|(name, _)| *name != key);
            members.push((key, range));
            more = scanner.next_member()?;
        }
        Ok(Self { members, ..Self::default() })
    }

    /// The members' names, in order. To be asked before [`Envelope::keep`].
    pub(crate) fn members(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the page has no members. To be asked before [`Envelope::keep`].
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Copies the small members out of the page.
    pub(crate) fn keep(&mut self, body: &[u8]) {
        for (name, range) in self.members.drain(..) {
            if range.len() <= MAX_FACT_BYTES {
                self.kept.push((name, body[range].to_vec()));
            }
        }
    }

    /// The names of the page's members, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(|(name, _)| name.as_str())
    }

    /// The raw value at `/member` or `/member/member`; none where it is absent.
    fn raw(&self, pointer: &str) -> Option<&[u8]> {
        let path = pointer.strip_prefix('/')?;
        let (first, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        let (_, value) = self.kept.iter().find(|(name, _)| name == first)?;
        // The bytes were skipped over once already, so they are JSON.
        pointer::find(value, rest).ok().flatten()
    }

    /// Whether anything but null stands there.
    pub fn has(&self, pointer: &str) -> bool {
        self.raw(pointer).is_some_and(|raw| raw != b"null")
    }

    /// The watched value of the page's last row; see [`Decoder::watch_last`](super::Decoder::watch_last).
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    pub(crate) fn set_last(&mut self, last: Option<String>) {
        self.last = last;
    }

    /// True or false, bare or as a text; none where it is absent or null.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn flag(&self, pointer: &str) -> Result<Option<bool>, FactsError> {
        let refuse = |found| FactsError { pointer: pointer.to_owned(), expected: "true or false", found };
        match self.raw(pointer) {
            None | Some(b"null") => Ok(None),
            Some(b"true" | b"\"true\"") => Ok(Some(true)),
            Some(b"false" | b"\"false\"") => Ok(Some(false)),
            Some(raw) => Err(refuse(kind_of(raw).map_or("nothing", Kind::name))),
        }
    }

    /// A text, or a number as its text; none where it is absent or null.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn text(&self, pointer: &str) -> Result<Option<String>, FactsError> {
        let Some(raw) = self.raw(pointer) else { return Ok(None) };
        let refuse = |found| FactsError { pointer: pointer.to_owned(), expected: "a text", found };
        match kind_of(raw) {
            Some(Kind::Null) | None => Ok(None),
            Some(Kind::Number) => Ok(Some(String::from_utf8_lossy(raw).into_owned())),
            Some(Kind::String) => Ok(Some(unquoted(raw))),
            Some(kind) => Err(refuse(kind.name())),
        }
    }

    /// A whole number, `1`, `1.0` or `"1"`; none where it is absent or null.
    ///
    /// # Errors
    /// When something else stands there, or it is negative.
    pub fn count(&self, pointer: &str) -> Result<Option<u64>, FactsError> {
        let Some(raw) = self.raw(pointer) else { return Ok(None) };
        let refuse = |found| FactsError { pointer: pointer.to_owned(), expected: "a whole number", found };
        let number = match kind_of(raw) {
            Some(Kind::Null) | None => return Ok(None),
            Some(Kind::Number) => number::integer(raw),
            Some(Kind::String) => number::whole_text(unquoted(raw).as_bytes()),
            Some(kind) => return Err(refuse(kind.name())),
        };
        number.and_then(|number| u64::try_from(number).ok()).map(Some).ok_or_else(|| refuse("something else"))
    }
}

fn kind_of(raw: &[u8]) -> Option<Kind> {
    Scanner::new(raw).kind().ok()
}

fn unquoted(raw: &[u8]) -> String {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let mut decoded = Vec::new();
    text::append(StringSpan { inner, escaped: inner.contains(&b'\\') }, &mut decoded);
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Where the rows begin: the first of the pointers at which an array (or, for a single row, an object or null) stands.
pub(crate) fn items(
    envelope: &Envelope,
    body: &[u8],
    pointers: &[String],
    single: bool,
) -> Result<usize, DecodeError> {
    for candidate in named(pointers) {
        // `/*` is the only array among the members, whatever its name.
        if candidate == "/*" {
            let mut arrays = envelope.members.iter().filter(|(_, range)| holds_rows(&body[range.clone()]));
            if let (Some((_, range)), None) = (arrays.next(), arrays.next()) {
                return Ok(range.start);
            }
            continue;
        }
        let Some(found) = at(envelope, body, candidate)? else { continue };
        // `found` lies inside `body`; its offset is the difference of the addresses, without any pointer arithmetic.
        let within = found.as_ptr().addr() - body.as_ptr().addr();
        let wanted = if single { matches!(found.first(), Some(b'{')) } else { found.first() == Some(&b'[') };
        if wanted {
            return Ok(within);
        }
    }
    Err(DecodeError::NoItems { expected: describe(pointers), found: shown(envelope, body, pointers) })
}

/// Whether there is nothing, or null, at every pointer that names a place.
pub(crate) fn nothing(envelope: &Envelope, body: &[u8], pointers: &[String]) -> Result<bool, JsonError> {
    for candidate in named(pointers) {
        if at(envelope, body, candidate)?.is_some_and(|found| found != b"null") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The pointers that name a place below the page.
fn named(pointers: &[String]) -> impl Iterator<Item = &String> {
    let word = |pointer: &str| matches!(pointer, super::LONE_ROW | super::NO_ROWS);
    pointers.iter().filter(move |pointer| !pointer.is_empty() && !word(pointer))
}

/// The raw value at a pointer, before the members are kept.
fn at<'a>(envelope: &Envelope, body: &'a [u8], pointer: &str) -> Result<Option<&'a [u8]>, JsonError> {
    let path = pointer.strip_prefix('/').unwrap_or(pointer);
    let (first, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let Some((_, range)) = envelope.members.iter().find(|(name, _)| name == first) else { return Ok(None) };
    pointer::find(&body[range.clone()], rest)
}

/// The names of the page's members, of those that pointers begin with also what they are.
fn shown(envelope: &Envelope, body: &[u8], pointers: &[String]) -> String {
    let begins = |name: &str| named(pointers).any(|pointer| pointer.split('/').nth(1) == Some(name));
    let names = envelope.members.iter().take(20).map(|(name, range)| {
        match kind_of(&body[range.clone()]).filter(|_| begins(name)) {
            Some(kind) => format!("{name} ({})", kind.name()),
            None => name.clone(),
        }
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { "an empty object".to_owned() } else { names.join(", ") }
}

/// Whether a value is an array that may be rows: a list of texts or numbers is a field of a bare row.
fn holds_rows(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"[") else { return false };
    matches!(rest.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b']'))
}

pub(super) fn describe(pointers: &[String]) -> String {
    let named: Vec<&str> = pointers
        .iter()
        .filter(|pointer| !matches!(pointer.as_str(), super::LONE_ROW | super::NO_ROWS))
        .map(|pointer| if pointer.is_empty() { "the page itself" } else { pointer.as_str() })
        .collect();
    named.join(", ")
}
