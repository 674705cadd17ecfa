//! One walk's part of the archive: its answers kept as they come, or given out again.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use userhaul_connector::{
    pager::Ask,
    request::{Request, Target, encode_segment},
    spec::StreamSpec,
};

use super::{
    keeper::Keeper,
    notes::{AnswerNote, BodyNote, Note},
    player::{Found, FoundAnswer, Missing, Player, Playing},
};
use crate::{
    error::StreamError,
    fetch::{Answer, PageHeaders},
    source::Source,
};

/// A walk's part of it.
pub(crate) enum Track<'a> {
    Off,
    Keep { keeper: &'a Keeper, source: &'a Source, stream: &'a StreamSpec, walk: u64 },
    Play { player: &'a Player, playing: Mutex<Playing> },
}

impl Track<'_> {
    /// The archived answer, where this is a replay.
    pub(crate) fn played(&self, request: &Request, ask: &Ask) -> Option<Result<Answer, StreamError>> {
        let Self::Play { player, .. } = self else { return None };
        Some(self.found(request, ask).and_then(|found| {
            let mut body = Vec::new();
            let mut number = 0;
            while let Some(piece) = player.piece(&found, number)?.map_err(|gap| missing(request, gap))? {
                body.extend_from_slice(&piece);
                number += 1;
            }
            Ok(answer(&found.note, body.into()))
        }))
    }

    /// The same, with its body still to come by [`Track::piece`].
    pub(crate) fn found(&self, request: &Request, ask: &Ask) -> Result<FoundAnswer, StreamError> {
        let Self::Play { player, playing } = self else {
            return Err(missing(request, Missing { behind_the_end: false }));
        };
        let mut playing = playing.lock().unwrap_or_else(PoisonError::into_inner);
        let found = player.answer(&mut playing, &written(request), ask.facts_only)?;
        match found.map_err(|gap| missing(request, gap))? {
            Found::Answer(found) if is_accepted(request, found.note.status) => Ok(found),
            Found::Answer(found) => Err(refused(request, found.note.status)),
            Found::Refused(Some(status)) if request.accept.contains(&status) => {
                Ok(FoundAnswer::empty(status))
            }
            Found::Refused(Some(status)) => Err(refused(request, status)),
            Found::Refused(None) => Err(missing(request, Missing { behind_the_end: false })),
        }
    }

    /// A piece of an archived body.
    pub(crate) fn piece(
        &self,
        request: &Request,
        found: &FoundAnswer,
        number: usize,
    ) -> Result<Option<Bytes>, StreamError> {
        let Self::Play { player, .. } = self else { return Ok(None) };
        let piece = player.piece(found, number)?.map_err(|gap| missing(request, gap))?;
        Ok(piece.map(Bytes::from))
    }

    /// Keeps an answer.
    pub(crate) async fn keep(
        &self,
        request: &Request,
        ask: &Ask,
        answer: &Answer,
    ) -> Result<(), StreamError> {
        let head = (answer.status, &answer.headers, answer.received_at);
        self.keep_body(request, ask, head, BodyNote::Whole, answer.body.clone()).await
    }

    /// Keeps the beginning of an answer whose elements follow.
    pub(crate) async fn keep_head(
        &self,
        request: &Request,
        ask: &Ask,
        head: (u16, &PageHeaders, i64),
    ) -> Result<(), StreamError> {
        self.keep_body(request, ask, head, BodyNote::Parts, Bytes::new()).await
    }

    async fn keep_body(
        &self,
        request: &Request,
        ask: &Ask,
        (status, headers, received_at): (u16, &PageHeaders, i64),
        body: BodyNote,
        bytes: Bytes,
    ) -> Result<(), StreamError> {
        let Self::Keep { keeper, source, stream, walk } = self else { return Ok(()) };
        let harmless = headers.0.harmless();
        let note = AnswerNote {
            walk: *walk,
            request: written(request),
            status,
            headers: harmless.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            received_at,
            aside: ask.facts_only,
            body,
            bytes: 0,
        };
        keeper.answer(note, bytes, source.client.secrets(&source.connector.auth(stream))).await
    }

    /// Keeps some elements of a long answer; none of them ends it.
    pub(crate) async fn keep_part(&self, elements: Bytes) -> Result<(), StreamError> {
        let Self::Keep { keeper, source, stream, walk } = self else { return Ok(()) };
        keeper.part(*walk, elements, source.client.secrets(&source.connector.auth(stream))).await
    }

    /// Notes that a request had no answer that could be read.
    pub(crate) async fn refused(&self, status: Option<u16>) -> Result<(), StreamError> {
        let Self::Keep { keeper, walk, .. } = self else { return Ok(()) };
        keeper.note(Note::Refused { walk: *walk, status }).await
    }

    /// The walk has come to its end.
    pub(crate) async fn end(&self) -> Result<(), StreamError> {
        let Self::Keep { keeper, walk, .. } = self else { return Ok(()) };
        keeper.note(Note::End { walk: *walk }).await
    }
}

fn is_accepted(request: &Request, status: u16) -> bool {
    (200..300).contains(&status) || request.accept.contains(&status)
}

fn answer(note: &AnswerNote, body: Bytes) -> Answer {
    Answer {
        status: note.status,
        headers: PageHeaders(note.headers.iter().cloned().collect()),
        body,
        received_at: note.received_at,
        attempts: userhaul_client::Attempts::default(),
    }
}

/// Path and query of a request: what tells it from others of the same origin.
fn written(request: &Request) -> String {
    let mut text = match &request.target {
        Target::Path(path) => path.clone(),
        Target::Url(url) => {
            let behind = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            behind.find('/').map_or_else(|| behind.to_owned(), |at| behind.split_at(at).1.to_owned())
        }
    };
    for (index, (name, value)) in request.query.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(&format!("{}={}", encode_segment(name), encode_segment(value)));
    }
    text
}

fn missing(request: &Request, gap: Missing) -> StreamError {
    StreamError::NotArchived {
        what: format!("no answer to `{}` that is left", path(request)),
        behind_the_end: gap.behind_the_end,
    }
}

fn refused(request: &Request, status: u16) -> StreamError {
    StreamError::Refused { path: path(request), status }
}

fn path(request: &Request) -> String {
    let (Target::Path(path) | Target::Url(path)) = &request.target;
    userhaul_client::masked_path(path)
}
