//! Reading a query string as strictly as the reference allows.

use super::{Sprig, access::Refusal};

/// The largest distance from the epoch that a date of the vendor's language can have, in milliseconds.
const MAX_DATE_MS: i64 = 8_640_000_000_000_000;

/// The parameters of a request, decoded, in their order.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Decodes a query string and looks for parameters that are not in `known`.
    pub(super) fn parse(sprig: &Sprig, raw: Option<&str>, known: &[&str]) -> Result<Self, Refusal> {
        let mut query = Self { pairs: pairs(raw.unwrap_or_default())? };
        let mut refused = None;
        query.pairs.retain(|(name, _)| {
            let known = known.contains(&name.as_str());
            if !known {
                sprig.core.violation(format!("unknown parameter `{name}`"));
                refused = Some(format!("\"{name}\" is not allowed"));
            }
            known
        });
        match refused {
            Some(text) if sprig.is("unknown_params", "400") => Err(Refusal::Bad(text)),
            _ => Ok(query),
        }
    }

    /// Adds the parameters of another query string that this one does not name.
    pub(super) fn complete(&mut self, carried: &str) -> Result<(), Refusal> {
        for (name, value) in pairs(carried)? {
            if !self.pairs.iter().any(|(known, _)| *known == name) {
                self.pairs.push((name, value));
            }
        }
        Ok(())
    }

    /// A parameter that may be given once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.pairs.iter().filter(|(known, _)| known == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Refusal::Bad(format!("\"{name}\" must not be repeated")));
        }
        match first {
            Some((_, value)) if value.is_empty() => {
                Err(Refusal::Bad(format!("\"{name}\" is not allowed to be empty")))
            }
            Some((_, value)) => Ok(Some(value)),
            None => Ok(None),
        }
    }

    /// An integer.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        match text.parse() {
            Ok(value) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(value)),
            _ => Err(Refusal::Bad(format!("\"{name}\" must be an integer"))),
        }
    }

    /// Milliseconds since the epoch.
    pub(super) fn instant(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.integer(name)? {
            Some(ms) if !(-MAX_DATE_MS..=MAX_DATE_MS).contains(&ms) => {
                Err(Refusal::Bad(format!("\"{name}\" must be a valid date")))
            }
            other => Ok(other),
        }
    }

    /// `true` or `false`, false where it is absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::Bad(format!("\"{name}\" must be a boolean"))),
        }
    }

    /// The page size, 1 to 1000.
    pub(super) fn limit(&self, sprig: &Sprig) -> Result<usize, Refusal> {
        let default = i64::try_from(sprig.core.switches.number("default_limit")).unwrap_or(1000);
        let limit = self.integer("limit")?.unwrap_or(default);
        let clamped = limit.clamp(1, 1000);
        if limit != clamped {
            let bound = if limit < 1 { "greater than or equal to 1" } else { "less than or equal to 1000" };
            let text = format!("\"limit\" must be {bound}");
            if !sprig.is("limit_range", "clamp") {
                return Err(Refusal::Bad(text));
            }
            sprig.core.violation(text);
        }
        Ok(usize::try_from(clamped).unwrap_or(1))
    }

    /// A list in any of its three spellings: `a=x,y`, `a[]=x&a[]=y`, `a=x&a=y`; none where it is absent.
    pub(super) fn words(&self, name: &str, allowed: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
        let bracketed = format!("{name}[]");
        let mut words = None;
        for (_, value) in self.pairs.iter().filter(|(known, _)| known == name || *known == bracketed) {
            for word in value.split(',') {
                if !allowed.contains(&word) {
                    return Err(Refusal::Bad(format!("\"{name}\" must be one of [{}]", allowed.join(", "))));
                }
                words.get_or_insert_with(Vec::new).push(word.to_owned());
            }
        }
        Ok(words)
    }

    /// The filters in one spelling: sorted, without `cursor` and `limit`.
    pub(super) fn filters(&self) -> String {
        let mut filters: Vec<String> = self
            .pairs
            .iter()
            .filter(|(name, _)| name != "cursor" && name != "limit")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        filters.sort();
        filters.join("&")
    }
}

fn pairs(raw: &str) -> Result<Vec<(String, String)>, Refusal> {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name, true), decode(value, true)) {
                (Some(name), Some(value)) => Ok((name, value)),
                _ => Err(Refusal::Bad("the query is not percent-encoded UTF-8".to_owned())),
            }
        })
        .collect()
}

/// Undoes percent-encoding; none where a sequence is broken or the result is not UTF-8. `plus`: `+` is a space.
pub(super) fn decode(raw: &str, plus: bool) -> Option<String> {
    let mut bytes = raw.bytes();
    let mut decoded = Vec::with_capacity(raw.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let (high, low) = (hex(bytes.next()?)?, hex(bytes.next()?)?);
                high * 16 + low
            }
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
