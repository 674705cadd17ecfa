//! One value into one growing column: whole, in part, or not at all.

use super::{
    builder::{ColumnBuilder, Texts, Values, last_end},
    entries::Entries,
    met::Met,
    structure::structure,
};
use crate::json::{
    instant, number,
    scan::{JsonError, Kind, Scanner, Wanted},
    text,
};

/// How well a value fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The column holds all of it.
    Whole,
    /// The column holds what fits; the value must be kept elsewhere as a whole.
    Part,
    /// The column holds null; the value must be kept elsewhere as a whole.
    Not,
}

/// Reads the value that begins at the scanner into the column: exactly one entry is appended.
#[inline]
pub(crate) fn read(
    column: &mut ColumnBuilder,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
) -> Result<Fit, JsonError> {
    let kind = scanner.kind()?;
    if kind == Kind::Null {
        scanner.literal(Wanted::Null)?;
        column.push_null();
        return Ok(Fit::Whole);
    }
    let fit = match &mut column.values {
        Values::Text(texts) | Values::Id(texts) => scalar_text(texts, scanner, kind, met)?,
        Values::IdOrObject(texts, names) => id_or_object(texts, names, scanner, kind, met)?,
        Values::Json(texts) => {
            let range = scanner.skip()?;
            met.keep(&scanner.bytes[range], &mut texts.bytes);
            texts.close();
            Fit::Whole
        }
        Values::Int(numbers) => {
            let value = match kind {
                Kind::Number => number::integer(scanner.number()?),
                Kind::String => plain(scanner)?.and_then(number::whole_text),
                _ => other(scanner)?,
            };
            push(numbers, value)
        }
        Values::Double(numbers) => push(numbers, numeric(scanner, kind)?.and_then(number::double)),
        Values::Decimal(amounts) => push(amounts, numeric(scanner, kind)?.and_then(number::decimal)),
        Values::Instant(instants) => {
            let value = match kind {
                Kind::String => plain(scanner)?.and_then(|text| {
                    let plain = |text: &&[u8]| {
                        number::is_number(text) && !text.contains(&b'e') && !text.contains(&b'E')
                    };
                    let number = || Some(text).filter(plain).and_then(epoch);
                    instant::instant(text).or_else(number)
                }),
                Kind::Number => epoch(scanner.number()?),
                _ => other(scanner)?,
            };
            push(instants, value)
        }
        Values::Millis(instants) => {
            let micros = |milliseconds: i64| milliseconds.checked_mul(1000);
            let value = match kind {
                Kind::String => plain(scanner)?.and_then(|text| {
                    instant::instant(text).or_else(|| number::whole_text(text).and_then(micros))
                }),
                Kind::Number => number::integer(scanner.number()?).and_then(micros),
                _ => other(scanner)?,
            };
            push(instants, value)
        }
        Values::Date(days) => {
            let value = match kind {
                Kind::String => plain(scanner)?.and_then(instant::day),
                _ => other(scanner)?,
            };
            push(days, value)
        }
        Values::Bool(bits) => {
            let value = match kind {
                Kind::True => scanner.literal(Wanted::True).map(|()| Some(true))?,
                Kind::False => scanner.literal(Wanted::False).map(|()| Some(false))?,
                _ => other(scanner)?,
            };
            push(bits, value)
        }
        Values::Map { ends, keys, values, valid, wrapped } => {
            if kind == Kind::Object {
                let mut entries = Entries { keys, values, valid, wrapped };
                let start = last_end(ends);
                entries.append(scanner, met)?;
                entries.unique(start, met);
                ends.push(i32::try_from(keys.len()).unwrap_or(i32::MAX));
                Fit::Whole
            } else {
                scanner.skip()?;
                Fit::Not
            }
        }
        Values::List { ends, element } => {
            if kind == Kind::Array {
                let mut fit = Fit::Whole;
                let mut more = scanner.enter_array()?;
                while more {
                    if read(element, scanner, met)? != Fit::Whole {
                        fit = Fit::Part;
                    }
                    more = scanner.next_element()?;
                }
                ends.push(i32::try_from(element.len()).unwrap_or(i32::MAX));
                fit
            } else {
                scanner.skip()?;
                Fit::Not
            }
        }
        Values::Struct(shape) => {
            if kind == Kind::Object {
                structure(shape, column.valid.len(), scanner, met)?
            } else {
                scanner.skip()?;
                Fit::Not
            }
        }
    };
    if fit == Fit::Not {
        column.push_null();
    } else {
        column.valid.push(true);
    }
    Ok(fit)
}

#[inline]
fn push<T>(values: &mut Vec<T>, value: Option<T>) -> Fit {
    match value {
        Some(value) => {
            values.push(value);
            Fit::Whole
        }
        None => Fit::Not,
    }
}

/// A value of a kind that the column never takes.
fn other<T>(scanner: &mut Scanner<'_>) -> Result<Option<T>, JsonError> {
    scanner.skip()?;
    Ok(None)
}

/// The bytes of a string without escapes; none for one with escapes, which is no number, instant or day.
#[inline]
fn plain<'a>(scanner: &mut Scanner<'a>) -> Result<Option<&'a [u8]>, JsonError> {
    let span = scanner.string()?;
    Ok((!span.escaped).then_some(span.inner))
}

/// The digits of a number, or of a text that is exactly a number.
#[inline]
fn numeric<'a>(scanner: &mut Scanner<'a>, kind: Kind) -> Result<Option<&'a [u8]>, JsonError> {
    match kind {
        Kind::Number => scanner.number().map(Some),
        Kind::String => Ok(plain(scanner)?.filter(|text| number::is_number(text))),
        _ => other(scanner),
    }
}

/// A number as an instant: whole ones by their size, others as seconds.
#[inline]
fn epoch(number: &[u8]) -> Option<i64> {
    match number::integer(number) {
        Some(whole) => instant::from_epoch(whole),
        None => number::decimal(number).and_then(instant::from_fraction),
    }
}

#[inline(always)]
fn scalar_text(
    texts: &mut Texts,
    scanner: &mut Scanner<'_>,
    kind: Kind,
    met: &mut Met,
) -> Result<Fit, JsonError> {
    match kind {
        Kind::String => {
            let span = scanner.string()?;
            met.surrogates += u64::from(text::append(span, &mut texts.bytes));
            texts.close();
            Ok(Fit::Whole)
        }
        Kind::Number => {
            texts.push(scanner.number()?);
            Ok(Fit::Whole)
        }
        _ => {
            scanner.skip()?;
            Ok(Fit::Not)
        }
    }
}

/// An identifier, or the member of an object that has one of these names; the object's other members make it fit only in part.
fn id_or_object(
    texts: &mut Texts,
    names: &[Vec<u8>],
    scanner: &mut Scanner<'_>,
    kind: Kind,
    met: &mut Met,
) -> Result<Fit, JsonError> {
    if kind != Kind::Object {
        return scalar_text(texts, scanner, kind, met);
    }
    let mut fit = Fit::Not;
    let mut others = false;
    let mut more = scanner.enter_object()?;
    while more {
        let key = scanner.string()?;
        scanner.colon()?;
        let kind = scanner.kind()?;
        if fit == Fit::Not && names.iter().any(|name| name == key.inner) {
            fit = scalar_text(texts, scanner, kind, met)?;
        } else {
            scanner.skip()?;
            others = true;
        }
        more = scanner.next_member()?;
    }
    Ok(if others && fit == Fit::Whole { Fit::Part } else { fit })
}
