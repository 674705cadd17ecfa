//! `userlot.companies`, `userlot.end_users`, `userlot.identify`.

use serde_json::{Value, json};
use userhaul_simulator::{Vendor, userlot};

use crate::support::{World, counts};

fn world(scenario: &str) -> World {
    World::new(Vendor::Userlot, scenario, &format!("api_key = \"{}\"", userlot::API_KEY))
}

fn company(world: &World, external: &str) -> Vec<Value> {
    world.truth("companies").into_iter().filter(|row| row["external_id"] == external).collect()
}

/// The name of a custom field of companies.
fn custom(world: &World) -> String {
    let fields = world.truth("company_fields");
    let found = fields
        .iter()
        .find(|row| row["field_type"] == "number" || row["field_type"] == "integer")
        .or(fields.first());
    found.expect("a field")["attribute_name"].as_str().expect("a name").to_owned()
}

#[test]
fn companies_are_upserted_by_an_id_and_never_without() {
    let world = world("");
    let custom = custom(&world);
    world.folder.write(
        "companies.csv",
        &format!(
            "external_id,name,mrr,start_date,{custom},comment,created_at\n\
             0042/ä,Northwind,1250.50,2024-03-01,40,x,2020\n,No Id,1,,,,\ncust-2,,,,,,\ncust-3,Bad,12 EUR,2024-02-30,,,\n"
        ),
    );
    let outcome = world.push(&[
        "it.companies",
        "--from",
        "companies.csv",
        "--errors",
        "e.ndjson",
        "--verify",
        "--json",
    ]);
    assert_eq!((outcome.code, counts(&outcome)), (3, [4, 1, 0, 3, 0, 0]), "{outcome:?}");
    let row = &company(&world, "0042/ä")[0];
    assert_eq!((&row["name"], &row["start_date"]), (&json!("Northwind"), &json!("2024-03-01")));
    assert_eq!(row["mrr"].to_string().trim_matches('"').parse::<f64>().ok(), Some(1250.5));
    assert_eq!(row[&custom].to_string().trim_matches('"'), "40");
    let errors: Vec<Value> = world
        .lines("e.ndjson")
        .iter()
        .map(|line| json!([line["row"], line["code"], line["field"]]))
        .collect();
    assert_eq!(
        errors,
        [
            json!([2, "no_identifier", null]),
            json!([3, "rejected", null]),
            json!([4, "invalid_value", "mrr"]),
            json!([4, "invalid_value", "start_date"])
        ]
    );
    assert!(
        outcome.stderr.contains("left out: `comment`") && !outcome.stderr.contains("created_at"),
        "{}",
        outcome.stderr
    );
    world.assert_clean();
    world.assert_nowhere(userlot::API_KEY, &[]);
}

#[test]
fn a_lost_answer_makes_no_duplicate_and_a_form_is_sent_where_json_is_not_taken() {
    for scenario in [
        "[userlot]\nfaults = [{ path = \"/api/v1/companies\", method = \"PUT\", kind = \"cut_after\" }]",
        "[userlot]\nswitches = { json_writes = \"415\" }",
        "[userlot]\nswitches = { json_writes = \"400\" }",
    ] {
        let world = world(scenario);
        world.folder.write(
            "c.ndjson",
            "{\"external_id\":\"c-1\",\"name\":\"A & B\"}\n{\"external_id\":\"c-2\",\"name\":\"C\"}\n",
        );
        let outcome = world.push(&["it.companies", "--from", "c.ndjson", "--json"]);
        assert_eq!((outcome.code, counts(&outcome)), (0, [2, 2, 0, 0, 0, 0]), "{scenario}: {outcome:?}");
        assert_eq!((company(&world, "c-1").len(), company(&world, "c-2").len()), (1, 1), "{scenario}");
        assert_eq!(company(&world, "c-1")[0]["name"], "A & B");
    }
}

#[test]
fn end_users_come_back_as_they_were_and_a_lie_is_noticed() {
    let world = world(
        "[userlot]\nfaults = [{ path = \"/api/v1/end_users\", method = \"PUT\", from = 3, kind = \"status\", status = 200, body = \"{}\" }]",
    );
    world.folder.write("u.csv", "external_id,first_name,email\n000731,Ines,ines@example.com\n");
    assert_eq!(world.push(&["it.end_users", "--from", "u.csv"]).code, 0);
    world.folder.write("v.csv", "external_id,first_name,last_name\n000731,Ina,Okafor\n");
    let outcome =
        world.push(&["it.end_users", "--from", "v.csv", "--undo", "undo.ndjson", "--verify", "--json"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let lie = world.push(&["it.end_users", "--from", "undo.ndjson", "--verify", "--json"]);
    assert_eq!((lie.code, counts(&lie)), (1, [1, 0, 0, 1, 0, 0]), "{lie:?}");
    let back = world.push(&["it.end_users", "--from", "undo.ndjson", "--verify", "--json"]);
    assert_eq!(back.code, 0, "{back:?}");
    let row =
        world.truth("end_users").into_iter().find(|row| row["external_id"] == "000731").expect("it is there");
    assert_eq!((&row["first_name"], &row["last_name"]), (&json!("Ines"), &Value::Null));
    assert_eq!(world.folder.run(&["sync", "it.end_users"]).code, 0);
    let again = world.push(&["it.end_users", "--from", "u.csv", "--all", "--dry-run", "--json"]);
    assert_eq!(again.json()["changes"], json!([]), "{again:?}");
    world.assert_clean();
}

#[test]
fn identify_says_who_is_active() {
    let world = world("");
    world.folder.write(
        "seen.csv",
        "user_email,user_external_id,company_name,company_external_id\nines@example.com,u-9,Northwind,cust-9\n,,Nobody,\n",
    );
    let outcome = world.push(&["it.identify", "--from", "seen.csv", "--json"]);
    assert_eq!((outcome.code, counts(&outcome)), (3, [2, 1, 0, 1, 0, 0]), "{outcome:?}");
    assert_eq!(world.writes(), ["PUT /api/v1/identify"]);
    assert_eq!(company(&world, "cust-9").len(), 1);
    world.assert_clean();
}
