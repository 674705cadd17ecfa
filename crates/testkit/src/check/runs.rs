//! Checks that compare one run with another, or look at when requests went out.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use userhaul_connector::{
    quota::{Quota, QuotaMode},
    spec::ConnectorSpec,
};
use userhaul_runner::record::RunStatus;

use super::PEOPLE;
use crate::{
    fault::{Answer, Asked, Fault},
    run::{Ran, Setting, clean, connector, folder, run, same_rows},
    subject::{Subject, World},
    wire::{BASE, Plan},
};

/// How often at most a subject is killed.
const KILLS: usize = 10;

/// Columns whose stability is a matter of the check `twice` alone: computed ones and synthetic keys.
///
/// # Panics
/// When the facts do not parse.
pub fn volatile(world: &dyn World) -> BTreeSet<String> {
    let spec = ConnectorSpec::parse(world.registration().facts, None).expect("the facts parse");
    let computed = spec.streams.values().flat_map(|stream| &stream.table.computed);
    computed.map(|column| column.name.clone()).chain(["_key".to_owned()]).collect()
}

/// As [`Setting::quick`], but with the facts' quota.
fn patient() -> Setting {
    Setting { quota: None, ..Setting::quick() }
}

fn not_ok(ran: &Ran) -> Option<String> {
    let ok = ran.record.as_ref().is_some_and(|record| record.status == RunStatus::Ok);
    (!ok).then(|| ran.told())
}

pub(super) fn page_size(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let volatile = volatile(world.as_ref());
    let whole = clean(&world, &Setting { page_rows: None, ..Setting::quick() });
    let mut problems: Vec<String> = not_ok(&whole).into_iter().collect();
    for rows in [12, 19] {
        let ran = clean(&world, &Setting { page_rows: Some(rows), ..Setting::quick() });
        let found = not_ok(&ran).into_iter().chain(same_rows(&whole.tables, &ran.tables, &volatile));
        problems.extend(found.map(|problem| format!("{rows} rows a page: {problem}")));
    }
    problems
}

pub(super) fn killed(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let volatile = volatile(world.as_ref());
    let whole = clean(&world, &Setting::quick());
    let requests = whole.exchanges.len();
    let mut problems = Vec::new();
    let steps = (1..=requests).step_by(requests.div_ceil(KILLS).max(1));
    for at in steps.chain([2, requests]) {
        let place = folder();
        let cut = run(&world, &Setting::quick(), Plan { fault: None, kill_at: Some(at) }, place.path());
        if cut.record.is_some() {
            continue;
        }
        let broken = cut.tables.values().find_map(|table| table.as_ref().err());
        problems.extend(broken.map(|problem| format!("killed at request {at}: {problem}")));
        let again = run(&world, &Setting::quick(), Plan::default(), place.path());
        let mut found: Vec<String> = not_ok(&again).into_iter().collect();
        found.extend(same_rows(&whole.tables, &again.tables, &volatile));
        if std::fs::read_dir(place.path().join("_userhaul/parts")).is_ok_and(|left| left.count() > 0) {
            found.push("something is left in the making".to_owned());
        }
        problems.extend(found.into_iter().map(|problem| format!("killed at request {at}: {problem}")));
    }
    problems
}

pub(super) fn twice(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let place = folder();
    let once = run(&world, &Setting::quick(), Plan::default(), place.path());
    let again = run(&world, &Setting::quick(), Plan::default(), place.path());
    let elsewhere = clean(&world, &Setting::quick());
    let none = BTreeSet::new();
    let mut problems: Vec<String> = [&once, &again, &elsewhere].into_iter().filter_map(not_ok).collect();
    problems.extend(
        same_rows(&once.tables, &again.tables, &none).into_iter().map(|what| format!("over itself: {what}")),
    );
    problems.extend(
        same_rows(&once.tables, &elsewhere.tables, &none)
            .into_iter()
            .map(|what| format!("elsewhere: {what}")),
    );
    problems
}

pub(super) fn quota(subject: &dyn Subject) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let facts = connector(world.as_ref(), BASE, &Setting::default()).spec().quota;
    let small = |mode| Quota { requests: 7, per: Duration::from_secs(10), mode };
    let mut problems = Vec::new();
    let imposed = [QuotaMode::Window, QuotaMode::Paced].map(|mode| (Some(small(mode)), small(mode)));
    // As the facts have it, judged by what the vendor allows.
    let published = (None, world.limit().unwrap_or(facts));
    for (set, limit) in imposed.into_iter().chain([published]) {
        let ran = clean(&world, &Setting { quota: set, ..Setting::quick() });
        problems.extend(not_ok(&ran));
        let times: Vec<_> = ran.exchanges.iter().map(|exchange| exchange.at).collect();
        let most = usize::try_from(limit.requests).unwrap_or(usize::MAX);
        let crowded = times.windows(most.saturating_add(1)).find(|window| {
            let (first, last) = (window.first(), window.last());
            first.zip(last).is_some_and(|(first, last)| *last - *first < limit.per)
        });
        if crowded.is_some() {
            problems.push(format!("more than {limit} went out ({:?})", limit.mode));
        }
    }
    problems
}

const LONG: Duration = Duration::from_secs(40);

fn any_stream(asked: &Asked<'_>) -> bool {
    asked.get && asked.stream.is_some()
}

const fn held(name: &'static str, act: crate::fault::Act) -> Fault {
    Fault { name, check: "retry_after", applies: any_stream, act, once: None, stays: None }
}

/// `Retry-After` in its forms, longer than any pause of our own choice.
const HELD: &[Fault] = &[
    held("429, seconds", |_, _, _| Ok(with(429, "40", ""))),
    held("429, date", |_, _, _| {
        Ok(with(429, "Sun, 09 Sep 2001 01:47:20 GMT", "Sun, 09 Sep 2001 01:46:40 GMT"))
    }),
    held("503, seconds", |_, _, _| Ok(with(503, "40", ""))),
];

fn with(status: u16, after: &str, date: &str) -> Answer {
    let mut answer = Answer::json(status, "");
    for (name, value) in [("retry-after", after), ("date", date)] {
        if !value.is_empty() {
            answer.headers.insert(name, value.parse().expect("a header's value"));
        }
    }
    answer
}

pub(super) fn retry_after(subject: &dyn Subject) -> Vec<String> {
    let world: Arc<dyn World> = subject.open(PEOPLE);
    let mut problems = Vec::new();
    for fault in HELD {
        for from in [1, 3] {
            let plan = Plan { fault: Some((fault, from, false)), kill_at: None };
            let ran = run(&world, &patient(), plan, folder().path());
            let hit = ran.exchanges.iter().find(|exchange| exchange.hit);
            let Some(told) = hit.and_then(|hit| hit.answered) else { continue };
            // What goes out at the very moment of the answer has not heard of it.
            let early = ran.exchanges.iter().find(|other| other.at > told && other.at < told + LONG);
            let early = early
                .map(|other| format!("asked again after {:.1} s of 40", (other.at - told).as_secs_f64()));
            let found = not_ok(&ran).into_iter().chain(early);
            problems.extend(found.map(|problem| format!("{} at request {from}: {problem}", fault.name)));
        }
    }
    problems
}
