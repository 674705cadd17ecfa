//! RFC 6901 pointers over bytes that nobody has parsed.

use super::scan::{JsonError, Kind, Scanner};
use super::text;

/// The raw value at `pointer` (`""`, `/data`, `/pagination/totalPages`); none where a step is missing or no object.
pub(crate) fn find<'a>(bytes: &'a [u8], pointer: &str) -> Result<Option<&'a [u8]>, JsonError> {
    let mut scanner = Scanner::new(bytes);
    for step in pointer.split('/').skip(1) {
        if scanner.kind()? != Kind::Object || !enter(&mut scanner, step)? {
            return Ok(None);
        }
    }
    let range = scanner.skip()?;
    Ok(bytes.get(range))
}

/// Moves to the value of the last member `name` of the object that begins here.
fn enter(scanner: &mut Scanner<'_>, name: &str) -> Result<bool, JsonError> {
    let mut found = None;
    let mut more = scanner.enter_object()?;
    while more {
        let key = scanner.string()?;
        scanner.colon()?;
        let value = scanner.skip()?;
        let mut decoded = Vec::new();
        text::append(key, &mut decoded);
        if decoded == name.as_bytes() {
            found = Some(value.start);
        }
        more = scanner.next_member()?;
    }
    if let Some(start) = found {
        scanner.at = start;
    }
    Ok(found.is_some())
}
