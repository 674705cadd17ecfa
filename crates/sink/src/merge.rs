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
    /// Rows that are left out whatever else comes.
    pub(crate) dropped: u64,
}

/// Finds the superseded rows by merging the key logs of parts, each with the number of its first row. `contested` gets
/// each of them with the row that supersedes it.
pub(crate) fn superseded<'a>(
    logs: impl Iterator<Item = (u64, &'a KeyLog)>,
    mut contested: impl FnMut(u64, u64) -> Result<(), SinkError>,
) -> Result<Superseded, SinkError> {
    let mut found = Superseded::default();
    let mut winner: Option<Entry> = None;
    in_order(logs, |entry| {
        winner = Some(match winner {
            Some(before) if before.key == entry.key => {
                let (winner, loser) =
                    if entry.version >= before.version { (entry, before) } else { (before, entry) };
                bits::set(&mut found.bits, loser.row);
                found.duplicates += 1;
                contested(loser.row, winner.row)?;
                winner
            }
            _ => entry,
        });
        Ok(())
    })?;
    Ok(found)
}

/// Gives the entries of several logs by key and then by row, each log with the number of its first row.
pub(crate) fn in_order<'a>(
    logs: impl Iterator<Item = (u64, &'a KeyLog)>,
    mut each: impl FnMut(Entry) -> Result<(), SinkError>,
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
        each(entry)?;
    }
    Ok(())
}

fn next((first, cursor): &mut (u64, Cursor<'_>)) -> Result<Option<Entry>, SinkError> {
    Ok(cursor.next()?.map(|entry| Entry { row: *first + entry.row, ..entry }))
}

impl Superseded {
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

    fn log(entries: &[(u128, i64)]) -> KeyLog {
        let mut log = KeyLog::new("unused".into(), 100);
        for (row, &(key, version)) in (0..).zip(entries) {
            log.push(Entry { key, row, version, content: 0 }).expect("no file is needed");
        }
        log.seal().expect("no file is needed");
        log
    }

    /// The rows that are left out, each with the one that supersedes it; each log has room for ten.
    fn left_out(logs: &[KeyLog]) -> Vec<(u64, u64)> {
        let mut pairs = Vec::new();
        let found = superseded((0..).step_by(10).zip(logs), |loser, winner| {
            pairs.push((loser, winner));
            Ok(())
        });
        let found = found.expect("no file is read");
        let expected: Vec<u64> = (0..100).filter(|&row| found.contains(row)).collect();
        pairs.sort_unstable();
        assert_eq!(pairs.iter().map(|pair| pair.0).collect::<Vec<_>>(), expected);
        pairs
    }

    #[test]
    fn the_later_row_wins_among_equal_versions() {
        assert_eq!(left_out(&[log(&[(1, 0), (2, 0), (1, 0)])]), [(0, 2)]);
    }

    #[test]
    fn the_larger_version_wins_whenever_it_came() {
        assert_eq!(left_out(&[log(&[(1, 9)]), log(&[(1, 3)]), log(&[(1, i64::MIN)])]), [(10, 0), (20, 0)]);
    }
}
