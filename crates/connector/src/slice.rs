//! Slices: what a stream is cut into for asking.

/// A unit of asking: planned, read whole, remembered when its rows are safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// What a report calls it: `2026-01-01..2026-01-08`, `ids 1-64`.
    pub label: String,
    /// The window proper, where the stream has windows.
    pub window: Option<Window>,
    /// The property, where the stream has them.
    pub property: Option<String>,
    /// The index of the set of parameters, where the stream is read with several; 0 where not.
    pub pass: usize,
    /// What is walked, one after the other or side by side.
    pub walks: Vec<Walk>,
}

/// One walk from a first page to an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// The path, placeholders filled and percent-encoded.
    pub path: String,
    /// Query parameters of every request.
    pub params: Vec<(String, String)>,
    /// The values of the table's given columns.
    pub given: Vec<Option<String>>,
    /// The parent or id that is asked for, where there is one.
    pub parent: Option<String>,
    /// Statuses that mean here that there are no rows.
    pub barren: Vec<u16>,
}

/// `[from, to)` in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The lower end, inclusive; none for unbounded.
    pub from: Option<i64>,
    /// The upper end, exclusive.
    pub to: i64,
}

impl Window {
    /// Whether an instant lies in the window.
    pub fn holds(&self, micros: i64) -> bool {
        self.from.is_none_or(|from| micros >= from) && micros < self.to
    }
}
