//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// How long the source wants to be left alone, counted from its answer. Text that is neither whole seconds nor an HTTP date
/// counts as absent.
///
/// A date is measured against the answer's own `Date`, so that a wrong clock on either side does no harm; `now` serves where
/// that is missing.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean "longer than anybody waits", which is not the same as nothing.
        let seconds = text.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX));
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let answered = headers
        .get(header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or(now);
    Some(until.duration_since(answered).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?))).collect()
    }

    fn parse(text: &str) -> Option<Duration> {
        retry_after(&headers(&[(header::RETRY_AFTER, text), (header::DATE, DATE)]), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn seconds_are_read() {
        assert_eq!(parse("0"), Some(Duration::ZERO));
        assert_eq!(parse(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(parse("31536000"), Some(Duration::from_secs(31_536_000)));
        assert_eq!(parse("99999999999999999999999"), Some(Duration::from_secs(u64::from(u32::MAX))));
    }

    #[test]
    fn a_date_is_measured_against_the_answers_date() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:51:37 GMT"), Some(Duration::from_secs(120)));
        assert_eq!(parse("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn bad_text_counts_as_absent() {
        for text in ["", "-1", "1e99", "1.5", "soon", "+3", "٣", "Sun, 99 Nov"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let read = parse(&text);
            prop_assert!(read.is_none_or(|after| after <= Duration::from_secs(u64::from(u32::MAX)) || text.contains("GMT")));
        }

        #[test]
        fn any_seconds_are_read(seconds in 0..=u32::MAX) {
            prop_assert_eq!(parse(&seconds.to_string()), Some(Duration::from_secs(u64::from(seconds))));
        }
    }
}
