use userhaul_connector::{
    decode::{DecodeOptions, Decoder, Envelope, Lineage, PageRows},
    pager::Headers,
    spec::ConnectorSpec,
};

use super::*;

const FROM: &str = "start";
const TO: &str = "end";

#[derive(Debug)]
struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _name: &str) -> Option<&str> {
        None
    }
}

fn stream(name: &str, rows: u32) -> StreamSpec {
    let mut spec = ConnectorSpec::parse(crate::REGISTRATION.facts, None).expect("the facts are right");
    let mut stream = spec.streams.swap_remove(name).expect("the stream is there");
    if let userhaul_connector::spec::Paging::Cursor(paging) = &mut stream.paging
        && paging.rows.is_some()
    {
        paging.rows = Some(rows);
    }
    stream
}

fn list(stream: &StreamSpec, run: &Arc<Run>) -> List {
    let userhaul_connector::spec::Paging::Cursor(paging) = &stream.paging else { unreachable!("a list") };
    List::new(stream, paging, Arc::clone(run))
}

fn run() -> Arc<Run> {
    Arc::new(Run::new(Some(&stream("surveys", 1000))))
}

/// Pages of a stream, as the engine reads them.
struct Reader {
    decoder: Decoder,
}

impl Reader {
    fn new(stream: &StreamSpec) -> Self {
        let mut decoder = Decoder::new(&DecodeOptions {
            table: stream.table.clone(),
            derived: Vec::new(),
            items: stream.items.clone(),
            single: stream.single,
            custom: None,
            rules: Vec::new(),
        });
        decoder.watch(true, stream.cursor.as_deref());
        Self { decoder }
    }

    fn next(&mut self, list: &mut List, ask: &Ask, answer: Option<&str>) -> Result<Next, PagingError> {
        let lineage = Lineage { source: "surveys", run_id: "01", extracted_at: 0, given: &[] };
        let (rows, envelope) = match answer {
            Some(body) => self.decoder.page(body.as_bytes(), &lineage).expect("the page is right"),
            None => (PageRows::default(), Envelope::default()),
        };
        let status = if answer.is_some() { 200 } else { 404 };
        let headers = &NoHeaders;
        let (keys, cursors) = (rows.keys.as_slice(), rows.cursors.as_slice());
        let rows = rows.rows as u64;
        list.next(&PageFacts {
            ask,
            status,
            headers,
            envelope: &envelope,
            rows,
            keys,
            exact: true,
            cursors,
            known_whole: None,
        })
    }
}

/// A row is a survey of this creation time and number.
fn page(rows: &[(i64, u32)], cursor: &str) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(at, id)| format!(r#"{{"id":{id},"createdAt":{}}}"#, 1_700_000_000_000 + at))
        .collect();
    let cursor = if cursor.is_empty() { "null".to_owned() } else { format!("{cursor:?}") };
    format!(r#"{{"cursor":{cursor},"data":[{}]}}"#, rows.join(","))
}

fn param<'a>(ask: &'a Ask, name: &str) -> Option<&'a str> {
    ask.params.iter().rev().find(|(param, _)| param == name)?.1.as_deref()
}

fn described(next: &Next) -> String {
    match next {
        Next::Ask(ask) => {
            let mut words: Vec<String> = ask.path.iter().cloned().collect();
            for (name, value) in &ask.params {
                let instant = value.as_ref().map(|value| value.replacen("1700000000", "", 1));
                words.push(instant.map_or_else(|| format!("-{name}"), |value| format!("{name}={value}")));
            }
            words.join(" ")
        }
        Next::Done(end) => {
            let unproven = end.unproven.as_ref().map(|_| "unproven").into_iter();
            std::iter::once("done")
                .chain(unproven)
                .chain(end.warnings.iter().map(|note| note.text.as_str()))
                .collect::<Vec<_>>()
                .join("; ")
        }
        other => format!("{other:?}"),
    }
}

/// What a walk asks when it is answered so; `None` is 404.
fn walk(name: &str, rows: u32, run: &Arc<Run>, answers: &[Option<String>]) -> Vec<String> {
    let stream = stream(name, rows);
    let mut list = list(&stream, run);
    let mut reader = Reader::new(&stream);
    let mut next = list.first();
    let mut asked = vec![described(&next)];
    for answer in answers {
        let Next::Ask(ask) = &next else { break };
        match reader.next(&mut list, ask, answer.as_deref()) {
            Ok(following) => next = following,
            Err(error) => {
                asked.push(error.to_string());
                return asked;
            }
        }
        asked.push(described(&next));
    }
    asked
}

fn ok(rows: &[(i64, u32)], cursor: &str) -> Option<String> {
    Some(page(rows, cursor))
}

#[test]
fn null_cursor_ends_the_walk() {
    let asked = walk("surveys", 3, &run(), &[ok(&[(1, 1), (2, 2), (3, 3)], "a"), ok(&[(3, 3), (4, 4)], "")]);
    assert_eq!(asked, ["limit=3", "limit=3 cursor=a", "done"]);
}

#[test]
fn not_found_behind_a_cursor_is_confirmed_on_what_is_left() {
    let rows = [(100, 1), (200, 2), (300, 3)];
    let asked = walk("surveys", 3, &run(), &[ok(&rows, "a"), None, None]);
    assert_eq!(asked, ["limit=3", "limit=3 cursor=a", "limit=3 start=299", "done"]);
    // A server whose lower bound is inclusive shows the last row again.
    let asked = walk("surveys", 3, &run(), &[ok(&rows, "a"), None, ok(&rows[2..], "b")]);
    assert_eq!(asked, ["limit=3", "limit=3 cursor=a", "limit=3 start=299", "done"]);
    let newest_first = [(300, 3), (200, 2), (100, 1)];
    let asked = walk("surveys", 3, &run(), &[ok(&newest_first, "a"), None, None]);
    assert_eq!(asked, ["limit=3", "limit=3 cursor=a", "limit=3 end=101", "done"]);
}

#[test]
fn a_full_page_of_known_rows_may_hide_others() {
    let asked = walk(
        "surveys",
        2,
        &run(),
        &[ok(&[(100, 1), (101, 2)], "a"), None, ok(&[(100, 1), (101, 2)], "a"), ok(&[(102, 3)], "")],
    );
    let warned = format!("done; {LEFT_BEHIND}");
    assert_eq!(
        asked,
        ["limit=2", "limit=2 cursor=a", "limit=2 start=100", "limit=2 cursor=a start=100", &warned]
    );
}

#[test]
fn without_order_both_sides_are_confirmed() {
    let asked = walk("surveys", 3, &run(), &[ok(&[(200, 1), (300, 2), (100, 3)], "a"), None, None, None]);
    assert_eq!(asked, ["limit=3", "limit=3 cursor=a", "limit=3 start=299", "limit=3 end=101", "done"]);
}

#[test]
fn rows_behind_a_dead_cursor_are_walked_with_its_bounds() {
    let asked = walk(
        "surveys",
        2,
        &run(),
        &[
            ok(&[(100, 1), (200, 2)], "a"),
            None,
            ok(&[(200, 2), (300, 3)], "a"),
            ok(&[(300, 3), (400, 4)], "c"),
            ok(&[(400, 4)], ""),
        ],
    );
    let warned = format!("done; {LEFT_BEHIND}");
    assert_eq!(
        asked,
        [
            "limit=2",
            "limit=2 cursor=a",
            "limit=2 start=199",
            "limit=2 cursor=a start=199",
            "limit=2 cursor=c start=199",
            &warned,
        ]
    );
}

#[test]
fn not_found_at_first_is_empty_when_a_probe_finds_surveys() {
    let run = run();
    let stream = stream("responses", 2);
    let mut list = list(&stream, &run);
    let mut reader = Reader::new(&stream);
    let Next::Ask(first) = list.first() else { unreachable!("a first page") };
    let Ok(Next::Ask(probe)) = reader.next(&mut list, &first, None) else { unreachable!("a probe") };
    assert_eq!(described(&Next::Ask(probe.clone())), "/v1/surveys -end -start limit=1");
    assert_eq!((probe.facts_only, probe.accept.as_slice()), (true, [404].as_slice()));
    // The probe's rows are not the stream's, and are not read.
    let facts = PageFacts {
        ask: &probe,
        status: 200,
        headers: &NoHeaders,
        envelope: &Envelope::default(),
        rows: 1,
        keys: &[],
        exact: true,
        cursors: &[],
        known_whole: None,
    };
    assert_eq!(list.next(&facts), Ok(Next::Done(End::default())));
    assert_eq!(walk("themes", 2, &run, &[None]), ["", "done"]);
}

#[test]
fn one_probe_a_run_and_a_warning_with_each_list_where_nothing_is() {
    let run = run();
    let warned = "done; the vendor has no survey at all, or `base_url` is wrong";
    assert_eq!(walk("surveys", 2, &run, &[None, None]), ["limit=2", "/v1/surveys -status limit=1", warned]);
    // What the probe has found holds for the lists after it.
    assert_eq!(walk("responses", 2, &run, &[None]), ["limit=2", warned]);
}

#[test]
fn a_list_that_is_refused_while_a_probe_is_under_way_looks_for_itself() {
    let (run, stream) = (run(), stream("responses", 2));
    let mut first = list(&stream, &run);
    let mut reader = Reader::new(&stream);
    let Next::Ask(ask) = first.first() else { unreachable!("a first page") };
    let Ok(Next::Ask(_)) = reader.next(&mut first, &ask, None) else { unreachable!("a probe") };
    // That of the first is not answered yet.
    let asked = walk("surveys", 2, &run, &[None, ok(&[(1, 1)], "")]);
    assert_eq!(asked.last().map(String::as_str), Some("done"), "{asked:?}");
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[test]
fn a_list_that_answered_makes_404_believable() {
    let run = run();
    walk("surveys", 2, &run, &[ok(&[(1, 1)], "")]);
    assert_eq!(walk("responses", 2, &run, &[None]), ["limit=2", "done"]);
}

#[test]
fn a_failing_probe_fails_the_walk() {
    let (run, stream) = (run(), stream("surveys", 2));
    let mut list = list(&stream, &run);
    list.stage = Stage::Probing;
    let (ask, envelope) = (Ask::default(), Envelope::default());
    let facts = PageFacts {
        ask: &ask,
        status: 302,
        headers: &NoHeaders,
        envelope: &envelope,
        rows: 0,
        keys: &[],
        exact: true,
        cursors: &[],
        known_whole: None,
    };
    assert_eq!(list.next(&facts), Err(PagingError::Probe { status: 302 }));
}

#[test]
fn an_edge_that_does_not_come_again_is_looked_at() {
    let asked = walk(
        "surveys",
        3,
        &run(),
        &[
            ok(&[(100, 1), (200, 2), (300, 3)], "a"),
            ok(&[(400, 5), (500, 6), (600, 7)], "b"),
            ok(&[(300, 3), (300, 4)], ""),
            ok(&[(700, 8)], ""),
            ok(&[(600, 7)], ""),
        ],
    );
    let edge = "limit=3 start=299 end=301";
    assert_eq!(
        asked,
        ["limit=3", "limit=3 cursor=a", edge, "limit=3 cursor=b", "limit=3 start=599 end=601", "done"]
    );
}

#[test]
fn rows_that_come_again_end_the_looking() {
    let asked = walk(
        "surveys",
        2,
        &run(),
        &[ok(&[(100, 1), (200, 2)], "a"), ok(&[(200, 2), (300, 3)], "b"), ok(&[(400, 4)], "")],
    );
    assert_eq!(asked, ["limit=2", "limit=2 cursor=a", "limit=2 cursor=b", "done"]);
}

#[test]
fn what_is_left_is_asked_for_when_an_empty_page_follows() {
    let asked =
        walk("surveys", 2, &run(), &[ok(&[(100, 1), (200, 2)], "a"), ok(&[], ""), ok(&[(200, 2)], "a")]);
    assert_eq!(asked, ["limit=2", "limit=2 cursor=a", "limit=2 start=199", "done"]);
}

#[test]
fn twenty_whole_edges_are_enough() {
    let mut answers = vec![ok(&[(0, 0), (1000, 1), (1000, 2)], "c0")];
    for number in 1..=20 {
        let at = i64::from(number) * 1000;
        let id = number * 2;
        answers.push(ok(
            &[(at + 500, 1000 + id), (at + 1000, id + 1), (at + 1000, id + 2)],
            &format!("c{number}"),
        ));
        answers.push(ok(&[(at, id - 1), (at, id)], ""));
    }
    answers.push(ok(&[(90_000, 9000)], ""));
    let asked = walk("surveys", 3, &run(), &answers);
    assert_eq!(asked.iter().filter(|ask| ask.contains("start=")).count(), 20);
    assert_eq!(asked[asked.len() - 2..], ["limit=3 cursor=c20", "done"]);
}

#[test]
fn a_full_page_of_one_millisecond_fails() {
    let tied =
        "more than a page of rows share the millisecond 1700000000100, which this cursor cannot walk through";
    assert_eq!(walk("surveys", 2, &run(), &[ok(&[(100, 1), (100, 2)], "a")]), ["limit=2", tied]);
    assert_eq!(walk("surveys", 2, &run(), &[ok(&[(100, 1), (100, 2)], "")]), ["limit=2", "done"]);
    let cut = [ok(&[(50, 1), (100, 2)], "a"), ok(&[(200, 4)], ""), ok(&[(100, 2), (100, 3)], "x")];
    assert_eq!(walk("surveys", 2, &run(), &cut)[3], tied);
}

#[test]
fn where_the_page_size_is_not_known_the_walk_is_unproven() {
    let row = |at: i64, id: u32| {
        let at = 1_700_000_000_000 + at;
        format!(r#"{{"id":{id},"responseGroupUid":"g","questionId":1,"createdAt":{at}}}"#)
    };
    let themes =
        |rows: &[String], cursor: &str| Some(format!(r#"{{"cursor":{cursor},"data":[{}]}}"#, rows.join(",")));
    let answers = [
        themes(&[row(100, 1), row(100, 2)], "\"a\""),
        themes(&[row(200, 4)], "null"),
        themes(&[row(100, 1), row(100, 2)], "\"x\""),
    ];
    assert_eq!(walk("themes", 0, &run(), &answers), ["", "cursor=a", "start=099 end=101", "done; unproven"]);
}

#[test]
fn a_stuck_cursor_fails() {
    let asked = walk("surveys", 2, &run(), &[ok(&[(100, 1), (200, 2)], "a"), ok(&[(200, 2), (300, 3)], "a")]);
    assert_eq!(asked[2], "page 2 has a cursor that was followed before: the walk would never end");
}

/// A list of a vendor with these manners.
#[derive(Debug, Clone, Copy)]
struct Vendor {
    descending: bool,
    shuffled: bool,
    position: Position,
    last: Last,
    inclusive: (bool, bool),
    limit: usize,
    /// Which of the requests with a cursor is answered with 404, from 1.
    dies: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Inclusive,
    Exclusive,
    Exact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Null,
    ThenNotFound,
    ThenEmpty,
}

impl Vendor {
    fn answer(self, all: &[(i64, u32)], ask: &Ask) -> Option<String> {
        let bound =
            |name| param(ask, name).map(|at| at.parse::<i64>().expect("a number") - 1_700_000_000_000);
        let mut rows: Vec<(i64, u32)> = all
            .iter()
            .copied()
            .filter(|(at, _)| bound(FROM).is_none_or(|from| *at > from || (self.inclusive.0 && *at == from)))
            .filter(|(at, _)| bound(TO).is_none_or(|to| *at < to || (self.inclusive.1 && *at == to)))
            .collect();
        rows.sort_unstable();
        if self.descending {
            rows.reverse();
        }
        if let Some((at, id)) = param(ask, "cursor").and_then(|cursor| cursor.split_once('/')) {
            let (at, id): (i64, u32) = (at.parse().expect("a number"), id.parse().expect("a number"));
            rows.retain(|&row| {
                let behind = if self.descending { row.0 < at } else { row.0 > at };
                match self.position {
                    Position::Inclusive => behind || row.0 == at,
                    Position::Exclusive => behind,
                    Position::Exact if self.descending => row < (at, id),
                    Position::Exact => row > (at, id),
                }
            });
        }
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if rows.is_empty() {
            return (self.last != Last::ThenNotFound).then(|| page(&[], ""));
        }
        let (mut at, id) = rows[rows.len() - 1];
        if !more && self.position == Position::Inclusive {
            at += if self.descending { -1 } else { 1 };
        }
        let cursor = if more || self.last != Last::Null { format!("{at}/{id}") } else { String::new() };
        if self.shuffled {
            rows.rotate_left(1);
        }
        Some(page(&rows, &cursor))
    }
}

/// The numbers of the rows that a walk gets, and how it ended.
fn walked(vendor: Vendor, all: &[(i64, u32)]) -> (HashSet<String>, End) {
    let stream = stream("surveys", u32::try_from(vendor.limit).expect("small"));
    let mut list = list(&stream, &run());
    let mut reader = Reader::new(&stream);
    let mut next = list.first();
    let (mut ids, mut followed) = (HashSet::new(), 0);
    loop {
        match next {
            Next::Ask(ask) => {
                followed += usize::from(param(&ask, "cursor").is_some());
                let dead = param(&ask, "cursor").is_some() && followed == vendor.dies;
                let answer = if dead { None } else { vendor.answer(all, &ask) };
                let numbers = answer.iter().flat_map(|page| page.split("\"id\":").skip(1));
                ids.extend(numbers.filter_map(|rest| rest.split(',').next()).map(str::to_owned));
                next = reader.next(&mut list, &ask, answer.as_deref()).unwrap_or_else(|error| {
                    unreachable!("{vendor:?}: {error}");
                });
            }
            Next::Done(end) => return (ids, end),
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn every_row_comes_whatever_the_vendors_manners() {
    // Ties of up to three rows, most edges of small pages among them.
    let all: Vec<(i64, u32)> = (0..40).map(|id| (i64::from(id / 3) * 10 + i64::from(id % 2), id)).collect();
    let expected: HashSet<String> = all.iter().map(|(_, id)| id.to_string()).collect();
    for (limit, dies) in [6, 11, 39, 40].into_iter().flat_map(|limit| (0..4).map(move |dies| (limit, dies))) {
        for mask in 0..16_u8 {
            for position in [Position::Inclusive, Position::Exclusive, Position::Exact] {
                for last in [Last::Null, Last::ThenNotFound, Last::ThenEmpty] {
                    let vendor = Vendor {
                        descending: mask & 1 > 0,
                        shuffled: mask & 2 > 0,
                        position,
                        last,
                        inclusive: (mask & 4 > 0, mask & 8 > 0),
                        limit,
                        dies,
                    };
                    let (ids, end) = walked(vendor, &all);
                    assert_eq!(ids, expected, "{vendor:?}");
                    assert_eq!(end.unproven, None, "{vendor:?}");
                }
            }
        }
    }
}
