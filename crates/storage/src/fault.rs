//! Disks that fail, processes that die and machines that lose their power, at the n-th call below a folder: for tests.
//!
//! While nothing is armed, a call costs one look at a number. What is armed concerns the paths below its folder alone, so that
//! tests of one process do not meet.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::journal::Journal;

/// What happens at a call, and to the calls after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: calls are counted.
    None,
    /// The call fails with an input/output error, once. A sync that fails loses half of what it was to make safe.
    Broken,
    /// From this call on there is no room: nothing can be made or written, though renamed and removed.
    Full,
    /// From this call on the folders are read-only: nothing can be made, renamed or removed, though written and synced.
    Denied,
    /// The process dies: a write gets half through, and nothing more reaches the disk.
    Killed,
    /// The machine loses its power: what was not synced is lost, and nothing more reaches the disk.
    PowerLost(Lost),
}

/// What a loss of power takes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The content of files; names stay.
    Content,
    /// Half of the content of files; names stay.
    HalfOfContent,
    /// Names made, changed and removed in folders; content stays.
    Names,
    /// Both.
    Everything,
}

/// One call that changes the file system.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Create(&'a Path),
    Write(&'a Path),
    Sync(&'a Path),
    Lock(&'a Path),
    Rename(&'a Path, &'a Path),
    Remove(&'a Path),
    RemoveFolder(&'a Path),
    CreateFolder(&'a Path),
    SyncFolder(&'a Path),
}

/// How much of a write gets through.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Share {
    All,
    Half,
}

/// A fault that lies in wait below a folder. Dropping it takes it back; what it has done stays done.
#[derive(Debug)]
pub struct Armed {
    root: PathBuf,
}

struct Plan {
    root: PathBuf,
    at: u64,
    fault: Fault,
    calls: u64,
    journal: Option<Journal>,
}

/// How many faults are armed.
static ARMED: AtomicUsize = AtomicUsize::new(0);

static PLANS: Mutex<Vec<Plan>> = Mutex::new(Vec::new());

/// Lets the n-th call below a folder, counted from 1, meet a fault. One fault a folder at a time.
pub fn arm(root: &Path, at: u64, fault: Fault) -> Armed {
    let journal = matches!(fault, Fault::PowerLost(_) | Fault::Broken).then(Journal::default);
    plans().push(Plan { root: root.to_owned(), at, fault, calls: 0, journal });
    ARMED.fetch_add(1, Ordering::Relaxed);
    Armed { root: root.to_owned() }
}

impl Armed {
    /// Calls below the folder so far, those that failed included.
    pub fn calls(&self) -> u64 {
        plans().iter().find(|plan| plan.root == self.root).map_or(0, |plan| plan.calls)
    }

    /// Whether the call in question was made.
    pub fn struck(&self) -> bool {
        plans().iter().any(|plan| plan.root == self.root && plan.calls >= plan.at)
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        plans().retain(|plan| plan.root != self.root);
        ARMED.fetch_sub(1, Ordering::Relaxed);
    }
}

fn plans() -> MutexGuard<'static, Vec<Plan>> {
    PLANS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a call, or what a fault makes of it.
pub(crate) fn step<T>(step: Step<'_>, act: impl FnOnce(Share) -> io::Result<T>) -> io::Result<T> {
    if ARMED.load(Ordering::Relaxed) == 0 {
        return act(Share::All);
    }
    // Held over the call: what a loss of power takes must not come back by a call that was under way.
    let mut plans = plans();
    match plans.iter_mut().find(|plan| step.path().starts_with(&plan.root)) {
        Some(plan) => plan.step(step, act),
        None => {
            drop(plans);
            act(Share::All)
        }
    }
}

impl Plan {
    fn step<T>(&mut self, step: Step<'_>, act: impl FnOnce(Share) -> io::Result<T>) -> io::Result<T> {
        self.calls += 1;
        if self.calls < self.at {
            return self.noted(step, act);
        }
        let now = self.calls == self.at;
        match self.fault {
            Fault::Broken if now => {
                if let (Step::Sync(path), Some(journal)) = (step, &self.journal) {
                    journal.tear(path)?;
                }
                Err(refusal("input/output error (armed)"))
            }
            Fault::Full if step.needs_room() => Err(io::ErrorKind::StorageFull.into()),
            Fault::Denied if step.changes_names() => Err(io::ErrorKind::PermissionDenied.into()),
            Fault::Killed => {
                if now && matches!(step, Step::Write(_)) {
                    act(Share::Half)?;
                }
                Err(refusal("the process is dead (armed)"))
            }
            Fault::PowerLost(lost) => {
                if let Some(journal) = self.journal.take() {
                    journal.lose(lost)?;
                }
                Err(refusal("the machine has no power (armed)"))
            }
            Fault::None | Fault::Broken | Fault::Full | Fault::Denied => act(Share::All),
        }
    }

    fn noted<T>(&mut self, step: Step<'_>, act: impl FnOnce(Share) -> io::Result<T>) -> io::Result<T> {
        let Some(journal) = &mut self.journal else { return act(Share::All) };
        let note = journal.before(step)?;
        let done = act(Share::All)?;
        journal.after(note);
        Ok(done)
    }
}

impl<'a> Step<'a> {
    fn path(self) -> &'a Path {
        match self {
            Self::Create(path)
            | Self::Write(path)
            | Self::Sync(path)
            | Self::Lock(path)
            | Self::Rename(_, path)
            | Self::Remove(path)
            | Self::RemoveFolder(path)
            | Self::CreateFolder(path)
            | Self::SyncFolder(path) => path,
        }
    }

    fn needs_room(self) -> bool {
        match self {
            Self::Create(path) => !path.exists(),
            Self::Write(_) | Self::CreateFolder(_) => true,
            Self::Sync(_)
            | Self::Lock(_)
            | Self::Rename(..)
            | Self::Remove(_)
            | Self::RemoveFolder(_)
            | Self::SyncFolder(_) => false,
        }
    }

    fn changes_names(self) -> bool {
        match self {
            Self::Create(path) => !path.exists(),
            Self::Rename(..) | Self::Remove(_) | Self::RemoveFolder(_) | Self::CreateFolder(_) => true,
            Self::Write(_) | Self::Sync(_) | Self::Lock(_) | Self::SyncFolder(_) => false,
        }
    }
}

fn refusal(what: &'static str) -> io::Error {
    io::Error::other(what)
}
