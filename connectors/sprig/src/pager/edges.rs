//! The boundaries between pages (vendors/sprig.md 2.2).
//!
//! The cursor is a creation time in milliseconds. Rows that share the millisecond at the end of a page come again on
//! the next page, where the position includes it, or never, where it does not: then the millisecond is asked for by
//! itself. Which of the two it is shows at the first boundary with ties.

use std::collections::HashSet;

use userhaul_connector::pager::{PageFacts, PagingError};

/// 2.2: boundaries with ties and without a missing row, after which the server is believed.
const ENOUGH: u32 = 20;

/// What is known of the last page with rows, and of the server's manners.
#[derive(Debug)]
pub(super) struct Edges {
    /// The rows that a full page has, where it is known.
    page_rows: Option<u64>,
    largest: u64,
    manners: Manners,
    span: Option<Span>,
    ascending: Option<bool>,
    /// The rows of the last page and, of those before it, the rows around its first and last millisecond.
    rows: Vec<(i64, u64)>,
    /// The rows of the millisecond that is asked for by itself.
    tied: HashSet<u64>,
}

/// What happens to rows that share the cursor's millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// Nobody knows; so many boundaries with ties had none missing.
    Unsure(u32),
    /// They come again, or the cursor is more than a millisecond.
    Whole,
    /// They are skipped.
    Skips,
}

/// The first and last millisecond of a page, whatever the order of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) min: i64,
    pub(super) max: i64,
}

impl Span {
    /// None where no row has its creation time.
    pub(super) fn of(page: &PageFacts<'_>) -> Option<Self> {
        let instants = || page.cursors.iter().flatten().copied().map(millis);
        Some(Self { min: instants().min()?, max: instants().max()? })
    }
}

/// Microseconds in milliseconds, as the cursor and the bounds count them.
fn millis(micros: i64) -> i64 {
    micros.div_euclid(1000)
}

impl Edges {
    pub(super) fn new(page_rows: Option<u64>) -> Self {
        Self {
            page_rows,
            largest: 0,
            manners: Manners::Unsure(0),
            span: None,
            ascending: None,
            rows: Vec::new(),
            tied: HashSet::new(),
        }
    }

    /// The span of the last page with rows.
    pub(super) fn span(&self) -> Option<Span> {
        self.span
    }

    /// Whether pages come oldest first; none where nothing tells.
    pub(super) fn ascending(&self) -> Option<bool> {
        self.ascending
    }

    /// Whether the last page had the row.
    pub(super) fn knows(&self, key: u64) -> bool {
        self.rows.iter().any(|&(_, known)| known == key)
    }

    /// The millisecond of a full page that has only one.
    pub(super) fn ties(&self, page: &PageFacts<'_>, span: Span) -> Option<i64> {
        let full = page.rows > 1 && self.page_rows.is_some_and(|rows| page.rows >= rows);
        (full && span.min == span.max).then_some(span.min)
    }

    /// Takes a page with rows. Gives the millisecond between it and the one before, where rows may be missing.
    pub(super) fn cross(&mut self, page: &PageFacts<'_>, span: Span) -> Option<i64> {
        let rows = rows_of(page);
        let suspect = self.span.and_then(|before| {
            let order = (span.min + span.max).cmp(&(before.min + before.max));
            if order.is_ne() {
                self.ascending = Some(order.is_gt());
            }
            let at = if self.ascending == Some(false) { before.min } else { before.max };
            self.suspect(at, &rows)
        });
        if self.span.is_none() {
            self.ascending = sorted(&rows);
        }
        self.rows.retain(|&(at, _)| at.abs_diff(span.min) <= 1 || at.abs_diff(span.max) <= 1);
        self.rows.extend(rows);
        self.span = Some(span);
        self.largest = self.largest.max(page.rows);
        suspect
    }

    /// Whether a page has as many rows as pages have.
    pub(super) fn full(&self, page: &PageFacts<'_>) -> bool {
        page.rows >= self.page_rows.unwrap_or(self.largest)
    }

    /// Whether rows that share the cursor's millisecond may be skipped.
    pub(super) fn may_skip(&self) -> bool {
        self.manners != Manners::Whole
    }

    /// Forgets the last page: what comes next does not come by its cursor.
    pub(super) fn leave(&mut self) {
        self.span = None;
        self.rows.clear();
    }

    fn suspect(&mut self, at: i64, rows: &[(i64, u64)]) -> Option<i64> {
        self.tied = self.rows.iter().filter(|(known, _)| *known == at).map(|&(_, key)| key).collect();
        let mut here = rows.iter().filter(|(known, _)| *known == at).peekable();
        let begins_here = here.peek().is_some();
        match self.manners {
            Manners::Unsure(_) if here.any(|(_, key)| self.tied.contains(key)) => {
                self.manners = Manners::Whole;
                None
            }
            Manners::Unsure(_) | Manners::Skips if !begins_here => Some(at),
            Manners::Unsure(_) | Manners::Skips | Manners::Whole => None,
        }
    }

    /// Takes the answer about the millisecond `at`; false where it may itself be cut short.
    ///
    /// # Errors
    /// Where it surely is: more rows than a page share the millisecond.
    pub(super) fn looked(
        &mut self,
        page: &PageFacts<'_>,
        at: i64,
        continues: bool,
    ) -> Result<bool, PagingError> {
        let rows = rows_of(page);
        // A page that reaches beyond the millisecond holds all of it.
        let beyond = rows.iter().any(|row| match self.ascending {
            Some(true) => row.0 > at,
            Some(false) => row.0 < at,
            None => false,
        });
        let here: Vec<u64> = rows.into_iter().filter(|row| row.0 == at).map(|row| row.1).collect();
        if here.iter().any(|key| !self.tied.contains(key)) {
            self.manners = Manners::Skips;
        } else if let Manners::Unsure(before) = self.manners
            && here.len() > 1
        {
            self.manners = if before + 1 < ENOUGH { Manners::Unsure(before + 1) } else { Manners::Whole };
        }
        if !continues || beyond || !self.full(page) {
            return Ok(true);
        }
        match self.page_rows {
            Some(_) => Err(PagingError::TiesBeyondPage { at_ms: at }),
            None => Ok(false),
        }
    }
}

fn rows_of(page: &PageFacts<'_>) -> Vec<(i64, u64)> {
    let rows = page.cursors.iter().zip(page.keys);
    rows.filter_map(|(instant, &key)| Some((millis((*instant)?), key))).collect()
}

/// Whether the rows of one page are oldest first; none where they are in no order, or all of one millisecond.
fn sorted(rows: &[(i64, u64)]) -> Option<bool> {
    let (first, last) = (rows.first()?.0, rows.last()?.0);
    if first == last {
        return None;
    }
    let ascending = rows.is_sorted_by(|one, two| one.0 <= two.0);
    (ascending || rows.is_sorted_by(|one, two| one.0 >= two.0)).then_some(ascending)
}
