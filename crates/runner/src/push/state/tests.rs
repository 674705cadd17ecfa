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

/// How far a push got, as far as it was told.
#[derive(Debug, Default)]
struct Told {
    begun: bool,
    ended: bool,
    saved: bool,
}

fn push(folder: &Path, told: &mut Told) -> Result<(), PushError> {
    let ann = record("ann", &[("plan", "pro")]);
    let mut state = State::open(folder, true)?;
    let id = state.begin(&[&ann], true)?;
    told.begun = true;
    state.end(id, &applied(&ann, &[]), false)?;
    told.ended = true;
    let bob = record("bob", &[("plan", "free")]);
    let id = state.begin(&[&bob], false)?;
    state.end(id, &applied(&bob, &[]), false)?;
    state.save()?;
    told.saved = true;
    Ok(())
}

#[test]
fn whatever_call_fails_what_was_sent_is_known_or_unsure() {
    use userhaul_storage::fault::{Fault, Lost, arm};
    let losses = [Lost::Content, Lost::HalfOfContent, Lost::Names, Lost::Everything];
    let faults = [Fault::Broken, Fault::Full, Fault::Denied, Fault::Killed];
    for fault in faults.into_iter().chain(losses.map(Fault::PowerLost)) {
        for at in 1.. {
            let folder = tempfile::tempdir().expect("a folder");
            let place = folder.path().join("push");
            State::open(&place, true).and_then(|mut state| state.save()).expect("a state");
            let armed = arm(folder.path(), at, fault);
            let mut told = Told::default();
            let done = push(&place, &mut told);
            let struck = armed.struck();
            drop(armed);
            let mut state = State::open(&place, true).expect("a state that is whole");
            let ann = record("ann", &[("plan", "pro")]);
            let unsure = state.get(&ann).is_some_and(|kept| kept.unknown);
            let known = state.has(&ann, false);
            let line = format!("{fault:?} at {at}: {told:?}, known: {known}, unsure: {unsure}");
            assert!(told.begun || !known, "{line}");
            assert!(!told.begun || known || unsure, "{line}");
            assert!(!told.begun || told.ended || unsure, "{line}");
            assert!(!told.saved || known, "{line}");
            assert!(struck || done.is_ok(), "{line}");
            state.save().expect("a state");
            drop(state);
            let names = fs::read_dir(&place).expect("a folder").flatten().map(|entry| entry.file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            assert_eq!(names, ["lock", "state"], "{line}");
            if !struck {
                break;
            }
        }
    }
}
