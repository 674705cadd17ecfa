//! Faults of reading: the network, HTTP, and the data.

use super::{
    Proof::{Later, NotApplicable, Played, Tests},
    Row,
};

const fn row(fault: &'static str, promise: &'static str, proof: super::Proof) -> Row {
    Row { fault, promise, proof }
}

pub(super) const NETWORK: &[Row] = &[
    row(
        "connection refused",
        "tried five times with growing, drawn delays, then `source_unavailable`; the message names the address without its query",
        Tests(&[
            "a_server_that_is_down_is_told_within_seconds",
            "a_refused_connection_is_named",
            "a_source_that_is_down_is_told_within_seconds",
        ]),
    ),
    row(
        "connection refused in the middle of a run",
        "asked again; where it stays, `source_unavailable` and the tables stay",
        Played(&["connection refused"]),
    ),
    row(
        "reset in mid-body",
        "the page is thrown away whole and asked for again",
        Tests(&[
            "a_connection_that_fails_once_is_asked_again",
            "a_connection_that_keeps_failing_is_told_and_the_tables_stay",
        ]),
    ),
    row(
        "body cut before its `Content-Length`",
        "the same",
        Tests(&["cut_and_reset_answers_are_repeated", "a_connection_that_fails_once_is_asked_again"]),
    ),
    row(
        "chunked body cut",
        "the same",
        Tests(&["cut_and_reset_answers_are_repeated", "a_connection_that_fails_once_is_asked_again"]),
    ),
    row(
        "body that ends with its connection cut",
        "HTTP cannot see it: what is no whole JSON is asked for again, then fails",
        Played(&["cut where HTTP cannot see it"]),
    ),
    row(
        "empty reply, half a head, garbage for a status line",
        "asked again (requests that read only)",
        Tests(&["a_garbage_status_line_is_transient", "a_connection_that_fails_once_is_asked_again"]),
    ),
    row(
        "no answer within the request's time",
        "asked again, then `source_unavailable`",
        Played(&["no answer in time"]),
    ),
    row(
        "slow-loris: a body that trickles",
        "ended by the minimum throughput, asked again",
        Tests(&[
            "a_trickling_body_is_too_slow_and_a_steady_one_is_not",
            "a_slow_loris_body_is_too_slow",
            "a_connection_that_fails_once_is_asked_again",
        ]),
    ),
    row("no address for the host", "asked again, then told with the host's name", Played(&["no address"])),
    row(
        "an address inside the private network",
        "refused where private addresses are denied",
        Later("a matter of the service mode, which is not there"),
    ),
    row(
        "TLS: expired, wrong host, self-signed, old protocol",
        "no retry, and no switch to trust it all the same",
        Tests(&[
            "a_tls_failure_is_a_matter_of_settings",
            "passing_failures_get_six_tries_and_growing_delays",
        ]),
    ),
    row(
        "proxy in the environment",
        "ignored",
        NotApplicable("the client asks no proxy; there is no option for one"),
    ),
    row(
        "HTTP/2 GOAWAY, REFUSED_STREAM",
        "asked again on a new connection",
        NotApplicable("the client speaks HTTP/1.1 only"),
    ),
];

pub(super) const HTTP: &[Row] = &[
    row(
        "401 in mid-run, token",
        "one new token for everybody, the page again; a second 401 ends the stream",
        Played(&["401, token"]),
    ),
    row(
        "many refused with one token",
        "exactly one renewal",
        Tests(&["a_refused_token_is_renewed_once_for_all", "a_second_refusal_is_final"]),
    ),
    row(
        "a token that others use up under a request",
        "each request is answered: refused a second time, it gets a token that nobody else has",
        Tests(&[
            "a_token_that_others_have_used_up_is_no_wrong_credential",
            "however_many_use_a_token_up_each_is_answered",
        ]),
    ),
    row(
        "a credential that is revoked in mid-run",
        "seen by one token that nobody else had; no more logins",
        Tests(&["a_credential_that_is_revoked_under_way_is_seen_by_one_token_that_nobody_else_had"]),
    ),
    row(
        "401 in mid-run, key",
        "`credentials`; nothing of the stream is committed, the others are asked and judged by themselves",
        Played(&["401, key"]),
    ),
    row(
        "401 to everything",
        "behind a refusal one request after the other; after three addresses, and none that took the credential, none more",
        Tests(&[
            "a_credential_that_nothing_takes_is_not_sent_again_after_three_addresses",
            "behind_a_refusal_requests_go_out_one_after_the_other",
            "a_credential_that_nothing_takes_is_sent_a_few_times_and_the_answer_is_told_of_those_that_were_asked",
            "tokens_that_are_refused_everywhere_are_had_twice",
        ]),
    ),
    row(
        "a login that is refused",
        "tried in each form once, and not again in the run",
        Tests(&["a_login_that_is_refused_is_tried_in_each_form_once_a_run"]),
    ),
    row(
        "401 at the start",
        "`check` names the credential and where it stands",
        Tests(&["each_fault_of_a_source_is_named_with_its_remedy", "all_bad_is_failed"]),
    ),
    row("403", "`forbidden`; other streams go on; exit 3", Played(&["403"])),
    row(
        "404 on one child",
        "the child is recorded as gone, its siblings stand",
        Tests(&["every_reading_of_the_reference_gives_the_same_tables"]),
    ),
    row(
        "404 on the collection",
        "an error that names `base_url`, unless the vendor documents it as \"no rows\"",
        Played(&["404 on the collection"]),
    ),
    row(
        "404 to everything, where that may mean an empty account",
        "believed with a warning; no checkpoint moves, so that the next run reads everything",
        Tests(&["a_night_of_404_moves_no_checkpoint"]),
    ),
    row("408, 425", "asked again", Played(&["408", "425"])),
    row("409", "asked once more, then fails", Played(&["409"])),
    row(
        "410 on a cursor",
        "the stream begins anew from its first page, once a run",
        Played(&["410 on a page behind the first"]),
    ),
    row(
        "413, 414 on a page's size",
        "halved down to one row, for the whole stream, told once",
        Played(&["413 on large pages"]),
    ),
    row(
        "400, 422 on a page's size",
        "the same where the first page's answer speaks of the size; one half is tried where it does not say why",
        Tests(&[
            "a_page_size_that_is_refused_is_halved_remembered_and_told_once",
            "a_refusal_that_does_not_say_why_is_met_with_half_a_page_once",
        ]),
    ),
    row(
        "413, 414, 422, 400 on a window",
        "halved windows",
        Tests(&["an_answer_that_may_be_cut_is_asked_for_in_halves", "halves_tile_their_window"]),
    ),
    row(
        "429 with seconds",
        "everybody on that credential waits so long",
        Tests(&["retry_after_holds_everybody", "retry_after_of_zero_retries_at_once"]),
    ),
    row(
        "429 with seconds or a date, over every connector",
        "nobody asks before",
        Played(&["429, seconds", "429, date"]),
    ),
    row(
        "429 with a date, clocks apart",
        "measured against the answer's own `Date`",
        Tests(&["a_date_is_measured_against_the_answers_date"]),
    ),
    row("429 without a time", "growing pauses, half the rate", Played(&["429"])),
    row(
        "429 with an absurd time (a year)",
        "beyond 15 minutes the run stops as `rate_limited`, with the time to go on",
        Played(&["429, a year"]),
    ),
    row(
        "429 with a time that is none",
        "counts as absent",
        Played(&["429, negative", "429, 1e99", "429, text"]),
    ),
    row(
        "500, 502, 503, 504",
        "asked again, within a budget that all requests share",
        Played(&["500", "502 with HTML", "503", "503 with Retry-After", "504"]),
    ),
    row(
        "a long outage",
        "retries stop at a fifth of the requests and ten",
        Tests(&["the_retry_budget_is_shared", "a_fifth_of_the_requests_and_ten_may_be_repeated"]),
    ),
    row("418, 501, 505 and unknown statuses", "fail at once", Played(&["418", "501", "505"])),
    row("200 with HTML", "asked again twice, then an error that says so", Played(&["HTML"])),
    row(
        "the credential repeated in a body, a header or an error",
        "it stands in no file and in no output, however it is encoded",
        Tests(&[
            "a_credential_that_the_vendor_repeats_is_written_nowhere",
            "a_credential_is_written_nowhere",
        ]),
    ),
    row("200 with an error in JSON", "an error, never \"no rows\"", Played(&["200 with an error in JSON"])),
    row("200 without a body", "no page: asked again, then fails", Played(&["an empty body"])),
    row(
        "200 with `[]` in the middle",
        "no end where there are totals or a cursor; without them an empty page is the end",
        Tests(&[
            "with_totals_the_other_pages_come_side_by_side_and_the_total_is_asked_again",
            "without_totals_only_an_empty_page_ends_the_walk",
        ]),
    ),
    row("204", "no rows only where the vendor documents it", Played(&["204 undocumented"])),
    row("304", "an error: nobody asked conditionally", Played(&["304 unasked"])),
    row("redirect, same origin", "followed, five hops at most", Played(&["redirect to the same origin"])),
    row(
        "redirect, other origin",
        "refused, both origins named, no request and no key goes there",
        Played(&["redirect to another origin"]),
    ),
    row(
        "redirect to a file, in a circle",
        "refused",
        Played(&["redirect to a file", "redirect in a circle"]),
    ),
    row("`next` link to another origin", "refused", Played(&["next link to another origin"])),
    row(
        "gzip on the label alone, gzip twice, unknown encoding",
        "once more without compression, then fails",
        Played(&["gzip on the label alone", "gzip twice", "an unknown encoding"]),
    ),
    row(
        "more requests than the quota allows",
        "never, in any window",
        Tests(&[
            "no_window_on_the_server_ever_holds_more_than_the_limit",
            "two_runs_at_once_and_one_after_share_the_quota",
        ]),
    ),
];

pub(super) const DATA: &[Row] = &[
    row("rows twice in a page", "once in the table", Played(&["rows twice in a page"])),
    row(
        "same key, other content",
        "the newer one stands, the conflict is counted",
        Tests(&["the_larger_version_wins_whenever_it_came", "a_commit_holds_what_the_model_holds"]),
    ),
    row(
        "insert or delete while pages are read",
        "read again, at most twice, then unproven",
        Tests(&[
            "a_list_that_moves_is_read_again_at_most_twice_and_is_then_unproven",
            "a_total_that_changed_during_the_walk_makes_it_be_read_again",
            "a_list_that_moves_comes_whole_or_is_unproven",
        ]),
    ),
    row(
        "the first page for every page",
        "unproven where a total says that there is more; no row is lost",
        Played(&["the first page again and again"]),
    ),
    row(
        "ties on the cursor's instant",
        "no row is lost; more ties than a page holds are an error",
        Tests(&["every_row_comes_whatever_the_vendors_manners", "a_full_page_of_one_millisecond_fails"]),
    ),
    row("cursor loop", "`cursor_loop`", Played(&["the same cursor again and again"])),
    row(
        "cursors for ever, with empty pages",
        "after three empty pages the walk ends unproven",
        Tests(&["cursors_without_rows_end_the_walk_unproven"]),
    ),
    row("another type", "null in the column, the value in `_extra`, counted", Played(&["another type"])),
    row("null in a primary key", "`null_key`; the table stays as it is", Played(&["a row without its key"])),
    row("null or missing elsewhere", "null", Tests(&["what_fits_stands_in_its_column"])),
    row(
        "integers beyond 2^53, i64, u64",
        "exact, or kept in `_extra`",
        Tests(&["integers_are_exact_or_none"]),
    ),
    row("1.5 in a column of integers", "kept in `_extra`, never cut", Tests(&["integers_are_exact_or_none"])),
    row("1e400, NaN, Infinity", "never infinite", Tests(&["doubles_say_the_same_number_or_none"])),
    row(
        "epoch seconds or milliseconds",
        "told by their size, or stated by the facts",
        Tests(&["epochs_by_their_size"]),
    ),
    row(
        "invalid UTF-8",
        "the page is refused whole, asked for again, then `invalid_page`",
        Played(&["invalid UTF-8"]),
    ),
    row(
        "lone surrogate",
        "U+FFFD, counted; the row stays",
        Tests(&["a_lone_surrogate_becomes_the_replacement_character"]),
    ),
    row("NUL in a text", "kept", Tests(&["unescapes"])),
    row("byte-order mark", "passed over", Played(&["byte-order mark"])),
    row(
        "depth bomb",
        "values without a column are carried as text, whatever their depth",
        Played(&["a depth bomb"]),
    ),
    row(
        "gzip bomb, a body without an end",
        "stopped by caps on wire bytes, decoded bytes and their ratio",
        Played(&["gzip bomb"]),
    ),
    row("a promised giant", "refused at its head", Tests(&["a_promised_giant_is_refused_at_its_head"])),
    row(
        "millions of rows in an answer",
        "read while they come, memory stays flat",
        Tests(&["long_arrays_are_cut_between_elements"]),
    ),
    row(
        "duplicate keys in an object",
        "the last one, counted",
        Tests(&["unknown_fields_stand_in_extra_and_of_equal_keys_the_last_wins"]),
    ),
    row(
        "any bytes for a header, a checkpoint, a configuration, a name",
        "no panic",
        Tests(&["every_file_of_the_corpus_and_its_changes_are_taken_without_a_panic"]),
    ),
    row(
        "any bytes for a page",
        "no panic",
        Tests(&[
            "no_bytes_make_it_panic",
            "every_file_of_the_corpus_and_its_changes_are_taken_without_a_panic",
        ]),
    ),
    row("unicode keys, emoji, empty key", "kept as the vendor spells them", Tests(&["nothing_is_lost"])),
    row(
        "column names that collide",
        "refused when the facts are read",
        NotApplicable("columns are stated by the facts, not made of what comes"),
    ),
    row(
        "reserved names",
        "the same",
        NotApplicable("columns are stated by the facts, not made of what comes"),
    ),
    row("CSV cell that begins `= + - @`", "never a formula", Tests(&["a_cell_is_no_formula"])),
    row(
        "terminal escapes in vendor text",
        "not printed",
        Tests(&["what_a_terminal_would_obey_is_not_printed", "control_characters_are_stripped"]),
    ),
    row(
        "vendor text as a path",
        "never: files are named by streams, months, hashes, or a setting of the user",
        NotApplicable("no vendor text becomes a file's name"),
    ),
    row(
        "partition value that leaves its folder",
        "the same",
        Tests(&["odd_values_name_files_of_their_folder", "any_two_values_have_two_harmless_names"]),
    ),
];
