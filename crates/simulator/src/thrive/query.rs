//! Query parameters, strictly: an unknown, repeated, empty or ill-formed one is a 400 and a violation.

use http::{StatusCode, Uri};
use jiff::Timestamp;

use super::{Simulator, answer::Refusal, instants};

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Query<'a> {
    simulator: &'a Simulator,
    path: String,
    pairs: Vec<(String, String)>,
}

/// Which rows of a list are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// From 1.
    pub(super) number: usize,
    /// At least 1.
    pub(super) size: usize,
}

impl Page {
    /// How many rows come before this page.
    pub(super) fn offset(self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }
}

/// Whether a window's ends belong to it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) inclusive: bool,
}

impl Window {
    pub(super) fn holds(&self, at: Timestamp) -> bool {
        let after = self.from.is_none_or(|from| if self.inclusive { at >= from } else { at > from });
        let before = self.to.is_none_or(|to| if self.inclusive { at <= to } else { at < to });
        after && before
    }
}

impl<'a> Query<'a> {
    /// Reads the query of `uri`, in which only `known` names may stand.
    pub(super) fn read(simulator: &'a Simulator, uri: &Uri, known: &[&str]) -> Result<Self, Refusal> {
        let mut query = Self { simulator, path: uri.path().to_owned(), pairs: Vec::new() };
        for part in uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decoded(name, true), decoded(value, true)) else {
                return Err(query.wrong("a parameter is not percent-encoded UTF-8"));
            };
            if !known.contains(&name.as_str()) {
                return Err(query.wrong(format!("property {name} should not exist")));
            }
            if query.text(&name).is_some() {
                return Err(query.wrong(format!("{name} is given twice")));
            }
            if value.is_empty() {
                return Err(query.wrong(format!("{name} should not be empty")));
            }
            query.pairs.push((name, value));
        }
        Ok(query)
    }

    fn wrong(&self, what: impl AsRef<str>) -> Refusal {
        self.simulator.core.violation(format!("{}: {}", self.path, what.as_ref()));
        Refusal::new(StatusCode::BAD_REQUEST, what.as_ref())
    }

    /// A parameter without which there is no answer.
    pub(super) fn missing(&self, name: &str) -> Refusal {
        self.wrong(format!("{name} is required"))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A comma-separated list; where `allowed` is given, of its words only.
    pub(super) fn words(&self, name: &str, allowed: Option<&[&str]>) -> Result<Option<Vec<&str>>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        for word in &words {
            if word.is_empty() || allowed.is_some_and(|allowed| !allowed.contains(word)) {
                return Err(self.wrong(format!("each value in {name} must be one of the documented values")));
            }
        }
        Ok(Some(words))
    }

    /// One word of `allowed`.
    pub(super) fn word(&self, name: &str, allowed: &[&str]) -> Result<Option<&str>, Refusal> {
        match self.text(name) {
            Some(word) if !allowed.contains(&word) => {
                Err(self.wrong(format!("{name} must be one of the following values: {}", allowed.join(", "))))
            }
            word => Ok(word),
        }
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(format!("{name} must be a boolean value"))),
        }
    }

    /// A list of ids, or one of them.
    pub(super) fn ids(&self, name: &str) -> Result<Option<Vec<&str>>, Refusal> {
        let ids = self.words(name, None)?;
        match ids {
            Some(ids) if !ids.iter().all(|id| is_id(id)) => {
                Err(self.wrong(format!("{name} must match ^[0-9a-fA-F]{{24}}$")))
            }
            ids => Ok(ids),
        }
    }

    /// `page` and `perPage` (or, where the endpoint knows it, the older `limit`, at most 100).
    pub(super) fn page(&self, default: usize, most: usize) -> Result<Page, Refusal> {
        let number = self.size("page", usize::MAX)?.unwrap_or(1);
        let limit = self.size("limit", 100)?;
        let size = self.size("perPage", most)?.or(limit).unwrap_or(default);
        let cap = usize::try_from(self.simulator.core.switches.number("page_cap")).unwrap_or(0);
        Ok(Page { number, size: if cap == 0 { size } else { size.min(cap) } })
    }

    fn size(&self, name: &str, most: usize) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let refusal = match text.parse::<usize>() {
            _ if !digits => self.wrong(format!("{name} must be an integer number")),
            Ok(size) if (1..=most).contains(&size) => return Ok(Some(size)),
            Ok(0) => self.wrong(format!("{name} must not be less than 1")),
            _ => self.wrong(format!("{name} must not be greater than {most}")),
        };
        if self.simulator.switch("per_page") == "cap" && name != "page" && digits {
            let capped = text.parse::<usize>().unwrap_or(most).clamp(1, most);
            return Ok(Some(capped));
        }
        Err(refusal)
    }

    /// `updatedSince`, as the switch of that name has it.
    pub(super) fn updated_since(&self) -> Result<Option<Timestamp>, Refusal> {
        let since = self.instant("updatedSince")?;
        match self.simulator.switch("updated_since") {
            "refused" if since.is_some() => {
                Err(Refusal::new(StatusCode::BAD_REQUEST, "property updatedSince should not exist"))
            }
            "ignored" => Ok(None),
            _ => Ok(since),
        }
    }

    /// An instant with its zone, such as `2026-01-31T00:00:00Z`.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.moment(name, instants::instant)
    }

    /// An instant with its zone, or a date.
    pub(super) fn instant_or_date(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let zone = instants::zone(self.simulator.switch("zone"));
        self.moment(name, |text| instants::instant(text).or_else(|| instants::date(text, &zone)))
    }

    /// A date and time without a zone, such as `2026-01-31 00:00:00`.
    pub(super) fn civil(&self, name: &str, separator: char) -> Result<Option<Timestamp>, Refusal> {
        let zone = instants::zone(self.simulator.switch("zone"));
        self.moment(name, |text| instants::civil(text, separator, &zone))
    }

    /// A bound of `/cpdEntries`: the long form or a date; a form that the switch forbids is a 400 without a violation.
    pub(super) fn cpd_bound(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let zone = instants::zone(self.simulator.switch("zone"));
        let Some(text) = self.text(name) else { return Ok(None) };
        let long = instants::civil(text, ' ', &zone);
        let short = instants::date(text, &zone);
        let allowed = match self.simulator.switch("cpd_entry_dates") {
            "date" => short,
            "long" => long,
            _ => long.or(short),
        };
        match (allowed, long.or(short)) {
            (Some(at), _) => Ok(Some(at)),
            (None, Some(_)) => {
                Err(Refusal::new(StatusCode::BAD_REQUEST, format!("{name} must be a valid date string")))
            }
            (None, None) => Err(self.wrong(format!("{name} must be a valid date string"))),
        }
    }

    /// The bounds as a window whose ends the switch `bounds` decides (row 17).
    pub(super) fn window(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Window {
        Window { from, to, inclusive: self.simulator.switch("bounds") == "inclusive" }
    }

    fn moment(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => match read(text) {
                Some(at) => Ok(Some(at)),
                None => Err(self.wrong(format!("{name} must be a valid date string"))),
            },
        }
    }
}

/// 24 hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Percent-decoded; none where an escape is broken or the result is not UTF-8. A plus is a space in a `form`.
pub(super) fn decoded(text: &str, form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' if form => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
