//! Pages that are too large for the source: smaller ones are asked for, and what is found out holds for the whole stream.
//!
//! A size that is refused (413, 414, or 400 and 422 with words about it) is halved down to one row, as a refusal costs
//! little. Where the source fails or gives up it is halved down to [`LEAST_FOR_A_FAILURE`]. A 400 or 422 that does not
//! say why may concern the size, too: one half is tried, once a stream.

use std::sync::atomic::{AtomicBool, Ordering};

use userhaul_connector::{
    code::{Code, Note},
    slice::Walk,
};

use super::{Course, Ended, MAX_DECODE_RETRIES, SliceWalks, StreamWalks, lock, passing};
use crate::{error::StreamError, fetch};

/// Each failure costs the whole patience of a request, and a page of so few rows is hardly too large.
const LEAST_FOR_A_FAILURE: u32 = 50;

/// Words that an answer may have for the size of a page, besides the parameter's name.
const WORDS: [&str; 6] = ["page size", "page_size", "pagesize", "per page", "per_page", "perpage"];

/// The page size of a stream in this run.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    /// What walks begin with, where it is not the facts' size.
    now: Option<u32>,
    /// The first failure of a larger page.
    why: Option<String>,
    /// Whether a page of this size has come: the larger one was to blame.
    proven: bool,
    /// Half a page was refused as a whole one: refusals that do not say why are of something else.
    innocent: bool,
}

/// What a failure says about the size of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// It was refused.
    Refused,
    /// The source could not answer it.
    Failed,
    /// It may have been refused.
    Unclear,
}

impl Sizes {
    /// The size to ask for instead of `rows`, if a smaller one may help.
    fn smaller(&mut self, rows: u32, blame: Blame, why: impl Fn() -> String) -> Option<u32> {
        // Another walk has found out more meanwhile.
        if let Some(now) = self.now.filter(|now| *now < rows) {
            return Some(now);
        }
        let least = match blame {
            Blame::Refused => 1,
            Blame::Failed => LEAST_FOR_A_FAILURE,
            Blame::Unclear if self.innocent => return None,
            Blame::Unclear => 1,
        };
        let half = Some(rows / 2).filter(|half| *half >= least)?;
        self.why.get_or_insert_with(why);
        if blame != Blame::Unclear {
            (self.now, self.proven) = (Some(half), false);
        }
        Some(half)
    }

    /// A page of this size came.
    fn came(&mut self, rows: u32, of_the_facts: u32) {
        if rows < of_the_facts && self.now.is_none_or(|now| rows <= now) {
            (self.now, self.proven) = (Some(rows), true);
        }
    }

    /// No size helped: it was not to blame.
    fn acquit(&mut self) {
        if !self.proven {
            (self.now, self.why) = (None, None);
        }
    }
}

impl StreamWalks<'_> {
    /// Walks once, with smaller pages where the source cannot answer large ones.
    pub(crate) async fn walk(&self, slice: &SliceWalks<'_>, walk: &Walk) -> Result<Ended, StreamError> {
        let size = fetch::page_size(self.stream);
        let of_the_facts = size.as_ref().map(|(_, rows)| *rows);
        let mut rows = of_the_facts.map(|rows| lock(&self.sizes).now.unwrap_or(rows));
        let (mut cut_off, mut gone, mut tried) = (0, false, false);
        loop {
            let track =
                self.tape.track((self.source, self.stream), (slice.number, slice.slice), walk).await?;
            let course = Course { walk, rows, track, answered: AtomicBool::new(false) };
            let ended = self.follow(slice, &course).await;
            let answered = course.answered.load(Ordering::Relaxed);
            if let (true, Some(rows), Some(of_the_facts)) = (answered, rows, of_the_facts) {
                lock(&self.sizes).came(rows, of_the_facts);
            }
            let error = match ended {
                Ok(ended) => {
                    course.track.end().await?;
                    return Ok(ended);
                }
                Err(error) => error,
            };
            if let Some(ended) = self.unaskable(walk, &error).or_else(|| self.unarchived(&error)) {
                return Ok(ended);
            }
            let smaller = match (&size, rows) {
                (Some((name, _)), Some(rows)) => {
                    self.smaller((walk, name), rows, (answered, &mut tried), &error)
                }
                _ => None,
            };
            if !gone && matches!(&error, StreamError::Send(error) if error.status() == Some(410)) {
                // A cursor that ran out: from the first page on, once.
                gone = true;
            } else if smaller.is_some() {
                rows = smaller;
            } else if rows.is_none()
                && (error.smaller_may_help() && !is_refusal(&error) || passing(&error) && !self.stream.single)
                && cut_off < MAX_DECODE_RETRIES
            {
                // A long answer without pages that was cut off half-way, or cannot be read.
                cut_off += 1;
            } else {
                lock(&self.sizes).acquit();
                return Err(error);
            }
            self.begin_again(slice).await?;
        }
    }

    fn smaller(
        &self,
        (walk, name): (&Walk, &str),
        rows: u32,
        (answered, tried): (bool, &mut bool),
        error: &StreamError,
    ) -> Option<u32> {
        let StreamError::Send(sent) = error else { return None };
        let says = |name: &str| sent.excerpt().is_some_and(|text| names(text, name));
        let blame = match sent.status() {
            Some(413 | 414) => Blame::Refused,
            Some(400 | 422) if answered => return None,
            Some(400 | 422) if says(name) || WORDS.iter().any(|words| says(words)) => Blame::Refused,
            // It is about something else.
            Some(400 | 422) if self.others(walk).any(says) => return None,
            // The facts have another way, and say of which refusals.
            Some(400 | 422) if self.stream.otherwise(sent.status()).is_some() => return None,
            Some(400 | 422) => Blame::Unclear,
            _ if error.smaller_may_help() => Blame::Failed,
            _ => return None,
        };
        let mut sizes = lock(&self.sizes);
        if blame == Blame::Unclear && std::mem::replace(tried, true) {
            sizes.innocent |= sizes.now.is_none();
            return None;
        }
        sizes.smaller(rows, blame, || error.to_string())
    }

    /// The other parameters that a refusal may be about.
    fn others<'b>(&'b self, walk: &'b Walk) -> impl Iterator<Item = &'b str> {
        let window = self.stream.window().into_iter();
        let window = window.flat_map(|axis| [Some(axis.from.as_str()), axis.to.as_deref()]).flatten();
        walk.params.iter().map(|(name, _)| name.as_str()).chain(window)
    }

    /// Tells, once, that smaller pages than those of the facts were asked for.
    pub(crate) fn tell_sizes(&self) {
        let note = {
            let sizes = lock(&self.sizes);
            let said = sizes.why.as_ref().zip(sizes.now.filter(|_| sizes.proven));
            said.map(|(why, rows)| format!("{why}: asked for {} a page", counted(rows)))
        };
        note.map(|text| Code::SmallerPages.note(text)).into_iter().for_each(|note: Note| self.warn(note));
    }
}

fn counted(rows: u32) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// Refusals concern the request; a page is too large where the source fails or gives up.
fn is_refusal(error: &StreamError) -> bool {
    matches!(error, StreamError::Send(error) if matches!(error.status(), Some(400 | 422)))
}

/// Whether an answer has a parameter's name, or other words, in it: whole words in any case.
fn names(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.to_lowercase());
    let goes_on = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(&words).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let behind = rest.strip_prefix(words.as_str()).unwrap_or_default();
        !before.ends_with(goes_on) && !behind.starts_with(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> String {
        "413".to_owned()
    }

    #[test]
    fn a_refused_size_is_halved_for_all_walks_down_to_one_row() {
        let mut sizes = Sizes::default();
        let asked: Vec<u32> =
            std::iter::successors(Some(100), |rows| sizes.smaller(*rows, Blame::Refused, why)).collect();
        assert_eq!(asked, [100, 50, 25, 12, 6, 3, 1]);
        // A walk that was under way with whole pages need not find that out again.
        assert_eq!(sizes.smaller(100, Blame::Refused, why), Some(1));
        sizes.came(1, 100);
        assert_eq!((sizes.now, sizes.proven), (Some(1), true));
    }

    #[test]
    fn a_size_is_not_to_blame_where_none_helps() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.smaller(100, Blame::Failed, why), Some(50));
        assert_eq!(sizes.smaller(50, Blame::Failed, why), None);
        sizes.acquit();
        assert_eq!((sizes.now, sizes.why.clone()), (None, None));
        // A whole page that comes late says nothing.
        sizes.came(100, 100);
        assert_eq!(sizes.now, None);
    }

    #[test]
    fn a_refusal_that_does_not_say_why_holds_for_nobody_until_half_a_page_comes() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.smaller(100, Blame::Unclear, why), Some(50));
        assert_eq!(sizes.now, None);
        sizes.came(50, 100);
        assert_eq!(sizes.smaller(100, Blame::Unclear, why), Some(50));
        let mut sizes = Sizes { innocent: true, ..Sizes::default() };
        assert_eq!(sizes.smaller(100, Blame::Unclear, why), None);
    }

    #[test]
    fn an_answer_speaks_of_what_it_has_as_whole_words() {
        assert!(names("perPage must not be greater than 300", "perPage"));
        assert!(names("{\"field\":\"limit\"}", "limit"));
        assert!(names("The Page Size is too large", "page size"));
        assert!(!names("unlimited", "limit"));
        assert!(!names("updatedSince is no date", "perPage"));
    }
}
