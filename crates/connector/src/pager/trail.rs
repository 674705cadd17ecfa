//! What all walks along continuations share: a cursor, a link, a last id. Each is followed once.
//!
//! The walk ends where the page says that it is the last, or has no continuation. A page without rows but with a fresh
//! continuation is followed three times, and then it is not known whether more would come. A page with rows whose continuation was followed before is an error, and so is
//! one that promises more and does not say where.

use std::collections::HashSet;

use super::{End, MAX_PAGES, PageFacts, PagingError};
use crate::{code::Code, decode::content_hash};

/// Pages without rows that are followed in a row.
const MAX_EMPTY: u32 = 3;

/// The continuations of a walk.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// A hash of each.
    followed: HashSet<u64>,
    empty: u32,
    pages: u64,
}

/// Where the walk goes.
#[derive(Debug)]
pub(crate) enum Step {
    /// Along this continuation.
    Follow(String),
    /// Nowhere.
    Done(End),
}

impl Trail {
    /// The number of the page last seen, from 1.
    pub(crate) fn page(&self) -> u64 {
        self.pages
    }

    /// What follows a page with this continuation, which says or does not say whether there is `more`.
    pub(crate) fn step(
        &mut self,
        page: &PageFacts<'_>,
        continuation: Option<String>,
        more: Option<bool>,
    ) -> Result<Step, PagingError> {
        self.pages += 1;
        if self.pages >= MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        if more == Some(false) {
            return Ok(Step::Done(End::default()));
        }
        let Some(continuation) = continuation.filter(|continuation| !continuation.is_empty()) else {
            return match more {
                Some(true) => Err(PagingError::NoContinuation { page: self.pages }),
                _ => Ok(Step::Done(End::default())),
            };
        };
        let fresh = self.followed.insert(content_hash(continuation.as_bytes()));
        if page.rows > 0 {
            if !fresh {
                return Err(PagingError::CursorLoop { page: self.pages });
            }
            self.empty = 0;
            return Ok(Step::Follow(continuation));
        }
        self.empty += 1;
        if fresh && self.empty <= MAX_EMPTY {
            return Ok(Step::Follow(continuation));
        }
        let unproven =
            match (more, fresh) {
                (Some(true), _) => {
                    Some(Code::MoreWithoutRows.note("the vendor says that there is more, but no rows come"))
                }
                (_, true) => Some(Code::MoreWithoutRows.note(format!(
                    "{} pages without rows came in a row, each with another cursor",
                    self.empty
                ))),
                (_, false) => None,
            };
        Ok(Step::Done(End { unproven, ..End::default() }))
    }
}
