use super::*;
use userhaul_connector::{
    code::Code,
    pager::{Ask, End, Headers, Next, PageFacts, Pager},
    plan::{PlanInputs, plan},
};

#[derive(Debug)]
struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _name: &str) -> Option<&str> {
        None
    }
}

/// A walk over users with what was asked so far.
struct Users(Box<dyn Pager>);

impl Users {
    fn new() -> (Self, Next) {
        let connector = connector(&[]);
        let mut pager = connector.pager(&connector.spec().streams["users"]);
        let first = pager.first();
        (Self(pager), first)
    }

    /// The answer to `ask`: these users, of `total` on `pages`.
    fn answer(&mut self, ask: &Ask, keys: &[u64], total: u64, pages: u64) -> Next {
        let page = format!(
            r#"{{ "results": [], "pagination": {{ "totalResults": {total}, "totalPages": {pages} }} }}"#
        );
        self.status(ask, 200, keys, &page)
    }

    fn status(&mut self, ask: &Ask, status: u16, keys: &[u64], page: &str) -> Next {
        let users = &spec().streams["users"];
        let options = DecodeOptions {
            table: users.table.clone(),
            derived: Vec::new(),
            items: users.items.clone(),
            single: false,
            custom: None,
            rules: Vec::new(),
        };
        let lineage = Lineage { source: "lms", run_id: "r1", extracted_at: 0, given: &[] };
        let envelope = Decoder::new(&options).page(page.as_bytes(), &lineage).map(|(_, envelope)| envelope);
        let facts = PageFacts {
            ask,
            status,
            headers: &NoHeaders,
            envelope: &envelope.unwrap_or_default(),
            rows: keys.len() as u64,
            keys,
            exact: true,
            cursors: &[],
            known_whole: None,
        };
        self.0.next(&facts).expect("the walk goes on")
    }
}

fn ask(next: &Next) -> Ask {
    match next {
        Next::Ask(ask) => ask.clone(),
        other => panic!("not one ask: {other:?}"),
    }
}

fn query(ask: &Ask) -> String {
    let shown: Vec<String> = ask
        .params
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-")))
        .collect();
    shown.join("&")
}

#[test]
fn a_list_that_shows_all_statuses_is_walked_once() {
    let (mut users, first) = Users::new();
    let first = ask(&first);
    assert_eq!((query(&first).as_str(), first.accept.as_slice()), ("page=1&perPage=1000", [].as_slice()));
    let probe = ask(&users.answer(&first, &[1, 2], 2, 1));
    assert_eq!(query(&probe), "page=1&perPage=1&statuses=active,inactive,expired,new");
    assert!(probe.facts_only);
    assert_eq!(users.answer(&probe, &[1], 2, 2), Next::Done(End::default()));
}

#[test]
fn a_list_that_hides_some_is_walked_again_with_all_statuses() {
    let (mut users, first) = Users::new();
    let probe = ask(&users.answer(&ask(&first), &[1, 2], 2, 1));
    let again = ask(&users.answer(&probe, &[], 4, 4));
    assert_eq!(query(&again), "page=1&perPage=1000&statuses=active,inactive,expired,new");
    let Next::AskAll(others) = users.answer(&again, &[1, 2, 3], 4, 2) else {
        panic!("there is a second page")
    };
    let [other] = others.as_slice() else { panic!("there is one more page") };
    assert_eq!(query(other), "page=2&perPage=1000&statuses=active,inactive,expired,new");
    let recheck = ask(&users.answer(other, &[4], 4, 2));
    assert_eq!(query(&recheck), "page=1&perPage=1000&statuses=active,inactive,expired,new");
    let text = "2 users are listed without a status filter, 4 with one";
    let warnings = vec![Code::StatusesHidden.note(text)];
    assert_eq!(users.answer(&recheck, &[], 4, 2), Next::Done(End { warnings, ..End::default() }));
}

#[test]
fn a_refused_probe_is_a_warning() {
    let (mut users, first) = Users::new();
    let probe = ask(&users.answer(&ask(&first), &[1], 1, 1));
    let text = "the probe for other statuses was answered with 400";
    let warnings = vec![Code::StatusesHidden.note(text)];
    assert_eq!(users.status(&probe, 400, &[], "{}"), Next::Done(End { warnings, ..End::default() }));
}

#[test]
fn a_walk_that_is_not_proven_ends_without_a_probe() {
    let (mut users, first) = Users::new();
    let mut next = first;
    for _ in 0..3 {
        let ask = match &next {
            Next::Ask(ask) | Next::Restart(ask) => ask.clone(),
            other => panic!("not one ask: {other:?}"),
        };
        next = users.answer(&ask, &[1, 2], 3, 1);
    }
    let Next::Done(end) = next else { panic!("the walk goes on: {next:?}") };
    assert_eq!(
        end.unproven.as_ref().map(|note| note.text.as_str()),
        Some("the vendor counts 3 rows, 2 distinct ones came, in each of 3 walks")
    );
}

#[test]
fn requests_of_the_windowed_streams() {
    let day = 86_400_000_000;
    let now = 20_500 * day + 5_500_000;
    let shown = |name: &str, start: Option<i64>| -> Vec<String> {
        let inputs = PlanInputs { now, start, ..PlanInputs::default() };
        let slices = plan(&spec().streams[name], &inputs).expect("no start is required");
        let walks = slices.iter().flat_map(|slice| &slice.walks);
        walks
            .map(|walk| {
                walk.params
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .join("&")
            })
            .collect()
    };
    let start = Some(20_454 * day);
    assert_eq!(
        shown("activities", start),
        ["timestampFrom=2025-12-31 23:59:59&timestampTo=2026-02-16 00:00:07"]
    );
    assert_eq!(shown("cpd_entries", None), ["entryDateTo=2026-02-16 00:00:07"]);
    assert_eq!(
        shown("completions", start),
        [
            "isRPL=false&completedDateRangeStart=2026-01-01T00:00:00Z&completedDateRangeEnd=2026-02-16T00:00:06Z",
            "isRPL=true",
        ]
    );
    assert_eq!(
        shown("cpd_user_summaries", start),
        ["entryDateFrom=2026-01-01T00:00:00&entryDateTo=2026-12-31T23:59:59"]
    );
}

#[test]
fn requests_of_the_children() {
    let parents = ["a/1".to_owned(), "a2".to_owned()];
    let inputs = PlanInputs { parents: &parents, ..PlanInputs::default() };
    for (name, expected) in [
        ("audience_members", ["/rest/v1/audiences/a%2F1/members", "/rest/v1/audiences/a2/members"]),
        ("audience_managers", ["/rest/v1/audiences/a%2F1/managers", "/rest/v1/audiences/a2/managers"]),
        ("enrolments", ["/rest/v1/assignments/a%2F1/enrolments", "/rest/v1/assignments/a2/enrolments"]),
    ] {
        let slices = plan(&spec().streams[name], &inputs).expect("no start is required");
        let paths: Vec<&str> =
            slices.iter().flat_map(|slice| &slice.walks).map(|walk| walk.path.as_str()).collect();
        assert_eq!(paths, expected, "{name}");
    }
}
