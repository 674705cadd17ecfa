//! What holds for every list, however long, however cut, and however it moves while it is read.

mod page;

use std::collections::{BTreeSet, VecDeque};

use page::envelope;
use proptest::prelude::*;
use userhaul_connector::{
    pager::{Cursor, End, Headers, Next, PageFacts, PageNumber, Pager, PagingError, Unknown},
    spec::{CursorPaging, PagePaging},
};

/// Requests after which a walk has no end.
const BOUND: usize = 2000;

#[derive(Debug)]
struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }
}

/// A walk: the rows that count, the requests, and the end.
struct Walked {
    rows: BTreeSet<u64>,
    requests: usize,
    end: Result<End, PagingError>,
}

/// Walks a server that answers each ask, told by its first parameter, with rows and what stands around them.
fn walk(pager: &mut dyn Pager, mut answer: impl FnMut(&str, usize) -> (Vec<u64>, String)) -> Walked {
    let (mut rows, mut last, mut requests) = (Vec::new(), 0, 0);
    let mut waiting = VecDeque::new();
    let mut next = Ok(pager.first());
    loop {
        match next {
            Ok(Next::Ask(ask)) => waiting.push_back(ask),
            Ok(Next::AskAll(asks)) => waiting.extend(asks),
            Ok(Next::Restart(ask)) => {
                rows.clear();
                waiting.clear();
                waiting.push_back(ask);
            }
            Ok(Next::Wait) => {}
            Ok(Next::Split) => panic!("there is no window to halve"),
            Ok(Next::Done(end)) => {
                if end.forget_last {
                    rows.truncate(last);
                }
                return Walked { rows: rows.into_iter().collect(), requests, end: Ok(end) };
            }
            Err(error) => return Walked { rows: rows.into_iter().collect(), requests, end: Err(error) },
        }
        let ask = waiting.pop_front().expect("somebody waits for an answer that was asked for");
        let value = ask.params.first().and_then(|(_, value)| value.clone()).unwrap_or_default();
        let (ids, page) = answer(&value, requests);
        requests += 1;
        assert!(requests < BOUND, "the walk does not end");
        last = rows.len();
        if !ask.facts_only {
            rows.extend(&ids);
        }
        next = pager.next(&PageFacts {
            ask: &ask,
            status: 200,
            headers: &NoHeaders,
            envelope: &envelope(&page),
            rows: ids.len() as u64,
            keys: &ids,
            exact: true,
            cursors: &[],
            known_whole: None,
        });
    }
}

fn numbered(totals: bool) -> PageNumber {
    let pointer = |name: &str| totals.then(|| format!("/{name}"));
    let paging = PagePaging {
        page: "page".to_owned(),
        first: 1,
        size: None,
        rows: Some(5),
        total_rows: pointer("total"),
        total_pages: pointer("pages"),
        more: None,
        last: None,
    };
    PageNumber::new(&paging, None)
}

fn cursor() -> Cursor {
    Cursor::new(&CursorPaging {
        param: "cursor".to_owned(),
        next: "/cursor".to_owned(),
        size: None,
        rows: None,
        more: None,
        last: None,
        bounds: None,
    })
}

/// A page of a list by its number.
fn page(list: &[u64], size: usize, number: &str) -> (Vec<u64>, String) {
    let number: usize = number.parse().expect("a page's number");
    let rows: Vec<u64> = list.iter().skip((number - 1) * size).take(size).copied().collect();
    let text = format!(r#"{{"data": [], "total": {}, "pages": {}}}"#, list.len(), list.len().div_ceil(size));
    (rows, text)
}

proptest! {
    /// Of a list that does not move each row comes, and that is known.
    #[test]
    fn a_still_list_comes_whole(length in 0_u64..60, size in 1_usize..8, totals: bool) {
        let list: Vec<u64> = (1..=length).collect();
        let walked = walk(&mut numbered(totals), |number, _| page(&list, size, number));
        prop_assert_eq!(walked.end.map(|end| end.unproven), Ok(None));
        prop_assert_eq!(walked.rows, list.iter().copied().collect());
        prop_assert!(walked.requests <= list.len().div_ceil(size) + 2, "{} requests", walked.requests);
    }

    /// Of a list into which rows come, or from which rows go while it is read, all that were there throughout come, or it is said
    /// that they may not have. Without totals only what comes can be noticed.
    #[test]
    fn a_list_that_moves_comes_whole_or_is_unproven(
        length in 0_u64..40,
        size in 1_usize..8,
        (totals, grows) in prop_oneof![Just((true, true)), Just((true, false)), Just((false, true))],
        moves in prop::collection::vec((0_usize..30, 0_usize..40), 0..4),
    ) {
        // Without totals a page that is the page before once more is the end, so no page may be pushed on whole.
        let size = if totals { size } else { size + moves.len() };
        let mut list: Vec<u64> = (1..=length).collect();
        let mut throughout: BTreeSet<u64> = list.iter().copied().collect();
        let mut new = 1000;
        let walked = walk(&mut numbered(totals), |number, request| {
            for (_, place) in moves.iter().filter(|(at, _)| *at == request && request > 0) {
                if grows {
                    new += 1;
                    list.insert(place % (list.len() + 1), new);
                } else if !list.is_empty() {
                    throughout.remove(&list.remove(place % list.len()));
                }
            }
            page(&list, size, number)
        });
        let end = walked.end.expect("no page contradicts another");
        prop_assert!(
            end.unproven.is_some() || walked.rows.is_superset(&throughout),
            "{:?} of {throughout:?}", walked.rows
        );
    }

    /// Under a cursor each row comes, however the pages are cut; two of them in a row may be empty.
    #[test]
    fn a_cursor_leads_through_pages_of_any_size(sizes in prop::collection::vec(0_usize..6, 1..20)) {
        let mut empty = 0;
        let sizes: Vec<usize> = sizes.into_iter().map(|size| {
            empty = if size == 0 { empty + 1 } else { 0 };
            if empty > 2 { empty = 0; 1 } else { size }
        }).collect();
        let starts: Vec<u64> = sizes.iter().scan(0, |sum, size| { let start = *sum; *sum += *size as u64; Some(start) }).collect();
        let walked = walk(&mut cursor(), |cursor, _| {
            let index: usize = if cursor.is_empty() { 0 } else { cursor.trim_start_matches('c').parse().expect("ours") };
            let rows = (starts[index]..starts[index] + sizes[index] as u64).collect();
            let next = if index + 1 < sizes.len() { format!("\"c{}\"", index + 1) } else { "null".to_owned() };
            (rows, format!(r#"{{"data": [], "cursor": {next}}}"#))
        });
        prop_assert_eq!(walked.end.map(|end| end.unproven), Ok(None));
        prop_assert_eq!(walked.rows.len(), sizes.iter().sum::<usize>());
        prop_assert_eq!(walked.requests, sizes.len());
    }

    /// Whatever a server answers until it has no more rows: every walk ends.
    #[test]
    fn every_walk_ends(
        answers in prop::collection::vec((prop::collection::vec(0_u64..30, 0..6), 0_u64..50, 0_u64..9, "[a-c]?"), 0..30),
    ) {
        let pagers: [Box<dyn Pager>; 4] = [
            Box::new(numbered(true)),
            Box::new(numbered(false)),
            Box::new(cursor()),
            Box::new(Unknown::new()),
        ];
        for mut pager in pagers {
            walk(pager.as_mut(), |_, request| match answers.get(request) {
                Some((rows, total, pages, cursor)) => {
                    let text = format!(r#"{{"data": [], "total": {total}, "pages": {pages}, "cursor": "{cursor}"}}"#);
                    (rows.clone(), text)
                }
                None => (Vec::new(), r#"{"data": []}"#.to_owned()),
            });
        }
    }
}
