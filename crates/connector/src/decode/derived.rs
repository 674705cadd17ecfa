//! Rows that stand inside the rows of another stream.

use super::{
    Counts, DecodeError,
    builder::Values,
    extra::{self, Leftover},
    met::Met,
    shape::Target,
    structure::{Member, earlier_duplicates, member, read_private},
    table::Lineage,
    table_builder::{KeyColumn, TableBuilder, close_lineage, push_text, synthesise},
    value::Fit,
};
use crate::json::scan::{JsonError, Scanner};

/// A derived table and where its rows stand.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) stream: String,
    pub(crate) table: TableBuilder,
    /// The names of the parent's field that holds the rows.
    pub(crate) names: Vec<Vec<u8>>,
    /// The pointer below the field, empty for the field itself.
    pub(crate) below: String,
    /// For each given column, the parent's column that it repeats.
    pub(crate) inherits: Vec<Option<KeyColumn>>,
    pub(crate) single: bool,
    /// Where the current row's value begins in the page.
    pub(crate) at: Option<usize>,
}
impl Derived {
    pub(crate) fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
        met: &mut Met,
        counts: &mut Counts,
    ) -> Result<(), DecodeError> {
        match (scanner.peek(), self.single) {
            (Some(b'['), false) => {
                let mut ordinal = 0;
                let mut more = scanner.enter_array()?;
                while more {
                    scanner.space();
                    if scanner.peek() == Some(b'{') {
                        self.row(scanner, lineage, ordinal, met, counts)?;
                    } else {
                        // The parent's column kept it.
                        scanner.skip()?;
                    }
                    ordinal += 1;
                    more = scanner.next_element()?;
                }
                Ok(())
            }
            (Some(b'{'), true) => self.row(scanner, lineage, 0, met, counts),
            _ => Ok(()),
        }
    }

    pub(crate) fn row(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
        ordinal: i64,
        met: &mut Met,
        counts: &mut Counts,
    ) -> Result<(), DecodeError> {
        let start = *scanner;
        let row = self.table.rows;
        let mut leftovers = Vec::new();
        if !self.members(scanner, None, &mut leftovers, met, counts)? {
            self.table.shape.truncate(row);
            *scanner = start;
            leftovers.clear();
            let superseded = earlier_duplicates(start, met)?;
            self.members(scanner, Some(&superseded), &mut leftovers, met, counts)?;
        }
        let table = &mut self.table;
        for (column, value) in table.given.iter_mut().zip(lineage.given) {
            push_text(column, value.as_deref());
        }
        if let Some(column) = &mut table.ordinal
            && let Values::Int(numbers) = &mut column.values
        {
            numbers.push(ordinal);
            column.valid.push(true);
        }
        for column in &mut table.computed {
            column.push_null();
        }
        synthesise(table, scanner.bytes, start.at..scanner.at, lineage);
        close_lineage(table, lineage);
        extra::append(&mut table.extra, scanner.bytes, &leftovers, false, met);
        table.rows += 1;
        let keyless = table.key.iter().any(|&column| {
            table.key_builder(column).is_some_and(|key| row < key.len() && !key.valid.get(row))
        });
        if keyless {
            // Without its key a derived row cannot stand; the parent's column has it.
            table.truncate(row);
            *counts.type_mismatches.entry(format!("{}:key", self.stream)).or_default() += 1;
        }
        Ok(())
    }

    pub(crate) fn members(
        &mut self,
        scanner: &mut Scanner<'_>,
        superseded: Option<&[usize]>,
        leftovers: &mut Vec<Leftover>,
        met: &mut Met,
        counts: &mut Counts,
    ) -> Result<bool, JsonError> {
        let shape = &mut self.table.shape;
        shape.begin();
        let mut position = 0;
        let mut more = scanner.enter_object()?;
        while more {
            let at = scanner.at;
            let Member { target, key } = member(shape, position, scanner, met)?;
            let key = at..at + key as usize;
            position += 1;
            let repeated = superseded.is_some_and(|keys| keys.binary_search(&at).is_ok());
            match target {
                _ if repeated => {
                    scanner.skip()?;
                }
                Target::Field(index) if shape.fields[index as usize].seen.is_none() => {
                    scanner.space();
                    let start = scanner.at;
                    let field = &mut shape.fields[index as usize];
                    field.seen = Some(at);
                    if read_private(&mut field.builder, field.private.as_ref(), scanner, met)? != Fit::Whole {
                        *counts
                            .type_mismatches
                            .entry(format!("{}:{}", self.stream, self.table.names[index as usize]))
                            .or_default() += 1;
                        leftovers.push(Leftover { key, value: start..scanner.at });
                    }
                }
                Target::Field(_) if superseded.is_none() => return Ok(false),
                Target::Field(_) | Target::Container(_) | Target::Unknown => {
                    let value = scanner.skip()?;
                    leftovers.push(Leftover { key, value });
                }
            }
            more = scanner.next_member()?;
        }
        shape.end();
        Ok(true)
    }
}
