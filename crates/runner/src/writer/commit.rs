//! Finished parts into the visible files of a table and of the unified ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use arrow_array::RecordBatch;
use userhaul_connector::spec::StreamSpec;
use userhaul_record::Table;
use userhaul_sink::{Part, PartWriter, SinkError};

use super::{Finished, Replace, TableWriter, Written};
use crate::{error::StreamError, partition, tables};

impl TableWriter {
    /// Makes the rows of the closed slices visible: vendor files first, then unified ones.
    pub(crate) fn commit(mut self, replace: Replace) -> Result<Written, StreamError> {
        let folder = self.around.folders.table(&self.around.source, &self.stream.name, self.wanted);
        tables::make(&folder)?;
        let existing = tables::files(&folder)?;
        let mut partitions = std::mem::take(&mut self.done);
        if partitions.is_empty() && (replace == Replace::All || existing.is_empty()) {
            partitions.insert(empty_label(&self.stream), Vec::new());
        }
        let mut written = Written::default();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for (label, finished) in partitions {
            kept.insert(format!("{label}.parquet"));
            self.commit_partition(&label, finished, replace, &mut written)?;
        }
        if replace == Replace::All {
            self.remove_others(&existing, &kept)?;
        } else if !kept.is_empty() {
            // The file that stood for an empty table is none of the partitions.
            let empty = empty_label(&self.stream);
            if kept.iter().any(|name| *name != format!("{empty}.parquet")) && empty == EMPTY {
                tables::remove(&folder.join(format!("{EMPTY}.parquet")))?;
            }
        }
        written.rows = tables::count(&folder)?;
        Ok(written)
    }

    fn commit_partition(
        &mut self,
        label: &str,
        finished: Vec<Finished>,
        replace: Replace,
        written: &mut Written,
    ) -> Result<(), StreamError> {
        let folder = self.around.folders.table(&self.around.source, &self.stream.name, self.wanted);
        let target = folder.join(format!("{label}.parquet"));
        let mut vendor = Vec::new();
        let mut unified: BTreeMap<&'static str, Vec<Part>> = BTreeMap::new();
        let merge = replace == Replace::Nothing && target.exists();
        let scratch = self.around.folders.making(&self.around.source, &self.stream.name);
        if merge {
            vendor.push(Part::open(target.clone(), &self.spec, &scratch)?);
        }
        for one in finished {
            vendor.push(one.vendor);
            for (name, (_, part)) in one.unified {
                unified.entry(name).or_default().push(part);
            }
        }
        let mut rewritten: BTreeMap<&'static str, PartWriter> = BTreeMap::new();
        let spec = self.spec.clone();
        let committed = {
            let rewritten = &mut rewritten;
            let this = &mut *self;
            let mut rewrite = |batch: &RecordBatch| this.unify_again(batch, rewritten);
            userhaul_sink::commit(&spec, vendor, &target, &mut rewrite)?
        };
        written.bytes += committed.bytes;
        written.files += 1;
        written.duplicates += committed.duplicates;
        written.conflicts += committed.conflicts;
        for table in self.tables.clone() {
            let mut parts = unified.remove(table.name()).unwrap_or_default();
            let file = self.unified_file(table, label);
            if committed.rewritten {
                for part in parts.drain(..) {
                    part.discard()?;
                }
                if let Some(part) = rewritten.remove(table.name()) {
                    parts.push(part.finish()?);
                }
            } else if merge && file.exists() {
                parts.insert(0, Part::open(file.clone(), &self.unified_spec(table), &scratch)?);
            }
            let mut ignore = |_: &RecordBatch| Ok(());
            tables::make(&self.around.folders.unified(table))?;
            let committed = userhaul_sink::commit(&self.unified_spec(table), parts, &file, &mut ignore)?;
            written.bytes += committed.bytes;
            written.files += 1;
        }
        Ok(())
    }

    fn unified_file(&self, table: Table, label: &str) -> PathBuf {
        let name = format!("{}.{}.{label}.parquet", self.around.source, self.stream.name);
        self.around.folders.unified(table).join(name)
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

    /// Removes the files of partitions that are no more, in the unified tables too.
    fn remove_others(&self, existing: &[PathBuf], kept: &BTreeSet<String>) -> Result<(), StreamError> {
        for file in existing {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !kept.contains(&name) {
                tables::remove(file)?;
            }
        }
        let prefix = format!("{}.{}.", self.around.source, self.stream.name);
        for &table in &self.tables {
            for file in tables::files(&self.around.folders.unified(table))? {
                let name =
                    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if name.strip_prefix(&prefix).is_some_and(|label| !kept.contains(label)) {
                    tables::remove(&file)?;
                }
            }
        }
        Ok(())
    }
}

/// The label of the file that stands for a table without rows, where partitions are named by their rows.
const EMPTY: &str = "empty";

fn empty_label(stream: &StreamSpec) -> String {
    match stream.partition {
        userhaul_connector::spec::PartitionBy::One => partition::ALL.to_owned(),
        _ => EMPTY.to_owned(),
    }
}
