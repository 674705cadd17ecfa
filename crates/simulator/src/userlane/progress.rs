//! How far each user is in each guide, at one of two grains (section 3.6, A-21).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::core::seed::Seed;

use super::{
    guides::{Guide, Happening, Run},
    world::{Draft, Maker, Row, loose_name},
};

/// The state of one user in one guide after some event.
#[derive(Debug, Clone)]
struct State {
    guide: &'static Guide,
    user: String,
    status: &'static str,
    current_step: Option<u64>,
    started_ms: i64,
    completed_ms: Option<i64>,
    updated_ms: i64,
}

/// The last state of each user and guide, or with `progress_grain=step` one row for each event. Runs of nobody are
/// left out, since a row here always has a user.
pub(super) fn rows(maker: &Maker<'_>, runs: &[Run]) -> Vec<Row> {
    let mut events: Vec<(i64, Happening, &Run, &str)> = Vec::new();
    for run in runs {
        if let Some(user) = &run.user {
            events
                .extend(run.events.iter().map(|&(at_ms, happening)| (at_ms, happening, run, user.as_str())));
        }
    }
    events.sort_by_key(|&(at_ms, ..)| at_ms);
    let by_step = maker.core.switches.get("progress_grain") == "step";
    let mut states: BTreeMap<(&str, &str), State> = BTreeMap::new();
    let mut steps = Vec::new();
    for (at_ms, happening, run, user) in events {
        let state = states.entry((user, run.guide.id)).or_insert_with(|| State {
            guide: run.guide,
            user: user.to_owned(),
            status: "started",
            current_step: None,
            started_ms: at_ms,
            completed_ms: None,
            updated_ms: at_ms,
        });
        advance(state, at_ms, happening);
        if by_step {
            steps.push(state.clone());
        }
    }
    let states = if by_step { steps } else { states.into_values().collect() };
    states
        .iter()
        .enumerate()
        .map(|(index, state)| Row { at_ms: state.updated_ms, body: body(maker, index, state) })
        .collect()
}

/// A completed guide stays ticked, whatever the user does with it later (CALLBACKS).
fn advance(state: &mut State, at_ms: i64, happening: Happening) {
    let mut reach = |step: u64| state.current_step = Some(state.current_step.unwrap_or(0).max(step));
    let status = match happening {
        Happening::Started => "started",
        Happening::StepShown(step) | Happening::StepError(step) => {
            reach(step);
            "started"
        }
        Happening::Exited { step, .. } => {
            reach(step);
            "exited"
        }
        Happening::Completed => {
            reach(state.guide.steps);
            state.completed_ms = state.completed_ms.or(Some(at_ms));
            "completed"
        }
    };
    state.status = if state.completed_ms.is_some() { "completed" } else { status };
    state.updated_ms = at_ms;
}

fn body(maker: &Maker<'_>, index: usize, state: &State) -> Map<String, Value> {
    let mut numbers = Seed::of(maker.core.seed, "userlane progress", index as u64);
    let name = loose_name(state.guide.name, &mut numbers);
    let total = (!numbers.chance(15)).then_some(state.guide.steps);
    let started = (!numbers.chance(15)).then(|| maker.wire.instant(state.started_ms));
    let completed = state.completed_ms.map(|at_ms| maker.wire.instant(at_ms));
    let draft = Draft::default()
        .set("userId", state.user.as_str())
        .set("guideId", maker.wire.guide_id(state.guide.id))
        .maybe("guideName", name, &mut numbers)
        .set("status", state.status)
        .maybe("currentStep", state.current_step, &mut numbers)
        .maybe("totalSteps", total, &mut numbers)
        .maybe("startedAt", started, &mut numbers)
        .maybe("completedAt", completed, &mut numbers)
        .set("updatedAt", maker.wire.instant(state.updated_ms))
        .extras(&mut numbers);
    maker.wire.names(draft.done())
}
