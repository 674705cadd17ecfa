//! Rows without their key: whether one of them lacks it or all do, and which fields they have instead.

use std::collections::HashSet;

use super::{DecodeError, row::names_of, table::TableLayout};
use crate::json::{
    scan::{JsonError, Scanner},
    text,
};

/// So many names of fields are told in a message.
const MOST_NAMES: usize = 40;

/// The error of an array whose row the scanner stands behind: it is the first row's own, or that of all rows.
pub(super) fn of_all(
    error: DecodeError,
    layout: &TableLayout,
    scanner: &mut Scanner<'_>,
) -> Result<DecodeError, JsonError> {
    let DecodeError::NullKey { row: 0, column, fields } = &error else { return Ok(error) };
    let Some(field) = layout.columns.iter().find(|known| known.name == *column) else { return Ok(error) };
    let mut seen: Vec<String> = fields.split(", ").map(str::to_owned).collect();
    while scanner.next_element()? {
        scanner.space();
        if scanner.peek() == Some(b'{') {
            seen.extend(field_names(scanner)?);
        } else {
            scanner.skip()?;
        }
    }
    let first_step = |name: &[u8]| name.split(|&byte| byte == b'/').next().unwrap_or_default().to_owned();
    let names = names_of(layout, &field.field);
    if names.iter().any(|name| seen.iter().any(|seen| seen.as_bytes() == first_step(name))) {
        return Ok(error);
    }
    let mut known = HashSet::new();
    seen.retain(|name| known.insert(name.clone()) && known.len() <= MOST_NAMES);
    Ok(DecodeError::NoKey { column: column.clone(), fields: seen.join(", ") })
}

/// The names of a row's fields, for a message.
pub(super) fn told(mut row: Scanner<'_>) -> Result<String, JsonError> {
    let mut names = field_names(&mut row)?;
    names.truncate(MOST_NAMES);
    Ok(names.join(", "))
}

/// The names of a row's fields; values are personal data and stay out.
fn field_names(scanner: &mut Scanner<'_>) -> Result<Vec<String>, JsonError> {
    let mut names = Vec::new();
    let mut more = scanner.enter_object()?;
    while more {
        let mut name = Vec::new();
        text::append(scanner.string()?, &mut name);
        scanner.colon()?;
        scanner.skip()?;
        names.push(String::from_utf8_lossy(&name).into_owned());
        more = scanner.next_member()?;
    }
    Ok(names)
}
