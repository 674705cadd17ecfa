//! The keys of the file itself and of its tables but `streams`.

use super::{KeyGroup, key};

pub(super) const GROUPS: &[KeyGroup] = &[
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
                "push",
                "tables",
                "none",
                "[push.users]",
                "What is known about writing, by target: built-in connectors only",
            ),
            key(
                "hosts",
                "table of texts",
                "none",
                "{ staging = \"https://staging.example.com\" }",
                "Other addresses by the word of a setting: built-in connectors only",
            ),
            key(
                "path_prefixes",
                "table of texts",
                "none",
                "{ \"/v1\" = \"/v2\" }",
                "What paths begin with instead",
            ),
            key(
                "alternatives",
                "list of tables",
                "none",
                "[{ of = \"auth\", correct = { auth = { scheme = \"bearer\" } } }]",
                "What may be otherwise: `of` is `auth`, `path`, `paging` or `dates`, `correct` the corrections that `check --probe` tries",
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
            key(
                "token_path",
                "text",
                "none",
                "\"/oauth/token\"",
                "The token endpoint of another credential: built-in connectors only",
            ),
            key("scope", "text", "none", "\"read\"", "What such a token may do"),
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
];
