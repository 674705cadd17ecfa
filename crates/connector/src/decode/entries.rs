//! The entries of a map column: free keys, texts as they are, everything else as JSON text.

use super::{
    builder::Texts,
    met::Met,
    private::{self, Act, hashed},
    valid::Valid,
};
use crate::json::{
    scan::{JsonError, Kind, Scanner, StringSpan, Wanted},
    text,
};

/// The entries of a map column.
pub(crate) struct Entries<'a> {
    pub(crate) keys: &'a mut Texts,
    pub(crate) values: &'a mut Texts,
    pub(crate) valid: &'a mut Valid,
    /// The names of the one member that a value may stand in.
    pub(crate) wrapped: &'a [Vec<u8>],
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
    #[inline(always)]
    pub(crate) fn entry(
        &mut self,
        key: StringSpan<'_>,
        scanner: &mut Scanner<'_>,
        met: &mut Met,
    ) -> Result<(), JsonError> {
        if !met.rules.is_empty() {
            return self.private_entry(key, scanner, met);
        }
        met.surrogates += u64::from(text::append(key, &mut self.keys.bytes));
        self.keys.close();
        self.value(scanner, met)
    }

    #[inline(never)]
    fn private_entry(
        &mut self,
        key: StringSpan<'_>,
        scanner: &mut Scanner<'_>,
        met: &mut Met,
    ) -> Result<(), JsonError> {
        let act = private::rule_of_inner(&met.rules, key).cloned();
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
        if !self.wrapped.is_empty() && kind == Kind::Object && self.unwrapped(scanner, met)? {
            return Ok(());
        }
        scanner.at = start;
        match kind {
            Kind::String => {
                met.surrogates += u64::from(text::append(scanner.string()?, &mut self.values.bytes));
            }
            Kind::Null => scanner.literal(Wanted::Null)?,
            _ => {
                let range = scanner.skip()?;
                met.keep(&scanner.bytes[range], &mut self.values.bytes);
            }
        }
        self.values.close();
        self.valid.push(kind != Kind::Null);
        Ok(())
    }

    /// Reads an object of that one member as its value; false, with nothing appended, where the object is another.
    fn unwrapped(&mut self, scanner: &mut Scanner<'_>, met: &mut Met) -> Result<bool, JsonError> {
        if !scanner.enter_object()? {
            return Ok(false);
        }
        let key = scanner.string()?.inner;
        if !self.wrapped.iter().any(|name| name == key) {
            return Ok(false);
        }
        scanner.colon()?;
        let value = *scanner;
        scanner.skip()?;
        if scanner.next_member()? {
            return Ok(false);
        }
        let mut inner = value;
        let wrapped = std::mem::take(&mut self.wrapped);
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
            let value = self.valid.get(entry).then(|| self.values.get(entry).to_vec());
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
