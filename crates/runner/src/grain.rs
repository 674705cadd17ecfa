//! Streams whose key may not be one: which key they have.
//!
//! A vendor may list states, one a user and guide, or the steps towards them, several with one key (vendors/userlane.md
//! 3.6); or leave out the id that a row is known by (vendors/userlot.md A17). The first page that shows it settles it
//! for good: the whole stream is read with a key that any row has, and the table, which then has the column `_key`,
//! tells the next run.

use std::collections::HashSet;

use userhaul_connector::{column::snake_case, decode::DecodeError, spec::StreamSpec};

use crate::{error::StreamError, stream::SourceRun, tables};

/// The column of keys that any row has.
const KEY: &str = "_key";

/// Whether two rows of a page share a key, where that says that it is none. Of rows with an id it says nothing.
pub(crate) fn repeats(stream: &StreamSpec, keys: &[u64]) -> bool {
    let Some(id) = &stream.generic_key else { return false };
    !stream.table.primary_key.contains(id) && twice(keys)
}

fn twice(keys: &[u64]) -> bool {
    let mut seen = HashSet::with_capacity(keys.len());
    !keys.iter().all(|key| seen.insert(key))
}

/// Whether an error says that the stream's key is none: two rows share it, or the vendor does not send it. A key that is
/// sent and null is a fault of the row.
pub(crate) fn refutes_key(error: &StreamError) -> bool {
    match error {
        StreamError::KeyRepeats | StreamError::Decode { source: DecodeError::NoKey { .. }, .. } => true,
        StreamError::Decode { source: DecodeError::NullKey { column, fields, .. }, .. } => {
            !fields.split(", ").any(|field| snake_case(field) == *column)
        }
        _ => false,
    }
}

/// The stream as an earlier run has found it to be; none where the facts stand.
pub(crate) fn found_before(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
) -> Result<Option<StreamSpec>, StreamError> {
    let Some(generic) = stream.with_generic_key() else { return Ok(None) };
    Ok((tables::has_column(&folder(run, stream), KEY)? == Some(true)).then_some(generic))
}

/// Whether the table is still of the other grain, so that none of its rows can stay.
pub(crate) fn changed(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<bool, StreamError> {
    let generic = stream.table.synthetic_key.is_some();
    Ok(generic && tables::has_column(&folder(run, stream), KEY)? == Some(false))
}

fn folder(run: &SourceRun<'_>, stream: &StreamSpec) -> std::path::PathBuf {
    run.folders.table(&run.source.name, &stream.name, run.source.selected.contains(&stream.name))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_stands_twice_or_not() {
        assert!(!super::twice(&[]));
        assert!(!super::twice(&[1, 2, 3]));
        assert!(super::twice(&[1, 2, 1]));
    }
}
