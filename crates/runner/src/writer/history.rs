//! The table of former versions beside a table.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use userhaul_sink::TableSpec;

use super::{TableWriter, Written, commit::labels};
use crate::{error::StreamError, partition::EMPTY, tables};

impl TableWriter {
    /// Brings the versions up to the rows that have just been committed. `changed` are the partitions that may have
    /// other rows than before; with `behind` the others may have, too.
    pub(super) fn keep_versions(
        &self,
        changed: &BTreeSet<String>,
        behind: bool,
        written: &mut Written,
    ) -> Result<(), StreamError> {
        let (table, folder) = (self.folder(), self.versions_folder());
        if !self.around.keeps_history || !self.wanted || self.spec.primary_key.is_empty() {
            return Ok(());
        }
        tables::make(&folder)?;
        for file in tables::files(&folder)? {
            if !self.fits(&file)? {
                written.history_anew = true;
                tables::remove(&file)?;
            }
        }
        let known = labels(&folder)?;
        let behind = behind || written.history_anew;
        let mut whole = true;
        for label in labels(&table)?.union(&known).filter(|label| *label != EMPTY) {
            let current = table.join(format!("{label}.parquet"));
            let current = current.exists().then_some(current);
            if !behind && !changed.contains(label) && known.contains(label) {
                continue;
            }
            // Rows of another grain are no former rows of these: they go with the next full pass.
            match current.as_deref().map(|current| self.fits(current)).transpose()? {
                Some(false) => whole = false,
                _ => self.keep_versions_of(label, current.as_deref(), written)?,
            }
        }
        let known = labels(&folder)?;
        if known.is_empty() && whole {
            self.keep_versions_of(EMPTY, None, written)?;
        } else if known.len() > 1 && known.contains(EMPTY) {
            tables::remove(&folder.join(format!("{EMPTY}.parquet")))?;
        }
        written.versions = if whole { Some(tables::count(&folder)?) } else { None };
        Ok(())
    }

    fn keep_versions_of(
        &self,
        label: &str,
        current: Option<&Path>,
        written: &mut Written,
    ) -> Result<(), StreamError> {
        let target = self.versions_folder().join(format!("{label}.parquet"));
        let mut metadata = self.spec.metadata.clone();
        metadata.push(("userhaul.history_of".to_owned(), self.stream.name.clone()));
        let spec = TableSpec { metadata, ..self.spec.clone() };
        let now = self.around.now;
        let kept = userhaul_sink::keep_history(&spec, current, &target, &self.scratch(), now)?;
        if let Some(kept) = kept {
            written.bytes += kept.bytes;
            written.files += 1;
        }
        Ok(())
    }

    fn versions_folder(&self) -> PathBuf {
        let name = tables::history_name(&self.stream.name);
        self.around.folders.table(&self.around.source, &name, true)
    }
}
