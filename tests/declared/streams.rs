//! Axes, parameters, corrections, and every command over a declared connector.

use serde_json::json;

use crate::{
    Declared, SECRET, cells, config,
    folder::{Outcome, json},
    record,
    server::{Answer, Server},
};

const CONNECTOR: &str = r#"
connector = "crm"
auth = { kind = "bearer" }
[streams.accounts]
path = "/v1/accounts"
items = ["/data"]
primary_key = ["id"]
[streams.accounts.columns]
id = "id"
name = "text"
[streams.contacts]
about = "One row a person"
docs = "https://docs.example.com/contacts"
path = "/v1/accounts/{account}/contacts"
axes = [{ kind = "parent", stream = "accounts", key = "id", param = "account", column = "account_id", gone = [404] }]
primary_key = ["account_id", "email"]
[streams.contacts.columns]
email = "text: address"
[streams.changes]
path = "/v1/changes"
params = { expand = "all" }
axes = [{ kind = "window", from = "updated_since", format = "rfc3339", by = "updated_at" }]
primary_key = ["id"]
cursor = "updated_at"
[streams.changes.columns]
id = "id"
updated_at = "instant"
"#;

fn server() -> Server {
    Server::start(|asked, _| {
        if asked.headers.get("authorization") != Some(&format!("Bearer {SECRET}")) {
            return Answer::refused(401, "who are you");
        }
        match asked.path.as_str() {
            "/v1/accounts" => Answer::json(
                &json!({ "data": [{ "id": 1, "name": "One" }, { "id": "a/b", "name": "Two" }, { "id": 3 }] }),
            ),
            "/v1/accounts/1/contacts" => Answer::json(&json!([{ "email": "ada@example.com" }])),
            "/v1/accounts/a/b/contacts" => Answer::json(&json!([{ "email": "bob@example.com" }])),
            "/v1/changes" if asked.query.get("expand").map(String::as_str) == Some("all") => {
                Answer::json(&json!([{ "id": 1, "updated_at": "2026-02-01T00:00:00Z" }]))
            }
            _ => Answer::refused(404, "no such path"),
        }
    })
}

fn declared(source: &str) -> Declared {
    Declared::new(server(), CONNECTOR, &format!("token = \"${{SECRET}}\"\n{source}"))
}

#[test]
fn parents_windows_and_parameters() {
    let declared = declared("start_date = \"2026-01-15\"");
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let mut contacts: Vec<_> = declared.rows("contacts").iter().map(cells).collect();
    contacts.sort_by_key(ToString::to_string);
    assert_eq!(
        contacts,
        [
            json!({ "account_id": "1", "email": "ada@example.com" }),
            json!({ "account_id": "a/b", "email": "bob@example.com" })
        ]
    );
    let asked = declared.server.asked();
    let change = asked.iter().find(|asked| asked.path == "/v1/changes").expect("asked");
    assert_eq!(
        change.query,
        [("expand", "all"), ("updated_since", "2026-01-15T00:00:00Z")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    );
    assert_eq!(record(&outcome, "changes")["completeness"], "complete_for_scope");
}

#[test]
fn every_command_takes_it() {
    let declared = declared("");
    let outcome = declared.run(&["check"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("it: ok"), "{}", outcome.stderr);
    let outcome = declared.run(&["streams", "it.contacts"]);
    assert!(
        outcome.stdout.contains("https://docs.example.com/contacts") && outcome.stdout.contains("email"),
        "{}",
        outcome.stdout
    );
    let outcome = declared.run(&["plan", "--json"]);
    assert_eq!(json(&outcome.stdout)["streams"].as_array().map(Vec::len), Some(3));
    let outcome = declared.run(&["preview", "it.accounts"]);
    assert!(outcome.code == 0 && outcome.stdout.contains("Two"), "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn one_stream_is_exported_without_a_configuration() {
    let declared = declared("");
    std::fs::remove_file(declared.folder.path().join("userhaul.toml")).expect("the file is there");
    let address = format!("base_url={}", declared.server.base_url);
    let sets = ["--set", &address, "--set", "token=${SECRET}", "-o", "-", "--format", "ndjson"];
    let outcome = declared.run(&[&["export", "./crm.toml.accounts"], &sets[..]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let rows: Vec<_> = outcome.stdout.lines().map(json).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["_source"], "crm");
    let outcome = declared.run(&[&["export", "./crm.toml.acounts"], &sets[..]].concat());
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("did you mean `accounts`?"), "{}", outcome.stderr);
    let outcome = declared.run(&[&["export", "./crm.toml"], &sets[..]].concat());
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
}

#[test]
fn corrections_reach_it() {
    let declared = declared(
        "streams = [\"accounts\"]\n[sources.it.wire.streams.accounts]\nitems = [\"/rows\"]\n[sources.it.wire.streams.accounts.unified.companies]\nname = \"name\"\n",
    );
    let outcome = declared.sync();
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(record(&outcome, "accounts")["error"]["message"].to_string().contains("/rows"));
    let text = config(
        &declared.server,
        "token = \"${SECRET}\"\nstreams = [\"accounts\"]\n[sources.it.wire.streams.accounts.unified.companies]\nname = \"name\"\n",
    );
    declared.folder.write("userhaul.toml", &text);
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(declared.unified("companies").len(), 3);
    assert_eq!(declared.unified("companies")[0]["vendor"], "crm");
}

#[test]
fn init_writes_a_source_for_it() {
    let declared = declared("");
    declared
        .folder
        .write("with_origin.toml", &format!("base_url = \"{}\"\n{CONNECTOR}", declared.server.base_url));
    let outcome = declared.run(&["init", "./with_origin.toml", "--force"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let text =
        std::fs::read_to_string(declared.folder.path().join("userhaul.toml")).expect("the file is there");
    assert!(text.contains("[sources.crm]\nconnector = \"./with_origin.toml\"\n"), "{text}");
    let outcome = Outcome::of(declared.folder.command(&["check"]).env("CRM_TOKEN", SECRET));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn a_server_that_takes_one_size_of_pages_is_checked_with_that() {
    let connector = "connector = \"crm\"\n[streams.rows]\npath = \"/rows\"\nprimary_key = [\"id\"]\npaging = { kind = \"offset\", offset = \"skip\", size = \"limit\", rows = 50 }\n[streams.rows.columns]\nid = \"id\"\n";
    let server = Server::start(|asked, _| match (asked.number("limit"), asked.number("skip")) {
        (Some(50), skip) => {
            let first = skip.unwrap_or(0);
            let ids = (first..60).take(50).map(|id| json!({ "id": id }));
            Answer::json(&ids.collect())
        }
        _ => Answer::refused(400, "limit must be 50"),
    });
    let declared = Declared::new(server, connector, "");
    for arguments in [&["check"][..], &["check", "--probe"]] {
        let outcome = declared.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn null_instead_of_an_empty_list_is_no_rows_where_the_facts_say_so() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/null" => Answer::json(&json!({ "rows": null, "count": 0 })),
        "/absent" => Answer::json(&json!({ "count": 0 })),
        "/other" => Answer::json(&json!({ "rows": { "error": "no" } })),
        _ => Answer::json(&json!({ "rows": [{ "id": 1 }] })),
    });
    let stream = |name: &str, items: &str| {
        format!(
            "[streams.{name}]\npath = \"/{name}\"\nitems = [{items}]\nprimary_key = [\"id\"]\ncolumns = {{ id = \"id\" }}\n"
        )
    };
    let streams = ["null", "absent", "other", "rows"].map(|name| stream(name, "\"/rows\", \"null\""));
    let declared = Declared::new(server, &format!("connector = \"crm\"\n{}", streams.concat()), "");
    let outcome = declared.sync();
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    for (name, rows) in [("null", 0), ("absent", 0), ("rows", 1)] {
        assert_eq!(
            (&record(&outcome, name)["rows"], &record(&outcome, name)["status"]),
            (&json!(rows), &json!("ok"))
        );
    }
    // What stands there is no list, and that is told.
    let message = record(&outcome, "other")["error"]["message"].to_string();
    assert!(message.contains("rows (an object)"), "{message}");

    declared.folder.write("crm.toml", &format!("connector = \"crm\"\n{}", stream("null", "\"/rows\"")));
    let outcome = declared.sync();
    assert_eq!(outcome.code, 1);
    let message = record(&outcome, "null")["error"]["message"].to_string();
    assert!(message.contains("rows (null)"), "{message}");
}

#[test]
fn signs_of_more_pages_without_paging_leave_a_list_unproven() {
    let server = Server::start(|asked, _| {
        let rows = json!([{ "id": 1 }, { "id": 2 }]);
        Answer::json(&match asked.path.as_str() {
            "/next" => json!({ "rows": rows, "links": { "next": "/next?page=2" } }),
            "/more" => json!({ "rows": rows, "has_more": true }),
            "/total" => json!({ "rows": rows, "meta": { "total": 3 } }),
            _ => {
                json!({ "rows": rows, "links": { "next": null }, "has_more": false, "meta": { "total": 2 } })
            }
        })
    });
    let streams = ["next", "more", "total", "all"].map(|name| {
        format!("[streams.{name}]\npath = \"/{name}\"\nitems = [\"/rows\"]\nprimary_key = [\"id\"]\ncolumns = {{ id = \"id\" }}\n")
    });
    let declared = Declared::new(server, &format!("connector = \"crm\"\n{}", streams.concat()), "");
    let outcome = declared.sync();
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    for (name, sign) in
        [("next", "`/links/next`"), ("more", "`/has_more`"), ("total", "counts 3 rows at `/meta/total`")]
    {
        let record = record(&outcome, name);
        assert_eq!(record["completeness"], "unproven", "{name}");
        let reason = record["reason"].to_string();
        assert!(reason.contains(sign) && reason.contains("no `paging`"), "{reason}");
    }
    assert_eq!(record(&outcome, "all")["completeness"], "complete");
}
