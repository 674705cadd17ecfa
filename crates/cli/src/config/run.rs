//! `[run]`: what each run does besides writing the tables.

use std::path::PathBuf;

use super::reading::{Reading, Section};

/// What each run does besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunConfig {
    /// The file for the figures of all runs, in Prometheus' text format.
    pub metrics: Option<PathBuf>,
}

const KEYS: [&str; 1] = ["metrics"];

/// Reads `[run]`; without it nothing is done besides.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Section<'a>) -> RunConfig {
    let Some(entry) = root.get("run") else { return RunConfig::default() };
    let Some(table) = entry.as_table() else {
        reading.mismatch(&entry, "a table", entry.found(), None);
        return RunConfig::default();
    };
    let section = Section::new("[run]", entry.offset, table);
    reading.refuse_unknown(&section, &KEYS, |_| section.keys_hint(&KEYS));
    let metrics = section.get("metrics").and_then(|entry| {
        let text = reading.text(&entry, "a path")?;
        reading.path_of(&entry, &text.value)
    });
    RunConfig { metrics }
}
