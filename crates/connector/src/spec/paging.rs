//! How a stream's pages follow each other.

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
    /// By an opaque cursor of the page before.
    Cursor(CursorPaging),
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

fn first() -> u64 {
    1
}
