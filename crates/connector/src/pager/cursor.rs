//! Pages by opaque cursor.
//!
//! `{"cursor": "Y3Jl…", "data": […]}`: the cursor is sent back, with every other parameter. The walk ends where the
//! cursor is null, absent or empty, or where the page says that it is the last:
//! `{"users": […], "meta": {"has_more": false, "after_cursor": "eyJ…"}}`.

use super::{
    Ask, Next, PageFacts, Pager, PagingError, size_param,
    trail::{Step, Trail},
};
use crate::spec::CursorPaging;

/// Walks pages by cursor.
#[derive(Debug)]
pub struct Cursor {
    paging: CursorPaging,
    trail: Trail,
}

impl Cursor {
    /// A walk over `paging`.
    pub fn new(paging: &CursorPaging) -> Self {
        Self { paging: paging.clone(), trail: Trail::default() }
    }

    /// The ask for the page at `cursor`, or for the first page.
    pub fn ask(&self, cursor: Option<&str>) -> Ask {
        let mut params = size_param(self.paging.size.as_deref(), self.paging.rows);
        params.extend(cursor.map(|cursor| (self.paging.param.clone(), Some(cursor.to_owned()))));
        Ask::page(params)
    }

    /// The rows that a full page has, where it is known.
    pub fn page_rows(&self) -> Option<u64> {
        self.paging.rows.map(u64::from)
    }
}

impl Pager for Cursor {
    fn first(&mut self) -> Next {
        Next::Ask(self.ask(None))
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let more = page.more(self.paging.more.as_deref(), self.paging.last.as_deref())?;
        let cursor = page.text(&self.paging.next)?;
        Ok(match self.trail.step(page, cursor, more)? {
            Step::Follow(cursor) => Next::Ask(self.ask(Some(&cursor))),
            Step::Done(end) => Next::Done(end),
        })
    }
}
