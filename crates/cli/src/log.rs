//! What libraries log: through the console, in its format.

use std::fmt::Write;

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use userhaul_connector::code::Code;
use userhaul_runner::panics;

use crate::{console::Console, failure::Failure};

/// Sends warnings and errors of libraries, with `--verbose` their notes too, to the console. What panics say goes nowhere, as
/// it may quote a row: their places are kept, and told as failures.
pub(crate) fn start(console: Console) {
    let level = if console.verbose { LevelFilter::INFO } else { LevelFilter::WARN };
    // A second subscriber in one process (tests) is no matter.
    let _ = tracing::subscriber::set_global_default(Log { console, level });
    std::panic::set_hook(Box::new(panics::keep_place));
}

/// The failure of a panic that nobody caught.
pub(crate) fn panicked(place: Option<String>) -> Failure {
    let place = place.map(|place| format!(" at {place}")).unwrap_or_default();
    let hint = "this is a bug: please report it".to_owned();
    Failure::failed(Code::Internal, format!("internal error{place}"), Some(hint))
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
        let code = text.code.unwrap_or(Code::Library);
        match *event.metadata().level() {
            Level::ERROR => self.console.error(code, &message, None),
            Level::WARN => self.console.warning(code, &message),
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
    /// Libraries of others have none.
    code: Option<Code>,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match (field.name(), Code::find(value)) {
            ("code", Some(code)) => self.code = Some(code),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "error" => write!(self.fields, ": {value:?}"),
            name => write!(self.fields, ", {name} {value:?}"),
        };
    }
}
