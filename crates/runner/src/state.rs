//! What is remembered of a stream from run to run: one small file each, beside the data.
//!
//! A checkpoint says: everything before it is in committed files. It is saved after the files, so a run that dies in
//! between reads a little again and loses nothing. A file that cannot be trusted counts as absent: everything is then
//! read anew, which is slower and never wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::StreamError;

/// The version of the files that this program writes.
const VERSION: u32 = 1;

/// What is known of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// A hash of everything that decides which rows the table has and how they look. Another one: all is read anew.
    pub identity: String,
    /// Rows of the table when it was last committed.
    pub rows: u64,
    /// A commit was under way: some files of the table may be newer than this.
    #[serde(default)]
    pub committing: bool,
    /// That commit was one of a full pass.
    #[serde(default)]
    pub committing_all: bool,
    /// The first instant wanted when all was last read (microseconds since 1970); none for all there is.
    pub start: Option<i64>,
    /// The instant before which all rows are in the table, for each property, or the empty text where there are none.
    #[serde(default)]
    pub through: BTreeMap<String, i64>,
    /// Properties whose checkpoint was left where it was, with the rows that stood behind it before they were gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub doubted: BTreeMap<String, u64>,
    /// When all was last read (microseconds since 1970).
    pub full_at: i64,
    /// Requests that it took.
    pub full_requests: u64,
    /// Derived streams that have been written each time.
    #[serde(default)]
    pub derived: BTreeSet<String>,
    /// A hash of the lookups that the unified rows were made with.
    #[serde(default)]
    pub lookups: u64,
    /// Unified rows may have keys that others have too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shareable_keys: bool,
    /// Rows of the table of former versions, where there is one and it knows all that the table has held.
    #[serde(default)]
    pub history: Option<u64>,
    /// That the list comes whole, where its paging is not published.
    #[serde(default)]
    pub whole: Option<WholeList>,
    /// The run that saved this.
    pub run_id: String,
}

/// A list that comes whole whatever page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeList {
    /// When it was found out (microseconds since 1970).
    pub found_at: i64,
    /// Its rows when it was last read.
    pub rows: u64,
}

/// The file: what it says, and a hash of that.
#[derive(Serialize, Deserialize)]
struct StateFile {
    version: u32,
    checksum: String,
    state: serde_json::Value,
}

/// What a file gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded {
    /// There is none.
    Absent,
    /// It is whole.
    Found(Box<StreamState>),
    /// It is not whole, or says nothing that this program understands.
    Damaged,
}

/// The state of a destination's streams.
#[derive(Debug, Clone)]
pub struct StateStore {
    folder: PathBuf,
}

impl StateStore {
    /// The store of a destination. Nothing is created before something is saved.
    pub fn new(destination: &Path) -> Self {
        Self { folder: destination.join("_userhaul").join("state") }
    }

    /// Reads a stream's state.
    ///
    /// # Errors
    /// When the file cannot be read, or a newer version of the program wrote it.
    pub fn load(&self, source: &str, stream: &str) -> Result<Loaded, StreamError> {
        let path = self.path(source, stream);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Loaded::Absent),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Loaded::Damaged),
            Err(source) => return Err(failed("read", &path)(source)),
        };
        Self::read(&text, &path)
    }

    /// What the text of a file says; the path is for messages alone.
    ///
    /// # Errors
    /// When a newer version of the program wrote it.
    pub fn read(text: &str, path: &Path) -> Result<Loaded, StreamError> {
        let Ok(file) = serde_json::from_str::<StateFile>(text) else { return Ok(Loaded::Damaged) };
        if file.version > VERSION {
            return Err(StreamError::NewerState {
                path: path.display().to_string(),
                found: file.version,
                known: VERSION,
            });
        }
        if checksum(&file.state) != file.checksum {
            return Ok(Loaded::Damaged);
        }
        Ok(serde_json::from_value(file.state).map_or(Loaded::Damaged, |state| Loaded::Found(Box::new(state))))
    }

    /// Saves a stream's state for good: the old one or the new one is there at every moment.
    ///
    /// # Errors
    /// When it cannot be written; the old one stands then.
    pub fn save(&self, source: &str, stream: &str, state: &StreamState) -> Result<(), StreamError> {
        let path = self.path(source, stream);
        let write = || userhaul_storage::write_whole(&path, Self::written(state)?.as_bytes());
        write().map_err(failed("write", &path))
    }

    /// The text of a state's file.
    ///
    /// # Errors
    /// When a value cannot be said in JSON, which would be a bug.
    pub fn written(state: &StreamState) -> serde_json::Result<String> {
        let state = serde_json::to_value(state)?;
        serde_json::to_string_pretty(&StateFile { version: VERSION, checksum: checksum(&state), state })
    }

    /// Forgets a stream. One that is not known is as good.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(&self, source: &str, stream: &str) -> Result<(), StreamError> {
        let path = self.path(source, stream);
        let gone = userhaul_storage::remove_file(&path)
            .and_then(|()| userhaul_storage::sync_folder(userhaul_storage::parent(&path)));
        match gone {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// The sources and streams that something is known of, in order.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn known(&self) -> Result<Vec<(String, String)>, StreamError> {
        let mut known = Vec::new();
        for source in names(&self.folder)? {
            for file in names(&self.folder.join(&source))? {
                known.extend(file.strip_suffix(".json").map(|stream| (source.clone(), stream.to_owned())));
            }
        }
        known.sort();
        Ok(known)
    }

    fn path(&self, source: &str, stream: &str) -> PathBuf {
        self.folder.join(source).join(format!("{stream}.json"))
    }
}

fn names(folder: &Path) -> Result<Vec<String>, StreamError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// A hash of what a file says, to tell whether it says what was written.
pub(crate) fn checksum(state: &serde_json::Value) -> String {
    let digest = Sha256::digest(state.to_string().as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn failed(act: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StreamError {
    let path = path.display().to_string();
    move |source| StreamError::Folder { act, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn state() -> StreamState {
        StreamState {
            identity: "i".to_owned(),
            rows: 7,
            through: [("k3f9a".to_owned(), 5)].into(),
            ..StreamState::default()
        }
    }

    #[test]
    fn what_is_saved_is_what_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::new(folder.path());
        assert_eq!(store.load("lms", "users").unwrap(), Loaded::Absent);
        store.save("lms", "users", &state()).unwrap();
        assert_eq!(store.load("lms", "users").unwrap(), Loaded::Found(Box::new(state())));
        assert_eq!(store.known().unwrap(), [("lms".to_owned(), "users".to_owned())]);
        store.forget("lms", "users").unwrap();
        assert_eq!(store.load("lms", "users").unwrap(), Loaded::Absent);
    }

    #[test]
    fn a_file_cut_off_at_any_byte_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::new(folder.path());
        store.save("lms", "users", &state()).unwrap();
        let whole = fs::read(store.path("lms", "users")).unwrap();
        for length in 0..whole.len() {
            fs::write(store.path("lms", "users"), &whole[..length]).unwrap();
            assert_eq!(store.load("lms", "users").unwrap(), Loaded::Damaged, "{length} bytes");
        }
    }

    #[test]
    fn a_value_that_was_changed_by_hand_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::new(folder.path());
        store.save("lms", "users", &state()).unwrap();
        let text = fs::read_to_string(store.path("lms", "users")).unwrap();
        fs::write(store.path("lms", "users"), text.replace("\"rows\": 7", "\"rows\": 8")).unwrap();
        assert_eq!(store.load("lms", "users").unwrap(), Loaded::Damaged);
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::new(folder.path());
        store.save("lms", "users", &state()).unwrap();
        let text = fs::read_to_string(store.path("lms", "users")).unwrap();
        fs::write(store.path("lms", "users"), text.replace("\"version\": 1", "\"version\": 2")).unwrap();
        let refused = store.load("lms", "users").unwrap_err().to_string();
        assert!(refused.contains("version 2"), "{refused}");
    }
}
