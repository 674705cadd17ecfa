//! One row a unified key.
//!
//! The key of most unified rows is the primary key of their vendor row, which no other has. Some may be shared: two ids may
//! lead to one account, a `/` in a part of a key may make two keys one, two streams may name users. Then one row stands: of
//! those that are not deleted the one that changed last, and further on by what the rows say, never by the order in which
//! they came or by the file they stand in. Files with shared keys are marked, so that a later commit looks again.

use std::{cmp::Reverse, collections::HashMap};

use arrow_array::{Array, BooleanArray, RecordBatch, StringArray, cast::AsArray};
use arrow_select::filter::filter_record_batch;
use userhaul_record::{Status, Table};
use userhaul_sink::{PartWriter, Repeated, Repeats};

use super::{Before, TableWriter, Written, bug, commit::labels};
use crate::{cover, error::StreamError};

/// In the metadata of a unified file: some of its keys are those of several rows.
const SHARED: (&str, &str) = ("userhaul.keys", "shared");

/// The unified files of one stream, whose rows claim their keys.
pub(crate) struct Claims<'a> {
    pub(crate) writer: &'a mut TableWriter,
    pub(crate) files: Vec<ClaimsFile>,
}

/// One of them.
pub(crate) struct ClaimsFile {
    label: String,
    /// Whether its rows are made again from the vendor's, as it may lack some.
    anew: bool,
}

/// What a row has for its key; the greatest one stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    is_there: bool,
    changed_at: Option<i64>,
    id: Reverse<Option<String>>,
    stream: Reverse<usize>,
    content: u64,
}

/// Rows that others of their key stand for: how many of each stream, by number, and of which stream those others are.
pub(crate) type Lost = HashMap<(usize, usize), u64>;

/// For each shared key the best claim, and whether its row has been written.
type Best = HashMap<String, (Claim, bool)>;

/// Leaves one row a key in the files of a unified table. Rows of equal content in one stream are not counted as lost.
pub(crate) fn settle(
    table: Table,
    streams: &mut [Claims<'_>],
    written: &mut Written,
) -> Result<Lost, StreamError> {
    let repeated = repeated(table, streams)?;
    let mut best = Best::new();
    let mut claimed = Vec::new();
    for (number, Claims { writer, files }) in streams.iter().enumerate() {
        for (at, file) in files.iter().enumerate() {
            let mut has_shared = false;
            if !repeated.is_empty() {
                writer.claims_of(table, file, None, &mut |rows| {
                    let claims = claims_in(table, rows, number, &repeated)?;
                    has_shared |= add_to(&mut best, claims);
                    Ok(())
                })?;
            }
            if has_shared || file.anew {
                claimed.push((number, at, has_shared));
            }
        }
    }
    let mut lost = Lost::new();
    for (number, at, has_shared) in claimed {
        let Claims { writer, files } = &mut streams[number];
        let mut spec = writer.unified_spec(table);
        if has_shared {
            spec.metadata.push((SHARED.0.to_owned(), SHARED.1.to_owned()));
        }
        let mut part = PartWriter::create(writer.next_path(), &spec)?;
        writer.claims_of(table, &files[at], None, &mut |rows| {
            let claims = claims_in(table, rows, number, &repeated)?.into_iter();
            let kept: BooleanArray = claims
                .map(|claim| Some(claim.is_none_or(|claim| stands(claim, &mut best, &mut lost))))
                .collect();
            Ok(part.write(&filter_record_batch(rows, &kept).map_err(bug)?)?)
        })?;
        writer.commit_unified(table, &files[at].label, vec![part.finish()?], written)?;
    }
    Ok(lost)
}

/// Keeps the best claims; gives whether there is any.
fn add_to(best: &mut Best, claims: Vec<Option<(&str, Claim)>>) -> bool {
    let mut any = false;
    for (key, claim) in claims.into_iter().flatten() {
        any = true;
        match best.get_mut(key) {
            Some((before, _)) if *before < claim => *before = claim,
            Some(_) => {}
            None => drop(best.insert(key.to_owned(), (claim, false))),
        }
    }
    any
}

/// Whether a row stands for its key: it has the best claim, and no other with the same one was written.
fn stands((key, claim): (&str, Claim), best: &mut Best, lost: &mut Lost) -> bool {
    let Some((better, is_written)) = best.get_mut(key) else { return true };
    if !*is_written && *better == claim {
        *is_written = true;
        return true;
    }
    let (stream, to) = (claim.stream.0, better.stream.0);
    if stream != to || claim.content != better.content {
        *lost.entry((stream, to)).or_default() += 1;
    }
    false
}

/// The keys that several rows of the files have.
fn repeated(table: Table, streams: &[Claims<'_>]) -> Result<Repeated, StreamError> {
    let path = streams.first().map(|stream| stream.writer.scratch().join("keys")).unwrap_or_default();
    let mut repeats = Repeats::new(path);
    for stream in streams {
        for file in &stream.files {
            stream.writer.claims_of(table, file, Some(&[table.primary_key()]), &mut |rows| {
                Ok(repeats.add(texts(rows, table.primary_key())?.iter().flatten())?)
            })?;
        }
    }
    Ok(repeats.finish()?)
}

/// For each row its key and its claim to that, where others claim it too.
fn claims_in<'b>(
    table: Table,
    rows: &'b RecordBatch,
    stream: usize,
    repeated: &Repeated,
) -> Result<Vec<Option<(&'b str, Claim)>>, StreamError> {
    let (changed_at, id) = match table {
        Table::Users | Table::Companies => ("updated_at", "external_id"),
        Table::Events | Table::Feedback => ("occurred_at", "user_external_id"),
        Table::Metrics => ("date", "subject"),
    };
    let keys = texts(rows, table.primary_key())?;
    let claimed: Vec<bool> = keys.iter().map(|key| key.is_some_and(|key| repeated.contains(key))).collect();
    if !claimed.contains(&true) {
        return Ok(vec![None; rows.num_rows()]);
    }
    let status = rows.column_by_name("status").and_then(|array| array.as_string_opt::<i32>());
    let (ids, changed_at, contents) =
        (texts(rows, id)?, cover::instants(rows, changed_at), userhaul_sink::row_hashes(rows)?);
    let claim = |row: usize| Claim {
        is_there: status
            .is_none_or(|status| status.is_null(row) || status.value(row) != Status::Deleted.as_str()),
        changed_at: changed_at(row),
        id: Reverse(ids.is_valid(row).then(|| ids.value(row).to_owned())),
        stream: Reverse(stream),
        content: contents[row],
    };
    Ok((0..rows.num_rows()).map(|row| claimed[row].then(|| (keys.value(row), claim(row)))).collect())
}

fn texts<'b>(rows: &'b RecordBatch, column: &str) -> Result<&'b StringArray, StreamError> {
    let found = rows.column_by_name(column).and_then(|array| array.as_string_opt());
    found.ok_or_else(|| StreamError::Bug { what: format!("no texts in `{column}` of a unified table") })
}

impl TableWriter {
    /// Notes in which tables rows of this batch have keys that others may have too.
    pub(super) fn note_keys(&mut self, batch: &RecordBatch, unified: &[(Table, RecordBatch)]) {
        for (table, rows) in unified {
            if !self.shareable.contains(table) && !self.has_own_keys(*table, rows, batch) {
                self.shareable.insert(*table);
            }
        }
    }

    /// Whether the keys of unified rows are the primary keys of the vendor's rows they are made of. Texts are compared as a
    /// whole: this is on the way of every row.
    fn has_own_keys(&self, table: Table, rows: &RecordBatch, batch: &RecordBatch) -> bool {
        let parts = &self.stream.table.primary_key;
        let id = match table {
            Table::Users => "vendor_user_id",
            Table::Companies => "vendor_company_id",
            Table::Events | Table::Feedback => {
                return parts.len() == 1 || has_slashes(rows, table, parts.len() - 1);
            }
            Table::Metrics => return has_slashes(rows, table, parts.len()),
        };
        let [key] = parts.as_slice() else { return false };
        let column = |rows: &RecordBatch, name: &str| {
            rows.column_by_name(name).and_then(|array| array.as_string_opt::<i32>()).cloned()
        };
        column(rows, id).is_some_and(|ids| Some(ids) == column(batch, key))
    }

    /// Leaves one row a key in each unified table of the stream.
    pub(super) fn settle_keys(&mut self, before: Before, written: &mut Written) -> Result<(), StreamError> {
        for table in self.tables.clone() {
            let apart =
                matches!(table, Table::Events | Table::Feedback) && self.stream.table.primary_key.len() == 1;
            let files = if apart { Vec::new() } else { self.claims_files(table, true)? };
            let shareable = self.shareable.contains(&table) || before.shareable || before.torn;
            if shareable && files.len() > 1 || files.iter().any(|file| file.anew) {
                let claims = Claims { writer: self, files };
                written.lost += settle(table, &mut [claims], written)?.values().sum::<u64>();
            }
        }
        Ok(())
    }

    /// The stream's files in a unified table; those that may lack rows are made anew, where that is `possible`.
    pub(crate) fn claims_files(&self, table: Table, possible: bool) -> Result<Vec<ClaimsFile>, StreamError> {
        let prefix = format!("{}.{}.", self.around.source, self.stream.name);
        let mut files = Vec::new();
        for name in labels(&self.around.folders.unified(table))? {
            let Some(label) = name.strip_prefix(&prefix).map(str::to_owned) else { continue };
            let short = self.short.contains(&(table, label.clone()));
            let anew = possible && (short || self.is_shared(table, &label)?);
            files.push(ClaimsFile { label, anew });
        }
        Ok(files)
    }

    /// Whether the unified rows of a partition share keys with others.
    pub(super) fn shares_keys(&self, label: &str) -> Result<bool, StreamError> {
        for &table in &self.tables {
            if self.is_shared(table, label)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_shared(&self, table: Table, label: &str) -> Result<bool, StreamError> {
        let file = self.unified_file(table, label);
        let marked = |metadata: Vec<(String, String)>| metadata.iter().any(|(key, _)| key == SHARED.0);
        Ok(file.exists() && marked(userhaul_sink::stats(&file)?.metadata))
    }

    /// Gives the unified rows of a file: as they stand, some columns of them, or made anew.
    fn claims_of(
        &self,
        table: Table,
        file: &ClaimsFile,
        columns: Option<&[&str]>,
        each: &mut dyn FnMut(&RecordBatch) -> Result<(), StreamError>,
    ) -> Result<(), StreamError> {
        if !file.anew {
            for batch in userhaul_sink::read(&self.unified_file(table, &file.label), columns)? {
                each(&batch?)?;
            }
            return Ok(());
        }
        let vendor = self.folder().join(format!("{}.parquet", file.label));
        for batch in userhaul_sink::read(&vendor, None)? {
            for (_, rows) in self.unify(&batch?)?.into_iter().filter(|(of, _)| *of == table) {
                each(&rows)?;
            }
        }
        Ok(())
    }
}

/// Whether each key has so many `/` that its parts can be told apart: none of them stands in a part then.
fn has_slashes(rows: &RecordBatch, table: Table, each: usize) -> bool {
    let keys = texts(rows, table.primary_key());
    keys.is_ok_and(|keys| {
        let ends = keys.value_offsets();
        let end = |at: Option<&i32>| at.and_then(|&at| usize::try_from(at).ok()).unwrap_or_default();
        let bytes = &keys.value_data()[end(ends.first())..end(ends.last())];
        bytes.iter().filter(|&&byte| byte == b'/').count() == each * keys.len()
    })
}
