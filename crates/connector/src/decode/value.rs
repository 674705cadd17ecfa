//! One value into one growing column: whole, in part, or not at all.

use super::{
    builder::{ColumnBuilder, Texts, Values, last_end},
    private::{self, Act, Rule, hashed},
    shape::{Shape, Target},
};
use crate::json::{
    instant, number,
    scan::{JsonError, Kind, Scanner, StringSpan},
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

/// What was met while reading, counted, and what must be kept private on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met {
    pub(crate) surrogates: u64,
    pub(crate) duplicate_keys: u64,
    pub(crate) rules: Vec<Rule>,
}

impl Met {
    /// Keeps a raw value: as it came, but for lone surrogates and private members.
    #[inline]
    pub(crate) fn keep(&mut self, raw: &[u8], into: &mut Vec<u8>) {
        if self.rules.is_empty() {
            self.surrogates += u64::from(text::append_raw(raw, into));
        } else {
            let mut redacted = Vec::with_capacity(raw.len());
            private::redact(raw, &self.rules, &mut redacted);
            self.surrogates += u64::from(text::append_raw(&redacted, into));
        }
    }

    /// Keeps a member of an object, `"key":value`; false, with nothing kept, where it is to be dropped.
    pub(crate) fn keep_member(&mut self, key: &[u8], raw: &[u8], into: &mut Vec<u8>) -> bool {
        match private::rule_of_key(&self.rules, key).cloned() {
            Some(Act::Drop) => return false,
            Some(Act::Hash(secret)) => {
                self.surrogates += u64::from(text::append_raw(key, into));
                into.push(b':');
                text::append_quoted(&hashed(&secret, &private::text_of(raw)), into);
            }
            None => {
                self.surrogates += u64::from(text::append_raw(key, into));
                into.push(b':');
                self.keep(raw, into);
            }
        }
        true
    }
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
        scanner.literal("null")?;
        column.push_null();
        return Ok(Fit::Whole);
    }
    let fit = match &mut column.values {
        Values::Text(texts) | Values::Id(texts) => scalar_text(texts, scanner, kind, met)?,
        Values::IdOrObject(texts) => id_or_object(texts, scanner, kind, met)?,
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
                    instant::instant(text).or_else(|| number::whole_text(text).and_then(instant::from_epoch))
                }),
                Kind::Number => number::integer(scanner.number()?).and_then(instant::from_epoch),
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
                Kind::True => scanner.literal("true").map(|()| Some(true))?,
                Kind::False => scanner.literal("false").map(|()| Some(false))?,
                _ => other(scanner)?,
            };
            push(bits, value)
        }
        Values::Map { ends, keys, values, valid, wrapped } => {
            if kind == Kind::Object {
                let mut entries = Entries { keys, values, valid, wrapped: *wrapped };
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

#[inline]
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

/// An identifier, or the member `id` of an object; the object's other members make it fit only in part.
fn id_or_object(
    texts: &mut Texts,
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
        if key.inner == b"id" && fit == Fit::Not {
            fit = scalar_text(texts, scanner, kind, met)?;
        } else {
            scanner.skip()?;
            others = true;
        }
        more = scanner.next_member()?;
    }
    Ok(if others && fit == Fit::Whole { Fit::Part } else { fit })
}

/// The entries of a map column.
pub(crate) struct Entries<'a> {
    pub(crate) keys: &'a mut Texts,
    pub(crate) values: &'a mut Texts,
    pub(crate) valid: &'a mut Vec<bool>,
    pub(crate) wrapped: bool,
}

impl Entries<'_> {
    /// Appends the members of the object that begins at the scanner.
    pub(crate) fn append(&mut self, scanner: &mut Scanner<'_>, met: &mut Met) -> Result<(), JsonError> {
        let mut more = scanner.enter_object()?;
        while more {
            let key = scanner.string()?;
            scanner.colon()?;
            self.entry(key, scanner, met)?;
            more = scanner.next_member()?;
        }
        Ok(())
    }

    /// Appends one member, whose value begins at the scanner, under the privacy rule of its key.
    pub(crate) fn entry(
        &mut self,
        key: StringSpan<'_>,
        scanner: &mut Scanner<'_>,
        met: &mut Met,
    ) -> Result<(), JsonError> {
        let act = if met.rules.is_empty() { None } else { private::rule_of_inner(&met.rules, key).cloned() };
        if act.as_ref().is_some_and(|act| matches!(act, Act::Drop)) {
            scanner.skip()?;
            return Ok(());
        }
        met.surrogates += u64::from(text::append(key, &mut self.keys.bytes));
        self.keys.close();
        let Some(Act::Hash(secret)) = act else { return self.value(scanner, met) };
        let range = scanner.skip()?;
        let raw = &scanner.bytes[range];
        let null = raw == b"null";
        self.values
            .push(if null { String::new() } else { hashed(&secret, &private::text_of(raw)) }.as_bytes());
        self.valid.push(!null);
        Ok(())
    }

    /// Appends one value: a text as it is, null as null, anything else as JSON text.
    pub(crate) fn value(&mut self, scanner: &mut Scanner<'_>, met: &mut Met) -> Result<(), JsonError> {
        let kind = scanner.kind()?;
        let start = scanner.at;
        if self.wrapped && kind == Kind::Object && self.unwrapped(scanner, met)? {
            return Ok(());
        }
        scanner.at = start;
        match kind {
            Kind::String => {
                met.surrogates += u64::from(text::append(scanner.string()?, &mut self.values.bytes));
            }
            Kind::Null => scanner.literal("null")?,
            _ => {
                let range = scanner.skip()?;
                met.keep(&scanner.bytes[range], &mut self.values.bytes);
            }
        }
        self.values.close();
        self.valid.push(kind != Kind::Null);
        Ok(())
    }

    /// Reads `{ "value": x }` as `x`; false, with nothing appended, where the object is another.
    fn unwrapped(&mut self, scanner: &mut Scanner<'_>, met: &mut Met) -> Result<bool, JsonError> {
        if !scanner.enter_object()? || scanner.string()?.inner != b"value" {
            return Ok(false);
        }
        scanner.colon()?;
        let value = *scanner;
        scanner.skip()?;
        if scanner.next_member()? {
            return Ok(false);
        }
        let mut inner = value;
        let wrapped = std::mem::replace(&mut self.wrapped, false);
        let read = self.value(&mut inner, met);
        self.wrapped = wrapped;
        read.map(|()| true)
    }

    /// Keeps the last of the entries from `start` on that share a key: readers refuse maps with a key twice.
    pub(crate) fn unique(&mut self, start: usize, met: &mut Met) {
        let count = self.keys.len() - start;
        let repeated = match count {
            0 | 1 => false,
            2..=16 => (start..self.keys.len())
                .any(|one| (start..one).any(|two| self.keys.get(one) == self.keys.get(two))),
            _ => {
                let distinct: std::collections::HashSet<&[u8]> =
                    (start..self.keys.len()).map(|entry| self.keys.get(entry)).collect();
                distinct.len() < count
            }
        };
        if !repeated {
            return;
        }
        let mut last: indexmap::IndexMap<Vec<u8>, Option<Vec<u8>>> = indexmap::IndexMap::new();
        for entry in start..self.keys.len() {
            let value = self.valid[entry].then(|| self.values.get(entry).to_vec());
            last.insert(self.keys.get(entry).to_vec(), value);
        }
        met.duplicate_keys += (count - last.len()) as u64;
        self.keys.truncate(start);
        self.values.truncate(start);
        self.valid.truncate(start);
        for (key, value) in last {
            self.keys.push(&key);
            self.values.push(value.as_deref().unwrap_or_default());
            self.valid.push(value.is_some());
        }
    }
}

/// Reads an object with known members. `row` is the number of entries that the members' columns hold already.
fn structure(
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
        let key = scanner.string()?;
        scanner.colon()?;
        let target = target_of(shape, position, key, met);
        position += 1;
        match target {
            _ if superseded.is_some_and(|keys| keys.binary_search(&at).is_ok()) => {
                scanner.skip()?;
            }
            Target::Field(index) if shape.fields[index].seen.is_some() => {
                if superseded.is_none() {
                    return Ok(None);
                }
                // Two names of one field: the first stands.
                scanner.skip()?;
                fit = Fit::Part;
            }
            Target::Field(index) => {
                let field = &mut shape.fields[index];
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

/// Where a member goes, by its unescaped name.
#[inline]
pub(crate) fn target_of(shape: &mut Shape, position: usize, key: StringSpan<'_>, met: &mut Met) -> Target {
    if key.escaped {
        let mut decoded = Vec::new();
        met.surrogates += u64::from(text::append(key, &mut decoded));
        shape.target(position, &decoded)
    } else {
        shape.target(position, key.inner)
    }
}

/// Reads a value under the privacy rule of its field.
#[inline]
pub(crate) fn read_private(
    column: &mut ColumnBuilder,
    private: Option<&Act>,
    scanner: &mut Scanner<'_>,
    met: &mut Met,
) -> Result<Fit, JsonError> {
    let Some(act) = private else { return read(column, scanner, met) };
    let range = scanner.skip()?;
    let raw = &scanner.bytes[range];
    if let (Act::Hash(key), Values::Text(texts) | Values::Id(texts) | Values::Json(texts)) =
        (act, &mut column.values)
        && raw != b"null"
    {
        texts.push(hashed(key, &private::text_of(raw)).as_bytes());
        column.valid.push(true);
    } else {
        column.push_null();
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
