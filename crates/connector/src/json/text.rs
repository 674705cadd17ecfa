//! The text of JSON strings, and JSON text that is kept as it came.

use super::scan::StringSpan;

/// Appends the text of a string and says how many lone surrogates became U+FFFD.
#[inline(always)]
pub(crate) fn append(span: StringSpan<'_>, into: &mut Vec<u8>) -> u32 {
    if span.escaped {
        append_escaped(span.inner, into)
    } else {
        into.extend_from_slice(span.inner);
        0
    }
}

#[inline(never)]
fn append_escaped(inner: &[u8], into: &mut Vec<u8>) -> u32 {
    let mut replaced = 0;
    let mut rest = inner;
    while let Some(escape) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..escape]);
        let code = rest.get(escape + 1).copied().unwrap_or(b'\\');
        let mut used = 2;
        match code {
            b'b' => into.push(8),
            b'f' => into.push(12),
            b'n' => into.push(b'\n'),
            b'r' => into.push(b'\r'),
            b't' => into.push(b'\t'),
            b'u' => {
                let (character, length) = unicode(&rest[escape..]);
                let character = character.unwrap_or_else(|| {
                    replaced += 1;
                    char::REPLACEMENT_CHARACTER
                });
                into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                used = length;
            }
            other => into.push(other),
        }
        rest = rest.get(escape + used..).unwrap_or_default();
    }
    into.extend_from_slice(rest);
    replaced
}

/// The character of a `\uXXXX` escape, or of a surrogate pair, and its length in bytes. None for a lone surrogate.
fn unicode(bytes: &[u8]) -> (Option<char>, usize) {
    let Some(first) = code_unit(bytes) else { return (None, 2) };
    if !(0xD800..0xE000).contains(&first) {
        return (char::from_u32(first), 6);
    }
    if first < 0xDC00
        && let Some(second) = bytes.get(6..).and_then(code_unit)
        && (0xDC00..0xE000).contains(&second)
    {
        return (char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 12);
    }
    (None, 6)
}

fn code_unit(bytes: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = bytes else { return None };
    let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// Appends JSON text as it came, with lone surrogate escapes made `\ufffd`, since most readers of JSON refuse them.
///
/// Gives how many were replaced.
pub(crate) fn append_raw(raw: &[u8], into: &mut Vec<u8>) -> u32 {
    let mut replaced = 0;
    let mut rest = raw;
    while let Some(escape) = memchr::memchr(b'\\', rest) {
        let (kept, from) = rest.split_at(escape);
        into.extend_from_slice(kept);
        let length = match from.get(1) {
            Some(b'u') => {
                let (character, length) = unicode(from);
                if character.is_none() {
                    replaced += 1;
                    into.extend_from_slice(b"\\ufffd");
                    rest = from.get(length..).unwrap_or_default();
                    continue;
                }
                length
            }
            _ => 2,
        };
        let length = length.min(from.len());
        into.extend_from_slice(&from[..length]);
        rest = &from[length..];
    }
    into.extend_from_slice(rest);
    replaced
}

/// Appends a text as a JSON string.
pub(crate) fn append_quoted(text: &str, into: &mut Vec<u8>) {
    into.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => into.extend_from_slice(b"\\\""),
            b'\\' => into.extend_from_slice(b"\\\\"),
            0..0x20 => into.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => into.push(byte),
        }
    }
    into.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inner: &str) -> (String, u32) {
        let mut bytes = Vec::new();
        let replaced = append(StringSpan { inner: inner.as_bytes(), escaped: true }, &mut bytes);
        (String::from_utf8(bytes).expect("text"), replaced)
    }

    #[test]
    fn unescapes() {
        assert_eq!(read(r#"a\n\t\"\\\/\u00e9\ud83d\ude00z"#), ("a\n\t\"\\/é😀z".to_owned(), 0));
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(read(r"\ud800x\udc00\ud800\u0041"), ("\u{FFFD}x\u{FFFD}\u{FFFD}A".to_owned(), 3));
    }

    #[test]
    fn raw_text_keeps_everything_but_lone_surrogates() {
        let mut bytes = Vec::new();
        let raw = br#"{"a\\u":"\u00e9\ud83d\ude00\ud800\n"}"#;
        assert_eq!(append_raw(raw, &mut bytes), 1);
        assert_eq!(String::from_utf8(bytes).expect("text"), r#"{"a\\u":"\u00e9\ud83d\ude00\ufffd\n"}"#);
    }
}
