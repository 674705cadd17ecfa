//! How an instant is written in a parameter.

use jiff::{Timestamp, fmt::strtime};
use serde::{Deserialize, Deserializer, de::Error};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The words of the facts, each with an example.
const WORDS: &[(&str, DateFormat)] = &[
    ("day", DateFormat::Day),
    ("rfc3339", DateFormat::Rfc3339),
    ("space_separated", DateFormat::SpaceSeparated),
    ("zoneless", DateFormat::Zoneless),
    ("epoch_ms", DateFormat::EpochMs),
    ("epoch_s", DateFormat::EpochS),
];

/// Directives that tell the time of the day.
const OF_THE_DAY: &str = "HIklMSsTRXcrpPfNQ";

/// How an instant is written in a parameter; always in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateFormat {
    /// Milliseconds since 1970.
    EpochMs,
    /// Seconds since 1970.
    EpochS,
    /// `2026-01-31T00:00:00Z`.
    Rfc3339,
    /// `2026-01-31 00:00:00`.
    SpaceSeparated,
    /// `2026-01-31T00:00:00`.
    Zoneless,
    /// `2026-01-31`.
    Day,
    /// A pattern of `strftime`, `%d.%m.%Y` for example.
    Pattern(String),
}

/// What becomes of what is finer than the format can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// To the earlier tick.
    Down,
    /// To the later tick.
    Up,
}

impl DateFormat {
    /// The formats that have a word of their own, with the word.
    pub fn words() -> &'static [(&'static str, DateFormat)] {
        WORDS
    }

    /// The format in the words of the facts.
    pub fn name(&self) -> &str {
        match self {
            Self::Pattern(pattern) => pattern,
            format => WORDS.iter().find(|(_, known)| known == format).map_or("", |(word, _)| word),
        }
    }

    /// Reads a word, or a pattern of `strftime`.
    ///
    /// # Errors
    /// When it is neither: a phrase that lists the words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, format)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(format.clone());
        }
        if text.contains('%') && strtime::format(text, Timestamp::UNIX_EPOCH).is_ok() {
            return Ok(Self::Pattern(text.to_owned()));
        }
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        Err(format!(
            "unknown date format `{text}`; one of {}, or a pattern such as `%d.%m.%Y`",
            words.join(", ")
        ))
    }

    /// Whether it says days and nothing finer.
    pub fn is_day(&self) -> bool {
        match self {
            Self::Day => true,
            Self::Pattern(pattern) => !pattern.contains(|letter: char| OF_THE_DAY.contains(letter)),
            Self::EpochMs | Self::EpochS | Self::Rfc3339 | Self::SpaceSeparated | Self::Zoneless => false,
        }
    }

    /// An instant, in microseconds since 1970, in this format.
    pub fn write(&self, micros: i64, round: Round) -> String {
        let unit = match self {
            Self::EpochMs => 1000,
            format if format.is_day() => DAY,
            _ => SECOND,
        };
        let down = micros.div_euclid(unit);
        let ticks = if round == Round::Up && down * unit != micros { down + 1 } else { down };
        let instant = Timestamp::from_microsecond(ticks * unit).unwrap_or(Timestamp::UNIX_EPOCH);
        let pattern = match self {
            Self::EpochMs | Self::EpochS => return ticks.to_string(),
            Self::Rfc3339 => "%Y-%m-%dT%H:%M:%SZ",
            Self::SpaceSeparated => "%Y-%m-%d %H:%M:%S",
            Self::Zoneless => "%Y-%m-%dT%H:%M:%S",
            Self::Day => "%Y-%m-%d",
            Self::Pattern(pattern) => pattern,
        };
        strtime::format(pattern, instant).expect("the pattern was tried when it was read")
    }
}

impl<'de> Deserialize<'de> for DateFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_patterns_write_an_instant() {
        let micros = 1_769_817_599_123_456;
        for (format, down, up) in [
            ("day", "2026-01-30", "2026-01-31"),
            ("rfc3339", "2026-01-30T23:59:59Z", "2026-01-31T00:00:00Z"),
            ("space_separated", "2026-01-30 23:59:59", "2026-01-31 00:00:00"),
            ("zoneless", "2026-01-30T23:59:59", "2026-01-31T00:00:00"),
            ("epoch_ms", "1769817599123", "1769817599124"),
            ("epoch_s", "1769817599", "1769817600"),
            ("%d.%m.%Y", "30.01.2026", "31.01.2026"),
            ("%Y%m%dT%H%M%S", "20260130T235959", "20260131T000000"),
        ] {
            let format = DateFormat::parse(format).expect("a format");
            assert_eq!(
                (format.write(micros, Round::Down), format.write(micros, Round::Up)),
                (down.into(), up.into())
            );
            assert_eq!(DateFormat::parse(format.name()), Ok(format));
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "days", "%", "%Y-%J"] {
            assert!(DateFormat::parse(text).is_err(), "{text}");
        }
    }
}
