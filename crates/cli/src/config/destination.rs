//! `[destination]`: where the tables go.

use std::path::{Path, PathBuf};

use super::reading::{Entry, Reading, Section};

/// Where the tables go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What is written.
    pub kind: DestinationKind,
    /// Where to.
    pub path: DestinationPath,
    /// How files are compressed.
    pub compression: Compression,
}

/// What a destination writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationKind {
    /// Parquet files, one table a folder.
    Parquet,
}

/// A folder on this machine. It need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationPath(PathBuf);

impl DestinationPath {
    /// The folder. Not absolute if neither it nor the configuration's path is: it reads as the user wrote it.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Small files.
    #[default]
    Zstd,
    /// Fast, and readable by everything.
    Snappy,
    /// Not at all.
    None,
}

const KEYS: [&str; 3] = ["type", "path", "compression"];

/// Reads `[destination]`.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Section<'a>) -> Option<Destination> {
    let Some(entry) = root.get("destination") else {
        let hint = "say where the tables go: `path = \"./warehouse\"` below `[destination]`";
        reading.problem_overall("no `[destination]`".to_owned(), Some(hint.to_owned()));
        return None;
    };
    let Some(table) = entry.as_table() else {
        reading.mismatch(&entry, "a table", entry.found(), None);
        return None;
    };
    let section = Section::new("[destination]", entry.offset, table);
    reading.refuse_unknown(&section, &KEYS, |_| section.keys_hint(&KEYS));
    if let Some(entry) = section.get("type") {
        reading.choice(&entry, &["parquet"]);
    }
    let compression = section.get("compression").and_then(|entry| compression(reading, &entry));
    let Some(entry) = section.get("path") else {
        let message = format!("missing key {}", section.name("path"));
        let hint = "name a folder: `path = \"./warehouse\"`";
        reading.problem_at(section.offset, Some("path"), message, Some(hint.to_owned()));
        return None;
    };
    let path = path(reading, &entry)?;
    Some(Destination { kind: DestinationKind::Parquet, path, compression: compression.unwrap_or_default() })
}

fn compression<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>) -> Option<Compression> {
    let words = [("zstd", Compression::Zstd), ("snappy", Compression::Snappy), ("none", Compression::None)];
    let chosen = reading.choice(entry, &words.map(|(word, _)| word))?;
    words.into_iter().find(|(word, _)| *word == chosen).map(|(_, compression)| compression)
}

/// The folder. Object stores are known by their URL, so that no folder named `s3:` comes to be.
fn path<'a>(reading: &mut Reading<'a>, entry: &Entry<'a>) -> Option<DestinationPath> {
    let text = reading.text(entry, "a path")?;
    if let Some((scheme, _)) = text.value.split_once("://") {
        let message =
            format!("{} begins with `{scheme}://`, but this build writes to local folders only", entry.name);
        reading.problem(entry, message, Some("name a folder, such as `./warehouse`".to_owned()));
        return None;
    }
    reading.path_of(entry, &text.value).map(DestinationPath)
}
