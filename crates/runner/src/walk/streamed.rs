//! Long answers without pages, read while they come.

use bytes::Bytes;
use userhaul_client::{Attempts, Body, masked_path};
use userhaul_connector::{
    decode::{Counts, Envelope, PageRows},
    pager::{Ask, End, Next, PageFacts, Pager},
    request::Request,
    slice::Walk,
};

use super::{BATCH_BYTES, BATCH_ROWS, Course, SliceWalks, StreamWalks, lock};
use crate::{
    archive::FoundAnswer,
    error::StreamError,
    fetch::{self, Answer, Cutter, PageHeaders},
};

/// An answer whose body comes piece by piece.
enum Incoming {
    Vendor(Box<Body>),
    Archived { found: FoundAnswer, next: usize },
}

impl Incoming {
    fn status(&self) -> u16 {
        match self {
            Self::Vendor(body) => body.head.status,
            Self::Archived { found, .. } => found.note.status,
        }
    }

    fn headers(&self) -> PageHeaders {
        match self {
            Self::Vendor(body) => PageHeaders(body.head.headers.clone()),
            Self::Archived { found, .. } => PageHeaders(found.note.headers.iter().cloned().collect()),
        }
    }

    fn received_at(&self) -> i64 {
        match self {
            Self::Vendor(body) => body.head.received_at.as_microsecond(),
            Self::Archived { found, .. } => found.note.received_at,
        }
    }

    fn attempts(&self) -> Attempts {
        match self {
            Self::Vendor(body) => body.attempts(),
            Self::Archived { .. } => Attempts::default(),
        }
    }

    async fn chunk(&mut self, course: &Course<'_>, request: &Request) -> Result<Option<Bytes>, StreamError> {
        match self {
            Self::Vendor(body) => Ok(body.chunk().await?),
            Self::Archived { found, next } => {
                *next += 1;
                course.track.piece(request, found, *next - 1)
            }
        }
    }
}

/// What a body was.
enum Read {
    /// Short: not decoded yet.
    Whole(Bytes),
    /// Long: its rows, and what had been counted before they came.
    Rows { all: PageRows, counts: Counts },
}

impl StreamWalks<'_> {
    /// Reads an answer without pages while it comes: it may be of any size.
    pub(super) async fn streamed(
        &self,
        slice: &SliceWalks<'_>,
        course: &Course<'_>,
        ask: &Ask,
        pager: &mut dyn Pager,
        number: u64,
    ) -> Result<Next, StreamError> {
        let request = fetch::request(self.source, self.stream, course.walk, ask, course.rows);
        let mut body = self.incoming(course, ask, &request).await?;
        // At once, so that the request is counted whatever becomes of its body.
        let opened = body.attempts();
        self.count(opened);
        let read = self.pieces(slice, course, (ask, &request), &mut body, number).await;
        self.count(body.attempts().since(opened));
        let (status, headers, received_at) = (body.status(), body.headers(), body.received_at());
        drop(body);
        match read? {
            Read::Whole(body) => {
                let answer = Answer { status, headers, body, received_at, attempts: Attempts::default() };
                course.track.keep(&request, ask, &answer).await?;
                self.absorb(slice, course.walk, ask, &answer, pager, number)
            }
            Read::Rows { all, counts } => {
                let exact = lock(&slice.decoder).exact_keys();
                let facts = PageFacts {
                    ask,
                    status,
                    headers: &headers,
                    envelope: &Envelope::default(),
                    rows: all.rows as u64,
                    keys: &all.keys,
                    exact,
                    cursors: &[],
                    known_whole: self.known.whole,
                };
                let next = pager
                    .next(&facts)
                    .map_err(|source| StreamError::Paging { path: masked_path(&course.walk.path), source })?;
                // Rows that came before are merged by their key; what they had besides counts once.
                if matches!(&next, Next::Done(End { forget_last: true, .. })) {
                    lock(&slice.decoder).restore_counts(counts);
                }
                Ok(next)
            }
        }
    }

    /// Reads a body to its end, and decodes the elements of a long one on the way.
    async fn pieces(
        &self,
        slice: &SliceWalks<'_>,
        course: &Course<'_>,
        (ask, request): (&Ask, &Request),
        body: &mut Incoming,
        number: u64,
    ) -> Result<Read, StreamError> {
        let walk = course.walk;
        let mut cutter = Cutter::default();
        let counts = lock(&slice.decoder).counts().clone();
        let mut all = PageRows::default();
        let received_at = body.received_at();
        self.compare_clocks(&body.headers(), received_at);
        let failed = |what: &'static str| StreamError::Body { path: masked_path(&walk.path), what };
        let mut kept_head = false;
        loop {
            let piece = match body.chunk(course, request).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    if let StreamError::Send(error) = &error {
                        course.track.refused(error.status()).await?;
                    }
                    return Err(error);
                }
            };
            if let Some(elements) = cutter.push(&piece).map_err(failed)? {
                if !kept_head {
                    let headers = body.headers();
                    course.track.keep_head(request, ask, (body.status(), &headers, received_at)).await?;
                    kept_head = true;
                }
                course.track.keep_part(elements.clone()).await?;
                let read = self.elements(slice, walk, &elements, received_at, number)?;
                all.rows += read.rows;
                all.keys.extend(read.keys);
                self.hand_on(slice, BATCH_ROWS, BATCH_BYTES).await?;
            }
        }
        let streaming = cutter.streaming;
        let rest = cutter.end().map_err(failed)?;
        if !streaming {
            return Ok(Read::Whole(rest));
        }
        if !rest.trim_ascii().is_empty() {
            course.track.keep_part(rest.clone()).await?;
        }
        // The end of the parts.
        course.track.keep_part(Bytes::new()).await?;
        let read = self.elements(slice, walk, &rest, received_at, number)?;
        all.rows += read.rows;
        all.keys.extend(read.keys);
        Ok(Read::Rows { all, counts })
    }

    async fn incoming(
        &self,
        course: &Course<'_>,
        ask: &Ask,
        request: &Request,
    ) -> Result<Incoming, StreamError> {
        if self.tape.is_playing() {
            let found = course.track.found(request, ask)?;
            return Ok(Incoming::Archived { found, next: 0 });
        }
        match self.client.open(request).await {
            Ok(body) => Ok(Incoming::Vendor(Box::new(body))),
            Err(error) => Err(self.failed(course, error.into()).await?),
        }
    }

    fn elements(
        &self,
        slice: &SliceWalks<'_>,
        walk: &Walk,
        elements: &[u8],
        received_at: i64,
        number: u64,
    ) -> Result<PageRows, StreamError> {
        let lineage = self.lineage(received_at, &walk.given);
        let read = lock(&slice.decoder).elements(elements, &lineage);
        let read = read.map_err(|source| self.undecoded(walk, number, source));
        let read = match read {
            Ok(read) => read,
            Err(error) => self.gathered_elements(error, elements, &lineage)?,
        };
        self.came(slice, &read, elements.len(), false);
        Ok(read)
    }
}
