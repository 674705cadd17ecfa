//! Walks as sequences of pages.

use userhaul_connector::{
    decode::{DecodeOptions, Decoder, Envelope, Lineage},
    pager::{Ask, Cursor, Headers, Next, PageFacts, PageNumber, Pager, PagingError, Unknown},
    spec::{ConnectorSpec, CursorPaging, PagePaging},
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
        };
        next = match pager.next(&facts) {
            Ok(next) => next,
            Err(error) => return (asked, Err(error)),
        };
    }
}

/// What stands around the rows of a page, read as the decoder reads it.
fn envelope(page: &str) -> Envelope {
    let facts = r#"
        connector = "x"
        title = "x"
        about = "x"
        docs = "x"
        concurrency = 1
        timeout = "1s"
        quota = { requests = 1, per = "1s", mode = "paced", docs = "x" }
        check = { stream = "x" }
        streams.x = { about = "x", docs = "x", path = "/x", primary_key = ["id"], columns = { id = "id" } }
    "#;
    let spec = ConnectorSpec::parse(facts, None).expect("facts");
    let stream = spec.stream("x").expect("stream");
    let options = DecodeOptions {
        table: stream.table.clone(),
        derived: Vec::new(),
        items: vec!["/data".to_owned()],
        single: false,
        custom: None,
        rules: Vec::new(),
    };
    let lineage = Lineage { source: "x", run_id: "x", extracted_at: 0, given: &[] };
    Decoder::new(&options).page(page.as_bytes(), &lineage).expect("a page").1
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
        Ok(Next::Done(end)) => Some(end.unproven.unwrap_or_else(|| "proven".to_owned())),
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
