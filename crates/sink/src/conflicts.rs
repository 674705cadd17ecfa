//! Which of the superseded rows say something else than the row that supersedes them.
//!
//! Most tables have no such rows, and hashing the content of each row to find out costs more than reading again the few
//! that there are.

use std::mem;

use crate::content;
use crate::error::SinkError;
use crate::former::adapt;
use crate::part::Part;
use crate::read::read_rows;
use crate::spec::TableSpec;

/// Pairs that are compared at once: 4 MB, and as much for the rows' hashes.
const PAIRS: usize = 1 << 18;

/// Pairs of rows of one key that are compared.
#[derive(Debug)]
pub(crate) struct Conflicts<'a> {
    spec: &'a TableSpec,
    /// Each with the number of its first row.
    parts: Vec<(u64, &'a Part)>,
    waiting: Vec<(u64, u64)>,
    found: u64,
}

impl<'a> Conflicts<'a> {
    pub(crate) fn new(spec: &'a TableSpec, parts: Vec<(u64, &'a Part)>) -> Self {
        Self { spec, parts, waiting: Vec::new(), found: 0 }
    }

    /// Adds two rows, by their numbers through all parts.
    pub(crate) fn add(&mut self, loser: u64, winner: u64) -> Result<(), SinkError> {
        self.waiting.push((loser, winner));
        if self.waiting.len() < PAIRS { Ok(()) } else { self.compare() }
    }

    /// How many of the pairs differ, lineage apart.
    pub(crate) fn count(mut self) -> Result<u64, SinkError> {
        self.compare()?;
        Ok(self.found)
    }

    fn compare(&mut self) -> Result<(), SinkError> {
        let pairs = mem::take(&mut self.waiting);
        let mut rows: Vec<u64> = pairs.iter().flat_map(|&(loser, winner)| [loser, winner]).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut hashes = Vec::with_capacity(rows.len());
        for &(first, part) in &self.parts {
            let of_part = rows.iter().filter(|&&row| (first..first + part.rows).contains(&row));
            let of_part: Vec<u64> = of_part.map(|row| row - first).collect();
            if of_part.is_empty() {
                continue;
            }
            for batch in read_rows(&part.path, &of_part)? {
                hashes.append(&mut content::rows(&adapt(&batch?, self.spec)?));
            }
        }
        let hash = |row| rows.binary_search(&row).ok().and_then(|index| hashes.get(index));
        let differ = |&&(loser, winner): &&(u64, u64)| hash(loser) != hash(winner);
        self.found += pairs.iter().filter(differ).count() as u64;
        Ok(())
    }
}
