//! Walks as sequences of pages.

mod page;

use std::sync::Arc;

use page::envelope;
use userhaul_connector::{
    code::Code,
    pager::{Ask, Cursor, Finding, Headers, Next, PageFacts, PageNumber, Pager, PagingError, Unknown},
    spec::{CursorPaging, PagePaging},
};

/// A server in a few lines: what an ask is answered with.
struct Answer {
    status: u16,
    ids: Vec<u64>,
    envelope: &'static str,
    headers: Vec<(&'static str, &'static str)>,
}

impl Answer {
    fn rows(ids: impl IntoIterator<Item = u64>) -> Self {
        Self { status: 200, ids: ids.into_iter().collect(), envelope: "{\"data\": []}", headers: Vec::new() }
    }

    fn envelope(self, envelope: &'static str) -> Self {
        Self { envelope, ..self }
    }

    fn status(status: u16) -> Self {
        Self { status, ..Self::rows([]) }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

#[derive(Debug)]
struct Fixed(Vec<(&'static str, &'static str)>);

impl Headers for Fixed {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// What a walk did: each ask in words, and how it ended.
fn walk(
    pager: &mut dyn Pager,
    answer: impl FnMut(&str, usize) -> Answer,
) -> (Vec<String>, Result<Next, PagingError>) {
    walk_knowing(pager, None, answer)
}

/// The same, where an earlier run has found a list of so many rows to come whole.
fn walk_knowing(
    pager: &mut dyn Pager,
    known_whole: Option<u64>,
    mut answer: impl FnMut(&str, usize) -> Answer,
) -> (Vec<String>, Result<Next, PagingError>) {
    let mut asked = Vec::new();
    let mut waiting: std::collections::VecDeque<Ask> = std::collections::VecDeque::new();
    let mut next = pager.first();
    loop {
        match next {
            Next::Ask(ask) => waiting.push_back(ask),
            Next::AskAll(asks) => waiting.extend(asks),
            Next::Restart(ask) => {
                asked.push("again".to_owned());
                waiting.clear();
                waiting.push_back(ask);
            }
            Next::Wait => {}
            end => return (asked, Ok(end)),
        }
        let Some(ask) = waiting.pop_front() else { return (asked, Ok(Next::Wait)) };
        let params: Vec<String> = ask
            .params
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-")))
            .collect();
        let words = ask.url.clone().unwrap_or_else(|| params.join("&"));
        let answer = answer(&words, asked.len());
        asked.push(words);
        let envelope = envelope(answer.envelope);
        let facts = PageFacts {
            ask: &ask,
            status: answer.status,
            headers: &Fixed(answer.headers),
            envelope: &envelope,
            rows: answer.ids.len() as u64,
            keys: &answer.ids,
            exact: true,
            cursors: &[],
            known_whole,
        };
        next = match pager.next(&facts) {
            Ok(next) => next,
            Err(error) => return (asked, Err(error)),
        };
    }
}

fn numbered(totals: bool) -> PageNumber {
    let pointer = |name: &str| totals.then(|| format!("/{name}"));
    let paging = PagePaging {
        page: "page".to_owned(),
        first: 1,
        size: Some("perPage".to_owned()),
        rows: Some(2),
        total_rows: pointer("total"),
        total_pages: pointer("pages"),
        more: None,
        last: None,
    };
    PageNumber::new(&paging, None)
}

fn ended(next: Result<Next, PagingError>) -> Option<String> {
    match next {
        Ok(Next::Done(end)) => Some(end.unproven.map_or_else(|| "proven".to_owned(), |note| note.text)),
        _ => None,
    }
}

const THREE: &str = r#"{"data": [], "total": 5, "pages": 3}"#;

#[test]
fn with_totals_the_other_pages_come_side_by_side_and_the_total_is_asked_again() {
    let (asked, end) = walk(&mut numbered(true), |words, _| match words {
        "page=1&perPage=2" => Answer::rows([1, 2]).envelope(THREE),
        "page=2&perPage=2" => Answer::rows([3, 4]).envelope(THREE),
        _ => Answer::rows([5]).envelope(THREE),
    });
    let pages: Vec<&str> = asked.iter().map(|words| words.split('&').next().unwrap_or_default()).collect();
    assert_eq!(pages, ["page=1", "page=2", "page=3", "page=1"]);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn a_single_page_is_its_own_proof() {
    let one = r#"{"data": [], "total": 2, "pages": 1}"#;
    let (asked, end) = walk(&mut numbered(true), |_, _| Answer::rows([1, 2]).envelope(one));
    assert_eq!((asked.len(), ended(end).as_deref()), (1, Some("proven")));
}

#[test]
fn a_list_that_moves_is_read_again_at_most_twice_and_is_then_unproven() {
    let (asked, end) = walk(&mut numbered(true), |words, _| match words {
        "page=1&perPage=2" => Answer::rows([1, 2]).envelope(THREE),
        "page=2&perPage=2" => Answer::rows([2, 3]).envelope(THREE),
        _ => Answer::rows([4]).envelope(THREE),
    });
    assert_eq!(asked.iter().filter(|words| *words == "again").count(), 2);
    assert_eq!(ended(end).as_deref(), Some("the list changed while it was read, in each of 3 walks"));
}

#[test]
fn a_total_that_changed_during_the_walk_makes_it_be_read_again() {
    let four = r#"{"data": [], "total": 4, "pages": 2}"#;
    let five = r#"{"data": [], "total": 5, "pages": 2}"#;
    let (asked, end) = walk(&mut numbered(true), |words, count| match (words, count) {
        // The total is asked again as the third request, and then differs.
        ("page=1&perPage=2", 2) => Answer::rows([1, 2]).envelope(five),
        ("page=1&perPage=2", _) => Answer::rows([1, 2]).envelope(four),
        _ => Answer::rows([3, 4]).envelope(four),
    });
    assert_eq!(asked.iter().filter(|words| *words == "again").count(), 1);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

/// A walk over three pages of two rows whose first one, asked again, has other rows, the first time or always.
fn with_first_page_again(rows: &'static [u64], always: bool) -> (usize, Option<String>) {
    let (asked, end) = walk(&mut numbered(true), |words, count| match words {
        "page=1&perPage=2" if count == 3 || always && count % 5 == 3 => {
            Answer::rows(rows.iter().copied()).envelope(THREE)
        }
        "page=1&perPage=2" => Answer::rows([1, 2]).envelope(THREE),
        "page=2&perPage=2" => Answer::rows([3, 4]).envelope(THREE),
        _ => Answer::rows([5]).envelope(THREE),
    });
    (asked.iter().filter(|words| *words == "again").count(), ended(end))
}

#[test]
fn rows_that_moved_up_into_the_first_page_make_a_list_be_read_again_though_its_total_stands() {
    for moved_up in [&[1, 3][..], &[2, 3], &[3, 4], &[2, 1, 3]] {
        assert_eq!(with_first_page_again(moved_up, false), (1, Some("proven".to_owned())), "{moved_up:?}");
    }
    let (again, end) = with_first_page_again(&[2, 3], true);
    let words = "rows moved up into page 1 during the walk, in each of 3 walks";
    assert_eq!((again, end.as_deref()), (2, Some(words)));
}

#[test]
fn rows_that_moved_down_or_about_in_the_first_page_cost_no_second_walk() {
    for moved_down in [&[1, 2][..], &[2, 1], &[5, 1], &[9, 1], &[5, 2, 1]] {
        assert_eq!(with_first_page_again(moved_down, true), (0, Some("proven".to_owned())), "{moved_down:?}");
    }
}

#[test]
fn without_totals_only_an_empty_page_ends_the_walk() {
    // The server caps the size at one row: a short page is no end.
    let (asked, end) = walk(&mut numbered(false), |words, _| match words {
        "page=1&perPage=2" => Answer::rows([1]),
        "page=2&perPage=2" => Answer::rows([2]),
        _ => Answer::rows([]),
    });
    assert_eq!((asked.len(), ended(end).as_deref()), (3, Some("proven")));
}

#[test]
fn without_totals_a_page_of_known_rows_ends_the_walk_and_is_forgotten() {
    let (asked, end) = walk(&mut numbered(false), |_, _| Answer::rows([1, 2]));
    assert_eq!(asked.len(), 2);
    assert!(matches!(end, Ok(Next::Done(end)) if end.forget_last && end.unproven.is_none()));
}

#[test]
fn without_totals_known_rows_that_are_no_page_again_mean_that_the_list_moved() {
    // Two rows came in front of the list after page 1: page 2 holds none that is new, and is not page 1.
    let (asked, end) = walk(&mut numbered(false), |words, count| match (words, count) {
        ("page=2&perPage=2", 1) => Answer::rows([2]),
        ("page=1&perPage=2", _) => Answer::rows([1, 2]),
        ("page=2&perPage=2", _) => Answer::rows([3]),
        _ => Answer::rows([]),
    });
    assert_eq!(asked.iter().filter(|words| *words == "again").count(), 1);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn a_404_behind_the_first_page_is_the_end() {
    let (asked, end) = walk(&mut numbered(false), |words, _| match words {
        "page=1&perPage=2" => Answer::rows([1, 2]),
        _ => Answer::status(404),
    });
    assert_eq!((asked.len(), ended(end).as_deref()), (2, Some("proven")));
}

fn cursor() -> Cursor {
    let paging = CursorPaging {
        param: "cursor".to_owned(),
        next: "/cursor".to_owned(),
        size: None,
        rows: None,
        more: None,
        last: None,
        bounds: None,
    };
    Cursor::new(&paging)
}

#[test]
fn a_null_absent_or_empty_cursor_ends_the_walk() {
    for last in [r#"{"data": [], "cursor": null}"#, r#"{"data": []}"#, r#"{"data": [], "cursor": ""}"#] {
        let (asked, end) = walk(&mut cursor(), |words, _| match words {
            "" => Answer::rows([1]).envelope(r#"{"data": [], "cursor": "a"}"#),
            _ => Answer::rows([2]).envelope(last),
        });
        assert_eq!(
            (asked, ended(end).as_deref()),
            (vec![String::new(), "cursor=a".to_owned()], Some("proven"))
        );
    }
}

#[test]
fn a_cursor_that_comes_again_with_rows_is_an_error_and_without_rows_the_end() {
    let stuck = r#"{"data": [], "cursor": "a"}"#;
    let (asked, end) = walk(&mut cursor(), |_, _| Answer::rows([1]).envelope(stuck));
    assert_eq!((asked.len(), end), (2, Err(PagingError::CursorLoop { page: 2 })));
    let (asked, end) = walk(&mut cursor(), |words, _| match words {
        "" => Answer::rows([1]).envelope(stuck),
        _ => Answer::rows([]).envelope(stuck),
    });
    assert_eq!((asked.len(), ended(end).as_deref()), (2, Some("proven")));
}

#[test]
fn cursors_without_rows_end_the_walk_unproven() {
    let (asked, end) = walk(&mut cursor(), |words, _| {
        let envelope =
            format!(r#"{{"data": [], "cursor": "{}x"}}"#, words.rsplit('=').next().unwrap_or_default());
        Answer::rows([]).envelope(Box::leak(envelope.into_boxed_str()))
    });
    assert_eq!(
        (asked.len(), ended(end).as_deref()),
        (4, Some("4 pages without rows came in a row, each with another cursor"))
    );
}

#[test]
fn a_list_of_unknown_paging_that_ignores_the_number_has_one_page() {
    let (asked, end) = walk(&mut Unknown::new(), |_, _| Answer::rows([1, 2, 3]));
    assert_eq!(asked, ["", "page=2"]);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn that_a_list_comes_whole_is_tried_again_only_where_it_may_have_come_to_be_cut() {
    let whole = |known, rows: u64| {
        let (asked, end) = walk_knowing(&mut Unknown::new(), known, |_, _| Answer::rows(0..rows));
        let Ok(Next::Done(end)) = end else { panic!("{end:?}") };
        (asked.len(), end.whole.map(|whole| (whole.rows, whole.found)))
    };
    assert_eq!(whole(None, 3), (2, Some((3, true))));
    assert_eq!(whole(Some(3), 3), (1, Some((3, false))));
    assert_eq!(whole(Some(3), 4), (1, Some((4, false))));
    assert_eq!(whole(Some(5), 4), (2, Some((4, true))));
    // A round number, as of a page's size: `page=2` and an offset are tried.
    assert_eq!(whole(Some(5), 25), (3, Some((25, true))));
}

#[test]
fn a_list_of_unknown_paging_is_walked_by_number_until_a_page_is_empty() {
    let (asked, end) = walk(&mut Unknown::new(), |words, _| match words {
        "" => Answer::rows(0..25),
        "page=2" => Answer::rows(25..30),
        _ => Answer::rows([]),
    });
    assert_eq!(asked, ["", "page=2", "page=3"]);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn a_list_of_unknown_paging_is_walked_by_link() {
    let (asked, end) = walk(&mut Unknown::new(), |words, _| match words {
        "" => Answer::rows([1]).header("Link", "<http://127.0.0.1/x?p=2>; rel=\"next\", <x>; rel=\"last\""),
        _ => Answer::rows([2]),
    });
    assert_eq!(asked, ["", "http://127.0.0.1/x?p=2"]);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn a_list_of_a_round_size_is_tried_by_offset_too() {
    let (asked, end) = walk(&mut Unknown::new(), |words, _| match words {
        "" | "page=2" => Answer::rows(0..100),
        "offset=100" => Answer::rows(100..150),
        _ => Answer::rows([]),
    });
    assert_eq!(asked, ["", "page=2", "offset=100", "offset=150"]);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn a_strict_server_that_refuses_the_number_has_one_page() {
    let (asked, end) = walk(&mut Unknown::new(), |words, _| match words {
        "" => Answer::rows([1, 2, 3]),
        _ => Answer::status(422),
    });
    assert_eq!(asked.len(), 2);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn a_server_that_ignores_the_number_but_tells_totals_has_one_page() {
    let (asked, end) = walk(&mut numbered(true), |_, _| Answer::rows([1, 2, 3, 4, 5]).envelope(THREE));
    assert_eq!(asked.len(), 2);
    let Ok(Next::Done(end)) = end else { panic!("the walk is over") };
    assert!(end.forget_last && end.unproven.is_none());
    assert_eq!(end.warnings, [Code::NotPaged.note("page 2 was page 1 again: the list is not paged")]);
}

#[test]
fn one_copy_that_is_less_than_the_total_is_not_taken_for_the_list() {
    let (_, end) = walk(&mut numbered(true), |_, _| Answer::rows([1, 2]).envelope(THREE));
    assert_eq!(
        ended(end).as_deref(),
        Some("the vendor counts 5 rows, 2 distinct ones came, in each of 3 walks")
    );
}

#[test]
fn a_list_of_unknown_paging_that_moves_is_read_again() {
    // A row is put in front between the first two requests: the last row of page 1 comes again on page 2.
    let (asked, end) = walk(&mut Unknown::new(), |words, count| match (words, count) {
        ("", 0) => Answer::rows([1, 2, 3]),
        ("", _) => Answer::rows([9, 1, 2]),
        ("page=2", _) => Answer::rows([3, 4]),
        _ => Answer::rows([]),
    });
    assert_eq!(asked, ["", "page=2", "page=3", "again", "", "page=2", "page=3"]);
    let Ok(Next::Done(end)) = end else { panic!("the walk is over") };
    assert_eq!(end.unproven, None);
    assert_eq!(end.warnings, [Code::ListMoved.note("the list changed while it was read: read again")]);
}

#[test]
fn a_total_of_a_header_that_changes_makes_a_list_be_read_again() {
    let mut total = "5";
    let (asked, end) = walk(&mut Unknown::new(), |words, count| {
        // A row of page 1 is removed after the first request: the first row of page 2 moves into page 1.
        let answer = match (words, count) {
            ("", 0) => Answer::rows([1, 2, 3]),
            ("", _) => Answer::rows([2, 3, 4]),
            ("page=2", _) => Answer::rows([5]),
            _ => Answer::rows([]),
        };
        let answer = answer.header("X-Total", total);
        total = "4";
        answer
    });
    assert_eq!(asked, ["", "page=2", "page=3", "again", "", "page=2", "page=3"]);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}

#[test]
fn headers_that_name_the_last_page_end_the_walk() {
    for header in ["X-Next-Page", "X-Total-Pages"] {
        let value = |page: usize| match (header, page) {
            ("X-Next-Page", 1) => "2",
            ("X-Next-Page", _) => "",
            _ => "2",
        };
        let (asked, end) = walk(&mut Unknown::new(), |words, _| match words {
            "" => Answer::rows([1, 2]).header(header, value(1)),
            _ => Answer::rows([3]).header(header, value(2)),
        });
        assert_eq!(asked, ["", "page=2"]);
        assert_eq!(ended(end).as_deref(), Some("proven"));
    }
}

#[test]
fn walks_that_share_a_finding_try_the_number_once() {
    let whole = Arc::new(Finding::default());
    let asks = |finding: &Arc<Finding>, first: u64, second: Option<u64>| {
        let mut pager = Unknown::sharing(Arc::clone(finding));
        walk(&mut pager, |words, _| match (words, second) {
            ("", _) => Answer::rows([first]),
            ("page=2", Some(second)) => Answer::rows([second]),
            _ => Answer::rows([]),
        })
        .0
    };
    assert_eq!(asks(&whole, 1, Some(1)), ["", "page=2"]);
    assert_eq!(asks(&whole, 2, Some(2)), [""]);
    // An empty second page means that the number is understood: the others may have one.
    let numbered = Arc::new(Finding::default());
    assert_eq!(asks(&numbered, 1, None), ["", "page=2"]);
    assert_eq!(asks(&numbered, 2, Some(3)), ["", "page=2", "page=3"]);
}

#[test]
fn pages_of_unknown_paging_that_always_overlap_are_no_list_that_moves() {
    let (asked, end) = walk(&mut Unknown::new(), |words, _| match words {
        "" => Answer::rows([1, 2, 3]),
        "page=2" => Answer::rows([3, 4]),
        _ => Answer::rows([]),
    });
    assert_eq!(asked.iter().filter(|words| *words == "again").count(), 1);
    assert_eq!(ended(end).as_deref(), Some("proven"));
}
