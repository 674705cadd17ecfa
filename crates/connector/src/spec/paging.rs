//! How a stream's pages follow each other.
//!
//! Where a fact stands in a page is a pointer, `/meta/total`, or a header, `header:X-Total-Count`.

use serde::Deserialize;

use super::DateFormat;

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Paging {
    /// The answer is everything.
    None,
    /// By number; with totals in the page the others are asked for side by side, without them one after the other.
    PageNumber(PagePaging),
    /// By the number of rows to pass over; with totals side by side, without them one after the other.
    Offset(OffsetPaging),
    /// By an opaque cursor of the page before.
    Cursor(CursorPaging),
    /// By a value of the last row of the page before.
    LastId(LastIdPaging),
    /// By the URL of the next page, which stands in the page before.
    NextUrl(NextUrlPaging),
    /// By the URL of the next page, which stands in the header `Link` of the page before (RFC 8288).
    LinkHeader(LinkHeaderPaging),
    /// Nobody knows; the walk finds out (vendors/userlot.md 3.1).
    Unknown,
}

/// Pages by number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagePaging {
    /// The parameter of the page's number.
    pub page: String,
    /// The number of the first page.
    #[serde(default = "first")]
    pub first: u64,
    /// The parameter of the page's size.
    pub size: Option<String>,
    /// The size asked for: the largest that the vendor allows.
    pub rows: Option<u32>,
    /// Where the page tells how many rows there are in all.
    pub total_rows: Option<String>,
    /// Where the page tells how many pages there are.
    pub total_pages: Option<String>,
    /// Where the page tells whether there is another.
    pub more: Option<String>,
    /// Where the page tells whether it is the last.
    pub last: Option<String>,
}

/// Pages by offset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffsetPaging {
    /// The parameter of the number of rows to pass over.
    pub offset: String,
    /// The parameter of the page's size.
    pub size: Option<String>,
    /// The size asked for: the largest that the vendor allows.
    pub rows: Option<u32>,
    /// Where the page tells how many rows there are in all.
    pub total_rows: Option<String>,
    /// Where the page tells whether there is another.
    pub more: Option<String>,
    /// Where the page tells whether it is the last.
    pub last: Option<String>,
}

/// Pages by cursor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorPaging {
    /// The parameter that takes the cursor.
    pub param: String,
    /// Where the page has the next cursor.
    pub next: String,
    /// The parameter of the page's size.
    pub size: Option<String>,
    /// The size asked for: the largest that the vendor allows.
    pub rows: Option<u32>,
    /// Where the page tells whether there is another.
    pub more: Option<String>,
    /// Where the page tells whether it is the last.
    pub last: Option<String>,
    /// The parameters that bound the rows by the stream's cursor column, for walks that must go on without a cursor.
    pub bounds: Option<CursorBounds>,
}

/// Parameters that bound a list by its cursor column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorBounds {
    /// The parameter of the lower end.
    pub from: String,
    /// The parameter of the upper end.
    pub to: String,
    /// How both are written.
    pub format: DateFormat,
}

/// Pages by a value of the last row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastIdPaging {
    /// The parameter that takes the value.
    pub param: String,
    /// The column whose value is taken: an identifier, a text or a whole number.
    pub column: String,
    /// The parameter of the page's size.
    pub size: Option<String>,
    /// The size asked for: the largest that the vendor allows.
    pub rows: Option<u32>,
    /// Where the page tells whether there is another.
    pub more: Option<String>,
    /// Where the page tells whether it is the last.
    pub last: Option<String>,
}

/// Pages by a URL in the page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextUrlPaging {
    /// Where the page has the URL of the next one.
    pub next: String,
    /// The parameter of the page's size, for the first page.
    pub size: Option<String>,
    /// The size asked for: the largest that the vendor allows.
    pub rows: Option<u32>,
    /// Where the page tells whether there is another.
    pub more: Option<String>,
    /// Where the page tells whether it is the last.
    pub last: Option<String>,
}

/// Pages by the header `Link`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkHeaderPaging {
    /// The parameter of the page's size, for the first page.
    pub size: Option<String>,
    /// The size asked for: the largest that the vendor allows.
    pub rows: Option<u32>,
}

fn first() -> u64 {
    1
}

impl Paging {
    /// The parameters of a page of so many rows, by its number from 0; those behind the first only where they go by a
    /// number.
    pub fn params(&self, number: u64, rows: u32) -> Vec<(String, String)> {
        let position = match self {
            Self::PageNumber(paging) => Some((paging.page.clone(), paging.first + number)),
            Self::Offset(paging) => Some((paging.offset.clone(), number * u64::from(rows))),
            Self::None
            | Self::Cursor(_)
            | Self::LastId(_)
            | Self::NextUrl(_)
            | Self::LinkHeader(_)
            | Self::Unknown => None,
        };
        let position = position.map(|(name, at)| (name, at.to_string()));
        let size = self.size().0.map(|size| (size.to_owned(), rows.to_string()));
        position.into_iter().chain(size).collect()
    }

    /// The parameter of the page's size and the size asked for, where both are facts.
    pub fn page_size(&self) -> Option<(&str, u32)> {
        let (size, rows) = self.size();
        Some((size?, rows?))
    }

    /// The parameter of the page's size, and the size asked for.
    fn size(&self) -> (Option<&str>, Option<u32>) {
        let (size, rows) = match self {
            Self::PageNumber(paging) => (&paging.size, paging.rows),
            Self::Offset(paging) => (&paging.size, paging.rows),
            Self::Cursor(paging) => (&paging.size, paging.rows),
            Self::LastId(paging) => (&paging.size, paging.rows),
            Self::NextUrl(paging) => (&paging.size, paging.rows),
            Self::LinkHeader(paging) => (&paging.size, paging.rows),
            Self::None | Self::Unknown => return (None, None),
        };
        (size.as_deref(), rows)
    }

    /// The column whose last value is asked behind.
    pub fn last_column(&self) -> Option<&str> {
        match self {
            Self::LastId(paging) => Some(&paging.column),
            Self::None
            | Self::PageNumber(_)
            | Self::Offset(_)
            | Self::Cursor(_)
            | Self::NextUrl(_)
            | Self::LinkHeader(_)
            | Self::Unknown => None,
        }
    }

    /// Where facts are looked for in a page, with the keys that say so.
    pub(crate) fn places(&self) -> Vec<(&'static str, &str)> {
        fn place<'a>(
            places: &mut Vec<(&'static str, &'a str)>,
            key: &'static str,
            value: Option<&'a String>,
        ) {
            places.extend(value.map(|value| (key, value.as_str())));
        }
        let mut places = Vec::new();
        let (more, last) = match self {
            Self::PageNumber(paging) => {
                place(&mut places, "total_rows", paging.total_rows.as_ref());
                place(&mut places, "total_pages", paging.total_pages.as_ref());
                (&paging.more, &paging.last)
            }
            Self::Offset(paging) => {
                place(&mut places, "total_rows", paging.total_rows.as_ref());
                (&paging.more, &paging.last)
            }
            Self::Cursor(paging) => {
                place(&mut places, "next", Some(&paging.next));
                (&paging.more, &paging.last)
            }
            Self::NextUrl(paging) => {
                place(&mut places, "next", Some(&paging.next));
                (&paging.more, &paging.last)
            }
            Self::LastId(paging) => (&paging.more, &paging.last),
            Self::None | Self::LinkHeader(_) | Self::Unknown => (&None, &None),
        };
        place(&mut places, "more", more.as_ref());
        place(&mut places, "last", last.as_ref());
        places
    }
}
