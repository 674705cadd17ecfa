//! The walk over users, with a probe for those whom the list leaves out.
//!
//! Whether `GET /users` without a filter lists every status is not published (A:11). So at the end of a walk one
//! row is asked for with all statuses named, side by side with the walk's own last question, and the totals are compared:
//!
//! ```text
//! page=1 … page=3                      totalResults 2413
//! page=1                               totalResults 2413: proven
//! page=1&perPage=1&statuses=active,…   totalResults 2413: done
//!                                      totalResults 2530: walk again with `statuses`, rows merge by key
//! ```
//!
//! The vendor documents 404 for this list. On its first page without a filter it means a wrong address and stays
//! an error; elsewhere it means no rows.

use userhaul_connector::code::{Code, Note};
use userhaul_connector::pager::{Ask, End, Next, PageFacts, PageNumber, Pager, PagingError};
use userhaul_connector::spec::{PagePaging, StreamSpec};

/// The ask whose answer tells only how many users there are of all statuses.
const PROBE: u64 = u64::MAX - 1;

/// Walks the list of users, and once more with all statuses named where that gives more.
#[derive(Debug)]
pub(crate) struct StatusProbe {
    paging: PagePaging,
    /// The parameters that ask for every documented status.
    statuses: Vec<(String, String)>,
    walk: PageNumber,
    filtered: bool,
    /// The last total of the walk without a filter.
    total: Option<u64>,
    /// Whether the probe's answer is on its way.
    probing: bool,
    /// What follows from the walk's last question, while that answer is waited for.
    waiting: Option<Next>,
    warnings: Vec<Note>,
}

impl StatusProbe {
    /// A walk over `paging` of `stream`.
    pub(crate) fn new(stream: &StreamSpec, paging: &PagePaging) -> Self {
        Self {
            paging: paging.clone(),
            statuses: stream.on_demand("all_statuses").to_vec(),
            walk: PageNumber::new(paging, None),
            filtered: false,
            total: None,
            probing: false,
            waiting: None,
            warnings: Vec::new(),
        }
    }

    fn probe(&mut self) -> Ask {
        self.probing = true;
        let mut params = vec![(self.paging.page.clone(), Some(self.paging.first.to_string()))];
        params.extend(self.paging.size.clone().map(|size| (size, Some("1".to_owned()))));
        // The filter is optional: a server that refuses it has shown all that it will show.
        self.filtered(Ask { params, accept: vec![400], facts_only: true, tag: PROBE, ..Ask::default() })
    }

    /// What follows from the number of users of all statuses.
    fn probed(&mut self, page: &PageFacts<'_>, end: End) -> Result<Next, PagingError> {
        let all = if page.status >= 400 {
            let text = format!("the probe for other statuses was answered with {}", page.status);
            self.warnings.push(Code::StatusesHidden.note(text));
            None
        } else {
            self.count(page)?
        };
        match (all, self.total) {
            (Some(all), Some(total)) if all > total => {
                self.warnings.extend(end.warnings);
                let text = format!("{total} users are listed without a status filter, {all} with one");
                self.warnings.push(Code::StatusesHidden.note(text));
                self.filtered = true;
                self.walk = PageNumber::new(&self.paging, None);
                let first = self.walk.first();
                Ok(self.filtered_next(first))
            }
            _ => Ok(self.done(end)),
        }
    }

    fn count(&self, page: &PageFacts<'_>) -> Result<Option<u64>, PagingError> {
        match &self.paging.total_rows {
            Some(pointer) => Ok(page.envelope.count(pointer)?),
            None => Ok(None),
        }
    }

    fn done(&mut self, mut end: End) -> Next {
        end.warnings.splice(0..0, self.warnings.drain(..));
        Next::Done(end)
    }

    /// The same with all statuses named. A restart keeps the rows so far: a user of a status that has no name here is
    /// only in the first walk.
    fn filtered_next(&self, next: Next) -> Next {
        match next {
            Next::Ask(ask) | Next::Restart(ask) => Next::Ask(self.filtered(ask)),
            Next::AskAll(asks) => Next::AskAll(asks.into_iter().map(|ask| self.filtered(ask)).collect()),
            next @ (Next::Wait | Next::Split | Next::Done(_)) => next,
        }
    }

    fn filtered(&self, mut ask: Ask) -> Ask {
        ask.params.extend(self.statuses.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        if !ask.accept.contains(&404) {
            ask.accept.push(404);
        }
        ask
    }
}

impl Pager for StatusProbe {
    fn first(&mut self) -> Next {
        self.walk.first()
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        if page.ask.tag == PROBE {
            self.probing = false;
            return match self.waiting.take() {
                Some(Next::Done(end)) if end.unproven.is_none() => self.probed(page, end),
                // The list has moved: it is read again, and probed again at its end.
                Some(Next::Done(end)) => Ok(self.done(end)),
                next => Ok(next.unwrap_or(Next::Wait)),
            };
        }
        if page.status == 404 {
            let text = "a page of users was answered with 404, taken for no rows";
            self.warnings.push(Code::TakenForEmpty.note(text));
        } else if !self.filtered {
            self.total = self.count(page)?.or(self.total);
        }
        match self.walk.next(page)? {
            next if self.probing => {
                self.waiting = Some(next);
                Ok(Next::Wait)
            }
            Next::Ask(ask) if !self.filtered && self.total.is_some() && PageNumber::is_recheck(&ask) => {
                Ok(Next::AskAll(vec![ask, self.probe()]))
            }
            Next::Done(end) if !self.filtered && end.unproven.is_none() && self.total.is_some() => {
                self.waiting = Some(Next::Done(end));
                Ok(Next::Ask(self.probe()))
            }
            Next::Done(end) => Ok(self.done(end)),
            next if self.filtered => Ok(self.filtered_next(next)),
            next => Ok(next),
        }
    }
}
