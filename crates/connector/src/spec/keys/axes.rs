//! The keys of each kind of axis.

use super::{KeyGroup, key};

pub(super) const GROUPS: &[KeyGroup] = &[
    KeyGroup {
        name: "axis window",
        keys: &[
            key(
                "from",
                "text",
                "required",
                "\"updated_since\"",
                "The parameter of the lower end; not sent where the source has no `start_date`",
            ),
            key(
                "to",
                "text",
                "none",
                "\"updated_before\"",
                "The parameter of the upper end; without it there is one window, which cannot be cut",
            ),
            key(
                "format",
                "word",
                "required",
                "\"rfc3339\"",
                "How both are written: `day`, `rfc3339`, `zoneless`, `space_separated`, `epoch_s`, `epoch_ms`",
            ),
            key(
                "by",
                "column",
                "required",
                "\"updated_at\"",
                "The instant or day that the server filters by",
            ),
            key("days", "whole number", "one window", "30", "The length of a window in days"),
            key(
                "years",
                "true or false",
                "`false`",
                "true",
                "Calendar years instead; both ends are kept in the rows",
            ),
            key(
                "columns",
                "list of texts",
                "the parameters' names",
                "[\"periodFrom\", \"periodTo\"]",
                "The columns that keep both ends of calendar years",
            ),
            key(
                "pad",
                "duration",
                "none",
                "\"1d\"",
                "What is asked for beyond each end, where the vendor does not say which end is inclusive",
            ),
            key(
                "keep_inside",
                "true or false",
                "`false`",
                "true",
                "Whether rows outside the window proper are dropped: they belong to its neighbour",
            ),
            key(
                "start_required",
                "true or false",
                "`false`",
                "true",
                "Whether a source without `start_date` is refused",
            ),
            key(
                "split_above_pages",
                "whole number",
                "never",
                "100",
                "A window with more pages than this is halved",
            ),
        ],
    },
    KeyGroup {
        name: "axis property",
        keys: &[
            key(
                "setting",
                "text",
                "required",
                "\"workspaces\"",
                "The key of the source that lists the values",
            ),
            key(
                "param",
                "text",
                "required",
                "\"workspace\"",
                "The `{placeholder}` of the path, or else the query parameter, that takes one",
            ),
            key("column", "text", "required", "\"workspace_id\"", "The column that keeps it, of type `id`"),
        ],
    },
    KeyGroup {
        name: "axis parent",
        keys: &[
            key(
                "stream",
                "text",
                "required",
                "\"companies\"",
                "The parent stream; it is read first, and written only if it is selected",
            ),
            key(
                "key",
                "column",
                "required",
                "\"id\"",
                "The parent's column of type `id` or `text` whose values are asked for",
            ),
            key(
                "param",
                "text",
                "required",
                "\"company\"",
                "The `{placeholder}` of the path, or else the query parameter, that takes one",
            ),
            key("column", "text", "required", "\"company_id\"", "The column that keeps it, of type `id`"),
            key(
                "gone",
                "list of statuses",
                "none",
                "[404]",
                "Statuses that mean that this parent is gone: no rows, and a warning",
            ),
            key(
                "barren",
                "table",
                "none",
                "{ column = \"kind\", value = \"x\", statuses = [400] }",
                "Parents with this value may be refused with these statuses: no rows",
            ),
            key(
                "file",
                "text",
                "none",
                "\"user_ids\"",
                "The key of the source that names a file of more ids",
            ),
            key(
                "missing",
                "text",
                "none",
                "\"users_missing\"",
                "A derived stream that lists the ids that are gone",
            ),
            key("block", "whole number", "64", "16", "How many parents make a slice"),
        ],
    },
    KeyGroup {
        name: "axis passes",
        keys: &[key(
            "passes",
            "list of tables",
            "required",
            "[{ params = { archived = \"true\" } }, {}]",
            "Sets of parameters, each read in turn; the rows are merged by key. `windowed = false` leaves the window out",
        )],
    },
];
