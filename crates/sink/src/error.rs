//! What can go wrong on the way into a file.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// A failure of the sink. No message holds a value of a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The file system refused: no room, no permission, a broken disk, a missing folder.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// What was tried, a verb: `create`, `write`, `rename`.
        what: &'static str,
        /// The file or folder that it was tried on.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is not what was written, or a batch cannot be encoded.
    #[error("cannot {what} `{}`", path.display())]
    Parquet {
        /// What was tried, a verb.
        what: &'static str,
        /// The file that it was tried on.
        path: PathBuf,
        /// The codec's answer.
        source: ParquetError,
    },
    /// A batch does not have the schema of its table.
    #[error("a batch does not fit the schema of its table")]
    Schema {
        /// Where they differ.
        source: ArrowError,
    },
    /// Who asked for the commit refused rows that it keeps.
    #[error("cannot go on with the rows that are kept")]
    Rewrite {
        /// The caller's own failure.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A row has no value in a column of the primary key.
    #[error("row {row} has no value in key column `{column}`")]
    NullKey {
        /// The column.
        column: String,
        /// Index of the row within its part, from 0.
        row: u64,
    },
    /// A column that the table's specification names is not in its schema.
    #[error("the schema has no column `{column}`")]
    UnknownColumn {
        /// The column.
        column: String,
    },
    /// A column has a type that its part in the table does not allow.
    #[error("column `{column}` cannot be {role}, as its type is {data_type}")]
    UnsupportedType {
        /// The column.
        column: String,
        /// What the column was to be: `a key`, `a version`, `compared`.
        role: &'static str,
        /// Its type.
        data_type: String,
    },
}

/// Whose fault a failure is; decides on exit code and on whether other streams go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The place that is written to.
    Output,
    /// The vendor's data.
    Vendor,
    /// This program.
    Bug,
}

impl SinkError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Parquet { .. } => ErrorKind::Output,
            Self::NullKey { .. } | Self::Rewrite { .. } => ErrorKind::Vendor,
            Self::Schema { .. } | Self::UnknownColumn { .. } | Self::UnsupportedType { .. } => ErrorKind::Bug,
        }
    }

    pub(crate) fn io<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// A failure of the codec, or of the disk below it: the codec wraps the system's answer.
    pub(crate) fn parquet<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(ParquetError) -> Self + 'a {
        move |error| match error {
            ParquetError::External(inner) => Self::boxed(what, path, inner),
            source => Self::Parquet { what, path: path.to_owned(), source },
        }
    }

    /// As [`Self::parquet`], for readers, which answer in arrow's terms.
    pub(crate) fn arrow<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(ArrowError) -> Self + 'a {
        move |error| match error {
            ArrowError::ExternalError(inner) => Self::boxed(what, path, inner),
            ArrowError::IoError(_, source) => Self::Io { what, path: path.to_owned(), source },
            other => Self::Parquet { what, path: path.to_owned(), source: other.into() },
        }
    }

    fn boxed(what: &'static str, path: &Path, inner: Box<dyn Error + Send + Sync>) -> Self {
        let path = path.to_owned();
        match inner.downcast::<io::Error>() {
            Ok(source) => Self::Io { what, path, source: *source },
            Err(inner) => match inner.downcast::<ParquetError>() {
                Ok(source) => Self::parquet(what, &path)(*source),
                Err(inner) => Self::Parquet { what, path, source: ParquetError::External(inner) },
            },
        }
    }
}
