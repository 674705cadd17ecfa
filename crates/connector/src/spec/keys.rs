//! Every key of `connector.toml`, for the documentation. A test compares them with what the reader takes.

/// The keys of one table of the file.
#[derive(Debug, Clone, Copy)]
pub struct KeyGroup {
    /// The table: `the file`, `paging cursor`.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [KeySpec],
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// A value, as TOML.
    pub example: &'static str,
    /// What it means, without a full stop.
    pub meaning: &'static str,
}

const fn key(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> KeySpec {
    KeySpec { name, kind, default, example, meaning }
}

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

/// All tables of the file, in the order in which one writes them.
pub const KEY_GROUPS: &[KeyGroup] = &[
    KeyGroup {
        name: "the file",
        keys: &[
            key(
                "connector",
                "text",
                "required",
                "\"crm\"",
                "The connector's name, the `vendor` of unified rows: small letters, digits and `_`",
            ),
            key("title", "text", "the name", "\"Acme CRM\"", "The vendor's name for people"),
            key(
                "about",
                "text",
                "empty",
                "\"People and companies\"",
                "One sentence on what the vendor holds",
            ),
            key("docs", "text", "empty", "\"https://docs.example.com\"", "The vendor's documentation"),
            key(
                "base_url",
                "URL",
                "the source must have one",
                "\"https://api.example.com\"",
                "Where the API is; paths are appended to it. Leave it out where every customer has an address of their own",
            ),
            key(
                "quota",
                "table",
                "5 requests a second, evenly spaced",
                "{ requests = 100, per = \"1m\" }",
                "How often the vendor may be asked",
            ),
            key("concurrency", "whole number", "2", "4", "Requests in flight at once"),
            key("timeout", "duration", "`60s`", "\"2m\"", "How long one request may take"),
            key(
                "auth",
                "table",
                "`{ kind = \"none\" }`",
                "{ kind = \"bearer\" }",
                "How the credential travels",
            ),
            key(
                "headers",
                "table of texts",
                "none",
                "{ Accept = \"application/vnd.x+json\" }",
                "Headers of every request; never a credential",
            ),
            key(
                "check",
                "table",
                "the first stream without a parent",
                "{ stream = \"contacts\" }",
                "What `userhaul check` asks",
            ),
            key(
                "streams",
                "tables",
                "required",
                "[streams.contacts]",
                "The streams by name: small letters, digits and `_`",
            ),
        ],
    },
    KeyGroup {
        name: "quota",
        keys: &[
            key("requests", "whole number", "required", "100", "So many requests"),
            key("per", "duration", "required", "\"1m\"", "In such a time"),
            key(
                "mode",
                "`window` or `paced`",
                "`window`",
                "\"paced\"",
                "`window` for a published limit: bursts, never more in any window; `paced` spaces evenly",
            ),
            key(
                "docs",
                "text",
                "empty",
                "\"https://docs.example.com/limits\"",
                "Where the limit is published",
            ),
        ],
    },
    KeyGroup { name: "auth none", keys: &[] },
    KeyGroup {
        name: "auth bearer",
        keys: &[key(
            "setting",
            "text",
            "`token`",
            "\"access_token\"",
            "The key of the source that holds the token",
        )],
    },
    KeyGroup {
        name: "auth header",
        keys: &[
            key("header", "text", "required", "\"X-Api-Key\"", "The header's name"),
            key("scheme", "text", "none", "\"Token\"", "The word before the key"),
            key("setting", "text", "`api_key`", "\"access_key\"", "The key of the source that holds it"),
        ],
    },
    KeyGroup {
        name: "auth basic",
        keys: &[
            key(
                "username",
                "text",
                "a setting",
                "\"anystring\"",
                "A fixed user name; then the key takes the place of the password",
            ),
            key(
                "password",
                "text",
                "a setting",
                "\"\"",
                "A fixed password, mostly empty or `X`; then the key takes the place of the user name",
            ),
            key(
                "username_setting",
                "text",
                "`username`, or `api_key` where `password` is fixed",
                "\"user\"",
                "The key of the source that holds the user name",
            ),
            key(
                "password_setting",
                "text",
                "`password`, or `api_key` where `username` is fixed",
                "\"api_token\"",
                "The key of the source that holds the password",
            ),
        ],
    },
    KeyGroup {
        name: "auth query",
        keys: &[
            key("parameter", "text", "required", "\"api_token\"", "The query parameter that takes the key"),
            key("setting", "text", "`api_key`", "\"access_key\"", "The key of the source that holds it"),
        ],
    },
    KeyGroup {
        name: "auth oauth_client_credentials",
        keys: &[
            key(
                "token_url",
                "text",
                "required",
                "\"/oauth/token\"",
                "The token endpoint: a path below `base_url`, or a whole URL",
            ),
            key("scopes", "list of texts", "none", "[\"read\"]", "The scopes to ask for"),
        ],
    },
    KeyGroup {
        name: "check",
        keys: &[
            key("stream", "text", "required", "\"contacts\"", "The stream whose first page is asked for"),
            key("params", "table of texts", "none", "{ limit = \"1\" }", "Parameters over the stream's own"),
        ],
    },
    KeyGroup {
        name: "stream",
        keys: &[
            key("about", "text", "empty", "\"One row a person\"", "What a row is"),
            key(
                "docs",
                "text",
                "empty",
                "\"https://docs.example.com/contacts\"",
                "Where the endpoint is documented",
            ),
            key(
                "assumption",
                "text",
                "none",
                "\"guessed from a sample\"",
                "What it rests on where the vendor does not document it",
            ),
            key("experimental", "true or false", "`false`", "true", "Left out unless a user names it"),
            key(
                "path",
                "text",
                "required, but for `derived`",
                "\"/v1/contacts\"",
                "The path below `base_url`; `{name}` is filled by an axis",
            ),
            key(
                "params",
                "table of texts",
                "none",
                "{ status = \"all\" }",
                "Query parameters of every request",
            ),
            key(
                "items",
                "list of pointers",
                "`[\"\"]`",
                "[\"/data\"]",
                "Where the rows are, tried in order: `\"\"` is the answer itself, `\"/*\"` its only array, `\"{}\"` the answer as one row",
            ),
            key(
                "single",
                "true or false",
                "`false`",
                "true",
                "Whether what `items` points to is one row and not an array",
            ),
            key("empty", "list of statuses", "none", "[404]", "Statuses that mean that there are no rows"),
            key(
                "paging",
                "table",
                "`{ kind = \"none\" }`",
                "{ kind = \"link_header\" }",
                "How pages follow each other",
            ),
            key(
                "axes",
                "list of tables",
                "none",
                "[{ kind = \"window\", … }]",
                "Along what the stream is cut: time, parents, values of a setting, sets of parameters",
            ),
            key(
                "fallback",
                "table",
                "none",
                "{ statuses = [400], axes = [] }",
                "Other axes where the server refuses the first ones",
            ),
            key(
                "partition",
                "text",
                "`one`",
                "\"month:created_at\"",
                "How the table is cut into files: `one`, `bucket` (sixteen), `month:COLUMN`, `value:COLUMN`. For ever: choose what never changes for a row",
            ),
            key(
                "primary_key",
                "list of columns",
                "required",
                "[\"id\"]",
                "What tells rows apart, by the columns' names",
            ),
            key(
                "cursor",
                "column",
                "none",
                "\"updated_at\"",
                "The instant or day that grows with changes; told in the run record",
            ),
            key(
                "version",
                "column",
                "none",
                "\"updated_at\"",
                "Of two rows with one key the one with the larger value stands",
            ),
            key(
                "mode",
                "`full_refresh` or `incremental`",
                "`full_refresh`",
                "\"incremental\"",
                "`full_refresh`: rows that no longer come are removed, and a table that lost more than half is refused",
            ),
            key(
                "look_back",
                "duration",
                "none",
                "\"7d\"",
                "How far back an incremental run reads again: rows that come or change late",
            ),
            key("full_every", "duration", "never", "\"7d\"", "After how long a run reads everything again"),
            key(
                "since",
                "table",
                "none",
                "{ param = \"updated_since\", … }",
                "How only changed rows are asked for between two full passes",
            ),
            key(
                "keeps_absent",
                "true or false",
                "`false`",
                "true",
                "Whether rows that no longer come are kept: the list is known to be partial",
            ),
            key(
                "columns",
                "table",
                "required",
                "[streams.contacts.columns]",
                "The vendor's fields with their types",
            ),
            key(
                "aliases",
                "table of lists",
                "none",
                "{ email = [\"mail\", \"profile/email\"] }",
                "Other names of a field, or where it stands inside an object",
            ),
            key(
                "computed",
                "table",
                "none",
                "{ score = \"double\" }",
                "Columns that code computes: built-in connectors only",
            ),
            key(
                "synthetic_key",
                "field",
                "none",
                "\"id\"",
                "Makes the column `_key`: this field's value, or a hash of the row where it has none; then `primary_key = [\"_key\"]`",
            ),
            key("needs", "list of streams", "none", "[\"surveys\"]", "Streams to read before this one"),
            key(
                "custom_fields",
                "table",
                "none",
                "{ from = \"fields\", … }",
                "Where the names of the customer's own fields are defined",
            ),
            key(
                "derived",
                "table",
                "none",
                "{ stream = \"orders\", field = \"lines\" }",
                "The rows stand inside the rows of another stream, and need no request",
            ),
            key(
                "unified",
                "tables",
                "none",
                "[streams.contacts.unified.users]",
                "What the rows become in the unified tables",
            ),
        ],
    },
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
    KeyGroup {
        name: "since",
        keys: &[
            key(
                "param",
                "text",
                "required",
                "\"updated_since\"",
                "The parameter: only rows changed at or after this instant",
            ),
            key("format", "word", "required", "\"rfc3339\"", "How the instant is written, as in a window"),
            key(
                "overlap",
                "duration",
                "required",
                "\"10m\"",
                "How much earlier than the end of the last pass it is, for clocks and rows that come late",
            ),
        ],
    },
    KeyGroup {
        name: "derived",
        keys: &[
            key("stream", "text", "required", "\"orders\"", "The other stream"),
            key(
                "field",
                "text",
                "required",
                "\"lines\"",
                "Its field that holds the rows, or `object/member`",
            ),
            key(
                "inherits",
                "table of texts",
                "none",
                "{ order_id = \"id\" }",
                "Columns to add, each with the parent's field that it repeats",
            ),
            key(
                "ordinal",
                "true or false",
                "`false`",
                "true",
                "Adds `ordinal`, the row's index in its array, from 0",
            ),
            key(
                "single",
                "true or false",
                "`false`",
                "true",
                "Whether the field holds one row and not an array",
            ),
        ],
    },
    KeyGroup {
        name: "custom_fields",
        keys: &[
            key("from", "text", "required", "\"contact_fields\"", "The stream of their definitions"),
            key("name", "column", "required", "\"name\"", "The column of it that holds a field's name"),
            key("column", "field", "required", "\"customFields\"", "The map that takes their values"),
        ],
    },
];
