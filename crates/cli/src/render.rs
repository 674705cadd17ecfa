//! Numbers and tables for people.

use userhaul_runner::record::{RunRecord, StreamStatus};

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

/// Cells in columns as wide as they need; the first is left-aligned, the others right-aligned.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(index, (cell, width))| {
                let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
                if index == 0 { format!("{cell}{fill}") } else { format!("{fill}{cell}") }
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let mut lines = vec![line(&header)];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// The table that ends a run.
pub(crate) fn summary(record: &RunRecord) -> String {
    let mut rows = Vec::new();
    for (source, streams) in &record.sources {
        for (stream, outcome) in &streams.streams {
            let status = match outcome.status {
                StreamStatus::Ok => "ok",
                StreamStatus::Unproven => "unproven",
                StreamStatus::Failed => "failed",
            };
            rows.push(vec![
                format!("{source}.{stream}"),
                grouped(outcome.rows),
                grouped(outcome.requests),
                grouped(outcome.throttled),
                bytes(outcome.bytes_received),
                format!("{:.1}", outcome.seconds),
                status.to_owned(),
            ]);
        }
    }
    table(&["stream", "rows", "requests", "throttled", "received", "seconds", "status"], &rows)
}
