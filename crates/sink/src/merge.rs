//! Which rows of several parts are superseded by another row of the same key.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow_array::BooleanArray;

use crate::bits;
use crate::error::SinkError;
use crate::log::{BLOCK_ENTRIES, Cursor, Entry, KeyLog};

/// Entries that the cursors of a commit may hold together, 6 MB.
const CURSOR_ENTRIES: usize = 1 << 17;

/// The rows that a commit leaves out. Rows are numbered through all parts.
#[derive(Debug, Default)]
pub(crate) struct Superseded {
    /// A bit a row; rows beyond its end are kept.
    bits: Vec<u64>,
    /// Rows that are left out.
    pub(crate) duplicates: u64,
    /// Those of them that were not committed before and whose content differs from that of the row which superseded
    /// them.
    pub(crate) conflicts: u64,
    /// Rows that were committed before.
    former: u64,
    /// Rows that are left out whatever else comes.
    pub(crate) dropped: u64,
}

/// Finds the superseded rows by merging the key logs of parts, each with the number of its first row. The first
/// `former` rows were committed before: that others supersede them is no conflict.
pub(crate) fn superseded<'a>(
    logs: impl Iterator<Item = (u64, &'a KeyLog)>,
    former: u64,
) -> Result<Superseded, SinkError> {
    let mut found = Superseded { former, ..Superseded::default() };
    let mut winner: Option<Entry> = None;
    in_order(logs, |entry| {
        winner = Some(match winner {
            Some(before) if before.key == entry.key => found.decide(before, entry),
            _ => entry,
        });
    })?;
    Ok(found)
}

/// Gives the entries of several logs by key and then by row, each log with the number of its first row.
pub(crate) fn in_order<'a>(
    logs: impl Iterator<Item = (u64, &'a KeyLog)>,
    mut each: impl FnMut(Entry),
) -> Result<(), SinkError> {
    let logs: Vec<_> = logs.collect();
    let runs: usize = logs.iter().map(|(_, log)| log.run_count()).sum();
    let block_entries = (CURSOR_ENTRIES / runs.max(1)).clamp(64, BLOCK_ENTRIES);
    let mut cursors: Vec<(u64, Cursor<'_>)> = logs
        .iter()
        .flat_map(|&(first, log)| log.cursors(block_entries).map(move |cursor| (first, cursor)))
        .collect();
    let mut heap = BinaryHeap::with_capacity(cursors.len());
    for (index, cursor) in cursors.iter_mut().enumerate() {
        heap.extend(next(cursor)?.map(|entry| Reverse((entry, index))));
    }
    while let Some(mut top) = heap.peek_mut() {
        let Reverse((entry, index)) = *top;
        match next(&mut cursors[index])? {
            Some(following) => *top = Reverse((following, index)),
            None => drop(std::collections::binary_heap::PeekMut::pop(top)),
        }
        each(entry);
    }
    Ok(())
}

fn next((first, cursor): &mut (u64, Cursor<'_>)) -> Result<Option<Entry>, SinkError> {
    Ok(cursor.next()?.map(|entry| Entry { row: *first + entry.row, ..entry }))
}

impl Superseded {
    /// Of two rows of one key, given in the order in which they were written, the one that stays.
    fn decide(&mut self, before: Entry, after: Entry) -> Entry {
        let (winner, loser) = if after.version >= before.version { (after, before) } else { (before, after) };
        bits::set(&mut self.bits, loser.row);
        self.duplicates += 1;
        self.conflicts += u64::from(loser.row >= self.former && winner.content != loser.content);
        winner
    }

    /// Leaves out the rows that a part was taken up without; its first row has the number `first`.
    pub(crate) fn drop_rows(&mut self, first: u64, out: &[u64]) {
        for row in bits::rows(out) {
            bits::set(&mut self.bits, first + row);
            self.dropped += 1;
        }
    }

    /// Whether all rows stay.
    pub(crate) fn is_empty(&self) -> bool {
        self.duplicates + self.dropped == 0
    }

    /// The rows of `first..first + count` that stay, or nothing when all of them do.
    pub(crate) fn kept(&self, first: u64, count: usize) -> Option<BooleanArray> {
        let kept: BooleanArray = (first..first + count as u64).map(|row| Some(!self.contains(row))).collect();
        (kept.true_count() < count).then_some(kept)
    }

    /// Whether a row is left out.
    pub(crate) fn contains(&self, row: u64) -> bool {
        bits::contains(&self.bits, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[(u128, i64, u64)]) -> KeyLog {
        let mut log = KeyLog::new("unused".into(), 100);
        for (row, &(key, version, content)) in (0..).zip(entries) {
            log.push(Entry { key, row, version, content }).expect("no file is needed");
        }
        log.seal().expect("no file is needed");
        log
    }

    fn left_out(logs: &[KeyLog]) -> (Vec<u64>, u64) {
        let sizes = logs.iter().scan(0, |first, log| {
            let mine = *first;
            *first += 10;
            Some((mine, log))
        });
        let found = superseded(sizes, 0).expect("no file is read");
        ((0..100).filter(|&row| found.contains(row)).collect(), found.conflicts)
    }

    #[test]
    fn the_later_row_wins_among_equal_versions() {
        assert_eq!(left_out(&[log(&[(1, 0, 5), (2, 0, 5), (1, 0, 6)])]), (vec![0], 1));
    }

    #[test]
    fn the_larger_version_wins_whenever_it_came() {
        assert_eq!(left_out(&[log(&[(1, 9, 5)]), log(&[(1, 3, 5)]), log(&[(1, i64::MIN, 5)])]).0, [10, 20]);
    }

    #[test]
    fn equal_content_is_no_conflict() {
        assert_eq!(left_out(&[log(&[(1, 0, 5)]), log(&[(1, 0, 5)])]), (vec![0], 0));
    }
}
