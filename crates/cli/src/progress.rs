//! What a run looks like while it works: a line a stream on a terminal, plain lines elsewhere.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use userhaul_client::{Event, WaitReason};
use userhaul_runner::{
    progress::Progress,
    record::{StreamRecord, StreamStatus},
};

use userhaul_connector::code::{Code, Note};

use crate::{console::Console, render};

/// Shows a run.
pub(crate) struct Display {
    console: Console,
    bars: Option<MultiProgress>,
    streams: Mutex<HashMap<(String, String), Line>>,
}

struct Line {
    bar: Option<ProgressBar>,
    begun: Instant,
    rows: u64,
    pages: u64,
    /// What the stream's source waits for.
    waiting: Option<String>,
}

impl Line {
    fn draw(&self) {
        let Some(bar) = &self.bar else { return };
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let mut message = format!(
            "{} in {}, {}",
            render::counted(self.rows, "row"),
            render::counted(self.pages, "page"),
            render::per_second(self.rows, seconds)
        );
        if let Some(waiting) = &self.waiting {
            message.push_str("; ");
            message.push_str(waiting);
        }
        bar.set_message(message);
    }
}

impl Display {
    pub(crate) fn new(console: Console) -> Self {
        let bars = console.live.then(MultiProgress::new);
        Self { console, bars, streams: Mutex::new(HashMap::new()) }
    }

    fn with(&self, source: &str, stream: &str, act: impl FnOnce(&mut Line)) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = streams.get_mut(&(source.to_owned(), stream.to_owned())) {
            act(line);
        }
    }

    /// Tells on the line of each stream of a source what the source waits for; false where there is no such line.
    fn waits(&self, source: &str, waiting: Option<&str>) -> bool {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = false;
        for (_, line) in streams.iter_mut().filter(|((of, _), _)| of == source) {
            line.waiting = waiting.map(str::to_owned);
            line.draw();
            told |= line.bar.is_some();
        }
        told
    }

    /// A line above the live display, or just a line.
    fn say(&self, act: impl FnOnce(&Console)) {
        match &self.bars {
            Some(bars) => bars.suspend(|| act(&self.console)),
            None => act(&self.console),
        }
    }
}

impl Progress for Display {
    fn begun(&self, source: &str, stream: &str) {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            // The template is constant and valid; a failure would only cost the style.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:32!} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(format!("{source}.{stream}"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let line = Line { bar, begun: Instant::now(), rows: 0, pages: 0, waiting: None };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.insert((source.to_owned(), stream.to_owned()), line);
    }

    fn page(&self, source: &str, stream: &str, rows: u64, _bytes: u64) {
        #[cfg(debug_assertions)]
        panic_if_asked(source, stream);
        self.with(source, stream, |line| {
            line.rows += rows;
            line.pages += 1;
            line.draw();
        });
    }

    fn warning(&self, source: &str, stream: &str, note: &Note) {
        if self.console.verbose {
            let facts = [("source", json!(source)), ("stream", json!(stream))];
            self.say(|console| {
                console.warning_with(note.code, &format!("{source}.{stream}: {}", note.text), &facts);
            });
        }
    }

    fn finished(&self, source: &str, stream: &str, outcome: &StreamRecord) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = streams.remove(&(source.to_owned(), stream.to_owned())).and_then(|line| line.bar) {
            bar.finish_and_clear();
        }
        drop(streams);
        if self.bars.is_some() && outcome.status == StreamStatus::Ok {
            return;
        }
        let word = match outcome.status {
            StreamStatus::Ok => "",
            StreamStatus::Unproven => ", not proven complete",
            StreamStatus::Failed => ", failed",
        };
        let facts = [("source", json!(source)), ("stream", json!(stream))];
        let message = format!(
            "{source}.{stream}: {}, {}, {:.1} s{word}",
            render::counted(outcome.rows, "row"),
            render::counted(outcome.requests, "request"),
            outcome.seconds
        );
        self.say(|console| console.info_with(&message, &facts));
    }

    fn client(&self, source: &str, event: &Event) {
        let message = match event {
            Event::Waiting { reason, until } => {
                let why = match reason {
                    WaitReason::Quota => "the quota is used up",
                    WaitReason::RetryAfter => "the vendor asked for a pause",
                    WaitReason::Throttled => "the vendor answered 429",
                };
                let waiting = format!("{why}, waiting until {}", until.strftime("%H:%M:%S UTC"));
                if self.waits(source, Some(&waiting)) {
                    return;
                }
                format!("{source}: {waiting}")
            }
            Event::Resumed => {
                self.waits(source, None);
                return;
            }
            Event::Retrying { attempt, after, why } => {
                if !self.console.verbose {
                    return;
                }
                format!("{source}: try {attempt} failed ({why}), next in {:.1} s", after.as_secs_f64())
            }
            Event::SwitchedToPaced { interval } => {
                let text = format!(
                    "{source}: the vendor answered 429 within its published limit; one request every {} ms from now on",
                    interval.as_millis().max(1)
                );
                let facts = [("source", json!(source))];
                self.say(|console| console.warning_with(Code::QuotaStricter, &text, &facts));
                return;
            }
        };
        self.say(|console| console.info_with(&message, &[("source", json!(source))]));
    }
}

/// A switch for tests, in builds for development alone: the reading of this stream panics, with words that might be a row's.
#[cfg(debug_assertions)]
fn panic_if_asked(source: &str, stream: &str) {
    let asked = std::env::var("USERHAUL_PANIC_AT").is_ok_and(|at| at == format!("{source}.{stream}"));
    assert!(!asked, "a row of ann@example.com");
}
