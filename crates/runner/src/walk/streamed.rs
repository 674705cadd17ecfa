//! Long answers without pages, read while they come.

use userhaul_client::{Attempts, masked_path};
use userhaul_connector::{
    decode::{Envelope, PageRows},
    pager::{Ask, End, Next, PageFacts, Pager},
    slice::Walk,
};

use super::{BATCH_BYTES, BATCH_ROWS, SliceWalks, StreamWalks, lock};
use crate::{
    error::StreamError,
    fetch::{self, Answer, Cutter},
};

impl StreamWalks<'_> {
    /// Reads an answer without pages while it comes: it may be of any size.
    pub(super) async fn streamed(
        &self,
        slice: &SliceWalks<'_>,
        walk: &Walk,
        ask: &Ask,
        request: &userhaul_connector::request::Request,
        pager: &mut dyn Pager,
        number: u64,
    ) -> Result<Next, StreamError> {
        let mut body = match self.source.client.open(request).await {
            Ok(body) => body,
            Err(error) => {
                self.count(error.attempts());
                return Err(error.into());
            }
        };
        let mut cutter = Cutter::default();
        let counts = lock(&slice.decoder).counts().clone();
        let mut all = PageRows::default();
        let received_at = body.head.received_at.as_microsecond();
        let failed = |what: &'static str| StreamError::Body { path: masked_path(&walk.path), what };
        loop {
            let piece = match body.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    self.count(error.attempts());
                    return Err(error.into());
                }
            };
            if let Some(elements) = cutter.push(&piece).map_err(failed)? {
                let read = self.elements(slice, walk, &elements, received_at, number)?;
                all.rows += read.rows;
                all.keys.extend(read.keys);
                self.hand_on(slice, BATCH_ROWS, BATCH_BYTES).await?;
            }
        }
        self.count(body.attempts());
        let status = body.head.status;
        let headers = fetch::PageHeaders(body.head.headers.clone());
        drop(body);
        let streaming = cutter.streaming;
        let rest = cutter.end().map_err(failed)?;
        if !streaming {
            let answer = Answer { status, headers, body: rest, received_at, attempts: Attempts::default() };
            return self.absorb(slice, walk, ask, &answer, pager, number);
        }
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
            known_whole: self.known_whole,
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

    fn elements(
        &self,
        slice: &SliceWalks<'_>,
        walk: &Walk,
        elements: &[u8],
        received_at: i64,
        number: u64,
    ) -> Result<PageRows, StreamError> {
        let lineage = self.lineage(received_at, &walk.given);
        let read = lock(&slice.decoder)
            .elements(elements, &lineage)
            .map_err(|source| StreamError::Decode { path: masked_path(&walk.path), page: number, source })?;
        self.came(&read, elements.len(), false);
        Ok(read)
    }
}
