//! Ids that were answered before a run was cut short.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{BooleanArray, RecordBatch, cast::AsArray};
use userhaul_connector::spec::StreamSpec;

use super::{SLICE, Taken, journal::Kept};
use crate::{error::StreamError, ids, orders::Tables, stream::SourceRun};

/// Puts what runs before have read of these ids into the tables, and says which need not be asked for.
pub(super) fn take(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    (column, lines): (&str, &[Kept]),
    asked: &[String],
    tables: &mut Tables,
) -> Result<Taken, StreamError> {
    let mut taken = Taken::default();
    let again = ids::asked_again(run, stream)?;
    let wanted: BTreeSet<&String> = asked.iter().filter(|id| !again.contains(*id)).collect();
    let mut latest: BTreeMap<&String, usize> = BTreeMap::new();
    for (number, kept) in lines.iter().enumerate() {
        latest.extend(kept.extent.ids.iter().filter(|id| wanted.contains(id)).map(|id| (id, number)));
    }
    for (number, kept) in lines.iter().enumerate() {
        let ids: BTreeSet<&str> =
            kept.extent.ids.iter().filter(|id| latest.get(id) == Some(&number)).map(String::as_str).collect();
        let of_them = |batch: RecordBatch| rows_of(&batch, column, &ids);
        if ids.is_empty() || !tables.write_kept(SLICE - number, kept, None, of_them)? {
            continue;
        }
        taken.missing.extend(kept.extent.missing.iter().filter(|id| ids.contains(id.as_str())).cloned());
        taken.ids.extend(ids.into_iter().map(str::to_owned));
    }
    Ok(taken)
}

/// The rows of these ids.
fn rows_of(batch: &RecordBatch, column: &str, ids: &BTreeSet<&str>) -> Result<RecordBatch, StreamError> {
    let bug = |what: String| StreamError::Bug { what };
    let of = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>());
    let of = of.ok_or_else(|| bug(format!("no column `{column}`")))?;
    let wanted: BooleanArray = of.iter().map(|id| Some(id.is_some_and(|id| ids.contains(id)))).collect();
    arrow_select::filter::filter_record_batch(batch, &wanted).map_err(|error| bug(error.to_string()))
}
