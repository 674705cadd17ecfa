//! One walk: asks and answers in turn, until the pager is satisfied. All decisions are the pager's; all I/O is here.

mod absorb;
mod fetched;
mod gather;
mod sizes;
mod streamed;
mod tally;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use futures::{StreamExt, future};
use tokio::sync::mpsc;
use userhaul_client::Client;
use userhaul_connector::{
    code::{Code, Note},
    decode::{Counts, DecodeError, DecodeOptions, Decoder},
    pager::{Ask, End, Next, PageNumber, Pager},
    slice::{Slice, Walk, Window},
    spec::{Paging, StreamSpec, WindowAxis},
};

pub(crate) use sizes::Sizes;
pub(crate) use tally::{Known, Tally};

use crate::{
    archive::{Tape, Track},
    error::StreamError,
    orders::Order,
    progress::Progress,
    slices::Held,
    source::{RunOptions, Source},
    stop::Stop,
};

/// A batch is handed on when it has so many rows or bytes. Several wait for the writer, and columns grow by doubling, so
/// that memory is a multiple of this; smaller ones cost more for each column.
const BATCH_ROWS: usize = 2000;
const BATCH_BYTES: usize = 2 << 20;

/// An answer that is no JSON is asked for again so often: the connection may have ended early without a trace.
const MAX_DECODE_RETRIES: u32 = 2;

const TWO_DAYS: i64 = 2 * 86_400_000_000;

/// What all walks of a stream share.
pub(crate) struct StreamWalks<'a> {
    pub(crate) source: &'a Source,
    /// The way to it, with an account of what this stream's requests cost.
    pub(crate) client: Client,
    pub(crate) stream: &'a StreamSpec,
    pub(crate) options: &'a RunOptions,
    pub(crate) decode: &'a DecodeOptions,
    pub(crate) tape: &'a Tape,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) enough: AtomicBool,
    pub(crate) rows: AtomicU64,
    /// What the table had before.
    pub(crate) held: Held,
    /// Why the stream will fail, though its answers are still fetched for the archive.
    pub(crate) spoiled: Mutex<Option<StreamError>>,
    pub(crate) known: Known,
    /// How large its pages are.
    pub(crate) sizes: Mutex<Sizes>,
    /// Whether ids of a slice that were read whole are kept where the slice is not.
    pub(crate) keeps_ids: bool,
    /// Asked for where the stream cannot be finished.
    pub(crate) ending: Stop,
}

/// A slice under way.
pub(crate) struct SliceWalks<'a> {
    pub(crate) number: usize,
    pub(crate) slice: &'a Slice,
    pub(crate) decoder: Mutex<Decoder>,
    /// Rows that came inside the window.
    pub(crate) inside: AtomicU64,
    /// Rows that came.
    pub(crate) rows: AtomicU64,
    /// Parents or ids that were read whole.
    pub(crate) done: Mutex<Vec<String>>,
}

/// A walk as it is asked for this time.
pub(crate) struct Course<'a> {
    pub(crate) walk: &'a Walk,
    /// What replaces the facts' page size.
    pub(crate) rows: Option<u32>,
    pub(crate) track: Track<'a>,
    /// Whether its first page has come.
    pub(crate) answered: AtomicBool,
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With its last page; whether that is proven, and why it may be a part of the rows nevertheless.
    Done { proven: bool, cut: Option<String> },
    /// The window is too large.
    Split,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StreamWalks<'_> {
    pub(crate) async fn begin_again(&self, slice: &SliceWalks<'_>) -> Result<(), StreamError> {
        self.hand_on(slice, 0, 0).await?;
        lock(&slice.decoder).begin_walk();
        // Where several walks share the slice, the rows so far are not all of this walk: they stay, merged by key.
        if slice.slice.walks.len() == 1 {
            lock(&slice.decoder).restore_counts(Counts::default());
            slice.inside.store(0, Ordering::Relaxed);
            slice.rows.store(0, Ordering::Relaxed);
            self.order(Order::Restart { slice: slice.number }).await?;
        }
        Ok(())
    }

    async fn follow(&self, slice: &SliceWalks<'_>, course: &Course<'_>) -> Result<Ended, StreamError> {
        let mut pager = self.source.connector.pager(self.stream);
        let mut next = pager.first();
        let mut number = 0;
        loop {
            if self.enough.load(Ordering::Relaxed) {
                return Ok(Ended::Done { proven: false, cut: None });
            }
            next = match next {
                Next::Ask(ask) => {
                    number += 1;
                    let asked = self.ask(slice, course, &ask, pager.as_mut(), number);
                    let next = self.pausing(slice, PageNumber::is_recheck(&ask), asked).await?;
                    course.answered.store(true, Ordering::Relaxed);
                    next
                }
                Next::AskAll(asks) => {
                    let at_recheck = asks.iter().any(PageNumber::is_recheck);
                    let asked = self.ask_all(slice, course, asks, pager.as_mut(), &mut number);
                    self.pausing(slice, at_recheck, asked).await?
                }
                Next::Restart(ask) => {
                    self.begin_again(slice).await?;
                    Next::Ask(ask)
                }
                Next::Split => return Ok(Ended::Split),
                Next::Done(end) => return Ok(self.end(end)),
                Next::Wait => {
                    return Err(StreamError::Bug {
                        what: "a pager waits for answers that nobody asked for".to_owned(),
                    });
                }
            };
        }
    }

    fn end(&self, end: End) -> Ended {
        let proven = end.unproven.is_none();
        let mut tally = lock(&self.tally);
        tally.doubtful |= end.warnings.iter().any(|note| note.code == Code::AccountEmpty);
        tally.warnings.extend(end.warnings);
        tally.whole = end.whole;
        if end.unproven.is_some() {
            tally.unproven = end.unproven;
        }
        Ended::Done { proven, cut: end.cut }
    }

    pub(crate) fn warn(&self, note: Note) {
        self.progress.warning(&self.source.name, &self.stream.name, &note);
        lock(&self.tally).warnings.push(note);
    }

    async fn ask(
        &self,
        slice: &SliceWalks<'_>,
        course: &Course<'_>,
        ask: &Ask,
        pager: &mut dyn Pager,
        number: u64,
    ) -> Result<Next, StreamError> {
        let unpaged = matches!(self.stream.paging, Paging::None | Paging::Unknown) && !self.stream.single;
        let mut retries = 0;
        loop {
            let read = if unpaged {
                self.streamed(slice, course, ask, pager, number).await
            } else {
                let (request, answer) = self.fetch(course, ask).await;
                let answer = self.keep(course, ask, &request, answer).await?;
                let read = self.absorb(slice, course.walk, ask, &answer, pager, number);
                self.source.client.give_back(answer.body);
                read
            };
            match read {
                Ok(next) => {
                    self.hand_on(slice, BATCH_ROWS, BATCH_BYTES).await?;
                    return Ok(next);
                }
                // Of an answer that is read while it comes, rows may have been handed on: the walk begins anew.
                Err(error) if passing(&error) && !unpaged && retries < MAX_DECODE_RETRIES => retries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks for pages side by side and reads them in order.
    async fn ask_all(
        &self,
        slice: &SliceWalks<'_>,
        course: &Course<'_>,
        asks: Vec<Ask>,
        pager: &mut dyn Pager,
        number: &mut u64,
    ) -> Result<Next, StreamError> {
        let mut answers = futures::stream::iter(asks)
            .map(|ask| async move {
                let (request, answer) = self.fetch(course, &ask).await;
                (ask, request, answer)
            })
            .buffered(self.source.concurrency.max(1));
        let mut next = Next::Wait;
        while let Some((ask, request, answer)) = answers.next().await {
            *number += 1;
            let answer = self.keep(course, &ask, &request, answer).await?;
            let read = self.absorb(slice, course.walk, &ask, &answer, pager, *number);
            self.source.client.give_back(answer.body);
            next = match read {
                Err(error) if passing(&error) => self.ask(slice, course, &ask, pager, *number).await?,
                read => read?,
            };
            self.hand_on(slice, BATCH_ROWS, BATCH_BYTES).await?;
            if next != Next::Wait || self.enough.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(next)
    }

    /// Waits for the answers. Where the first page is asked for again, at the end of a slice, the writer ends meanwhile what it
    /// has.
    async fn pausing(
        &self,
        slice: &SliceWalks<'_>,
        at_recheck: bool,
        asked: impl Future<Output = Result<Next, StreamError>>,
    ) -> Result<Next, StreamError> {
        // After one of several walks the next one brings more.
        if !at_recheck || slice.slice.walks.len() > 1 {
            return asked.await;
        }
        let pause = async {
            self.hand_on(slice, 0, 0).await?;
            self.order(Order::Pause { slice: slice.number }).await
        };
        let (next, paused) = future::join(asked, pause).await;
        let next = next?;
        paused.map(|()| next)
    }

    /// Hands the rows so far to the writer, if there are enough.
    pub(crate) async fn hand_on(
        &self,
        slice: &SliceWalks<'_>,
        rows: usize,
        bytes: usize,
    ) -> Result<(), StreamError> {
        let few = |decoder: &Decoder| decoder.rows() < rows.max(1) && decoder.bytes() < bytes.max(1);
        if few(&lock(&slice.decoder)) {
            return Ok(());
        }
        // First a place, then the rows: whoever drops this half-way finds them where they were.
        let place = self.orders.reserve().await.map_err(|_| Self::writer_gone())?;
        let taken = {
            let mut decoder = lock(&slice.decoder);
            if few(&decoder) {
                return Ok(());
            }
            decoder.take().map_err(|error| StreamError::Bug { what: error.to_string() })?
        };
        place.send(Order::Write { slice: slice.number, taken, window: self.kept(slice.slice.window) });
        Ok(())
    }

    /// The range whose rows are kept: the window itself, or all that was asked for where a row may move between windows.
    /// What the padding brings from beyond that would depend on where the server cuts its days.
    fn kept(&self, window: Option<Window>) -> Option<Window> {
        let moves = |axis: &&WindowAxis| axis.days.is_some() && !axis.keep_inside;
        if self.stream.window().filter(moves).is_none() {
            return window;
        }
        let from = self.options.from.or(self.source.start);
        window.map(|_| Window { from, to: self.options.to.unwrap_or(i64::MAX) })
    }

    /// Notes how a slice ended.
    pub(crate) fn ended(&self, slice: &SliceWalks<'_>, proven: bool) {
        let SliceWalks { slice, rows, .. } = slice;
        match slice.window.filter(|_| proven) {
            Some(window) => lock(&self.tally).covered.push((slice.property.clone(), window)),
            None if proven => {
                *lock(&self.tally).passes.entry(slice.pass).or_default() += rows.load(Ordering::Relaxed);
            }
            None => self.left_open(slice),
        }
    }

    /// Notes that a slice was not read whole.
    pub(crate) fn left_open(&self, slice: &Slice) {
        lock(&self.tally).open.insert(slice.property.clone().unwrap_or_default());
    }

    /// Counts what a slice's pages held besides what was expected.
    pub(crate) fn met(&self, counts: &Counts) {
        let mut tally = lock(&self.tally);
        for (field, count) in &counts.new_fields {
            *tally.new_fields.entry(self.masked(field)).or_default() += count;
        }
        for (column, count) in &counts.type_mismatches {
            *tally.type_mismatches.entry(column.clone()).or_default() += count;
        }
    }

    pub(crate) async fn order(&self, order: Order) -> Result<(), StreamError> {
        self.orders.send(order).await.map_err(|_| Self::writer_gone())
    }

    pub(crate) fn writer_gone() -> StreamError {
        StreamError::Bug { what: "the writer has stopped".to_owned() }
    }
}

/// Whether asking again may give a page that can be read.
fn passing(error: &StreamError) -> bool {
    matches!(
        error,
        StreamError::Decode { source: DecodeError::Json(_) | DecodeError::Encoding { .. }, .. }
            | StreamError::Body { .. }
    )
}
