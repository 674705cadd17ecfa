//! Guides, the runs that people make through them, and the events of these runs (section 3.5).
//!
//! Completions and exits never exceed starts: a run has one start, then steps, then at most one end.

use serde_json::Value;

use super::world::{DAY_MS, Draft, END_MS, Maker, Row, loose_name, moment, signed};

/// A guide.
#[derive(Debug)]
pub(super) struct Guide {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) steps: u64,
}

/// The guides of every property. The same ids everywhere: only (property, guide) is unique.
pub(super) const GUIDES: &[Guide] = &[
    Guide { id: "4471", name: "Create a purchase order", steps: 8 },
    Guide { id: "4472", name: "Rechnung prüfen – «neu»", steps: 3 },
    Guide { id: "9007199254740993", name: "經費報銷", steps: 5 },
    Guide { id: "g_onboarding", name: "Welcome tour 🎉", steps: 1 },
    Guide { id: "47/11 %2F é", name: "Odd id", steps: 2 },
];

/// Where a start may come from (documented domain, assumed spelling).
const SOURCES: &[&str] = &[
    "assistant_menu",
    "direct_link",
    "api_command",
    "welcome_slide",
    "announcement",
    "assistant_search",
    "promotion",
    "",
];

/// What happens in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    Started,
    StepShown(u64),
    StepError(u64),
    Completed,
    Exited { step: u64, by_error: bool },
}

/// One way of one user through one guide.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) guide: &'static Guide,
    /// None where the events are anonymous.
    pub(super) user: Option<String>,
    pub(super) session: Option<String>,
    pub(super) source: Option<&'static str>,
    /// In the order of time, the first is the start.
    pub(super) events: Vec<(i64, Happening)>,
}

/// About one run a person, of about three events.
pub(super) fn runs(maker: &Maker<'_>) -> Vec<Run> {
    let mut runs = Vec::new();
    for member in maker.members {
        let mut numbers = maker.numbers("guides", member);
        for _ in 0..numbers.below(3) {
            let guide = numbers.pick(GUIDES);
            let mut at_ms = moment(&mut numbers);
            let mut events = vec![(at_ms, Happening::Started)];
            let shown = numbers.below(guide.steps.min(3) + 1);
            for step in 1..=shown {
                at_ms += signed(numbers.below(90_000));
                events.push((at_ms, Happening::StepShown(step)));
            }
            at_ms += signed(numbers.below(60_000));
            match numbers.below(6) {
                0 => {}
                1 | 2 => events.push((at_ms, Happening::Completed)),
                // Begun on one day, completed on the next.
                3 => events.push((at_ms + DAY_MS, Happening::Completed)),
                4 => events.push((at_ms, Happening::Exited { step: shown, by_error: false })),
                _ => {
                    events.push((at_ms, Happening::StepError(shown)));
                    // At the same instant: the order of rows is all that tells them apart.
                    events.push((at_ms, Happening::Exited { step: shown, by_error: true }));
                }
            }
            events.retain(|&(at_ms, _)| at_ms < END_MS);
            let user = maker.maybe_user(member, &mut numbers);
            let session = (!numbers.chance(10)).then(|| format!("se_{}", numbers.hex(3)));
            let source = (!numbers.chance(10)).then(|| *numbers.pick(SOURCES));
            runs.push(Run { guide, user, session, source, events });
        }
    }
    runs
}

/// The events of all runs.
pub(super) fn rows(maker: &Maker<'_>, runs: &[Run]) -> Vec<Row> {
    let mut rows = Vec::new();
    for run in runs {
        for &(at_ms, happening) in &run.events {
            rows.push(Row { at_ms, body: event(maker, run, at_ms, happening, rows.len()) });
        }
    }
    rows
}

fn event(
    maker: &Maker<'_>,
    run: &Run,
    at_ms: i64,
    happening: Happening,
    index: usize,
) -> serde_json::Map<String, Value> {
    let mut numbers = crate::core::seed::Seed::of(maker.core.seed, "userlane guide event", index as u64);
    let (kind, step, reason) = match happening {
        Happening::Started => ("guide_started", None, None),
        Happening::StepShown(step) => ("step_shown", Some(step), None),
        Happening::StepError(step) => ("step_error", Some(step), None),
        Happening::Completed => ("guide_completed", None, None),
        Happening::Exited { step, by_error } => {
            ("guide_exited", Some(step), Some(if by_error { "error" } else { "user" }))
        }
    };
    let source = if happening == Happening::Started { run.source } else { None };
    let name = loose_name(run.guide.name, &mut numbers);
    let draft = Draft::default()
        .set("id", format!("ge_{}", 51_001 + index))
        .set("eventType", kind)
        .set("guideId", maker.wire.guide_id(run.guide.id))
        .maybe("guideName", name, &mut numbers)
        .maybe("stepId", step.map(|step| format!("st_{step}")), &mut numbers)
        .maybe("stepIndex", step, &mut numbers)
        .maybe("source", source, &mut numbers)
        .maybe("exitReason", reason, &mut numbers)
        .maybe("userId", run.user.clone(), &mut numbers)
        .maybe("sessionId", run.session.clone(), &mut numbers)
        .set("occurredAt", maker.wire.instant(at_ms))
        .extras(&mut numbers);
    maker.wire.finish(draft.done(), &mut numbers)
}
