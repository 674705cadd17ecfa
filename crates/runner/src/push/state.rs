//! What was pushed last, and what is on its way: so that only changes are sent, and a kill costs nothing.
//!
//! No value and no key is kept in the clear: each is a hash with the salt of its file. The journal is written before a
//! request and after its answer; the state file is replaced as a whole when a push ends, and then the journal goes.
//!
//! ```text
//! {"userhaul_push_state":1,"salt":"…","fields":["plan"],"memory":{}}
//! 5c1f…e0 - 0:9f00aa12bc34de56
//! end 1
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use userhaul_connector::push::{Memory, Record};
use userhaul_storage::File;

use super::PushError;

const VERSION: u32 = 1;

/// What stands for a field that was cleared.
const CLEARED: &str = "\u{0}cleared";

/// A record's key, hashed.
pub(crate) type Key = [u8; 16];

/// What is known of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Hashes of values, by field.
    fields: BTreeMap<u32, u64>,
    /// All that the vendor has: the last push replaced.
    replaced: bool,
    /// A request that must not be repeated may have arrived.
    pub(crate) unknown: bool,
}

/// The state of one target and scope.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    salt: String,
    names: Vec<String>,
    indexes: HashMap<String, u32>,
    kept: HashMap<Key, Kept>,
    pub(crate) memory: Memory,
    journal: Option<File>,
    next: u64,
    _lock: Option<File>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    userhaul_push_state: u32,
    salt: String,
    fields: Vec<String>,
    memory: Memory,
}

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Line {
    /// The salt, first of all.
    Salt(String),
    /// A request is about to be sent.
    Begin { id: u64, never: bool, keys: Vec<String> },
    /// Its outcome is known.
    End { id: u64, applied: Vec<Applied>, lost: Vec<String>, unknown: Vec<String>, memory: Memory },
}

#[derive(Serialize, Deserialize)]
struct Applied {
    key: String,
    replaced: bool,
    fields: Vec<(String, String)>,
}

/// What became of the records of a request.
#[derive(Debug, Default)]
pub(crate) struct Outcome<'a> {
    /// Applied, but for the fields named.
    pub(crate) applied: Vec<(&'a Record, Vec<String>)>,
    /// Not applied, or not known: what was kept of them is no longer sure.
    pub(crate) lost: Vec<&'a Record>,
    /// May have been applied, and must not be sent again unseen.
    pub(crate) unknown: Vec<&'a Record>,
    /// What is remembered besides.
    pub(crate) memory: Memory,
}

impl State {
    /// Reads the state, with what the journal adds; takes the folder for this process unless only looked at.
    pub(crate) fn open(folder: &Path, exclusive: bool) -> Result<Self, PushError> {
        let lock = if exclusive { Some(lock(folder)?) } else { None };
        if exclusive {
            sweep(folder);
        }
        let mut state = Self {
            folder: folder.to_owned(),
            salt: salt(),
            names: Vec::new(),
            indexes: HashMap::new(),
            kept: HashMap::new(),
            memory: Memory::new(),
            journal: None,
            next: 1,
            _lock: lock,
        };
        let path = folder.join("state");
        match fs::read_to_string(&path) {
            Ok(text) => {
                state.read(&text).map_err(|why| PushError::State { path: path.display().to_string(), why })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(PushError::io("read", &path, error)),
        }
        match fs::read_to_string(folder.join("journal")) {
            Ok(text) => state.replay(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(PushError::io("read", &folder.join("journal"), error)),
        }
        Ok(state)
    }

    fn read(&mut self, text: &str) -> Result<(), &'static str> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let header: Header = serde_json::from_str(header).map_err(|_| "its first line cannot be read")?;
        if header.userhaul_push_state > VERSION {
            return Err("a newer version of userhaul wrote it");
        }
        self.salt = header.salt;
        self.memory = header.memory;
        for name in header.fields {
            self.index(&name);
        }
        let mut ended = false;
        for line in lines {
            if let Some(count) = line.strip_prefix("end ") {
                ended = count.parse() == Ok(self.kept.len());
                break;
            }
            let (key, kept) = entry(line).ok_or("a line of it cannot be read")?;
            self.kept.insert(key, kept);
        }
        if ended { Ok(()) } else { Err("its end is missing") }
    }

    /// Puts in what happened after the state was last written. A line that was cut off never was.
    fn replay(&mut self, text: &str) {
        let mut open: BTreeMap<u64, (bool, Vec<String>)> = BTreeMap::new();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            match serde_json::from_str(line) {
                // The journal of another state file says nothing about this one.
                Ok(Line::Salt(salt)) if self.kept.is_empty() && self.memory.is_empty() => self.salt = salt,
                Ok(Line::Salt(salt)) if salt != self.salt => return,
                Ok(Line::Salt(_)) | Err(_) => {}
                Ok(Line::Begin { id, never, keys }) => {
                    self.next = self.next.max(id + 1);
                    open.insert(id, (never, keys));
                }
                Ok(Line::End { id, applied, lost, unknown, memory }) => {
                    open.remove(&id);
                    for entry in applied {
                        self.apply(&entry);
                    }
                    self.forget(&lost, &unknown);
                    self.memory.extend(memory);
                }
            }
        }
        for (never, keys) in open.into_values() {
            if never { self.forget(&[], &keys) } else { self.forget(&keys, &[]) }
        }
    }

    fn apply(&mut self, entry: &Applied) {
        let Some(key) = from_hex(&entry.key) else { return };
        let fields: Vec<(u32, u64)> = entry
            .fields
            .iter()
            .filter_map(|(name, hash)| Some((self.index(name), u64::from_str_radix(hash, 16).ok()?)))
            .collect();
        let kept = self.kept.entry(key).or_default();
        if entry.replaced {
            kept.fields.clear();
        }
        kept.replaced |= entry.replaced;
        kept.unknown = false;
        kept.fields.extend(fields);
    }

    fn forget(&mut self, lost: &[String], unknown: &[String]) {
        for key in lost.iter().filter_map(|key| from_hex(key)) {
            self.kept.remove(&key);
        }
        for key in unknown.iter().filter_map(|key| from_hex(key)) {
            self.kept.insert(key, Kept { unknown: true, ..Kept::default() });
        }
    }

    fn index(&mut self, name: &str) -> u32 {
        if let Some(index) = self.indexes.get(name) {
            return *index;
        }
        let index = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.indexes.insert(name.to_owned(), index);
        index
    }

    pub(crate) fn key(&self, record: &Record) -> Key {
        let hash = self.hash(&record.key);
        let mut key = [0; 16];
        key.copy_from_slice(&hash[..16]);
        key
    }

    fn hash(&self, text: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.salt.as_bytes()).chain_update(text.as_bytes()).finalize().into()
    }

    fn value(&self, text: &str) -> u64 {
        let hash = self.hash(text);
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        u64::from_be_bytes(first)
    }

    /// What is kept of a record.
    pub(crate) fn get(&self, record: &Record) -> Option<&Kept> {
        self.kept.get(&self.key(record))
    }

    /// Whether the vendor has all that a record says, by what was pushed.
    pub(crate) fn has(&self, record: &Record, replace: bool) -> bool {
        let Some(kept) = self.get(record).filter(|kept| !kept.unknown) else { return false };
        let same = |name: &str, value: &str| {
            self.indexes.get(name).and_then(|index| kept.fields.get(index)) == Some(&self.value(value))
        };
        record.fields.iter().all(|entry| same(&entry.name, &entry.value.json()))
            && record.clear.iter().all(|name| same(name, CLEARED))
            && (!replace || kept.replaced && kept.fields.len() == record.fields.len())
    }

    /// Whether a field is as it was pushed last.
    pub(crate) fn has_field(&self, record: &Record, name: &str, value: &str) -> bool {
        let kept = self.get(record).and_then(|kept| kept.fields.get(self.indexes.get(name)?));
        kept == Some(&self.value(value))
    }

    /// Notes that a request is about to be sent. Returns when that is on disk.
    pub(crate) fn begin(&mut self, records: &[&Record], never: bool) -> Result<u64, PushError> {
        let id = self.next;
        self.next += 1;
        let keys = records.iter().map(|record| hex(&self.key(record))).collect();
        self.append(&Line::Begin { id, never, keys }, true)?;
        Ok(id)
    }

    /// Notes what became of a request, and takes it over.
    pub(crate) fn end(&mut self, id: u64, outcome: &Outcome<'_>, replace: bool) -> Result<(), PushError> {
        let applied: Vec<Applied> = outcome
            .applied
            .iter()
            .map(|(record, failed)| {
                let sent = record.fields.iter().filter(|entry| !failed.contains(&entry.name));
                let values = sent.map(|entry| (entry.name.clone(), entry.value.json()));
                let cleared = record.clear.iter().map(|name| (name.clone(), CLEARED.to_owned()));
                let fields =
                    values.chain(cleared).map(|(name, value)| (name, format!("{:016x}", self.value(&value))));
                Applied { key: hex(&self.key(record)), replaced: replace, fields: fields.collect() }
            })
            .collect();
        let keys = |records: &[&Record]| -> Vec<String> {
            records.iter().map(|record| hex(&self.key(record))).collect()
        };
        let (lost, unknown) = (keys(&outcome.lost), keys(&outcome.unknown));
        for entry in &applied {
            self.apply(entry);
        }
        self.forget(&lost, &unknown);
        self.memory.extend(outcome.memory.clone());
        self.append(&Line::End { id, applied, lost, unknown, memory: outcome.memory.clone() }, false)
    }

    fn append(&mut self, line: &Line, sync: bool) -> Result<(), PushError> {
        let path = self.folder.join("journal");
        let failed = |error| PushError::io("write", &path, error);
        let mut text = String::new();
        if self.journal.is_none() {
            // A line that a kill cut off must not swallow the next one.
            text.push('\n');
            text.push_str(&serde_json::to_string(&Line::Salt(self.salt.clone())).unwrap_or_default());
            text.push('\n');
            let file = userhaul_storage::append(&path).map_err(failed)?;
            // What is noted before a request must be found after a loss of power, and so must the file.
            userhaul_storage::sync_folder(&self.folder).map_err(failed)?;
            self.journal = Some(file);
        }
        text.push_str(&serde_json::to_string(line).unwrap_or_default());
        text.push('\n');
        let Some(file) = &mut self.journal else { return Ok(()) };
        file.write_all(text.as_bytes()).map_err(failed)?;
        if sync { file.sync_all().map_err(failed) } else { Ok(()) }
    }

    /// Drops a field that turned out not to be there.
    pub(crate) fn drop_field(&mut self, record: &Record, name: &str) {
        let key = self.key(record);
        if let (Some(kept), Some(index)) = (self.kept.get_mut(&key), self.indexes.get(name)) {
            kept.fields.remove(index);
        }
    }

    /// Writes the state as a whole; the journal then has nothing more to say.
    pub(crate) fn save(&mut self) -> Result<(), PushError> {
        let path = self.folder.join("state");
        let header = Header {
            userhaul_push_state: VERSION,
            salt: self.salt.clone(),
            fields: self.names.clone(),
            memory: self.memory.clone(),
        };
        let mut text = serde_json::to_string(&header).unwrap_or_default();
        text.push('\n');
        let mut keys: Vec<&Key> = self.kept.keys().collect();
        keys.sort_unstable();
        for key in keys {
            let kept = &self.kept[key];
            text.push_str(&hex(key));
            text.push_str(match (kept.unknown, kept.replaced) {
                (true, _) => " u",
                (false, true) => " r",
                (false, false) => " -",
            });
            for (index, hash) in &kept.fields {
                text.push_str(&format!(" {index}:{hash:016x}"));
            }
            text.push('\n');
        }
        text.push_str(&format!("end {}\n", self.kept.len()));
        let failed = |error| PushError::io("write", &path, error);
        userhaul_storage::write_whole(&path, text.as_bytes()).map_err(failed)?;
        self.journal = None;
        userhaul_storage::remove_file(&self.folder.join("journal")).map_err(failed)
    }
}

/// A line of the state file.
fn entry(line: &str) -> Option<(Key, Kept)> {
    let mut words = line.split(' ');
    let key = from_hex(words.next()?)?;
    let flag = words.next()?;
    let mut kept = Kept { unknown: flag == "u", replaced: flag == "r", ..Kept::default() };
    for word in words {
        let (index, hash) = word.split_once(':')?;
        kept.fields.insert(index.parse().ok()?, u64::from_str_radix(hash, 16).ok()?);
    }
    Some((key, kept))
}

/// Takes a target for this process. The lock dies with it.
fn lock(folder: &Path) -> Result<File, PushError> {
    userhaul_storage::create_folder(folder).map_err(|error| PushError::io("create folder", folder, error))?;
    let path = folder.join("lock");
    let file = userhaul_storage::edit(&path).map_err(|error| PushError::io("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(PushError::Locked),
        Err(fs::TryLockError::Error(error)) => Err(PushError::io("lock", &path, error)),
    }
}

/// Removes what a killed push had read, and what it had not finished.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // What cannot be removed now may be later.
        if name.starts_with("read-") {
            let _ = userhaul_storage::remove_folder(&entry.path());
        } else if name.ends_with(userhaul_storage::MAKING) {
            let _ = userhaul_storage::remove_file(&entry.path());
        }
    }
}

/// Two random identifiers: hashes of two files with the same content differ.
fn salt() -> String {
    format!("{}{}", uuid::Uuid::now_v7().simple(), uuid::Uuid::now_v7().simple())
}

fn hex(key: &Key) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Key> {
    let mut key = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests;
