//! The way back: what a target takes, which requests carry it, and what the answers mean.
//!
//! Pure, like the rest of this crate: sending, remembering and reading files is the runner's and the program's business.
//! One invariant: a value is either sent exactly as it came, or refused with its row and field.

mod call;
mod field;
mod mapping;
mod reading;
mod target;
mod value;

pub use call::{Answer, Body, Call, Repeat, Stop, Verdict};
pub use field::{FieldKind, FieldSpec, boolean, date, is_email, is_uuid, milliseconds};
pub use mapping::{CLEAR, Mapping, MappingError, Place, name_of};
pub use reading::{as_told, chunks, field_of, reason_of};
pub use target::{
    Batch, BuildTarget, Entry, Fault, Known, Memory, Need, Open, Options, ReadBack, Record, RowFields, Seen,
    SettleError, Setup, Stored, Target, TargetSpec,
};
pub use value::Value;
