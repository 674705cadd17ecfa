//! What the walks of a stream know before, and come to.

use std::collections::{BTreeMap, BTreeSet};

use userhaul_client::Attempts;
use userhaul_connector::{code::Note, pager::Whole, slice::Window};

/// What earlier runs have found out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    /// The rows of the list when it last came whole, where it is known to.
    pub(crate) whole: Option<u64>,
    /// Whether one that was cut short has had answers.
    pub(crate) answers: bool,
    /// Whether all of it is read again where it gives too little.
    pub(crate) guarded: bool,
}

/// What the walks of a stream have cost and met.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) attempts: Attempts,
    pub(crate) pages: u64,
    pub(crate) warnings: Vec<Note>,
    pub(crate) unproven: Option<Note>,
    pub(crate) missing: Vec<String>,
    /// How many of them no address can carry.
    pub(crate) unsendable: usize,
    pub(crate) latest: Option<i64>,
    /// That the list comes whole though its paging is not known.
    pub(crate) whole: Option<Whole>,
    /// By how many microseconds the vendor's clock is behind ours at most, as a number below zero.
    pub(crate) behind: i64,
    /// Whether it is not known if the vendor has nothing or is another one.
    pub(crate) doubtful: bool,
    /// When the first run began that has read some of it, where that was an earlier one.
    pub(crate) since: Option<i64>,
    /// Windows that were read whole, by property.
    pub(crate) covered: Vec<(Option<String>, Window)>,
    /// Rows that came by passes that were read whole without a window, by number.
    pub(crate) passes: BTreeMap<usize, u64>,
    /// Properties, or the empty text, of which a slice was not read whole.
    pub(crate) open: BTreeSet<String>,
    /// Parents whose children were asked for.
    pub(crate) parents_read: BTreeSet<String>,
    /// All parents that there are, where that is known.
    pub(crate) parents: Option<BTreeSet<String>>,
    pub(crate) new_fields: BTreeMap<String, u64>,
    pub(crate) type_mismatches: BTreeMap<String, u64>,
}
