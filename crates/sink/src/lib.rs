//! Batches to Parquet files, committed by rename.
//!
//! A table's rows arrive in parts ([`PartWriter`], or [`PartSet`] for rows of several tables that are made of one another); [`commit`] turns finished parts into one visible file that holds
//! each primary key once. The interface is synchronous: whoever is async calls it from a blocking thread. What a row
//! means, which parts belong together and what is remembered of them is left to others; the sink knows no vendor and
//! no table by name. The invariant: under a visible name there is a whole file at every moment, the old one or the
//! new one, and memory is bounded whatever the number of rows.

mod bits;
mod codec;
mod commit;
mod concat;
mod conflicts;
mod content;
mod disk;
mod encoder;
mod error;
mod file;
mod former;
mod groups;
mod history;
mod keys;
mod loan;
mod log;
mod merge;
#[cfg(test)]
mod model;
mod pages;
mod part;
mod read;
mod repeats;
mod set;
mod settings;
mod spec;
mod twins;

pub use commit::{Committed, Rewrite, commit};
pub use content::{content_hash, row_hashes};
pub use disk::sweep;
pub use error::{ErrorKind, SinkError};
pub use history::{VALID_FROM, VALID_TO, history_of, keep_history};
pub use part::{Part, PartWriter};
pub use read::{Batches, FileStats, read, stats};
pub use repeats::{Repeated, Repeats};
pub use set::PartSet;
pub use spec::{Compression, Mark, ROW_GROUP_BYTES, TableSpec};
