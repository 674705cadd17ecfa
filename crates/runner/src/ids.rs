//! Streams that are read id by id, each with an age of its own: which ids are asked for, and which runs their rows are of.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use arrow_array::{Array, cast::AsArray, types::TimestampMicrosecondType};
use userhaul_connector::{column::snake_case, spec::StreamSpec};

use crate::{
    archive::Archive,
    error::StreamError,
    reading::{Reading, older},
    stream::SourceRun,
    tables,
    walk::Tally,
};

/// The last answer of an id: when it was received, and by which run.
type Answered = BTreeMap<String, (i64, String)>;

/// The ids that are asked for: never asked for, seen in what this run has read, named by the user, or asked for long ago.
pub(crate) fn in_question(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    reading: &Reading,
    all: &[String],
) -> Result<Vec<String>, StreamError> {
    let mut answered = answered(run, stream)?;
    // Rows of a run that died while it committed: an archive has them in no run that another one went on from.
    if let (Archive::Keep(_), Some(state)) = (&run.archive, &reading.state) {
        answered.retain(|_, (_, run_id)| !state.committing || *run_id <= state.run_id);
    }
    let again = asked_again(run, stream)?;
    let every = run.source.full_every.or(stream.full_every).unwrap_or(Duration::ZERO);
    let stale = |id: &String| answered.get(id).is_none_or(|(at, _)| older(run.options.now, *at, every));
    Ok(all.iter().filter(|id| stale(id) || again.contains(*id)).cloned().collect())
}

/// The ids that are asked for again however young they are: seen in what this run has read, or named by the user.
pub(crate) fn asked_again(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<BTreeSet<String>, StreamError> {
    let Some(parent) = stream.parent() else { return Ok(BTreeSet::new()) };
    let wanted = run.source.selected.contains(&parent.stream);
    let folder = run.folders.table(&run.source.name, &parent.stream, wanted);
    let mut again = tables::distinct_where(&folder, &parent.key, Some(("_run_id", &run.options.run_id)))?;
    let named = run
        .source
        .id_files
        .iter()
        .filter(|(setting, _)| Some(setting) == parent.file.as_ref())
        .flat_map(|(_, ids)| ids.iter().cloned());
    again.extend(named);
    Ok(again)
}

/// The first of the runs that the table's rows are of, once the ids that this run has asked for are replaced.
pub(crate) fn rests_on(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    tally: &Tally,
) -> Result<String, StreamError> {
    let stays = |id: &String| {
        !tally.parents_read.contains(id) && tally.parents.as_ref().is_none_or(|all| all.contains(id))
    };
    let runs = answered(run, stream)?.into_iter().filter(|(id, _)| stays(id)).map(|(_, (_, run_id))| run_id);
    Ok(runs.chain([run.options.run_id.clone()]).min().unwrap_or_default())
}

/// The ids that the tables know, and those that are known to be none.
fn answered(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<Answered, StreamError> {
    let mut answered = Answered::new();
    let Some(parent) = stream.parent() else { return Ok(answered) };
    let column = snake_case(&parent.column);
    let missing = parent.missing.iter().filter(|missing| run.source.selected.contains(*missing));
    for name in std::iter::once(&stream.name).chain(missing) {
        let folder = run.folders.table(&run.source.name, name, true);
        for batch in tables::live_rows(&folder, Some(&[&column, "_extracted_at", "_run_id"]))? {
            let batch = batch?;
            let texts =
                |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_opt::<i32>());
            let instants = batch
                .column_by_name("_extracted_at")
                .and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
            let (Some(ids), Some(runs), Some(instants)) = (texts(&column), texts("_run_id"), instants) else {
                continue;
            };
            for row in (0..ids.len()).filter(|&row| ids.is_valid(row)) {
                let at = instants.value(row);
                match answered.get(ids.value(row)) {
                    Some((known, _)) if *known >= at => {}
                    _ => drop(answered.insert(ids.value(row).to_owned(), (at, runs.value(row).to_owned()))),
                }
            }
        }
    }
    Ok(answered)
}
