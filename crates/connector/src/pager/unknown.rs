//! Lists whose paging nobody has published: the walk finds out (vendors/userlot.md 3.1).
//!
//! The first request has no paging parameter at all: a strict server refuses what it does not know. Then, in this
//! order: a `Link` header with `rel="next"` is followed; a paging header means that `page=2, 3, …` is understood;
//! without any hint `page=2` is tried once. An empty page ends the walk; a page of nothing but known rows means that
//! the number is ignored; a refusal of the number means that there is one page.

use std::collections::HashSet;

use super::{Ask, End, KeySet, Next, PageFacts, Pager, PagingError, linked::next_link};

/// vendors/userlot.md 3.1: a hard cap of pages.
const MAX_PAGES: u64 = 10_000;

/// Sizes at which a list may have been cut by a parameter of another name.
const ROUND: [u64; 10] = [10, 20, 25, 30, 50, 100, 200, 250, 500, 1000];

/// Headers that show that a list has pages.
const HINTS: [&str; 8] =
    ["x-next-page", "x-page", "x-per-page", "x-total", "x-total-count", "x-total-pages", "total", "per-page"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    First,
    Linked,
    Numbered { sure: bool },
    Offset,
}

/// Walks a list of unknown paging.
#[derive(Debug)]
pub struct Unknown {
    stage: Stage,
    seen: KeySet,
    links: HashSet<String>,
    first_rows: u64,
    page: u64,
    total: Option<u64>,
    by_offset: bool,
    warnings: Vec<String>,
}

impl Default for Unknown {
    fn default() -> Self {
        Self::new()
    }
}

impl Unknown {
    /// A walk that knows nothing.
    pub fn new() -> Self {
        Self {
            stage: Stage::First,
            seen: KeySet::default(),
            links: HashSet::new(),
            first_rows: 0,
            page: 1,
            total: None,
            by_offset: false,
            warnings: Vec::new(),
        }
    }

    fn done(&mut self, forget_last: bool) -> Next {
        let warnings = std::mem::take(&mut self.warnings);
        let distinct = self.seen.len() as u64;
        let unproven = self
            .total
            .filter(|&total| total > distinct)
            .map(|total| format!("the vendor counts {total} rows, {distinct} distinct ones came"));
        Next::Done(End { unproven, warnings, forget_last, cut: None })
    }

    fn numbered(&mut self, sure: bool) -> Result<Next, PagingError> {
        self.page += 1;
        if self.page > MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        self.stage = Stage::Numbered { sure };
        let params = vec![("page".to_owned(), Some(self.page.to_string()))];
        Ok(Next::Ask(Ask { params, accept: vec![400, 404, 422], ..Ask::default() }))
    }

    fn first_page(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        self.first_rows = page.rows;
        if page.rows == 0 {
            return Ok(self.done(false));
        }
        if let Some(next) = next_link(page.headers.get("link").unwrap_or_default()) {
            return self.follow(next);
        }
        let more_pages =
            |name: &str| page.headers.get(name).and_then(|value| value.trim().parse::<u64>().ok());
        self.total = ["x-total", "x-total-count", "total"].into_iter().find_map(more_pages);
        let next_page = page.headers.get("x-next-page").map(str::trim);
        let last = more_pages("x-total-pages").is_some_and(|pages| pages <= 1)
            || self.total.is_some_and(|total| total <= self.seen.len() as u64)
            || next_page == Some("");
        let hinted = HINTS.iter().any(|hint| page.headers.get(hint).is_some());
        if hinted && last {
            return Ok(self.done(false));
        }
        self.numbered(hinted)
    }

    fn offset(&mut self, offset: u64) -> Next {
        self.stage = Stage::Offset;
        let params = vec![("offset".to_owned(), Some(offset.to_string()))];
        Next::Ask(Ask { params, accept: vec![400, 404, 422], ..Ask::default() })
    }

    fn follow(&mut self, next: String) -> Result<Next, PagingError> {
        self.page += 1;
        if !self.links.insert(next.clone()) {
            return Err(PagingError::CursorLoop { page: self.page });
        }
        if self.page > MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        self.stage = Stage::Linked;
        Ok(Next::Ask(Ask { url: Some(next), ..Ask::default() }))
    }

    fn numbered_page(&mut self, page: &PageFacts<'_>, fresh: u64, sure: bool) -> Result<Next, PagingError> {
        if page.status >= 400 {
            let taken_for = if sure || self.page > 2 { "the end" } else { "a list without pages" };
            self.warnings.push(format!(
                "page {} was refused with status {}: taken for {taken_for}",
                self.page, page.status
            ));
            return Ok(self.done(false));
        }
        if page.rows == 0 {
            return Ok(self.done(false));
        }
        if fresh == 0 {
            if self.page == 2 && ROUND.contains(&self.first_rows) {
                return Ok(self.offset(self.first_rows));
            }
            return Ok(self.done(true));
        }
        // Short pages are followed too: contract section 6 asks for an empty page, or one of known rows.
        self.numbered(true)
    }
}

impl Pager for Unknown {
    fn first(&mut self) -> Next {
        Next::Ask(Ask::default())
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let before = self.seen.len();
        self.seen.extend(page.keys);
        let fresh = (self.seen.len() - before) as u64;
        match self.stage {
            Stage::First => self.first_page(page),
            Stage::Linked => match next_link(page.headers.get("link").unwrap_or_default()) {
                Some(next) => self.follow(next),
                None => Ok(self.done(false)),
            },
            Stage::Numbered { sure } => self.numbered_page(page, fresh, sure),
            Stage::Offset => {
                self.page += 1;
                if page.status < 400 && fresh > 0 && self.page < MAX_PAGES {
                    self.by_offset = true;
                    return Ok(self.offset(self.seen.len() as u64));
                }
                if self.by_offset {
                    return Ok(self.done(page.status < 400 && page.rows > 0));
                }
                self.warnings.push(format!(
                    "the list has exactly {} rows and no sign of paging: it may be truncated",
                    self.first_rows
                ));
                Ok(self.done(page.status < 400 && page.rows > 0))
            }
        }
    }
}
