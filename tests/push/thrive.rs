//! `thrive.users` and `thrive.audience_members`.

use serde_json::{Value, json};
use userhaul_simulator::{Vendor, thrive};

use crate::support::{World, counts};

fn world(scenario: &str) -> World {
    let source = format!("tenant_id = \"{}\"\napi_key = \"{}\"", thrive::TENANT_ID, thrive::API_KEY);
    World::new(Vendor::Thrive, scenario, &source)
}

fn user(world: &World, reference: &str) -> Option<Value> {
    world.truth("users").into_iter().find(|row| row["ref"] == reference)
}

/// The `ref` of somebody who is active.
fn somebody(world: &World) -> String {
    let users = world.truth("users");
    let found = users
        .iter()
        .find(|row| row["status"] == "active" && row["ref"].as_str().is_some_and(|text| !text.contains(' ')));
    found.expect("somebody is")["ref"].as_str().expect("a ref").to_owned()
}

#[test]
fn users_are_created_updated_and_suspended() {
    let world = world("");
    let known = somebody(&world);
    world.folder.write(
        "users.csv",
        &format!(
            "ref,first_name,last_name,email,role,job_title,start_date,sso,additionalFields.location,active\n\
             NEW-1,Tomas,Lind,tomas@example.com,learner,Planner,2026-03-01,true,Malmö,\n\
             {known},Imani,,,,Engineer,,,,\n{known}-x,,,,,Nobody,,,,\nNEW-2,A,B,b@example.com,boss,,,,,\n\
             NEW-3,C,D,d@example.com,learner,,,,,false\n"
        ),
    );
    let outcome = world.push(&[
        "it.users",
        "--from",
        "users.csv",
        "--errors",
        "e.ndjson",
        "--undo",
        "undo.ndjson",
        "--verify",
        "--json",
    ]);
    assert_eq!((outcome.code, counts(&outcome)), (3, [5, 3, 0, 2, 0, 0]), "{outcome:?}");
    let created = user(&world, "NEW-1").expect("it is there");
    assert_eq!(
        (&created["firstName"], &created["additionalFields"]),
        (&json!("Tomas"), &json!({ "location": "Malmö" }))
    );
    assert_eq!(
        (&created["singleSignOn"], &created["positions"][0]["title"]),
        (&json!(true), &json!("Planner"))
    );
    assert_eq!(user(&world, &known).expect("it is there")["firstName"], "Imani");
    assert_eq!(user(&world, "NEW-3").expect("it is there")["status"], "inactive");
    let errors: Vec<Value> = world
        .lines("e.ndjson")
        .iter()
        .map(|line| json!([line["row"], line["status"], line["field"]]))
        .collect();
    assert_eq!(errors, [json!([3, 404, null]), json!([4, null, "role"])]);
    let undo = world.lines("undo.ndjson");
    assert!(undo.iter().any(|row| row["ref"] == known.as_str() && row["firstName"] != "Imani"), "{undo:?}");
    let back = world.push(&["it.users", "--from", "undo.ndjson"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(user(&world, "NEW-1").expect("it stays")["status"], "inactive");
    assert_ne!(user(&world, &known).expect("it is there")["firstName"], "Imani");
    world.assert_clean();
    world.assert_nowhere(thrive::API_KEY, &[]);
}

#[test]
fn a_creation_whose_answer_is_lost_is_looked_for_and_never_made_twice() {
    for kind in ["cut_after", "reset"] {
        let world = world(&format!(
            "[thrive]\nfaults = [{{ path = \"/rest/v2/users\", method = \"POST\", kind = \"{kind}\" }}]"
        ));
        world.folder.write("users.csv", "ref,firstName,lastName,email\nNEW-1,Tomas,Lind,t@example.com\n");
        let outcome = world.push(&["it.users", "--from", "users.csv", "--json"]);
        assert_eq!((outcome.code, counts(&outcome)), (0, [1, 1, 0, 0, 0, 0]), "{kind}: {outcome:?}");
        assert_eq!(world.truth("users").iter().filter(|row| row["ref"] == "NEW-1").count(), 1, "{kind}");
        world.assert_clean();
    }
}

#[test]
fn oauth_asks_for_the_right_to_write() {
    let source = format!(
        "tenant_id = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"",
        thrive::TENANT_ID,
        thrive::CLIENT_ID,
        thrive::CLIENT_SECRET
    );
    let world = World::new(Vendor::Thrive, "", &source);
    world.folder.write("users.csv", &format!("ref,job_title\n{},Engineer\n", somebody(&world)));
    let outcome = world.push(&["it.users", "--from", "users.csv"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    world.assert_nowhere(thrive::CLIENT_SECRET, &[]);
}

/// A manual audience of the world that has members.
fn audience(world: &World) -> String {
    let members = world.truth("audience_members");
    let audiences = world.truth("audiences");
    let manual = |row: &&Value| {
        let has = members.iter().filter(|member| member["audienceId"] == row["id"]).count();
        row["type"] == "manual" && row["category"] == "audience" && has > 1
    };
    audiences.iter().find(manual).expect("there is one")["id"].as_str().expect("an id").to_owned()
}

fn members(world: &World, audience: &str) -> Vec<String> {
    let rows = world.truth("audience_members");
    rows.iter()
        .filter(|row| row["audienceId"] == audience)
        .map(|row| row["userId"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn members_are_added_and_unknown_ones_are_told() {
    let world = world("");
    let audience = audience(&world);
    let before = members(&world, &audience);
    let fresh: Vec<Value> = world.truth("users");
    let fresh = fresh.iter().find(|row| {
        row["deleted"] == false && !before.contains(&row["id"].as_str().expect("an id").to_owned())
    });
    let fresh = fresh.expect("somebody is no member")["id"].as_str().expect("an id").to_owned();
    world
        .folder
        .write("m.csv", &format!("audience_id,user_id\n{audience},{fresh}\n{audience},nobody\n,{fresh}\n"));
    let outcome =
        world.push(&["it.audience_members", "--from", "m.csv", "--errors", "e.ndjson", "--json", "--verify"]);
    assert_eq!((outcome.code, counts(&outcome)), (3, [3, 1, 0, 2, 0, 0]), "{outcome:?}");
    assert!(members(&world, &audience).contains(&fresh));
    let errors: Vec<Value> = world
        .lines("e.ndjson")
        .iter()
        .map(|line| json!([line["row"], line["status"], line["reason"]]))
        .collect();
    assert_eq!(errors, [json!([2, 207, "User not found"]), json!([3, null, "is missing"])]);
    world.assert_clean();
}

#[test]
fn a_list_is_replaced_whole_with_yes_and_never_by_a_part_of_it() {
    let world = world("");
    let audience = audience(&world);
    let before = members(&world, &audience);
    world.folder.write("one.csv", &format!("audience_id,user_id\n{audience},{}\n", before[0]));
    let refused = world.push(&["it.audience_members", "--from", "one.csv", "--replace"]);
    assert_eq!((refused.code, world.running.requests()), (2, 0), "{refused:?}");
    // A row that is refused would remove its member.
    world.folder.write(
        "part.csv",
        &format!("audience_id,user_id,email\n{audience},{},\n{audience},,no address\n", before[0]),
    );
    let part = world.push(&["it.audience_members", "--from", "part.csv", "--replace", "--yes", "--json"]);
    assert_eq!((part.code, counts(&part)), (1, [2, 0, 0, 2, 0, 0]), "{part:?}");
    assert_eq!(members(&world, &audience), before);
    // And a list without anybody is no list.
    world.folder.write("none.csv", &format!("audience_id,user_id\n{audience},\n"));
    let none = world.push(&["it.audience_members", "--from", "none.csv", "--replace", "--yes", "--json"]);
    assert_eq!((none.code, members(&world, &audience)), (1, before.clone()), "{none:?}");
    let arguments =
        ["it.audience_members", "--from", "one.csv", "--replace", "--yes", "--undo", "undo.ndjson", "--json"];
    let outcome = world.push(&arguments);
    assert_eq!((outcome.code, members(&world, &audience)), (0, vec![before[0].clone()]), "{outcome:?}");
    let back = world.push(&["it.audience_members", "--from", "undo.ndjson", "--replace", "--yes"]);
    let mut after = members(&world, &audience);
    after.sort();
    let mut before = before;
    before.sort();
    assert_eq!((back.code, after), (0, before), "{back:?}");
    assert!(world.writes().iter().all(|line| line.starts_with("PATCH")), "{:?}", world.writes());
    world.assert_clean();
}
