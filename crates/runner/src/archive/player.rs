//! Gives the archived answers of one stream's run to the walks that ask for them.
//!
//! Which answer is whose is decided by place: the slice, the walk's parent, and the order within the walk. Where the same
//! request was made, its answer is given; where the facts ask otherwise now, the next one in order.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use sha2::{Digest, Sha256};
use userhaul_connector::slice::Slice;

use super::{
    frames::FrameReader,
    notes::{AnswerNote, BodyNote, Note, Place, ReadingNote, Summary},
    shelf::Shelf,
};
use crate::error::StreamError;

/// The archived answers of one stream's run.
pub(crate) struct Player {
    pub(crate) summary: Summary,
    frames: Mutex<FrameReader>,
    readings: Vec<Played>,
    current: AtomicUsize,
    /// Whether something was asked for otherwise than it was then.
    inexact: AtomicBool,
}

/// A reading.
#[derive(Debug, Default)]
struct Played {
    /// The slices that were not cut, by number.
    slices: BTreeMap<usize, Place>,
    /// Those that were read to their end, in the order in which that was.
    over: Vec<usize>,
    /// Their walks, by slice and parent, each time that they began.
    walks: BTreeMap<(usize, Option<String>), Vec<Walked>>,
}

/// A walk from where it began to where it ended or broke off.
#[derive(Debug, Clone, Default)]
struct Walked {
    number: u64,
    ended: bool,
    entries: Vec<Entry>,
}

/// What came, in order.
#[derive(Debug, Clone)]
enum Entry {
    Answer { request: u64, aside: bool, note: At, parts: Vec<At>, closed: bool },
    Refused(Option<u16>),
}

/// Where something stands: frame, offset and length of what follows the note.
#[derive(Debug, Clone, Copy)]
struct At {
    frame: usize,
    offset: usize,
    bytes: usize,
}

/// An answer that the archive has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The archived walk came to its end, and all its answers have been given.
    pub(crate) behind_the_end: bool,
}

/// What a request finds.
pub(crate) enum Found {
    Answer(FoundAnswer),
    Refused(Option<u16>),
}

/// An answer, its body still packed.
pub(crate) struct FoundAnswer {
    pub(crate) note: AnswerNote,
    parts: Vec<At>,
    closed: bool,
}

/// A walk that is played: what of its answers has been given out.
pub(crate) struct Playing {
    entries: Vec<Entry>,
    used: Vec<bool>,
    ended: bool,
}

impl Player {
    /// Reads through a run's answers and remembers where each stands.
    pub(crate) fn open(shelf: &Shelf, summary: &Summary) -> Result<Self, StreamError> {
        let path = shelf.answers(&summary.source, &summary.stream, &summary.run_id);
        let mut frames = FrameReader::open(&path, &summary.frames)?;
        let mut index = Index::default();
        for frame in 0..frames.len() {
            let bytes = frames.frame(frame)?;
            index.read(frame, &bytes).ok_or_else(|| frames.damaged())?;
        }
        Ok(Self {
            summary: summary.clone(),
            readings: index.finish(),
            frames: Mutex::new(frames),
            current: AtomicUsize::new(0),
            inexact: AtomicBool::new(false),
        })
    }

    fn frames(&self) -> MutexGuard<'_, FrameReader> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reading that stands for one in this way: the last whole one, else the last one.
    pub(crate) fn reading(&self, otherwise: bool) -> Option<(usize, &ReadingNote)> {
        let same =
            || self.summary.readings.iter().enumerate().filter(move |(_, note)| note.otherwise == otherwise);
        same().rfind(|(_, note)| note.whole).or_else(|| same().next_back())
    }

    /// Plays that reading from now on.
    pub(crate) fn begin(&self, otherwise: bool) -> Result<(), StreamError> {
        let (index, _) = self.reading(otherwise).ok_or_else(|| self.lacks())?;
        self.current.store(index, Ordering::Relaxed);
        Ok(())
    }

    fn lacks(&self) -> StreamError {
        StreamError::not_archived(format!("no reading of `{}` in this way", self.summary.stream))
    }

    fn current(&self) -> Option<&Played> {
        self.readings.get(self.current.load(Ordering::Relaxed))
    }

    /// Whether every walk of the reading came to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.summary.readings.get(self.current.load(Ordering::Relaxed)).is_some_and(|note| note.whole)
    }

    /// The slices of the reading, in the order in which they ended.
    pub(crate) fn places(&self) -> Vec<&Place> {
        let Some(reading) = self.current() else { return Vec::new() };
        let rest = reading.slices.iter().filter(|(slice, _)| !reading.over.contains(slice));
        let over = reading.over.iter().filter_map(|slice| reading.slices.get(slice));
        over.chain(rest.map(|(_, place)| place)).collect()
    }

    /// Whether something was asked for otherwise than it was then.
    pub(crate) fn is_inexact(&self) -> bool {
        self.inexact.load(Ordering::Relaxed)
    }

    /// The answers of a walk: of the last time that it came to its end, else of the last time.
    pub(crate) fn walk(&self, slice: &Slice, parent: Option<&String>) -> Playing {
        let place = Place::of(slice);
        let walked = self.current().and_then(|reading| {
            let number = reading.slices.iter().find(|(_, known)| **known == place)?.0;
            let walks = reading.walks.get(&(*number, parent.cloned()))?;
            walks.iter().rfind(|walk| walk.ended).or(walks.last())
        });
        let Walked { entries, ended, .. } = walked.cloned().unwrap_or_default();
        Playing { used: vec![false; entries.len()], entries, ended }
    }

    /// The answer to a request of a walk.
    pub(crate) fn answer(
        &self,
        playing: &mut Playing,
        request: &str,
        aside: bool,
    ) -> Result<Result<Found, Missing>, StreamError> {
        let Some((index, exact)) = playing.next(hash(request), aside) else {
            return Ok(Err(Missing { behind_the_end: playing.ended && !playing.entries.is_empty() }));
        };
        playing.used[index] = true;
        let found = match &playing.entries[index] {
            Entry::Refused(status) => return Ok(Ok(Found::Refused(*status))),
            Entry::Answer { note, parts, closed, .. } => {
                FoundAnswer { note: self.note(*note)?, parts: parts.clone(), closed: *closed }
            }
        };
        if !exact {
            self.inexact.store(true, Ordering::Relaxed);
        }
        Ok(Ok(Found::Answer(found)))
    }

    fn note(&self, at: At) -> Result<AnswerNote, StreamError> {
        let mut frames = self.frames();
        let frame = frames.frame(at.frame)?;
        let line = frame.get(at.offset..).and_then(|rest| rest.split(|&byte| byte == b'\n').next());
        match line.map(serde_json::from_slice::<Note>) {
            Some(Ok(Note::Answer(note))) => Ok(note),
            _ => Err(frames.damaged()),
        }
    }

    /// A piece of a body; none behind the last one.
    pub(crate) fn piece(
        &self,
        answer: &FoundAnswer,
        number: usize,
    ) -> Result<Result<Option<Vec<u8>>, Missing>, StreamError> {
        let array = answer.note.body == BodyNote::Parts;
        let Some(at) = answer.parts.get(number) else {
            return Ok(match (array, answer.closed) {
                (true, false) => Err(Missing { behind_the_end: false }),
                (true, true) if number == answer.parts.len() => {
                    Ok(Some(if number == 0 { b"[]".to_vec() } else { b"]".to_vec() }))
                }
                _ => Ok(None),
            });
        };
        let mut frames = self.frames();
        let frame = frames.frame(at.frame)?;
        let bytes = frame.get(at.offset..at.offset + at.bytes).ok_or_else(|| frames.damaged())?;
        let mut piece = Vec::with_capacity(bytes.len() + 1);
        if array {
            piece.push(if number == 0 { b'[' } else { b',' });
        }
        piece.extend_from_slice(bytes);
        Ok(Ok(Some(piece)))
    }
}

impl Playing {
    /// The entry for a request, and whether it is the answer to the very same one.
    fn next(&self, wanted: u64, wanted_aside: bool) -> Option<(usize, bool)> {
        let free = || self.entries.iter().enumerate().filter(|(index, _)| !self.used[*index]);
        let same = |entry: &Entry, of: bool| matches!(entry, Entry::Answer { request, aside, .. } if *request == wanted && *aside == of);
        let is_aside = |entry: &Entry| matches!(entry, Entry::Answer { aside: true, .. });
        let exact = free().find(|(_, entry)| same(entry, wanted_aside)).map(|(index, _)| (index, true));
        let inexact = || {
            if wanted_aside {
                // What came last tells most of how the list stood at the end of the walk.
                let last = free().rfind(|(_, entry)| is_aside(entry)).or_else(|| free().next_back());
                return last.map(|(index, _)| index);
            }
            free().find(|(_, entry)| !is_aside(entry)).map(|(index, _)| index)
        };
        exact.or_else(|| inexact().map(|index| (index, false)))
    }
}

/// The index in the making.
#[derive(Default)]
struct Index {
    readings: Vec<Played>,
    /// For each walk its reading, slice and parent, until all is read.
    walks: BTreeMap<u64, (usize, usize, Option<String>)>,
}

impl Index {
    /// Takes a frame in; none where it is not what this program writes.
    fn read(&mut self, frame: usize, bytes: &[u8]) -> Option<()> {
        let mut at = 0;
        while at < bytes.len() {
            let line = bytes.get(at..)?.split(|&byte| byte == b'\n').next()?;
            let note = serde_json::from_slice::<Note>(line).ok()?;
            let body = At { frame, offset: at + line.len() + 1, bytes: 0 };
            let own = At { frame, offset: at, bytes: 0 };
            at = body.offset + self.take(note, own, body)?;
        }
        (at == bytes.len()).then_some(())
    }

    /// Takes a note in and gives the length of what follows it.
    fn take(&mut self, note: Note, own: At, body: At) -> Option<usize> {
        match note {
            Note::Reading { .. } => self.readings.push(Played::default()),
            Note::Slice { slice, place } => {
                self.readings.last_mut()?.slices.insert(slice, place);
            }
            Note::Cut { slice } => {
                let reading = self.readings.last_mut()?;
                reading.slices.remove(&slice);
                reading.walks.retain(|(of, _), _| *of != slice);
            }
            Note::Over { slice } => {
                let over = &mut self.readings.last_mut()?.over;
                over.retain(|known| *known != slice);
                over.push(slice);
            }
            Note::Walk { walk, slice, parent } => {
                let reading = self.readings.len().checked_sub(1)?;
                let walks = self.readings[reading].walks.entry((slice, parent.clone())).or_default();
                walks.push(Walked { number: walk, ..Walked::default() });
                self.walks.insert(walk, (reading, slice, parent));
            }
            // What could not be kept was asked for again, or is missing; of a refusal the status says it all.
            Note::Answer(note) if note.body == BodyNote::Withheld && (200..300).contains(&note.status) => {
                return Some(note.bytes + 1);
            }
            Note::Answer(note) => {
                let (request, aside) = (hash(&note.request), note.aside);
                let whole = note.body == BodyNote::Whole;
                let parts = whole.then_some(At { bytes: note.bytes, ..body }).into_iter().collect();
                let entry = Entry::Answer { request, aside, note: own, parts, closed: whole };
                self.entries(note.walk, |entries| entries.push(entry));
                return Some(note.bytes + 1);
            }
            Note::Part { walk, bytes } => {
                self.entries(walk, |entries| {
                    if let Some(Entry::Answer { parts, closed, .. }) = entries.last_mut() {
                        if bytes == 0 {
                            *closed = true;
                        } else {
                            parts.push(At { bytes, ..body });
                        }
                    }
                });
                return Some(bytes + 1);
            }
            Note::Refused { walk, status } => {
                self.entries(walk, |entries| entries.push(Entry::Refused(status)))
            }
            Note::End { walk } => {
                if let Some(walked) = self.walked(walk) {
                    walked.ended = true;
                }
            }
        }
        Some(0)
    }

    /// A walk, unless its slice was cut.
    fn walked(&mut self, walk: u64) -> Option<&mut Walked> {
        let (reading, slice, parent) = self.walks.get(&walk)?;
        let walks = self.readings.get_mut(*reading)?.walks.get_mut(&(*slice, parent.clone()))?;
        walks.iter_mut().rfind(|walked| walked.number == walk)
    }

    fn entries(&mut self, walk: u64, act: impl FnOnce(&mut Vec<Entry>)) {
        if let Some(walked) = self.walked(walk) {
            act(&mut walked.entries);
        }
    }

    fn finish(self) -> Vec<Played> {
        self.readings
    }
}

fn hash(request: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(request.as_bytes()).into();
    digest.iter().take(8).fold(0, |all, &byte| all << 8 | u64::from(byte))
}

impl FoundAnswer {
    /// A refusal that counts as an answer now.
    pub(crate) fn empty(status: u16) -> Self {
        let note = AnswerNote {
            walk: 0,
            request: String::new(),
            status,
            headers: Vec::new(),
            received_at: 0,
            aside: false,
            body: BodyNote::Whole,
            bytes: 0,
        };
        Self { note, parts: Vec::new(), closed: true }
    }
}
