//! The loop that sends: journal, request, verdict, state; refused groups in halves until the offending records are alone.

use std::collections::VecDeque;

use futures::{StreamExt, stream::FuturesUnordered};
use userhaul_client::{ErrorKind, Page, Payload, SendError};
use userhaul_connector::{
    code::Code,
    push::{Answer, Body, Call, Fault, Record, Repeat, Setup, Stop, Verdict},
    request::{Request, Target as Address},
};

use crate::record::{StreamRecord, StreamStatus};

use super::{
    Push, PushError, Pushed, end_early, faults_of,
    finish::form,
    state::{Outcome, State},
};

/// A record is passed on from step to step at most so often.
const MOST_STEPS: u32 = 8;

/// After so many single records refused in a row, and none applied, the requests themselves are wrong.
const HOPELESS: u32 = 20;

/// Groups whose fate is not known in a row, after which the vendor is taken to be down.
const DOWN: u32 = 2;

struct Work {
    step: &'static str,
    items: Vec<usize>,
    steps: u32,
}

/// Where the loop stands.
#[derive(Default)]
struct Course {
    applied: u64,
    refusals: u32,
    unknowns: u32,
    over: bool,
}

/// Sends the setup, then the records.
pub(super) async fn all(
    push: &Push<'_>,
    state: &mut State,
    setup: &Setup,
    records: &[Record],
    which: &[usize],
    pushed: &mut Pushed,
) {
    let mut course = Course::default();
    if !which.is_empty() {
        for call in &setup.calls {
            if course.over || push.stopped() {
                break;
            }
            if let Err(error) = first(push, state, call, &mut course, pushed).await {
                unwritten(&error, &mut course, pushed);
            }
        }
    }
    let planned = push.target.plan(records, which);
    let mut queue: VecDeque<Work> =
        planned.into_iter().map(|(step, items)| Work { step, items, steps: 0 }).collect();
    push.progress.begun(&push.source.name, push.spec().name);
    let places = if push.target.one_at_a_time() { 1 } else { push.source.concurrency.max(1) };
    let mut under_way = FuturesUnordered::new();
    let mut late = false;
    loop {
        while under_way.len() < places && !course.over && !push.stopped() {
            let waits = queue.front().is_some_and(|work| push.target.waits(work.step));
            if waits && !under_way.is_empty() && !late {
                break;
            }
            late = waits;
            let Some(work) = queue.pop_front() else { break };
            let call = push.target.compose(work.step, records, &work.items);
            let carried: Vec<&Record> = work.items.iter().map(|&item| &records[item]).collect();
            let never = call.repeat == Repeat::Never && push.target.doubt(&call).is_none();
            let id = match state.begin(&carried, never) {
                Ok(id) => id,
                // What is not noted is not sent.
                Err(error) => {
                    unwritten(&error, &mut course, pushed);
                    queue.push_front(work);
                    break;
                }
            };
            under_way.push(async move {
                let result = send(push, &call).await;
                (work, call, id, result)
            });
        }
        let Some((work, call, id, result)) = under_way.next().await else { break };
        count(&result, pushed);
        let verdict = verdict(push, &call, records, result, &mut course);
        let outcome = settle(push, records, &work, &call, verdict, &mut queue, &mut course, pushed);
        if let Err(error) = state.end(id, &outcome, push.options.replace) {
            unwritten(&error, &mut course, pushed);
        }
        push.progress.page(&push.source.name, push.spec().name, outcome.applied.len() as u64, 0);
    }
    let over = StreamRecord { status: StreamStatus::Ok, ..StreamRecord::default() };
    push.progress.finished(&push.source.name, push.spec().name, &over);
    for work in queue {
        for &item in &work.items {
            let reason = if push.stopped() {
                "interrupted before it was sent"
            } else {
                "not sent: the push ended before"
            };
            pushed
                .faults
                .extend(faults_of(&records[item], &Fault::of_record(item, None, Code::NotSent, reason)));
        }
    }
}

/// What is sent can no longer be noted: nothing more is.
fn unwritten(error: &PushError, course: &mut Course, pushed: &mut Pushed) {
    course.over = true;
    super::unwritten(error, pushed);
}

/// A call that must succeed before records are sent.
async fn first(
    push: &Push<'_>,
    state: &mut State,
    call: &Call,
    course: &mut Course,
    pushed: &mut Pushed,
) -> Result<(), PushError> {
    let id = state.begin(&[], false)?;
    let result = send(push, call).await;
    count(&result, pushed);
    let mut outcome = Outcome::default();
    match verdict(push, call, &[], result, course) {
        Verdict::Done { faults, notes } if faults.is_empty() => {
            pushed.record.warnings.extend(notes);
            pushed.record.definitions += (call.learns.len() / 2) as u64;
            outcome.memory = call.learns.clone();
        }
        Verdict::Stop(stop) => stopped(stop, course, pushed),
        Verdict::Refused(fault) | Verdict::Split(fault) => {
            let message = format!("the definitions were refused: {}", fault.reason);
            stopped(Stop { code: Code::DefinitionRefused, message, hint: None }, course, pushed);
        }
        Verdict::Unknown(reason) => {
            let message = format!("it is not known whether the definitions were taken: {reason}");
            stopped(
                Stop { code: Code::Unknown, message, hint: Some("run it again".to_owned()) },
                course,
                pushed,
            );
        }
        Verdict::Done { .. } | Verdict::Absent(_) | Verdict::Next(_) => {
            stopped(
                Stop {
                    code: Code::Internal,
                    message: "definitions have no such verdict".to_owned(),
                    hint: None,
                },
                course,
                pushed,
            );
        }
    }
    state.end(id, &outcome, false)
}

fn stopped(stop: Stop, course: &mut Course, pushed: &mut Pushed) {
    course.over = true;
    end_early(pushed, stop.code, stop.message, stop.hint);
}

fn count(result: &Result<Page, SendError>, pushed: &mut Pushed) {
    let attempts = match result {
        Ok(page) => page.attempts,
        Err(error) => error.attempts(),
    };
    pushed.record.requests += u64::from(attempts.requests);
    pushed.record.retries += u64::from(attempts.retries);
    pushed.record.throttled += u64::from(attempts.throttled);
}

async fn send(push: &Push<'_>, call: &Call) -> Result<Page, SendError> {
    let (body, content_type) = match &call.body {
        Body::Empty => (None, None),
        Body::Json(bytes) => (Some(bytes.clone().into()), Some("application/json")),
        Body::Form(pairs) => (Some(form(pairs).into()), Some("application/x-www-form-urlencoded")),
    };
    let payload = Payload { body, content_type, repeatable: call.repeat == Repeat::Safe };
    push.source.client.write(&request(push, call), &payload).await
}

/// The request of a call.
pub(super) fn request(push: &Push<'_>, call: &Call) -> Request {
    Request {
        method: call.method,
        target: Address::Path(call.path.clone()),
        query: call.query.clone(),
        auth: call.auth.clone(),
        accept: call.accept.clone(),
        timeout: push.source.timeout,
    }
}

/// What an answer, or none, means. A vendor that repeats the credential in its reasons is not quoted.
fn verdict(
    push: &Push<'_>,
    call: &Call,
    records: &[Record],
    result: Result<Page, SendError>,
    course: &mut Course,
) -> Verdict {
    let clean = |text: String| userhaul_client::without_credential(&text, &call.auth);
    let cleaned = |fault: Fault| Fault { reason: clean(fault.reason), ..fault };
    match judged(push, call, records, result, course) {
        Verdict::Done { faults, notes } => Verdict::Done {
            faults: faults.into_iter().map(cleaned).collect(),
            notes: notes.into_iter().map(|note| note.map(clean)).collect(),
        },
        Verdict::Split(fault) => Verdict::Split(cleaned(fault)),
        Verdict::Refused(fault) => Verdict::Refused(cleaned(fault)),
        Verdict::Unknown(reason) => Verdict::Unknown(clean(reason)),
        Verdict::Stop(stop) => Verdict::Stop(Stop { message: clean(stop.message), ..stop }),
        Verdict::Absent(note) => Verdict::Absent(note.map(clean)),
        verdict @ Verdict::Next(_) => verdict,
    }
}

fn judged(
    push: &Push<'_>,
    call: &Call,
    records: &[Record],
    result: Result<Page, SendError>,
    course: &mut Course,
) -> Verdict {
    let error = match result {
        Ok(page) => {
            course.unknowns = 0;
            return push.target.judge(call, records, Answer { status: page.status, body: &page.body });
        }
        Err(error) => error,
    };
    if let Some(status @ (401 | 403)) = error.status()
        && error.kind() == ErrorKind::Credentials
    {
        return push.target.forbidden(call, status);
    }
    if error.may_have_arrived() {
        if call.repeat == Repeat::Never
            && let Some(step) = push.target.doubt(call)
        {
            return Verdict::Next(step);
        }
        course.unknowns += 1;
        course.over |= course.unknowns >= DOWN;
        return Verdict::Unknown(error.to_string());
    }
    if let Some(status) = error.status().filter(|status| (400..500).contains(status) && *status != 429) {
        let reason = error.excerpt().map_or_else(|| format!("answered {status}"), str::to_owned);
        let fault = Fault::of_record(0, None, Code::Rejected, reason);
        return Verdict::Refused(Fault { status: Some(status), ..fault });
    }
    let code = match error.kind() {
        ErrorKind::Transient => Code::SourceUnavailable,
        ErrorKind::Credentials => Code::Credentials,
        ErrorKind::RateLimited => Code::RateLimited,
        ErrorKind::Settings => Code::Settings,
        ErrorKind::Vendor | ErrorKind::Output | ErrorKind::Bug => Code::VendorError,
    };
    Verdict::Stop(Stop { code, message: error.to_string(), hint: error.hint() })
}

/// Takes a verdict over: faults to their rows, what goes on into the queue; what is left is for the state.
#[expect(clippy::too_many_arguments, reason = "the loop's own parts")]
fn settle<'r>(
    push: &Push<'_>,
    records: &'r [Record],
    work: &Work,
    call: &Call,
    verdict: Verdict,
    queue: &mut VecDeque<Work>,
    course: &mut Course,
    pushed: &mut Pushed,
) -> Outcome<'r> {
    let mut outcome = Outcome::default();
    let carried = |items: &[usize]| items.iter().map(|&item| &records[item]).collect::<Vec<_>>();
    match verdict {
        Verdict::Done { faults, notes } => {
            notes.into_iter().for_each(|note| pushed.record.warnings.push_new(note));
            course.applied += 1;
            outcome = applied(push, records, &work.items, &faults, pushed);
            outcome.memory.clone_from(&call.learns);
        }
        Verdict::Absent(note) => {
            course.applied += 1;
            pushed.record.warnings.push_new(note);
            outcome.applied = carried(&work.items).into_iter().map(|record| (record, Vec::new())).collect();
        }
        Verdict::Split(_) if work.items.len() > 1 => {
            let (left, right) = work.items.split_at(work.items.len() / 2);
            for half in [right, left] {
                queue.push_front(Work { step: work.step, items: half.to_vec(), steps: work.steps });
            }
        }
        Verdict::Split(fault) | Verdict::Refused(fault) => {
            course.refusals += 1;
            for &item in &work.items {
                pushed
                    .faults
                    .extend(faults_of(&records[item], &Fault { record: Some(item), ..fault.clone() }));
            }
            if course.applied == 0 && course.refusals >= HOPELESS {
                hopeless(&fault, queue, course, pushed);
            }
        }
        Verdict::Next(step) if work.steps < MOST_STEPS => {
            queue.push_front(Work { step, items: work.items.clone(), steps: work.steps + 1 });
        }
        Verdict::Next(_) => {
            unknown(push, records, work, call, "no end after many steps", &mut outcome, pushed);
        }
        Verdict::Unknown(reason) => unknown(push, records, work, call, &reason, &mut outcome, pushed),
        Verdict::Stop(stop) => {
            // Those of this request are as little sent as the ones that wait.
            queue.push_front(Work { step: work.step, items: work.items.clone(), steps: work.steps });
            stopped(stop, course, pushed);
        }
    }
    outcome
}

/// Nothing but refusals: tries single records from the other end, which may be of another kind, and then gives up.
fn hopeless(fault: &Fault, queue: &mut VecDeque<Work>, course: &mut Course, pushed: &mut Pushed) {
    if course.refusals < 2 * HOPELESS {
        let Some(mut last) = queue.pop_back() else { return };
        let probe = last.items.pop();
        if let Some(probe) = probe {
            queue.push_front(Work { step: last.step, items: vec![probe], steps: last.steps });
        }
        if !last.items.is_empty() {
            queue.push_back(last);
        }
    } else if !queue.is_empty() {
        let message =
            format!("the first {} were all refused, the last for: {}", course.refusals, fault.reason);
        let hint = "the requests may look different: correct them under `wire`".to_owned();
        stopped(Stop { code: Code::AllRefused, message, hint: Some(hint) }, course, pushed);
    }
}

fn unknown<'r>(
    push: &Push<'_>,
    records: &'r [Record],
    work: &Work,
    call: &Call,
    reason: &str,
    outcome: &mut Outcome<'r>,
    pushed: &mut Pushed,
) {
    let never = call.repeat == Repeat::Never && push.target.doubt(call).is_none();
    for &item in &work.items {
        let record = &records[item];
        if never {
            outcome.unknown.push(record)
        } else {
            outcome.lost.push(record)
        }
        pushed.faults.extend(faults_of(record, &Fault::of_record(item, None, Code::Unknown, reason)));
    }
}

/// The records of a request that was applied, but for the faults.
fn applied<'r>(
    push: &Push<'_>,
    records: &'r [Record],
    items: &[usize],
    faults: &[Fault],
    pushed: &mut Pushed,
) -> Outcome<'r> {
    let mut outcome = Outcome::default();
    let mut by_record: std::collections::HashMap<usize, Vec<&Fault>> = std::collections::HashMap::new();
    for fault in faults {
        by_record.entry(fault.record.unwrap_or_default()).or_default().push(fault);
    }
    for &item in items {
        let record = &records[item];
        let Some(own) = by_record.get(&item) else {
            outcome.applied.push((record, Vec::new()));
            continue;
        };
        for fault in own {
            pushed.faults.extend(faults_of(record, fault));
        }
        // Where everything else is removed, it is not known what a failed value took with it.
        if push.options.replace || own.iter().any(|fault| fault.field.is_none()) {
            outcome.lost.push(record);
        } else {
            outcome.applied.push((record, own.iter().filter_map(|fault| fault.field.clone()).collect()));
        }
    }
    outcome
}
