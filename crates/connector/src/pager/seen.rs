//! The keys that a walk has seen, in bounded memory.
//!
//! A list may have millions of rows, and a walk must know how many different ones came. The latest keys are in memory;
//! sorted runs of the others in a file without a name in the folder of temporary files, 8 bytes a key. What is asked of
//! them is asked seldom: whether a whole page was there before, and, at the end, how many keys there are.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{Error, Read, Seek, SeekFrom, Write},
};

use super::KeySet;

/// Keys in memory, and in a run: 512 kB in the file.
const RUN_KEYS: usize = 1 << 16;

/// Keys that are read at once.
const BLOCK_KEYS: usize = 512;

const KEY_BYTES: usize = 8;

/// Keys, each counted with how often it was added.
#[derive(Debug)]
pub(crate) struct Seen {
    latest: KeySet,
    runs: Vec<Run>,
    file: Option<File>,
    added: u64,
    /// Keys in memory at which they go into a run.
    run_keys: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self { latest: KeySet::default(), runs: Vec::new(), file: None, added: 0, run_keys: RUN_KEYS }
    }
}

/// A sorted run of different keys in the file.
#[derive(Debug)]
struct Run {
    /// The number of its first key in the file.
    first: usize,
    keys: usize,
    /// The first key of each block.
    blocks: Vec<u64>,
}

impl Seen {
    /// Adds the keys of a page, each once.
    pub(crate) fn add(&mut self, page: &KeySet) {
        self.added += page.len() as u64;
        self.latest.extend(page);
        if self.latest.len() >= self.run_keys && self.spill().is_err() {
            // Where there is no room for a file, the keys stay in memory, and no page tries again.
            self.run_keys = usize::MAX;
        }
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.added == 0
    }

    /// Whether each of these keys was added before.
    pub(crate) fn has_all(&mut self, keys: &KeySet) -> bool {
        keys.iter().all(|&key| self.latest.contains(&key) || self.is_in_a_run(key).unwrap_or(false))
    }

    /// How many different keys were added, and whether one was added twice.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn count(&mut self) -> Result<(u64, bool), Error> {
        let distinct = if self.runs.is_empty() { self.latest.len() as u64 } else { self.merged()? };
        Ok((distinct, distinct < self.added))
    }

    fn spill(&mut self) -> Result<(), Error> {
        let mut keys: Vec<u64> = self.latest.iter().copied().collect();
        keys.sort_unstable();
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile()?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let first = self.runs.last().map_or(0, |run| run.first + run.keys);
        file.seek(SeekFrom::Start((first * KEY_BYTES) as u64))?;
        let mut bytes = Vec::with_capacity(keys.len() * KEY_BYTES);
        keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
        file.write_all(&bytes)?;
        let blocks = keys.iter().step_by(BLOCK_KEYS).copied().collect();
        self.runs.push(Run { first, keys: keys.len(), blocks });
        self.latest.clear();
        Ok(())
    }

    fn is_in_a_run(&mut self, key: u64) -> Result<bool, Error> {
        let Some(file) = &mut self.file else { return Ok(false) };
        for run in &self.runs {
            let Some(block) = run.blocks.partition_point(|&first| first <= key).checked_sub(1) else {
                continue;
            };
            if run.block(file, block)?.binary_search(&key).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many different keys there are in the runs and in memory.
    fn merged(&mut self) -> Result<u64, Error> {
        let Some(file) = &mut self.file else { return Ok(self.latest.len() as u64) };
        let mut latest: Vec<u64> = self.latest.iter().copied().collect();
        latest.sort_unstable();
        let mut cursors: Vec<Cursor<'_>> = self
            .runs
            .iter()
            .map(|run| Cursor { run: Some(run), block: 0, keys: Vec::new().into_iter() })
            .collect();
        cursors.push(Cursor { run: None, block: 0, keys: latest.into_iter() });
        let mut heap = BinaryHeap::with_capacity(cursors.len());
        for (index, cursor) in cursors.iter_mut().enumerate() {
            heap.extend(cursor.next(file)?.map(|key| Reverse((key, index))));
        }
        let (mut distinct, mut before) = (0, None);
        while let Some(Reverse((key, index))) = heap.pop() {
            distinct += u64::from(before != Some(key));
            before = Some(key);
            heap.extend(cursors[index].next(file)?.map(|key| Reverse((key, index))));
        }
        Ok(distinct)
    }
}

impl Run {
    fn block(&self, file: &mut File, block: usize) -> Result<Vec<u64>, Error> {
        let from = block * BLOCK_KEYS;
        let count = BLOCK_KEYS.min(self.keys.saturating_sub(from));
        let mut bytes = vec![0; count * KEY_BYTES];
        file.seek(SeekFrom::Start(((self.first + from) * KEY_BYTES) as u64))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.as_chunks::<KEY_BYTES>().0.iter().map(|key| u64::from_le_bytes(*key)).collect())
    }
}

/// Keys in ascending order: those of a run, or those in memory.
struct Cursor<'a> {
    run: Option<&'a Run>,
    block: usize,
    keys: std::vec::IntoIter<u64>,
}

impl Cursor<'_> {
    fn next(&mut self, file: &mut File) -> Result<Option<u64>, Error> {
        if let Some(run) = self.run
            && self.keys.len() == 0
            && self.block < run.blocks.len()
        {
            self.keys = run.block(file, self.block)?.into_iter();
            self.block += 1;
        }
        Ok(self.keys.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spread as hashes are.
    fn key(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn page(numbers: std::ops::Range<u64>) -> KeySet {
        numbers.map(key).collect()
    }

    #[test]
    fn keys_in_runs_and_in_memory_are_one_set() {
        for run_keys in [70, 1000, 100_000] {
            let mut seen = Seen { run_keys, ..Seen::default() };
            assert!(seen.is_empty() && !seen.has_all(&page(0..1)));
            for from in (0..5000).step_by(10) {
                seen.add(&page(from..from + 10));
            }
            assert_eq!(seen.count().expect("a temporary file"), (5000, false), "{run_keys}");
            assert!(seen.has_all(&page(0..5000)));
            assert!(!seen.has_all(&page(4999..5001)));
            seen.add(&page(2500..2510));
            assert_eq!(seen.count().expect("a temporary file"), (5000, true), "{run_keys}");
        }
    }
}
