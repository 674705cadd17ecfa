//! Page bytes into typed columns, in one pass.
//!
//! A [`Decoder`] belongs to one stream and one walk. It grows the columns of the stream's table, and of the tables of
//! the streams derived from it, row by row and page by page; [`Decoder::take`] gives them as batches. What no column
//! takes goes into `_extra`, as it came. No tree of values is built.

mod builder;
mod custom;
mod derived;
mod entries;
mod envelope;
mod extra;
mod keyless;
mod met;
mod names;
mod new_fields;
mod private;
mod row;
mod runs;
mod shape;
mod structure;
mod table;
mod table_builder;
mod valid;
mod value;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

pub use envelope::{Envelope, FactsError};
pub use private::{Act, Rule, redacted, widened};
pub use shape::Alias;
pub use table::{Lineage, TableLayout};

use crate::json::scan::{JsonError, Kind, Scanner, Wanted};
use row::RowReader;
pub(crate) use table_builder::content_hash;

/// What a walk's pages are decoded with.
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// The stream's own table.
    pub table: TableLayout,
    /// The tables of the derived streams that are wanted.
    pub derived: Vec<DerivedLayout>,
    /// Where the rows stand in a page: pointers, tried in order; `""` is the page itself, `"/*"` its only array, and
    /// `"{}"` makes an object without such an array one row, and null, `{}` or an empty body no rows; `"null"` makes null,
    /// or nothing at all, at the other pointers no rows.
    pub items: Vec<String>,
    /// Whether the value found there is one row and not an array of rows.
    pub single: bool,
    /// Names of custom fields, which go into the map column of this index.
    pub custom: Option<CustomFields>,
    /// Privacy rules.
    pub rules: Vec<Rule>,
}

/// The fields that a customer has defined, by the vendor's spelling.
#[derive(Debug, Clone, Default)]
pub struct CustomFields {
    /// The vendor's name of the map column that takes them.
    pub column: String,
    /// Their names.
    pub names: std::collections::BTreeSet<String>,
}

/// The table of a stream that is a pointer below the rows of another.
#[derive(Debug, Clone)]
pub struct DerivedLayout {
    /// The derived stream's name.
    pub stream: String,
    /// Its table.
    pub table: TableLayout,
    /// The vendor's name of the parent's field that holds the rows, or `object/member`.
    pub field: String,
    /// For each leading column of the table, the vendor's name of the parent's field that it repeats.
    pub inherits: Vec<String>,
    /// Whether the field holds one row and not an array of rows.
    pub single: bool,
}

/// What a page held, besides its rows.
#[derive(Debug, Clone, Default)]
pub struct PageRows {
    /// Rows in the page.
    pub rows: usize,
    /// A hash of each row's primary key, in order; empty unless asked for.
    pub keys: Vec<u64>,
    /// The cursor column of each row in microseconds, in order; empty unless asked for.
    pub cursors: Vec<Option<i64>>,
}

/// Batches of the rows so far.
#[derive(Debug, Default)]
pub struct Taken {
    /// The stream's own rows; none where there were none.
    pub rows: Option<RecordBatch>,
    /// The derived streams' rows, by stream.
    pub derived: Vec<(String, RecordBatch)>,
}

/// Counts over a walk, for the run record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values that did not fit their column, by column.
    pub type_mismatches: std::collections::BTreeMap<String, u64>,
    /// Fields without a column, by the vendor's name (the first thousand names).
    pub new_fields: std::collections::BTreeMap<String, u64>,
    /// Lone surrogates replaced.
    pub surrogates: u64,
    /// Keys that stood twice in one object; the last one was taken.
    pub duplicate_keys: u64,
}

/// Why a page is refused. No text of the page is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not UTF-8.
    #[error("the page is not UTF-8 from byte {at} on")]
    Encoding {
        /// The byte offset.
        at: usize,
    },
    /// Not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Nothing at any of the pointers.
    #[error("the page has no rows where they should be ({expected}), it has: {found}")]
    NoItems {
        /// The pointers.
        expected: String,
        /// The page's kind, or its members' names.
        found: String,
    },
    /// A row that is no object.
    #[error("row {} is no object", row + 1)]
    NotAnObject {
        /// The row's index in the page, from 0.
        row: usize,
    },
    /// A row without its primary key.
    #[error("row {} has no value for `{column}`, which is part of the primary key; its fields: {fields}", row + 1)]
    NullKey {
        /// The row's index in the page, from 0.
        row: usize,
        /// The column.
        column: String,
        /// The names of the row's fields.
        fields: String,
    },
    /// A page none of whose rows has a field of its primary key under any of its names.
    #[error("no row has `{column}`, which is part of the primary key; their fields: {fields}")]
    NoKey {
        /// The column.
        column: String,
        /// The names of the rows' fields.
        fields: String,
    },
    /// The columns do not make a batch: a bug.
    #[error("the columns do not make a batch")]
    Columns(#[from] ArrowError),
}

impl DecodeError {
    /// An answer without rows at these pointers.
    pub fn no_items(items: &[String], found: impl Into<String>) -> Self {
        Self::NoItems { expected: envelope::describe(items), found: found.into() }
    }

    /// The same, with what it says in the page's words changed: names may repeat what must not be told.
    #[must_use]
    pub fn in_words(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::NoItems { expected, found } => Self::NoItems { expected, found: change(&found) },
            Self::NullKey { row, column, fields } => Self::NullKey { row, column, fields: change(&fields) },
            Self::NoKey { column, fields } => Self::NoKey { column, fields: change(&fields) },
            other => other,
        }
    }
}

/// Decodes the pages of one walk.
#[derive(Debug)]
pub struct Decoder {
    items: Vec<String>,
    single: bool,
    reader: RowReader,
}

impl Decoder {
    /// A decoder without rows.
    pub fn new(options: &DecodeOptions) -> Self {
        Self { items: options.items.clone(), single: options.single, reader: RowReader::new(options) }
    }

    /// The schema of the stream's own table.
    pub fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    /// Whether two rows of one hash in [`PageRows::keys`] are the same row; not so where keys are synthetic.
    pub fn exact_keys(&self) -> bool {
        self.reader.exact_keys()
    }

    /// The rows so far, to go back to with [`Decoder::roll_back`].
    pub fn mark(&self) -> Vec<usize> {
        self.reader.mark()
    }

    /// Forgets the rows since the mark was taken. Nothing may have been taken in between.
    pub fn roll_back(&mut self, mark: &[usize]) {
        self.reader.roll_back(mark);
    }

    /// Reads a page. On an error no row of the page is kept.
    ///
    /// # Errors
    /// When the page is not JSON, has no rows where they should be, or a row or all of them have no primary key.
    pub fn page(&mut self, body: &[u8], lineage: &Lineage<'_>) -> Result<(PageRows, Envelope), DecodeError> {
        let body = checked(body)?;
        let before = self.reader.mark();
        let first = self.reader.rows();
        let mut read = self.read(body, lineage);
        match &mut read {
            Ok((_, envelope)) => envelope.set_last(self.reader.last_text(first)),
            Err(_) => self.reader.roll_back(&before),
        }
        read
    }

    fn read(&mut self, body: &[u8], lineage: &Lineage<'_>) -> Result<(PageRows, Envelope), DecodeError> {
        let mut scanner = Scanner::new(body);
        let first = self.reader.rows();
        let mut envelope = Envelope::default();
        let bare = self.single && self.items.iter().any(String::is_empty);
        let lone = !self.single && self.items.iter().any(|pointer| pointer == LONE_ROW);
        let none = self.items.iter().any(|pointer| pointer == NO_ROWS);
        if lone && body.trim_ascii().is_empty() {
            return Ok((self.reader.page_rows(first), envelope));
        }
        match scanner.kind()? {
            Kind::Array if self.items.iter().any(String::is_empty) && !self.single => {
                self.reader.array(&mut scanner, lineage)?;
            }
            Kind::Object if self.single && self.items.first().is_some_and(String::is_empty) => {
                let mut whole = scanner;
                envelope = Envelope::read::<DecodeError>(&mut scanner, None, |_| Ok(()))?;
                self.lone_row(&envelope, &mut whole, lineage)?;
            }
            Kind::Object => {
                let mut whole = scanner;
                // The usual page has its rows at the first pointer: they are read on the way. Elsewhere they are
                // read after the page has been skipped over once.
                let first_pointer = self.items.iter().find(|pointer| !pointer.is_empty());
                let usual = first_pointer
                    .and_then(|pointer| pointer.strip_prefix('/'))
                    .filter(|name| !self.single && *name != "*" && !name.contains('/'));
                let mut done = false;
                envelope = Envelope::read::<DecodeError>(&mut scanner, usual, |items| {
                    done = true;
                    self.reader.array(items, lineage)
                })?;
                if !done {
                    match envelope::items(&envelope, body, &self.items, self.single) {
                        Ok(found) => {
                            let mut items = Scanner { bytes: body, at: found };
                            if self.single {
                                self.reader.one(&mut items, lineage)?
                            } else {
                                self.reader.array(&mut items, lineage)?
                            }
                        }
                        Err(DecodeError::NoItems { .. }) if lone && envelope.is_empty() => {}
                        Err(DecodeError::NoItems { .. })
                            if none && envelope::nothing(&envelope, body, &self.items)? => {}
                        Err(DecodeError::NoItems { .. }) if lone || bare => {
                            self.lone_row(&envelope, &mut whole, lineage)?;
                        }
                        Err(error) => return Err(error),
                    }
                }
                envelope.keep(body);
            }
            Kind::Null if self.single || lone || none => scanner.literal(Wanted::Null)?,
            kind => {
                return Err(DecodeError::no_items(&self.items, kind.name()));
            }
        }
        scanner.end()?;
        Ok((self.reader.page_rows(first), envelope))
    }

    /// Reads an object as a row. One without any field of the table is something else: an error that came as a success.
    fn lone_row(
        &mut self,
        envelope: &Envelope,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
    ) -> Result<(), DecodeError> {
        let mut names = envelope.members();
        if names.len() > 0 && !names.any(|name| self.reader.knows(name)) {
            let found = envelope.members().take(20).collect::<Vec<_>>().join(", ");
            return Err(DecodeError::NoItems { expected: "a row".to_owned(), found });
        }
        self.reader.one(scanner, lineage)
    }

    /// Reads some whole elements of a long array: the bytes between its brackets, cut at a comma.
    ///
    /// # Errors
    /// As [`Decoder::page`].
    pub fn elements(&mut self, elements: &[u8], lineage: &Lineage<'_>) -> Result<PageRows, DecodeError> {
        let body = checked(elements)?;
        let before = self.reader.mark();
        let first = self.reader.rows();
        let mut scanner = Scanner::new(body);
        let read = self.reader.elements(&mut scanner, lineage);
        if let Err(error) = read {
            self.reader.roll_back(&before);
            return Err(error);
        }
        Ok(self.reader.page_rows(first))
    }

    /// Asks for [`PageRows::keys`] and [`PageRows::cursors`] from now on.
    pub fn watch(&mut self, keys: bool, cursor: Option<&str>) {
        self.reader.watch(keys, cursor);
    }

    /// Asks for [`Envelope::last`] from now on: the value of this column, an identifier, text or whole number.
    pub fn watch_last(&mut self, column: Option<&str>) {
        self.reader.watch_last(column);
    }

    /// Begins a walk anew: synthetic keys count equal rows from 0 again.
    pub fn begin_walk(&mut self) {
        self.reader.begin_walk();
    }

    /// Rows that [`Decoder::take`] would give.
    pub fn rows(&self) -> usize {
        self.reader.rows()
    }

    /// Bytes held, roughly.
    pub fn bytes(&self) -> usize {
        self.reader.bytes()
    }

    /// Gives the rows so far as batches and begins anew.
    ///
    /// # Errors
    /// When the columns do not make a batch, which would be a bug.
    pub fn take(&mut self) -> Result<Taken, DecodeError> {
        Ok(self.reader.take()?)
    }

    /// Counts since the decoder was made.
    pub fn counts(&self) -> &Counts {
        self.reader.counts()
    }

    /// Counts from here on as if only this had been met: rows that were counted are not kept.
    pub fn restore_counts(&mut self, counts: Counts) {
        self.reader.restore_counts(counts);
    }
}

/// The pointer of answers that may be one bare row, or nothing at all (vendors/userlot.md 4.2).
const LONE_ROW: &str = "{}";

/// The pointer of answers in which null, or nothing, at the other ones stands for no rows: how some servers write an
/// empty list.
const NO_ROWS: &str = "null";

/// The page without a byte-order mark, if it is UTF-8.
fn checked(body: &[u8]) -> Result<&[u8], DecodeError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if simdutf8::basic::from_utf8(body).is_err() {
        let at = std::str::from_utf8(body).map_or_else(|error| error.valid_up_to(), |_| 0);
        return Err(DecodeError::Encoding { at });
    }
    Ok(body)
}
