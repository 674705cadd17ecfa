//! Everything that is written to stderr, as text or as one JSON object a line.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};
use userhaul_connector::code::Code;

/// How stderr looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The way to stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    pub(crate) format: LogFormat,
    pub(crate) colored: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    /// Whether a live display may be drawn.
    pub(crate) live: bool,
}

/// A word's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error(Code),
    Warning(Code),
    Info,
}

impl Level {
    /// Notes have none.
    fn code(self) -> Option<Code> {
        match self {
            Self::Error(code) | Self::Warning(code) => Some(code),
            Self::Info => None,
        }
    }
}

impl Console {
    pub(crate) fn new(
        format: LogFormat,
        color: Color,
        quiet: bool,
        verbose: bool,
        no_progress: bool,
    ) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
        };
        let live = terminal && !no_progress && !quiet && format == LogFormat::Text;
        Self { format, colored, quiet, verbose, live }
    }

    /// Something failed; with what to do about it, where that is known.
    pub(crate) fn error(&self, code: Code, message: &str, hint: Option<&str>) {
        self.error_with(code, message, hint, &[]);
    }

    /// As [`Self::error`], with facts for programs.
    pub(crate) fn error_with(&self, code: Code, message: &str, hint: Option<&str>, facts: &[(&str, Value)]) {
        self.say(Level::Error(code), message, hint, facts);
    }

    /// Something that the user should know.
    pub(crate) fn warning(&self, code: Code, message: &str) {
        self.warning_with(code, message, &[]);
    }

    /// As [`Self::warning`], with facts for programs.
    pub(crate) fn warning_with(&self, code: Code, message: &str, facts: &[(&str, Value)]) {
        self.say(Level::Warning(code), message, None, facts);
    }

    /// As [`Self::warning_with`], with what to do about it.
    pub(crate) fn warning_hinted(&self, code: Code, message: &str, hint: &str, facts: &[(&str, Value)]) {
        self.say(Level::Warning(code), message, Some(hint), facts);
    }

    /// Something that the user may like to know.
    pub(crate) fn info(&self, message: &str) {
        self.info_with(message, &[]);
    }

    /// As [`Self::info`], with facts for programs.
    pub(crate) fn info_with(&self, message: &str, facts: &[(&str, Value)]) {
        if !self.quiet {
            self.say(Level::Info, message, None, facts);
        }
    }

    fn say(&self, level: Level, message: &str, hint: Option<&str>, facts: &[(&str, Value)]) {
        let mut text = String::new();
        match self.format {
            LogFormat::Json => {
                let word = match level {
                    Level::Error(_) => "error",
                    Level::Warning(_) => "warning",
                    Level::Info => "info",
                };
                let now = jiff::Timestamp::now();
                let mut line = json!({ "timestamp": format!("{now:.3}"), "level": word, "message": message });
                if let Some(code) = level.code() {
                    line["code"] = json!(code.word());
                }
                if let Some(hint) = hint {
                    line["hint"] = json!(hint);
                }
                for (name, value) in facts {
                    line[*name] = value.clone();
                }
                text.push_str(&line.to_string());
                text.push('\n');
            }
            LogFormat::Text => {
                let (color, word) = match level {
                    Level::Error(_) => ("31;1", "error: "),
                    Level::Warning(_) => ("33;1", "warning: "),
                    Level::Info => ("", ""),
                };
                text.push_str(&self.painted(color, word));
                text.push_str(&printable(message));
                if let Some(code) = level.code() {
                    text.push_str(&self.painted("2", &format!(" [{code}]")));
                }
                text.push('\n');
                if let Some(hint) = hint {
                    text.push_str(&self.painted("36", "  hint: "));
                    text.push_str(&printable(hint));
                    text.push('\n');
                }
            }
        }
        // A stderr that is closed has nobody to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn painted(&self, color: &str, word: &str) -> String {
        if self.colored && !color.is_empty() {
            format!("\u{1b}[{color}m{word}\u{1b}[0m")
        } else {
            word.to_owned()
        }
    }
}

/// A text without anything that a terminal would obey. Line breaks stay.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            '\t' => ' ',
            character if character.is_control() => '\u{FFFD}',
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
            character => character,
        })
        .collect()
}

/// Asks on stderr; the answer is the caller's to read.
pub(crate) fn ask(question: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody to ask when stderr is closed.
    let _ = stderr.write_all(printable(question).as_bytes()).and_then(|()| stderr.flush());
}

/// Writes to stderr what is formatted already.
pub(crate) fn print_error(text: &str) {
    // Nobody to tell when stderr is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes to stdout, as [`print_bytes`].
pub(crate) fn print(text: &str) {
    print_bytes(text.as_bytes());
}

/// Writes to stdout. A reader that has gone away ends the program quietly with 0; a full disk does not.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) else { return };
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    let reason = crate::failure::reason(&error);
    let text = format!("error: cannot write to stdout: {reason} [{}]\n", Code::Output);
    let _ = std::io::stderr().write_all(text.as_bytes());
    std::process::exit(i32::from(crate::failure::Exit::Failed as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        assert_eq!(
            printable("a\u{1b}]8;;http://x\u{7}b\u{9b}31m\u{202e}c\nd"),
            "a\u{FFFD}]8;;http://x\u{FFFD}b\u{FFFD}31m\u{FFFD}c\nd"
        );
    }
}
