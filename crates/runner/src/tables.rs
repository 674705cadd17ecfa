//! Where tables are, and what other streams read of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow_array::{Array, BooleanArray, RecordBatch, cast::AsArray};
use userhaul_sink::SinkError;

use crate::{
    cover::{self, Covers},
    error::StreamError,
};

/// The folders of one run.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    destination: PathBuf,
    parts: PathBuf,
    /// Whether the run has met a disk without room: then nothing is kept for later ones.
    full: Arc<AtomicBool>,
}

impl Folders {
    pub(crate) fn new(destination: &Path, run_id: &str) -> Self {
        let parts = destination.join("_userhaul").join("parts").join(run_id);
        Self { destination: destination.to_owned(), parts, full: Arc::default() }
    }

    /// A stream's table: visible where it is wanted, else beside the parts, gone after the run.
    pub(crate) fn table(&self, source: &str, stream: &str, wanted: bool) -> PathBuf {
        if wanted {
            self.destination.join(source).join(stream)
        } else {
            self.parts.join("unwanted").join(source).join(stream)
        }
    }

    pub(crate) fn unified(&self, table: userhaul_record::Table) -> PathBuf {
        self.destination.join("unified").join(table.name())
    }

    /// Where a stream's parts are made.
    pub(crate) fn making(&self, source: &str, stream: &str) -> PathBuf {
        self.parts.join("making").join(source).join(stream)
    }

    /// Where a replay builds its tables before they are published.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.parts.join("replay")
    }

    /// Where parts of runs that were cut short are kept.
    pub(crate) fn kept_folder(&self) -> PathBuf {
        self.destination.join("_userhaul").join("kept")
    }

    /// Removes everything that this run has made and not committed, but for slices that the next one can take over. Where there
    /// is no room for anything else, those go too.
    pub(crate) fn clear(&self, now: i64) {
        // What cannot be removed now is swept by the next run.
        if self.lack_room() {
            let _ = userhaul_storage::remove_folder(&self.kept_folder());
        } else {
            let _ = self.keep(std::slice::from_ref(&self.parts));
            let _ = self.prune(now);
        }
        let _ = userhaul_storage::remove_folder(&self.parts);
    }

    /// Removes the parts of streams that have failed, so that there is room for the others: the first one and those derived from
    /// it. Slices that the next run can take over stay.
    pub(crate) fn give_up(&self, source: &str, streams: &[&str], error: &StreamError) {
        if error.lacks_room() {
            self.full.store(true, Ordering::Relaxed);
        }
        let Some(first) = streams.first() else { return };
        if self.lack_room() || !self.has_journal(source, first) {
            for stream in streams {
                // What cannot be removed now goes with everything else, or is swept by the next run.
                let _ = userhaul_storage::remove_folder(&self.making(source, stream));
            }
        }
    }

    fn lack_room(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Removes what runs that were killed have left. Only while no other run can be under way. What cannot be removed now is
    /// left to a later run.
    pub(crate) fn sweep<'a>(&self, sources: impl Iterator<Item = &'a str>, now: i64) {
        let ours = self.destination.join("_userhaul");
        let _ = userhaul_sink::sweep(&ours.join("runs"));
        let state = ours.join("state");
        let tables = sources.map(|source| self.destination.join(source));
        for above in tables.chain([self.destination.join("unified"), state]) {
            for entry in std::fs::read_dir(above).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    let _ = userhaul_sink::sweep(&entry.path());
                }
            }
        }
        if let Some(parts) = self.parts.parent() {
            let runs = std::fs::read_dir(parts).into_iter().flatten().flatten().map(|entry| entry.path());
            let _ = self.keep(&runs.collect::<Vec<_>>());
            let _ = self.prune(now);
            let _ = userhaul_storage::remove_folder(parts);
        }
    }
}

/// Makes a folder and those above it.
pub(crate) fn make(folder: &Path) -> Result<(), StreamError> {
    userhaul_storage::create_folder(folder).map_err(|source| StreamError::Folder {
        act: "create",
        path: folder.display().to_string(),
        source,
    })
}

/// The visible files of a table, by name.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, StreamError> {
    let failed = |source| StreamError::Folder { act: "list", path: folder.display().to_string(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Removes a visible file that no longer belongs to its table, for good.
pub(crate) fn remove(path: &Path) -> Result<(), StreamError> {
    let gone = userhaul_storage::remove_file(path)
        .and_then(|()| userhaul_storage::sync_folder(userhaul_storage::parent(path)));
    gone.map_err(|source| StreamError::Folder { act: "remove", path: path.display().to_string(), source })
}

/// Removes the tables of a source, and its files in the unified tables.
pub(crate) fn remove_source(destination: &Path, source: &str) -> Result<(), StreamError> {
    let prefix = format!("{source}.");
    for table in userhaul_record::Table::ALL {
        for file in files(&destination.join("unified").join(table.name()))? {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with(&prefix) {
                remove(&file)?;
            }
        }
    }
    let folder = destination.join(source);
    let gone =
        userhaul_storage::remove_folder(&folder).and_then(|()| userhaul_storage::sync_folder(destination));
    gone.map_err(|source| StreamError::Folder { act: "remove", path: folder.display().to_string(), source })
}

/// All rows of a table, some columns of it.
pub(crate) fn rows(
    folder: &Path,
    columns: Option<&[&str]>,
) -> Result<impl Iterator<Item = Result<RecordBatch, SinkError>>, StreamError> {
    let mut batches = Vec::new();
    for file in files(folder)? {
        batches.push(userhaul_sink::read(&file, columns)?);
    }
    Ok(batches.into_iter().flatten())
}

/// The column of the mark of rows that are gone, where a source keeps them.
pub(crate) const DELETED_AT: &str = "_deleted_at";

/// The name of the table of former versions of a stream's rows.
pub fn history_name(stream: &str) -> String {
    format!("{stream}__history")
}

/// Some columns of a table's rows, all where none are named, without rows that are marked as gone.
pub(crate) fn live_rows(
    folder: &Path,
    columns: Option<&[&str]>,
) -> Result<impl Iterator<Item = Result<RecordBatch, StreamError>>, StreamError> {
    let mut batches = Vec::new();
    for file in files(folder)? {
        let marked = userhaul_sink::stats(&file)?.schema.column_with_name(DELETED_AT).is_some();
        let mark = marked.then_some(DELETED_AT);
        let columns = columns.map(|columns| columns.iter().copied().chain(mark).collect::<Vec<_>>());
        batches.push(userhaul_sink::read(&file, columns.as_deref())?);
    }
    Ok(batches.into_iter().flatten().map(|batch| live(batch?)))
}

fn live(batch: RecordBatch) -> Result<RecordBatch, StreamError> {
    let marks = batch.column_by_name(DELETED_AT).filter(|marks| marks.null_count() < marks.len());
    let Some(marks) = marks else { return Ok(batch) };
    let live: BooleanArray = (0..marks.len()).map(|row| Some(marks.is_null(row))).collect();
    let failed = |error: arrow_schema::ArrowError| StreamError::Bug { what: error.to_string() };
    arrow_select::filter::filter_record_batch(&batch, &live).map_err(failed)
}

/// How many rows of a table are there, those that are marked as gone apart.
pub(crate) fn count_live(folder: &Path) -> Result<u64, StreamError> {
    if has_column(folder, DELETED_AT)? != Some(true) {
        return count(folder);
    }
    let mut rows = 0;
    for batch in live_rows(folder, Some(&[]))? {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

/// How many rows a table has.
pub(crate) fn count(folder: &Path) -> Result<u64, StreamError> {
    let mut rows = 0;
    for file in files(folder)? {
        rows += userhaul_sink::stats(&file)?.rows;
    }
    Ok(rows)
}

/// Whether a table has a column; none where there is no table.
pub(crate) fn has_column(folder: &Path, column: &str) -> Result<Option<bool>, StreamError> {
    let Some(file) = files(folder)?.into_iter().next() else { return Ok(None) };
    Ok(Some(userhaul_sink::stats(&file)?.schema.column_with_name(column).is_some()))
}

/// The distinct texts of a column, without nulls and empty ones, in order.
pub(crate) fn distinct(folder: &Path, column: &str) -> Result<BTreeSet<String>, StreamError> {
    distinct_where(folder, column, None)
}

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// The first and the last instant of a day, by property and day since 1970.
pub(crate) type Days = BTreeMap<(String, i64), (i64, i64)>;

/// The first and the last instant of each day since 1970 on which a table has rows, by the value of another column, or the
/// empty text without one.
pub(crate) fn days(folder: &Path, by: Option<&str>, column: &str) -> Result<Days, StreamError> {
    let columns: Vec<&str> = by.into_iter().chain([column]).collect();
    let mut found = BTreeMap::new();
    for batch in live_rows(folder, Some(&columns))? {
        let batch = batch?;
        let texts = by.and_then(|by| batch.column_by_name(by)?.as_string_opt::<i32>());
        let instants = cover::instants(&batch, column);
        for row in 0..batch.num_rows() {
            let Some(at) = instants(row) else { continue };
            let text = texts.map(|texts| texts.value(row)).unwrap_or_default();
            let (first, last) = found.entry((text.to_owned(), at.div_euclid(DAY))).or_insert((at, at));
            (*first, *last) = (at.min(*first), at.max(*last));
        }
    }
    Ok(found)
}

/// How many rows of a table lie in windows, by property, or the empty text where there are none.
pub(crate) fn within(folder: &Path, covers: &Covers) -> Result<BTreeMap<String, u64>, StreamError> {
    let mut found = BTreeMap::new();
    if covers.windows.is_empty() {
        return Ok(found);
    }
    let columns: Vec<&str> = covers.columns().collect();
    for batch in live_rows(folder, Some(&columns))? {
        for property in covers.within(&batch?) {
            match found.get_mut(property) {
                Some(rows) => *rows += 1,
                None => drop(found.insert(property.to_owned(), 1)),
            }
        }
    }
    Ok(found)
}

/// The same, of the rows that have a value in another column.
pub(crate) fn distinct_where(
    folder: &Path,
    column: &str,
    only: Option<(&str, &str)>,
) -> Result<BTreeSet<String>, StreamError> {
    let columns: Vec<&str> = std::iter::once(column).chain(only.map(|(column, _)| column)).collect();
    let mut values = BTreeSet::new();
    for batch in live_rows(folder, Some(&columns))? {
        let batch = batch?;
        let texts =
            |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_opt::<i32>()).cloned();
        let Some(keys) = texts(column) else { continue };
        let others = only.and_then(|(column, value)| Some((texts(column)?, value)));
        if only.is_some() && others.is_none() {
            continue;
        }
        for row in 0..keys.len() {
            let wanted = others
                .as_ref()
                .is_none_or(|(texts, value)| texts.is_valid(row) && texts.value(row) == *value);
            if wanted
                && keys.is_valid(row)
                && !keys.value(row).is_empty()
                && !values.contains(keys.value(row))
            {
                values.insert(keys.value(row).to_owned());
            }
        }
    }
    Ok(values)
}

/// The names of custom fields that a table of definitions holds: its name column, or, where that is empty throughout,
/// every text that looks like a name (vendors/userlot.md 4.3: by value, not by key).
pub(crate) fn custom_names(folder: &Path, column: &str) -> Result<BTreeSet<String>, StreamError> {
    let named = distinct(folder, column)?;
    if !named.is_empty() {
        return Ok(named);
    }
    let mut names = BTreeSet::new();
    for batch in live_rows(folder, None)? {
        let batch = batch?;
        let schema = batch.schema();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            let Some(texts) = array.as_string_opt::<i32>() else { continue };
            for text in texts.iter().flatten() {
                if field.name() == "_extra" {
                    names.extend(texts_of(text).into_iter().filter(|text| is_name(text)));
                } else if !field.name().starts_with('_') && is_name(text) {
                    names.insert(text.to_owned());
                }
            }
        }
    }
    Ok(names)
}

/// The text values of a JSON object's members.
fn texts_of(object: &str) -> Vec<String> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(object) else { return Vec::new() };
    members.into_iter().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect()
}

/// `^[a-z][a-z0-9_]*$`
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
