//! The unified tables: their records, their Arrow schemas, and records to batches.
//!
//! A connector says what a vendor's row means by filling one of the record structs ([`User`], [`Company`], [`Event`],
//! [`Feedback`], [`Metric`]) and pushing it into [`Unified`]; keys and lineage columns are made here, so that they
//! are made alike for every vendor. Reading vendor rows, deciding what they mean and writing files is left to others.
//! The invariant: a text column never holds an empty text; what is not known is null.

mod cells;
mod column;
mod companies;
mod events;
mod feedback;
mod metrics;
mod table;
mod unified;
mod users;
mod value;
mod whole;

pub use companies::Company;
pub use events::Event;
pub use feedback::{Feedback, FeedbackKind};
pub use metrics::{Metric, Subject};
pub use table::{SCHEMA_VERSION, Table, schema};
pub use unified::{Lineage, RowLineage, Unified};
pub use users::{Status, User};
pub use value::{Attributes, DECIMAL_SCALE, Date, Decimal, Micros};
