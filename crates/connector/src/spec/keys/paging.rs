//! The keys of each kind of paging.

use super::{KeyGroup, KeySpec, key};

const SIZE: KeySpec = key(
    "size",
    "text",
    "none",
    "\"per_page\"",
    "The parameter of the page's size; needs `rows`, or is not sent",
);
const ROWS: KeySpec = key(
    "rows",
    "whole number",
    "the vendor's",
    "100",
    "The size asked for: the largest that the vendor allows",
);
const TOTAL_ROWS: KeySpec = key(
    "total_rows",
    "place",
    "none",
    "\"/meta/total\"",
    "Where a page tells how many rows there are in all",
);
const MORE: KeySpec = key(
    "more",
    "place",
    "none",
    "\"/has_more\"",
    "Where a page tells, with true or false, whether there is another: false is the end",
);
const LAST: KeySpec =
    key("last", "place", "none", "\"/isLast\"", "The same the other way round: true is the end");

pub(super) const GROUPS: &[KeyGroup] = &[
    KeyGroup { name: "paging none", keys: &[] },
    KeyGroup {
        name: "paging page_number",
        keys: &[
            key("page", "text", "required", "\"page\"", "The parameter of the page's number"),
            key("first", "whole number", "1", "0", "The number of the first page"),
            SIZE,
            ROWS,
            TOTAL_ROWS,
            key(
                "total_pages",
                "place",
                "none",
                "\"/meta/pages\"",
                "Where a page tells how many pages there are",
            ),
            MORE,
            LAST,
        ],
    },
    KeyGroup {
        name: "paging offset",
        keys: &[
            key(
                "offset",
                "text",
                "required",
                "\"offset\"",
                "The parameter of the number of rows to pass over",
            ),
            SIZE,
            ROWS,
            TOTAL_ROWS,
            MORE,
            LAST,
        ],
    },
    KeyGroup {
        name: "paging cursor",
        keys: &[
            key("param", "text", "required", "\"after\"", "The parameter that takes the cursor"),
            key(
                "next",
                "place",
                "required",
                "\"/paging/next/after\"",
                "Where a page has the next cursor; null, absent or empty is the end",
            ),
            SIZE,
            ROWS,
            MORE,
            LAST,
            key(
                "bounds",
                "table",
                "none",
                "{ from = \"start\", to = \"end\", format = \"epoch_ms\" }",
                "Parameters that bound the rows by the cursor column: built-in connectors only",
            ),
        ],
    },
    KeyGroup {
        name: "paging last_id",
        keys: &[
            key(
                "param",
                "text",
                "required",
                "\"starting_after\"",
                "The parameter that takes the last row's value",
            ),
            key("column", "column", "required", "\"id\"", "The column of that value: `id`, `text` or `int`"),
            SIZE,
            ROWS,
            MORE,
            LAST,
        ],
    },
    KeyGroup {
        name: "paging next_url",
        keys: &[
            key(
                "next",
                "place",
                "required",
                "\"/links/next\"",
                "Where a page has the next one's URL: whole, or from `/` or `?` on; null, absent or empty is the end",
            ),
            SIZE,
            ROWS,
            MORE,
            LAST,
        ],
    },
    KeyGroup { name: "paging link_header", keys: &[SIZE, ROWS] },
    KeyGroup { name: "paging unknown", keys: &[] },
];
