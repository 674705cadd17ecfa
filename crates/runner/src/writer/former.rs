//! Files of before: which of their rows stay, and whether they can.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use sha2::{Digest, Sha256};
use userhaul_connector::spec::StreamSpec;
use userhaul_sink::{Mark, Part, TableSpec};

use super::{Replace, Surroundings, TableWriter, commit::labels};
use crate::{error::StreamError, tables};

/// In a file's metadata: a hash of what its rows must share to stand in one table.
const GRAIN: &str = "userhaul.grain";

/// The grain of a file that holds rows of two.
const MIXED: &str = "mixed";

/// The columns of a table whose rows are marked when they are gone.
pub fn with_deleted_at(schema: &SchemaRef) -> SchemaRef {
    let doc = "start of the run that found the row gone; null while it is there";
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let mark = Field::new(tables::DELETED_AT, kind, true);
    fields.push(Arc::new(mark.with_metadata([("doc".to_owned(), doc.to_owned())].into())));
    Arc::new(Schema::new(fields))
}

/// The metadata that tells a table's grain: account, privacy rules, key and partition. Rows of another one are no former
/// rows of this table: they are of another account, have other keys, or hold what must no longer be kept.
pub(super) fn grain(around: &Surroundings, stream: &StreamSpec) -> (String, String) {
    let mut hash = Sha256::new();
    hash.update(&around.account);
    for name in &stream.table.primary_key {
        hash.update([0]);
        hash.update(name);
    }
    hash.update(format!("\0\0{:?}", stream.partition));
    let hex = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    (GRAIN.to_owned(), hex)
}

pub(super) fn mark(around: &Surroundings) -> Option<Mark> {
    let mark = Mark { column: tables::DELETED_AT.to_owned(), at: around.now };
    around.marks_deleted.then_some(mark)
}

impl TableWriter {
    /// The file of before, where rows of it may stay.
    pub(super) fn former(&self, target: &Path, replace: &Replace) -> Result<Option<Part>, StreamError> {
        if !target.exists() {
            return Ok(None);
        }
        let marks = self.spec.mark.is_some();
        let mut gone = |batch: &RecordBatch| match replace {
            Replace::All => BooleanArray::from(vec![true; batch.num_rows()]),
            Replace::Covered(covers) if marks => covers.superseded(batch),
            // Rows that were marked while the source asked for it.
            Replace::Covered(covers) => match batch.column_by_name(tables::DELETED_AT) {
                None => covers.superseded(batch),
                Some(marked) => {
                    let covered = covers.superseded(batch);
                    (0..batch.num_rows())
                        .map(|row| Some(covered.value(row) || marked.is_valid(row)))
                        .collect()
                }
            },
        };
        if matches!(replace, Replace::All) && !(marks && self.fits(target)?) {
            return Ok(None);
        }
        Ok(Some(Part::open_former(target.to_owned(), &self.spec, &self.scratch(), &mut gone)?))
    }

    /// The specification of a file that takes over rows of the one of before.
    pub(super) fn spec_over(&self, target: &Path) -> Result<TableSpec, StreamError> {
        let mut spec = self.spec.clone();
        if target.exists() && !self.fits(target)? {
            for (key, value) in &mut spec.metadata {
                if key == GRAIN {
                    MIXED.clone_into(value);
                }
            }
        }
        Ok(spec)
    }

    /// Whether a file's rows have the grain of this table.
    pub(super) fn fits(&self, file: &Path) -> Result<bool, StreamError> {
        let of = |metadata: &[(String, String)]| {
            metadata.iter().find(|(key, _)| key == GRAIN).map(|(_, value)| value.clone())
        };
        let found = of(&userhaul_sink::stats(file)?.metadata);
        Ok(found.is_none() || found == of(&self.spec.metadata))
    }

    /// Whether all files of before have the grain of this table.
    pub(crate) fn fits_former(&self) -> Result<bool, StreamError> {
        for file in tables::files(&self.folder())? {
            if !self.fits(&file)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The partitions whose files rows may stay in though all is replaced.
    pub(super) fn marked_labels(&self, folder: &Path) -> Result<BTreeSet<String>, StreamError> {
        let mut fitting = BTreeSet::new();
        if self.spec.mark.is_some() {
            for label in labels(folder)? {
                if self.fits(&folder.join(format!("{label}.parquet")))? {
                    fitting.insert(label);
                }
            }
        }
        Ok(fitting)
    }

    /// The partitions whose files have other columns than the table.
    pub(super) fn outdated_labels(&self, folder: &Path) -> Result<BTreeSet<String>, StreamError> {
        let columns = |schema: &Schema| -> Vec<(String, DataType)> {
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        let ours = columns(&self.spec.schema);
        let mut outdated = BTreeSet::new();
        for label in labels(folder)? {
            let found = userhaul_sink::stats(&folder.join(format!("{label}.parquet")))?;
            if columns(&found.schema) != ours {
                outdated.insert(label);
            }
        }
        Ok(outdated)
    }
}
