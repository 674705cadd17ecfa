//! An answer's rows into the decoder, and its facts to the pager.

use std::sync::atomic::Ordering;

use userhaul_client::{masked, masked_path};
use userhaul_connector::{
    code::Code,
    decode::{DecodeError, Envelope, Lineage, PageRows},
    pager::{Ask, End, Next, PageFacts, Pager},
    slice::Walk,
    spec::Paging,
};

use super::{Ended, SliceWalks, StreamWalks, TWO_DAYS, lock};
use crate::{error::StreamError, fetch::Answer, grain};

impl StreamWalks<'_> {
    /// Reads an answer's rows and asks the pager what is next.
    pub(super) fn absorb(
        &self,
        slice: &SliceWalks<'_>,
        walk: &Walk,
        ask: &Ask,
        answer: &Answer,
        pager: &mut dyn Pager,
        number: u64,
    ) -> Result<Next, StreamError> {
        let mut decoder = lock(&slice.decoder);
        let (mark, counts) = (decoder.mark(), decoder.counts().clone());
        // Behind the first page the same status may only mean that there is no such page.
        if number == 1
            && let Some(next) = self.gone(walk, answer.status)
        {
            return Ok(next);
        }
        // No content means no rows only where the vendor documents that it does.
        if answer.status == 204 && !self.stream.empty.contains(&204) {
            let source = DecodeError::no_items(&self.stream.items, "no content");
            return Err(self.undecoded(walk, number, source));
        }
        let rows_expected = answer.status < 300 && answer.status != 204;
        let (page, envelope) = if rows_expected && !(answer.body.is_empty() && self.stream.single) {
            let lineage = self.lineage(answer.received_at, &walk.given);
            match decoder.page(&answer.body, &lineage) {
                Ok(read) => read,
                Err(source) => {
                    decoder.restore_counts(counts.clone());
                    let error = self.undecoded(walk, number, source);
                    self.gathered(error, &answer.body, &lineage)?
                }
            }
        } else {
            (PageRows::default(), Envelope::default())
        };
        self.judge(slice, &page).or_else(|error| self.spoil(error))?;
        if grain::repeats(self.stream, &page.keys) {
            return Err(StreamError::KeyRepeats);
        }
        let facts = PageFacts {
            ask,
            status: answer.status,
            headers: &answer.headers,
            envelope: &envelope,
            rows: page.rows as u64,
            keys: &page.keys,
            exact: decoder.exact_keys() && !self.is_spoiled(),
            cursors: &page.cursors,
            known_whole: self.known.whole,
        };
        let next = pager
            .next(&facts)
            .map_err(|source| StreamError::Paging { path: masked_path(&walk.path), source })?;
        let forgotten = ask.facts_only || matches!(&next, Next::Done(End { forget_last: true, .. }));
        if forgotten {
            decoder.roll_back(&mark);
            decoder.restore_counts(counts);
        }
        drop(decoder);
        self.came(slice, &page, answer.body.len(), forgotten);
        Ok(next)
    }

    /// A page that cannot be read. Names of its members are told, but not a credential that stands among them.
    pub(super) fn undecoded(&self, walk: &Walk, page: u64, source: DecodeError) -> StreamError {
        let source = source.in_words(|words| self.masked(words));
        StreamError::Decode { path: masked_path(&walk.path), page, source }
    }

    /// A text of an answer without the credential.
    pub(crate) fn masked(&self, text: &str) -> String {
        masked(text, &self.source.client.secrets(&self.source.connector.auth(self.stream)))
    }

    /// An id that no path can carry (`..`) keeps the others from nothing: it counts as one that the vendor does not
    /// know.
    pub(super) fn unaskable(&self, walk: &Walk, error: &StreamError) -> Option<Ended> {
        let StreamError::Send(sent) = error else { return None };
        let key = walk.parent.as_ref()?;
        if *sent.reason() != userhaul_client::Reason::BadTarget {
            return None;
        }
        let mut tally = lock(&self.tally);
        tally.missing.push(key.clone());
        tally.unsendable += 1;
        Some(Ended::Done { proven: true, cut: None })
    }

    /// Where the archive does not hold what the facts ask for, the rows so far are all that there is.
    pub(crate) fn unarchived(&self, error: &StreamError) -> Option<Ended> {
        let StreamError::NotArchived { behind_the_end, .. } = error else { return None };
        // Lists of many parents whose paging nobody knows share what they find out, in the order in which they came.
        if *behind_the_end && self.stream.parent().is_some() && self.stream.paging == Paging::Unknown {
            return Some(Ended::Done { proven: true, cut: None });
        }
        lock(&self.tally).unproven.get_or_insert_with(|| Code::NotArchived.note(error.to_string()));
        Some(Ended::Done { proven: false, cut: None })
    }

    /// What a parent that is gone means: no rows, and a note.
    fn gone(&self, walk: &Walk, status: u16) -> Option<Next> {
        let parent = self.stream.parent()?;
        let key = walk.parent.as_ref()?;
        if walk.barren.contains(&status) {
            let text = format!("`{}` {key} was refused with status {status}: taken for empty", parent.stream);
            self.warn(Code::TakenForEmpty.note(text));
            return Some(Next::Done(End::default()));
        }
        if !parent.gone.contains(&status) {
            return None;
        }
        lock(&self.tally).missing.push(key.clone());
        Some(Next::Done(End::default()))
    }

    pub(super) fn lineage<'b>(&'b self, received_at: i64, given: &'b [Option<String>]) -> Lineage<'b> {
        Lineage { source: &self.source.name, run_id: &self.options.run_id, extracted_at: received_at, given }
    }

    /// Whether the rows are what was asked for: inside the window or near it, and with the column it is cut by.
    fn judge(&self, slice: &SliceWalks<'_>, page: &PageRows) -> Result<(), StreamError> {
        let (Some(axis), Some(window)) = (self.stream.window(), slice.slice.window) else { return Ok(()) };
        if page.cursors.is_empty() || axis.years {
            return Ok(());
        }
        if axis.keep_inside && page.cursors.iter().all(Option::is_none) {
            return Err(StreamError::SchemaMismatch { column: axis.by.clone() });
        }
        let inside = page.cursors.iter().flatten().filter(|&&micros| window.holds(micros)).count();
        slice.inside.fetch_add(inside as u64, Ordering::Relaxed);
        let slack = i64::try_from(axis.pad.as_micros()).unwrap_or(0) + TWO_DAYS;
        let outside = page.cursors.iter().flatten().any(|&micros| {
            window.from.is_some_and(|from| micros < from - slack) || micros >= window.to + slack
        });
        if outside && (axis.keep_inside || axis.days.is_some()) {
            return Err(StreamError::FilterIgnored { window: slice.slice.label.clone() });
        }
        Ok(())
    }

    pub(super) fn came(&self, slice: &SliceWalks<'_>, page: &PageRows, bytes: usize, forgotten: bool) {
        let rows = if forgotten { 0 } else { page.rows as u64 };
        slice.rows.fetch_add(rows, Ordering::Relaxed);
        let mut tally = lock(&self.tally);
        tally.pages += 1;
        tally.latest = tally.latest.max(page.cursors.iter().flatten().copied().max());
        drop(tally);
        self.progress.page(&self.source.name, &self.stream.name, rows, bytes as u64);
        let all = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        if self.options.limit.is_some_and(|limit| all >= limit) {
            self.enough.store(true, Ordering::Relaxed);
        }
    }
}
