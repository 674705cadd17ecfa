//! Pages by a value of the last row: `?starting_after=cus_17` gives what comes behind it.
//!
//! `{"data": […], "has_more": true}`: the walk ends where the page says that there is no more, or has no rows. A server
//! that gives the asked row once more ends with a page of that row alone.

use super::{
    Ask, End, KeySet, Next, PageFacts, Pager, PagingError, size_param,
    trail::{Step, Trail},
};
use crate::{code::Code, spec::LastIdPaging};

/// Walks pages by last id.
#[derive(Debug)]
pub struct LastId {
    paging: LastIdPaging,
    trail: Trail,
    /// The keys of the page before.
    previous: KeySet,
}

impl LastId {
    /// A walk over `paging`.
    pub fn new(paging: &LastIdPaging) -> Self {
        Self { paging: paging.clone(), trail: Trail::default(), previous: KeySet::default() }
    }

    fn ask(&self, last: Option<String>) -> Next {
        let mut params = size_param(self.paging.size.as_deref(), self.paging.rows);
        params.extend(last.map(|last| (self.paging.param.clone(), Some(last))));
        Next::Ask(Ask::page(params))
    }
}

impl Pager for LastId {
    fn first(&mut self) -> Next {
        self.ask(None)
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let more = page.more(self.paging.more.as_deref(), self.paging.last.as_deref())?;
        let again = page.keys.iter().all(|key| self.previous.contains(key));
        self.previous = page.keys.iter().copied().collect();
        if page.rows == 1 && again && page.exact && self.trail.page() > 0 && more != Some(true) {
            return Ok(Next::Done(End { forget_last: true, ..End::default() }));
        }
        if page.rows == 0 && more == Some(true) {
            let unproven = Code::MoreWithoutRows.note("the vendor says that there is more, but no rows come");
            return Ok(Next::Done(End { unproven: Some(unproven), ..End::default() }));
        }
        let last = page.envelope.last().map(str::to_owned);
        if page.rows > 0 && last.is_none() && more != Some(false) {
            return Err(PagingError::NoContinuation { page: self.trail.page() + 1 });
        }
        Ok(match self.trail.step(page, last, more)? {
            Step::Follow(last) => self.ask(Some(last)),
            Step::Done(end) => Next::Done(end),
        })
    }
}
