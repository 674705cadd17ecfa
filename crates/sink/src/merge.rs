//! Which rows of several parts are superseded by another row of the same key.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow_array::BooleanArray;

use crate::bits;
use crate::error::SinkError;
use crate::log::{BLOCK_ENTRIES, Cursor, Entry, KeyLog};

/// Entries that the cursors of a commit may hold together, 1.3 MB.
const CURSOR_ENTRIES: usize = 1 << 15;

/// Logs whose files stay open while they are read: a commit of a thousand parts must not need a thousand handles.
const OPEN_LOGS: usize = 16;

/// Entries that are looked at together to find those of equal keys: what is needed for them fits the processor's cache.
const RANGE_ENTRIES: usize = 1 << 12;

/// Gets a row that is superseded, and the one that supersedes it.
pub(crate) trait Contest: FnMut(u64, u64) -> Result<(), SinkError> {}

impl<F: FnMut(u64, u64) -> Result<(), SinkError>> Contest for F {}

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

/// Finds the superseded rows among those of several parts by their key logs, each with the number of its first row.
/// `contested` gets each of them with the row that supersedes it.
///
/// Keys are hashes, so that they are spread evenly and each log has them in order: a narrow range of keys is taken from
/// all of them at a time, and is put in order only where a key comes twice in it.
pub(crate) fn superseded<'a>(
    logs: impl Iterator<Item = (u64, &'a KeyLog)>,
    mut contested: impl Contest,
) -> Result<Superseded, SinkError> {
    let logs: Vec<_> = logs.collect();
    let entries: usize = logs.iter().map(|(_, log)| log.len()).sum();
    let ranges = (entries / RANGE_ENTRIES).max(1) as u128;
    let mut cursors = cursors(&logs);
    let mut range = Range::new();
    let mut found = Superseded::default();
    for number in 1..=ranges {
        let bound = (number < ranges).then(|| u128::MAX / ranges * number);
        for (first, cursor) in &mut cursors {
            cursor.below(bound, |entry| {
                if range.is_full() {
                    range.thin_out(&mut found, &mut contested)?;
                }
                range.add(Entry { row: *first + entry.row, ..entry });
                Ok(())
            })?;
        }
        range.resolve(&mut found, &mut contested)?;
        range.clear();
    }
    Ok(found)
}

/// Entries of a narrow range of keys. Those of equal keys are in the order of their rows.
struct Range {
    entries: Vec<Entry>,
    /// A hash set of half of each key, never zero. A power of two of places.
    seen: Vec<u64>,
    /// Whether a key may be there twice.
    repeats: bool,
}

impl Range {
    fn new() -> Self {
        Self {
            entries: Vec::with_capacity(2 * RANGE_ENTRIES),
            seen: vec![0; 4 * RANGE_ENTRIES],
            repeats: false,
        }
    }

    fn add(&mut self, entry: Entry) {
        // The upper half is much the same in the whole range.
        #[expect(clippy::cast_possible_truncation, reason = "half a key is enough to be put to the proof")]
        let mark = entry.key as u64 | 1;
        let mask = self.seen.len() - 1;
        let mut at = (entry.key >> 1) as usize & mask;
        while self.seen[at] != 0 && self.seen[at] != mark {
            at = (at + 1) & mask;
        }
        self.repeats |= self.seen[at] == mark;
        self.seen[at] = mark;
        self.entries.push(entry);
    }

    fn is_full(&self) -> bool {
        2 * self.entries.len() >= self.seen.len()
    }

    /// Makes room for more, so that a key of a million rows takes no more memory than others.
    fn thin_out(&mut self, found: &mut Superseded, contested: &mut impl Contest) -> Result<(), SinkError> {
        self.resolve(found, contested)?;
        let winners = std::mem::take(&mut self.entries);
        self.clear();
        if 4 * winners.len() >= self.seen.len() {
            self.seen = vec![0; 2 * self.seen.len()];
        }
        winners.into_iter().for_each(|entry| self.add(entry));
        Ok(())
    }

    /// Leaves one entry of each key.
    fn resolve(&mut self, found: &mut Superseded, contested: &mut impl Contest) -> Result<(), SinkError> {
        if !self.repeats {
            return Ok(());
        }
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_unstable();
        for entry in entries {
            match self.entries.last_mut().filter(|before| before.key == entry.key) {
                None => self.entries.push(entry),
                Some(before) => {
                    let loser = if entry.version >= before.version {
                        std::mem::replace(before, entry)
                    } else {
                        entry
                    };
                    bits::set(&mut found.bits, loser.row);
                    found.duplicates += 1;
                    contested(loser.row, before.row)?;
                }
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.seen.fill(0);
        self.repeats = false;
    }
}

/// Gives the entries of several logs by key and then by row, each log with the number of its first row.
pub(crate) fn in_order<'a>(
    logs: impl Iterator<Item = (u64, &'a KeyLog)>,
    mut each: impl FnMut(Entry) -> Result<(), SinkError>,
) -> Result<(), SinkError> {
    let logs: Vec<_> = logs.collect();
    let mut cursors = cursors(&logs);
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

/// A cursor for each run of the logs, in the order of their rows, with the number of the first row of the run's log.
fn cursors<'a>(logs: &[(u64, &'a KeyLog)]) -> Vec<(u64, Cursor<'a>)> {
    let runs: usize = logs.iter().map(|(_, log)| log.run_count()).sum();
    let block_entries = (CURSOR_ENTRIES / runs.max(1)).clamp(64, BLOCK_ENTRIES);
    let stay_open = logs.len() <= OPEN_LOGS;
    let of_a_log = |&(first, log): &(u64, &'a KeyLog)| {
        log.cursors(block_entries, stay_open).map(move |cursor| (first, cursor))
    };
    logs.iter().flat_map(of_a_log).collect()
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
    fn a_key_of_very_many_rows_is_resolved_like_any_other() {
        // Keys of all ranges, one of them in every third row; the logs go to files.
        let folder = tempfile::tempdir().expect("a folder");
        let rows: u64 = 60_000;
        let key = |row: u64| {
            if row.is_multiple_of(3) {
                7
            } else {
                u128::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            }
        };
        let logs: Vec<_> = (0..2_u64)
            .map(|half| {
                let mut log = KeyLog::new(folder.path().join(half.to_string()), 1000);
                for row in 0..rows / 2 {
                    let version = if half * rows / 2 + row == 30_000 { 9 } else { 0 };
                    let entry = Entry { key: key(half * rows / 2 + row), row, version, content: 0 };
                    log.push(entry).expect("a file");
                }
                log.seal().expect("a file");
                log
            })
            .collect();
        let mut losers = Vec::new();
        let found = superseded((0..).step_by(30_000).zip(&logs), |loser, winner| {
            assert_eq!((loser % 3, winner % 3), (0, 0));
            losers.push(loser);
            Ok(())
        });
        let found = found.expect("files");
        losers.sort_unstable();
        let want: Vec<u64> = (0..rows).filter(|row| row.is_multiple_of(3) && *row != 30_000).collect();
        assert!(losers == want);
        assert_eq!(found.duplicates, rows / 3 - 1);
        assert!((0..rows).all(|row| found.contains(row) == losers.binary_search(&row).is_ok()));
    }

    #[test]
    fn the_larger_version_wins_whenever_it_came() {
        assert_eq!(left_out(&[log(&[(1, 9)]), log(&[(1, 3)]), log(&[(1, i64::MIN)])]), [(10, 0), (20, 0)]);
    }
}
