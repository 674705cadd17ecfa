//! `userlane.attributes`.

use serde_json::{Value, json};
use userhaul_simulator::{Vendor, userlane};

use crate::support::{World, counts};

pub(crate) const IMPORT: &str = "POST /v1/properties/k3f9a/attributes/import";

pub(crate) fn world(scenario: &str) -> World {
    world_with(scenario, "property_ids = [\"k3f9a\"]")
}

fn world_with(scenario: &str, more: &str) -> World {
    let source = format!("token = \"{}\"\nstart_date = \"2026-10-01\"\n{more}", userlane::TOKEN);
    World::new(Vendor::Userlane, scenario, &source)
}

/// The values of a user in a scope, by attribute.
pub(crate) fn values(world: &World, scope: &str, user: &str) -> Value {
    let mut found = serde_json::Map::new();
    for row in world.truth("user_attributes") {
        if row["userId"] == user
            && row["scope"] == scope
            && (scope == "company" || row["propertyId"] == "k3f9a")
        {
            found.insert(row["key"].as_str().expect("a key").to_owned(), row["value"].clone());
        }
    }
    Value::Object(found)
}

fn definition(world: &World, key: &str) -> Option<Value> {
    world
        .truth("attribute_definitions")
        .into_iter()
        .find(|row| row["key"] == key && row["propertyId"] == "k3f9a")
}

#[test]
fn a_csv_file_becomes_typed_attributes_and_only_changes_are_sent_again() {
    let world = world("");
    world.folder.write(
        "users.csv",
        "user_id,plan,seats,beta,trained,zip,licence_type\n\
         u-1,\"pro, \"\"x\"\"\",3,true,2024-03-01,01067,full\nu-2,töl😀,40,false,2024-03-02,80331,\nu-3,,,,,,viewer\n",
    );
    let outcome = world.push(&["it.attributes", "--from", "users.csv", "--json", "--verify"]);
    assert_eq!((outcome.code, counts(&outcome)), (0, [3, 3, 0, 0, 0, 0]), "{outcome:?}");
    assert_eq!(
        values(&world, "property", "u-1"),
        json!({ "plan": "pro, \"x\"", "seats": 3, "beta": true, "trained": "2024-03-01", "zip": "01067", "licence_type": "full" })
    );
    assert_eq!(values(&world, "property", "u-2")["plan"], "töl😀");
    assert_eq!(values(&world, "property", "u-3"), json!({ "licence_type": "viewer" }));
    let kinds = ["plan", "seats", "beta", "trained", "zip"]
        .map(|key| definition(&world, key).expect("defined")["type"].clone());
    assert_eq!(kinds, ["string", "number", "boolean", "date", "string"]);
    // What the vendor has is not defined anew.
    assert_eq!(definition(&world, "licence_type").expect("it was there")["name"], "Licence type");
    assert!(outcome.stderr.contains("licence_type: string, 2 values, there already"), "{}", outcome.stderr);
    assert_eq!(world.writes(), [IMPORT, IMPORT]);
    assert_eq!(outcome.json()["verified"], json!({ "same": 12, "different": 0, "not_shown": 0 }));

    let again = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
    assert_eq!((again.code, counts(&again), world.writes().len()), (0, [3, 0, 3, 0, 0, 0], 2), "{again:?}");
    world.folder.write("users.csv", "user_id,seats\nu-1,4\nu-2,40\n");
    let changed = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
    assert_eq!(
        (changed.code, counts(&changed), world.writes().len()),
        (0, [2, 1, 1, 0, 0, 0], 3),
        "{changed:?}"
    );
    assert_eq!(values(&world, "property", "u-1")["seats"], 4);
    let all = world.push(&["it.attributes", "--from", "users.csv", "--json", "--all"]);
    assert_eq!((counts(&all), world.writes().len()), ([2, 2, 0, 0, 0, 0], 4));
    world.assert_clean();
    world.assert_nowhere(userlane::TOKEN, &[]);
    world.assert_nowhere("u-1", &["users.csv"]);
}

#[test]
fn a_dry_run_sends_nothing_and_leaves_nothing() {
    let world = world("");
    world.folder.write(
        "users.ndjson",
        "{\"userId\":\"u-1\",\"plan\":\"pro\"}\n{\"userId\":\"u-2\",\"plan\":\"free\"}\n",
    );
    let before = world.folder.files();
    let outcome = world.push(&["it.attributes", "--from", "users.ndjson", "--dry-run"]);
    assert_eq!((outcome.code, world.running.requests()), (0, 0), "{outcome:?}");
    assert_eq!(world.folder.files(), before);
    insta::assert_snapshot!(outcome.stdout, @r#"
    POST /v1/properties/k3f9a/attributes/import
    Accept: application/json
    Authorization: ***
    Content-Type: application/json

    {"idempotent":false,"attributes":[{"key":"plan","name":"Plan","type":"string"}]}

    POST /v1/properties/k3f9a/attributes/import
    Accept: application/json
    Authorization: ***
    Content-Type: application/json

    {"idempotent":false,"userProfiles":[{"userId":"u-1","attributes":{"plan":{"value":"pro"}}},{"userId":"u-2","attributes":{"plan":{"value":"free"}}}]}
    "#);
    insta::assert_snapshot!(outcome.stderr, @r#"
    it.attributes (property:k3f9a): 2 rows of users.ndjson
      plan: string, 2 values, defined as "Plan" unless a user has it already
    2 to be sent; 2 requests
    no export to compare with
    "#);
}

#[test]
fn a_dry_run_tells_what_differs_from_the_last_export() {
    let world = world("");
    assert_eq!(world.folder.run(&["sync", "it.user_profiles"]).code, 0);
    let row = world.truth("user_attributes").into_iter().find(|row| {
        row["key"] == "licence_type"
            && row["propertyId"] == "k3f9a"
            && row["value"].as_str().is_some_and(|text| !text.is_empty())
    });
    let row = row.expect("somebody has one");
    let user = row["userId"].as_str().expect("an id");
    world
        .folder
        .write("u.ndjson", &format!("{}\n", json!({ "userId": user, "licence_type": "other", "plan": "x" })));
    let before = world.running.requests();
    let outcome = world.push(&["it.attributes", "--from", "u.ndjson", "--dry-run", "--json"]);
    assert_eq!((outcome.code, world.running.requests()), (0, before), "{outcome:?}");
    let changes = outcome.json()["changes"].clone();
    assert_eq!(
        changes[0],
        json!({ "row": 1, "key": user, "field": "licence_type", "before": row["value"], "after": "other" })
    );
    assert_eq!(changes[1]["before"], Value::Null);
    assert_eq!(
        outcome.json()["planned"][0]["body"]["attributes"],
        json!([{ "key": "plan", "name": "Plan", "type": "string" }])
    );
}

#[test]
fn the_company_is_the_scope_where_there_is_one_and_blocks_name_pushes() {
    let world = world_with("", "property_ids = [\"k3f9a\", \"p7x2c\"]\ncompany_id = 4711");
    world.configure("[push.segments]\ntarget = \"it.attributes\"\nfrom = \"people.csv\"\nmap = { uid = \"userId\", Region = \"region\" }");
    world.folder.write("people.csv", "uid,Region\nu-1,EMEA\n");
    let outcome = world.push(&["segments"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(world.writes(), ["POST /v1/companies/4711/attributes/import"]);
    assert_eq!(values(&world, "company", "u-1"), json!({ "region": "EMEA" }));
    let outcome = world.push(&["segments", "--scope", "property:p7x2c", "--all"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(world.writes().contains(&"POST /v1/properties/p7x2c/attributes/import".to_owned()));
    world.assert_clean();
}

#[test]
fn hostile_values_are_refused_with_row_and_field_or_sent_as_they_are() {
    let world = world("");
    let rows = [
        "{\"userId\":\"u-1\",\"big\":9007199254740993,\"note\":\"a\\u0000b\\n\\u2028\",\"tags\":[\"x\",\"é\"]}",
        "{\"userId\":\"u-2\",\"big\":1,\"note\":null}",
        "{\"userId\":\"\",\"big\":1}",
        "{\"big\":1}",
        "{\"userId\":\"u-5\",\"note\":{\"a\":1}}",
        "{\"userId\":\"u-2\",\"note\":\"later\"}",
        "{\"userId\":\" u-7\",\"note\":\"x\"}",
        "{\"userId\":17,\"note\":\"number\"}",
    ];
    world.folder.write("users.ndjson", &rows.join("\n"));
    let outcome = world.push(&["it.attributes", "--from", "users.ndjson", "--errors", "e.ndjson", "--json"]);
    assert_eq!((outcome.code, counts(&outcome)), (3, [8, 4, 0, 4, 0, 0]), "{outcome:?}");
    let errors: Vec<Value> = world
        .lines("e.ndjson")
        .iter()
        .map(|line| json!([line["row"], line["code"], line["field"]]))
        .collect();
    assert_eq!(
        errors,
        [
            json!([3, "invalid_value", "userId"]),
            json!([4, "missing_value", "userId"]),
            json!([5, "invalid_value", "note"]),
            json!([7, "invalid_value", "userId"])
        ]
    );
    assert_eq!(values(&world, "property", "u-1")["big"], json!(9_007_199_254_740_993_u64));
    assert_eq!(values(&world, "property", "u-1")["note"], "a\u{0}b\n\u{2028}");
    assert_eq!(values(&world, "property", "u-1")["tags"], json!(["x", "é"]));
    assert_eq!(values(&world, "property", "u-2"), json!({ "big": 1, "note": "later" }));
    assert_eq!(values(&world, "property", "17"), json!({ "note": "number" }));
    assert_eq!(outcome.json()["rows"]["merged"], 1);
    world.assert_clean();
}

#[test]
fn replacing_shows_what_is_lost_wants_yes_and_can_be_undone() {
    let world = world("");
    world.folder.write("a.csv", "user_id,plan,seats\nu-1,pro,3\nu-2,free,1\n");
    assert_eq!(world.push(&["it.attributes", "--from", "a.csv"]).code, 0);
    world.folder.write("b.csv", "user_id,plan\nu-1,team\n");
    let before = world.running.requests();
    let refused = world.push(&["it.attributes", "--from", "b.csv", "--replace"]);
    assert_eq!((refused.code, world.running.requests()), (2, before), "{refused:?}");
    assert_eq!(world.folder.run(&["sync", "it.user_profiles"]).code, 0);
    let before = world.running.requests();
    let refused = world.push(&["it.attributes", "--from", "b.csv", "--replace"]);
    assert_eq!((refused.code, world.running.requests()), (2, before), "{refused:?}");
    assert!(refused.stderr.contains("1 of 1 lose 1 values"), "{refused:?}");

    let outcome = world.push(&[
        "it.attributes",
        "--from",
        "b.csv",
        "--replace",
        "--yes",
        "--undo",
        "undo.ndjson",
        "--verify",
    ]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(values(&world, "property", "u-1"), json!({ "plan": "team" }));
    assert_eq!(values(&world, "property", "u-2"), json!({ "plan": "free", "seats": 1 }));
    let outcome = world.push(&["it.attributes", "--from", "undo.ndjson", "--verify"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(values(&world, "property", "u-1"), json!({ "plan": "pro", "seats": 3 }));
    let refused = world.push(&["it.attributes", "--from", "b.csv", "--undo", "undo.ndjson"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    world.assert_clean();
}

#[test]
fn what_was_pushed_is_what_a_sync_reads() {
    let world = world("");
    world.folder.write("users.csv", "user_id,plan,seats\nu-1,pro,3\nu-2,\"a,b\",40\n");
    assert_eq!(world.push(&["it.attributes", "--from", "users.csv"]).code, 0);
    assert_eq!(world.folder.run(&["sync", "it.user_profiles"]).code, 0);
    let outcome = world.push(&["it.attributes", "--from", "users.csv", "--all", "--dry-run", "--json"]);
    assert_eq!(outcome.json()["changes"], json!([]), "{outcome:?}");
    assert_eq!(outcome.json()["compared_with_export"], true);
}

#[test]
fn what_cannot_be_right_is_refused_before_any_request() {
    let world = world_with("", "property_ids = [\"k3f9a\", \"p7x2c\"]");
    world.folder.write("users.csv", "user_id,plan\nu-1,pro\n");
    world.folder.write("broken.csv", "user_id,plan\nu-1\n");
    world.configure("[push.seg]\ntarget = \"it.attributes\"\nfrom = \"users.csv\"\nscop = \"company\"");
    let told = world.push(&["seg"]);
    assert_eq!(told.code, 2);
    insta::assert_snapshot!(told.stderr, @"
    error: userhaul.toml:15: unknown key `scop` in [push.seg]; did you mean `scope`? [settings]
      hint: valid keys in [push.seg]: `target`, `from`, `map`, `scope`, `all`, `replace`, `verify`, `undo`, `errors`, `types`, `names`, `known_users_only`, `allow_type_change`
    ");
    world.configure("[push.seg]\ntarget = \"it.attributes\"\nfrom = \"users.csv\"");
    for (arguments, message) in [
        (&["seg"][..], "no scope: name one"),
        (&["segg"], "no push `segg`; did you mean `seg`?"),
        (&["it.attribute", "--from", "users.csv"], "no target `it.attribute`; did you mean `it.attributes`?"),
        (&["userlane.attributes", "--from", "users.csv"], "`it.attributes`"),
        (&["it.attributes", "--scope", "property:k3f9a"], "no input: name a file"),
        (
            &["seg", "--scope", "property:k3f9a", "--map", "x=userId"],
            "a column that the input does not have: `x`",
        ),
        (&["seg", "--scope", "property:k3f9a", "--from", "broken.csv"], "incorrect number of fields"),
        (&["seg", "--scope", "property:k3f9a", "--from", "gone.csv"], "no such file"),
        (&["seg", "--scope", "company"], "`company_id` is needed"),
        (&["seg", "--scope", "property:k3f9a", "--type", "plan=text"], "type `text` of `plan` is unknown"),
    ] {
        let outcome = world.push(arguments);
        assert!(outcome.code == 2 && outcome.stderr.contains(message), "{arguments:?}: {outcome:?}");
    }
    assert_eq!(world.running.requests(), 0);
}

#[test]
fn a_corrected_wire_is_written_to() {
    let world = world_with(
        "[userlane]\nswitches = { bearer = \"on\" }",
        "property_ids = [\"k3f9a\"]\nwire = \"wire.toml\"",
    );
    world.folder.write("wire.toml", "[auth]\nscheme = \"bearer\"\n[import]\nmax_profiles = 1\nproperty_path = \"/v1/properties/{propertyId}/attributes/import\"\n");
    world.folder.write("users.csv", "user_id,plan\nu-1,pro\nu-2,pro\n");
    let outcome = world.push(&["it.attributes", "--from", "users.csv"]);
    assert_eq!((outcome.code, world.writes().len()), (0, 3), "{outcome:?}");
    world.folder.write("wire.toml", "[import]\nmax_profile = 1\n");
    let outcome = world.push(&["it.attributes", "--from", "users.csv"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("max_profile"), "{outcome:?}");
}
