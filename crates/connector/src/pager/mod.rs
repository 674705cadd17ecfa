//! "What to ask next": a walk's decisions, one page at a time, without any I/O.

mod cursor;
mod last_id;
mod linked;
mod page_number;
mod seen;
mod single;
mod trail;
mod unknown;

pub use cursor::Cursor;
pub use last_id::LastId;
pub use linked::{Linked, next_link};
pub use page_number::PageNumber;
pub use single::Single;
pub use unknown::{Finding, Unknown};

use crate::{
    code::{Code, Note},
    decode::{Envelope, FactsError},
};

/// Pages of one walk that may be asked for at most; a server that never ends is an error.
pub const MAX_PAGES: u64 = 1_000_000;

/// Decides what a walk asks next.
///
/// A walk begins with [`Pager::first`]; then each answer, in the order of the asks, goes to [`Pager::next`].
pub trait Pager: Send {
    /// The first thing to do.
    fn first(&mut self) -> Next;

    /// What to do after an answer.
    ///
    /// # Errors
    /// When the pages contradict each other: the walk must fail, neither loop nor end.
    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError>;
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask for one page.
    Ask(Ask),
    /// Ask for these pages, side by side; their answers come in this order.
    AskAll(Vec<Ask>),
    /// Answers are still on their way.
    Wait,
    /// Forget the rows of the walk so far unless the walk ends unproven, and ask again from here.
    Restart(Ask),
    /// The window is too large: halve it.
    Split,
    /// The walk is over.
    Done(End),
}

/// One page to ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Parameters over those of the walk: a value replaces, none removes.
    pub params: Vec<(String, Option<String>)>,
    /// Another path than the stream's, for a probe.
    pub path: Option<String>,
    /// An absolute URL that the server gave; then no other parameter is sent.
    pub url: Option<String>,
    /// Statuses that are an answer here, besides the stream's own.
    pub accept: Vec<u16>,
    /// Whether only what stands around the rows is of interest.
    pub facts_only: bool,
    /// What the pager calls this ask.
    pub tag: u64,
}

impl Ask {
    /// A page of the stream with these parameters.
    pub fn page(params: Vec<(String, Option<String>)>) -> Self {
        Self { params, ..Self::default() }
    }
}

/// How a walk ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// Why it is not known that all rows are there; none where it is.
    pub unproven: Option<Note>,
    /// What the user should know.
    pub warnings: Vec<Note>,
    /// Why the one answer that came may be a part of the rows: a smaller window is asked for, if there is one.
    pub cut: Option<String>,
    /// Whether the rows of the last answer are to be forgotten: they were all there before.
    pub forget_last: bool,
    /// That the list comes whole whatever page is asked for, where the walk went by that.
    pub whole: Option<Whole>,
}

/// A list whose count is not the vendor's.
pub(crate) fn count_differs(total: u64, distinct: u64) -> Note {
    Code::CountDiffers.note(format!("the vendor counts {total} rows, {distinct} distinct ones came"))
}

/// Why a walk begins anew.
pub(crate) fn read_again(reason: Note) -> Note {
    reason.map(|text| format!("{text}: read again"))
}

/// Why no walk begins any more.
pub(crate) fn in_each(reason: Note, walks: u32) -> Note {
    reason.map(|text| format!("{text}, in each of {walks} walks"))
}

/// A list that comes whole in one answer, though nobody has published that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// Rows of the answer.
    pub rows: u64,
    /// Whether this walk has found it out; otherwise it took it over from [`PageFacts::known_whole`].
    pub found: bool,
}

/// An answer, as far as pagers look at it.
#[derive(Debug)]
pub struct PageFacts<'a> {
    /// What was asked.
    pub ask: &'a Ask,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// What stands around the rows.
    pub envelope: &'a Envelope,
    /// Rows in the page.
    pub rows: u64,
    /// A hash of each row's primary key, in order; of its content where the key is synthetic.
    pub keys: &'a [u64],
    /// Whether two rows of one hash are the same row; not so where keys are synthetic.
    pub exact: bool,
    /// The cursor column of each row in microseconds, in order.
    pub cursors: &'a [Option<i64>],
    /// The rows of the list when it last came whole, where an earlier run has found that it does.
    pub known_whole: Option<u64>,
}

impl PageFacts<'_> {
    /// The value of a header, where `place` is `header:NAME`.
    fn header(&self, place: &str) -> Option<Option<String>> {
        let name = place.strip_prefix("header:")?;
        let value = self.headers.get(name).map(str::trim).filter(|value| !value.is_empty());
        Some(value.map(str::to_owned))
    }

    /// The text at a pointer or in a header.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn text(&self, place: &str) -> Result<Option<String>, FactsError> {
        self.header(place).map_or_else(|| self.envelope.text(place), Ok)
    }

    /// The whole number at a pointer or in a header.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn count(&self, place: &str) -> Result<Option<u64>, FactsError> {
        let Some(value) = self.header(place) else { return self.envelope.count(place) };
        let refuse =
            || FactsError { pointer: place.to_owned(), expected: "a whole number", found: "something else" };
        value.map(|value| value.parse().map_err(|_| refuse())).transpose()
    }

    /// Whether there is another page, as far as the page says so at `more` or, the other way round, at `last`.
    ///
    /// # Errors
    /// When something else than true or false stands there.
    pub fn more(&self, more: Option<&str>, last: Option<&str>) -> Result<Option<bool>, FactsError> {
        let flag = |place: &str| match self.header(place) {
            Some(value) => Ok(value.and_then(|value| value.parse().ok())),
            None => self.envelope.flag(place),
        };
        let more = more.map(flag).transpose()?.flatten();
        let last = last.map(flag).transpose()?.flatten();
        Ok(more.or(last.map(|last| !last)))
    }
}

/// Headers by name, whatever their case.
pub trait Headers: std::fmt::Debug + Sync {
    /// The value of a header; none where it is absent or no text.
    fn get(&self, name: &str) -> Option<&str>;
}

/// Why a walk cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PagingError {
    /// The same cursor came again, with rows.
    #[error("page {page} has a cursor that was followed before: the walk would never end")]
    CursorLoop {
        /// The page's number in the walk, from 1.
        page: u64,
    },
    /// More pages are promised, but not where they are.
    #[error("page {page} says that there is more, but not where")]
    NoContinuation {
        /// The page's number in the walk, from 1.
        page: u64,
    },
    /// More pages than any list has.
    #[error("the walk did not end after {MAX_PAGES} pages")]
    TooLong,
    /// A cursor cannot tell rows of one instant apart.
    #[error("more than a page of rows share the millisecond {at_ms}, which this cursor cannot walk through")]
    TiesBeyondPage {
        /// Milliseconds since 1970.
        at_ms: i64,
    },
    /// A total or cursor of another type.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The probe that tells an empty account from a wrong address failed.
    #[error("the list answered 404 and so does its neighbour: status {status}")]
    Probe {
        /// The probe's status.
        status: u16,
    },
}

/// A set of key hashes. They are evenly spread already, so they are their own hash.
pub(crate) type KeySet = std::collections::HashSet<u64, std::hash::BuildHasherDefault<AsIs>>;

/// Takes a `u64` for its own hash.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct AsIs(u64);

impl std::hash::Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The parameter of a page's size, with its value.
pub(crate) fn size_param(size: Option<&str>, rows: Option<u32>) -> Vec<(String, Option<String>)> {
    match (size, rows) {
        (Some(size), Some(rows)) => vec![(size.to_owned(), Some(rows.to_string()))],
        _ => Vec::new(),
    }
}
