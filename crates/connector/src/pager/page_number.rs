//! Pages by number, or by the number of rows to pass over.
//!
//! With totals, `{"results": […], "pagination": {"totalResults": 2413, "totalPages": 3, "page": 1}}`, the pages behind
//! the first are asked for side by side, and afterwards the first page's total once more: the walk is proven when the
//! total never moved and equals the number of distinct keys. Without totals pages come one after the other until one
//! is empty, or holds only rows that were there before (a server that ignores the number, or clamps it). A short page
//! is never the end: the server may have capped the size.
//!
//! Where a page says whether there is another, `{"has_more": false}`, that is the end.
//!
//! An offset moves on by the rows that came, not by those asked for: a server may cap the size.
//!
//! With totals, too, a second page that is the first one again, row by row, means that the number is ignored: one copy is
//! kept, and proven if the total agrees.
//!
//! A list that moves under the walk (the total changes, rows come twice) is read again, at most twice. So is one whose
//! first page, asked again, shows that rows have moved up: one went from it, another was added behind, and a third row may
//! have moved from a page that was still to come into one that had been read.
//!
//! ```text
//! page 1: a b c   page 2: d e f   (b goes, j comes: the total is still 9)   page 3: h i j   page 1: a c d: g was not seen
//! page 1: a b c   page 2: d e f   page 3: g h i                             page 1: i a b: i was edited, all were seen
//! ```

use super::{Ask, End, KeySet, MAX_PAGES, Next, PageFacts, Pager, PagingError, seen::Seen, size_param};
use crate::{
    code::{Code, Note},
    spec::{OffsetPaging, PagePaging},
};

/// How often a list that moved is read again.
const MAX_RESTARTS: u32 = 2;

/// Sizes at which a server that ignores the page's number may have cut its answer (vendors/userlane.md 5.3).
const ROUND: [u64; 5] = [100, 500, 1000, 5000, 10_000];

/// So many pages are asked for in one go.
const MAX_ASKS: u64 = 1024;

/// The ask whose answer tells only whether the total is still the same.
const RECHECK: u64 = u64::MAX;

/// Walks pages by number or by offset.
#[derive(Debug)]
pub struct PageNumber {
    paging: PagePaging,
    counted: Counted,
    split_above: Option<u64>,
    restarts: u32,
    walk: Walk,
}

/// What the parameter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Pages,
    Rows,
}

/// What one walk from the first page on has seen.
#[derive(Debug, Default)]
struct Walk {
    seen: Seen,
    /// The keys of the first page, in order.
    first_keys: Vec<u64>,
    /// The keys of the page before, and of the first one.
    previous: KeySet,
    first: KeySet,
    rows: u64,
    inexact: bool,
    total: Option<u64>,
    outstanding: u64,
    /// The values of the parameter for pages that are still to be asked for, how far apart, and how many.
    behind: (u64, u64, u64),
    /// Pages seen.
    pages: u64,
    moved: bool,
    warnings: Vec<Note>,
}

impl PageNumber {
    /// Whether this is the last ask of a walk: whether the total is still the same.
    pub fn is_recheck(ask: &Ask) -> bool {
        ask.tag == RECHECK
    }

    /// A walk over `paging`; a first page that tells of more than `split_above` pages asks for a smaller window.
    pub fn new(paging: &PagePaging, split_above: Option<u64>) -> Self {
        let counted = Counted::Pages;
        Self { paging: paging.clone(), counted, split_above, restarts: 0, walk: Walk::default() }
    }

    /// A walk by offset; as [`PageNumber::new`].
    pub fn by_offset(paging: &OffsetPaging, split_above: Option<u64>) -> Self {
        let OffsetPaging { offset, size, rows, total_rows, more, last } = paging.clone();
        let paging =
            PagePaging { page: offset, first: 0, size, rows, total_rows, total_pages: None, more, last };
        Self { paging, counted: Counted::Rows, split_above, restarts: 0, walk: Walk::default() }
    }

    fn ask(&self, page: u64) -> Ask {
        let mut params = vec![(self.paging.page.clone(), Some(page.to_string()))];
        params.extend(size_param(self.paging.size.as_deref(), self.paging.rows));
        let accept = if page > self.paging.first { vec![404] } else { Vec::new() };
        Ask { params, accept, tag: page, ..Ask::default() }
    }

    /// Reads a page, and gives whether it has a row that was not there before, and how many pages there are.
    fn read(&mut self, page: &PageFacts<'_>) -> Result<(bool, Option<u64>), PagingError> {
        let count = |pointer: &Option<String>| match pointer {
            Some(pointer) => page.count(pointer),
            None => Ok(None),
        };
        let total = count(&self.paging.total_rows)?;
        let pages = count(&self.paging.total_pages)?;
        let walk = &mut self.walk;
        walk.rows += page.rows;
        walk.pages += 1;
        walk.inexact |= !page.exact;
        // Rows that come twice across pages mean that the list moved; twice within a page they are the vendor's affair.
        // A whole page that comes again only means that the server ignores the number, or clamps it.
        let in_page: KeySet = page.keys.iter().copied().collect();
        let again = in_page == walk.previous || in_page == walk.first;
        let fresh = !again && !walk.seen.has_all(&in_page);
        if walk.seen.is_empty() {
            walk.first.clone_from(&in_page);
        }
        if !again {
            walk.seen.add(&in_page);
        }
        walk.previous = in_page;
        if let Some(total) = total {
            walk.moved |= walk.total.is_some_and(|before| before != total);
            walk.total = Some(total);
        }
        let pages = pages.or_else(|| {
            let (total, rows) = (total?, page.rows);
            (rows > 0).then(|| total.div_ceil(rows))
        });
        Ok((fresh, pages))
    }

    /// Asks for the next of the pages behind the first.
    fn ask_behind(&mut self) -> Next {
        let (from, step, count) = self.walk.behind;
        let now = count.min(MAX_ASKS);
        self.walk.behind = (from + now * step, step, count - now);
        self.walk.outstanding = now;
        Next::AskAll((0..now).map(|page| self.ask(from + page * step)).collect())
    }

    /// Whether a second page among several is the first one again.
    ///
    /// Rows without a key may be alike; there the total must agree with one copy besides.
    fn is_ignored(&self, page: &PageFacts<'_>) -> bool {
        let walk = &self.walk;
        walk.pages == 1
            && walk.outstanding > 0
            && page.rows > 0
            && page.keys == walk.first_keys
            && (page.exact || walk.total.is_none_or(|total| total == walk.rows))
    }

    /// Whether the first page, asked again, has lost a row to pages behind it or for good.
    ///
    /// Rows that only moved down cost none: whoever came to stand in front was either seen before, or makes the count differ.
    /// A list in the order of changes moves so with every change.
    fn moved_up(&self, page: &PageFacts<'_>) -> bool {
        if self.walk.inexact || !page.exact {
            return false;
        }
        let (before, now) = (&self.walk.first_keys, page.keys);
        let entered = now.last().is_some_and(|last| !before.contains(last));
        let stayed: KeySet = now.iter().copied().collect();
        let mut behind = before.iter().skip_while(|key| stayed.contains(key));
        entered || behind.any(|key| stayed.contains(key))
    }

    /// Keeps the one copy, and does not ask for the pages behind it.
    fn not_paged(&mut self) -> Next {
        self.walk.outstanding = 0;
        self.walk.behind = (0, 0, 0);
        self.walk.pages = 1;
        self.walk.warnings.push(Code::NotPaged.note("page 2 was page 1 again: the list is not paged"));
        match self.settle() {
            Next::Done(end) => Next::Done(End { forget_last: true, ..end }),
            other => other,
        }
    }

    /// The walk has its last page: is it proven, to be checked, or to be read again?
    fn settle(&mut self) -> Next {
        let (distinct, repeated) = match self.walk.seen.count() {
            Ok(counted) => counted,
            Err(error) => {
                let why = format!("the keys that came cannot be counted: {}", error.kind());
                let unproven = Some(Code::KeysUncounted.note(why));
                return Next::Done(End { unproven, ..End::default() });
            }
        };
        self.walk.moved |= repeated && !self.walk.inexact;
        let distinct = if self.walk.inexact { self.walk.rows } else { distinct };
        match self.walk.total {
            Some(total) if !self.walk.moved && total == distinct => {
                if self.walk.pages <= 1 {
                    return Next::Done(End {
                        warnings: std::mem::take(&mut self.walk.warnings),
                        ..End::default()
                    });
                }
                let mut recheck = self.ask(self.paging.first);
                recheck.facts_only = true;
                recheck.tag = RECHECK;
                Next::Ask(recheck)
            }
            None if !self.walk.moved => {
                Next::Done(End { warnings: std::mem::take(&mut self.walk.warnings), ..End::default() })
            }
            Some(total) if !self.walk.moved => self.again(super::count_differs(total, distinct)),
            _ => self.again(Code::ListMoved.note("the list changed while it was read")),
        }
    }

    fn again(&mut self, reason: Note) -> Next {
        if self.restarts == MAX_RESTARTS {
            let unproven = Some(super::in_each(reason, self.restarts + 1));
            return Next::Done(End { unproven, ..End::default() });
        }
        self.restarts += 1;
        self.walk = Walk { warnings: vec![super::read_again(reason)], ..Walk::default() };
        Next::Restart(self.ask(self.paging.first))
    }
}

impl Pager for PageNumber {
    fn first(&mut self) -> Next {
        Next::Ask(self.ask(self.paging.first))
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        if page.ask.tag == RECHECK {
            let total = match &self.paging.total_rows {
                Some(pointer) => page.count(pointer)?,
                None => None,
            };
            let moved = if total != self.walk.total {
                "the vendor's total changed during the walk"
            } else if self.moved_up(page) {
                "rows moved up into page 1 during the walk"
            } else {
                return Ok(Next::Done(End {
                    warnings: std::mem::take(&mut self.walk.warnings),
                    ..End::default()
                }));
            };
            return Ok(self.again(Code::ListMoved.note(moved)));
        }
        let number = page.ask.tag;
        if self.is_ignored(page) {
            return Ok(self.not_paged());
        }
        let (fresh, pages) = self.read(page)?;
        // How far the parameter moves on with a page.
        let step = if self.counted == Counted::Rows { page.rows } else { 1 };
        if number == self.paging.first {
            self.walk.first_keys = page.keys.to_vec();
            if let (Some(limit), Some(pages)) = (self.split_above, pages)
                && pages > limit
            {
                return Ok(Next::Split);
            }
            if let Some(pages) = pages {
                if pages > 1 {
                    self.walk.behind = (number + step, step, pages.min(MAX_PAGES) - 1);
                    return Ok(self.ask_behind());
                }
                return Ok(self.settle());
            }
        }
        if self.walk.outstanding > 0 {
            self.walk.outstanding -= 1;
            return Ok(match (self.walk.outstanding, self.walk.behind) {
                (0, (_, _, 0)) => self.settle(),
                (0, _) => self.ask_behind(),
                _ => Next::Wait,
            });
        }
        let more = page.more(self.paging.more.as_deref(), self.paging.last.as_deref())?;
        match more {
            Some(false) => return Ok(self.settle()),
            Some(true) if page.rows == 0 => {
                let why = "the vendor says that there is more, but no rows come";
                let unproven = Some(Code::MoreWithoutRows.note(why));
                return Ok(Next::Done(End { unproven, ..End::default() }));
            }
            _ => {}
        }
        // Without totals: on, until nothing new comes.
        if page.rows == 0 || (number > self.paging.first && !fresh) {
            let forget_last = page.rows > 0;
            // The second page is the first one: there are no pages, and this may not be all.
            let ignored = forget_last && self.walk.pages == 2;
            let cut = (ignored && more.is_none() && ROUND.contains(&page.rows) && self.walk.total.is_none())
                .then(|| format!("exactly {} rows came, and page 2 was page 1 again", page.rows));
            return Ok(match self.settle() {
                Next::Done(end) => Next::Done(End { forget_last, cut, ..end }),
                other => other,
            });
        }
        if self.walk.pages >= MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        Ok(Next::Ask(self.ask(number + step)))
    }
}
