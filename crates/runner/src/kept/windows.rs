//! Windows that were read whole before a run was cut short.

use userhaul_connector::{
    plan::{self, PlanInputs},
    slice::{Slice, Window},
    spec::StreamSpec,
};

use super::{SLICE, Taken, journal::Kept};
use crate::{
    error::StreamError,
    orders::Tables,
    reading::{self, Kind, Reading},
    state::StreamState,
    stream::SourceRun,
    tables::DAY,
};

/// The instant before which the run after one that began at `at` and ended well would have read nothing again; none where every
/// run reads all of the stream.
pub(super) fn settled(run: &SourceRun<'_>, stream: &StreamSpec, at: i64) -> Option<i64> {
    let through = [(String::new(), reading::through(stream, at))].into();
    let state = StreamState { through, ..StreamState::default() };
    let (_, from) = reading::resume(stream, &state, run.source.look_back)?.into_iter().next()?;
    let days = stream.window().is_some_and(|axis| axis.days.is_some());
    Some(if days { from.div_euclid(DAY) * DAY } else { from })
}

/// A piece of a planned window that was read before.
struct Piece<'a> {
    kept: &'a Kept,
    window: Window,
}

impl Piece<'_> {
    fn is_of(&self, slice: &Slice) -> bool {
        (self.kept.extent.pass, &self.kept.extent.property) == (slice.pass, &slice.property)
    }
}

/// Puts what runs before have read of the planned windows into the tables, and gives the slices that are left.
pub(super) fn take(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    lines: &[Kept],
    (reading, inputs): (&Reading, &PlanInputs<'_>),
    slices: Vec<Slice>,
    tables: &mut Tables,
) -> Result<(Vec<Slice>, Taken), StreamError> {
    let mut taken = Taken::default();
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut left = slices.clone();
    // What was read last counts.
    for kept in lines.iter().rev().filter(|kept| is_as_good(run, stream, reading, kept)) {
        let Some(window) = left.iter().find_map(|slice| usable(run, stream, kept, slice)) else { continue };
        pieces.push(Piece { kept, window });
        left = without(stream, inputs, left, &pieces);
    }
    // Of rows of one key the later one stands: the oldest go first.
    pieces.reverse();
    let mut written: Vec<Piece<'_>> = Vec::new();
    for (number, piece) in pieces.into_iter().enumerate() {
        let Piece { kept, window } = &piece;
        // A slice that may hold rows beside its window brings them, as far as they are wanted.
        let keeps_inside = stream.window().is_some_and(|axis| axis.keep_inside);
        let wanted = Window { from: run.source.start, to: i64::MAX };
        let inside = Some(if keeps_inside { *window } else { wanted });
        if !tables.write_kept(SLICE - number, kept, inside, Ok)? {
            continue;
        }
        taken.windows.push((kept.extent.property.clone(), *window));
        taken.since = Some(taken.since.map_or(kept.begun.at, |since| since.min(kept.begun.at)));
        written.push(piece);
    }
    Ok((without(stream, inputs, slices, &written), taken))
}

/// Whether a slice can stand in this reading. A full pass needs slices of one that would still count had it ended.
fn is_as_good(run: &SourceRun<'_>, stream: &StreamSpec, reading: &Reading, kept: &Kept) -> bool {
    let full = StreamState { full_at: kept.begun.at, ..StreamState::default() };
    reading.kind != Kind::Full
        || kept.begun.full && !reading::due(stream, &full, run.source.full_every, run.options.now)
}

/// The part of a slice's window that a kept one has, as far as it is settled.
fn usable(run: &SourceRun<'_>, stream: &StreamSpec, kept: &Kept, slice: &Slice) -> Option<Window> {
    let (from, to) = kept.extent.window?;
    let (planned, axis) = (slice.window?, stream.window()?);
    // By the vendor's clock: what came in there after that is not in it.
    let begun = kept.begun.at.saturating_add(kept.extent.behind);
    let end = to.min(planned.to).min(settled(run, stream, begun)?);
    let window = Window { from: from.max(planned.from), to: end };
    // Rows that lie beside their window cannot be cut off with it.
    let whole = axis.keep_inside || (window.from, window.to) == (from, to);
    let same = (kept.extent.pass, &kept.extent.property) == (slice.pass, &slice.property);
    (same && whole && window.from.is_none_or(|from| from < window.to)).then_some(window)
}

/// The slices without these pieces of their windows.
fn without(
    stream: &StreamSpec,
    inputs: &PlanInputs<'_>,
    slices: Vec<Slice>,
    pieces: &[Piece<'_>],
) -> Vec<Slice> {
    let mut rest = Vec::new();
    for slice in slices {
        let Some(planned) = slice.window else {
            rest.push(slice);
            continue;
        };
        let windows =
            pieces.iter().filter(|piece| piece.is_of(&slice)).fold(vec![planned], |windows, piece| {
                windows.into_iter().flat_map(|one| cut(one, piece.window)).collect()
            });
        if windows == [planned] {
            rest.push(slice);
            continue;
        }
        let at = |window| (slice.pass, Some(window), slice.property.as_deref());
        rest.extend(windows.into_iter().filter_map(|window| plan::again(stream, at(window), &[], inputs)));
    }
    rest
}

/// A window without another one: what lies before it, and what lies behind.
fn cut(window: Window, gone: Window) -> impl Iterator<Item = Window> {
    let before = gone.from.map(|to| Window { from: window.from, to: to.min(window.to) });
    let behind = Window { from: window.from.max(Some(gone.to)), to: window.to };
    let holds = |window: &Window| window.from.is_none_or(|from| from < window.to);
    before.into_iter().chain([behind]).filter(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(window: (Option<i64>, i64), gone: (Option<i64>, i64)) -> Vec<(Option<i64>, i64)> {
        let of = |(from, to)| Window { from, to };
        cut(of(window), of(gone)).map(|window| (window.from, window.to)).collect()
    }

    #[test]
    fn a_window_is_left_with_what_lies_on_both_sides() {
        assert_eq!(rest((Some(0), 9), (Some(3), 5)), [(Some(0), 3), (Some(5), 9)]);
        assert_eq!(rest((Some(0), 9), (Some(0), 5)), [(Some(5), 9)]);
        assert_eq!(rest((Some(0), 9), (Some(3), 9)), [(Some(0), 3)]);
        assert_eq!(rest((Some(0), 9), (Some(0), 9)), []);
        assert_eq!(rest((None, 9), (None, 5)), [(Some(5), 9)]);
        assert_eq!(rest((None, 9), (Some(3), 5)), [(None, 3), (Some(5), 9)]);
        // One beside it takes nothing.
        assert_eq!(rest((Some(0), 9), (Some(9), 12)), [(Some(0), 9)]);
        assert_eq!(rest((Some(5), 9), (Some(0), 5)), [(Some(5), 9)]);
    }
}
