//! What of a stream is read this time: all of it, or what may have changed since the checkpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sha2::{Digest, Sha256};
use userhaul_connector::{
    code::{Code, Note},
    column::snake_case,
    spec::{Axis, StreamSpec, SyncMode},
};

use crate::{
    archive::Archive,
    cover::Covers,
    error::StreamError,
    shrink::ByProperty,
    state::{Loaded, StateStore, StreamState, WholeList},
    stream::SourceRun,
    tables::{self, DAY},
    walk::Tally,
};

/// A list whose full pass took no more requests than this is always read whole: asking for changes would save nothing,
/// and only a full pass shows what is gone.
const CHEAP_REQUESTS: u64 = 3;

/// That a list comes whole is found out again after so long (vendors/userlot.md 3.1, rule 7).
const WHOLE_FOR: i64 = 30 * DAY;

/// How a stream is read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Everything.
    Full,
    /// The windows from these instants on, by property.
    Windows(Vec<(String, i64)>),
    /// The windows that the user asked for.
    Range,
    /// The rows changed at or after this instant.
    Since(i64),
    /// The parents or ids that are new, seen again, or were asked for long ago.
    Parents,
}

/// A stream's reading, and what it is based on.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) kind: Kind,
    /// What was known before, where it still holds.
    pub(crate) state: Option<StreamState>,
    /// What decides on the rows, as a hash.
    pub(crate) identity: String,
    /// What the user should know.
    pub(crate) warning: Option<Note>,
    /// Whether anything is remembered of this reading.
    pub(crate) remembered: bool,
}

impl Reading {
    /// Decides how a stream is read, from its state, its table and the options of the run.
    pub(crate) fn decide(
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        derived: &[&StreamSpec],
        store: &StateStore,
    ) -> Result<Self, StreamError> {
        let identity = identity(run, stream);
        let remembered = run.source.selected.contains(&stream.name) && run.options.limit.is_none();
        let mut reading = Self { kind: Kind::Full, state: None, identity, warning: None, remembered };
        if !remembered {
            reading.kind = ranged(run, stream);
            return Ok(reading);
        }
        match store.load(&run.source.name, &stream.name)? {
            Loaded::Absent => {}
            Loaded::Damaged => {
                let text = "the checkpoint cannot be read: everything is read anew";
                reading.warning = Some(Code::ReadAnew.note(text));
            }
            Loaded::Found(state) => reading.weigh(run, stream, derived, *state)?,
        }
        if let Kind::Range = ranged(run, stream) {
            reading.kind = Kind::Range;
        }
        Ok(reading)
    }

    /// Takes the state over where it holds, and decides by it.
    fn weigh(
        &mut self,
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        derived: &[&StreamSpec],
        state: StreamState,
    ) -> Result<(), StreamError> {
        if state.identity != self.identity {
            return Ok(());
        }
        let folder = run.folders.table(&run.source.name, &stream.name, true);
        let rows = tables::count(&folder)?;
        if rows != state.rows && !state.committing {
            self.warning = Some(Code::ReadAnew.note(format!(
                "the table has {rows} rows where {} were committed: everything is read anew",
                state.rows
            )));
            return Ok(());
        }
        let start = run.source.start;
        let earlier = match (start, state.start) {
            (None, before) => before.is_some(),
            (Some(start), before) => before.is_some_and(|before| start < before),
        };
        let new_child = derived.iter().any(|spec| !state.derived.contains(&spec.name));
        // What it left of a full pass is in no archive that a later run goes on from. Ids are asked for again one by one.
        let torn =
            state.committing_all && matches!(run.archive, Archive::Keep(_)) && stream.parent().is_none();
        if !(run.options.full
            || torn
            || earlier
            || new_child
            || due(stream, &state, run.source.full_every, run.options.now))
        {
            self.kind = kind(run, stream, derived, &state);
        }
        self.state = Some(state);
        Ok(())
    }

    /// Where the checkpoint stood, RFC 3339.
    pub(crate) fn cursor_before(&self) -> Option<String> {
        self.state.as_ref().and_then(|state| written(&state.through))
    }

    /// The rows of the list when it last came whole though its paging is not published. Forgotten after a while, and
    /// where everything is to be read anew.
    pub(crate) fn known_whole(&self, run: &SourceRun<'_>, stream: &StreamSpec) -> Option<u64> {
        let known = self.state.as_ref()?.whole.filter(|_| !run.options.full && stream.parent().is_none())?;
        let age = run.options.now.saturating_sub(known.found_at);
        (0..WHOLE_FOR).contains(&age).then_some(known.rows)
    }

    /// What is remembered of a list that comes whole.
    fn whole_list(&self, run: &SourceRun<'_>, tally: &Tally) -> Option<WholeList> {
        let whole = tally.whole?;
        let before = self.state.as_ref().and_then(|state| state.whole).filter(|_| !whole.found);
        Some(WholeList {
            found_at: before.map_or(run.options.now, |before| before.found_at),
            rows: whole.rows,
        })
    }

    /// What the rows that were read supersede, where not all of the table is replaced.
    pub(crate) fn covers(
        &self,
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        tally: &Tally,
        whole: bool,
    ) -> Covers {
        let mut covers = Covers { property: property_column(stream), ..Covers::default() };
        let passes = !stream.passes().is_empty();
        if let Some(axis) =
            stream.window().filter(|axis| !stream.keeps_absent && !axis.years && (whole || !passes))
        {
            covers.by.clone_from(&axis.by);
            covers.windows.clone_from(&tally.covered);
        }
        if whole && self.kind != Kind::Range {
            covers.properties = properties(run, stream);
        }
        if let (Kind::Parents, true, Some(parent)) = (&self.kind, whole, stream.parent()) {
            covers.parent = Some(snake_case(&parent.column));
            covers.parents_read = tally.parents_read.clone();
            covers.parents.clone_from(&tally.parents);
        }
        covers
    }

    /// The state after the run. None where there is nothing to remember.
    pub(crate) fn after(
        &self,
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        derived: &[&StreamSpec],
        tally: &Tally,
        (whole, gone): (bool, ByProperty),
    ) -> Option<StreamState> {
        let children: BTreeSet<String> = derived.iter().map(|spec| spec.name.clone()).collect();
        let mut state = match (&self.kind, whole, &self.state) {
            // A full pass that is not believed is made again.
            (Kind::Full, true, before) if !gone.is_empty() => before.clone()?,
            // One of ids begins with any run that its archive begins with.
            (Kind::Full, true, _) | (Kind::Parents, true, None) => StreamState {
                identity: self.identity.clone(),
                start: run.source.start,
                full_at: tally.since.unwrap_or(run.options.now),
                full_requests: u64::from(tally.attempts.requests),
                derived: children.clone(),
                ..StreamState::default()
            },
            (_, _, Some(state)) => state.clone(),
            (_, _, None) => return None,
        };
        state.derived.retain(|name| children.contains(name));
        state.run_id.clone_from(&run.options.run_id);
        (state.committing, state.committing_all) = (false, false);
        state.whole = self.whole_list(run, tally);
        if self.kind != Kind::Range {
            self.advance(run, stream, tally, (whole, gone), &mut state);
        }
        Some(state)
    }

    /// Moves the checkpoint of each property whose slices are all in.
    fn advance(
        &self,
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        tally: &Tally,
        (whole, gone): (bool, ByProperty),
        state: &mut StreamState,
    ) {
        // What changed at the vendor after its own time is yet to come, however late it is here.
        let now = run.options.now.saturating_add(tally.behind);
        if stream.window().is_none() {
            if whole && stream.since.is_some() {
                state.through = [(String::new(), now)].into();
            }
            return;
        }
        let through = through(stream, now);
        let all = properties(run, stream).unwrap_or_else(|| [String::new()].into());
        state.through.retain(|property, _| all.contains(property));
        let settled = |property: &String| !tally.open.contains(property) && !gone.contains_key(property);
        for property in all.into_iter().filter(settled) {
            let at = state.through.entry(property).or_insert(through);
            *at = (*at).max(through);
        }
        if whole {
            state.doubted = gone;
        }
    }
}

/// The instant before which all rows are there once windows have been read up to `now`.
pub(crate) fn through(stream: &StreamSpec, now: i64) -> i64 {
    // Days are not final before they have been over for a day (vendors/userlane.md 2.1, rule 9).
    let days = stream.window().is_some_and(|axis| axis.days.is_some());
    if days { (now.div_euclid(DAY) - 1) * DAY } else { now }
}

/// The checkpoints as one text: the earliest, as everything before it is in the table.
pub(crate) fn written(through: &BTreeMap<String, i64>) -> Option<String> {
    let earliest = through.values().min()?;
    jiff::Timestamp::from_microsecond(*earliest).ok().map(|at| at.to_string())
}

fn ranged(run: &SourceRun<'_>, stream: &StreamSpec) -> Kind {
    let asked = run.options.from.is_some() || run.options.to.is_some();
    if asked && stream.window().is_some_and(|axis| !axis.years) { Kind::Range } else { Kind::Full }
}

/// For each property, or the empty text where there are none, the instant from which windows are read again; none where
/// the stream is not read in windows that can be taken up.
///
/// `look_back` stands over the stream's own.
pub fn resume(
    stream: &StreamSpec,
    state: &StreamState,
    look_back: Option<Duration>,
) -> Option<Vec<(String, i64)>> {
    let axis = stream.window()?;
    if axis.years || stream.mode != SyncMode::Incremental || stream.parent().is_some() {
        return None;
    }
    let back = micros(look_back.unwrap_or(stream.look_back));
    let from = |through: i64| through.saturating_sub(back);
    Some(state.through.iter().map(|(property, &through)| (property.clone(), from(through))).collect())
}

/// Whether all must be read again by the calendar. `full_every` stands over the stream's own.
pub fn due(stream: &StreamSpec, state: &StreamState, full_every: Option<Duration>, now: i64) -> bool {
    let periodic = stream.full_every.is_some() || stream.mode == SyncMode::Incremental;
    // Ids have an age each.
    if stream.parent().is_some() || !periodic {
        return false;
    }
    full_every.or(stream.full_every).is_some_and(|every| older(now, state.full_at, every))
}

/// Whether an instant is so long ago. A nightly run that begins a little earlier than the night before counts.
pub(crate) fn older(now: i64, then: i64, span: Duration) -> bool {
    now.saturating_sub(then) >= micros(span) / 10 * 9
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn kind(run: &SourceRun<'_>, stream: &StreamSpec, derived: &[&StreamSpec], state: &StreamState) -> Kind {
    if stream.parent().is_some() && stream.full_every.is_some() {
        return Kind::Parents;
    }
    // Rows of a derived table that follow a row of their parent cannot be told apart by time.
    if !derived.is_empty() {
        return Kind::Full;
    }
    if stream.window().is_some() {
        return resume(stream, state, run.source.look_back).map_or(Kind::Full, Kind::Windows);
    }
    match (&stream.since, state.through.get("")) {
        (Some(since), Some(through)) if state.full_requests > CHEAP_REQUESTS => {
            Kind::Since(through.saturating_sub(micros(since.overlap)))
        }
        _ => Kind::Full,
    }
}

pub(crate) fn property_column(stream: &StreamSpec) -> Option<String> {
    stream.axes.iter().find_map(|axis| match axis {
        Axis::Property { column, .. } => Some(snake_case(column)),
        _ => None,
    })
}

/// The properties of the configuration; none where the stream has no such axis.
pub(crate) fn properties(run: &SourceRun<'_>, stream: &StreamSpec) -> Option<BTreeSet<String>> {
    let setting = stream.axes.iter().find_map(|axis| match axis {
        Axis::Property { setting, .. } => Some(setting),
        _ => None,
    })?;
    let values = run.source.axis_settings.iter().find(|(name, _)| name == setting);
    Some(values.map(|(_, values)| values.iter().cloned().collect()).unwrap_or_default())
}

/// Everything that decides which rows the table has and how they look: the facts in force, where they are asked, the
/// privacy rules, and the shape of the unified tables.
fn identity(run: &SourceRun<'_>, stream: &StreamSpec) -> String {
    let facts = StreamSpec {
        look_back: Duration::ZERO,
        full_every: stream.full_every.map(|_| Duration::ZERO),
        about: String::new(),
        docs: String::new(),
        ..stream.clone()
    };
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(text.as_bytes());
        hash.update([0]);
    };
    part(&account(run));
    part(&format!("{facts:?}"));
    part(&userhaul_record::SCHEMA_VERSION.to_string());
    hex(hash)
}

/// What all tables of a source are kept under: where it is asked, and the privacy rules.
pub(crate) fn account(run: &SourceRun<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(&run.source.identity);
    for rule in &run.source.rules {
        hash.update(format!("\0{}\0{}", rule.name, rule.act.fingerprint()));
    }
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
