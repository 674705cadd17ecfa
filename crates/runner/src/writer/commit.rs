//! Finished parts into the visible files of a table and of the unified ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use userhaul_connector::spec::StreamSpec;
use userhaul_record::Table;
use userhaul_sink::{Part, PartWriter, SinkError};

use super::{Finished, Replace, TableWriter, Written};
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
    /// Makes the rows of the closed slices visible: vendor files first, then unified ones.
    ///
    /// With `torn`, the unified rows of files that stay as they are are made anew: a commit was cut short, or what is
    /// looked up has changed.
    pub(crate) fn commit(mut self, replace: &Replace, torn: bool) -> Result<Written, StreamError> {
        let folder = self.folder();
        tables::make(&folder)?;
        let mut partitions = std::mem::take(&mut self.done);
        if let Replace::Covered(covers) = replace {
            for label in touched(&folder, covers)? {
                partitions.entry(label).or_default();
            }
        } else if partitions.is_empty() {
            partitions.insert(empty_label(&self.stream), Vec::new());
        }
        let mut written = Written::default();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for (label, finished) in partitions {
            self.commit_partition(&label, finished, replace, &mut written)?;
            kept.insert(label);
        }
        for label in labels(&folder)? {
            if matches!(replace, Replace::All) && !kept.contains(&label) {
                tables::remove(&folder.join(format!("{label}.parquet")))?;
            } else if torn && !kept.contains(&label) {
                self.unify_file(&label, &mut written)?;
            }
        }
        self.settle_empty(&folder, &mut written)?;
        self.remove_orphans(&folder)?;
        written.rows = tables::count(&folder)?;
        Ok(written)
    }

    fn folder(&self) -> PathBuf {
        self.around.folders.table(&self.around.source, &self.stream.name, self.wanted)
    }

    fn scratch(&self) -> PathBuf {
        self.around.folders.making(&self.around.source, &self.stream.name)
    }

    fn commit_partition(
        &mut self,
        label: &str,
        finished: Vec<Finished>,
        replace: &Replace,
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
        let spec = self.spec.clone();
        let committed = {
            let rewritten = &mut rewritten;
            let this = &mut *self;
            let mut rewrite = |batch: &RecordBatch| this.unify_again(batch, rewritten);
            userhaul_sink::commit(&spec, parts.vendor, &target, &mut rewrite)?
        };
        written.bytes += committed.bytes;
        written.files += 1;
        written.duplicates += committed.duplicates;
        // That new rows differ from old ones is what they came for.
        written.conflicts += if merge { 0 } else { committed.conflicts };
        let mut unified = parts.unified;
        for table in self.tables.clone() {
            let mut parts = unified.remove(table.name()).unwrap_or_default();
            if committed.rewritten {
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
            self.commit_unified(table, label, parts, written)?;
        }
        Ok(())
    }

    /// The parts of a partition, the old file first where its rows may stay. None where nothing changes.
    fn parts(
        &self,
        target: &Path,
        finished: Vec<Finished>,
        replace: &Replace,
    ) -> Result<Option<Parts>, StreamError> {
        let mut parts = Parts { vendor: Vec::new(), unified: BTreeMap::new(), merge: false };
        if let Replace::Covered(covers) = replace
            && target.exists()
        {
            let mut superseded = |batch: &RecordBatch| covers.superseded(batch);
            let former = Part::open_without(target.to_owned(), &self.spec, &self.scratch(), &mut superseded)?;
            if finished.is_empty() && former.left_out == 0 {
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

    fn commit_unified(
        &self,
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
        Ok(())
    }

    fn unified_file(&self, table: Table, label: &str) -> PathBuf {
        let name = format!("{}.{}.{label}.parquet", self.around.source, self.stream.name);
        self.around.folders.unified(table).join(name)
    }

    /// Makes the unified rows of a vendor file that stays as it is.
    fn unify_file(&mut self, label: &str, written: &mut Written) -> Result<(), StreamError> {
        let mut made: BTreeMap<&'static str, PartWriter> = BTreeMap::new();
        if self.tables.is_empty() {
            return Ok(());
        }
        for batch in userhaul_sink::read(&self.folder().join(format!("{label}.parquet")), None)? {
            self.unify_again(&batch?, &mut made)?;
        }
        for table in self.tables.clone() {
            let parts = made.remove(table.name()).map(PartWriter::finish).transpose()?;
            self.commit_unified(table, label, parts.into_iter().collect(), written)?;
        }
        Ok(())
    }

    /// Unified rows of vendor rows that were merged: those made on the way in count no longer.
    fn unify_again(
        &mut self,
        batch: &RecordBatch,
        parts: &mut BTreeMap<&'static str, PartWriter>,
    ) -> Result<(), SinkError> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let failed = |error: StreamError| SinkError::Rewrite { source: Box::new(error) };
        for (table, batch) in self.unify(batch).map_err(failed)? {
            if !parts.contains_key(table.name()) {
                let part = PartWriter::create(self.next_path(), &self.unified_spec(table))?;
                parts.insert(table.name(), part);
            }
            if let Some(part) = parts.get_mut(table.name()) {
                part.write(&batch)?;
            }
        }
        Ok(())
    }

    /// A table without rows has one file with its schema; a table with rows has none that stands for no rows.
    fn settle_empty(&mut self, folder: &Path, written: &mut Written) -> Result<(), StreamError> {
        let empty = empty_label(&self.stream);
        let labels = labels(folder)?;
        if labels.is_empty() {
            self.commit_partition(&empty, Vec::new(), &Replace::All, written)?;
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
fn labels(folder: &Path) -> Result<BTreeSet<String>, StreamError> {
    let stem = |file: &PathBuf| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(tables::files(folder)?.iter().filter_map(stem).collect())
}

/// The partitions with rows that are covered.
fn touched(folder: &Path, covers: &Covers) -> Result<Vec<String>, StreamError> {
    let mut touched = Vec::new();
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
                touched.push(label);
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
