//! Faults of the process and its machine.

use super::{
    Proof::{self, NotApplicable, Tests},
    Row,
};

const fn row(fault: &'static str, promise: &'static str, proof: Proof) -> Row {
    Row { fault, promise, proof }
}

/// Each call that changes a file meets each fault.
const STORAGE: Proof = Tests(&[
    "each_call_that_changes_a_filled_warehouse_meets_a_fault",
    "calls_that_fill_an_empty_warehouse_meet_each_fault",
    "whatever_happens_a_file_that_is_written_whole_is_the_old_one_or_the_new_one",
]);

const SCARCE: Proof = Tests(&["without_descriptors_or_memory_it_ends_by_an_error_and_the_next_run_goes_on"]);

pub(super) const ROWS: &[Row] = &[
    row(
        "SIGINT",
        "a record that says so, exit 130, tables whole, the next run goes on",
        Tests(&[
            "sigint_leaves_a_record_and_the_next_sync_goes_on",
            "an_interrupted_export_leaves_the_target_alone",
        ]),
    ),
    row(
        "a signal half-way through ids",
        "every id that was answered is kept for the next run",
        Tests(&[
            "a_run_that_is_asked_to_end_keeps_every_id_that_was_answered",
            "ids_that_were_read_before_a_signal_or_a_kill_are_not_asked_for_again",
        ]),
    ),
    row("SIGTERM", "the same, exit 143", Tests(&["sigterm_ends_with_143"])),
    row(
        "kill -9 at a request",
        "tables whole; the next run ends equal and leaves nothing in the making",
        Tests(&[
            "a_killed_program_leaves_whole_tables_and_the_next_run_finishes",
            "a_killed_run_leaves_nothing_behind_after_the_next",
            "a_killed_run_the_next_one_and_a_replay_end_with_the_truth",
        ]),
    ),
    row(
        "kill -9 half-way through windows or ids",
        "what was read whole is not asked for again, as far as the run after a whole one would not ask either; of ids one block \
         at most",
        Tests(&[
            "ids_that_were_read_before_a_signal_or_a_kill_are_not_asked_for_again",
            "windows_that_were_read_before_a_kill_are_not_asked_for_again",
            "a_run_that_goes_on_leaves_what_one_after_a_whole_run_leaves",
            "so_is_one_that_was_killed_again_and_again",
        ]),
    ),
    row(
        "kill -9 at any moment, again and again",
        "no reader of a glob ever sees half a file; one run after the last kill ends equal and leaves nothing in the making",
        Tests(&["killed_at_any_moment_no_reader_sees_half_a_file_and_the_next_sync_mends_all"]),
    ),
    row(
        "kill -9 at each call that changes a file",
        "each file is the old one or the new one, the next run ends equal and leaves nothing in the making",
        STORAGE,
    ),
    row(
        "a fault in the run that mends what another fault left",
        "the same",
        Tests(&["a_fault_meets_a_run_that_mends_what_another_left"]),
    ),
    row(
        "a fault while answers are archived, or a replay is published",
        "each file is the old one or the new one; the next run and the next replay end equal",
        Tests(&["calls_that_keep_answers_meet_each_fault", "calls_that_publish_a_replay_meet_each_fault"]),
    ),
    row(
        "a fault while something is pushed",
        "what was sent is known, or known to be unsure; nothing is sent twice unseen",
        Tests(&[
            "whatever_call_fails_what_was_sent_is_known_or_unsure",
            "a_kill_between_begin_and_end_makes_the_record_unsure",
        ]),
    ),
    row(
        "panic in a connector",
        "that stream fails with the place, others finish; what the panic says is nowhere",
        Tests(&[
            "a_connector_that_panics_fails_its_stream_and_no_other",
            "a_panic_is_one_failure_with_its_place_and_without_its_words",
            "a_panic_is_a_failure_with_its_place_and_without_its_words",
        ]),
    ),
    row(
        "a stream fails from which others take names",
        "rows keep the names of an earlier run, and say so",
        Tests(&["rows_that_take_names_from_a_failed_stream_say_so_and_keep_the_old_ones"]),
    ),
    row(
        "disk full",
        "an error that says so, the old tables stand; with room again the next run ends equal",
        Tests(&[
            "a_full_disk_is_told_and_the_old_tables_stand",
            "a_first_run_into_a_full_disk_is_told_in_its_record_and_leaves_no_parts",
            "a_push_that_cannot_be_noted_sends_no_more_and_says_what_was_sent",
            "calls_that_fill_an_empty_warehouse_meet_each_fault",
            "each_call_that_changes_a_filled_warehouse_meets_a_fault",
            "a_failed_commit_leaves_the_old_file_and_no_temporary_one",
        ]),
    ),
    row(
        "a limit on the size of files (`ulimit -f`)",
        "the same as a full disk; the signal that comes with it ends nothing",
        Tests(&["a_limit_on_the_size_of_files_is_told_as_a_full_disk_is"]),
    ),
    row(
        "no room or no permission for the run record",
        "a warning; the record stands on stdout with `--json`, and the run counts",
        Tests(&["a_record_that_cannot_be_kept_is_printed_all_the_same"]),
    ),
    row(
        "read-only folder, no permission",
        "told before the first request",
        Tests(&[
            "a_destination_that_cannot_be_written_is_told_before_any_request",
            "a_refusal_of_the_file_system_names_the_path",
        ]),
    ),
    row(
        "a folder that becomes read-only, an input/output error in the middle",
        "an error; each file is the old one or the new one",
        STORAGE,
    ),
    row("fsync fails", "the file is never taken for written, nor synced again", STORAGE),
    row(
        "power loss",
        "every step of a commit is synced, folders included: what was not is lost, and the next run mends it",
        STORAGE,
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
        "waits go by a steady clock; the quota's history is bounded by one window; checkpoints and what is kept over a kill go by the \
         vendor's clock",
        Tests(&[
            "a_time_from_the_future_costs_one_window_at_most",
            "times_survive_a_reboot",
            "a_checkpoint_is_an_instant_of_the_vendors_clock",
            "a_kept_window_is_settled_by_the_vendors_clock",
        ]),
    ),
    row(
        "a process that dies with a place in the quota",
        "the place counts as answered when that is noticed",
        Tests(&[
            "a_reservation_of_a_dead_process_counts_as_answered_when_noticed",
            "whatever_call_fails_no_attempt_that_went_out_is_forgotten",
        ]),
    ),
    row("out of memory", "an error or as kill -9; the next run ends well", SCARCE),
    row(
        "few file descriptors, or none left",
        "32 are enough; with fewer a clear error, and the next run ends well",
        SCARCE,
    ),
    row("stdout closed", "ends quietly", Tests(&["a_closed_stdout_ends_quietly"])),
    row(
        "no terminal, no locale",
        "no progress bar, plain lines",
        Tests(&["every_line_of_stderr_is_one_object", "colour_is_for_terminals_unless_asked_for"]),
    ),
    row("a service mode's schedule", "none", NotApplicable("the program runs once and ends")),
];
