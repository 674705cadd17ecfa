//! `init --from-sample`: a connector after a page.

use serde_json::{Value, json};

use crate::{
    Declared, SECRET,
    folder::{Folder, Outcome},
    server::{Answer, Server},
};

fn page(from: u64, next: Option<String>) -> Value {
    let person = |id: u64| {
        json!({
            "id": id, "email": format!("ada{id}@example.com"), "firstName": "Ada", "updatedAt": format!("2026-01-0{id}T00:00:00Z"),
            "born": "1990-01-02", "score": 1.5, "logins": 3, "active": true, "home": { "city": "Bath", "zip": "1" },
            "tags": ["x"], "custom": { format!("key {id}"): 1 }, "nothing": null, "phones": [{ "kind": "home", "number": "1" }]
        })
    };
    json!({ "data": { "people": [person(from), person(from + 1)] }, "meta": { "next": next } })
}

#[test]
fn what_it_writes_syncs_as_it_is() {
    let server = Server::start(|asked, base| match (asked.path.as_str(), asked.number("page")) {
        ("/v2/people", None) => Answer::json(&page(1, Some(format!("{base}/v2/people?page=2")))),
        ("/v2/people", Some(2)) => Answer::json(&page(3, None)),
        _ => Answer::refused(404, "no such page"),
    });
    let folder = Folder::new();
    let sample = page(1, Some(format!("{}/v2/people?page=2", server.base_url)));
    folder.write("page.json", &sample.to_string());
    let outcome = folder.run(&["init", "crm", "--from-sample", "page.json"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("wrote `crm.toml`"), "{}", outcome.stderr);
    let written = std::fs::read_to_string(folder.path().join("crm.toml")).expect("the file is there");
    for line in [
        "connector = \"crm\"",
        "[streams.people]",
        "path = \"/v2/people\"",
        "items = [\"/data/people\"]",
        "paging = { kind = \"next_url\", next = \"/meta/next\" }",
        "primary_key = [\"id\"]",
        "version = \"updated_at\"",
        "id = \"id\"",
        "firstName = \"text\"",
        "updatedAt = \"instant\"",
        "born = \"date\"",
        "score = \"double\"",
        "logins = \"int\"",
        "active = \"bool\"",
        "home = { city = \"text\", zip = \"text\" }",
        "tags = [\"text\"]",
        "custom = \"map\"",
        "nothing = \"text\" # only null in the sample",
        "phones = [{ kind = \"text\", number = \"text\" }]",
    ] {
        assert!(written.lines().any(|own| own == line), "{line}\n{written}");
    }
    assert!(written.contains(&format!("base_url = \"{}\"", server.base_url)), "{written}");
    let again = folder.run(&["init", "crm", "--from-sample", "page.json"]);
    assert!(again.code == 2 && again.stderr.contains("--force"), "{}", again.stderr);

    assert_eq!(folder.run(&["init", "./crm.toml"]).code, 0);
    let declared = Declared { folder, server };
    let sync = Outcome::of(declared.folder.command(&["sync"]).env("CRM_TOKEN", SECRET));
    assert_eq!(sync.code, 0, "{}", sync.stderr);
    let rows =
        crate::table::read(&declared.folder.path().join("warehouse/crm/people")).expect("a table").rows;
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["_extra"].is_null()), "{rows:#?}");
    // The commented block of unified users is right too, where its comments are taken away.
    let (head, block) = written.split_once("# [streams.people.unified.users]").expect("a block");
    let block: Vec<&str> = block.lines().map(|line| line.trim_start_matches("# ")).collect();
    declared.folder.write("crm.toml", &format!("{head}[streams.people.unified.users]{}", block.join("\n")));
    let sync = Outcome::of(declared.folder.command(&["sync"]).env("CRM_TOKEN", SECRET));
    assert_eq!(sync.code, 0, "{}", sync.stderr);
    let users =
        crate::table::read(&declared.folder.path().join("warehouse/unified/users")).expect("a table").rows;
    assert_eq!(
        users.iter().filter(|user| user["email"].is_string() && user["first_name"] == "Ada").count(),
        4
    );
}

/// Writes a connector after a sample; then a plan of a source with it must be made.
fn accepted(text: &str) -> String {
    let folder = Folder::new();
    folder.write("odd.json", text);
    let outcome = folder.run(&["init", "--from-sample", "odd.json"]);
    assert_eq!(outcome.code, 0, "{text:.200}: {}", outcome.stderr);
    folder.write(
        "userhaul.toml",
        "[destination]\ntype = \"parquet\"\npath = \"w\"\n[sources.it]\nconnector = \"./odd.toml\"\nbase_url = \"https://api.example.com\"\ntoken = \"x\"\n",
    );
    let plan = folder.run(&["plan"]);
    assert_eq!(plan.code, 0, "{text:.200}: {}", plan.stderr);
    std::fs::read_to_string(folder.path().join("odd.toml")).expect("the file is there")
}

#[test]
fn odd_samples_give_connectors_that_are_accepted() {
    let many: Vec<String> = (0..10_000).map(|number| format!("\"k{number}\": {number}")).collect();
    let collide = accepted(
        "[{\"id\": 1, \"ID\": 2, \"\": 3, \"_source\": 4, \"a b\": 5, \"a-b\": 6, \"q\\\"\\n\": 7}]",
    );
    assert!(collide.contains("stay in `_extra`"), "{collide}");
    assert!(accepted(&format!("[{{{}}}]", many.join(","))).contains("stay in `_extra`"));
    assert!(accepted("{\"id\": 1}\n{\"id\": 2}\n").contains("a row a line"));
    assert!(accepted("\u{feff}[{\"id\": 1}]").contains("primary_key = [\"id\"]"));
    assert!(accepted("{\"data\": [{\"a\": 1}, {\"a\": 1}]}").contains("primary_key = [\"_key\"]"));
    assert!(accepted("[{\"id\": 1, \"grid\": [[1]], \"deep\": {\"a\": {\"b\": {\"c\": {\"d\": {\"e\": {\"f\": 1}}}}}}}]").contains("grid = \"json\""));
    assert!(accepted("[{\"id\": 1, \"at\": \"2026-13-45T99:99:99Z\"}]").contains("at = \"json\""));
    assert!(accepted("{\"id\": 1, \"name\": \"one row\"}").contains("single = true"));
    assert!(accepted("[{\"id\": 12345678901234567890, \"id\": 2}]").contains("primary_key"));
    accepted("{\"unified\": [{\"streams\": 1, \"_\": 2, \"columns\": {\"_\": 1}}]}");
}

#[test]
fn what_is_no_sample_is_refused_in_clear_words() {
    let folder = Folder::new();
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    for (text, words) in [
        ("", "it is empty"),
        ("<html>", "it is no JSON (line 1, column 1)"),
        ("{\"data\": [{\"id\": 1}", "it ends too early"),
        ("[1, 2, 3]", "no array of objects"),
        ("{\"data\": []}", "the array at `/data` is empty"),
        (&deep, "nested too deeply"),
    ] {
        folder.write("odd.json", text);
        let outcome = folder.run(&["init", "--from-sample", "odd.json"]);
        assert!(outcome.code == 2 && outcome.stderr.contains(words), "{words}: {}", outcome.stderr);
    }
    std::fs::write(folder.path().join("odd.json"), [0xff, 0xfe, b'{']).expect("a file");
    let outcome = folder.run(&["init", "--from-sample", "odd.json"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("not UTF-8"), "{}", outcome.stderr);
    let outcome = folder.run(&["init", "--from-sample", "absent.json"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("absent.json"), "{}", outcome.stderr);
    assert_eq!(folder.files(), ["odd.json"]);
}

#[test]
fn rows_without_a_key_of_one_field_are_all_kept() {
    let rows: Vec<Value> = (0..12).map(|row| json!({ "group": row / 4, "contact": row % 4 })).collect();
    let page = json!({ "members": rows });
    let server = Server::start({
        let page = page.clone();
        move |_, _| Answer::json(&page)
    });
    let folder = Folder::new();
    folder.write("page.json", &page.to_string());
    assert_eq!(folder.run(&["init", "crm", "--from-sample", "page.json"]).code, 0);
    let address = format!("base_url={}", server.base_url);
    let sets = ["--set", &address, "--set", "token=x", "-o", "-", "--format", "ndjson"];
    let outcome = folder.run(&[&["export", "./crm.toml.members"], &sets[..]].concat());
    assert_eq!((outcome.code, outcome.stdout.lines().count()), (0, 12), "{}", outcome.stderr);
}
