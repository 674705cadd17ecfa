//! Faults of destinations and of what is remembered.

use super::{
    Proof::{Later, NotApplicable, Tests},
    Row,
};

const fn row(fault: &'static str, promise: &'static str, proof: super::Proof) -> Row {
    Row { fault, promise, proof }
}

const STORES: &str = "destinations are folders today; object stores are refused with a message";
const SQL: &str = "there is no SQL destination";

pub(super) const ROWS: &[Row] = &[
    row("S3 503 SlowDown", "the store's own retries, within the deadline", Later(STORES)),
    row("409 on create", "looked up: ours is a success, another's is a loss", Later(STORES)),
    row("lost answer of a create that succeeded", "recognised as ours", Later(STORES)),
    row("partial multipart upload", "aborted, leftovers listed", Later(STORES)),
    row("concurrent writers", "one wins, the others end without damage", Later(STORES)),
    row("listing surprises", "nothing depends on a listing being complete", Later(STORES)),
    row("credentials expire during an upload", "renewed", Later(STORES)),
    row("wrong region, bucket or permission", "`check` tells", Later(STORES)),
    row(
        "file of the quota's history damaged",
        "begun anew, torn records count",
        Tests(&[
            "a_damaged_file_is_begun_anew_and_a_torn_record_counts",
            "parts_come_back_as_written_and_torn_ones_do_not",
        ]),
    ),
    row(
        "state file truncated or corrupt",
        "told, and everything is read anew",
        Tests(&[
            "a_file_cut_off_at_any_byte_is_damaged",
            "a_damaged_checkpoint_is_told_and_everything_read_anew",
            "every_file_of_the_corpus_and_its_changes_are_taken_without_a_panic",
        ]),
    ),
    row(
        "journal of a run that was cut short, torn or corrupt",
        "what it does not say for sure is read anew",
        Tests(&["a_journal_that_is_torn_or_changed_loses_no_row"]),
    ),
    row("state of a newer version", "refused", Tests(&["a_file_of_a_newer_version_is_refused"])),
    row(
        "state of another account or connector",
        "another identity: everything is read anew",
        Tests(&["a_state_of_another_account_is_not_taken_up"]),
    ),
    row("SQL: connection lost at COMMIT", "looked up before anything is repeated", NotApplicable(SQL)),
    row("SQL: type narrower than the data", "told before loading", NotApplicable(SQL)),
    row("SQL: deadlock", "the whole load again", NotApplicable(SQL)),
];
