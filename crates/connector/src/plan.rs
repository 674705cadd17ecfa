//! Facts, settings and today into slices.

use crate::{
    request::encode_segment,
    slice::{Slice, Walk, Window},
    spec::{Axis, DateFormat, ParentAxis, Pass, Round, StreamSpec, WindowAxis},
};

const DAY: i64 = 86_400_000_000;

/// The first instant that an unbounded window is cut from when it proves large: no vendor is older.
const BEGINNING: i64 = 1_262_304_000_000_000;

/// What a plan depends on besides the facts. Instants are microseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct PlanInputs<'a> {
    /// When the run began: no window reaches beyond it.
    pub now: i64,
    /// The first instant wanted; none for all there is.
    pub start: Option<i64>,
    /// The first instant not wanted; none for up to now.
    pub end: Option<i64>,
    /// The values of each setting that an axis names.
    pub settings: &'a [(String, Vec<String>)],
    /// The keys of the parent stream's rows, distinct, in order.
    pub parents: &'a [String],
    /// For each property, or the empty text where there are none: windows before this instant are not read again.
    pub resume: &'a [(String, i64)],
    /// Only rows changed at or after this instant are asked for, where the stream has a filter for that.
    pub since: Option<i64>,
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The stream's windows need a first day.
    #[error("`{stream}` is read in windows of time and needs a `start_date`")]
    StartRequired {
        /// The stream.
        stream: String,
    },
}

/// The slices of a stream, in the order in which they are best asked.
///
/// # Errors
/// When a start date is missing that the stream needs.
pub fn plan(stream: &StreamSpec, inputs: &PlanInputs<'_>) -> Result<Vec<Slice>, PlanError> {
    let mut slices = Vec::new();
    for (number, pass) in passes(stream).iter().enumerate() {
        let begun = slices.len();
        for property in properties(stream, inputs) {
            let windows = match stream.window().filter(|_| pass.windowed) {
                Some(axis) => windows(stream, axis, inputs, property)?.into_iter().map(Some).collect(),
                None => vec![None],
            };
            for window in windows {
                slices.extend(slices_of(stream, pass, window, property, inputs));
            }
        }
        slices.iter_mut().skip(begun).for_each(|slice: &mut Slice| slice.pass = number);
    }
    Ok(slices)
}

/// A slice of an earlier plan as the facts have it now: its window, property and pass, and these parents. None where the
/// facts have no such pass.
pub fn again(
    stream: &StreamSpec,
    (pass, window, property): (usize, Option<Window>, Option<&str>),
    parents: &[String],
    inputs: &PlanInputs<'_>,
) -> Option<Slice> {
    let inputs = PlanInputs { parents, ..inputs.clone() };
    let mut slices = slices_of(stream, passes(stream).get(pass)?, window, property, &inputs).into_iter();
    let mut slice = slices.next()?;
    // A block may have been longer.
    slice.walks.extend(slices.flat_map(|rest| rest.walks));
    slice.pass = pass;
    Some(slice)
}

fn passes(stream: &StreamSpec) -> Vec<Pass> {
    let passes = stream.passes();
    if passes.is_empty() {
        return vec![Pass { params: Vec::new(), windowed: true, all_of: None }];
    }
    passes.to_vec()
}

/// The properties that a stream is read for; none alone where it has no such axis.
fn properties<'a>(stream: &StreamSpec, inputs: &PlanInputs<'a>) -> Vec<Option<&'a str>> {
    let setting = stream.axes.iter().find_map(|axis| match axis {
        Axis::Property { setting, .. } => Some(setting),
        _ => None,
    });
    let Some(setting) = setting else { return vec![None] };
    let values = inputs.settings.iter().find(|(name, _)| name == setting).map(|(_, values)| values);
    values.into_iter().flatten().map(|value| Some(value.as_str())).collect()
}

/// The slices of one pass, property and window: one, or one a block of parents.
fn slices_of(
    stream: &StreamSpec,
    pass: &Pass,
    window: Option<Window>,
    property: Option<&str>,
    inputs: &PlanInputs<'_>,
) -> Vec<Slice> {
    let mut walk = base_walk(stream, pass, window, inputs.now);
    if let (Some(since), Some(from)) = (&stream.since, inputs.since) {
        walk.params.push((since.param.clone(), since.format.write(from, Round::Down)));
    }
    for axis in &stream.axes {
        if let (Axis::Property { param, .. }, Some(value)) = (axis, property) {
            walk = with_value(&walk, param, value, None);
        }
    }
    let label = label(pass, window);
    let Some(parent) = stream.parent() else {
        return vec![Slice {
            label: with_given(&label, &walk),
            window,
            property: property.map(str::to_owned),
            pass: 0,
            walks: vec![walk],
        }];
    };
    blocks(parent, &walk, &label, window, inputs.parents)
}

fn blocks(
    parent: &ParentAxis,
    walk: &Walk,
    label: &str,
    window: Option<Window>,
    keys: &[String],
) -> Vec<Slice> {
    let mut from = 1;
    keys.chunks(parent.block)
        .map(|block| {
            let walks =
                block.iter().map(|key| with_value(walk, &parent.param, key, Some(key.clone()))).collect();
            let range = format!("{} {from}-{}", parent.stream, from + block.len() - 1);
            from += block.len();
            let label = if label.is_empty() { range } else { format!("{label} {range}") };
            Slice { label, window, property: None, pass: 0, walks }
        })
        .collect()
}

fn base_walk(stream: &StreamSpec, pass: &Pass, window: Option<Window>, now: i64) -> Walk {
    let mut params = stream.params.clone();
    params.extend(pass.params.iter().cloned());
    let mut given = Vec::new();
    if let (Some(axis), Some(window)) = (stream.window(), window) {
        let (from, to) = ends(axis, window, Some(now));
        if axis.years {
            // The table's columns do not depend on how a request writes them.
            given.push(window.from.map(|from| DateFormat::Zoneless.write(from, Round::Down)));
            given.push(Some(DateFormat::Zoneless.write(window.to - 1_000_000, Round::Down)));
        }
        params.extend(from.map(|from| (axis.from.clone(), from)));
        params.extend(axis.to.clone().map(|name| (name, to)));
    }
    Walk { path: stream.path.clone(), params, given, ..Walk::default() }
}

/// Puts a value where its placeholder is, or into the query where there is none.
fn with_value(walk: &Walk, param: &str, value: &str, parent: Option<String>) -> Walk {
    let mut walk = walk.clone();
    let placeholder = format!("{{{param}}}");
    if walk.path.contains(&placeholder) {
        walk.path = walk.path.replace(&placeholder, &encode_segment(value));
    } else {
        walk.params.push((param.to_owned(), value.to_owned()));
    }
    walk.given.push(Some(value.to_owned()));
    walk.parent = parent;
    walk
}

fn with_given(label: &str, walk: &Walk) -> String {
    let given: Vec<&str> = walk.given.iter().filter_map(Option::as_deref).collect();
    let parts = std::iter::once(label).chain(given).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

fn label(pass: &Pass, window: Option<Window>) -> String {
    let mut parts: Vec<String> = pass.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if let Some(window) = window {
        let from = window.from.map_or_else(String::new, |from| DateFormat::Day.write(from, Round::Down));
        parts.push(format!("{from}..{}", DateFormat::Day.write(window.to, Round::Down)));
    }
    parts.join(" ")
}

/// The windows of a stream: `[from, to)` tiles from the start to now, without gap or overlap.
fn windows(
    stream: &StreamSpec,
    axis: &WindowAxis,
    inputs: &PlanInputs<'_>,
    property: Option<&str>,
) -> Result<Vec<Window>, PlanError> {
    let end = inputs.end.map_or(inputs.now, |end| end.min(inputs.now));
    let start = match inputs.start {
        None if axis.start_required => return Err(PlanError::StartRequired { stream: stream.name.clone() }),
        None if axis.years => Some(BEGINNING),
        start => start,
    };
    let resume = inputs.resume.iter().find(|(of, _)| of == property.unwrap_or_default());
    let start = resume.map_or(start, |&(_, from)| start.max(Some(from)));
    if axis.years {
        return Ok(years(start.unwrap_or(BEGINNING), end));
    }
    let Some(days) = axis.days else { return Ok(vec![Window { from: start, to: end }]) };
    let start = start.unwrap_or(BEGINNING);
    let mut from = start.div_euclid(DAY) * DAY;
    // Windows of days hold whole days: the current one is read too, and read again by the next run. A day that begins
    // where the range ends is not wanted.
    let last = if inputs.end.is_some_and(|wanted| wanted == end) { end - 1 } else { end };
    let end = (last.div_euclid(DAY) + 1) * DAY;
    let mut tiles = Vec::new();
    while from < end {
        let to = (from + i64::from(days) * DAY).min(end);
        tiles.push(Window { from: Some(from), to });
        from = to;
    }
    Ok(tiles)
}

fn years(start: i64, end: i64) -> Vec<Window> {
    let mut from = start;
    let mut tiles = Vec::new();
    while from < end {
        let to = next_year(from);
        tiles.push(Window { from: Some(from), to });
        from = to;
    }
    tiles
}

fn next_year(micros: i64) -> i64 {
    let date = civil(micros);
    let next = jiff::civil::date(date.year() + 1, 1, 1);
    (i64::from((next - jiff::civil::date(1970, 1, 1)).get_days())) * DAY
}

fn civil(micros: i64) -> jiff::civil::DateTime {
    let timestamp = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::TimeZone::UTC.to_datetime(timestamp)
}

/// The two ends as the request writes them, padded.
///
/// A window of days is asked for by its first and last day, or the one behind it where the server leaves out the day that
/// it is told, and never for a day after `now`, though the last window is padded; everything else by its ends as instants, the lower one rounded down and the upper one rounded up to what the
/// format can say.
fn ends(axis: &WindowAxis, window: Window, now: Option<i64>) -> (Option<String>, String) {
    let pad = i64::try_from(axis.pad.as_micros()).unwrap_or(0);
    let from = window.from.map(|from| axis.format.write(from - pad, Round::Down));
    let behind = if axis.to_inclusive { 0 } else { DAY };
    let to = if axis.format.is_day() && axis.days.is_some() {
        // Padding covers the day that is left out, but not where it ends today.
        let last = window.to - DAY + pad.max(behind);
        axis.format.write(now.map_or(last, |now| last.min(now + behind)), Round::Down)
    } else if axis.years && axis.format.is_day() {
        axis.format.write(window.to - DAY + behind, Round::Down)
    } else if axis.years {
        axis.format.write(window.to - 1_000_000, Round::Down)
    } else {
        axis.format.write(window.to + pad, Round::Up)
    };
    (from, to)
}

/// Halves a slice's window; none where it cannot be halved.
pub fn split(stream: &StreamSpec, slice: &Slice) -> Option<[Slice; 2]> {
    let axis = stream.window()?;
    let window = slice.window?;
    let upper = axis.to.as_ref()?;
    let from = window.from.unwrap_or(BEGINNING.min(window.to - DAY));
    let unit = if axis.format.is_day() { DAY } else { 1_000_000 };
    let middle = (from + (window.to - from) / 2).div_euclid(unit) * unit;
    if middle <= from || middle >= window.to {
        return None;
    }
    let half = |window: Window| {
        let mut half = slice.clone();
        half.window = Some(window);
        let (from, to) = ends(axis, window, None);
        for walk in &mut half.walks {
            // The whole may have been cut off at today, and so is its half. Days compare as texts.
            let whole = walk.params.iter().find(|(name, _)| name == upper).map(|(_, to)| to.clone());
            let to = match whole {
                Some(whole) if axis.format == DateFormat::Day && whole < to => whole,
                _ => to.clone(),
            };
            walk.params.retain(|(name, _)| *name != axis.from && name != upper);
            walk.params.extend(from.clone().map(|from| (axis.from.clone(), from)));
            walk.params.push((upper.clone(), to));
        }
        half.label = format!("{} half {}", slice.label, DateFormat::Rfc3339.write(window.to, Round::Down));
        half
    };
    let first = half(Window { from: window.from, to: middle });
    Some([first, half(Window { from: Some(middle), to: window.to })])
}
