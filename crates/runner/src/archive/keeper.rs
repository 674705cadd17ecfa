//! Keeps the answers of one stream's run, on a thread of its own.

use std::{
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use secrecy::SecretString;
use tokio::{sync::mpsc, task::JoinHandle};
use userhaul_client::{masked, without_secrets};
use userhaul_connector::decode::{Rule, redacted};

use super::{
    frames::FrameWriter,
    notes::{AnswerNote, BodyNote, Note, ReadingNote, Summary},
    shelf::Shelf,
};
use crate::{error::StreamError, panics};

/// Answers that may wait to be written.
const WAITING: usize = 8;

/// What is to be kept.
enum Message {
    Note(Note),
    Answer(AnswerNote, Bytes, Vec<SecretString>),
    Part(u64, Bytes, Vec<SecretString>),
    Seal(Box<Summary>),
}

/// Keeps answers. Dropped before [`Keeper::seal`] it leaves nothing.
pub(crate) struct Keeper {
    sender: mpsc::Sender<Message>,
    writer: tokio::sync::Mutex<Option<JoinHandle<Result<(), StreamError>>>>,
    about: Mutex<Summary>,
    walks: AtomicU64,
}

impl Keeper {
    /// Begins the archive of a run's stream. `rules` are applied to every answer.
    pub(crate) fn begin(shelf: &Shelf, about: Summary, rules: Vec<Rule>) -> Result<Self, StreamError> {
        shelf.make(&about.source, &about.stream)?;
        let path = shelf.answers(&about.source, &about.stream, &about.run_id);
        let writer =
            Writer { file: Some(FrameWriter::create(&path)?), path, shelf: shelf.clone(), rules, answers: 0 };
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || panics::guarded(|| writer.work(receiver)));
        Ok(Self {
            sender,
            writer: tokio::sync::Mutex::new(Some(writer)),
            about: Mutex::new(about),
            walks: AtomicU64::new(0),
        })
    }

    fn about(&self) -> MutexGuard<'_, Summary> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reading of the stream begins, on top of what an earlier run has committed.
    pub(crate) async fn reading(
        &self,
        note: ReadingNote,
        based_on: Option<String>,
    ) -> Result<(), StreamError> {
        let reading = {
            let mut about = self.about();
            about.based_on = based_on;
            about.readings.push(note);
            about.readings.len() - 1
        };
        self.note(Note::Reading { reading }).await
    }

    /// Every walk of the reading has come to its end.
    pub(crate) fn came_whole(&self) {
        if let Some(reading) = self.about().readings.last_mut() {
            reading.whole = true;
        }
    }

    /// Nothing of the table is of a run before that one.
    pub(crate) fn rests_on(&self, first: String) {
        self.about().rests_on = Some(first);
    }

    /// The number of a walk that begins.
    pub(crate) async fn walk(&self, slice: usize, parent: Option<String>) -> Result<u64, StreamError> {
        let walk = self.walks.fetch_add(1, Ordering::Relaxed);
        self.note(Note::Walk { walk, slice, parent }).await?;
        Ok(walk)
    }

    pub(crate) async fn note(&self, note: Note) -> Result<(), StreamError> {
        self.send(Message::Note(note)).await
    }

    pub(crate) async fn answer(
        &self,
        note: AnswerNote,
        body: Bytes,
        secrets: Vec<SecretString>,
    ) -> Result<(), StreamError> {
        self.send(Message::Answer(note, body, secrets)).await
    }

    pub(crate) async fn part(
        &self,
        walk: u64,
        elements: Bytes,
        secrets: Vec<SecretString>,
    ) -> Result<(), StreamError> {
        self.send(Message::Part(walk, elements, secrets)).await
    }

    async fn send(&self, message: Message) -> Result<(), StreamError> {
        match self.sender.send(message).await {
            Ok(()) => Ok(()),
            Err(_) => self.ended().await,
        }
    }

    /// Makes the answers count, for good. Before the checkpoint is saved: a checkpoint without its answers would be a
    /// gap, answers without their checkpoint are read again by the next run. A second call does nothing.
    pub(crate) async fn seal(&self, error: Option<&'static str>) -> Result<(), StreamError> {
        if self.writer.lock().await.is_none() {
            return Ok(());
        }
        let about = Summary { error: error.map(str::to_owned), ..self.about().clone() };
        // A writer that has stopped says why below.
        let _stopped = self.sender.send(Message::Seal(Box::new(about))).await;
        self.ended().await
    }

    async fn ended(&self) -> Result<(), StreamError> {
        match self.writer.lock().await.take() {
            Some(writer) => writer.await.map_err(|_| StreamError::panicked())?,
            None => Err(StreamError::Bug { what: "the archive is closed".to_owned() }),
        }
    }
}

/// The thread that writes.
struct Writer {
    file: Option<FrameWriter>,
    path: PathBuf,
    shelf: Shelf,
    rules: Vec<Rule>,
    answers: u64,
}

impl Writer {
    fn work(mut self, mut receiver: mpsc::Receiver<Message>) -> Result<(), StreamError> {
        while let Some(message) = receiver.blocking_recv() {
            match message {
                Message::Note(note) => self.write(&note, &[])?,
                Message::Answer(note, body, secrets) => self.answer(note, &body, &secrets)?,
                Message::Part(walk, elements, secrets) => self.part(walk, &elements, &secrets)?,
                Message::Seal(about) => return self.seal(*about),
            }
        }
        Ok(())
    }

    fn write(&mut self, note: &Note, body: &[u8]) -> Result<(), StreamError> {
        let line =
            serde_json::to_string(note).map_err(|error| StreamError::Bug { what: error.to_string() })?;
        let Some(file) = &mut self.file else { return Ok(()) };
        match note {
            Note::Answer(_) | Note::Part { .. } => file.push(&[line.as_bytes(), b"\n", body, b"\n"]),
            _ => file.push(&[line.as_bytes(), b"\n"]),
        }
    }

    fn answer(
        &mut self,
        mut note: AnswerNote,
        body: &[u8],
        secrets: &[SecretString],
    ) -> Result<(), StreamError> {
        self.answers += 1;
        note.request = masked(&note.request, secrets);
        for (_, value) in &mut note.headers {
            *value = masked(value, secrets);
        }
        let without = without_secrets(body, secrets);
        let mut body = without.as_deref().unwrap_or(body);
        let kept;
        if !self.rules.is_empty() && !body.is_empty() {
            kept = redacted(body, &self.rules);
            if kept.is_none() {
                note.body = BodyNote::Withheld;
            }
            body = kept.as_deref().unwrap_or_default();
        }
        note.bytes = body.len();
        self.write(&Note::Answer(note), body)
    }

    /// Some elements of an array, with commas between them.
    fn part(&mut self, walk: u64, elements: &[u8], secrets: &[SecretString]) -> Result<(), StreamError> {
        let without = without_secrets(elements, secrets);
        let mut elements = without.as_deref().unwrap_or(elements);
        let kept;
        if !self.rules.is_empty() && !elements.is_empty() {
            kept = redacted(&[b"[", elements, b"]"].concat(), &self.rules);
            elements = match &kept {
                Some(array) => array.get(1..array.len() - 1).unwrap_or_default(),
                // The decoder refuses it too.
                None => b"null",
            };
        }
        self.write(&Note::Part { walk, bytes: elements.len() }, elements)
    }

    fn seal(mut self, mut about: Summary) -> Result<(), StreamError> {
        let nothing = self.answers == 0 && (about.error.is_some() || about.readings.is_empty());
        if nothing {
            return Ok(());
        }
        let Some(file) = self.file.take() else { return Ok(()) };
        about.frames = file.finish()?;
        about.answers = self.answers;
        let sealed = self.shelf.seal(&about);
        if sealed.is_err() {
            // What says that they count may be there already. What cannot be removed now is swept by the next run.
            let _ = self.shelf.discard(&about.source, &about.stream, &about.run_id);
        }
        sealed
    }

    fn remove(&self) {
        // What cannot be removed now is swept by the next run.
        let _ = userhaul_storage::remove_file(&self.path);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.remove();
        }
    }
}
