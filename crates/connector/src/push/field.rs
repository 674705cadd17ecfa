//! The fields that a target takes, and whether a value may stand in one.

use super::value::Value;
use crate::json::instant;

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// The vendor's name.
    pub name: &'static str,
    /// Other names under which a column is taken for it, besides the `snake_case` and `camelCase` of the first.
    pub also: &'static [&'static str],
    /// What may stand in it.
    pub kind: FieldKind,
    /// One phrase for the documentation, without a full stop.
    pub help: &'static str,
}

/// What may stand in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// An identifier: a text that is not empty, without blanks around it; a number gives its digits.
    Id,
    /// A UUID.
    Uuid,
    /// An e-mail address.
    Email,
    /// A text of at most so many characters; 0 for any length.
    Text(usize),
    /// One word of a closed list.
    Word(&'static [&'static str]),
    /// A whole number that is not negative.
    Count,
    /// An amount: a number or a numeric text.
    Decimal,
    /// True or false.
    Boolean,
    /// A day, or an instant where a time is given.
    Date,
    /// Named values. A text must be JSON.
    Object,
    /// Several values. A text must be JSON.
    List,
    /// Any scalar, or a list of scalars.
    Any,
}

impl FieldKind {
    /// What it is, in words for the documentation.
    pub fn describe(self) -> String {
        match self {
            Self::Id => "identifier".to_owned(),
            Self::Uuid => "UUID".to_owned(),
            Self::Email => "e-mail address".to_owned(),
            Self::Text(0) => "text".to_owned(),
            Self::Text(most) => format!("text, at most {most} characters"),
            Self::Word(words) => format!(
                "one of {}",
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            ),
            Self::Count => "whole number".to_owned(),
            Self::Decimal => "number".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Date => "date, `2024-01-31`".to_owned(),
            Self::Object => "object".to_owned(),
            Self::List => "list".to_owned(),
            Self::Any => "text, number or boolean".to_owned(),
        }
    }

    /// The value as the vendor wants it; else what is wrong, a phrase that follows the field's name. It never repeats the value.
    pub fn take(self, value: &Value) -> Result<Value, String> {
        let wrong = |expected: &str| Err(format!("must be {expected}, found {}", value.kind()));
        if let Value::Odd(what) = value {
            return Err(format!("holds {what}, which cannot be sent"));
        }
        match self {
            Self::Id => match value {
                Value::Text(_) | Value::Bare(_) | Value::Number(_) => id(value.as_text().unwrap_or_default()),
                _ => wrong("an identifier"),
            },
            Self::Uuid => match value.as_text() {
                Some(text) if is_uuid(text) => Ok(Value::text(text)),
                Some(_) => Err("must be a UUID".to_owned()),
                None => wrong("a UUID"),
            },
            Self::Email => match value.as_text() {
                Some(text) if is_email(text) => Ok(Value::text(text)),
                Some(_) => Err("must be an e-mail address".to_owned()),
                None => wrong("an e-mail address"),
            },
            Self::Text(most) => match value.as_text() {
                Some(text) if most > 0 && text.chars().count() > most => {
                    Err(format!("has more than {most} characters"))
                }
                Some(text) => Ok(Value::text(text)),
                None => wrong("a text"),
            },
            Self::Word(words) => match value.as_text() {
                Some(text) if words.contains(&text) => Ok(Value::text(text)),
                _ => Err(format!("must be one of {}", words.join(", "))),
            },
            Self::Count => match value.as_number().or(value.as_text()) {
                Some(digits)
                    if !digits.is_empty()
                        && digits.len() < 16
                        && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
                {
                    Ok(Value::Number(digits.trim_start_matches('0').to_owned()).or_zero())
                }
                _ => Err("must be a whole number of 0 or more".to_owned()),
            },
            Self::Decimal => match value {
                Value::Text(text) | Value::Bare(text) if crate::json::number::is_number(text.as_bytes()) => {
                    Ok(Value::Number(text.clone()))
                }
                Value::Number(_) => Ok(value.clone()),
                _ => wrong("a number"),
            },
            Self::Boolean => match value {
                Value::Bool(_) => Ok(value.clone()),
                Value::Bare(text) | Value::Text(text) => {
                    boolean(text).map(Value::Bool).ok_or_else(|| "must be true or false".to_owned())
                }
                _ => wrong("true or false"),
            },
            Self::Date => match value {
                Value::Date(_) => Ok(value.clone()),
                Value::Instant(text) | Value::Text(text) | Value::Bare(text) => date(text),
                _ => wrong("a date such as 2024-01-31"),
            },
            Self::Object => structured(value, "an object", |value| matches!(value, Value::Object(_))),
            Self::List => structured(value, "a list", |value| matches!(value, Value::List(_))),
            Self::Any => match value {
                Value::Object(_) => wrong("a text, a number, a boolean or a list of these"),
                Value::List(values) if values.iter().any(|value| value.as_text().is_none()) => {
                    Err("must be a list of texts, numbers or booleans".to_owned())
                }
                Value::Bare(text) => Ok(Value::text(text)),
                _ => Ok(value.clone()),
            },
        }
    }
}

impl Value {
    fn or_zero(self) -> Self {
        if self == Self::Number(String::new()) { Self::Number("0".to_owned()) } else { self }
    }
}

fn id(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if text.trim() != text {
        return Err("has blanks around it".to_owned());
    }
    if text.contains(char::is_control) {
        return Err("has a control character in it".to_owned());
    }
    Ok(Value::text(text))
}

/// `true` and `false` in any case.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A day as it is; an instant as one, and as its day where it is a day's first.
pub fn date(text: &str) -> Result<Value, String> {
    if text.len() == 10 && instant::day(text.as_bytes()).is_some() {
        return Ok(Value::Date(text.to_owned()));
    }
    let midnight = text.get(10..).is_some_and(|rest| {
        matches!(
            rest,
            "T00:00:00Z" | "T00:00:00.000Z" | "T00:00:00.000000Z" | "T00:00:00+00:00" | " 00:00:00"
        )
    });
    match text.get(..10) {
        Some(day) if midnight && instant::day(day.as_bytes()).is_some() => Ok(Value::Date(day.to_owned())),
        Some(day) if day.contains('-') && instant::instant(text.as_bytes()).is_some() => {
            Ok(Value::Instant(text.to_owned()))
        }
        _ => Err("must be a date such as 2024-01-31".to_owned()),
    }
}

/// The milliseconds since 1970 of an instant in any spelling that vendors use.
pub fn milliseconds(text: &str) -> Option<i64> {
    instant::instant(text.as_bytes()).map(|micros| micros.div_euclid(1000))
}

fn structured(value: &Value, expected: &str, right: fn(&Value) -> bool) -> Result<Value, String> {
    if let Value::Text(text) | Value::Bare(text) = value {
        return match Value::parse(text.as_bytes()) {
            Ok(parsed) if right(&parsed) => Ok(parsed),
            _ => Err(format!("must be {expected}; a text must hold one as JSON")),
        };
    }
    if right(value) { Ok(value.clone()) } else { Err(format!("must be {expected}, found {}", value.kind())) }
}

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a text has the form of an e-mail address.
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.split('.').count() > 1
            && domain.split('.').all(|part| !part.is_empty())
            && !domain.contains('@')
            && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_or_refused_without_being_repeated() {
        let bare = |text: &str| Value::Bare(text.to_owned());
        let taken = |kind: FieldKind, value: &Value| kind.take(value).map(|value| value.json());
        assert_eq!(taken(FieldKind::Id, &bare("007")).as_deref(), Ok("\"007\""));
        assert_eq!(
            taken(FieldKind::Id, &Value::Number("9007199254740993".into())).as_deref(),
            Ok("\"9007199254740993\"")
        );
        assert!(taken(FieldKind::Id, &bare(" a")).is_err());
        assert_eq!(taken(FieldKind::Decimal, &bare("1250.50")).as_deref(), Ok("1250.50"));
        assert!(taken(FieldKind::Decimal, &bare("1,250")).is_err());
        assert_eq!(taken(FieldKind::Boolean, &bare("TRUE")).as_deref(), Ok("true"));
        assert_eq!(taken(FieldKind::Date, &bare("2024-03-01T00:00:00Z")).as_deref(), Ok("\"2024-03-01\""));
        assert!(taken(FieldKind::Date, &bare("2024-02-30")).is_err());
        assert_eq!(taken(FieldKind::Object, &bare("{\"a\":1}")).as_deref(), Ok("{\"a\":1}"));
        assert_eq!(taken(FieldKind::Count, &bare("000")).as_deref(), Ok("0"));
        assert!(taken(FieldKind::Text(3), &bare("äöüß")).is_err());
        assert!(taken(FieldKind::Any, &Value::Odd("NaN")).is_err());
        let refusal = FieldKind::Email.take(&Value::text("secret person")).expect_err("no address");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}
