//! The list. Each code has three lines: what it means, what the program did, what is to be done.

use super::Entry;

/// Makes the enum and its table of one list, so that neither can lack what the other has.
macro_rules! codes {
    ($($area:literal { $(
        #[doc = $means:literal]
        #[doc = $did:literal]
        #[doc = $remedy:literal]
        $name:ident = $word:literal,
    )+ })+) => {
        /// What a warning, a finding or a failure is, in one word for scripts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($( #[doc = $means] #[doc = $did] #[doc = $remedy] $name, )+)+ }

        /// All codes, by what they concern.
        pub const ENTRIES: &[Entry] = &[$($(
            Entry { code: Code::$name, word: $word, area: $area, means: $means, did: $did, remedy: $remedy },
        )+)+];
    };
}

codes! {
    "Whether a table is complete" {
        /// The list changed while it was read: its total moved, or rows came again on other pages.
        /// Read it again, at most twice; if it moved each time, kept the union of the walks and removed nothing.
        /// Nothing after one such warning; if the stream is unproven each night, run when the vendor is quiet.
        ListMoved = "list_moved",
        /// The vendor counts more or fewer rows than distinct ones came.
        /// Read the list again, at most twice; if it still differed, kept what came and removed nothing.
        /// If it lasts, the count may include rows that this credential may not see: ask the vendor.
        CountDiffers = "count_differs",
        /// The vendor says that there is more, but sends no rows, or pages without rows one after the other.
        /// Ended the walk, kept what came and removed nothing.
        /// Run again later; if it lasts, it is a fault of the vendor's, or a fact of paging is wrong.
        MoreWithoutRows = "more_without_rows",
        /// A page may not hold all rows of one instant, and the vendor's cursor skips the others.
        /// Kept what came and removed nothing.
        /// Run again; `--full` reads everything once more. Larger pages, where facts allow them, avoid it.
        TiesHidden = "ties_hidden",
        /// The answer shows that there are more pages, and the connector's file has no `paging`.
        /// Kept the first page and removed nothing.
        /// Write `paging` into the connector's file; `paging = { kind = "none" }` says that one answer is all.
        PagingUnstated = "paging_unstated",
        /// The keys of a list could not be counted: the temporary file for them failed.
        /// Kept what came and removed nothing.
        /// Make room for temporary files, and run again.
        KeysUncounted = "keys_uncounted",
        /// As many rows came as a page often has, and nothing shows whether there are more.
        /// Took them for all.
        /// Compare with the vendor's own count; correct `paging` under `wire` if rows are missing.
        MaybeTruncated = "maybe_truncated",
        /// Page 2 was page 1 again: the server does not page this list.
        /// Kept one copy and took it for the whole list.
        /// Nothing, if the count is right; else correct the names of the paging parameters under `wire`.
        NotPaged = "not_paged",
        /// The server refused a page by its number.
        /// Took the pages before it for the whole list.
        /// Nothing, if the count is right; else correct the names of the paging parameters under `wire`.
        PageRefused = "page_refused",
        /// No rows came for a time in which the table has some.
        /// Asked once more, and believed the second answer.
        /// Nothing, if rows are really gone; `deletes = "mark"` keeps such rows from the next run on.
        WindowEmpty = "window_empty",
        /// Most rows of a time that was read again are gone, or nothing shows that the vendor had nothing rather than failed.
        /// Believed the answers, but left the checkpoint, so that the next run reads the same time again.
        /// Nothing: rows that come again are taken; if they are gone for good, the next full pass settles it.
        CheckpointHeld = "checkpoint_held",
        /// One property of several cannot be read with this credential.
        /// Read the other properties; the rows of this one stay as they were.
        /// Give the credential the right to it, or take it out of `property_ids`.
        PropertySkipped = "property_skipped",
    }
    "How a source was read" {
        /// The source refused pages of this size, or could not answer them.
        /// Asked for smaller pages of this stream from then on.
        /// Nothing; if it comes each night, a smaller page size under `wire` saves the failed requests.
        SmallerPages = "smaller_pages",
        /// The source refused the way in which the stream was asked for.
        /// Asked in the other way that the facts have, which may cost more requests.
        /// Nothing; if it comes each night, correct the facts under `wire` (`userhaul check --probe` proposes how).
        AskedOtherwise = "asked_otherwise",
        /// Ids or parents that were asked for are not known to the vendor.
        /// Went on without them; some connectors list them in a table of their own.
        /// Nothing, unless the ids come from a file of yours: then take them out.
        IdsMissing = "ids_missing",
        /// Ids that were to be asked for cannot be sent: in an address, `.` and `..` are folders (RFC 3986).
        /// Went on without them; some connectors list them in the table of ids that have no row.
        /// Take them out of the file of ids, or correct them at the vendor.
        IdsUnsendable = "ids_unsendable",
        /// The vendor refused or did not know what had no rows to give.
        /// Took it for no rows.
        /// Nothing, unless you know that there are rows: then the path is wrong; correct it under `wire`.
        TakenForEmpty = "taken_for_empty",
        /// The account has nothing at all, or the address is another service's.
        /// Wrote an empty table.
        /// Check `base_url` and the environment of the credential.
        AccountEmpty = "account_empty",
        /// The vendor lists fewer users than there are, unless their statuses are named.
        /// Read the list again with all statuses named, or told that this could not be tried.
        /// Nothing; the table has them all, unless the probe was refused.
        StatusesHidden = "statuses_hidden",
        /// Rows stood behind a cursor that gave none.
        /// Asked for them without the cursor.
        /// Nothing; the table has them.
        RowsBehindCursor = "rows_behind_cursor",
        /// The checkpoint cannot be read, or does not agree with the table.
        /// Read everything anew.
        /// Nothing; if you did not change files of the destination, check its disk.
        ReadAnew = "read_anew",
        /// The stream that names custom fields names none.
        /// Put custom fields into `_extra`, as other fields without a column.
        /// Check that the credential may read the definitions of fields.
        CustomFieldsUnnamed = "custom_fields_unnamed",
        /// A stream whose names or settings this one's unified rows use was not read.
        /// Made the unified rows with what the table of that stream held before, or without where it has none.
        /// Mend the other stream: the next run makes the rows again.
        LookupStale = "lookup_stale",
    }
    "What the rows are" {
        /// Rows came twice under one key with different content.
        /// Kept the one that came last.
        /// Nothing, if they changed while they were read; else the primary key in the facts is too short.
        RowsDiffer = "rows_differ",
        /// Two rows of a page have the primary key of the facts.
        /// Read the stream again with a key for every row, or failed where the facts leave no choice.
        /// Correct `primary_key` under `wire` if you know a better one.
        KeyRepeats = "key_repeats",
        /// Unified rows of one stream share their key, and have other content: several ids lead to one account, say.
        /// Kept the one that changed last, of equals the one whose id of the customer's comes first; the stream's own table has them all.
        /// Nothing, if they are one thing; else correct the columns that make the key.
        UnifiedKeyRepeats = "unified_key_repeats",
        /// Two streams of a source give one unified key to what may be two things.
        /// Kept the row that changed last, of equals the one whose id of the customer's comes first; the streams' own tables have both.
        /// Give one of the two streams a source of its own.
        UnifiedKeyShared = "unified_key_shared",
        /// Whether two streams give one unified key could not be looked up.
        /// Went on: the streams' own tables are whole, in the unified ones a key may stand twice.
        /// Check the permissions and the disk of the destination.
        KeysUnchecked = "keys_unchecked",
        /// The account, the privacy rules or the key of the table have changed.
        /// Began the table of versions anew.
        /// Nothing; copy `<stream>__history` away before such a change if you need what was.
        HistoryAnew = "history_anew",
        /// A name under `privacy` is no column of the facts, but nearly one.
        /// Applied the rule to fields of exactly that name, as a vendor may send fields that the facts do not know.
        /// Correct the name if the column was meant: its values are kept as they come.
        PrivacyUnmatched = "privacy_unmatched",
    }
    "Why a stream failed" {
        /// The source cannot be reached, or did not answer as often as was tried.
        /// Left the table as it was.
        /// Run again when the source is up; check `base_url` and the network.
        SourceUnavailable = "source_unavailable",
        /// The source refuses the credential.
        /// Left the table as it was and asked for the other streams, unless three were refused and none was answered.
        /// Set the right credential; the message names where it stands.
        Credentials = "credentials",
        /// The source takes the credential, but does not let it read or write this.
        /// Left the table as it was.
        /// Give the credential the permission or scope that is named.
        Forbidden = "forbidden",
        /// The source wants to be left alone for longer than a run waits.
        /// Stopped asking; what was done is kept.
        /// Run again after the time that is told; lower `rate_limit` if others use the same key.
        RateLimited = "rate_limited",
        /// The source answered what no retry helps against.
        /// Left the table as it was.
        /// Read the answer that is quoted; check identifiers in the configuration, or correct the facts under `wire`.
        VendorError = "vendor_error",
        /// A setting is missing or wrong.
        /// Sent no request for what it concerns.
        /// Correct the setting that is named.
        Settings = "settings",
        /// The answer is no page of rows: no JSON, or cut off.
        /// Left the table as it was.
        /// Run again; if it lasts, check `base_url`, or correct the facts under `wire`.
        InvalidPage = "invalid_page",
        /// The answer lacks what the stream cannot do without: the rows' place, the key or the cursor.
        /// Left the table as it was.
        /// The vendor may name it otherwise: correct the facts under `wire` (`userhaul check --probe` proposes how).
        SchemaMismatch = "schema_mismatch",
        /// A row has no primary key.
        /// Left the table as it was.
        /// Correct `primary_key` under `wire`, or report the row to the vendor.
        NullKey = "null_key",
        /// The vendor's pages lead in a circle.
        /// Left the table as it was.
        /// Run again; if it lasts, it is a fault of the vendor's.
        CursorLoop = "cursor_loop",
        /// The pages contradict each other or have no end.
        /// Left the table as it was.
        /// Correct the facts of paging under `wire`.
        Paging = "paging",
        /// Rows far outside the time that was asked for came: the server ignores the dates.
        /// Left the table as it was.
        /// The date parameters may have other names: correct them under `wire`.
        FilterIgnored = "filter_ignored",
        /// A full snapshot lost more than half of its rows.
        /// Read it once more; if it still had, kept the old table.
        /// If the rows are really gone, run again with `--allow-shrink`.
        Shrunk = "shrunk",
        /// A stream that this one is read from failed.
        /// Left the table as it was.
        /// Mend the other stream.
        Needs = "needs",
        /// A newer version of the program wrote the checkpoint.
        /// Changed nothing.
        /// Use that version, or `userhaul state reset` to read everything anew.
        NewerState = "newer_state",
        /// The disk, the folder or a file of the destination failed.
        /// Left every table as it was or as it will be.
        /// Make room, or check the permissions there, and run again.
        Output = "output",
        /// A mistake of this program.
        /// Left the table as it was; other streams went on.
        /// Report it with the place that is named; nothing of your data is in the message.
        Internal = "internal",
    }
    "Archive and replay" {
        /// The archive does not hold the answers that are needed.
        /// Built what the archive allows, and proved nothing more.
        /// `archive = true` keeps what the next `sync` reads; `sync --full` brings table and archive to one state.
        NotArchived = "not_archived",
        /// A file of the archive is not as it was written.
        /// Left the table as it was.
        /// Remove the file and the one beside it, and run `sync`.
        ArchiveDamaged = "archive_damaged",
        /// The table has rows of runs after the last one that is archived.
        /// Kept the table.
        /// `sync --full` brings table and archive to one state.
        ArchiveBehind = "archive_behind",
        /// The answers were archived under other facts or other privacy rules than those in force.
        /// Built the tables under those in force, as far as the answers allow.
        /// Nothing; the next `sync` reads everything.
        ArchivedOtherwise = "archived_otherwise",
        /// Answers that are older than `archive` says, or of runs that died, cannot be removed.
        /// Left them where they are; the tables are not concerned.
        /// Check the folder and its permissions; the next run tries again.
        ArchiveNotSwept = "archive_not_swept",
    }
    "Rows of a push" {
        /// A value does not fit its field.
        /// Did not send the row, or the value where fields stand alone.
        /// Correct the value, and push the errors file.
        InvalidValue = "invalid_value",
        /// A field that the vendor must have is missing.
        /// Did not send the row.
        /// Add the column or the value.
        MissingValue = "missing_value",
        /// The row names nobody: no column identifies whom it is of.
        /// Did not send the row.
        /// Add one of the identifiers that are named.
        NoIdentifier = "no_identifier",
        /// The row has more values than the vendor takes.
        /// Did not send the row.
        /// Leave columns out with `--map COLUMN=`.
        TooMany = "too_many",
        /// The vendor does not know the user, and `--known-users-only` was given.
        /// Did not send the row.
        /// Sync `user_profiles` first if the user is new.
        UnknownUser = "unknown_user",
        /// The row has no value, and `--replace` would remove all that the user has.
        /// Did not send the row.
        /// Leave the row out, or name the values to keep.
        NoValues = "no_values",
        /// Another row of the same key was refused, and `--replace` would remove what it says.
        /// Did not send the row.
        /// Correct the other row.
        Incomplete = "incomplete",
        /// The vendor refused the row or the value.
        /// Went on with the others.
        /// Read the vendor's reason, correct the row, and push the errors file.
        Rejected = "rejected",
        /// The push ended before this row.
        /// Remembered that it is not sent.
        /// Push again: it goes on from there.
        NotSent = "not_sent",
        /// It is not known whether the request arrived.
        /// Did not send it twice where that could do harm.
        /// Push again, with `--all` where the message says so; `--verify` reads back what the vendor has.
        Unknown = "unknown",
        /// The vendor took the value, but shows none or another one.
        /// Forgot that it was sent, so that the next push sends it again.
        /// Push again; if it lasts, ask the vendor.
        NotApplied = "not_applied",
    }
    "A push as a whole" {
        /// The vendor refused the definition of an attribute.
        /// Sent no values.
        /// `--type ATTRIBUTE=TYPE` sends values as the type that is in force.
        DefinitionRefused = "definition_refused",
        /// The vendor answered that nothing was applied and nothing was wrong.
        /// Ended the push.
        /// The members of the body may have other names: correct them under `wire.import`.
        ImportIgnored = "import_ignored",
        /// The first rows were all refused.
        /// Ended the push; the others are not sent.
        /// The requests may look different: correct them under `wire`.
        AllRefused = "all_refused",
        /// What was written could not be read back.
        /// Remembered it as applied, as the vendor's answers said.
        /// Mend what the message names, and `--verify` again.
        NotVerified = "not_verified",
        /// The vendor does not show what is written there.
        /// Read nothing back.
        /// Leave `--verify` out for this target.
        NotVerifiable = "not_verifiable",
        /// Columns of the input go nowhere.
        /// Left them out.
        /// `--map COLUMN=FIELD` sends them; `--map COLUMN=` says that they are not meant.
        ColumnsLeftOut = "columns_left_out",
        /// Rows of one key contradict each other.
        /// Sent the last of the values.
        /// Make the input have each key once.
        RowsContradict = "rows_contradict",
        /// Values are to be cleared which this vendor, or this push, cannot clear.
        /// Left them as they are.
        /// Use `--replace` where the message names it; else clear them at the vendor.
        ValuesStay = "values_stay",
        /// A list is longer than what vendors are known to take in one request.
        /// Sends it in one request all the same, as it replaces the list.
        /// Look at the vendor's side afterwards.
        LargeList = "large_list",
        /// The vendor's counts do not agree with what was sent.
        /// Remembered what the answers say of each row.
        /// `--verify` reads back what the vendor has.
        PushCountDiffers = "push_count_differs",
        /// The vendor made attributes that nobody defined.
        /// Went on.
        /// A key may have been renamed at the vendor: compare the names.
        AttributesCreated = "attributes_created",
        /// What was to be removed was not there.
        /// Took it for done.
        /// Nothing.
        AlreadyGone = "already_gone",
        /// A request of an earlier push, of which no answer came, did arrive.
        /// Did not send it again.
        /// Nothing.
        ArrivedBefore = "arrived_before",
        /// What the vendor has could not be looked at before sending.
        /// Inferred types and custom fields without it.
        /// Mend what the message names; `--dry-run` shows what would be sent.
        VendorUnread = "vendor_unread",
    }
    "The command and this machine" {
        /// The command line cannot be understood, or its options contradict each other.
        /// Did nothing.
        /// Read the hint, or `--help`.
        Usage = "usage",
        /// No source, stream, connector, target or run has this name.
        /// Did nothing.
        /// Use one of the names that are listed.
        UnknownName = "unknown_name",
        /// The facts of a connector, or corrections of them, are wrong.
        /// Sent no request for that source.
        /// Correct the key that is named; docs/corrections.md and docs/declared-connectors.md tell of them all.
        WrongFacts = "wrong_facts",
        /// A file that was named cannot be read, or does not hold what it should.
        /// Did nothing.
        /// Correct the file or its path.
        Input = "input",
        /// A file is there already.
        /// Left it as it is.
        /// Name another, or use `--force`.
        Exists = "exists",
        /// What was asked for cannot be undone, and nobody has confirmed it.
        /// Did nothing.
        /// Answer the question, or use `--yes`.
        Unconfirmed = "unconfirmed",
        /// Another run writes to the same destination, or another push to the same target.
        /// Did nothing.
        /// Wait until it is over, or stop it.
        Locked = "locked",
        /// A signal ended the command.
        /// Left every table as it was or as it will be.
        /// Run it again: it goes on.
        Interrupted = "interrupted",
        /// The vendor answered 429 though its published limit was kept.
        /// Sent the requests evenly from then on, at half the rate.
        /// Nothing after one; if it comes in each run, lower `rate_limit`, or see who else uses the key.
        QuotaStricter = "quota_stricter",
        /// The clock of this machine differs from the vendor's.
        /// Went on: checkpoints go by the earlier of both.
        /// Set the clock of the machine, and keep it right by NTP.
        ClockDiffers = "clock_differs",
        /// A fact of the connector is otherwise at this source.
        /// Proposed a correction on stdout, where one was found.
        /// Put the correction under `wire`.
        FactDiffers = "fact_differs",
        /// The history of requests cannot be kept on disk.
        /// Kept to the quota within this process.
        /// Make the folder of the quota writable, or let no other process use the same key meanwhile.
        QuotaNotShared = "quota_not_shared",
        /// The form of the login that the vendor takes cannot be kept on disk.
        /// Went on; the next run may begin with a refused login.
        /// Make the folder of the quota writable.
        LoginNotKept = "login_not_kept",
        /// The file of metrics cannot be written.
        /// Left the file as it was; the run itself counts.
        /// Check the folder and its permissions.
        MetricsNotWritten = "metrics_not_written",
        /// The record of a run or push cannot be written.
        /// Went on: the work itself counts, and `--json` prints the record all the same.
        /// Make room below the destination, or check the permissions there.
        RecordNotKept = "record_not_kept",
        /// A simulator was asked for what the vendor's reference does not allow.
        /// Answered as the vendor would.
        /// Correct the client; `userhaul` itself never does it.
        SimulatorViolation = "simulator_violation",
        /// A library that the program uses has warned.
        /// Went on.
        /// Read what it says.
        Library = "library",
    }
}
