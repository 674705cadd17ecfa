//! Objects with known members: which member goes where, and what happens where a key stands twice.

use super::{
    builder::{ColumnBuilder, Values},
    met::Met,
    private::{self, Act, hashed},
    shape::{Shape, Target},
    value::{Fit, read},
};
use crate::json::{
    scan::{JsonError, Scanner, StringSpan},
    text,
};

/// Reads an object with known members. `row` is the number of entries that the members' columns hold already.
pub(crate) fn structure(
    shape: &mut Shape,
    row: usize,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
) -> Result<Fit, JsonError> {
    let start = *scanner;
    if let Some(fit) = members(shape, scanner, met, None)? {
        return Ok(fit);
    }
    // A field came twice: the object is read again, without the earlier of equal keys.
    shape.truncate(row);
    *scanner = start;
    let superseded = earlier_duplicates(start, met)?;
    Ok(members(shape, scanner, met, Some(&superseded))?.unwrap_or(Fit::Part))
}

fn members(
    shape: &mut Shape,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
    superseded: Option<&[usize]>,
) -> Result<Option<Fit>, JsonError> {
    shape.begin();
    let mut fit = Fit::Whole;
    let mut position = 0;
    let mut more = scanner.enter_object()?;
    while more {
        let at = scanner.at;
        let Member { target, .. } = member(shape, position, scanner, met)?;
        position += 1;
        match target {
            _ if superseded.is_some_and(|keys| keys.binary_search(&at).is_ok()) => {
                scanner.skip()?;
            }
            Target::Field(index) if shape.fields[index as usize].seen.is_some() => {
                if superseded.is_none() {
                    return Ok(None);
                }
                // Two names of one field: the first stands.
                scanner.skip()?;
                fit = Fit::Part;
            }
            Target::Field(index) => {
                let field = &mut shape.fields[index as usize];
                field.seen = Some(at);
                if read_private(&mut field.builder, field.private.as_ref(), scanner, met)? != Fit::Whole {
                    fit = Fit::Part;
                }
            }
            Target::Container(_) | Target::Unknown => {
                scanner.skip()?;
                fit = Fit::Part;
            }
        }
        more = scanner.next_member()?;
    }
    shape.end();
    Ok(Some(fit))
}

/// A member whose key has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Where it goes.
    pub(crate) target: Target,
    /// The key's length, quotes included.
    pub(crate) key: u32,
}

/// Reads the key of the `position`-th member of an object and its colon.
#[inline(always)]
pub(crate) fn member(
    shape: &mut Shape,
    position: usize,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
) -> Result<Member, JsonError> {
    if let Some((length, target)) = shape.expected(position, scanner.rest()) {
        scanner.at += length;
        return Ok(Member { target, key: short(length - 1) });
    }
    unexpected(shape, position, scanner, met)
}

#[inline(never)]
fn unexpected(
    shape: &mut Shape,
    position: usize,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
) -> Result<Member, JsonError> {
    let key = scanner.string()?;
    scanner.colon()?;
    Ok(Member { target: target_of(shape, position, key, met), key: short(key.inner.len() + 2) })
}

/// The length of a key; a page is capped far below 4 GiB.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Where a member goes, by its unescaped name.
fn target_of(shape: &mut Shape, position: usize, key: StringSpan<'_>, met: &mut Met) -> Target {
    if key.escaped {
        let mut decoded = Vec::new();
        met.surrogates += u64::from(text::append(key, &mut decoded));
        shape.target(position, &decoded)
    } else {
        shape.target(position, key.inner)
    }
}

/// Reads a value under the privacy rule of its field.
#[inline(always)]
pub(crate) fn read_private(
    column: &mut ColumnBuilder,
    private: Option<&Act>,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
) -> Result<Fit, JsonError> {
    let Some(act) = private else { return read(column, scanner, met) };
    let range = scanner.skip()?;
    let raw = &scanner.bytes[range];
    match (act, &mut column.values) {
        (Act::Hash(key), Values::Text(texts) | Values::Id(texts) | Values::Json(texts)) if raw != b"null" => {
            texts.push(hashed(key, &private::text_of(raw)).as_bytes());
            column.valid.push(true);
        }
        (Act::Hashed, Values::Text(texts) | Values::Id(texts) | Values::Json(texts)) if raw != b"null" => {
            texts.push(&private::text_of(raw));
            column.valid.push(true);
        }
        _ => column.push_null(),
    }
    Ok(Fit::Whole)
}

/// The byte offsets, ascending, of the keys of the object at `scanner` that a later equal key supersedes.
pub(crate) fn earlier_duplicates(mut scanner: Scanner<'_>, met: &mut Met) -> Result<Vec<usize>, JsonError> {
    let mut last = std::collections::HashMap::new();
    let mut superseded = Vec::new();
    scanner.space();
    let mut more = scanner.enter_object()?;
    while more {
        let at = scanner.at;
        let mut key = Vec::new();
        text::append(scanner.string()?, &mut key);
        scanner.colon()?;
        scanner.skip()?;
        if let Some(earlier) = last.insert(key, at) {
            superseded.push(earlier);
        }
        more = scanner.next_member()?;
    }
    met.duplicate_keys += superseded.len() as u64;
    superseded.sort_unstable();
    Ok(superseded)
}
