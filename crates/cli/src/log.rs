//! What libraries log, and what a bug says before it ends the program: through the console, in its format.

use std::fmt::Write;

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::console::Console;

/// Sends warnings and errors of libraries, with `--verbose` their notes too, and panics to the console.
pub(crate) fn start(console: Console) {
    let level = if console.verbose { LevelFilter::INFO } else { LevelFilter::WARN };
    // A second subscriber in one process (tests) is no matter.
    let _ = tracing::subscriber::set_global_default(Log { console, level });
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()))
            .unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no reason given");
        console.error(&format!("internal error{place}: {what}"), Some("this is a bug: please report it"));
    }));
}

struct Log {
    console: Console,
    level: LevelFilter,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let message = format!("{}{}", text.message, text.fields);
        match *event.metadata().level() {
            Level::ERROR => self.console.error(&message, None),
            Level::WARN => self.console.warning(&message),
            _ => self.console.info(&message),
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// An event in words.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "error" => write!(self.fields, ": {value:?}"),
            name => write!(self.fields, ", {name} {value:?}"),
        };
    }
}
