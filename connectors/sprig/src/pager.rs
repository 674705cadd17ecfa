//! The lists of `/v1`: surveys, responses, themes (vendors/sprig.md 2.1, 2.2, 5.2).
//!
//! A [`List`] walks by the shared cursor and adds what this vendor's cursor and its 404 call for:
//!
//! ```text
//! 200 cursor C1, 404 for C1      the end, or a cursor that died: the rest of the range is asked for without a cursor
//!                                (so too where the page for C1 is empty, unless the server is known to repeat ties)
//! 404 for the first request      an empty list, or a wrong address: one probe a run tells which
//! 200 … 12:00:01, 200 12:00:02 … the cursor is a bare millisecond: rows that shared 12:00:01 may have been skipped,
//!                                so that millisecond is asked for by itself
//! ```
//!
//! Everything but [`Run`] belongs to one walk. The invariant: a walk ends well only with a null cursor, or where the
//! server has said twice that nothing follows.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use userhaul_connector::{
    code::Code,
    pager::{Ask, Cursor, End, MAX_PAGES, Next, PageFacts, Pager, PagingError},
    spec::{Axis, CursorBounds, CursorPaging, Round, StreamSpec},
};

use edges::{Edges, Span};

mod edges;
#[cfg(test)]
mod tests;

/// An end of the range that a walk goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The lower one.
    From,
    /// The upper one.
    To,
}

const LEFT_BEHIND: &str = "rows stood behind a cursor that gave none; they were asked for without it";

/// What all walks of a run share: whether a 404 can be believed (5.2).
#[derive(Debug)]
pub(crate) struct Run {
    surveys: String,
    /// The parameter that makes a page small, and its value.
    small: Option<(String, String)>,
    answered: AtomicBool,
    probed: AtomicBool,
}

impl Run {
    /// Nothing is known yet; the list of `surveys` is the one to probe.
    pub(crate) fn new(surveys: Option<&StreamSpec>) -> Self {
        let size = surveys.and_then(|stream| stream.paging.page_size()).map(|(size, _)| size.to_owned());
        Self {
            surveys: surveys.map(|stream| stream.path.clone()).unwrap_or_default(),
            small: size.map(|size| (size, "1".to_owned())),
            answered: AtomicBool::new(false),
            probed: AtomicBool::new(false),
        }
    }
}

/// Walks one list.
#[derive(Debug)]
pub(crate) struct List {
    cursor: Cursor,
    /// The parameter that takes the cursor, and where the page has the next one.
    paging: CursorPaging,
    run: Arc<Run>,
    /// The parameters of the bounds on the creation time (3.1, 3.2.1, 3.3).
    bounds: Option<CursorBounds>,
    /// Statuses that mean that there are no rows.
    empty: Vec<u16>,
    /// The parameters of the stream's requests, which a probe must not have.
    params: HashSet<String>,
    stage: Stage,
    edges: Edges,
    pages: u64,
    /// Bounds that go with every further request, after a cursor has died.
    kept: Vec<(Side, i64)>,
    end: End,
}

/// What the next answer is for.
#[derive(Debug)]
enum Stage {
    First,
    Probing,
    Walking,
    /// The millisecond between two pages; then on with `then`.
    Edge {
        at: i64,
        then: Next,
    },
    /// The range that should be empty; then the other side of the rows, where their order is not known.
    Rest {
        asked: (Side, i64),
        other: Option<(Side, i64)>,
    },
}

impl List {
    /// A walk over `stream`.
    pub(crate) fn new(stream: &StreamSpec, paging: &CursorPaging, run: Arc<Run>) -> Self {
        let mut params: HashSet<String> = stream.params.iter().map(|(name, _)| name.clone()).collect();
        params.extend(stream.axes.iter().flat_map(|axis| match axis {
            Axis::Passes(passes) => {
                passes.iter().flat_map(|pass| &pass.params).map(|(name, _)| name.clone()).collect()
            }
            Axis::Window(window) => std::iter::once(&window.from).chain(&window.to).cloned().collect(),
            Axis::Property { .. } | Axis::Parent(_) => Vec::new(),
        }));
        let bounds = stream.window().and_then(|window| {
            Some(CursorBounds {
                from: window.from.clone(),
                to: window.to.clone()?,
                format: window.format.clone(),
            })
        });
        Self {
            cursor: Cursor::new(paging),
            paging: paging.clone(),
            run,
            bounds: bounds.or_else(|| paging.bounds.clone()),
            empty: stream.empty.clone(),
            params,
            stage: Stage::First,
            edges: Edges::new(paging.rows.map(u64::from)),
            pages: 0,
            kept: Vec::new(),
            end: End::default(),
        }
    }

    /// A page of the walk itself.
    fn page(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let next = match self.cursor.next(page)? {
            Next::Ask(mut ask) => {
                ask.params.extend(self.written(&self.kept));
                Next::Ask(ask)
            }
            Next::Done(end) => {
                self.end.warnings.extend(end.warnings);
                self.end.unproven = self.end.unproven.take().or(end.unproven);
                Next::Done(End::default())
            }
            other => other,
        };
        let ends = matches!(next, Next::Done(_));
        let suspect = match Span::of(page) {
            Some(span) => {
                if let Some(at_ms) = self.edges.ties(page, span).filter(|_| !ends) {
                    return Err(PagingError::TiesBeyondPage { at_ms });
                }
                self.edges.cross(page, span)
            }
            // Pages without rows in between change nothing.
            None if page.rows == 0 && ends && self.edges.may_skip() => return Ok(self.broken()),
            None => None,
        };
        if let Some(at) = suspect {
            self.stage = Stage::Edge { at, then: next };
            return Ok(Next::Ask(self.bounded(&[(Side::From, at - 1), (Side::To, at + 1)])));
        }
        Ok(self.go_on(next))
    }

    /// 404, or nothing, with a cursor (2.1, rules 4 and 5): what comes after the rows so far?
    ///
    /// Bounds may be exclusive, and rows of the last millisecond may be missing: the range begins one before it, and
    /// known rows in it prove nothing.
    fn broken(&mut self) -> Next {
        let Some(span) = self.edges.span() else {
            return self.done();
        };
        let (side, other) = match self.edges.ascending() {
            Some(true) => ((Side::From, span.max - 1), None),
            Some(false) => ((Side::To, span.min + 1), None),
            None => ((Side::From, span.max - 1), Some((Side::To, span.min + 1))),
        };
        self.stage = Stage::Rest { asked: side, other };
        self.cursor = Cursor::new(&self.paging);
        Next::Ask(self.bounded(&[side]))
    }

    fn rest(
        &mut self,
        page: &PageFacts<'_>,
        asked: (Side, i64),
        other: Option<(Side, i64)>,
    ) -> Result<Next, PagingError> {
        let bounds = self.within(&[asked]);
        if page.keys.iter().any(|&key| !self.edges.knows(key)) {
            // The cursor had died, or skipped ties. The walk begins anew from here, and keeps the bounds.
            let left = Code::RowsBehindCursor.note(LEFT_BEHIND);
            if !self.end.warnings.contains(&left) {
                self.end.warnings.push(left);
            }
            self.kept = bounds;
            self.edges.leave();
            return self.page(page);
        }
        // A full page of known rows may hide others behind it.
        if page.rows > 0
            && self.edges.full(page)
            && let Next::Ask(mut ask) = self.cursor.next(page)?
        {
            ask.params.extend(self.written(&bounds));
            self.stage = Stage::Rest { asked, other };
            return Ok(Next::Ask(ask));
        }
        match other {
            Some(side) => {
                self.stage = Stage::Rest { asked: side, other: None };
                Ok(Next::Ask(self.bounded(&[side])))
            }
            None => Ok(self.done()),
        }
    }

    /// 404 on the first request (5.2).
    fn nothing(&mut self) -> Next {
        if self.run.answered.load(Ordering::Acquire) {
            return self.done();
        }
        // A probe that found nothing speaks for all lists after it; one that is under way may yet find something.
        if self.run.probed.load(Ordering::Acquire) {
            return self.nothing_at_all();
        }
        self.stage = Stage::Probing;
        let mut params: Vec<_> = self.params.iter().map(|name| (name.clone(), None)).collect();
        params.sort_unstable();
        params.extend(self.run.small.clone().map(|(name, rows)| (name, Some(rows))));
        let path = Some(self.run.surveys.clone());
        Next::Ask(Ask { params, path, accept: self.empty.clone(), facts_only: true, ..Ask::default() })
    }

    fn probed(&mut self, status: u16) -> Result<Next, PagingError> {
        match status {
            200..=299 => self.run.answered.store(true, Ordering::Release),
            // Another list may have been answered meanwhile.
            status if self.empty.contains(&status) && !self.run.answered.load(Ordering::Acquire) => {
                self.run.probed.store(true, Ordering::Release);
                return Ok(self.nothing_at_all());
            }
            status if self.empty.contains(&status) => {}
            _ => return Err(PagingError::Probe { status }),
        }
        Ok(self.done())
    }

    /// No list has answered yet.
    fn nothing_at_all(&mut self) -> Next {
        let note = Code::AccountEmpty.note("the vendor has no survey at all, or `base_url` is wrong");
        self.end.warnings.push(note);
        self.done()
    }

    /// The stream's first page, within these bounds.
    fn bounded(&self, bounds: &[(Side, i64)]) -> Ask {
        let mut ask = self.cursor.ask(None);
        ask.params.extend(self.written(&self.within(bounds)));
        ask
    }

    /// The bounds that are kept, with these over them.
    fn within(&self, bounds: &[(Side, i64)]) -> Vec<(Side, i64)> {
        let kept = self.kept.iter().filter(|(kept, _)| bounds.iter().all(|(side, _)| side != kept));
        kept.chain(bounds).copied().collect()
    }

    /// Bounds, in milliseconds since 1970, as parameters.
    fn written(&self, bounds: &[(Side, i64)]) -> Vec<(String, Option<String>)> {
        let Some(names) = &self.bounds else { return Vec::new() };
        let parameter = |&(side, at): &(Side, i64)| match side {
            Side::From => (names.from.clone(), Some(names.format.write(at * 1000, Round::Down))),
            Side::To => (names.to.clone(), Some(names.format.write(at * 1000, Round::Up))),
        };
        bounds.iter().map(parameter).collect()
    }

    fn go_on(&mut self, next: Next) -> Next {
        self.stage = Stage::Walking;
        match next {
            Next::Done(_) => self.done(),
            next => next,
        }
    }

    fn done(&mut self) -> Next {
        Next::Done(std::mem::take(&mut self.end))
    }
}

impl Pager for List {
    fn first(&mut self) -> Next {
        self.cursor.first()
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        if let Stage::Probing = self.stage {
            return self.probed(page.status);
        }
        self.pages += 1;
        if self.pages >= MAX_PAGES {
            return Err(PagingError::TooLong);
        }
        let missing = self.empty.contains(&page.status);
        if !missing {
            self.run.answered.store(true, Ordering::Release);
        }
        match std::mem::replace(&mut self.stage, Stage::Walking) {
            Stage::First if missing => Ok(self.nothing()),
            Stage::Walking if missing => Ok(self.broken()),
            Stage::First | Stage::Probing | Stage::Walking => self.page(page),
            Stage::Rest { asked, other } => self.rest(page, asked, other),
            Stage::Edge { at, then } => {
                let next = page.envelope.text(&self.paging.next)?;
                if !self.edges.looked(page, at, next.is_some_and(|next| !next.is_empty()))? {
                    let reason =
                        "a page may not hold all rows of one millisecond, and the cursor skips the others";
                    self.end.unproven = Some(Code::TiesHidden.note(reason));
                }
                Ok(self.go_on(then))
            }
        }
    }
}
