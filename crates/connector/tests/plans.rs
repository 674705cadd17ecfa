//! Slices tile the range: no gap, no overlap, nothing after today.

use proptest::prelude::*;
use userhaul_connector::{
    plan::{PlanError, PlanInputs, plan, split},
    spec::{ConnectorSpec, StreamSpec},
};

const DAY: i64 = 86_400_000_000;
/// 2026-03-15T10:30:00Z.
const NOW: i64 = 1_773_570_600_000_000;

fn stream(axis: &str) -> StreamSpec {
    let path = if axis.contains("param = \"p\"") { "/{p}/x" } else { "/x" };
    let facts = format!(
        r#"
        connector = "x"
        title = "x"
        about = "x"
        docs = "x"
        concurrency = 1
        timeout = "1s"
        quota = {{ requests = 1, per = "1s", mode = "paced", docs = "x" }}
        check = {{ stream = "x" }}
        [streams.x]
        about = "x"
        docs = "x"
        path = "{path}"
        primary_key = ["id"]
        columns = {{ id = "id", at = "instant" }}
        axes = [{axis}]
        "#
    );
    ConnectorSpec::parse(&facts, None).expect("facts").stream("x").expect("stream").clone()
}

const DAYS: &str = r#"{ kind = "window", from = "from", to = "to", format = "day", by = "at", days = 7, pad = "1d", keep_inside = true, start_required = true }"#;
const WHOLE: &str =
    r#"{ kind = "window", from = "start", to = "end", format = "epoch_ms", by = "at", pad = "1ms" }"#;

proptest! {
    #[test]
    fn windows_of_days_tile_the_range(back in 0_i64..800) {
        let start = NOW - back * DAY;
        let slices = plan(&stream(DAYS), &PlanInputs { now: NOW, start: Some(start), ..PlanInputs::default() })
            .expect("a plan");
        let windows: Vec<_> = slices.iter().filter_map(|slice| slice.window).collect();
        prop_assert_eq!(windows.first().and_then(|window| window.from), Some(start.div_euclid(DAY) * DAY));
        for pair in windows.windows(2) {
            prop_assert_eq!(Some(pair[0].to), pair[1].from);
        }
        prop_assert!(windows.last().is_some_and(|window| window.holds(NOW)));
        let today = "2026-03-15".to_owned();
        for walk in slices.iter().flat_map(|slice| &slice.walks) {
            prop_assert!(walk.params.iter().all(|(_, value)| *value <= today));
        }
    }

    #[test]
    fn halves_tile_their_window(from in 0_i64..1_000_000, length in 2_i64..1_000_000) {
        let from = from * 1_000_000;
        let inputs = PlanInputs { now: from + length * 1_000_000, start: Some(from), ..PlanInputs::default() };
        let whole = plan(&stream(WHOLE), &inputs).expect("a plan");
        let [first, second] = split(&stream(WHOLE), &whole[0]).expect("two seconds or more can be halved");
        let (whole, first, second) = (whole[0].window, first.window, second.window);
        prop_assert_eq!(first.map(|window| window.from), whole.map(|window| window.from));
        prop_assert_eq!(first.map(|window| Some(window.to)), second.map(|window| window.from));
        prop_assert_eq!(second.map(|window| window.to), whole.map(|window| window.to));
    }
}

#[test]
fn windows_are_padded_on_both_sides_but_never_beyond_today() {
    let start = NOW.div_euclid(DAY) * DAY - 6 * DAY;
    let slices = plan(&stream(DAYS), &PlanInputs { now: NOW, start: Some(start), ..PlanInputs::default() })
        .expect("a plan");
    let params: Vec<_> = slices.iter().flat_map(|slice| slice.walks[0].params.clone()).collect();
    let expected = [("from", "2026-03-08"), ("to", "2026-03-15")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(params, expected);
}

/// A server that leaves out the day that it is told is asked for the next one, even where that is tomorrow.
#[test]
fn a_day_that_the_server_leaves_out_is_asked_for_by_the_next() {
    let axis = DAYS.replace("pad = \"1d\"", "to_inclusive = false");
    let start = NOW.div_euclid(DAY) * DAY - 8 * DAY;
    let slices = plan(&stream(&axis), &PlanInputs { now: NOW, start: Some(start), ..PlanInputs::default() })
        .expect("a plan");
    let ends = |slice: &userhaul_connector::slice::Slice| {
        slice.walks[0].params.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let asked: Vec<_> = slices.iter().map(ends).collect();
    assert_eq!(asked, [["2026-03-07", "2026-03-14"], ["2026-03-14", "2026-03-16"]]);
    let halves = split(&stream(&axis), &slices[0]).expect("seven days can be halved");
    assert_eq!(halves.map(|half| ends(&half)), [["2026-03-07", "2026-03-10"], ["2026-03-10", "2026-03-14"]]);
}

#[test]
fn a_window_over_the_whole_range_leaves_an_absent_start_out() {
    let slices = plan(&stream(WHOLE), &PlanInputs { now: NOW, ..PlanInputs::default() }).expect("a plan");
    assert_eq!(slices[0].walks[0].params, [("end".to_owned(), (NOW / 1000 + 1).to_string())]);
}

#[test]
fn a_stream_that_needs_a_start_says_so() {
    let refused = plan(&stream(DAYS), &PlanInputs { now: NOW, ..PlanInputs::default() });
    assert_eq!(refused, Err(PlanError::StartRequired { stream: "x".to_owned() }));
}

#[test]
fn parents_are_blocks_and_their_keys_are_encoded_in_the_path() {
    let axis =
        r#"{ kind = "parent", stream = "x", key = "id", param = "p", column = "parentId", block = 2 }"#;
    let parents = ["a/b".to_owned(), "c d".to_owned(), "é%".to_owned()];
    let slices = plan(&stream(axis), &PlanInputs { now: NOW, parents: &parents, ..PlanInputs::default() })
        .expect("a plan");
    let paths: Vec<Vec<&str>> =
        slices.iter().map(|slice| slice.walks.iter().map(|walk| walk.path.as_str()).collect()).collect();
    assert_eq!(paths, [vec!["/a%2Fb/x", "/c%20d/x"], vec!["/%C3%A9%25/x"]]);
    assert_eq!(slices[0].walks[0].given, [Some("a/b".to_owned())]);
}

#[test]
fn halves_of_days_do_not_reach_beyond_today_either() {
    let start = NOW.div_euclid(DAY) * DAY - 3 * DAY;
    let inputs = PlanInputs { now: NOW, start: Some(start), ..PlanInputs::default() };
    let whole = plan(&stream(DAYS), &inputs).expect("a plan");
    let [first, second] = split(&stream(DAYS), &whole[0]).expect("four days can be halved");
    let ends = |slice: &userhaul_connector::slice::Slice| {
        let params = &slice.walks[0].params;
        params.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ends(&first), ["2026-03-11", "2026-03-14"]);
    assert_eq!(ends(&second), ["2026-03-13", "2026-03-15"]);
}

#[test]
fn the_day_at_which_the_range_ends_is_not_in_it() {
    let today = NOW.div_euclid(DAY) * DAY;
    let (start, end) = (Some(today - 5 * DAY), Some(today - 2 * DAY));
    let inputs = PlanInputs { now: NOW, start, end, ..PlanInputs::default() };
    let slices = plan(&stream(DAYS), &inputs).expect("a plan");
    assert_eq!(slices.last().and_then(|slice| slice.window).map(|window| window.to), end);
}
