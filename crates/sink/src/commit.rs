//! Parts into the one visible file of their partition.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_select::filter::filter_record_batch;

use crate::bits;
use crate::concat;
use crate::conflicts::Conflicts;
use crate::disk;
use crate::error::SinkError;
use crate::file::{FileWriter, Finished, Order, conform};
use crate::former::{adapt, marked};
use crate::merge::{Superseded, superseded};
use crate::part::Part;
use crate::read::read;
use crate::spec::TableSpec;

/// What is called with each batch of rows that a rewriting commit keeps, in order. A failure of its own it wraps in
/// [`SinkError::Rewrite`], which ends the commit.
pub type Rewrite<'a> = dyn FnMut(&RecordBatch) -> Result<(), SinkError> + 'a;

/// What a commit has made visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Rows in the file.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Rows left out as another one of their key superseded them.
    pub duplicates: u64,
    /// Those of them whose content, `_run_id` and `_extracted_at` apart, differs from the row that superseded them;
    /// rows of a former file are not counted.
    pub conflicts: u64,
    /// Whether rows were written again, and so `rewrite` was called with each that was kept. Otherwise the file holds
    /// all rows of all parts.
    pub rewritten: bool,
}

/// Makes the rows of the parts, each key once, the content of the file `target`, in one step and for good.
///
/// Rows that a former part is taken up without are left out, and not counted as duplicates; others that are gone are
/// marked. Rows keep the order of the parts and their order within them. One part without duplicates is renamed, metadata
/// included; large parts without duplicates are copied row group by row group; all others are written again, and
/// `rewrite` gets what is kept. Without parts the file is empty and has the schema. Then the parts are removed;
/// `target` itself may be one of them.
///
/// Parts and target must be in one file system. After an error the old file stands as it did, or, when only the
/// removal of a part failed, the new one; parts that are still there can be opened again, and a repeated commit does
/// no harm. Dropping out half-way leaves files for [`sweep`](crate::sweep) only.
pub fn commit(
    spec: &TableSpec,
    parts: Vec<Part>,
    target: &Path,
    rewrite: &mut Rewrite<'_>,
) -> Result<Committed, SinkError> {
    let filled: Vec<&Part> = match parts.as_slice() {
        [only] => vec![only],
        several => several.iter().filter(|part| part.rows > 0).collect(),
    };
    let former = filled.first().filter(|part| part.former.is_some()).map_or(0, |part| part.rows);
    let logs = firsts(&filled).filter_map(|(first, part)| Some((first, part.keys.as_ref()?)));
    let mut conflicts = Conflicts::new(spec, firsts(&filled).collect());
    let mut found = superseded(logs, |loser, winner| {
        // That a row which was committed before is superseded is no conflict.
        if loser < former { Ok(()) } else { conflicts.add(loser, winner) }
    })?;
    let conflicts = conflicts.count()?;
    for (first, part) in firsts(&filled) {
        found.drop_rows(first, part.former.as_ref().map_or(&[], |former| &former.out));
    }
    let same = found.is_empty() && !filled.iter().any(|part| part.differs()) && !marks(&filled, &found);
    let making = beside(&parts, target);
    let committed = match filled.as_slice() {
        [only] if same => {
            disk::replace(&only.path, target)?;
            Committed { rows: only.rows, bytes: only.bytes, ..Committed::default() }
        }
        [_, _, ..] if same && concat::possible(spec, &filled) => {
            publish(concat::concat(spec, &filled, &making)?, target)?
        }
        _ => {
            let finished = merge(spec, &filled, &found, &making, rewrite)?;
            let committed = publish(finished, target)?;
            Committed { duplicates: found.duplicates, conflicts, rewritten: true, ..committed }
        }
    };
    for part in parts.into_iter().filter(|part| part.path != target) {
        part.discard()?;
    }
    Ok(committed)
}

/// Whether a row that stays gets a mark.
fn marks(parts: &[&Part], found: &Superseded) -> bool {
    firsts(parts).any(|(first, part)| {
        let gone = part.former.as_ref().map_or(&[][..], |former| &former.gone);
        bits::rows(gone).any(|row| !found.contains(first + row))
    })
}

/// Each part with the number of its first row, counted through all of them.
fn firsts<'a>(parts: &[&'a Part]) -> impl Iterator<Item = (u64, &'a Part)> {
    parts.iter().scan(0, |next, part| {
        let first = *next;
        *next += part.rows;
        Some((first, *part))
    })
}

/// Where the new file is made: beside a part, so that no reader comes across it, or hidden beside the target.
fn beside(parts: &[Part], target: &Path) -> PathBuf {
    match parts.iter().rfind(|part| part.path != target) {
        Some(part) => part.path.with_added_extension("merged"),
        None => {
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            userhaul_storage::parent(target).join(format!(".{name}"))
        }
    }
}

/// Writes the rows that are kept into a new file beside `path`.
fn merge(
    spec: &TableSpec,
    parts: &[&Part],
    found: &Superseded,
    path: &Path,
    rewrite: &mut Rewrite<'_>,
) -> Result<Finished, SinkError> {
    let order = if parts.len() > 1 { Order::Mixed } else { Order::AsSpecified };
    let mut writer = FileWriter::create(path, spec, order)?;
    for (begin, part) in firsts(parts) {
        let mut first = begin;
        for batch in read(&part.path, None)? {
            let batch = match &part.former {
                None => conform(&batch?, spec)?,
                Some(former) => {
                    marked(adapt(&batch?, spec)?, spec.mark.as_ref(), first - begin, &former.gone)?
                }
            };
            let kept = match found.kept(first, batch.num_rows()) {
                None => batch.clone(),
                Some(kept) => {
                    filter_record_batch(&batch, &kept).map_err(SinkError::arrow("filter", &part.path))?
                }
            };
            first += batch.num_rows() as u64;
            if kept.num_rows() > 0 {
                rewrite(&kept)?;
                writer.write(&kept)?;
            }
        }
    }
    writer.finish()
}

fn publish(finished: Finished, target: &Path) -> Result<Committed, SinkError> {
    let Finished { making, rows, bytes } = finished;
    making.publish(target)?;
    Ok(Committed { rows, bytes, ..Committed::default() })
}
