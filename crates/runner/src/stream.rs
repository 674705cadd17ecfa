//! One stream from its plan to its committed table, with the streams derived from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Instant,
};

use futures::FutureExt;

use userhaul_connector::{
    code::Code,
    decode::Rule,
    spec::{StreamSpec, SyncMode},
};

use crate::{
    archive::{self, Archive, Tape},
    error::StreamError,
    finish::{self, Finish},
    grain, ids, inputs,
    kept::{self, Journal},
    progress::Progress,
    reading::{Kind, Reading},
    record::{Completeness, ErrorRecord, StreamRecord, StreamStatus},
    shrink, slices,
    source::{RunOptions, Source},
    state::StateStore,
    stop::Stop,
    tables::Folders,
    walk::{Known, Tally},
    writer::{TableWriter, Written},
};

/// What the runs of all streams of a source share.
pub(crate) struct SourceRun<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a RunOptions,
    /// Whether the run is to end soon.
    pub(crate) stop: &'a Stop,
    pub(crate) progress: &'a Arc<dyn Progress>,
    pub(crate) folders: &'a Folders,
    pub(crate) store: StateStore,
    /// What becomes of the answers.
    pub(crate) archive: Archive,
    /// Streams of earlier levels that have no table of this run.
    pub(crate) failed: BTreeSet<String>,
}

impl SourceRun<'_> {
    /// The privacy rules that a stream's answers are decoded with.
    pub(crate) fn rules(&self, stream: &str) -> Vec<Rule> {
        match &self.archive {
            Archive::Play { streams, .. } if streams.contains_key(stream) => {
                archive::rules_of(&streams[stream], &self.source.rules).0
            }
            _ => self.source.rules.clone(),
        }
    }
}

/// Reads a stream and gives the records of it and of the derived streams that were wanted; none of a stream that was not over when
/// the run was asked to end.
pub(crate) async fn run(run: &SourceRun<'_>, stream: &StreamSpec) -> Vec<(String, StreamRecord)> {
    if run.stop.is_asked() {
        return Vec::new();
    }
    let begun = Instant::now();
    let derived: Vec<&StreamSpec> = run
        .source
        .connector
        .spec()
        .derived_from(&stream.name)
        .filter(|derived| run.source.selected.contains(&derived.name))
        .collect();
    run.progress.begun(&run.source.name, &stream.name);
    let mut record = StreamRecord { mode: stream.mode.name().to_owned(), ..StreamRecord::default() };
    record.warnings.extend(inputs::stale_lookups(run, stream));
    let mut children = BTreeMap::new();
    let reading = AssertUnwindSafe(taped(run, stream, &derived, &mut record, &mut children));
    // A panic is one stream's bug: the others go on.
    let outcome = reading.catch_unwind().await.unwrap_or_else(|_| Err(StreamError::panicked()));
    record.seconds = begun.elapsed().as_secs_f64();
    if let Err(error) = outcome {
        if run.stop.is_asked() {
            return Vec::new();
        }
        let names: Vec<&str> =
            std::iter::once(stream).chain(derived.iter().copied()).map(|spec| spec.name.as_str()).collect();
        run.folders.give_up(&run.source.name, &names, &error);
        fail(&mut record, &error);
    }
    if let (Some(error), Some(scope)) = (&mut record.error, run.source.connector.spec().scope())
        && error.code == "forbidden"
    {
        error.hint = Some(missing_scope(scope));
    }
    let mut records = vec![];
    for spec in derived {
        let mut child = StreamRecord {
            mode: record.mode.clone(),
            status: record.status,
            completeness: record.completeness,
            reason: record.reason.clone(),
            error: record.error.clone(),
            seconds: record.seconds,
            ..StreamRecord::default()
        };
        if let Some(written) = children.remove(&spec.name) {
            finish::add(&mut child, written);
        }
        run.progress.finished(&run.source.name, &spec.name, &child);
        records.push((spec.name.clone(), child));
    }
    run.progress.finished(&run.source.name, &stream.name, &record);
    records.insert(0, (stream.name.clone(), record));
    records
}

/// What a user can do whose credential may not read, where the vendor has a word for that.
pub fn missing_scope(scope: &str) -> String {
    format!("check the credential and its permissions: it is wrong, or lacks the scope `{scope}`")
}

/// The record of a stream that failed.
pub(crate) fn fail(record: &mut StreamRecord, error: &StreamError) {
    record.status = StreamStatus::Failed;
    record.completeness = Completeness::Unproven;
    record.error = Some(ErrorRecord::new(error.code(), error.told(), error.hint()));
}

/// Reads a stream and makes its archive count before anything is committed, or when the stream is given up.
async fn taped(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    record: &mut StreamRecord,
    children: &mut BTreeMap<String, Written>,
) -> Result<(), StreamError> {
    let tape = Tape::begin(run, stream, derived)?;
    let outcome = read(run, stream, derived, &tape, record, children).await;
    let sealed = tape.seal(outcome.as_ref().err()).await;
    if tape.is_inexact() {
        run.archive.asked_otherwise(&stream.name);
    }
    outcome.and(sealed)
}

/// Reads a stream the way its facts say, or the other way where the server refuses that.
async fn read(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    tape: &Tape,
    record: &mut StreamRecord,
    children: &mut BTreeMap<String, Written>,
) -> Result<(), StreamError> {
    let found = grain::found_before(run, stream)?;
    let stream = found.as_ref().unwrap_or(stream);
    let mut reading = Reading::decide(run, stream, derived, &run.store)?;
    reading.kind = tape.kind(false).unwrap_or(reading.kind);
    record.warnings.extend(reading.warning.take());
    record.cursor_before = reading.cursor_before();
    if matches!(reading.kind, Kind::Since(_) | Kind::Parents) {
        SyncMode::Incremental.name().clone_into(&mut record.mode);
    }
    let Err(error) = read_one_way(run, stream, derived, (&reading, tape), record, children).await else {
        return Ok(());
    };
    if let Some(generic) = stream.with_generic_key().filter(|_| grain::refutes_key(&error)) {
        record.warnings.push(Code::KeyRepeats.note(format!("{error}: read again with a key for every row")));
        record.error = None;
        let mut reading = Reading::decide(run, &generic, derived, &run.store)?;
        reading.kind = tape.kind(false).unwrap_or(reading.kind);
        return read_one_way(run, &generic, derived, (&reading, tape), record, children).await;
    }
    let otherwise = stream.otherwise(status(&error));
    let parent = otherwise.as_ref().and_then(|otherwise| otherwise.parent());
    if let Some(parent) = parent.filter(|parent| run.failed.contains(&parent.stream)) {
        return Err(StreamError::Needs { stream: parent.stream.clone() });
    }
    let refused = matches!(status(&error), Some(400 | 422)) && matches!(reading.kind, Kind::Since(_));
    if otherwise.is_none() && !refused {
        return Err(error);
    }
    record.warnings.push(Code::AskedOtherwise.note(format!("{error}: asked another way")));
    record.error = None;
    if refused {
        reading.kind = Kind::Full;
    }
    read_one_way(run, otherwise.as_ref().unwrap_or(stream), derived, (&reading, tape), record, children).await
}

pub(crate) fn status(error: &StreamError) -> Option<u16> {
    match error {
        StreamError::Send(error) => error.status(),
        StreamError::Refused { status, .. } => Some(*status),
        _ => None,
    }
}

async fn read_one_way(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    (reading, tape): (&Reading, &Tape),
    record: &mut StreamRecord,
    children: &mut BTreeMap<String, Written>,
) -> Result<(), StreamError> {
    let known_whole = tape.known_whole(reading.known_whole(run, stream));
    tape.reading(inputs::is_otherwise(run, stream), reading, known_whole).await?;
    let wanted = run.source.selected.contains(&stream.name);
    let options = inputs::decode_options(run, stream, derived, record)?;
    let parents = inputs::parents(run, stream)?;
    let asked = match reading.kind {
        Kind::Parents => ids::in_question(run, stream, reading, &parents)?,
        _ => parents.clone(),
    };
    let mut tables = inputs::open_tables(run, stream, derived, wanted)?;
    let before = shrink::standing(run, stream, reading, wanted)?;
    let guarded = shrink::is_guarded(run, stream, reading, before);
    // An archive has nothing of a run that was cut short.
    tables.journal = Journal::of(run, stream, derived, reading)?
        .filter(|_| tape.is_off() && (!guarded || stream.window().is_some()));
    let (mut slices, mut taken) = kept::plan(run, stream, (reading, &asked), tape, &mut tables)?;
    let asked = tape.asked(&slices).unwrap_or_else(|| asked.into_iter().collect());
    let parents: BTreeSet<String> = parents.into_iter().collect();
    inputs::mark_barren(run, stream, &mut slices)?;
    let known = Known { whole: known_whole, answers: taken.is_some(), guarded };
    let mut again = guarded;
    loop {
        let (read, mut tally) =
            slices::read(run, stream, &options, slices.clone(), (tables, tape, known), record).await;
        tables = read?;
        let gap = tape.gap(reading.kind == Kind::Full, &asked, &parents);
        tally.unproven = tally.unproven.or(gap);
        settle(record, &tally);
        shrink::refuse_emptiness(run, stream, &tally, tables.own.rows())?;
        if !guarded || tally.unproven.is_some() || tables.own.rows() * 2 >= before {
            taken.count(&mut tally);
            // A replay may begin before the archive of the parents does.
            let known = stream.parent().is_none_or(|parent| !run.archive.lacks(&parent.stream));
            tally.parents = known.then(|| parents.union(&asked).cloned().collect());
            tally.parents_read = asked;
            if reading.kind == Kind::Parents && tally.unproven.is_none() {
                tape.rests_on(|| ids::rests_on(run, stream, &tally))?;
            }
            tape.seal(None).await?;
            return Finish { run, stream, derived, reading, tally: &tally }
                .commit(tables, record, children)
                .await;
        }
        let rows = tables.own.rows();
        // Once may be the vendor's bad moment: read once more before anything is refused.
        if !again {
            return Err(StreamError::Shrunk { rows, before });
        }
        again = false;
        let text = format!("{rows} rows came where {before} stand in the table: read once more");
        record.warnings.push(Code::Shrunk.note(text));
        tables.journal.take().map_or(Ok(()), Journal::end)?;
        tables.each(TableWriter::reset)?;
        if taken.is_some() {
            (slices, taken) = kept::plan(run, stream, (reading, &[]), tape, &mut tables)?;
        }
    }
}

/// Puts what the walks have cost and met into the record.
fn settle(record: &mut StreamRecord, tally: &Tally) {
    record.warnings.extend(tally.warnings.iter().cloned());
    record.reason = tally.unproven.clone().into();
    record.new_fields = tally.new_fields.clone().into_iter().collect();
    record.type_mismatches = tally.type_mismatches.clone().into_iter().collect();
    record.cursor_after = tally
        .latest
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .map(|at| at.to_string());
    if tally.unsendable > 0 {
        let ids = if tally.unsendable == 1 { "id" } else { "ids" };
        let text =
            format!("{} {ids} cannot be sent: addresses take `.` and `..` for folders", tally.unsendable);
        record.warnings.push(Code::IdsUnsendable.note(text));
    }
    let count = tally.missing.len().saturating_sub(tally.unsendable);
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("{count} parent{plural} or id{plural} not found at the vendor");
        record.warnings.push(Code::IdsMissing.note(text));
    }
}
