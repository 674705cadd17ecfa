//! Keys that come more than once in any number of files, found in bounded memory.

use std::collections::HashSet;
use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_128;

use crate::error::SinkError;
use crate::log::{Entry, KeyLog, RUN_ENTRIES};
use crate::merge::in_order;

/// Keys that are being looked through.
///
/// Hashes that do not fit in memory wait in a file, which goes when this is dropped.
#[derive(Debug)]
pub struct Repeats {
    log: KeyLog,
    rows: u64,
}

/// The keys that came more than once, by their hashes (XXH3, 128 bits).
#[derive(Debug)]
pub struct Repeated(HashSet<u128>);

impl Repeats {
    /// No keys yet. A file may be made at `path`, whose folder must be there.
    pub fn new(path: PathBuf) -> Self {
        Self::with_runs(path, RUN_ENTRIES)
    }

    fn with_runs(path: PathBuf, run_entries: usize) -> Self {
        Self { log: KeyLog::new(path, run_entries), rows: 0 }
    }

    /// Adds the keys of some rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add<'a>(&mut self, keys: impl Iterator<Item = &'a str>) -> Result<(), SinkError> {
        for key in keys {
            self.log.push(Entry { key: hash(key), row: self.rows, version: 0, content: 0 })?;
            self.rows += 1;
        }
        Ok(())
    }

    /// The keys that were added more than once.
    ///
    /// # Errors
    /// When the file cannot be written or read.
    pub fn finish(mut self) -> Result<Repeated, SinkError> {
        self.log.seal()?;
        let (mut repeated, mut before) = (HashSet::new(), None);
        in_order(std::iter::once((0, &self.log)), |entry| {
            if before == Some(entry.key) {
                repeated.insert(entry.key);
            }
            before = Some(entry.key);
            Ok(())
        })?;
        Ok(Repeated(repeated))
    }
}

impl Repeated {
    /// Whether no key came more than once.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this key came more than once.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains(&hash(key))
    }
}

fn hash(key: &str) -> u128 {
    xxh3_128(key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_file_that_come_again_are_found_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys: Vec<String> = (0..5000).map(|number| format!("s:{}", number % 4990)).collect();
        for run_entries in [64, RUN_ENTRIES] {
            let path = folder.path().join("keys");
            let mut repeats = Repeats::with_runs(path.clone(), run_entries);
            for file in keys.chunks(700) {
                repeats.add(file.iter().map(String::as_str)).expect("the file can be written");
            }
            let repeated = repeats.finish().expect("the file can be read");
            let found: Vec<usize> =
                (0..4990).filter(|number| repeated.contains(&format!("s:{number}"))).collect();
            assert_eq!(found, (0..10).collect::<Vec<_>>(), "{run_entries}");
            assert!(!path.exists());
        }
        let none = Repeats::new(folder.path().join("keys")).finish().expect("nothing is read");
        assert!(none.is_empty() && !none.contains("s:1"));
    }
}
