//! Numbers, exactly or not at all: every reader here answers none where something would be lost.

/// Decimal digits behind the point in a money column.
pub(crate) const DECIMAL_SCALE: i32 = 9;

/// The decimal expansion of a JSON number: `sign digits × 10^exponent`, digits without leading or trailing zeros.
struct Expansion {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Expansion {
    fn of(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let split = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, tail) = text.split_at(split);
        let mut exponent: i64 = match tail {
            [] => 0,
            [_, tail @ ..] => std::str::from_utf8(tail).ok()?.parse().ok()?,
        };
        let mut digits = Vec::with_capacity(mantissa.len());
        let mut behind_point = false;
        for &byte in mantissa {
            match byte {
                b'.' => behind_point = true,
                _ => {
                    digits.push(byte - b'0');
                    exponent = exponent.checked_sub(i64::from(behind_point))?;
                }
            }
        }
        while digits.last() == Some(&0) {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        let leading = digits.iter().take_while(|&&digit| digit == 0).count();
        digits.drain(..leading);
        if digits.is_empty() {
            exponent = 0;
        }
        Some(Self { negative, digits, exponent })
    }

    /// The value times `10^scale`, where that is a whole number that fits.
    fn scaled(&self, scale: i64) -> Option<i128> {
        let exponent = self.exponent.checked_add(scale)?;
        if self.digits.is_empty() {
            return Some(0);
        }
        if exponent < 0 || self.digits.len() + usize::try_from(exponent).ok()? > 38 {
            return None;
        }
        let mut value: i128 = 0;
        for &digit in &self.digits {
            value = value * 10 + i128::from(digit);
        }
        value *= 10_i128.pow(u32::try_from(exponent).ok()?);
        Some(if self.negative { -value } else { value })
    }
}

/// A whole number of at most 64 bits: `3`, `-3`, `3.0` and `3e2` are, `3.5` is not.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Expansion::of(text)?.scaled(0).and_then(|value| i64::try_from(value).ok());
    }
    let value = digits.iter().fold(0_i64, |value, &digit| value * 10 + i64::from(digit - b'0'));
    Some(if negative { -value } else { value })
}

/// The nearest double, where it says the same number: finite, and for more than 15 digits, or so small a number that doubles
/// have fewer, one that reads back alike.
#[inline]
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    if text.len() <= 15 && value.is_normal() {
        return Some(value);
    }
    let given = Expansion::of(text)?;
    if given.digits.len() <= 15 && (value.is_normal() || given.digits.is_empty()) {
        return Some(value);
    }
    let kept = Expansion::of(format!("{value:e}").as_bytes())?;
    let same = given.digits == kept.digits && given.exponent == kept.exponent;
    same.then_some(value)
}

/// An amount with at most nine decimal places and 38 digits, times `10^9`.
#[inline]
pub(crate) fn decimal(text: &[u8]) -> Option<i128> {
    Expansion::of(text)?.scaled(i64::from(DECIMAL_SCALE))
}

/// Whether a text is exactly a JSON number, so that `"3"` may enter a number column.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let mut scanner = super::scan::Scanner::new(text);
    scanner.number().is_ok() && scanner.at == text.len()
}

/// A text that is exactly a whole number, without point or exponent.
pub(crate) fn whole_text(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    (is_number(text) && digits.iter().all(u8::is_ascii_digit)).then(|| integer(text)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_or_none() {
        for (text, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("3.0", Some(3)),
            ("3e2", Some(300)),
            ("1.5", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("1e400", None),
            ("1e-400", None),
            ("0e999999999999999999999", None),
        ] {
            assert_eq!(integer(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn doubles_say_the_same_number_or_none() {
        for (text, value) in [
            ("0.1", Some(0.1)),
            ("-2.50", Some(-2.5)),
            ("1e400", None),
            ("9007199254740993", None),
            ("9007199254740992", Some(9_007_199_254_740_992.0)),
            ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
            ("0.30000000000000001", None),
            ("0.000000000000000000001", Some(1e-21)),
            ("1.0000000000000000000", Some(1.0)),
            ("1e-400", None),
            ("-1e-400", None),
            ("0", Some(0.0)),
            ("0.00", Some(0.0)),
            ("5e-324", Some(5e-324)),
            ("1.2345678e-320", None),
        ] {
            assert_eq!(double(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn amounts_are_exact_or_none() {
        for (text, value) in [
            ("1250.5", Some(1_250_500_000_000)),
            ("-0.000000001", Some(-1)),
            ("0.0000000001", None),
            ("1e28", Some(10_i128.pow(37))),
            ("1e30", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), value, "{text}");
        }
    }
}
