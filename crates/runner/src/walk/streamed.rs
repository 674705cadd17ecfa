//! Long answers without pages, read while they come.

use bytes::Bytes;
use userhaul_client::{Attempts, Body, masked_path};
use userhaul_connector::{
    decode::{Envelope, PageRows},
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
        let walk = course.walk;
        let request = fetch::request(self.source, self.stream, walk, ask, course.rows);
        let mut body = self.incoming(course, ask, &request).await?;
        let mut cutter = Cutter::default();
        let counts = lock(&slice.decoder).counts().clone();
        let mut all = PageRows::default();
        let received_at = body.received_at();
        self.compare_clocks(&body.headers(), received_at);
        let failed = |what: &'static str| StreamError::Body { path: masked_path(&walk.path), what };
        let mut kept_head = false;
        loop {
            let piece = match body.chunk(course, &request).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return Err(self.failed(course, error).await?),
            };
            if let Some(elements) = cutter.push(&piece).map_err(failed)? {
                if !kept_head {
                    let headers = body.headers();
                    course.track.keep_head(&request, ask, (body.status(), &headers, received_at)).await?;
                    kept_head = true;
                }
                course.track.keep_part(elements.clone()).await?;
                let read = self.elements(slice, walk, &elements, received_at, number)?;
                all.rows += read.rows;
                all.keys.extend(read.keys);
                self.hand_on(slice, BATCH_ROWS, BATCH_BYTES).await?;
            }
        }
        self.count(body.attempts());
        let (status, headers) = (body.status(), body.headers());
        drop(body);
        let streaming = cutter.streaming;
        let rest = cutter.end().map_err(failed)?;
        if !streaming {
            let answer = Answer { status, headers, body: rest, received_at, attempts: Attempts::default() };
            course.track.keep(&request, ask, &answer).await?;
            return self.absorb(slice, walk, ask, &answer, pager, number);
        }
        if !rest.trim_ascii().is_empty() {
            course.track.keep_part(rest.clone()).await?;
        }
        // The end of the parts.
        course.track.keep_part(Bytes::new()).await?;
        let read = self.elements(slice, walk, &rest, received_at, number)?;
        all.rows += read.rows;
        all.keys.extend(read.keys);
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
            .map_err(|source| StreamError::Paging { path: masked_path(&walk.path), source })?;
        // Rows that came before are merged by their key; what they had besides counts once.
        if matches!(&next, Next::Done(End { forget_last: true, .. })) {
            lock(&slice.decoder).restore_counts(counts);
        }
        Ok(next)
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
        match self.source.client.open(request).await {
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
