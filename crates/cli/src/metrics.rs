//! The figures of runs in Prometheus' text format, for the textfile collector of node_exporter and its like.
//!
//! Everything is made of the run records that stand in the destination: what counts up is the sum over all of them, what
//! stands is that of the latest. Only syncs count: a replay asks nobody, and says nothing of how fresh a table is.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    path::Path,
};

use userhaul_runner::record::{Command, RunRecord, StreamRecord, StreamStatus};

use crate::{
    console::Console,
    failure::{Code, reason},
    render, runs,
};

/// Writes the file, whole or not at all. That it cannot be written is told, and no more.
pub(crate) fn save(path: &Path, destination: &Path, console: Console) {
    let text = text(&runs::all(destination));
    if let Err(error) = userhaul_storage::write_whole(path, text.as_bytes()) {
        let why = format!("cannot write the metrics to `{}`: {}", path.display(), reason(&error));
        console.warning(Code::MetricsNotWritten, &why);
    }
}

/// A source and a stream.
type Key<'a> = (&'a str, &'a str);

/// What is known of a stream over all runs.
#[derive(Default)]
struct Past<'a> {
    latest: Option<(&'a RunRecord, &'a StreamRecord)>,
    complete: Option<&'a RunRecord>,
    /// The latest that did not fail: a table that failed to be read stands as it was.
    written: Option<&'a StreamRecord>,
    all: Vec<&'a StreamRecord>,
    warnings: BTreeMap<&'a str, u64>,
}

/// What counts up.
struct Counter {
    name: &'static str,
    help: &'static str,
    of: fn(&StreamRecord) -> Number,
}

/// A figure, whole where it can be.
#[derive(Clone, Copy)]
enum Number {
    Whole(u64),
    Seconds(f64),
}

const COUNTERS: [Counter; 7] = [
    Counter {
        name: "userhaul_requests_total",
        help: "Requests sent.",
        of: |stream| Number::Whole(stream.requests),
    },
    Counter {
        name: "userhaul_retries_total",
        help: "Requests that repeated a failed one.",
        of: |stream| Number::Whole(stream.retries),
    },
    Counter {
        name: "userhaul_throttled_answers_total",
        help: "Answers with status 429.",
        of: |stream| Number::Whole(stream.throttled),
    },
    Counter {
        name: "userhaul_received_bytes_total",
        help: "Bytes of answers on the wire.",
        of: |stream| Number::Whole(stream.bytes_received),
    },
    Counter {
        name: "userhaul_written_bytes_total",
        help: "Bytes of files written.",
        of: |stream| Number::Whole(stream.bytes_written),
    },
    Counter {
        name: "userhaul_quota_wait_seconds_total",
        help: "Time spent waiting for the quota, over all requests in flight.",
        of: |stream| Number::Seconds(stream.waited_on_quota_seconds),
    },
    Counter {
        name: "userhaul_run_duration_seconds_total",
        help: "Time that runs took.",
        of: |stream| Number::Seconds(stream.seconds),
    },
];

/// The text for these records, which come newest first.
fn text(records: &[RunRecord]) -> String {
    let mut known: BTreeMap<Key<'_>, Past<'_>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.command == Command::Sync) {
        for (source, streams) in &record.sources {
            for (stream, outcome) in &streams.streams {
                let past = known.entry((source, stream)).or_default();
                past.latest = past.latest.or(Some((record, outcome)));
                if outcome.status != StreamStatus::Failed {
                    past.written = past.written.or(Some(outcome));
                }
                if outcome.status == StreamStatus::Ok {
                    past.complete = past.complete.or(Some(record));
                }
                past.all.push(outcome);
                for (code, _) in outcome.warnings.iter().filter(|(code, _)| !code.is_empty()) {
                    *past.warnings.entry(code).or_default() += 1;
                }
            }
        }
    }
    let mut text = Text::default();
    counters(&known, &mut text);
    gauges(&known, &mut text);
    text.0
}

fn counters(known: &BTreeMap<Key<'_>, Past<'_>>, text: &mut Text) {
    for counter in COUNTERS {
        text.head(counter.name, "counter", counter.help);
        for (key, past) in known {
            let sum = past.all.iter().fold(Number::Whole(0), |sum, stream| sum.plus((counter.of)(stream)));
            text.line(counter.name, *key, &[], sum);
        }
    }
    let name = "userhaul_warnings_total";
    text.head(name, "counter", "Warnings by their code.");
    for (key, past) in known {
        for (code, count) in &past.warnings {
            text.line(name, *key, &[("code", code)], count);
        }
    }
}

fn gauges(known: &BTreeMap<Key<'_>, Past<'_>>, text: &mut Text) {
    let latest = || known.iter().filter_map(|(key, past)| Some((*key, past.latest?)));
    let name = "userhaul_rows";
    text.head(name, "gauge", "Rows of the table after the last run that did not fail.");
    for (key, past) in known {
        if let Some(stream) = past.written {
            text.line(name, *key, &[], stream.rows);
        }
    }
    let name = "userhaul_last_run_duration_seconds";
    text.head(name, "gauge", "Time that the last run took.");
    for (key, (_, stream)) in latest() {
        text.line(name, key, &[], stream.seconds);
    }
    let name = "userhaul_last_run_status";
    text.head(name, "gauge", "How the last run ended: 1 for the status that holds, 0 for the others.");
    for (key, (_, stream)) in latest() {
        for status in [StreamStatus::Ok, StreamStatus::Unproven, StreamStatus::Failed] {
            let holds = u8::from(stream.status == status);
            text.line(name, key, &[("status", render::status(status))], holds);
        }
    }
    let name = "userhaul_last_run_timestamp_seconds";
    text.head(name, "gauge", "When the last run ended, in seconds since 1970.");
    for (key, (record, _)) in latest() {
        text.instant(name, key, &record.finished_at);
    }
    let name = "userhaul_last_complete_run_timestamp_seconds";
    text.head(name, "gauge", "When the last run ended whose status is ok, in seconds since 1970.");
    for (key, past) in known {
        if let Some(record) = past.complete {
            text.instant(name, *key, &record.finished_at);
        }
    }
}

impl Number {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Self::Whole(one.saturating_add(other)),
            (Self::Whole(0), Self::Seconds(seconds)) => Self::Seconds(seconds),
            (one, other) => Self::Seconds(one.seconds() + other.seconds()),
        }
    }

    fn seconds(self) -> f64 {
        match self {
            Self::Whole(_) => 0.0,
            Self::Seconds(seconds) => seconds,
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Seconds(seconds) => seconds.fmt(f),
        }
    }
}

/// The text in the making. Writing to a text does not fail.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, (source, stream): Key<'_>, more: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "{name}{{source=\"{}\",stream=\"{}\"", escaped(source), escaped(stream));
        for (label, text) in more {
            let _ = write!(self.0, ",{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.0, "}} {value}");
    }

    /// Leaves out what is no instant, which is nowhere written.
    fn instant(&mut self, name: &str, key: Key<'_>, at: &str) {
        if let Ok(at) = at.parse::<jiff::Timestamp>() {
            self.line(name, key, &[], at.as_second());
        }
    }
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
    }

    fn record(command: &str, day: u8, status: &str, requests: u64, seconds: f64) -> RunRecord {
        let text = format!(
            r#"{{"run_id": "{day}", "started_at": "2026-03-0{day}T01:00:00Z", "finished_at": "2026-03-0{day}T02:00:00Z",
                "command": "{command}", "status": "ok", "version": "x", "sources": {{ "lms": {{ "streams": {{ "users": {{
                "status": "{status}", "completeness": "complete", "reason": null, "mode": "full_refresh", "rows": {day},
                "requests": {requests}, "retries": 0, "throttled": 0, "bytes_received": 0, "bytes_written": 0, "files": 1,
                "seconds": {seconds}, "waited_on_quota_seconds": 0.25, "new_fields": {{}}, "type_mismatches": {{}},
                "warnings": ["x"], "warning_codes": ["rows_differ"], "error": null, "cursor_before": null,
                "cursor_after": null }} }} }} }} }}"#
        );
        serde_json::from_str(&text).expect("a record")
    }

    #[test]
    fn counters_are_sums_of_syncs_and_gauges_are_of_the_latest() {
        let records = [
            record("sync", 4, "failed", 5, 1.5),
            record("replay", 3, "ok", 0, 9.0),
            record("sync", 2, "ok", 20, 2.0),
            record("sync", 1, "ok", 100, 3.0),
        ];
        let text = text(&records);
        let value = |name: &str, more: &str| {
            let start = format!("{name}{{source=\"lms\",stream=\"users\"{more}}} ");
            text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or("none").to_owned()
        };
        assert_eq!(value("userhaul_requests_total", ""), "125");
        assert_eq!(value("userhaul_run_duration_seconds_total", ""), "6.5");
        assert_eq!(value("userhaul_quota_wait_seconds_total", ""), "0.75");
        assert_eq!(value("userhaul_warnings_total", ",code=\"rows_differ\""), "3");
        assert_eq!(value("userhaul_rows", ""), "2");
        assert_eq!(value("userhaul_last_run_status", ",status=\"failed\""), "1");
        assert_eq!(value("userhaul_last_run_status", ",status=\"ok\""), "0");
        // 2026-03-04T02:00:00Z and 2026-03-02T02:00:00Z.
        assert_eq!(value("userhaul_last_run_timestamp_seconds", ""), "1772589600");
        assert_eq!(value("userhaul_last_complete_run_timestamp_seconds", ""), "1772416800");
    }

    #[test]
    fn each_metric_has_one_head_before_its_lines_and_counters_alone_end_in_total() {
        let text = text(&[record("sync", 1, "ok", 1, 1.0)]);
        let mut heads: Vec<(&str, &str)> = Vec::new();
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a kind");
                assert!(heads.iter().all(|(known, _)| *known != name), "{name}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
                heads.push((name, kind));
            } else if !line.starts_with('#') {
                let name = line.split('{').next().expect("a name");
                assert_eq!(heads.last().map(|(name, _)| *name), Some(name));
            }
        }
        assert_eq!(heads.len(), 13);
    }
}
