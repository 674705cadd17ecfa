//! Finished parts into the visible files of a table and of the unified ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use userhaul_connector::spec::StreamSpec;
use userhaul_record::Table;
use userhaul_sink::{Part, PartWriter};

use super::{Before, Finished, Replace, TableWriter, Written};
use crate::{
    cover::Covers,
    error::StreamError,
    partition::{self, EMPTY},
    tables,
};

/// The parts of one partition, vendor's and unified, and what of them must be made anew.
struct Parts {
    vendor: Vec<Part>,
    unified: BTreeMap<&'static str, Vec<Part>>,
    /// Whether the vendor's file of before is one of them.
    merge: bool,
}

impl TableWriter {
    /// Makes the rows of the closed slices visible: vendor files first, then unified ones, then former versions.
    pub(crate) fn commit(mut self, replace: &Replace, before: Before) -> Result<Written, StreamError> {
        let folder = self.folder();
        tables::make(&folder)?;
        let mut partitions = std::mem::take(&mut self.done);
        let mut others = match replace {
            Replace::Covered(covers) => touched(&folder, covers)?,
            Replace::All => self.marked_labels(&folder)?,
        };
        if let Replace::Covered(_) = replace {
            others.extend(self.outdated_labels(&folder)?);
        } else if partitions.is_empty() && others.is_empty() {
            others.insert(empty_label(&self.stream));
        }
        for label in others {
            partitions.entry(label).or_default();
        }
        let mut written = Written::default();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for (label, finished) in partitions {
            self.commit_partition(&label, finished, (replace, before), &mut written)?;
            kept.insert(label);
        }
        for label in labels(&folder)? {
            if matches!(replace, Replace::All) && !kept.contains(&label) {
                tables::remove(&folder.join(format!("{label}.parquet")))?;
                kept.insert(label);
            } else if before.torn && !kept.contains(&label) {
                self.unify_file(&label, &mut written)?;
            }
        }
        self.settle_empty(&folder, before, &mut written)?;
        self.remove_orphans(&folder)?;
        if before.torn || !kept.is_empty() {
            self.settle_keys(before, &mut written)?;
        }
        let stays = before.shareable && !matches!(replace, Replace::All);
        written.shareable = stays || !self.shareable.is_empty();
        self.keep_versions(&kept, before.behind, &mut written)?;
        written.rows = tables::count(&folder)?;
        Ok(written)
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.around.folders.table(&self.around.source, &self.stream.name, self.wanted)
    }

    pub(super) fn scratch(&self) -> PathBuf {
        self.around.folders.making(&self.around.source, &self.stream.name)
    }

    fn commit_partition(
        &mut self,
        label: &str,
        finished: Vec<Finished>,
        (replace, before): (&Replace, Before),
        written: &mut Written,
    ) -> Result<(), StreamError> {
        let target = self.folder().join(format!("{label}.parquet"));
        let Some(parts) = self.parts(&target, finished, replace)? else { return Ok(()) };
        let merge = parts.merge;
        if merge && parts.vendor.iter().all(|part| part.rows == part.left_out) {
            for part in parts.vendor.into_iter().chain(parts.unified.into_values().flatten()) {
                part.discard()?;
            }
            return Ok(());
        }
        let mut rewritten: BTreeMap<&'static str, PartWriter> = BTreeMap::new();
        let spec = if merge { self.spec_over(&target)? } else { self.spec.clone() };
        let committed = {
            let rewritten = &mut rewritten;
            let this = &mut *self;
            let mut rewrite = |batch: &RecordBatch| this.unify_again(batch, rewritten);
            userhaul_sink::commit(&spec, parts.vendor, &target, &mut rewrite)?
        };
        written.bytes += committed.bytes;
        written.files += 1;
        written.duplicates += committed.duplicates;
        written.conflicts += committed.conflicts;
        let mut unified = parts.unified;
        // Where unified rows were left out, or may have been, all are made again: the others may be there no more.
        let adds = merge && !committed.rewritten;
        let whole = !adds || !before.torn && !self.shares_keys(label)?;
        for table in self.tables.clone() {
            let mut parts = unified.remove(table.name()).unwrap_or_default();
            if committed.rewritten || !whole {
                for part in parts.drain(..) {
                    part.discard()?;
                }
                if let Some(part) = rewritten.remove(table.name()) {
                    parts.push(part.finish()?);
                }
            } else if merge {
                let file = self.unified_file(table, label);
                if file.exists() {
                    parts.insert(0, Part::open(file, &self.unified_spec(table), &self.scratch())?);
                }
            }
            if whole {
                self.commit_unified(table, label, parts, written)?;
            }
        }
        if whole { Ok(()) } else { self.unify_file(label, written) }
    }

    /// The parts of a partition, the old file first where its rows may stay. None where nothing changes.
    fn parts(
        &self,
        target: &Path,
        finished: Vec<Finished>,
        replace: &Replace,
    ) -> Result<Option<Parts>, StreamError> {
        let mut parts = Parts { vendor: Vec::new(), unified: BTreeMap::new(), merge: false };
        if let Some(former) = self.former(target, replace)? {
            if finished.is_empty() && former.left_out + former.gone == 0 && !former.differs() {
                return Ok(None);
            }
            parts.merge = true;
            parts.vendor.push(former);
        }
        for one in finished {
            parts.vendor.push(one.vendor);
            for (name, (_, part)) in one.unified {
                parts.unified.entry(name).or_default().push(part);
            }
        }
        Ok(Some(parts))
    }

    pub(super) fn commit_unified(
        &mut self,
        table: Table,
        label: &str,
        parts: Vec<Part>,
        written: &mut Written,
    ) -> Result<(), StreamError> {
        let mut ignore = |_: &RecordBatch| Ok(());
        tables::make(&self.around.folders.unified(table))?;
        let file = self.unified_file(table, label);
        let committed = userhaul_sink::commit(&self.unified_spec(table), parts, &file, &mut ignore)?;
        written.bytes += committed.bytes;
        written.files += 1;
        // Each of the vendor's rows is there once by now: rows of one key are made of several of them.
        if committed.duplicates > 0 {
            self.short.insert((table, label.to_owned()));
        }
        Ok(())
    }

    pub(super) fn unified_file(&self, table: Table, label: &str) -> PathBuf {
        let name = format!("{}.{}.{label}.parquet", self.around.source, self.stream.name);
        self.around.folders.unified(table).join(name)
    }

    /// A table without rows has one file with its schema; a table with rows has none that stands for no rows.
    fn settle_empty(
        &mut self,
        folder: &Path,
        before: Before,
        written: &mut Written,
    ) -> Result<(), StreamError> {
        let empty = empty_label(&self.stream);
        let labels = labels(folder)?;
        if labels.is_empty() {
            self.commit_partition(&empty, Vec::new(), (&Replace::All, before), written)?;
        } else if labels.len() > 1 && empty == EMPTY && labels.contains(EMPTY) {
            tables::remove(&folder.join(format!("{EMPTY}.parquet")))?;
        }
        Ok(())
    }

    /// Removes the unified files of partitions that are no more.
    fn remove_orphans(&self, folder: &Path) -> Result<(), StreamError> {
        let kept = labels(folder)?;
        let prefix = format!("{}.{}.", self.around.source, self.stream.name);
        for &table in &self.tables {
            let unified = self.around.folders.unified(table);
            for name in labels(&unified)? {
                if name.strip_prefix(&prefix).is_some_and(|label| !kept.contains(label)) {
                    tables::remove(&unified.join(format!("{name}.parquet")))?;
                }
            }
        }
        Ok(())
    }
}

/// The partitions that have files.
pub(super) fn labels(folder: &Path) -> Result<BTreeSet<String>, StreamError> {
    let stem = |file: &PathBuf| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(tables::files(folder)?.iter().filter_map(stem).collect())
}

/// The partitions with rows that are covered.
fn touched(folder: &Path, covers: &Covers) -> Result<BTreeSet<String>, StreamError> {
    let mut touched = BTreeSet::new();
    if covers.is_empty() {
        return Ok(touched);
    }
    for label in labels(folder)? {
        let file = folder.join(format!("{label}.parquet"));
        let schema = userhaul_sink::stats(&file)?.schema;
        let columns: Vec<&str> =
            covers.columns().filter(|name| schema.column_with_name(name).is_some()).collect();
        for batch in userhaul_sink::read(&file, Some(&columns))? {
            if covers.superseded(&batch?).true_count() > 0 {
                touched.insert(label);
                break;
            }
        }
    }
    Ok(touched)
}

fn empty_label(stream: &StreamSpec) -> String {
    match stream.partition {
        userhaul_connector::spec::PartitionBy::One => partition::ALL.to_owned(),
        _ => EMPTY.to_owned(),
    }
}
