//! The slices of a stream, several at a time: read whole, halved where they prove large, or read once more.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures::{StreamExt, stream::FuturesUnordered};
use userhaul_connector::{
    code::Code,
    decode::{DecodeOptions, Decoder},
    plan,
    slice::Slice,
    spec::{Axis, StreamSpec, WindowAxis},
};

use crate::{
    archive::Tape,
    error::StreamError,
    kept::{Extent, Journal},
    orders::{self, Order, Tables},
    reading,
    record::StreamRecord,
    stop::Stop,
    stream::{SourceRun, fail, status},
    tables,
    walk::{Ended, Known, SliceWalks, StreamWalks, Tally, lock},
};

/// A window is halved at most so often.
const MAX_HALVINGS: u32 = 14;

/// So often while the source has not answered a single page: it is down then, not asked for too much.
const BLIND_HALVINGS: u32 = 2;

/// Reads all slices, several at a time, and gives the tables with their rows.
pub(crate) async fn read(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    options: &DecodeOptions,
    slices: Vec<Slice>,
    (tables, tape, known): (Tables, &Tape, Known),
    record: &mut StreamRecord,
) -> (Result<Tables, StreamError>, Tally) {
    let wanted = run.source.selected.contains(&stream.name);
    let held = match Held::read(run, stream, wanted, known.guarded) {
        Ok(held) => held,
        Err(error) => return (Err(error), Tally::default()),
    };
    let keeps_ids = tables.journal.as_ref().is_some_and(Journal::keeps_ids);
    let (sender, writer) = orders::start(tables);
    let walks = StreamWalks {
        source: run.source,
        client: run.source.client.with_own_account(),
        stream,
        options: run.options,
        decode: options,
        tape,
        progress: run.progress.as_ref(),
        orders: sender,
        tally: Mutex::new(Tally::default()),
        enough: AtomicBool::new(false),
        rows: AtomicU64::new(0),
        held,
        spoiled: Mutex::new(None),
        known,
        sizes: Mutex::default(),
        keeps_ids,
        ending: Stop::default(),
    };
    let read = all_slices(&walks, slices, run.stop, record).await;
    if read.is_ok() {
        tape.came_whole();
    }
    walks.tell_sizes();
    let spoiled = walks.spoiled.into_inner().unwrap_or_else(PoisonError::into_inner);
    let read = spoiled.map_or(read, Err);
    let mut tally = walks.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    // A failure drops what else is under way.
    tally.attempts.add(walks.client.take_unheard());
    spend(record, &tally);
    drop(walks.orders);
    let written = match writer.await {
        Ok(worked) => worked.and_then(|(tables, result)| result.map(|()| tables)),
        Err(_) => Err(StreamError::panicked()),
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
    slices: Vec<Slice>,
    stop: &Stop,
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
    // A kill loses what is under way: of ids one slice, whose walks are side by side.
    let most = if walks.keeps_ids { 1 } else { walks.source.concurrency.max(1) };
    loop {
        while failure.is_none() && under_way.len() < most {
            let Some((slice, halvings)) = waiting.pop_front() else { break };
            number += 1;
            under_way.push(one_slice(walks, slice, number, halvings));
        }
        let done = tokio::select! {
            biased;
            () = stop.asked(), if failure.is_none() => {
                failure = Some(StreamError::Stopped);
                if !walks.ends_orderly() {
                    break;
                }
                continue;
            }
            done = under_way.next() => done,
        };
        let Some(done) = done else { break };
        match done.read {
            Ok(None) => read += 1,
            Ok(Some(halves)) => {
                for half in halves.into_iter().rev() {
                    waiting.push_front((half, done.halvings + 1));
                }
            }
            // A property that this credential may not see does not keep the others from being read, and its other
            // windows need not be asked for.
            Err(error) if several && is_out_of_reach(&error) => {
                walks.warn(Code::PropertySkipped.note(format!("{}: {error}", done.slice.label)));
                walks.left_open(&done.slice);
                fail(record, &error);
                waiting.retain(|(slice, _)| slice.property != done.slice.property);
                forbidden = Some(error);
            }
            Err(error) => {
                failure.get_or_insert(error);
                if !walks.ends_orderly() {
                    break;
                }
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

/// Whether a property is not there for this credential: both statuses are possible (vendors/userlane.md A-36).
fn is_out_of_reach(error: &StreamError) -> bool {
    matches!(status(error), Some(403 | 404))
}

/// What became of a slice: read whole, or two halves to read instead.
struct SliceDone {
    slice: Slice,
    halvings: u32,
    read: Result<Option<[Slice; 2]>, StreamError>,
}

async fn one_slice(walks: &StreamWalks<'_>, slice: Slice, number: usize, halvings: u32) -> SliceDone {
    let mut decoder = Decoder::new(walks.decode);
    let cursor = walks.stream.window().map(|axis| axis.by.as_str()).or(walks.stream.cursor.as_deref());
    decoder.watch(true, cursor);
    decoder.watch_last(walks.stream.paging.last_column());
    let under_way = SliceWalks {
        number,
        slice: &slice,
        decoder: Mutex::new(decoder),
        inside: AtomicU64::new(0),
        rows: AtomicU64::new(0),
        done: Mutex::default(),
    };
    let read = read_slice(walks, &under_way, halvings).await;
    if read.is_err() {
        walks.leave(&under_way).await;
    }
    SliceDone { slice, halvings, read }
}

async fn read_slice(
    walks: &StreamWalks<'_>,
    slice: &SliceWalks<'_>,
    halvings: u32,
) -> Result<Option<[Slice; 2]>, StreamError> {
    let mut proven = true;
    walks.tape.slice(slice.number, slice.slice).await?;
    if let Some(halves) = read_walks(walks, slice, halvings, &mut proven).await? {
        return Ok(Some(halves));
    }
    // Once may be the vendor's bad moment (vendors/userlane.md 2.1, rule 7).
    let asks = !walks.tape.is_playing() && !walks.is_spoiled();
    if asks && slice.inside.load(Ordering::Relaxed) == 0 && walks.held.holds(slice.slice) {
        if !walks.held.passes {
            let label = &slice.slice.label;
            let text = format!("{label}: no rows came where the table has some: read once more");
            walks.warn(Code::WindowEmpty.note(text));
        }
        walks.begin_again(slice).await?;
        if let Some(halves) = read_walks(walks, slice, halvings, &mut proven).await? {
            return Ok(Some(halves));
        }
    }
    walks.hand_on(slice, 0, 0).await?;
    let counts = lock(&slice.decoder).counts().clone();
    walks.met(&counts);
    let ids = slice.slice.walks.iter().filter_map(|walk| walk.parent.clone()).collect();
    let extent = walks.extent(slice.slice, ids);
    walks.tape.over(slice.number).await?;
    walks.close(slice, proven, extent).await?;
    walks.ended(slice, proven);
    Ok(None)
}

impl StreamWalks<'_> {
    /// What a slice holds all of: its window or these ids, and which of them the vendor does not know.
    fn extent(&self, slice: &Slice, ids: Vec<String>) -> Extent {
        let tally = lock(&self.tally);
        let missing = ids.iter().filter(|id| tally.missing.contains(id)).cloned().collect();
        let window = slice.window.map(|window| (window.from, window.to));
        let (pass, property) = (slice.pass, slice.property.clone());
        Extent { pass, property, window, ids, missing, behind: tally.behind }
    }

    /// Ends a slice. Where its ids are kept, they are noted when this returns.
    async fn close(&self, slice: &SliceWalks<'_>, proven: bool, extent: Extent) -> Result<(), StreamError> {
        // They are noted once.
        lock(&slice.done).clear();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let noted = self.keeps_ids.then_some(sender);
        self.order(Order::Close { slice: slice.number, proven, extent, noted }).await?;
        if self.keeps_ids { receiver.await.map_err(|_| Self::writer_gone()) } else { Ok(()) }
    }

    /// The stream cannot be finished. Says whether slices under way have something to keep: they end soon then.
    fn ends_orderly(&self) -> bool {
        self.ending.ask();
        self.keeps_ids
    }

    /// A slice is given up half-way: its rows are forgotten, but for ids that were read whole and are kept for the next run.
    async fn leave(&self, slice: &SliceWalks<'_>) {
        let ids = std::mem::take(&mut *lock(&slice.done));
        // Where the writer has stopped, it tells why.
        let _ = if self.keeps_ids && !ids.is_empty() && self.hand_on(slice, 0, 0).await.is_ok() {
            self.close(slice, true, self.extent(slice.slice, ids)).await
        } else {
            self.order(Order::Forget { slice: slice.number }).await
        };
    }

    /// A refusal costs little and may concern the length down to a single day (vendors/userlane.md 5.1).
    fn most_halvings(&self, refused: bool) -> u32 {
        let pages = lock(&self.tally).pages;
        if pages == 0 && !self.known.answers && !refused { BLIND_HALVINGS } else { MAX_HALVINGS }
    }
}

/// Whether the source refuses the request whatever the window's length: where windows have no fixed length, none is
/// known to be too long, and where the stream can be asked another way, the refusal is of this one.
fn refused_as_such(stream: &StreamSpec, error: &StreamError) -> bool {
    let lengths = stream.window().is_some_and(|axis| axis.days.is_some());
    stream.otherwise(status(error)).is_some() || matches!(status(error), Some(400 | 422)) && !lengths
}

/// Reads a slice's walks once, or says into which halves to cut it.
async fn read_walks(
    walks: &StreamWalks<'_>,
    slice: &SliceWalks<'_>,
    halvings: u32,
    proven: &mut bool,
) -> Result<Option<[Slice; 2]>, StreamError> {
    let mut results = futures::stream::iter(&slice.slice.walks)
        .map(|walk| async move { (walk, walks.walk(slice, walk).await) })
        .buffer_unordered(walks.source.concurrency.max(1));
    while let Some((walk, result)) = walks.ending.unless_asked(results.next()).await? {
        let too_large = match &result {
            Ok(Ended::Done { proven: walk_proven, cut }) => {
                *proven &= walk_proven;
                cut.is_some()
            }
            Ok(Ended::Split) => true,
            Err(error) => error.smaller_may_help() && !refused_as_such(walks.stream, error),
        };
        let refused = matches!(result.as_ref().map_err(status), Err(Some(400 | 422)));
        if too_large
            && !walks.tape.is_playing()
            && halvings < walks.most_halvings(refused)
            && let Some(halves) = plan::split(walks.stream, slice.slice)
        {
            walks.order(Order::Forget { slice: slice.number }).await?;
            walks.tape.cut(slice.number).await?;
            return Ok(Some(halves));
        }
        match result {
            Err(error) => return Err(error),
            Ok(Ended::Split) if walks.tape.is_playing() => {
                walks.unarchived(&StreamError::not_archived("no smaller windows".to_owned()));
                *proven = false;
            }
            Ok(Ended::Split) => {
                return Err(StreamError::Bug {
                    what: format!("{} cannot be cut any further", slice.slice.label),
                });
            }
            Ok(Ended::Done { cut: Some(why), .. }) => {
                let text = format!("{} {why}: the list may be truncated", slice.slice.label);
                walks.warn(Code::MaybeTruncated.note(text));
            }
            Ok(Ended::Done { proven: true, cut: None }) => lock(&slice.done).extend(walk.parent.clone()),
            Ok(Ended::Done { proven: false, cut: None }) => {}
        }
    }
    Ok(None)
}

/// Which days of which property the table had rows of before the run.
#[derive(Debug, Default)]
pub(crate) struct Held {
    days: tables::Days,
    /// Whether rows of a window may have come by another walk than that of the window.
    passes: bool,
}

impl Held {
    /// The days of a table that is read in windows, unless all of it is read again where it gives too little.
    fn read(
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        wanted: bool,
        guarded: bool,
    ) -> Result<Self, StreamError> {
        let asks = |axis: &&WindowAxis| axis.days.is_some() || !guarded && !axis.years;
        let Some(axis) = stream.window().filter(asks) else { return Ok(Self::default()) };
        let folder = run.folders.table(&run.source.name, &stream.name, wanted);
        let days = tables::days(&folder, reading::property_column(stream).as_deref(), &axis.by)?;
        Ok(Self { days, passes: !stream.passes().is_empty() })
    }

    /// Whether a slice's window had rows.
    fn holds(&self, slice: &Slice) -> bool {
        let Some(window) = slice.window else { return false };
        let property = slice.property.clone().unwrap_or_default();
        let first = window.from.map_or(i64::MIN, |from| from.div_euclid(tables::DAY));
        let last = (window.to - 1).div_euclid(tables::DAY);
        let mut days = self.days.range((property.clone(), first)..=(property, last));
        days.any(|((_, day), (first_at, last_at))| {
            window.holds(*first_at) || window.holds(*last_at) || (first < *day && *day < last)
        })
    }
}
