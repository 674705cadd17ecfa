//! Slices that a run has read whole before it was cut short: the next one need not ask for them again.
//!
//! What counts is what would have been after a run that ended: only what the run after it would have left alone is taken over.
//! Of streams that are read id by id, each with an age of its own, these are the ids that were asked for a while ago; of streams
//! that are read in windows the time before the look-back of the run that was cut short. All other lists are read again by
//! every run, after a kill too.
//!
//! A journal beside the parts says what they hold. A line is added when the parts of a slice are synced, and the journal
//! goes before the parts are committed: what it names is whole. A line that is torn counts as none.

mod ids;
mod journal;
mod windows;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use userhaul_connector::{
    column::snake_case,
    plan,
    slice::{Slice, Window},
    spec::{Axis, StreamSpec},
};

use crate::{
    archive::Tape,
    error::StreamError,
    inputs,
    orders::Tables,
    reading::{Kind, Reading},
    stream::SourceRun,
    walk::Tally,
};

pub(crate) use journal::Journal;

/// The number of the slice that holds what was kept, and of others below it. Planned ones begin at 1.
const SLICE: usize = usize::MAX;

/// What a slice holds all of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) pass: usize,
    pub(crate) property: Option<String>,
    /// Both ends of the window.
    pub(crate) window: Option<(Option<i64>, i64)>,
    pub(crate) ids: Vec<String>,
    /// Those of them that the vendor does not know.
    pub(crate) missing: Vec<String>,
    /// By how many microseconds the vendor's clock was behind ours, as a number below zero.
    #[serde(default)]
    pub(crate) behind: i64,
}

/// What a run takes over.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    ids: BTreeSet<String>,
    missing: Vec<String>,
    windows: Vec<(Option<String>, Window)>,
    /// When the first run began that has read some of it.
    since: Option<i64>,
}

impl Taken {
    /// Whether there is something.
    pub(crate) fn is_some(&self) -> bool {
        !self.ids.is_empty() || !self.windows.is_empty()
    }

    /// Counts what was taken over as read.
    pub(crate) fn count(self, tally: &mut Tally) {
        tally.missing.extend(self.missing);
        tally.covered.extend(self.windows);
        tally.since = self.since;
    }
}

/// What the slices of a stream are known by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    /// Ids, in this column of each of its tables.
    Ids(String),
    /// Windows; slices that begin at this instant or later are read again in any case.
    Windows(i64),
}

/// What later runs may take the stream's slices over by; none where every run reads all of it.
fn by(run: &SourceRun<'_>, stream: &StreamSpec, derived: &[&StreamSpec], reading: &Reading) -> Option<By> {
    if !reading.remembered {
        return None;
    }
    if stream.window().is_some() {
        let goes_on = matches!(reading.kind, Kind::Full | Kind::Windows(_)) && derived.is_empty();
        return windows::settled(run, stream, run.options.now).filter(|_| goes_on).map(By::Windows);
    }
    let parent = stream.parent().filter(|_| stream.full_every.is_some())?;
    let column = snake_case(&parent.column);
    let has = |spec: &&StreamSpec| spec.table.schema().column_with_name(&column).is_some();
    let alone = stream.axes.iter().all(|axis| matches!(axis, Axis::Parent(_)));
    (alone && derived.iter().all(has) && has(&stream)).then_some(By::Ids(column))
}

/// The slices that are left to read, and what runs before have read of the stream: that is in the tables then.
pub(crate) fn plan(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    (reading, asked): (&Reading, &[String]),
    tape: &Tape,
    tables: &mut Tables,
) -> Result<(Vec<Slice>, Taken), StreamError> {
    let mut taken = Taken::default();
    let journal = tables.journal.as_ref().filter(|_| !run.options.full);
    let found = journal.map(|journal| (journal.by.clone(), journal.lines(run, stream)));
    let mut rest = None;
    if let Some((By::Ids(column), lines)) = &found {
        taken = ids::take(run, stream, (column, lines), asked, tables)?;
        rest = Some(asked.iter().filter(|id| !taken.ids.contains(*id)).cloned().collect::<Vec<_>>());
    }
    let inputs = inputs::plan_inputs(run, reading, rest.as_deref().unwrap_or(asked));
    let mut slices = tape.slices(stream, &inputs).map_or_else(|| plan::plan(stream, &inputs), Ok)?;
    if let Some((By::Windows(_), lines)) = &found {
        (slices, taken) = windows::take(run, stream, lines, (reading, &inputs), slices, tables)?;
    }
    Ok((slices, taken))
}
