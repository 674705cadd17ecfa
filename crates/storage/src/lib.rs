//! Every call that changes the file system below a destination, in one place.
//!
//! What a call means to whoever makes it is left to them, and so is reading, which changes nothing. The invariant: no other
//! crate that writes below a destination, or keeps the history of a quota, changes a file but through here. So [`fault`] can
//! stand for a disk that fails, a process that dies and a machine that loses its power, at each single call.

pub mod fault;
mod journal;

use std::fs::{self, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fault::{Share, Step};

/// Ends the name of a file that is not finished.
pub const MAKING: &str = ".making";

/// What gets to a disk whole or not at all.
const SECTOR_BYTES: usize = 512;

/// An open file. What it says of itself in errors is the system's answer, without a path.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    path: PathBuf,
}

/// Makes an empty file, or empties the one that is there.
pub fn create(path: &Path) -> io::Result<File> {
    opened(path, OpenOptions::new().write(true).create(true).truncate(true))
}

/// Makes an empty file that only its owner may read, or empties the one that is there.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    opened(path, options.write(true).create(true).truncate(true))
}

/// Makes an empty file where there is none yet.
pub fn create_new(path: &Path) -> io::Result<File> {
    opened(path, OpenOptions::new().write(true).create_new(true))
}

/// Opens a file to be read and changed in place; makes an empty one where there is none.
pub fn edit(path: &Path) -> io::Result<File> {
    opened(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// Opens a file to be added to; makes an empty one where there is none.
pub fn append(path: &Path) -> io::Result<File> {
    opened(path, OpenOptions::new().append(true).create(true))
}

fn opened(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let file = fault::step(Step::Create(path), |_| options.open(path))?;
    Ok(File { file, path: path.to_owned() })
}

/// Writes a file for good: its old content or the new one is there at every moment. Folders above it are made.
///
/// After an error the old content stands, and nothing is left beside it that could be removed.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    create_folder(parent(path))?;
    let mut making = path.as_os_str().to_owned();
    making.push(MAKING);
    let making = PathBuf::from(making);
    let write = || {
        let mut file = create(&making)?;
        file.write_all(content)?;
        file.sync_all()?;
        rename(&making, path)
    };
    let written = write();
    if written.is_err() {
        // It may never have been made, and what stays is swept by the next run.
        let _ = remove_file(&making);
    }
    written?;
    sync_folder(parent(path))
}

/// Renames a file over another. For good only once the folder is synced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fault::step(Step::Rename(from, to), |_| fs::rename(from, to))
}

/// Removes a file; one that is gone already is as good. For good only once the folder is synced.
pub fn remove_file(path: &Path) -> io::Result<()> {
    absent_is_good(fault::step(Step::Remove(path), |_| fs::remove_file(path)))
}

/// Removes a folder and everything in it; one that is gone already is as good.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    absent_is_good(fault::step(Step::RemoveFolder(path), |_| fs::remove_dir_all(path)))
}

fn absent_is_good(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes a folder and those above it, each known to its parent for good.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    create_folder(above)?;
    match fault::step(Step::CreateFolder(folder), |_| fs::create_dir(folder)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(above),
    }
}

/// Makes what was renamed, made and removed in a folder survive a loss of power. Other systems than Unix cannot do it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    fault::step(Step::SyncFolder(folder), |_| fs::File::open(folder)?.sync_all())
}

/// The folder that holds a path; a bare name is in the working directory.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The system's reason in words, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// What the user can do about a refusal of the system, where that is known.
pub fn remedy(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("make room there and run again"),
        ErrorKind::FileTooLarge => Some("raise the limit on the size of a file (`ulimit -f`) and run again"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some("check the permissions there"),
        _ => None,
    }
}

/// Whether there is no room left for anything.
pub fn lacks_room(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

impl File {
    /// Makes content and length survive a loss of power. After an error the content is not to be trusted, and must not be
    /// synced again: the kernel may have dropped the pages and would say yes.
    pub fn sync_all(&self) -> io::Result<()> {
        fault::step(Step::Sync(&self.path), |_| self.file.sync_all())
    }

    /// Cuts the file, or fills it up with zeros.
    pub fn set_len(&self, bytes: u64) -> io::Result<()> {
        fault::step(Step::Write(&self.path), |_| self.file.set_len(bytes))
    }

    /// Takes the file for this process, as long as this handle lives.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        match fault::step(Step::Lock(&self.path), |_| Ok(self.file.try_lock())) {
            Ok(locked) => locked,
            Err(error) => Err(TryLockError::Error(error)),
        }
    }

    /// Lets other processes have the file.
    pub fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// What the system knows of the file.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = &mut self.file;
        fault::step(Step::Write(&self.path), |share| match share {
            Share::All => file.write(bytes),
            // A kill does not split what fits a sector.
            Share::Half if bytes.len() <= SECTOR_BYTES => Ok(0),
            Share::Half => {
                let (half, _) = bytes.split_at(bytes.len() / 2);
                file.write_all(half).map(|()| half.len())
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
