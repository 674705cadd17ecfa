//! The vendor's answers, kept beside the state, and tables rebuilt from them.
//!
//! A run keeps two files a stream, `_userhaul/archive/<source>/<stream>/<run_id>`: `.zst` has the answers, `.json` says what
//! they are. The second is written last, by rename: answers without it are those of a run that died, and count for
//! nothing. No credential and nothing that a privacy rule covers is ever written. A replay gives the answers to the same
//! walks by their place (stream, window, property, parent, order), so that they may be read with other facts than those
//! they were asked with; it sends nothing.

mod chain;
mod frames;
mod keeper;
mod notes;
mod player;
mod publish;
mod replay;
mod shelf;
mod tape;
mod track;

pub use replay::{ReplayOptions, replay};
pub use shelf::{Size, remove, sizes};

pub(crate) use player::FoundAnswer;
pub(crate) use shelf::Shelf;
pub(crate) use tape::{Archive, Tape, rules_of};
pub(crate) use track::Track;

/// How long answers are kept unless the configuration says otherwise.
pub const KEEP: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);
