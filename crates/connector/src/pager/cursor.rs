//! Pages by opaque cursor.
//!
//! `{"cursor": "Y3Jl…", "data": […]}`: the cursor is sent back, with every other parameter. The walk ends where the
//! cursor is null, absent or empty; a page without rows but with a fresh cursor is followed three times, and then it is
//! not known whether more would come.
//! A page with rows whose cursor was followed before is an error.

use std::collections::HashSet;

use super::{Ask, End, MAX_PAGES, Next, PageFacts, Pager, PagingError, size_param};
use crate::spec::CursorPaging;

/// Pages without rows that are followed in a row.
const MAX_EMPTY: u32 = 3;

/// Walks pages by cursor.
#[derive(Debug)]
pub struct Cursor {
    paging: CursorPaging,
    followed: HashSet<String>,
    empty: u32,
    pages: u64,
}

impl Cursor {
    /// A walk over `paging`.
    pub fn new(paging: &CursorPaging) -> Self {
        Self { paging: paging.clone(), followed: HashSet::new(), empty: 0, pages: 0 }
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
        self.pages += 1;
        if self.pages >= MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        let Some(cursor) = page.envelope.text(&self.paging.next)?.filter(|cursor| !cursor.is_empty()) else {
            return Ok(Next::Done(End::default()));
        };
        let fresh = self.followed.insert(cursor.clone());
        if page.rows > 0 {
            if !fresh {
                return Err(PagingError::CursorLoop { page: self.pages });
            }
            self.empty = 0;
            return Ok(Next::Ask(self.ask(Some(&cursor))));
        }
        self.empty += 1;
        if !fresh {
            return Ok(Next::Done(End::default()));
        }
        if self.empty > MAX_EMPTY {
            let reason = format!("{} pages without rows came in a row, each with another cursor", self.empty);
            return Ok(Next::Done(End { unproven: Some(reason), ..End::default() }));
        }
        Ok(Next::Ask(self.ask(Some(&cursor))))
    }
}
