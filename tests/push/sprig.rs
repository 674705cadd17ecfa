//! `sprig.users` and `sprig.purge`.

use serde_json::{Value, json};
use userhaul_simulator::{Vendor, sprig};

use crate::support::{World, counts};

fn world(scenario: &str) -> World {
    World::new(Vendor::Sprig, scenario, &format!("api_key = \"{}\"", sprig::API_KEY))
}

fn user(world: &World, id: &str) -> Option<Value> {
    world.truth("users").into_iter().find(|row| row["externalUserId"] == id)
}

const AT_ONCE: &str = "[sprig]\nswitches = { upsert_visible = \"at_once\" }\n";

#[test]
fn users_are_merged_and_attributes_may_be_named_three_ways() {
    let world = world(AT_ONCE);
    world.folder.write(
        "users.ndjson",
        "{\"user_id\":\"acct_77/u-1\",\"email\":\"ann@example.com\",\"attributes\":{\"seats\":12,\"beta\":false},\"tier\":\"gold\",\"attributes.plan\":\"pro\",\"extra\":1}\n\
         {\"user_id\":\"u-2\",\"attributes\":{\"seats\":1.5}}\n{\"user_id\":\"u-3\",\"email\":\"no address\"}\n",
    );
    let arguments = [
        "it.users",
        "--from",
        "users.ndjson",
        "--map",
        "tier=attributes.tier",
        "--errors",
        "e.ndjson",
        "--verify",
        "--json",
    ];
    let outcome = world.push(&arguments);
    assert_eq!((outcome.code, counts(&outcome)), (3, [3, 1, 0, 2, 0, 0]), "{outcome:?}");
    assert_eq!(
        user(&world, "acct_77/u-1").expect("the user")["attributes"],
        json!({ "seats": 12, "beta": false, "tier": "gold", "plan": "pro" })
    );
    assert!(outcome.stderr.contains("left out: `extra`"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("ann@") && !outcome.stdout.contains("ann@"));
    let fields: Vec<Value> = world.lines("e.ndjson").iter().map(|line| line["field"].clone()).collect();
    assert_eq!(fields, [json!("attributes.seats"), json!("emailAddress")]);
    assert_eq!(world.writes(), ["POST /v2/users"]);
    world.assert_clean();
    world.assert_nowhere(sprig::API_KEY, &[]);
    world.assert_nowhere("ann@example.com", &["users.ndjson", "e.ndjson"]);
}

#[test]
fn an_event_is_sent_once_and_never_again_unseen() {
    let event = "Signed In";
    for (seen, kind) in [("applied", "cut_after"), ("lost", "reset")] {
        let fault = format!(
            "{AT_ONCE}faults = [{{ path = \"/v2/users\", method = \"POST\", from = 2, kind = \"{kind}\" }}]"
        );
        let world = world(&fault);
        let row = json!({ "userId": "u-1", "emailAddress": "u@example.com", "events": [{ "event": event, "timestamp": 1_714_639_000_125_u64 }] });
        world.folder.write("users.ndjson", &format!("{row}\n"));
        let outcome = world.push(&["it.users", "--from", "users.ndjson", "--json"]);
        assert_eq!((outcome.code, counts(&outcome)), (1, [1, 0, 0, 0, 1, 0]), "{seen}: {outcome:?}");
        let again = world.push(&["it.users", "--from", "users.ndjson", "--json"]);
        assert_eq!(again.code, 0, "{seen}: {again:?}");
        let third = world.push(&["it.users", "--from", "users.ndjson", "--json"]);
        assert_eq!(counts(&third), [1, 0, 1, 0, 0, 0], "{seen}: {third:?}");
        let events = user(&world, "u-1").expect("the user")["events"].clone();
        assert_eq!(events[0]["count"], 1, "{seen}: {events}");
        assert_eq!(world.writes().len(), if seen == "applied" { 2 } else { 3 }, "{seen}");
    }
}

#[test]
fn erasure_wants_yes_goes_by_the_hundred_and_knows_both_header_words() {
    let world = world("[sprig]\nswitches = { purge_delay = \"none\" }");
    let users: Vec<Value> = world.truth("users");
    let ids: Vec<&str> = users
        .iter()
        .filter_map(|row| row["externalUserId"].as_str())
        .filter(|id| !id.is_empty() && id.trim() == *id)
        .collect();
    let mut text = "user_id,note\n".to_owned();
    for number in 0..150 {
        text.push_str(&format!("nobody-{number},x\n"));
    }
    for id in ids.iter().take(2) {
        text.push_str(&format!("\"{id}\",x\n"));
    }
    world.folder.write("gone.csv", &text);
    let refused = world.push(&["it.purge", "--from", "gone.csv"]);
    assert_eq!((refused.code, world.running.requests()), (2, 0), "{refused:?}");
    let outcome = world.push(&["it.purge", "--from", "gone.csv", "--yes", "--json"]);
    assert_eq!((outcome.code, counts(&outcome)), (0, [152, 152, 0, 0, 0, 0]), "{outcome:?}");
    assert!(outcome.stderr.contains("knows none of a group of 100"), "{}", outcome.stderr);
    assert_eq!(user(&world, ids[0]), None);
    assert_eq!(user(&world, ids[1]), None);
    assert_eq!(world.writes().len(), 2);
}
