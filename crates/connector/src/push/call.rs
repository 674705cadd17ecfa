//! One request of a push, and what its answer means.

use super::target::{Fault, Memory};
use crate::{
    auth::AuthSpec,
    code::{Code, Note},
    request::Method,
};

/// One request, to be signed and sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which of the target's steps it is.
    pub step: &'static str,
    /// The records that it carries, by index.
    pub items: Vec<usize>,
    /// The verb.
    pub method: Method,
    /// The path below the base URL, percent-encoded.
    pub path: String,
    /// Parameters.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// How it is signed.
    pub auth: AuthSpec,
    /// Statuses outside 200–299 that [`Target::judge`](super::Target::judge) wants to see.
    pub accept: Vec<u16>,
    /// Whether it may be sent again when it may have arrived.
    pub repeat: Repeat,
    /// What is remembered when it succeeds.
    pub learns: Memory,
}

/// The body of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(Vec<u8>),
    /// Name and value pairs, form-encoded.
    Form(Vec<(String, String)>),
}

/// Whether a call may arrive twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is as good as once.
    Safe,
    /// Twice would differ.
    Never,
}

/// An answer that [`Target::judge`](super::Target::judge) looks at.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status: 200–299, or one that the call accepts.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

/// What an answer means for the records of its call.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Everything was applied but what these faults name. A fault without a field is the whole record's.
    Done {
        /// What was not applied.
        faults: Vec<Fault>,
        /// What the user should know.
        notes: Vec<Note>,
    },
    /// What is to go is not there, which is as good; with what the user should know.
    Absent(Note),
    /// Nothing was applied: the same in halves, and a single record is refused with this fault.
    Split(Fault),
    /// The same records go on with this step.
    Next(&'static str),
    /// Nothing of it was applied: refused.
    Refused(Fault),
    /// It cannot be told whether it was applied.
    Unknown(String),
    /// Nothing was applied, and nothing else will be: the push ends.
    Stop(Stop),
}

/// Why a push ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// A word that scripts may look for.
    pub code: Code,
    /// A lower-case phrase without a full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}
