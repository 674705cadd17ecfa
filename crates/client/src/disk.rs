//! The history of a credential's attempts on disk, shared by all processes of this machine that use it.
//!
//! One file a credential, of fixed records: a head and a ring of attempts, changed in place under a file lock. An attempt is
//! recorded before it is sent, its record before the head that makes it count, so a process that dies at any line leaves a
//! history that is whole. After a power loss a record may be torn; its checksum tells, and it then counts as answered when that
//! is noticed. Nothing is synced: what a power loss forgets is older than the restart takes.
//!
//! Times are microseconds of the wall clock. Beside them stands when the machine was booted by that clock: where it differs
//! within one boot, the clock was set, and the times are moved along, never into the past.

use std::{fs::TryLockError, io, path::Path, time::Duration};

use userhaul_storage::File;

use crate::{
    machine::{Machine, Process},
    record::{HEAD_BYTES, Head, MAGIC, RECORD_BYTES, Record, State, read_at, write_at},
    ring::margin,
};

/// Attempts that are remembered at least, so that a limit may grow and find its history.
const LEAST_CAPACITY: u64 = 4096;

/// An attempt that is under way for longer is over, whatever its process says.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(15 * 60);

/// How often an answer is looked for that another process waits for.
const POLL: Duration = Duration::from_millis(100);

/// Differences of the boot time that are no change of the clock: `/proc/uptime` counts hundredths.
const CLOCK_SLACK: i64 = 25_000;

/// How often a lock is tried before the caller is sent to wait a moment; it is held for microseconds.
const LOCK_TRIES: u32 = 200;

pub(crate) struct Disk {
    file: File,
    machine: Machine,
    /// Answers that could not be written at their time.
    late: Vec<(u64, i64)>,
}

/// Whether the next attempt of all processes may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Now, under this number.
    Now(u64),
    /// Not before so much time has passed.
    In(Duration),
}

/// The limit to judge by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limit {
    /// Attempts a window.
    pub(crate) window: Option<(u32, Duration)>,
    /// The time between two attempts.
    pub(crate) interval: Option<Duration>,
}

impl Disk {
    pub(crate) fn open(folder: &Path, name: &str, machine: Machine) -> io::Result<Self> {
        userhaul_storage::create_folder(folder)?;
        let file = userhaul_storage::edit(&folder.join(format!("{name}.bin")))?;
        Ok(Self { file, machine, late: Vec::new() })
    }

    /// Counts the next attempt if it may go out.
    pub(crate) fn take(&mut self, limit: Limit) -> io::Result<Next> {
        let least = limit.window.map_or(0, |(requests, _)| u64::from(requests));
        self.locked(|disk| {
            let mut head = disk.head(least)?;
            disk.write_late(&head)?;
            let now = disk.machine.now();
            if let Some(wait) = ahead(head.hold_until, now, LONGEST_ATTEMPT) {
                return Ok(Next::In(wait));
            }
            if let Some((requests, window)) = limit.window
                && let Some(number) = head.next.checked_sub(u64::from(requests))
                && let Some(wait) = disk.wait_for(&head, number, now, window + margin(window))?
            {
                return Ok(Next::In(wait));
            }
            if let Some(interval) = limit.interval {
                if let Some(wait) = ahead(head.paced_next, now, interval) {
                    return Ok(Next::In(wait));
                }
                head.paced_next = now + micros(interval);
            }
            let number = head.next;
            let owner = disk.machine.me();
            disk.write(&head, Record { at: now, number, owner, state: State::Flying })?;
            head.next += 1;
            write_at(&mut disk.file, 0, &head.encode())?;
            Ok(Next::Now(number))
        })
        .map(|next| next.unwrap_or(Next::In(Duration::from_millis(1))))
    }

    /// An attempt was answered, or is known to have failed.
    pub(crate) fn answered(&mut self, number: u64) -> io::Result<()> {
        self.late.push((number, self.machine.now()));
        // Where the lock is taken, the next call writes it.
        self.locked(|disk| disk.head(0).and_then(|head| disk.write_late(&head))).map(drop)
    }

    /// No process sends for so long.
    pub(crate) fn hold(&mut self, after: Duration) -> io::Result<()> {
        self.locked(|disk| {
            let mut head = disk.head(0)?;
            head.hold_until = head.hold_until.max(disk.machine.now() + micros(after));
            write_at(&mut disk.file, 0, &head.encode())
        })
        .map(drop)
    }

    /// How long the attempt numbered so still forbids the next one.
    fn wait_for(
        &mut self,
        head: &Head,
        number: u64,
        now: i64,
        window: Duration,
    ) -> io::Result<Option<Duration>> {
        let Some(mut record) = self.read(head, number)? else { return Ok(None) };
        let flown = Duration::from_micros((now - record.at).try_into().unwrap_or(0));
        if record.state == State::Flying && flown <= LONGEST_ATTEMPT && self.machine.lives(record.owner) {
            return Ok(Some(POLL));
        }
        if record.state != State::Answered || record.at > now {
            // Of a dead process, torn, or from the future: counted as answered now, for good.
            record = Record { at: now, number, owner: record.owner, state: State::Answered };
            self.write(head, record)?;
        }
        Ok(ahead(record.at + micros(window), now, window))
    }

    fn write_late(&mut self, head: &Head) -> io::Result<()> {
        for (number, at) in std::mem::take(&mut self.late) {
            // A file that was begun anew or has gone round knows it no more.
            if number < head.next && head.next - number <= head.capacity {
                let owner = self.machine.me();
                self.write(head, Record { at, number, owner, state: State::Answered })?;
            }
        }
        Ok(())
    }

    /// The head, of a file that is in order: made where there is none, moved where the clock was set, grown where it is too small.
    fn head(&mut self, least: u64) -> io::Result<Head> {
        let mut bytes = [0; HEAD_BYTES];
        let (boot, booted_at) = self.machine.boot();
        let whole = read_at(&mut self.file, 0, &mut bytes)?;
        let Some(mut head) = whole.then(|| Head::decode(&bytes)).flatten() else {
            let capacity = LEAST_CAPACITY.max(least.next_power_of_two());
            let head = Head { boot, booted_at, next: 0, capacity, paced_next: 0, hold_until: 0 };
            self.file.set_len(0)?;
            write_at(&mut self.file, 0, &head.encode())?;
            return Ok(head);
        };
        // After a reboot only the wall clock is left to be trusted.
        let moved = if head.boot == boot { booted_at - head.booted_at } else { 0 };
        if moved.abs() > CLOCK_SLACK || least > head.capacity || head.boot != boot {
            head = self.rewrite(head, moved.max(0), least)?;
        }
        Ok(head)
    }

    fn rewrite(&mut self, head: Head, moved: i64, least: u64) -> io::Result<Head> {
        let (boot, booted_at) = self.machine.boot();
        let capacity = head.capacity.max(least.next_power_of_two());
        let mut records = Vec::new();
        for number in head.next.saturating_sub(head.capacity)..head.next {
            records.extend(self.read(&head, number)?);
        }
        // A death in between leaves a file without a head, which is begun anew.
        write_at(&mut self.file, 0, &[0; HEAD_BYTES])?;
        let head = Head { boot, booted_at, capacity, ..head };
        for record in records {
            self.write(&head, Record { at: record.at + moved, ..record })?;
        }
        write_at(&mut self.file, 0, &head.encode())?;
        Ok(head)
    }

    /// A record, of unknown state where it is torn; `None` where it was never kept.
    fn read(&mut self, head: &Head, number: u64) -> io::Result<Option<Record>> {
        if head.next - number > head.capacity {
            return Ok(None);
        }
        let mut bytes = [0; RECORD_BYTES];
        let whole = read_at(&mut self.file, head.place(number), &mut bytes)?;
        let record = whole.then(|| Record::decode(&bytes, number)).flatten();
        Ok(Some(record.unwrap_or(Record { at: 0, number, owner: Process::default(), state: State::Torn })))
    }

    fn write(&mut self, head: &Head, record: Record) -> io::Result<()> {
        write_at(&mut self.file, head.place(record.number), &record.encode())
    }

    /// Does something under the lock; `None` where others hold it for too long.
    fn locked<T>(&mut self, act: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<Option<T>> {
        for _ in 0..LOCK_TRIES {
            match self.file.try_lock() {
                Ok(()) => {
                    let done = act(self);
                    self.file.unlock()?;
                    return done.map(Some);
                }
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// How far a time lies ahead, at most so far: what lies further was written by a clock that ran ahead.
fn ahead(time: i64, now: i64, most: Duration) -> Option<Duration> {
    let micros = u64::try_from(time.saturating_sub(now)).ok().filter(|micros| *micros > 0)?;
    Some(Duration::from_micros(micros).min(most))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

const _: () = assert!(MAGIC.len() == 8, "the magic is part of the layout");
