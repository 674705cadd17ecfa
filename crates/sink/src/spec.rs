//! What the sink must know of a table.

use arrow_schema::SchemaRef;

/// Encoded bytes in a row group, as a rule.
///
/// What a file tells of its row groups is in memory until it is whole, so that they must be large. Their pages wait in a
/// temporary file.
pub const ROW_GROUP_BYTES: usize = 32 << 20;

/// A table, as far as its file is concerned.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// The columns. Each batch must have exactly these. Metadata of fields is kept in the file.
    pub schema: SchemaRef,
    /// Top-level columns that are unique together and never null: text, bytes, whole numbers, decimals, booleans,
    /// dates, timestamps. Where it is empty, every row is kept.
    pub primary_key: Vec<String>,
    /// Column that decides between rows of one key: a timestamp, a date or a whole number. The largest value wins,
    /// null is smallest, and among equals the row that was written later. Without it, the row written later.
    pub version: Option<String>,
    /// Key-value metadata of the file: run, stream, source, version of the table, documentation.
    pub metadata: Vec<(String, String)>,
    /// Codec of the pages.
    pub compression: Compression,
    /// Encoded bytes at which a row group ends; see [`ROW_GROUP_BYTES`].
    pub row_group_bytes: usize,
    /// Columns by which the rows of each part arrive in ascending order, nulls first. Told to readers, not checked,
    /// and not told of a file into which several parts were merged row by row.
    pub sorted_by: Option<Vec<String>>,
    /// How rows of a former file that are gone are kept; without it they are left out.
    pub mark: Option<Mark>,
}

/// The mark of rows that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// A column of the table, of instants in microseconds: when a row was found to be gone; null while it is there.
    pub column: String,
    /// The instant for rows that are found to be gone now, in microseconds since 1970.
    pub at: i64,
}

/// Codec of the pages of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Smallest, and fast enough.
    #[default]
    Zstd,
    /// For old readers.
    Snappy,
    /// As they are.
    None,
}

impl TableSpec {
    /// A table without key, version and metadata, with the usual settings.
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            primary_key: Vec::new(),
            version: None,
            metadata: Vec::new(),
            compression: Compression::default(),
            row_group_bytes: ROW_GROUP_BYTES,
            sorted_by: None,
            mark: None,
        }
    }
}
