//! Fields that a customer has defined, and members of an object that nobody knows: entries of one map column, wherever
//! they stand in the row.

use super::{
    builder::{Values, last_end},
    entries::Entries,
    row::RowReader,
};
use crate::json::scan::{JsonError, Kind, Scanner, StringSpan, Wanted};

impl RowReader {
    pub(crate) fn is_custom_column(&self, index: usize) -> bool {
        self.custom.as_ref().is_some_and(|(column, _)| *column == index)
    }

    pub(crate) fn is_custom(&self, key: StringSpan<'_>) -> bool {
        self.custom.as_ref().is_some_and(|(_, custom)| {
            std::str::from_utf8(key.inner).is_ok_and(|name| custom.names.contains(name))
        })
    }

    pub(crate) fn custom_entry(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: StringSpan<'_>,
    ) -> Result<(), JsonError> {
        let Some((column, _)) = &self.custom else { return Ok(()) };
        self.map_entry(scanner, *column, key)
    }

    /// Appends one entry to the current row of a map column.
    pub(crate) fn map_entry(
        &mut self,
        scanner: &mut Scanner<'_>,
        column: usize,
        key: StringSpan<'_>,
    ) -> Result<(), JsonError> {
        let field = &mut self.table.shape.fields[column];
        match &mut field.builder.values {
            Values::Map { keys, values, valid, wrapped, .. } if field.private.is_none() => {
                Entries { keys, values, valid, wrapped }.entry(key, scanner, &mut self.met)
            }
            _ => scanner.skip().map(drop),
        }
    }

    /// Reads an object of custom fields, or null, under the map column's own name; anything else is a leftover.
    pub(crate) fn custom_object(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: std::ops::Range<usize>,
        index: usize,
    ) -> Result<bool, JsonError> {
        match scanner.kind()? {
            Kind::Object => {}
            Kind::Null => {
                scanner.literal(Wanted::Null)?;
                return Ok(false);
            }
            _ => {
                self.leave(scanner, key)?;
                return Ok(false);
            }
        }
        let Values::Map { keys, values, valid, .. } = &mut self.table.shape.fields[index].builder.values
        else {
            return Ok(false);
        };
        Entries { keys, values, valid, wrapped: &[] }.append(scanner, &mut self.met)?;
        Ok(true)
    }

    /// Ends the current row of the custom fields' map.
    pub(crate) fn close_custom(&mut self, any: bool) {
        let Some((column, _)) = &self.custom else { return };
        if any {
            self.close_map(*column);
        }
    }

    /// Ends the current row of a map column that was filled entry by entry.
    pub(crate) fn close_map(&mut self, column: usize) {
        let field = &mut self.table.shape.fields[column];
        field.seen = Some(0);
        if field.private.is_some() {
            field.builder.push_null();
            return;
        }
        if let Values::Map { ends, keys, values, valid, .. } = &mut field.builder.values {
            let start = last_end(ends);
            Entries { keys, values, valid, wrapped: &[] }.unique(start, &mut self.met);
            ends.push(i32::try_from(keys.len()).unwrap_or(i32::MAX));
        }
        field.builder.valid.push(true);
    }
}
