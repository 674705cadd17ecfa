//! Lists whose paging nobody has published: the walk finds out (vendors/userlot.md 3.1).
//!
//! The first request has no paging parameter at all: a strict server refuses what it does not know. Then, in this
//! order: a `Link` header with `rel="next"` is followed; a paging header means that `page=2, 3, …` is understood;
//! without any hint `page=2` is tried once. An empty page ends the walk; a page of nothing but known rows means that
//! the number is ignored; a refusal of the number means that there is one page.
//!
//! What an earlier run has found holds as long as the list does not get shorter and has no round number of rows: then it
//! may have come to be cut, and `page=2` is tried again.
//!
//! Children of many parents are walked by one request each: the first walk with rows finds out for all ([`Finding`]).
//!
//! A list that moves under the walk (its total changes, rows come again beside new ones) is read again, at most twice.
//! Where two walks see the same rows and the same repetitions, the server's pages overlap, and nothing has moved.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::{Ask, End, KeySet, Next, PageFacts, Pager, PagingError, Whole, linked::next_link};
use crate::code::{Code, Note};

/// vendors/userlot.md 3.1: a hard cap of pages.
const MAX_PAGES: u64 = 10_000;

/// Sizes at which a list may have been cut by a parameter of another name.
const ROUND: [u64; 10] = [10, 20, 25, 30, 50, 100, 200, 250, 500, 1000];

/// How often a list that moved is read again.
const MAX_RESTARTS: u32 = 2;

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

/// Whether a server understands `page`, as far as the walks that share it have found.
#[derive(Debug, Default)]
pub struct Finding(AtomicU8);

impl Finding {
    const NUMBERED: u8 = 1;
    const WHOLE: u8 = 2;

    fn keep(&self, found: u8) {
        self.0.store(found, Ordering::Relaxed);
    }

    fn is_whole(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::WHOLE
    }
}

/// Walks a list of unknown paging.
#[derive(Debug)]
pub struct Unknown {
    finding: Arc<Finding>,
    restarts: u32,
    /// The rows of the walk before, where only repetitions spoke against it.
    before: Option<KeySet>,
    walk: Walk,
}

/// What one walk from the first page on has seen.
#[derive(Debug)]
struct Walk {
    stage: Stage,
    seen: KeySet,
    links: HashSet<String>,
    first_rows: u64,
    rows: u64,
    inexact: bool,
    page: u64,
    total: Option<u64>,
    moved: bool,
    repeated: bool,
    by_offset: bool,
    /// That the list comes whole was found or taken over.
    whole: Option<Whole>,
    warnings: Vec<Note>,
}

impl Default for Unknown {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            stage: Stage::First,
            seen: KeySet::default(),
            links: HashSet::new(),
            first_rows: 0,
            rows: 0,
            inexact: false,
            page: 1,
            total: None,
            moved: false,
            repeated: false,
            by_offset: false,
            whole: None,
            warnings: Vec::new(),
        }
    }
}

impl Unknown {
    /// A walk that knows nothing.
    pub fn new() -> Self {
        Self::sharing(Arc::default())
    }

    /// A walk that knows what others have found, and tells them what it finds.
    pub fn sharing(finding: Arc<Finding>) -> Self {
        Self { finding, restarts: 0, before: None, walk: Walk::default() }
    }

    /// The walk has its last page: is it proven, or to be read again?
    fn done(&mut self, forget_last: bool) -> Next {
        let walk = &mut self.walk;
        let distinct = if walk.inexact { walk.rows } else { walk.seen.len() as u64 };
        let short =
            walk.total.filter(|&total| total > distinct).map(|total| super::count_differs(total, distinct));
        let overlaps = !walk.moved && walk.repeated && self.before.as_ref() == Some(&walk.seen);
        let moved = walk.moved || walk.repeated && !overlaps;
        let moved = moved.then(|| Code::ListMoved.note("the list changed while it was read"));
        let warnings = std::mem::take(&mut walk.warnings);
        let whole = walk.whole;
        let Some(reason) = moved.or(short) else {
            return Next::Done(End { unproven: None, warnings, forget_last, cut: None, whole });
        };
        if self.restarts == MAX_RESTARTS {
            let unproven = Some(super::in_each(reason, self.restarts + 1));
            return Next::Done(End { unproven, warnings, forget_last, cut: None, whole: None });
        }
        self.restarts += 1;
        self.before = (!walk.moved).then(|| std::mem::take(&mut walk.seen));
        self.walk = Walk { warnings: vec![super::read_again(reason)], ..Walk::default() };
        Next::Restart(Ask::default())
    }

    fn numbered(&mut self, sure: bool) -> Result<Next, PagingError> {
        self.walk.page += 1;
        if self.walk.page > MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        self.walk.stage = Stage::Numbered { sure };
        let params = vec![("page".to_owned(), Some(self.walk.page.to_string()))];
        Ok(Next::Ask(Ask { params, accept: vec![400, 404, 422], ..Ask::default() }))
    }

    fn first_page(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        self.walk.first_rows = page.rows;
        if page.rows == 0 {
            return Ok(self.done(false));
        }
        if let Some(next) = next_link(page.headers.get("link").unwrap_or_default()) {
            return self.follow(next);
        }
        let hinted = HINTS.iter().any(|hint| page.headers.get(hint).is_some());
        let all_came = self.walk.total.is_some_and(|total| total <= self.walk.seen.len() as u64);
        if hinted && (is_last(page, 1) || all_came) || !hinted && self.finding.is_whole() {
            return Ok(self.done(false));
        }
        let as_before = page.known_whole.is_some_and(|rows| page.rows >= rows);
        if !hinted && as_before && !ROUND.contains(&page.rows) {
            self.walk.whole = Some(Whole { rows: page.rows, found: false });
            return Ok(self.done(false));
        }
        self.numbered(hinted)
    }

    fn found_whole(&mut self) {
        self.finding.keep(Finding::WHOLE);
        self.walk.whole = Some(Whole { rows: self.walk.first_rows, found: true });
    }

    fn offset(&mut self, offset: u64) -> Next {
        self.walk.stage = Stage::Offset;
        let params = vec![("offset".to_owned(), Some(offset.to_string()))];
        Next::Ask(Ask { params, accept: vec![400, 404, 422], ..Ask::default() })
    }

    fn follow(&mut self, next: String) -> Result<Next, PagingError> {
        self.walk.page += 1;
        if !self.walk.links.insert(next.clone()) {
            return Err(PagingError::CursorLoop { page: self.walk.page });
        }
        if self.walk.page > MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        self.walk.stage = Stage::Linked;
        Ok(Next::Ask(Ask { url: Some(next), ..Ask::default() }))
    }

    fn numbered_page(&mut self, page: &PageFacts<'_>, fresh: u64, sure: bool) -> Result<Next, PagingError> {
        let number = self.walk.page;
        let probed = !sure && number == 2;
        if page.status >= 400 {
            let taken_for = if probed { "a list without pages" } else { "the end" };
            self.walk.warnings.push(Code::PageRefused.note(format!(
                "page {number} was refused with status {}: taken for {taken_for}",
                page.status
            )));
            if probed {
                self.found_whole();
            }
            return Ok(self.done(false));
        }
        if probed {
            if page.rows > 0 && fresh == 0 {
                self.found_whole();
            } else {
                self.finding.keep(Finding::NUMBERED);
            }
        }
        if page.rows == 0 {
            return Ok(self.done(false));
        }
        if fresh == 0 {
            if number == 2 && ROUND.contains(&self.walk.first_rows) {
                return Ok(self.offset(self.walk.first_rows));
            }
            return Ok(self.done(true));
        }
        if is_last(page, number) {
            return Ok(self.done(false));
        }
        // Short pages are followed too: contract section 6 asks for an empty page, or one of known rows.
        self.numbered(true)
    }

    /// Counts a page's rows and gives how many of them are new.
    fn read(&mut self, page: &PageFacts<'_>) -> u64 {
        let walk = &mut self.walk;
        let before = walk.seen.len();
        walk.seen.extend(page.keys);
        let fresh = (walk.seen.len() - before) as u64;
        walk.inexact |= !page.exact;
        if fresh > 0 {
            walk.rows += page.rows;
        }
        let in_page: KeySet = page.keys.iter().copied().collect();
        // Under a link repeated rows are normal: it may be a cursor.
        let placed = matches!(walk.stage, Stage::Numbered { .. } | Stage::Offset);
        walk.repeated |= placed && page.exact && fresh > 0 && fresh < in_page.len() as u64;
        let total = ["x-total", "x-total-count", "total"].into_iter().find_map(|name| number(page, name));
        if let Some(total) = total.filter(|_| page.status < 400) {
            walk.moved |= walk.total.is_some_and(|before| before != total);
            walk.total = Some(total);
        }
        fresh
    }

    fn offset_page(&mut self, page: &PageFacts<'_>, fresh: u64) -> Next {
        self.walk.page += 1;
        if page.status < 400 && fresh > 0 && self.walk.page < MAX_PAGES {
            (self.walk.by_offset, self.walk.whole) = (true, None);
            return self.offset(self.walk.seen.len() as u64);
        }
        if !self.walk.by_offset {
            self.walk.warnings.push(Code::MaybeTruncated.note(format!(
                "the list has exactly {} rows and no sign of paging: it may be truncated",
                self.walk.first_rows
            )));
        }
        self.done(page.status < 400 && page.rows > 0)
    }
}

impl Pager for Unknown {
    fn first(&mut self) -> Next {
        Next::Ask(Ask::default())
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let fresh = self.read(page);
        match self.walk.stage {
            Stage::First => self.first_page(page),
            Stage::Linked => match next_link(page.headers.get("link").unwrap_or_default()) {
                Some(next) => self.follow(next),
                None => Ok(self.done(false)),
            },
            Stage::Numbered { sure } => self.numbered_page(page, fresh, sure),
            Stage::Offset => Ok(self.offset_page(page, fresh)),
        }
    }
}

fn number(page: &PageFacts<'_>, header: &str) -> Option<u64> {
    page.headers.get(header)?.trim().parse().ok()
}

/// Whether a header says that this page, by its number, is the last one.
fn is_last(page: &PageFacts<'_>, at: u64) -> bool {
    let next = page.headers.get("x-next-page").map(str::trim);
    next == Some("") || number(page, "x-total-pages").is_some_and(|pages| pages <= at)
}
