//! Which of several names of one field is read, where a row has more than one of them.
//!
//! `{"date": "2025-03-02", "occurredAt": null}` has its instant under `date`, an alias;
//! `{"date": "2025-03-02", "occurredAt": "2025-03-02T13:20:45Z"}` under the field's own name.

use std::collections::HashMap;

use super::shape::{Shape, Target};
use crate::{
    column::Column,
    json::{
        scan::{JsonError, Kind, Scanner},
        text,
    },
};

/// What the keys of one object mean for each other.
#[derive(Debug, Default)]
pub(crate) struct Votes {
    /// The byte offsets, ascending, of the keys whose column another key takes.
    pub(crate) outvoted: Vec<usize>,
    /// The columns that have a value under a key of their own, so that no member of another object takes them.
    pub(crate) held: Vec<usize>,
}

/// Which keys of the object at `scanner` are read, where several name one column.
///
/// A value goes before null, then the field's own name before its aliases, then the first name before the
/// others. The keys at `superseded` do not count.
pub(crate) fn outvoted(
    mut scanner: Scanner<'_>,
    shape: &Shape,
    columns: &[Column],
    superseded: &[usize],
) -> Result<Votes, JsonError> {
    let mut best: HashMap<u32, ((bool, bool), usize)> = HashMap::new();
    let mut outvoted = Vec::new();
    scanner.space();
    let mut more = scanner.enter_object()?;
    while more {
        let at = scanner.at;
        let mut key = Vec::new();
        text::append(scanner.string()?, &mut key);
        scanner.colon()?;
        let null = scanner.kind()? == Kind::Null;
        scanner.skip()?;
        if let (Target::Field(index), Err(_)) = (shape.named(&key), superseded.binary_search(&at)) {
            let own = columns.get(index as usize).is_some_and(|column| column.field.as_bytes() == key);
            let rank = (!null, own);
            match best.get(&index).copied() {
                Some((before, _)) if before >= rank => outvoted.push(at),
                before => {
                    outvoted.extend(before.map(|(_, loser)| loser));
                    best.insert(index, (rank, at));
                }
            }
        }
        more = scanner.next_member()?;
    }
    outvoted.sort_unstable();
    let held =
        best.into_iter().filter(|(_, ((valued, _), _))| *valued).map(|(index, _)| index as usize).collect();
    Ok(Votes { outvoted, held })
}
