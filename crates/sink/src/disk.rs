//! The file system, as far as it matters that a step is whole and stays done.
//!
//! A step is done when its file and its folder are synced. A sync that failed is never tried again on the same file:
//! the kernel may have dropped the pages and would say yes.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use userhaul_storage::{File, MAKING, parent};

use crate::error::SinkError;

/// Ends the name of a file of key hashes, which is of no use to another process.
const KEYS: &str = ".keys";

/// Removes what a killed run left in a folder: unfinished files and key hashes, not finished parts.
///
/// Gives the number of files removed; none where the folder does not exist. Must not run beside a writer in the same
/// folder.
pub fn sweep(folder: &Path) -> Result<usize, SinkError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(SinkError::io("list", folder)(error)),
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry.map_err(SinkError::io("list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(MAKING) || name.ends_with(KEYS) {
            remove(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A file that has no name of its own yet. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Making {
    path: PathBuf,
    stands: bool,
}

impl Making {
    /// A file that is to be made beside `path`, in a folder that is made at once.
    pub(crate) fn beside(path: &Path) -> Result<Self, SinkError> {
        let path = with_ending(path, MAKING);
        create_folder(parent(&path))?;
        Ok(Self { path, stands: false })
    }

    /// Makes the file, empty.
    pub(crate) fn create(&mut self) -> Result<File, SinkError> {
        let file = userhaul_storage::create(&self.path).map_err(SinkError::io("create", &self.path))?;
        self.stands = true;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file, which must be synced, its name; what stood there is replaced.
    pub(crate) fn publish(mut self, target: &Path) -> Result<(), SinkError> {
        replace(&self.path, target)?;
        self.stands = false;
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if self.stands {
            // A failure leaves a file for `sweep`; there is nobody to tell.
            let _ = userhaul_storage::remove_file(&self.path);
        }
    }
}

/// Renames a synced file over another, for good. Folders above the target are made where they are missing.
pub(crate) fn replace(from: &Path, target: &Path) -> Result<(), SinkError> {
    let folder = parent(target);
    create_folder(folder)?;
    userhaul_storage::rename(from, target).map_err(SinkError::io("rename a finished file to", target))?;
    userhaul_storage::sync_folder(folder).map_err(SinkError::io("sync folder", folder))
}

/// Removes a file; one that is gone already is as good.
pub(crate) fn remove(path: &Path) -> Result<(), SinkError> {
    userhaul_storage::remove_file(path).map_err(SinkError::io("remove", path))
}

/// Where the key hashes of a part go.
pub(crate) fn keys_path(part: &Path) -> PathBuf {
    with_ending(part, KEYS)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn create_folder(folder: &Path) -> Result<(), SinkError> {
    userhaul_storage::create_folder(folder).map_err(SinkError::io("create folder", folder))
}
