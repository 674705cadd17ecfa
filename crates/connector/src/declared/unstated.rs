//! The walk where a file says nothing of pages: one answer, and whether it looks as if there were more.

use crate::{
    code::{Code, Note},
    pager::{Ask, End, Next, PageFacts, Pager, PagingError, next_link},
};

/// Where answers tell of pages: the page itself, or an object of it.
const PLACES: [&str; 9] =
    ["", "/meta", "/links", "/_links", "/paging", "/pagination", "/page", "/page_info", "/pageInfo"];

/// Members that lead to the next page where they are neither null nor empty.
const NEXT: [&str; 14] = [
    "next",
    "next/href",
    "next/url",
    "next_url",
    "nextUrl",
    "next_page_url",
    "next_cursor",
    "nextCursor",
    "next_page_token",
    "nextPageToken",
    "next_token",
    "nextToken",
    "next_page",
    "nextPage",
];

/// Members that are true where there is another page.
const MORE: [&str; 6] = ["has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage"];

/// Members that count all rows.
const TOTAL: [&str; 6] =
    ["total", "total_count", "totalCount", "total_results", "totalResults", "total_rows"];

/// One answer.
#[derive(Debug)]
pub(super) struct Unstated {
    /// Whether an answer with a round number of rows is worth a warning.
    pub(super) warns: bool,
}

impl Pager for Unstated {
    fn first(&mut self) -> Next {
        Next::Ask(Ask::default())
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let mut end = End { unproven: sign(page), ..End::default() };
        let round = page.rows > 0 && (page.rows.is_multiple_of(50) || [10, 20, 25].contains(&page.rows));
        if end.unproven.is_none() && round && self.warns {
            end.warnings.push(Code::MaybeTruncated.note(format!(
                "the answer has exactly {} rows, and the facts have no `paging`: it may be the first page of several; \
                 `paging = {{ kind = \"none\" }}` says that it is all",
                page.rows
            )));
        }
        Ok(Next::Done(end))
    }
}

/// What shows that there are more pages.
fn sign(page: &PageFacts<'_>) -> Option<Note> {
    let told = |what: String| {
        let way_out = "`paging = { kind = \"none\" }` says that it is all";
        Some(Code::PagingUnstated.note(format!("{what}, and the facts have no `paging`; {way_out}")))
    };
    if next_link(page.headers.get("link").unwrap_or_default()).is_some() {
        return told("the answer links to a next page".to_owned());
    }
    let pointers = |names: &'static [&'static str]| {
        PLACES.iter().flat_map(move |place| names.iter().map(move |name| format!("{place}/{name}")))
    };
    // What is of another kind than a place of pages has is something else of that name.
    let leads = |pointer: &String| {
        let text = page.envelope.text(pointer).ok().flatten();
        text.is_some_and(|text| !text.is_empty() && text != "0")
    };
    if let Some(pointer) = pointers(&NEXT).find(leads) {
        return told(format!("the answer has a next page at `{pointer}`"));
    }
    let more = |pointer: &String| page.envelope.flag(pointer).ok().flatten() == Some(true);
    if let Some(pointer) = pointers(&MORE).find(more) {
        return told(format!("the answer says at `{pointer}` that there is more"));
    }
    pointers(&TOTAL).find_map(|pointer| {
        let total = page.envelope.count(&pointer).ok().flatten().filter(|total| *total > page.rows)?;
        told(format!("the answer counts {total} rows at `{pointer}` and has {}", page.rows))
    })
}
