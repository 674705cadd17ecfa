//! Values that are more than a text: numbers, dates, durations, URLs, lists, tables.

use std::{ops::RangeInclusive, time::Duration};

use jiff::civil::Date;
use serde::Deserialize;
use toml::de::{DeInteger, DeValue, ValueDeserializer};
use url::{Host, Url};
use userhaul_connector::quota::{QuotaMode, Span};

use super::{
    RateLimit,
    reading::{Entry, Reading, Section},
};

const A_DATE: &str = "a date such as `2024-01-31`";
const A_DURATION: &str = "a duration such as `500ms`, `30s`, `5m`, `2h` or `7d`";

/// A hundred years. Longer ones are slips of the pen, and would leave the calendar when added to a date.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

impl<'a> Reading<'a> {
    /// A whole number within the range.
    pub(super) fn integer(&mut self, entry: &Entry<'a>, range: RangeInclusive<i64>) -> Option<i64> {
        let expected = match (*range.start(), *range.end()) {
            (i64::MIN, i64::MAX) => "a whole number".to_owned(),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        let (number, shown) = match entry.value.get_ref() {
            DeValue::Integer(digits) => (whole(digits), format!("`{digits}`")),
            DeValue::String(_) => {
                let text = self.text(entry, &expected)?;
                // A variable is always a text; a text that stands in the file could have been a number.
                let number = if text.is_literal() { None } else { text.value.parse().ok() };
                (number, if text.is_literal() { "a text".to_owned() } else { text.shown() })
            }
            _ => (None, entry.found().to_owned()),
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.mismatch(entry, &expected, &shown, None);
        }
        number
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, entry: &Entry<'a>) -> Option<bool> {
        match entry.value.get_ref() {
            DeValue::Boolean(value) => return Some(*value),
            DeValue::String(raw) if raw.contains("${") => {
                return self.choice(entry, &["true", "false"]).map(|word| word == "true");
            }
            _ => self.mismatch(entry, "`true` or `false`", entry.found(), None),
        }
        None
    }

    /// A day of the calendar.
    pub(super) fn date(&mut self, entry: &Entry<'a>) -> Option<Date> {
        let (written, shown) = match entry.value.get_ref() {
            DeValue::Datetime(instant) => (instant.to_string(), format!("`{instant}`")),
            _ => {
                let text = self.text(entry, A_DATE)?;
                (text.value.clone(), text.shown())
            }
        };
        // Not jiff's own reader: it would take a date with a time and forget the time.
        let date = Some(&written).filter(|text| text.len() == "2024-01-31".len());
        let date = date.and_then(|text| Date::strptime("%Y-%m-%d", text).ok());
        if date.is_none() {
            self.mismatch(entry, A_DATE, &shown, None);
        }
        date
    }

    /// A duration that is at least `least`.
    pub(super) fn span(&mut self, entry: &Entry<'a>, least: Duration) -> Option<Duration> {
        let text = self.text(entry, A_DURATION)?;
        let Ok(Span(span)) = text.value.parse() else {
            self.mismatch(entry, A_DURATION, &text.shown(), None);
            return None;
        };
        if span < least || span > LONGEST {
            let expected = format!("a duration from `{}` to `{}`", Span(least), Span(LONGEST));
            self.mismatch(entry, &expected, &text.shown(), None);
            return None;
        }
        Some(span)
    }

    /// An origin to send requests to, perhaps with a path. Its text is never shown: it could hold a credential.
    pub(super) fn url(&mut self, entry: &Entry<'a>) -> Option<Url> {
        let text = self.text(entry, "a URL such as `https://api.example.com`")?;
        let url = match Url::parse(text.value.trim()) {
            Ok(url) => url,
            Err(error) => {
                let hint = Some("write it in full, such as `https://api.example.com`".to_owned());
                self.problem(entry, format!("{} is not a URL: {error}", entry.name), hint);
                return None;
            }
        };
        let Some((fault, hint)) = fault_of_url(&url) else { return Some(url) };
        self.problem(entry, format!("{} {fault}", entry.name), Some(hint.to_owned()));
        None
    }

    /// A list of texts.
    pub(super) fn list(&mut self, entry: &Entry<'a>) -> Option<Vec<String>> {
        let DeValue::Array(values) = entry.value.get_ref() else {
            let hint = entry.value.get_ref().is_str().then(|| "put it into brackets: `[\"…\"]`".to_owned());
            self.mismatch(entry, "a list of texts", entry.found(), hint);
            return None;
        };
        let items: Vec<Option<String>> = values
            .iter()
            .map(|value| Some(self.text(&entry.item(value), "a list of texts")?.value))
            .collect();
        items.into_iter().collect()
    }

    /// A list of streams: names or globs.
    pub(super) fn streams(&mut self, entry: &Entry<'a>) -> Option<Vec<String>> {
        let patterns = self.list(entry)?;
        let wrong = patterns
            .iter()
            .find(|pattern| pattern.contains(['.', '/']) || pattern.contains(char::is_whitespace));
        if let Some(pattern) = wrong {
            let found = format!("`{pattern}`");
            let hint = Some("a source's own streams need no source before them".to_owned());
            self.mismatch(entry, "a list of stream names or globs such as `user*`", &found, hint);
            return None;
        }
        if patterns.is_empty() {
            let hint = Some("leave the key out for all streams".to_owned());
            self.problem(entry, format!("{} is empty", entry.name), hint);
            return None;
        }
        Some(patterns)
    }

    /// A table with none but the known keys.
    pub(super) fn table(&mut self, entry: &Entry<'a>, known: &[&str]) -> Option<Section<'a>> {
        let Some(table) = entry.as_table() else {
            self.mismatch(entry, "a table", entry.found(), None);
            return None;
        };
        let section = entry.inner(table);
        self.refuse_unknown(&section, known, |_| section.keys_hint(known));
        Some(section)
    }

    /// `{ requests = 1000, per = "5m", mode = "window" }`.
    pub(super) fn rate_limit(&mut self, entry: &Entry<'a>) -> Option<RateLimit> {
        let section = self.table(entry, &["requests", "per", "mode"])?;
        for key in ["requests", "per"] {
            if section.get(key).is_none() {
                let hint = "such as `{ requests = 1000, per = \"5m\" }`";
                let message = format!("missing key {}", section.name(key));
                self.problem(entry, message, Some(hint.to_owned()));
            }
        }
        let requests =
            section.get("requests").and_then(|entry| self.integer(&entry, 1..=i64::from(u32::MAX)));
        let per = section.get("per").and_then(|entry| self.span(&entry, Duration::from_millis(1)));
        let mode = match section.get("mode") {
            Some(entry) => Some(self.choice(&entry, &["window", "paced"])?),
            None => None,
        };
        let mode = mode.map(|word| if word == "window" { QuotaMode::Window } else { QuotaMode::Paced });
        Some(RateLimit { requests: u32::try_from(requests?).ok()?, per: per?, mode })
    }

    /// A table of any shape.
    pub(super) fn any_table(&mut self, entry: &Entry<'a>) -> Option<toml::Table> {
        let table = toml::Table::deserialize(ValueDeserializer::from(entry.value.clone()));
        match table {
            Ok(table) => Some(table),
            Err(error) => {
                self.problem(
                    entry,
                    format!("{} is not a valid table: {}", entry.name, error.message()),
                    None,
                );
                None
            }
        }
    }
}

fn whole(digits: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(digits.as_str(), digits.radix()).ok()
}

/// What is wrong with a URL as the origin of an API, and what to do about it.
fn fault_of_url(url: &Url) -> Option<(&'static str, &'static str)> {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !url.username().is_empty() || url.password().is_some() {
        Some(("has credentials in it", "give them by the connector's own keys"))
    } else if url.scheme() == "http" && !is_loopback {
        Some(("would send credentials unencrypted", "write `https://`; `http://` is for loopback hosts only"))
    } else if !matches!(url.scheme(), "http" | "https") {
        Some(("is not an `https://` URL", "such as `https://api.example.com`"))
    } else if url.query().is_some() {
        Some(("has a query in it", "leave out the `?` and what follows"))
    } else if url.fragment().is_some() {
        Some(("has a fragment in it", "leave out the `#` and what follows"))
    } else {
        None
    }
}
