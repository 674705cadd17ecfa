//! A cursor over the bytes of a page.
//!
//! The bytes are valid UTF-8 (the page is checked once, before). Nothing recurses on the depth of the input: values
//! that nobody wants are skipped with a stack of bits.

use std::ops::Range;

/// Where a page stops being JSON. Holds no text of the page: it may be personal data.
///
/// It is as small as a register: reading hands results on for every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at byte {at}: expected {}", self.expected.words())]
pub struct JsonError {
    /// Byte offset in the page, from 0.
    at: u32,
    expected: Wanted,
}

impl JsonError {
    pub(crate) fn new(at: usize, expected: Wanted) -> Self {
        Self { at: u32::try_from(at).unwrap_or(u32::MAX), expected }
    }
}

/// What would have been right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Value,
    String,
    Character,
    Hexadecimal,
    Escape,
    Digit,
    True,
    False,
    Null,
    Scalar,
    NextOrEnd,
    Colon,
    Object,
    NextMember,
    Array,
    NextElement,
    NextRow,
    End,
    LessDepth,
    Utf8,
}

impl Wanted {
    fn words(self) -> &'static str {
        match self {
            Self::Value => "a value",
            Self::String => "a string",
            Self::Character => "a character of a string",
            Self::Hexadecimal => "four hexadecimal digits",
            Self::Escape => "an escape",
            Self::Digit => "a digit",
            Self::True => "true",
            Self::False => "false",
            Self::Null => "null",
            Self::Scalar => "a scalar",
            Self::NextOrEnd => "a comma or the end of an object or array",
            Self::Colon => "a colon",
            Self::Object => "an object",
            Self::NextMember => "a comma or the end of an object",
            Self::Array => "an array",
            Self::NextElement => "a comma or the end of an array",
            Self::NextRow => "a comma between rows",
            Self::End => "the end of the page",
            Self::LessDepth => "less depth",
            Self::Utf8 => "UTF-8",
        }
    }
}

/// What kind of value begins at a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// The kind in words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a text",
            Self::Number => "a number",
            Self::True | Self::False => "a boolean",
            Self::Null => "null",
        }
    }
}

/// A cursor over one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

/// The inside of a string: the bytes between the quotes, and whether any of them is an escape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StringSpan<'a> {
    pub(crate) inner: &'a [u8],
    pub(crate) escaped: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[cold]
    pub(crate) fn error<T>(&self, expected: Wanted) -> Result<T, JsonError> {
        Err(JsonError::new(self.at, expected))
    }

    #[inline]
    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// What has not been read.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, expected: Wanted) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            self.error(expected)
        }
    }

    /// The kind of the value that begins here, after white space.
    #[inline]
    pub(crate) fn kind(&mut self) -> Result<Kind, JsonError> {
        self.space();
        match self.peek() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n') => Ok(Kind::Null),
            _ => self.error(Wanted::Value),
        }
    }

    /// Reads a string that begins here.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<StringSpan<'a>, JsonError> {
        self.expect(b'"', Wanted::String)?;
        let start = self.at;
        self.at += ordinary_prefix(&self.bytes[start..]);
        if self.peek() == Some(b'"') {
            let inner = &self.bytes[start..self.at];
            self.at += 1;
            return Ok(StringSpan { inner, escaped: false });
        }
        self.escaped_string(start)
    }

    /// Reads on in a string that has an escape, or does not end.
    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> Result<StringSpan<'a>, JsonError> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    let inner = &self.bytes[start..self.at];
                    self.at += 1;
                    return Ok(StringSpan { inner, escaped: true });
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                _ => return self.error(Wanted::Character),
            }
            self.at += ordinary_prefix(&self.bytes[self.at..]);
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5);
                if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    self.at += 5;
                    Ok(())
                } else {
                    self.error(Wanted::Hexadecimal)
                }
            }
            _ => self.error(Wanted::Escape),
        }
    }

    /// Reads a number that begins here and gives its bytes.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a [u8], JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.error(Wanted::Digit),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(&self.bytes[start..self.at])
    }

    #[inline]
    fn digits(&mut self) {
        let rest = self.rest();
        self.at += rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    }

    fn some_digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.digits();
        if self.at == start { self.error(Wanted::Digit) } else { Ok(()) }
    }

    #[inline]
    pub(crate) fn literal(&mut self, word: Wanted) -> Result<(), JsonError> {
        if self.bytes[self.at..].starts_with(word.words().as_bytes()) {
            self.at += word.words().len();
            Ok(())
        } else {
            self.error(word)
        }
    }

    /// Skips the value that begins here, checking that it is JSON, and gives its range.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, JsonError> {
        self.space();
        let start = self.at;
        // Most are one of these.
        match self.peek() {
            Some(b'"') => drop(self.string()?),
            Some(b'-' | b'0'..=b'9') => drop(self.number()?),
            _ => self.skip_other()?,
        }
        Ok(start..self.at)
    }

    #[inline(never)]
    fn skip_other(&mut self) -> Result<(), JsonError> {
        match self.kind()? {
            Kind::Object | Kind::Array => self.skip_nested(),
            kind => self.skip_scalar(kind),
        }
    }

    fn skip_scalar(&mut self, kind: Kind) -> Result<(), JsonError> {
        match kind {
            Kind::String => self.string().map(|_| ()),
            Kind::Number => self.number().map(|_| ()),
            Kind::True => self.literal(Wanted::True),
            Kind::False => self.literal(Wanted::False),
            Kind::Null => self.literal(Wanted::Null),
            Kind::Object | Kind::Array => self.error(Wanted::Scalar),
        }
    }

    /// Skips an object or array of any depth. `open` holds, from the outside in, whether each level is an object.
    fn skip_nested(&mut self) -> Result<(), JsonError> {
        let mut open = Levels::default();
        loop {
            // A value begins here.
            let kind = self.kind()?;
            let mut closed = true;
            match kind {
                Kind::Object => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                    } else {
                        open.push(true);
                        self.key()?;
                        closed = false;
                    }
                }
                Kind::Array => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                    } else {
                        open.push(false);
                        closed = false;
                    }
                }
                scalar => self.skip_scalar(scalar)?,
            }
            // After a value: the next member, or the end of one or more levels.
            while closed {
                let Some(object) = open.last() else { return Ok(()) };
                self.space();
                match (self.peek(), object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.space();
                        self.key()?;
                        closed = false;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        closed = false;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return self.error(Wanted::NextOrEnd),
                }
            }
        }
    }

    fn key(&mut self) -> Result<(), JsonError> {
        self.string()?;
        self.colon()
    }

    #[inline]
    pub(crate) fn colon(&mut self) -> Result<(), JsonError> {
        self.space();
        self.expect(b':', Wanted::Colon)
    }

    /// Enters an object; false where it is empty (and then it is left again).
    #[inline]
    pub(crate) fn enter_object(&mut self) -> Result<bool, JsonError> {
        self.expect(b'{', Wanted::Object)?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After a member: true where another one follows.
    #[inline]
    pub(crate) fn next_member(&mut self) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(b'}') => {
                self.at += 1;
                Ok(false)
            }
            _ => self.error(Wanted::NextMember),
        }
    }

    /// Enters an array; false where it is empty (and then it is left again).
    #[inline]
    pub(crate) fn enter_array(&mut self) -> Result<bool, JsonError> {
        self.expect(b'[', Wanted::Array)?;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After an element: true where another one follows.
    #[inline]
    pub(crate) fn next_element(&mut self) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            _ => self.error(Wanted::NextElement),
        }
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { self.error(Wanted::End) }
    }
}

/// The open objects and arrays around a value, from the outside in: a bit a level, set for an object. The innermost 64
/// are in a register, so that only deeper ones take memory.
#[derive(Debug, Default)]
struct Levels {
    inner: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Levels {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(object);
        self.depth += 1;
    }

    #[inline]
    fn last(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.inner & 1 == 1)
    }

    #[inline]
    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.inner = if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.pop().unwrap_or_default()
        } else {
            self.inner >> 1
        };
    }
}

/// How many bytes from the start are neither a quote, nor a backslash, nor a control character.
///
/// Eight bytes at a time: the usual trick of subtracting and looking at the high bits. Bytes above 0x7F never match.
#[inline]
fn ordinary_prefix(bytes: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| <[u8; 8]>::try_from(chunk).ok()) {
        let word = u64::from_le_bytes(chunk);
        let quote = word ^ (LOW * 0x22);
        let backslash = word ^ (LOW * 0x5C);
        let found = ((quote.wrapping_sub(LOW) & !quote)
            | (backslash.wrapping_sub(LOW) & !backslash)
            | (word.wrapping_sub(LOW * 0x20) & !word))
            & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_values_of_any_depth() {
        let deep = format!("{}1{}", "[{\"a\":".repeat(100_000), "}]".repeat(100_000));
        let mut scanner = Scanner::new(deep.as_bytes());
        assert_eq!(scanner.skip(), Ok(0..deep.len()));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in
            ["", "[1,]", "{\"a\"}", "{\"a\":}", "tru", "01", "1.", "\"\u{1}\"", "\"\\x\"", "[}", "{]", "-"]
        {
            let mut scanner = Scanner::new(text.as_bytes());
            assert!(scanner.skip().and_then(|_| scanner.end()).is_err(), "{text}");
        }
    }

    #[test]
    fn finds_the_end_of_strings_of_any_length() {
        for length in 0..40 {
            for special in ["\"", "\\\"\"", "é\"", "\u{7f}\""] {
                let text = format!("\"{}{special}", "x".repeat(length));
                let mut scanner = Scanner::new(text.as_bytes());
                assert_eq!(scanner.skip().map(|range| range.end), Ok(text.len()), "{text}");
            }
        }
    }
}
