//! One stream from its plan to its committed table, with the streams derived from it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use futures::{StreamExt, stream::FuturesUnordered};
use userhaul_connector::{
    column::snake_case,
    decode::{CustomFields, DecodeError, DecodeOptions, Decoder, DerivedLayout, Lineage},
    plan::{self, PlanInputs},
    rows::Lookups,
    slice::Slice,
    spec::{Axis, StreamSpec, SyncMode},
};

use crate::{
    error::StreamError,
    grain,
    orders::{self, Order, Tables},
    progress::Progress,
    record::{Completeness, ErrorRecord, StreamRecord, StreamStatus},
    source::{RunOptions, Source},
    tables::{self, Folders},
    walk::{Ended, SliceWalks, StreamWalks, Tally},
    writer::{Replace, Surroundings, TableWriter, Written},
};

/// A window is halved at most so often.
const MAX_HALVINGS: u32 = 14;

/// A snapshot of so many rows or more does not lose more than half of them unnoticed (faults.md, promise 2).
const SHRINK_FLOOR: u64 = 20;

/// What the runs of all streams of a source share.
pub(crate) struct SourceRun<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a RunOptions,
    pub(crate) progress: &'a Arc<dyn Progress>,
    pub(crate) folders: &'a Folders,
    /// Streams of earlier levels that have no table of this run.
    pub(crate) failed: BTreeSet<String>,
}

/// Reads a stream and gives the records of it and of the derived streams that were wanted.
pub(crate) async fn run(run: &SourceRun<'_>, stream: &StreamSpec) -> Vec<(String, StreamRecord)> {
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
    let mut children = BTreeMap::new();
    let outcome = read(run, stream, &derived, &mut record, &mut children).await;
    record.seconds = begun.elapsed().as_secs_f64();
    if let Err(error) = outcome {
        fail(&mut record, &error);
    }
    let mut records = Vec::new();
    for spec in derived {
        let mut child = StreamRecord {
            mode: stream.mode.name().to_owned(),
            status: record.status,
            completeness: record.completeness,
            reason: record.reason.clone(),
            error: record.error.clone(),
            seconds: record.seconds,
            ..StreamRecord::default()
        };
        if let Some(written) = children.remove(&spec.name) {
            add(&mut child, written);
        }
        run.progress.finished(&run.source.name, &spec.name, &child);
        records.push((spec.name.clone(), child));
    }
    run.progress.finished(&run.source.name, &stream.name, &record);
    records.insert(0, (stream.name.clone(), record));
    records
}

/// The record of a stream that failed.
pub(crate) fn fail(record: &mut StreamRecord, error: &StreamError) {
    record.status = StreamStatus::Failed;
    record.completeness = Completeness::Unproven;
    record.error =
        Some(ErrorRecord { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() });
}

fn add(record: &mut StreamRecord, written: Written) {
    record.rows = written.rows;
    record.bytes_written += written.bytes;
    record.files += written.files;
    if written.conflicts > 0 {
        record.warnings.push(format!(
            "{} rows came twice with different content; the newer one stands",
            written.conflicts
        ));
    }
}

/// Reads a stream the way its facts say, or the other way where the server refuses that.
async fn read(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    record: &mut StreamRecord,
    children: &mut BTreeMap<String, Written>,
) -> Result<(), StreamError> {
    let found = grain::found_before(run, stream)?;
    let stream = found.as_ref().unwrap_or(stream);
    let Err(error) = read_one_way(run, stream, derived, record, children).await else { return Ok(()) };
    let (otherwise, how) = match &error {
        StreamError::KeyRepeats | StreamError::Decode { source: DecodeError::NullKey { .. }, .. } => {
            (stream.with_generic_key(), "read again with a key for every row")
        }
        _ => (stream.otherwise(status(&error)), "asked another way"),
    };
    let Some(otherwise) = otherwise else { return Err(error) };
    if let Some(parent) = otherwise.parent().filter(|parent| run.failed.contains(&parent.stream)) {
        return Err(StreamError::Needs { stream: parent.stream.clone() });
    }
    record.warnings.push(format!("{error}: {how}"));
    record.error = None;
    read_one_way(run, &otherwise, derived, record, children).await
}

fn status(error: &StreamError) -> Option<u16> {
    match error {
        StreamError::Send(error) => error.status(),
        _ => None,
    }
}

async fn read_one_way(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    record: &mut StreamRecord,
    children: &mut BTreeMap<String, Written>,
) -> Result<(), StreamError> {
    let wanted = run.source.selected.contains(&stream.name);
    let options = decode_options(run, stream, derived, record)?;
    let parents = parents(run, stream)?;
    let inputs = PlanInputs {
        now: run.options.now,
        start: run.options.from.or(run.source.start),
        end: run.options.to,
        settings: &run.source.axis_settings,
        parents: &parents,
    };
    let mut slices = plan::plan(stream, &inputs)?;
    mark_barren(run, stream, &mut slices)?;
    let tables = open_tables(run, stream, derived, wanted)?;
    let before = tables::count(&run.folders.table(&run.source.name, &stream.name, wanted))?;
    let guarded = stream.mode == SyncMode::FullRefresh
        && wanted
        && before >= SHRINK_FLOOR
        && !stream.keeps_absent
        && !run.options.allow_shrink
        && run.options.limit.is_none();
    let mut tables = tables;
    let mut again = guarded;
    loop {
        let (read, tally) = slices_into(run, stream, &options, slices.clone(), tables, record).await;
        tables = read?;
        settle(record, &tally);
        if !guarded || tally.unproven.is_some() || tables.own.rows() * 2 >= before {
            finish(run, stream, derived, tables, &tally, record, children).await?;
            return Ok(());
        }
        let rows = tables.own.rows();
        if !again {
            return Err(StreamError::Shrunk { rows, before });
        }
        // Once may be the vendor's bad moment: read once more before anything is refused.
        again = false;
        record.warnings.push(format!("{rows} rows came where {before} stand in the table: read once more"));
        tables.each(TableWriter::reset)?;
    }
}

/// Puts what the walks have cost and met into the record.
fn settle(record: &mut StreamRecord, tally: &Tally) {
    record.warnings.extend(tally.warnings.iter().cloned());
    record.reason.clone_from(&tally.unproven);
    record.new_fields = tally.new_fields.clone().into_iter().collect();
    record.type_mismatches = tally.type_mismatches.clone().into_iter().collect();
    record.cursor_after = tally
        .latest
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .map(|at| at.to_string());
    if !tally.missing.is_empty() {
        let count = tally.missing.len();
        let plural = if count == 1 { "" } else { "s" };
        record.warnings.push(format!("{count} parent{plural} or id{plural} not found at the vendor"));
    }
}

async fn finish(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    mut tables: Tables,
    tally: &Tally,
    record: &mut StreamRecord,
    children: &mut BTreeMap<String, Written>,
) -> Result<(), StreamError> {
    write_missing(run, stream, derived, &mut tables, tally)?;
    let partial = tally.unproven.is_some() || record.error.is_some();
    let scoped = stream.window().is_some() && (run.options.from.is_some() || run.options.to.is_some());
    let merges = partial || scoped || (stream.keeps_absent && !grain::changed(run, stream)?);
    let replace = if merges { Replace::Nothing } else { Replace::All };
    let committed = tokio::task::spawn_blocking(move || {
        let mut written = BTreeMap::new();
        let own = tables.own.commit(replace)?;
        for (name, table) in tables.derived {
            written.insert(name, table.commit(replace)?);
        }
        Ok::<_, StreamError>((own, written))
    });
    let (own, written) = committed.await.map_err(|error| StreamError::Bug { what: error.to_string() })??;
    add(record, own);
    *children = written;
    if record.error.is_none() {
        record.status = if partial { StreamStatus::Unproven } else { StreamStatus::Ok };
        record.completeness = match (partial, stream.window().is_some() && inputs_start(run).is_some()) {
            (true, _) => Completeness::Unproven,
            (false, true) => Completeness::CompleteForScope,
            (false, false) => Completeness::Complete,
        };
    }
    Ok(())
}

fn inputs_start(run: &SourceRun<'_>) -> Option<i64> {
    run.options.from.or(run.source.start).or(run.options.to)
}

/// Reads all slices, several at a time, and gives the tables with their rows.
async fn slices_into(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    options: &DecodeOptions,
    slices: Vec<Slice>,
    tables: Tables,
    record: &mut StreamRecord,
) -> (Result<Tables, StreamError>, Tally) {
    let wanted = run.source.selected.contains(&stream.name);
    let held = match Held::read(run, stream, wanted) {
        Ok(held) => held,
        Err(error) => return (Err(error), Tally::default()),
    };
    let (sender, writer) = orders::start(tables);
    let walks = StreamWalks {
        source: run.source,
        stream,
        options: run.options,
        progress: run.progress.as_ref(),
        orders: sender,
        tally: Mutex::new(Tally::default()),
        enough: AtomicBool::new(false),
        rows: AtomicU64::new(0),
        held,
    };
    let read = all_slices(&walks, options, slices, record).await;
    let tally = walks.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    spend(record, &tally);
    drop(walks.orders);
    let written = match writer.await {
        Ok((tables, result)) => result.map(|()| tables),
        Err(error) => Err(StreamError::Bug { what: error.to_string() }),
    };
    // A writer that stopped is the cause; that nobody takes orders any more is only what follows.
    (written.and_then(|tables| read.map(|()| tables)), tally)
}

fn spend(record: &mut StreamRecord, tally: &Tally) {
    record.requests += u64::from(tally.attempts.requests);
    record.retries += u64::from(tally.attempts.retries);
    record.throttled += u64::from(tally.attempts.throttled);
    record.bytes_received += tally.attempts.wire_bytes;
    record.waited_on_quota_seconds += tally.attempts.waited_on_quota.as_secs_f64();
}

async fn all_slices(
    walks: &StreamWalks<'_>,
    options: &DecodeOptions,
    slices: Vec<Slice>,
    record: &mut StreamRecord,
) -> Result<(), StreamError> {
    let mut waiting: VecDeque<(Slice, u32)> = slices.into_iter().map(|slice| (slice, 0)).collect();
    let mut under_way = FuturesUnordered::new();
    let mut number = 0;
    // Properties fail and succeed by themselves; where none may be seen, there is nothing to commit.
    let several = stream_has_properties(walks.stream);
    let mut forbidden = None;
    let mut read = 0;
    let mut failure: Option<StreamError> = None;
    loop {
        while under_way.len() < walks.source.concurrency.max(1) {
            let Some((slice, halvings)) = waiting.pop_front() else { break };
            number += 1;
            under_way.push(one_slice(walks, options, slice, number, halvings));
        }
        let Some(done) = under_way.next().await else { break };
        match done.read {
            Ok(None) => read += 1,
            Ok(Some(halves)) => {
                for half in halves.into_iter().rev() {
                    waiting.push_front((half, done.halvings + 1));
                }
            }
            // A property that this credential may not see does not keep the others from being read.
            Err(error) if several && is_forbidden(&error) => {
                walks.warn(format!("{}: {error}", done.label));
                fail(record, &error);
                forbidden = Some(error);
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    match failure.or(forbidden.filter(|_| read == 0)) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn stream_has_properties(stream: &StreamSpec) -> bool {
    stream.axes.iter().any(|axis| matches!(axis, Axis::Property { .. }))
}

fn is_forbidden(error: &StreamError) -> bool {
    status(error) == Some(403)
}

/// What became of a slice: read whole, or two halves to read instead.
struct SliceDone {
    label: String,
    halvings: u32,
    read: Result<Option<[Slice; 2]>, StreamError>,
}

async fn one_slice(
    walks: &StreamWalks<'_>,
    options: &DecodeOptions,
    slice: Slice,
    number: usize,
    halvings: u32,
) -> SliceDone {
    let label = slice.label.clone();
    let mut decoder = Decoder::new(options);
    let cursor = walks.stream.window().map(|axis| axis.by.as_str()).or(walks.stream.cursor.as_deref());
    decoder.watch(true, cursor);
    let under_way =
        SliceWalks { number, slice: &slice, decoder: Mutex::new(decoder), inside: AtomicU64::new(0) };
    let read = read_slice(walks, &under_way, halvings).await;
    SliceDone { label, halvings, read }
}

async fn read_slice(
    walks: &StreamWalks<'_>,
    slice: &SliceWalks<'_>,
    halvings: u32,
) -> Result<Option<[Slice; 2]>, StreamError> {
    let mut proven = true;
    if let Some(halves) = read_walks(walks, slice, halvings, &mut proven).await? {
        return Ok(Some(halves));
    }
    // Once may be the vendor's bad moment (vendors/userlane.md 2.1, rule 7).
    if slice.inside.load(Ordering::Relaxed) == 0 && walks.held.holds(slice.slice) {
        let label = &slice.slice.label;
        walks.warn(format!("{label}: no rows came where the table has some: read once more"));
        walks.begin_again(slice).await?;
        if let Some(halves) = read_walks(walks, slice, halvings, &mut proven).await? {
            return Ok(Some(halves));
        }
    }
    walks.hand_on(slice, 0, 0).await?;
    let counts = slice.decoder.lock().unwrap_or_else(PoisonError::into_inner).counts().clone();
    walks.met(&counts);
    walks.order(Order::Close { slice: slice.number, proven }).await?;
    Ok(None)
}

/// Reads a slice's walks once, or says into which halves to cut it.
async fn read_walks(
    walks: &StreamWalks<'_>,
    slice: &SliceWalks<'_>,
    halvings: u32,
    proven: &mut bool,
) -> Result<Option<[Slice; 2]>, StreamError> {
    let mut results = futures::stream::iter(&slice.slice.walks)
        .map(|walk| walks.walk(slice, walk))
        .buffer_unordered(walks.source.concurrency.max(1));
    while let Some(result) = results.next().await {
        let too_large = match &result {
            Ok(Ended::Done { proven: walk_proven, cut }) => {
                *proven &= walk_proven;
                cut.is_some()
            }
            Ok(Ended::Split) => true,
            // Where the stream can be asked another way, a refusal is of this one and not of the window.
            Err(error) => error.smaller_may_help() && walks.stream.otherwise(status(error)).is_none(),
        };
        if too_large
            && halvings < MAX_HALVINGS
            && let Some(halves) = plan::split(walks.stream, slice.slice)
        {
            walks.order(Order::Forget { slice: slice.number }).await?;
            return Ok(Some(halves));
        }
        match result {
            Err(error) => {
                walks.order(Order::Forget { slice: slice.number }).await?;
                return Err(error);
            }
            Ok(Ended::Split) => {
                return Err(StreamError::Bug {
                    what: format!("{} cannot be cut any further", slice.slice.label),
                });
            }
            Ok(Ended::Done { cut: Some(why), .. }) => {
                walks.warn(format!("{} {why}: the list may be truncated", slice.slice.label));
            }
            Ok(Ended::Done { cut: None, .. }) => {}
        }
    }
    Ok(None)
}

/// Which days of which property the table had rows of before the run.
#[derive(Debug, Default)]
pub(crate) struct Held {
    days: BTreeSet<(String, i64)>,
}

impl Held {
    /// The days of a table that is read in windows of days.
    fn read(run: &SourceRun<'_>, stream: &StreamSpec, wanted: bool) -> Result<Self, StreamError> {
        let Some(axis) = stream.window().filter(|axis| axis.days.is_some()) else {
            return Ok(Self::default());
        };
        let property = stream.axes.iter().find_map(|axis| match axis {
            Axis::Property { column, .. } => Some(snake_case(column)),
            _ => None,
        });
        let folder = run.folders.table(&run.source.name, &stream.name, wanted);
        let days = tables::days(&folder, property.as_deref(), &axis.by)?;
        Ok(Self { days })
    }

    /// Whether a slice's window had rows.
    fn holds(&self, slice: &Slice) -> bool {
        let Some(window) = slice.window else { return false };
        let property = slice.walks.first().and_then(|walk| walk.given.first()).cloned().flatten();
        let property = property.unwrap_or_default();
        let first = window.from.map_or(i64::MIN, |from| from.div_euclid(tables::DAY));
        let last = (window.to - 1).div_euclid(tables::DAY);
        self.days.range((property.clone(), first)..=(property, last)).next().is_some()
    }
}

/// What the pages of a stream are decoded with.
fn decode_options(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    record: &mut StreamRecord,
) -> Result<DecodeOptions, StreamError> {
    let custom = match &stream.custom_fields {
        None => None,
        Some(custom) => {
            let folder =
                run.folders.table(&run.source.name, &custom.from, run.source.selected.contains(&custom.from));
            let names = tables::custom_names(&folder, &custom.name)?;
            if names.is_empty() {
                record.warnings.push(format!("`{}` names no custom field", custom.from));
            }
            Some(CustomFields { column: custom.column.clone(), names })
        }
    };
    let layouts = derived.iter().filter_map(|spec| {
        let from = spec.derived.as_ref().filter(|from| !from.field.is_empty())?;
        Some(DerivedLayout {
            stream: spec.name.clone(),
            table: spec.table.clone(),
            field: from.field.clone(),
            inherits: from.inherits.clone(),
            single: from.single,
        })
    });
    Ok(DecodeOptions {
        table: stream.table.clone(),
        derived: layouts.collect(),
        items: stream.items.clone(),
        single: stream.single,
        custom,
        rules: run.source.rules.clone(),
    })
}

/// Tells the walks of parents that have no children what a refusal means.
fn mark_barren(run: &SourceRun<'_>, stream: &StreamSpec, slices: &mut [Slice]) -> Result<(), StreamError> {
    let Some(parent) = stream.parent() else { return Ok(()) };
    let Some(barren) = &parent.barren else { return Ok(()) };
    let wanted = run.source.selected.contains(&parent.stream);
    let folder = run.folders.table(&run.source.name, &parent.stream, wanted);
    let keys = tables::distinct_where(&folder, &parent.key, Some((&barren.column, &barren.value)))?;
    for walk in slices.iter_mut().flat_map(|slice| &mut slice.walks) {
        if walk.parent.as_ref().is_some_and(|key| keys.contains(key)) {
            walk.barren.clone_from(&barren.statuses);
        }
    }
    Ok(())
}

/// The keys that the stream's parents have: of the table that this run has just read, and of the file of ids.
fn parents(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<Vec<String>, StreamError> {
    let Some(parent) = stream.parent() else { return Ok(Vec::new()) };
    let wanted = run.source.selected.contains(&parent.stream);
    let folder = run.folders.table(&run.source.name, &parent.stream, wanted);
    let mut keys = tables::distinct(&folder, &parent.key)?;
    let files = run.source.id_files.iter().filter(|(setting, _)| Some(setting) == parent.file.as_ref());
    keys.extend(files.flat_map(|(_, ids)| ids.iter().filter(|id| !id.is_empty()).cloned()));
    Ok(keys.into_iter().collect())
}

fn open_tables(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    wanted: bool,
) -> Result<Tables, StreamError> {
    let around = Surroundings {
        source: run.source.name.clone(),
        connector: Arc::clone(&run.source.connector),
        unifies: run.source.registration.unifies,
        folders: run.folders.clone(),
        run_id: run.options.run_id.clone(),
        compression: run.options.compression,
    };
    let own = TableWriter::new(&around, stream, wanted, lookups(run, stream)?)?;
    let mut children = BTreeMap::new();
    for spec in derived {
        children.insert(spec.name.clone(), TableWriter::new(&around, spec, true, Lookups::default())?);
    }
    Ok(Tables { own, derived: children })
}

/// The tables that `unify` may ask, as this run has committed them.
fn lookups(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<Lookups, StreamError> {
    let mut lookups = Lookups::default();
    for needed in &stream.needs {
        let Some(spec) = run.source.connector.spec().stream(needed) else { continue };
        let folder = run.folders.table(&run.source.name, needed, run.source.selected.contains(needed));
        let mut batches = Vec::new();
        for batch in tables::rows(&folder, None)? {
            batches.push(batch?);
        }
        lookups.insert(needed, &spec.table.primary_key, batches)?;
    }
    Ok(lookups)
}

/// Fills the table of ids that the vendor does not know.
fn write_missing(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    tables: &mut Tables,
    tally: &Tally,
) -> Result<(), StreamError> {
    let Some(missing) = stream.parent().and_then(|parent| parent.missing.as_ref()) else { return Ok(()) };
    let Some(spec) = derived.iter().find(|spec| spec.name == *missing) else { return Ok(()) };
    let Some(table) = tables.derived.get_mut(missing) else { return Ok(()) };
    let options = DecodeOptions {
        table: spec.table.clone(),
        derived: Vec::new(),
        items: vec![String::new()],
        single: true,
        custom: None,
        rules: run.source.rules.clone(),
    };
    let mut decoder = Decoder::new(&options);
    for id in &tally.missing {
        let given = [Some(id.clone())];
        let lineage = Lineage {
            source: &run.source.name,
            run_id: &run.options.run_id,
            extracted_at: run.options.now,
            given: &given,
        };
        decoder.page(b"{}", &lineage).map_err(|error| StreamError::Bug { what: error.to_string() })?;
    }
    let taken = decoder.take().map_err(|error| StreamError::Bug { what: error.to_string() })?;
    if let Some(rows) = taken.rows {
        table.write(0, rows, None)?;
        table.close(0, true)?;
    }
    Ok(())
}
