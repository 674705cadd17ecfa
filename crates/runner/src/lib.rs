//! The loop: slices to files, the state store, the report.
//!
//! It names no vendor. All decisions about requests are the connector crate's; all HTTP is the client's; all Parquet
//! is the sink's. The invariant: a table is replaced only by rows that are known to be all of it.

pub mod archive;
mod cover;
mod error;
mod fetch;
mod finish;
mod grain;
mod ids;
mod inputs;
mod kept;
mod orders;
pub mod panics;
mod partition;
pub mod progress;
pub mod push;
mod reading;
pub mod record;
mod run;
mod shared_keys;
mod shrink;
mod slices;
mod source;
pub mod state;
mod stop;
mod stream;
mod tables;
mod walk;
mod writer;

pub use archive::{ReplayOptions, replay};
pub use error::StreamError;
pub use reading::{due, resume};
pub use run::{RunError, reset, sync, sync_until};
pub use source::{RunOptions, Source};
pub use stop::Stop;
pub use stream::missing_scope;
pub use tables::history_name;
pub use writer::with_deleted_at;
