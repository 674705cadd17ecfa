//! Faults of the process and its machine.

use super::{
    Proof::{Later, NotApplicable, Tests},
    Row,
};

const fn row(fault: &'static str, promise: &'static str, proof: super::Proof) -> Row {
    Row { fault, promise, proof }
}

pub(super) const ROWS: &[Row] = &[
    row(
        "SIGINT",
        "a record that says so, exit 130, tables whole, the next run goes on",
        Tests(&["sigint_leaves_a_record_and_the_next_sync_goes_on"]),
    ),
    row("SIGTERM", "the same, exit 143", Tests(&["sigterm_ends_with_143"])),
    row(
        "kill -9 at a request",
        "tables whole; the next run ends equal and leaves nothing in the making",
        Tests(&[
            "a_killed_program_leaves_whole_tables_and_the_next_run_finishes",
            "a_killed_run_leaves_nothing_behind_after_the_next",
        ]),
    ),
    row(
        "kill -9 at each storage call",
        "the same",
        Later("needs the storage wrapper that fails the n-th call"),
    ),
    row(
        "panic in a connector",
        "that stream fails, others finish",
        Later("panics of the writer are told; a test with a connector that panics is missing"),
    ),
    row(
        "disk full",
        "an error, nothing temporary left, the old table stands",
        Tests(&["a_failed_commit_leaves_the_old_file_and_no_temporary_one"]),
    ),
    row(
        "read-only folder, no permission",
        "told before the first request",
        Tests(&[
            "a_destination_that_cannot_be_written_is_told_before_any_request",
            "a_refusal_of_the_file_system_names_the_path",
        ]),
    ),
    row("fsync fails", "the file is never taken for written", Later("needs the storage wrapper")),
    row(
        "power loss",
        "every step of a commit is synced, folders included",
        Later("needs a storage model that drops unsynced writes"),
    ),
    row(
        "two runs at once",
        "the second ends at once and names the first",
        Tests(&["two_runs_on_one_destination"]),
    ),
    row(
        "stale lock after kill -9",
        "none: the lock dies with its process",
        Tests(&["a_killed_run_leaves_nothing_behind_after_the_next"]),
    ),
    row(
        "the clock jumps",
        "waits go by a steady clock; the quota's history is bounded by one window",
        Tests(&["a_time_from_the_future_costs_one_window_at_most", "times_survive_a_reboot"]),
    ),
    row(
        "a process that dies with a place in the quota",
        "the place counts as answered when that is noticed",
        Tests(&["a_reservation_of_a_dead_process_counts_as_answered_when_noticed"]),
    ),
    row("out of memory", "as kill -9", Later("needs a run under a limit of address space")),
    row("no file descriptors left", "a clear error", Later("needs a run under a limit of descriptors")),
    row("stdout closed", "ends quietly", Tests(&["a_closed_stdout_ends_quietly"])),
    row(
        "no terminal, no locale",
        "no progress bar, plain lines",
        Tests(&["every_line_of_stderr_is_one_object", "colour_is_for_terminals_unless_asked_for"]),
    ),
    row("a service mode's schedule", "none", NotApplicable("the program runs once and ends")),
];
