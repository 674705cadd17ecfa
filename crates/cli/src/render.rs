//! Numbers and tables for people.

use userhaul_runner::record::{RunRecord, RunStatus, StreamStatus};

/// A count with its noun: `1 row`, `1,204 rows`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with a comma between each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Rows per second.
pub(crate) fn per_second(rows: u64, seconds: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = rows as f64 / seconds;
    format!("{rate:.0} rows/s")
}

/// Bytes as `1.2 MB`.
pub(crate) fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let count_float = count as f64;
    match count {
        0..1000 => format!("{count} B"),
        1000..1_000_000 => format!("{:.1} kB", count_float / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count_float / 1e6),
        _ => format!("{:.1} GB", count_float / 1e9),
    }
}

/// Cells in columns as wide as they need: columns of numbers are right-aligned, the others left-aligned.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    let mut numbers = vec![true; header.len()];
    for row in rows {
        for (index, cell) in row.iter().enumerate().take(header.len()) {
            widths[index] = widths[index].max(cell.chars().count());
            numbers[index] &=
                cell.is_empty() || cell.starts_with(|first: char| "0123456789~-?".contains(first));
        }
    }
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(index, cell)| {
                let fill = " ".repeat(widths[index].saturating_sub(cell.chars().count()));
                if index > 0 && numbers[index] { format!("{fill}{cell}") } else { format!("{cell}{fill}") }
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let mut lines = vec![line(&header)];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// An instant of a record, to the second.
pub(crate) fn instant(text: &str) -> String {
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |instant| format!("{instant:.0}"))
}

/// How a stream ended, in a word.
pub(crate) fn status(status: StreamStatus) -> &'static str {
    match status {
        StreamStatus::Ok => "ok",
        StreamStatus::Unproven => "unproven",
        StreamStatus::Failed => "failed",
    }
}

/// How a run ended, in a word.
pub(crate) fn run_status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Ok => "ok",
        RunStatus::Partial => "partial",
        RunStatus::Failed => "failed",
        RunStatus::Interrupted => "interrupted",
    }
}

/// The table that ends a run.
pub(crate) fn summary(record: &RunRecord) -> String {
    let mut rows = Vec::new();
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            rows.push(vec![
                format!("{source}.{stream}"),
                grouped(outcome.rows),
                grouped(outcome.requests),
                grouped(outcome.throttled),
                bytes(outcome.bytes_received),
                format!("{:.1}", outcome.seconds),
                status(outcome.status).to_owned(),
            ]);
        }
    }
    table(&["stream", "rows", "requests", "throttled", "received", "seconds", "status"], &rows)
}
