//! Readings that give much less than stood before: refused where they are all of a table, believed where they are a part of
//! it, but then without moving the checkpoint, so that the next run reads the same time again.

use std::collections::BTreeMap;

use userhaul_connector::{
    code::{Code, Note},
    slice::Window,
    spec::StreamSpec,
};

use crate::{
    cover::Covers,
    error::StreamError,
    reading::{self, Kind, Reading},
    stream::SourceRun,
    tables,
    walk::Tally,
};

/// A snapshot of so many rows or more does not lose more than half of them unnoticed (faults.md, promise 2).
pub(crate) const SHRINK_FLOOR: u64 = 20;

/// Rows by property, or the empty text where there are none.
pub(crate) type ByProperty = BTreeMap<String, u64>;

/// Whether a reading that gives less than half of the rows is refused.
pub(crate) fn is_guarded(run: &SourceRun<'_>, stream: &StreamSpec, reading: &Reading, before: u64) -> bool {
    reading.kind == Kind::Full && before >= SHRINK_FLOOR && is_watched(run, stream)
}

/// Whether it matters that a stream's rows become few.
fn is_watched(run: &SourceRun<'_>, stream: &StreamSpec) -> bool {
    run.source.selected.contains(&stream.name)
        && !stream.keeps_absent
        && !run.options.allow_shrink
        && run.options.limit.is_none()
}

/// The rows that stand in the table of what a full pass covers: not those before the first instant that is wanted now, and of
/// the properties that are wanted now.
pub(crate) fn standing(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    reading: &Reading,
    wanted: bool,
) -> Result<u64, StreamError> {
    let folder = run.folders.table(&run.source.name, &stream.name, wanted);
    let properties = reading::properties(run, stream);
    let known = reading.state.as_ref().is_some_and(|state| state.start == run.source.start);
    let from = run.source.start.filter(|_| !known);
    let Some(axis) = stream.window().filter(|axis| !axis.years) else { return tables::count_live(&folder) };
    if reading.kind != Kind::Full || properties.is_none() && from.is_none() {
        return tables::count_live(&folder);
    }
    let window = Window { from, to: i64::MAX };
    let all = properties.map_or_else(|| vec![None], |all| all.into_iter().map(Some).collect());
    let windows = all.into_iter().map(|property| (property, window)).collect();
    let covers = Covers {
        by: axis.by.clone(),
        property: reading::property_column(stream),
        windows,
        ..Covers::default()
    };
    Ok(tables::within(&folder, &covers)?.values().sum())
}

/// Refuses a reading that says nothing but that the account may be empty, where the table has rows.
pub(crate) fn refuse_emptiness(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    tally: &Tally,
    rows: u64,
) -> Result<(), StreamError> {
    if !tally.doubtful || !is_watched(run, stream) {
        return Ok(());
    }
    let before = tables::count_live(&run.folders.table(&run.source.name, &stream.name, true))?;
    if before >= SHRINK_FLOOR && rows * 2 < before {
        return Err(StreamError::Shrunk { rows, before });
    }
    Ok(())
}

/// The columns all of whose true rows were read by a pass without a window. Not those of most of whose rows nothing came: a
/// server may not know the pass, and the next full pass settles it.
pub(crate) fn flags(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    tally: &Tally,
) -> Result<Vec<String>, StreamError> {
    let mut flags = Vec::new();
    for (number, pass) in stream.passes().iter().enumerate() {
        let (Some(column), Some(&came)) = (&pass.all_of, tally.passes.get(&number)) else { continue };
        let folder = run.folders.table(&run.source.name, &stream.name, true);
        if came > 0 && came * 2 >= tables::count_true(&folder, column)? {
            flags.push(column.clone());
        }
    }
    Ok(flags)
}

/// The windows that a run has read again, and the rows that stood in them.
pub(crate) struct Stood {
    folder: std::path::PathBuf,
    covers: Covers,
    rows: ByProperty,
}

impl Stood {
    /// What stands now. None where the checkpoint does not hang on it.
    pub(crate) fn now(
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        reading: &Reading,
        tally: &Tally,
    ) -> Result<Option<Self>, StreamError> {
        let all = reading.kind == Kind::Full;
        let Some(axis) = stream.window().filter(|axis| reading.remembered && !axis.years) else {
            return Ok(None);
        };
        if !all && !matches!(reading.kind, Kind::Windows(_)) || run.options.allow_shrink {
            return Ok(None);
        }
        let covers = Covers {
            by: axis.by.clone(),
            property: reading::property_column(stream),
            windows: tally.covered.clone(),
            ..Covers::default()
        };
        let folder = run.folders.table(&run.source.name, &stream.name, true);
        let mut rows = tables::within(&folder, &covers)?;
        let doubted = reading.state.iter().flat_map(|state| &state.doubted).filter(|_| !all);
        for (property, stood) in doubted {
            let rows = rows.entry(property.clone()).or_default();
            *rows = (*rows).max(*stood);
        }
        Ok(Some(Self { folder, covers, rows }))
    }

    /// The properties most of whose rows are gone, with the rows that stood.
    pub(crate) fn gone(self, tally: &Tally) -> Result<ByProperty, StreamError> {
        let mut gone = self.rows;
        let left =
            if gone.is_empty() { ByProperty::new() } else { tables::within(&self.folder, &self.covers)? };
        gone.retain(|property, stood| {
            let left = left.get(property).copied().unwrap_or_default();
            left == 0 && *stood > 0 || *stood >= SHRINK_FLOOR && left * 2 < *stood
        });
        if tally.doubtful {
            for (property, _) in &tally.covered {
                gone.entry(property.clone().unwrap_or_default()).or_default();
            }
        }
        Ok(gone)
    }
}

/// What is told where the checkpoint stays.
pub(crate) fn held_back(gone: &ByProperty) -> Option<Note> {
    if gone.is_empty() {
        return None;
    }
    let stood: u64 = gone.values().sum();
    let text = match stood {
        0 => "the vendor may have given nothing for another reason than that there is nothing".to_owned(),
        1 => "the row that stood in the time that was read again is gone".to_owned(),
        stood => format!("most of the {stood} rows that stood in the time that was read again are gone"),
    };
    Some(Code::CheckpointHeld.note(format!("{text}: the next run reads the same time again")))
}
