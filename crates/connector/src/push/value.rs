//! A value on its way to a vendor: exact, and written as JSON without a detour over doubles.

use crate::json::{
    number::is_number,
    scan::{JsonError, Kind, Scanner, Wanted},
    text,
};

/// Deeper than this no value is read; no vendor takes one.
const MAX_DEPTH: usize = 64;

/// A value of an input row, or of a body that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as JSON writes it.
    Number(String),
    /// A text.
    Text(String),
    /// A text whose type nobody told, from a CSV file; it may stand for any scalar.
    Bare(String),
    /// A day, `2024-01-31`.
    Date(String),
    /// An instant, `2024-01-31T08:00:00Z`.
    Instant(String),
    /// Several values.
    List(Vec<Value>),
    /// Named values in their order.
    Object(Vec<(String, Value)>),
    /// What JSON cannot say: NaN, an interval, bytes. Holds what it is, in words.
    Odd(&'static str),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Reads one JSON value; numbers keep their digits, of two equal names the last one holds.
    ///
    /// # Errors
    /// When the bytes are not one JSON value in UTF-8.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let valid =
            std::str::from_utf8(bytes).map_err(|error| JsonError::new(error.valid_up_to(), Wanted::Utf8))?;
        let mut scanner = Scanner::new(valid.as_bytes());
        let value = read(&mut scanner, 0)?;
        scanner.end()?;
        Ok(value)
    }

    /// The value as JSON.
    pub fn json(&self) -> String {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Appends the value as JSON.
    pub fn write(&self, into: &mut Vec<u8>) {
        match self {
            Self::Null | Self::Odd(_) => into.extend_from_slice(b"null"),
            Self::Bool(true) => into.extend_from_slice(b"true"),
            Self::Bool(false) => into.extend_from_slice(b"false"),
            Self::Number(digits) => into.extend_from_slice(digits.as_bytes()),
            Self::Text(value) | Self::Bare(value) | Self::Date(value) | Self::Instant(value) => {
                text::append_quoted(value, into);
            }
            Self::List(values) => {
                into.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        into.push(b',');
                    }
                    value.write(into);
                }
                into.push(b']');
            }
            Self::Object(members) => {
                into.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        into.push(b',');
                    }
                    text::append_quoted(name, into);
                    into.push(b':');
                    value.write(into);
                }
                into.push(b'}');
            }
        }
    }

    /// The text of a scalar; none for null, lists, objects and what JSON cannot say.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text)
            | Self::Bare(text)
            | Self::Date(text)
            | Self::Instant(text)
            | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Object(_) | Self::Odd(_) => None,
        }
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The elements of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            _ => &[],
        }
    }

    /// Whether it says nothing: null, or an empty cell of a CSV file.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Bare(text) if text.is_empty())
    }

    /// What kind of value it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::Bare(_) => "a text",
            Self::Date(_) => "a date",
            Self::Instant(_) => "an instant",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Odd(what) => what,
        }
    }

    /// The number that a number or a text without a type stands for.
    pub fn as_number(&self) -> Option<&str> {
        match self {
            Self::Number(digits) => Some(digits),
            Self::Bare(text) if is_number(text.as_bytes()) => Some(text),
            _ => None,
        }
    }

    /// Whether a vendor that was given this one and shows `stored` has kept it: equal content, whatever the type that a
    /// table has for it.
    pub fn same_as(&self, stored: &Self) -> bool {
        match (self, stored) {
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.same_as(right))
            }
            (Self::Object(left), Self::Object(_)) => {
                left.iter().all(|(name, value)| stored.get(name).is_some_and(|other| value.same_as(other)))
            }
            (Self::List(_) | Self::Object(_), _) => {
                let parsed = stored.as_text().and_then(|text| Self::parse(text.as_bytes()).ok());
                parsed.is_some_and(|parsed| !matches!(parsed, Self::Text(_)) && self.same_as(&parsed))
            }
            _ => match (self.as_text(), stored.as_text()) {
                (Some(left), Some(right)) => {
                    left == right || same_number(left, right) || same_day(left, right)
                }
                (None, None) => true,
                _ => false,
            },
        }
    }
}

fn same_number(left: &str, right: &str) -> bool {
    let numbers = is_number(left.as_bytes()) && is_number(right.as_bytes());
    let decimals =
        || (crate::json::number::decimal(left.as_bytes()), crate::json::number::decimal(right.as_bytes()));
    numbers
        && match decimals() {
            (Some(left), Some(right)) => left == right,
            _ => left.parse::<f64>().ok() == right.parse::<f64>().ok(),
        }
}

/// A day, and the same day's first instant (UTC) or the same instant in another spelling.
fn same_day(left: &str, right: &str) -> bool {
    let micros = |text: &str| crate::json::instant::instant(text.as_bytes());
    text_is_day(left) | text_is_day(right) && micros(left).is_some() && micros(left) == micros(right)
        || left.len() > 10 && right.len() > 10 && micros(left).is_some() && micros(left) == micros(right)
}

fn text_is_day(text: &str) -> bool {
    text.len() == 10 && crate::json::instant::day(text.as_bytes()).is_some()
}

fn read(scanner: &mut Scanner<'_>, depth: usize) -> Result<Value, JsonError> {
    match scanner.kind()? {
        Kind::Null => scanner.literal(Wanted::Null).map(|()| Value::Null),
        Kind::True => scanner.literal(Wanted::True).map(|()| Value::Bool(true)),
        Kind::False => scanner.literal(Wanted::False).map(|()| Value::Bool(false)),
        Kind::Number => {
            scanner.number().map(|digits| Value::Number(String::from_utf8_lossy(digits).into_owned()))
        }
        Kind::String => string(scanner).map(Value::Text),
        Kind::Object | Kind::Array if depth == MAX_DEPTH => scanner.error(Wanted::LessDepth),
        Kind::Array => {
            let mut values = Vec::new();
            let mut more = scanner.enter_array()?;
            while more {
                values.push(read(scanner, depth + 1)?);
                more = scanner.next_element()?;
            }
            Ok(Value::List(values))
        }
        Kind::Object => {
            let mut members: Vec<(String, Value)> = Vec::new();
            let mut more = scanner.enter_object()?;
            while more {
                let name = string(scanner)?;
                scanner.colon()?;
                let value = read(scanner, depth + 1)?;
                match members.iter_mut().find(|(known, _)| *known == name) {
                    Some(known) => known.1 = value,
                    None => members.push((name, value)),
                }
                more = scanner.next_member()?;
            }
            Ok(Value::Object(members))
        }
    }
}

fn string(scanner: &mut Scanner<'_>) -> Result<String, JsonError> {
    scanner.space();
    let mut bytes = Vec::new();
    text::append(scanner.string()?, &mut bytes);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        Value::parse(text.as_bytes()).expect("JSON")
    }

    #[test]
    fn numbers_keep_their_digits_and_the_last_of_two_names_holds() {
        let text = r#"{"a":18446744073709551616,"b":[1.50,-0,1e400,null,true],"a":"x\n"}"#;
        assert_eq!(parsed(text).json(), r#"{"a":"x\u000a","b":[1.50,-0,1e400,null,true]}"#);
        assert!(Value::parse(b"{\"a\":NaN}").is_err());
        assert!(Value::parse(b"1 2").is_err());
        assert!(Value::parse("[".repeat(100).as_bytes()).is_err());
    }

    #[test]
    fn a_stored_value_is_compared_by_content() {
        for (pushed, stored, same) in [
            (parsed("12"), Value::text("12"), true),
            (parsed("12.50"), parsed("12.5"), true),
            (parsed("true"), Value::text("true"), true),
            (parsed("[\"a\",1]"), Value::text("[\"a\", 1]"), true),
            (Value::text("007"), parsed("7"), false),
            (Value::Date("2024-03-01".into()), Value::text("2024-03-01T00:00:00Z"), true),
            (Value::Date("2024-03-01".into()), Value::text("2024-03-02T00:00:00Z"), false),
            (Value::text("a"), Value::Null, false),
        ] {
            assert_eq!(pushed.same_as(&stored), same, "{pushed:?} {stored:?}");
        }
    }
}
