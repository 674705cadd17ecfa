//! Along what a stream is cut into slices.

use std::time::Duration;

use serde::Deserialize;

use super::DateFormat;
use crate::quota::Span;

/// One axis of a stream. A stream with several is read for each combination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Axis {
    /// Windows of time, in the request's parameters.
    Window(WindowAxis),
    /// The properties of the configuration.
    Property {
        /// The setting that lists them.
        setting: String,
        /// The path placeholder or query parameter that takes one.
        param: String,
        /// The vendor's name of the column that keeps it.
        column: String,
    },
    /// The rows of another stream, or ids from elsewhere.
    Parent(ParentAxis),
    /// Several sets of parameters; the rows are merged by key.
    Passes(Vec<Pass>),
}

/// Windows of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowAxis {
    /// The parameter of the lower end.
    pub from: String,
    /// The parameter of the upper end; none where the server knows no upper end (`updated_since`).
    pub to: Option<String>,
    /// Whether rows of the day that the upper end names come too, where ends are days.
    pub to_inclusive: bool,
    /// How both are written.
    pub format: DateFormat,
    /// The column (an instant or a day) that the server filters by.
    pub by: String,
    /// The length of a window in days; none for one window over the whole range.
    pub days: Option<u32>,
    /// Whether windows are calendar years, cut at the ends of the range, with both ends kept in the rows.
    pub years: bool,
    /// The vendor's names of the columns that keep both ends, for calendar years; those of the parameters by default.
    pub columns: Option<(String, String)>,
    /// What is asked for beyond each end, so that it does not matter whether ends are inclusive.
    pub pad: Duration,
    /// Whether rows outside the window proper are dropped: they belong to its neighbour.
    pub keep_inside: bool,
    /// Whether an absent start date is an error.
    pub start_required: bool,
    /// A window whose first page tells of more pages than this is halved.
    pub split_above_pages: Option<u64>,
}

/// The children of another stream's rows, or one request an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentAxis {
    /// The stream.
    pub stream: String,
    /// The column of it whose distinct values are asked for, one by one; empty values do not count.
    pub key: String,
    /// The path placeholder that takes one.
    pub param: String,
    /// The vendor's name of the column that keeps it.
    pub column: String,
    /// Statuses that mean that this one is gone.
    pub gone: Vec<u16>,
    /// Which of them may be refused without anything being wrong.
    pub barren: Option<Barren>,
    /// The setting of a file with more ids.
    pub file: Option<String>,
    /// The derived stream that records what is gone.
    pub missing: Option<String>,
    /// How many of them make a slice.
    pub block: usize,
}

/// Parents that have no children: what else would be an error means no rows, with a warning.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Barren {
    /// A column of the parent's table.
    pub column: String,
    /// The value of it that they have.
    pub value: String,
    /// The statuses.
    pub statuses: Vec<u16>,
}

/// Another way to ask, where the server refuses the first: the same rows, cut along other axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The statuses with which the first way is refused.
    pub statuses: Vec<u16>,
    /// The axes of the other way.
    pub axes: Vec<Axis>,
}

/// One set of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The parameters.
    pub params: Vec<(String, String)>,
    /// Whether the stream's window is sent too.
    pub windowed: bool,
    /// A column that is true in the rows of this pass and in no others: read without a window, they are all of them.
    pub all_of: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub(crate) enum AxisFile {
    Window {
        from: String,
        to: Option<String>,
        #[serde(default = "yes")]
        to_inclusive: bool,
        format: DateFormat,
        by: String,
        days: Option<u32>,
        #[serde(default)]
        years: bool,
        columns: Option<(String, String)>,
        pad: Option<String>,
        #[serde(default)]
        keep_inside: bool,
        #[serde(default)]
        start_required: bool,
        split_above_pages: Option<u64>,
    },
    Property {
        setting: String,
        param: String,
        column: String,
    },
    Parent {
        stream: String,
        key: String,
        param: String,
        column: String,
        #[serde(default)]
        gone: Vec<u16>,
        barren: Option<Barren>,
        file: Option<String>,
        missing: Option<String>,
        block: Option<usize>,
    },
    Passes {
        passes: Vec<PassFile>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassFile {
    #[serde(default)]
    params: indexmap::IndexMap<String, String>,
    #[serde(default = "yes")]
    windowed: bool,
    all_of: Option<String>,
}

fn yes() -> bool {
    true
}

impl AxisFile {
    pub(crate) fn read(self) -> Result<Axis, String> {
        Ok(match self {
            Self::Window {
                from,
                to,
                to_inclusive,
                format,
                by,
                days,
                years,
                columns,
                pad,
                keep_inside,
                start_required,
                split_above_pages,
            } => {
                let pad = match pad {
                    Some(text) => text.parse::<Span>().map_err(|error| format!("`pad`: {error}"))?.0,
                    None => Duration::ZERO,
                };
                if to.is_none() && (days.is_some() || years) {
                    return Err(
                        "a window axis without `to` cannot be cut: leave out `days` and `years`".to_owned()
                    );
                }
                Axis::Window(WindowAxis {
                    from,
                    to,
                    to_inclusive,
                    format,
                    by,
                    days,
                    years,
                    columns,
                    pad,
                    keep_inside,
                    start_required,
                    split_above_pages,
                })
            }
            Self::Property { setting, param, column } => Axis::Property { setting, param, column },
            Self::Parent { stream, key, param, column, gone, barren, file, missing, block } => {
                Axis::Parent(ParentAxis {
                    stream,
                    key,
                    param,
                    column,
                    gone,
                    barren,
                    file,
                    missing,
                    block: block.unwrap_or(64).max(1),
                })
            }
            Self::Passes { passes } => Axis::Passes(
                passes
                    .into_iter()
                    .map(|PassFile { params, windowed, all_of }| Pass {
                        params: params.into_iter().collect(),
                        windowed,
                        all_of,
                    })
                    .collect(),
            ),
        })
    }
}
