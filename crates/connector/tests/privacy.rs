//! Privacy rules reach everything that a page keeps: columns, structs, maps, JSON text, `_extra`, derived tables.

use userhaul_connector::{
    decode::{Act, DecodeOptions, Decoder, Lineage, Rule, TableLayout},
    spec::ConnectorSpec,
};

const FACTS: &str = r#"
connector = "crm"
title = "CRM"
about = "People"
docs = "https://example.com/docs"
concurrency = 1
timeout = "10s"
quota = { requests = 1, per = "1s", mode = "paced", docs = "none" }
check = { stream = "people" }

[streams.people]
about = "One row a person"
docs = "https://example.com/docs"
path = "/people"
primary_key = ["id"]
columns = { id = "id", firstName = "text", attributes = "map", raw = "json", home = { email = "text", city = "text" } }
"#;

const PAGE: &str = r#"[{
    "id": 1, "firstName": "Ada", "email": "ada@example.com",
    "attributes": { "email": "ada@example.com", "first_name": "Ada", "plan": "pro" },
    "raw": [{ "email": "ada@example.com", "n": 1 }],
    "home": { "email": "ada@example.com", "city": "Utrecht", "unknown": true },
    "other": { "deep": [{ "first_name": "Ada", "email": "ada@example.com" }] }
}]"#;

#[test]
fn nothing_private_is_kept_in_the_clear() {
    let spec = ConnectorSpec::parse(FACTS, None).expect("the facts are right");
    let people = spec.stream("people").expect("there is such a stream");
    let options = DecodeOptions {
        table: TableLayout { ..people.table.clone() },
        derived: Vec::new(),
        items: people.items.clone(),
        single: false,
        custom: None,
        rules: vec![
            Rule { name: "email".to_owned(), act: Act::Drop },
            Rule { name: "first_name".to_owned(), act: Act::Hash(b"pepper".to_vec()) },
        ],
    };
    let mut decoder = Decoder::new(&options);
    let lineage = Lineage { source: "crm", run_id: "r", extracted_at: 0, given: &[] };
    decoder.page(PAGE.as_bytes(), &lineage).expect("the page is right");
    let rows = decoder.take().expect("a batch").rows.expect("a row");
    let shown = format!("{rows:?}");
    assert!(
        !shown.contains("ada@example.com") && !shown.contains("\"Ada\"") && !shown.contains(": Ada"),
        "{shown}"
    );
    assert!(shown.contains("Utrecht") && shown.contains("pro"), "{shown}");
}
