//! The checks: what holds for every connector, whatever its vendor.
//!
//! A check gives what is wrong, a line each; nothing where all is well. For each there is a broken [`crate::Reference`]
//! of the same name that fails it, and only it.

mod faults;
mod runs;
mod whole;

pub use runs::volatile;

use crate::subject::Subject;

/// People in a world that is read: enough for several pages, few enough for hundreds of runs.
pub(crate) const PEOPLE: usize = 24;

/// Rows a page, so that the small world has several pages.
pub(crate) const PAGE_ROWS: u32 = 15;

/// One check.
pub struct Check {
    /// Its name, and that of the connector that is broken in this respect.
    pub name: &'static str,
    /// What it proves.
    pub promise: &'static str,
    /// Checks a subject.
    pub run: fn(&dyn Subject) -> Vec<String>,
}

/// All checks.
pub const CHECKS: &[Check] = &[
    Check {
        name: "truth",
        promise: "the tables are what the vendor holds, each row once, and no request is one that the vendor does not know",
        run: whole::truth,
    },
    Check {
        name: "page_size",
        promise: "the tables are the same for any page size, also where the server refuses large ones",
        run: |subject| [runs::page_size(subject), faults::play(subject, "page_size")].concat(),
    },
    Check {
        name: "killed",
        promise: "a run that is killed at any request and run again gives the same tables",
        run: runs::killed,
    },
    Check {
        name: "quota",
        promise: "no window of time has more requests than the quota allows",
        run: runs::quota,
    },
    Check {
        name: "retry_after",
        promise: "nobody asks before the time that `Retry-After` names, in either of its forms",
        run: runs::retry_after,
    },
    Check {
        name: "transient",
        promise: "what passes is asked again; what does not pass fails as unavailable and leaves the tables alone",
        run: |subject| faults::play(subject, "transient"),
    },
    Check {
        name: "lasting",
        promise: "what asking again cannot mend fails at once, by its right name, and leaves the tables alone",
        run: |subject| faults::play(subject, "lasting"),
    },
    Check {
        name: "content",
        promise: "an answer that is no page is never taken for one, nor for the end",
        run: |subject| faults::play(subject, "content"),
    },
    Check {
        name: "data",
        promise: "odd rows are kept or told; loops are found",
        run: |subject| faults::play(subject, "data"),
    },
    Check {
        name: "origin",
        promise: "requests go to the vendor's own origin and nowhere else",
        run: |subject| faults::play(subject, "origin"),
    },
    Check {
        name: "empty",
        promise: "an account that holds nothing gives files without rows and with the full schema",
        run: whole::empty,
    },
    Check {
        name: "twice",
        promise: "two runs give the same rows, but for `_run_id` and `_extracted_at`",
        run: runs::twice,
    },
    Check { name: "keys", promise: "no key is null, and none comes twice", run: whole::keys },
    Check { name: "columns", promise: "no column is empty over the whole world", run: whole::columns },
    Check {
        name: "leaks",
        promise: "no credential and no address of a person in messages, records and state",
        run: whole::leaks,
    },
];
