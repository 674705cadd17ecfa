//! State and journal, over kills and damage.

use userhaul_connector::push::{Entry, Value};

use super::*;

fn record(key: &str, values: &[(&str, &str)]) -> Record {
    let entry =
        |&(name, value): &(&str, &str)| Entry { name: name.into(), value: Value::text(value), row: 1 };
    Record { key: key.into(), fields: values.iter().map(entry).collect(), rows: vec![1], ..Record::default() }
}

fn applied<'a>(record: &'a Record, failed: &[&str]) -> Outcome<'a> {
    let failed = failed.iter().map(|name| (*name).to_owned()).collect();
    Outcome { applied: vec![(record, failed)], ..Outcome::default() }
}

#[test]
fn what_was_pushed_is_known_again_and_holds_nothing_in_the_clear() {
    let folder = tempfile::tempdir().expect("a folder");
    let ann = record("ann@example.com", &[("plan", "pro"), ("seats", "3")]);
    let mut state = State::open(folder.path(), true).expect("a state");
    let id = state.begin(&[&ann], false).expect("a line");
    state.end(id, &applied(&ann, &["seats"]), false).expect("a line");
    assert!(!state.has(&ann, false));
    assert!(state.has(&record("ann@example.com", &[("plan", "pro")]), false));
    state.save().expect("a file");
    let text = fs::read_to_string(folder.path().join("state")).expect("the file");
    assert!(!text.contains("ann") && !text.contains("pro\""), "{text}");
    drop(state);
    let state = State::open(folder.path(), true).expect("a state");
    assert!(state.has(&record("ann@example.com", &[("plan", "pro")]), false));
    assert!(!state.has(&record("ann@example.com", &[("plan", "free")]), false));
    assert!(!state.has(&record("ann@example.com", &[("plan", "pro")]), true));
}

#[test]
fn a_kill_between_begin_and_end_makes_the_record_unsure() {
    for (never, unknown) in [(false, false), (true, true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let ann = record("ann", &[("plan", "pro")]);
        let mut state = State::open(folder.path(), true).expect("a state");
        let id = state.begin(&[&ann], false).expect("a line");
        state.end(id, &applied(&ann, &[]), false).expect("a line");
        let bob = record("bob", &[("plan", "free")]);
        let id = state.begin(&[&bob], false).expect("a line");
        state.end(id, &applied(&bob, &[]), false).expect("a line");
        state.begin(&[&ann], never).expect("a line");
        drop(state);
        // The kill cut a line off, too.
        let journal = folder.path().join("journal");
        let text = fs::read_to_string(&journal).expect("the journal");
        fs::write(&journal, format!("{text}{{\"End\":{{\"id\":3,\"app")).expect("the journal");
        let mut state = State::open(folder.path(), true).expect("a state");
        assert!(!state.has(&ann, false) && state.has(&bob, false));
        assert_eq!(state.get(&ann).is_some_and(|kept| kept.unknown), unknown);
        state.begin(&[&bob], false).expect("a line");
        drop(state);
        assert!(!State::open(folder.path(), true).expect("a state").has(&bob, false));
    }
}

#[test]
fn a_replacing_push_knows_what_is_no_longer_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, part) =
        (record("ann", &[("plan", "pro"), ("seats", "3")]), record("ann", &[("plan", "pro")]));
    let mut state = State::open(folder.path(), true).expect("a state");
    let id = state.begin(&[&whole], false).expect("a line");
    state.end(id, &applied(&whole, &[]), true).expect("a line");
    assert!(state.has(&whole, true) && state.has(&part, false) && !state.has(&part, true));
}

#[test]
fn a_damaged_state_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let ann = record("ann", &[("plan", "pro")]);
    let mut state = State::open(folder.path(), true).expect("a state");
    let id = state.begin(&[&ann], false).expect("a line");
    state.end(id, &applied(&ann, &[]), false).expect("a line");
    state.save().expect("a file");
    drop(state);
    let path = folder.path().join("state");
    let text = fs::read_to_string(&path).expect("the file");
    for end in 0..text.len() - 1 {
        fs::write(&path, &text.as_bytes()[..end]).expect("the file");
        assert!(State::open(folder.path(), false).is_err(), "{end}");
    }
}
