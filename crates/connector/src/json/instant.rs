//! Instants and days in every form that the vendors send.
//!
//! RFC 3339 with any offset or none (then it is UTC), with `T` or a space; a bare day as its first instant; integers
//! as milliseconds or seconds since 1970, numbers with a fraction as seconds. Microseconds are what a column holds: a finer fraction that is not zero
//! would be lost, so it does not fit.

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
pub(crate) fn instant(text: &[u8]) -> Option<i64> {
    match seconds(text) {
        Some((seconds, [b'Z'])) => Some(seconds * 1_000_000),
        Some((seconds, &[b'.', a, b, c, b'Z'])) => {
            let [a, b, c] = [digit(a), digit(b), digit(c)];
            let millis = a * 100 + b * 10 + c;
            (a.max(b).max(c) <= 9).then(|| seconds * 1_000_000 + i64::from(millis) * 1000)
        }
        Some((seconds, rest)) => ended(seconds * 1_000_000, rest),
        None => unusual(text),
    }
}

/// Full seconds since 1970 in the form that nearly all have, `2024-05-02T08:30:00`, and what follows.
#[inline]
fn seconds(text: &[u8]) -> Option<(i64, &[u8])> {
    let (text, rest) = text.split_first_chunk::<19>()?;
    // The last eight bytes overlap those before them.
    let date = DATE.pairs(text.first_chunk()?)?;
    let clock = DAY_AND_CLOCK.pairs(text.get(8..)?.first_chunk()?)?;
    let end = CLOCK.pairs(text.last_chunk()?)?;
    let (year, month, day) = (pair(date, 0) * 100 + pair(date, 2), pair(date, 5), pair(clock, 0));
    let (hour, minute, second) = (pair(clock, 3), pair(clock, 6), pair(end, 6));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day)?;
    Some((i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second), rest))
}

/// How eight bytes must look.
struct Form {
    /// With `0` where a digit must stand.
    bytes: u64,
    /// What is added to a digit so that one above nine shows in the upper half of its byte.
    six: u64,
    /// What must not be left: of a digit the upper half, of a separator all.
    wrong: u64,
}

const DATE: Form = Form::new(*b"0000-00-");
const DAY_AND_CLOCK: Form = Form::new(*b"00T00:00");
const CLOCK: Form = Form::new(*b"00:00:00");

impl Form {
    const fn new(form: [u8; 8]) -> Self {
        let (mut six, mut wrong) = ([0; 8], [0xff; 8]);
        let mut at = 0;
        while at < 8 {
            if form[at] == b'0' {
                (six[at], wrong[at]) = (0x06, 0xf0);
            }
            at += 1;
        }
        let [bytes, six, wrong] =
            [u64::from_le_bytes(form), u64::from_le_bytes(six), u64::from_le_bytes(wrong)];
        Self { bytes, six, wrong }
    }

    /// For each byte the number of two digits that begins there; none where they look otherwise.
    #[inline(always)]
    fn pairs(&self, bytes: &[u8; 8]) -> Option<u64> {
        // Digits are left as their values. What a byte carries over to the next makes it wrong itself.
        let left = u64::from_le_bytes(*bytes) ^ self.bytes;
        let wrong = (left | left.wrapping_add(self.six)) & self.wrong;
        (wrong == 0).then(|| left * 10 + (left >> 8))
    }
}

/// The number that begins at a byte.
#[inline(always)]
fn pair(pairs: u64, at: u32) -> u32 {
    u32::from((pairs >> (8 * at)).to_le_bytes()[0])
}

/// An instant in a form that is not the usual one.
#[inline(never)]
fn unusual(text: &[u8]) -> Option<i64> {
    let (day, rest) = split_day(text)?;
    let micros = i64::from(day) * 86_400_000_000;
    let rest = match rest {
        [] => return Some(micros),
        [b'T' | b't' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let [h1, h2, b':', m1, m2, rest @ ..] = rest else { return None };
    let (hour, minute) = (two(*h1, *h2)?, two(*m1, *m2)?);
    let (second, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (two(*s1, *s2)?, rest),
        rest => (0, rest),
    };
    // A leap second is the first instant of the next minute.
    if hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute, second) != (0, 0)) {
        return None;
    }
    ended(micros + (hour * 3600 + minute * 60 + second) * 1_000_000, rest)
}

/// An instant whose full seconds are known, with what follows them: a fraction and an offset.
#[inline(never)]
fn ended(mut micros: i64, mut rest: &[u8]) -> Option<i64> {
    if let [b'.' | b',', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, tail) = fraction.split_at(digits);
        micros += micros_of_fraction(fraction)?;
        rest = tail;
    }
    micros.checked_sub(offset_seconds(rest)? * 1_000_000)
}

/// A day, in days since 1970-01-01. A full instant fits where it is the first of its day as written.
pub(crate) fn day(text: &[u8]) -> Option<i32> {
    let (day, rest) = split_day(text)?;
    if rest.is_empty() {
        return Some(day);
    }
    let zone = rest.iter().rposition(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-')).unwrap_or(rest.len());
    let midnight = rest.iter().take(zone).skip(1).all(|byte| matches!(byte, b'0' | b':' | b'.'));
    (midnight && instant(text).is_some()).then_some(day)
}

/// An integer as an instant: 13 digits or so are milliseconds, 10 or so seconds; others say nothing certain.
pub(crate) fn from_epoch(number: i64) -> Option<i64> {
    match number.unsigned_abs() {
        100_000_000_000..100_000_000_000_000 => number.checked_mul(1000),
        100_000_000..100_000_000_000 => number.checked_mul(1_000_000),
        _ => None,
    }
}

/// Seconds since 1970 with a fraction, in units of 10⁻⁹: an instant where no more than microseconds are told.
pub(crate) fn from_fraction(billionths: i128) -> Option<i64> {
    let seconds = (billionths / 1_000_000_000).unsigned_abs();
    let micros = (billionths % 1000 == 0).then_some(billionths / 1000)?;
    (100_000_000..100_000_000_000).contains(&seconds).then(|| i64::try_from(micros).ok())?
}

fn split_day(text: &[u8]) -> Option<(i32, &[u8])> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let numbers = DATE.pairs(date.first_chunk()?)?;
    let day = u32::try_from(two(date[8], date[9])?).ok()?;
    let year = pair(numbers, 0) * 100 + pair(numbers, 2);
    Some((days_from_civil(year, pair(numbers, 5), day)?, rest))
}

/// The value of a digit; more than nine where it is none.
#[inline(always)]
fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (digit(tens), digit(ones));
    (tens.max(ones) <= 9).then(|| i64::from(tens * 10 + ones))
}

/// Days of a common year before each month, and in it.
const MONTHS: [(u16, u8); 12] = [
    (0, 31),
    (31, 28),
    (59, 31),
    (90, 30),
    (120, 31),
    (151, 30),
    (181, 31),
    (212, 31),
    (243, 30),
    (273, 31),
    (304, 30),
    (334, 31),
];

/// Days from the first day of the year -399 to 1970-01-01.
const EPOCH: i32 = 865_259;

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, of a year from 0 to 9999; none where there is no
/// such day.
#[inline]
fn days_from_civil(year: u32, month: u32, day: u32) -> Option<i32> {
    let &(before, length) = MONTHS.get(month.checked_sub(1)? as usize)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if day == 0 || day > u32::from(length) + u32::from(leap && month == 2) {
        return None;
    }
    // Counted from a year before which there was a leap day every 4, 100 and 400 years.
    let years = year + 399;
    let before = u32::from(before) + u32::from(leap && month > 2) + day - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + before;
    Some(days.cast_signed() - EPOCH)
}

fn micros_of_fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.get(6..).is_some_and(|finer| finer.iter().any(|&digit| digit != b'0')) {
        return None;
    }
    let told = digits.get(..6).unwrap_or(digits);
    let micros = told.iter().fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'));
    Some(micros * [1_000_000, 100_000, 10_000, 1000, 100, 10, 1][told.len()])
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [h1, h2] => (two(*h1, *h2)?, 0),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (two(*h1, *h2)?, two(*m1, *m2)?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_every_form() {
        let reference = Some(1_714_638_600_125_000);
        for text in [
            "2024-05-02T08:30:00.125Z",
            "2024-05-02t08:30:00.125z",
            "2024-05-02 08:30:00.125",
            "2024-05-02T10:30:00.125000+02:00",
            "2024-05-02T03:00:00.125000000-0530",
            "2024-05-02T08:30:00.125+00",
        ] {
            assert_eq!(instant(text.as_bytes()), reference, "{text}");
        }
        assert_eq!(instant(b"2024-05-02"), Some(1_714_608_000_000_000));
        assert_eq!(instant(b"1969-12-31T23:59:59Z"), Some(-1_000_000));
        assert_eq!(instant(b"0001-01-01T00:00:00Z"), Some(-62_135_596_800_000_000));
        assert_eq!(instant(b"2024-02-29T00:00:60Z"), instant(b"2024-02-29T00:01:00Z"));
    }

    #[test]
    fn the_usual_form_is_read_as_any_other() {
        let usual = ["2024-02-29T23:59:59.999Z", "1999-12-31T00:00:00Z", "0000-01-01T12:30:45.5+01:00"];
        for text in usual {
            assert!(seconds(text.as_bytes()).is_some(), "{text}");
            assert_eq!(instant(text.as_bytes()), unusual(text.as_bytes()), "{text}");
            for at in 0..text.len() {
                for byte in 0..=255 {
                    let mut changed = text.as_bytes().to_vec();
                    changed[at] = byte;
                    assert_eq!(instant(&changed), unusual(&changed), "{changed:?}");
                }
                assert_eq!(
                    instant(&text.as_bytes()[..at]),
                    unusual(&text.as_bytes()[..at]),
                    "{text} to {at}"
                );
            }
        }
    }

    #[test]
    fn days_follow_each_other_from_the_first_year_to_the_last() {
        let mut expected = day(b"0000-01-01").expect("a day");
        assert_eq!(day(b"1970-01-01"), Some(0));
        for year in 0..=9999 {
            for month in 1..=12 {
                for number in 1..=31 {
                    if let Some(found) = day(format!("{year:04}-{month:02}-{number:02}").as_bytes()) {
                        assert_eq!(found, expected, "{year}-{month}-{number}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, day(b"9999-12-31").expect("a day") + 1);
        assert_eq!(expected - day(b"0000-01-01").expect("a day"), 25 * 146_097);
    }

    #[test]
    fn what_is_no_instant_or_would_lose_does_not_fit() {
        for text in [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-05-00",
            "2024-05-02T25:00:00Z",
            "2024-05-02T08:30:00.1234567Z",
            "2024-05-02T08:30:00.Z",
            "2024-05-02T08:30:00 Europe/London",
            "soon",
            "2024-05-02T08:30:00+2",
        ] {
            assert_eq!(instant(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn days_and_midnights() {
        assert_eq!(day(b"2024-03-01"), Some(19_783));
        assert_eq!(day(b"2024-03-01T00:00:00.000Z"), Some(19_783));
        assert_eq!(day(b"2024-03-01T00:00:00-05:00"), Some(19_783));
        assert_eq!(day(b"2024-03-01T10:00:00Z"), None);
    }

    #[test]
    fn epochs_by_their_size() {
        assert_eq!(from_epoch(1_714_639_000_125), Some(1_714_639_000_125_000));
        assert_eq!(from_epoch(1_714_639_000), Some(1_714_639_000_000_000));
        assert_eq!(from_epoch(1_714_639_000_125_000), None);
        assert_eq!(from_epoch(42), None);
        assert_eq!(from_fraction(1_714_639_000_125_001_000), Some(1_714_639_000_125_001));
        assert_eq!(from_fraction(1_714_639_000_125_001_001), None);
        assert_eq!(from_fraction(42_500_000_000), None);
    }
}
