//! What a loss of power would take: content of files since their last sync, names since the last sync of their folder.
//!
//! The model is harsher than file systems are: a name is safe only when its folder was synced, content only when its file was,
//! and neither waits for the other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::fault::{Lost, Step};
use crate::parent;

/// What is not safe yet.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// The content that files had when they were last synced.
    content: BTreeMap<PathBuf, Vec<u8>>,
    /// Changes of names, oldest first.
    names: Vec<Change>,
}

/// A change of a name, as far as it must be known to be undone.
#[derive(Debug)]
pub(crate) enum Change {
    Made(PathBuf),
    MadeFolder(PathBuf),
    Renamed { from: PathBuf, to: PathBuf, replaced: Option<Vec<u8>> },
    Removed(Vec<(PathBuf, Kept)>),
}

/// What stood under a name that was removed.
#[derive(Debug)]
pub(crate) enum Kept {
    Folder,
    File(Vec<u8>),
}

/// What is noted once a call has succeeded.
#[derive(Debug)]
pub(crate) enum Note {
    Nothing,
    Changed(Change),
    Written(PathBuf, Vec<u8>),
    Synced(PathBuf),
    SyncedFolder(PathBuf),
}

impl Journal {
    /// Looks at what a call is about to change.
    pub(crate) fn before(&self, step: Step<'_>) -> io::Result<Note> {
        Ok(match step {
            Step::Create(path) if path.exists() => self.written(path)?,
            Step::Create(path) => Note::Changed(Change::Made(path.to_owned())),
            Step::Write(path) => self.written(path)?,
            Step::Sync(path) => Note::Synced(path.to_owned()),
            Step::Lock(_) => Note::Nothing,
            Step::Rename(from, to) => {
                let replaced = to.exists().then(|| fs::read(to)).transpose()?;
                Note::Changed(Change::Renamed { from: from.to_owned(), to: to.to_owned(), replaced })
            }
            Step::Remove(path) if !path.exists() => Note::Nothing,
            Step::Remove(path) => {
                Note::Changed(Change::Removed(vec![(path.to_owned(), Kept::File(self.durable(path)?))]))
            }
            Step::RemoveFolder(path) => {
                let mut kept = Vec::new();
                if path.is_dir() {
                    self.keep(path, &mut kept)?;
                }
                Note::Changed(Change::Removed(kept))
            }
            Step::CreateFolder(path) => Note::Changed(Change::MadeFolder(path.to_owned())),
            Step::SyncFolder(path) => Note::SyncedFolder(path.to_owned()),
        })
    }

    fn written(&self, path: &Path) -> io::Result<Note> {
        if self.content.contains_key(path) {
            return Ok(Note::Nothing);
        }
        Ok(Note::Written(path.to_owned(), fs::read(path)?))
    }

    /// What of a file would be there after a loss.
    fn durable(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.content.get(path).map_or_else(|| fs::read(path), |content| Ok(content.clone()))
    }

    /// A folder and all below it, parents first.
    fn keep(&self, folder: &Path, kept: &mut Vec<(PathBuf, Kept)>) -> io::Result<()> {
        kept.push((folder.to_owned(), Kept::Folder));
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.keep(&path, kept)?;
            } else {
                let content = self.durable(&path)?;
                kept.push((path, Kept::File(content)));
            }
        }
        Ok(())
    }

    /// A call has succeeded.
    pub(crate) fn after(&mut self, note: Note) {
        match note {
            Note::Nothing => {}
            Note::Changed(change) => {
                match &change {
                    Change::Renamed { from, to, .. } => {
                        let content = self.content.remove(from);
                        self.content.remove(to);
                        self.content.extend(content.map(|content| (to.clone(), content)));
                    }
                    Change::Removed(kept) => {
                        for (path, _) in kept {
                            self.content.remove(path);
                        }
                    }
                    Change::Made(_) | Change::MadeFolder(_) => {}
                }
                self.names.push(change);
            }
            Note::Written(path, content) => drop(self.content.insert(path, content)),
            Note::Synced(path) => drop(self.content.remove(&path)),
            Note::SyncedFolder(folder) => self.names.retain(|change| change.folder() != Some(&folder)),
        }
    }

    /// Takes half of what of a file is not safe.
    pub(crate) fn tear(&self, path: &Path) -> io::Result<()> {
        match self.content.get(path) {
            Some(durable) => fs::write(path, half(&fs::read(path)?, durable)),
            None => Ok(()),
        }
    }

    /// Takes what is not safe.
    pub(crate) fn lose(self, lost: Lost) -> io::Result<()> {
        for (path, durable) in &self.content {
            match lost {
                Lost::Names => {}
                Lost::HalfOfContent => self.tear(path)?,
                Lost::Content | Lost::Everything => fs::write(path, durable)?,
            }
        }
        if matches!(lost, Lost::Names | Lost::Everything) {
            for change in self.names.into_iter().rev() {
                change.undo()?;
            }
        }
        Ok(())
    }
}

impl Change {
    /// The folder whose sync makes the change safe.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Made(path) | Self::MadeFolder(path) | Self::Renamed { to: path, .. } => Some(parent(path)),
            Self::Removed(kept) => kept.first().map(|(path, _)| parent(path)),
        }
    }

    /// A later change whose folder was synced may have taken away what this one concerns: then there is nothing to undo.
    fn undo(self) -> io::Result<()> {
        match self {
            Self::Made(path) if path.exists() => fs::remove_file(path),
            Self::MadeFolder(path) if path.exists() => fs::remove_dir_all(path),
            Self::Made(_) | Self::MadeFolder(_) => Ok(()),
            Self::Renamed { from, to, replaced } => {
                if to.exists() && parent(&from).is_dir() {
                    fs::rename(&to, &from)?;
                }
                match replaced {
                    Some(content) if parent(&to).is_dir() => fs::write(&to, content),
                    _ => Ok(()),
                }
            }
            Self::Removed(kept) => {
                for (path, kept) in kept.into_iter().filter(|(path, _)| parent(path).is_dir()) {
                    match kept {
                        Kept::Folder if !path.exists() => fs::create_dir(path)?,
                        Kept::File(content) if !path.exists() => fs::write(path, content)?,
                        Kept::Folder | Kept::File(_) => {}
                    }
                }
                Ok(())
            }
        }
    }
}

/// Content that got half-way to the disk: half of what was added, or the first half of what was changed in place.
fn half(content: &[u8], durable: &[u8]) -> Vec<u8> {
    if content.len() > durable.len() {
        return content.iter().take(usize::midpoint(durable.len(), content.len())).copied().collect();
    }
    let half = content.len() / 2;
    content.iter().take(half).chain(durable.iter().skip(half)).copied().collect()
}
