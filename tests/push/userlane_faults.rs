//! 2,500 users to a Userlane that refuses, stumbles and dies in between.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    support::{World, counts},
    userlane::{IMPORT, values, world},
};

const PATH: &str = "/v1/properties/k3f9a/attributes/import";

/// 2,500 users: every 500th is refused by value, and of those that begin with `poison` a whole body is.
fn users(world: &World) {
    let mut text = "user_id,plan,seats\n".to_owned();
    for number in 0..2500 {
        let name = match number {
            7 | 1208 | 2499 => "poison",
            _ if number % 500 == 3 => "bad",
            _ => "good",
        };
        text.push_str(&format!("{name}-{number},plan {},{number}\n", number % 3));
    }
    world.folder.write("users.csv", &text);
}

fn pushed(world: &World) -> BTreeMap<String, u64> {
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for row in world.truth("user_attributes") {
        let user = row["userId"].as_str().expect("an id");
        if user.starts_with("good-") || user.starts_with("bad-") || user.starts_with("poison-") {
            *found.entry(user.to_owned()).or_default() += 1;
        }
    }
    found
}

#[test]
fn good_rows_are_applied_bad_ones_are_told_and_mended_ones_follow() {
    let world = world(&format!(
        "[userlane]\nswitches = {{ refused_users = \"bad-\", poisoned_users = \"poison-\" }}\nfaults = [\
         {{ path = \"{PATH}\", from = 2, kind = \"status\", status = 429, headers = {{ Retry-After = \"0\" }} }},\
         {{ path = \"{PATH}\", from = 4, kind = \"status\", status = 500 }},\
         {{ path = \"{PATH}\", from = 6, kind = \"cut_after\" }}]"
    ));
    users(&world);
    let outcome = world.push(&["it.attributes", "--from", "users.csv", "--errors", "e.ndjson", "--json"]);
    assert_eq!((outcome.code, counts(&outcome)), (3, [2500, 2492, 0, 8, 0, 0]), "{}", outcome.stderr);
    let good = pushed(&world);
    assert_eq!(good.len(), 2492);
    assert!(good.iter().all(|(user, values)| user.starts_with("good-") && *values == 2), "{good:?}");
    let errors = world.lines("e.ndjson");
    let of = |status: u64| errors.iter().filter(|line| line["status"] == status).count();
    // Two values of each of five refused users, and one line for each of the three that are refused whole.
    assert_eq!((errors.len(), of(207), of(422)), (13, 10, 3));
    assert_eq!(
        errors[0],
        json!({ "row": 4, "input": { "user_id": "bad-3", "plan": "plan 0", "seats": "3" }, "status": 207,
            "code": "rejected", "field": "plan", "reason": "this user's values are refused" })
    );
    assert_eq!(errors[2]["reason"], "this user cannot be written");
    assert!(outcome.stderr.contains("`e.ndjson` holds the rows"), "{}", outcome.stderr);

    let before = world.writes().len();
    let mended = std::fs::read_to_string(world.folder.path().join("e.ndjson")).expect("the file");
    world.folder.write("mended.ndjson", &mended.replace("bad-", "good-b").replace("poison-", "good-p"));
    let again = world.push(&["it.attributes", "--from", "mended.ndjson", "--errors", "e.ndjson", "--json"]);
    assert_eq!((again.code, counts(&again)), (0, [8, 8, 0, 0, 0, 0]), "{}", again.stderr);
    assert_eq!((pushed(&world).len(), world.writes().len() - before), (2500, 1));
    assert_eq!(world.lines("e.ndjson"), Vec::<serde_json::Value>::new());
    // And what was good is not sent again.
    let whole = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
    assert_eq!(counts(&whole), [2500, 0, 2492, 8, 0, 0], "{}", whole.stderr);
}

#[test]
fn a_kill_in_the_middle_and_a_repeat_give_what_an_undisturbed_push_gives() {
    let world = world(&format!(
        "[userlane]\nfaults = [{{ path = \"{PATH}\", from = 3, kind = \"delay\", ms = 600000 }}]"
    ));
    users(&world);
    let mut child = world.folder.start(&["push", "it.attributes", "--from", "users.csv"]);
    // The third request (the second of values) is on its way, and is not answered.
    while world.writes().len() < 3 {
        std::thread::yield_now();
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let first = pushed(&world).len();
    assert_eq!(first, 1000);
    let outcome = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
    assert_eq!((outcome.code, counts(&outcome)), (0, [2500, 1500, 1000, 0, 0, 0]), "{}", outcome.stderr);
    assert_eq!(pushed(&world).values().sum::<u64>(), 5000);
    // One of definitions, one that was applied, one that died, two that were left.
    assert_eq!(world.writes(), [IMPORT; 5]);
    world.assert_clean();
    assert!(world.folder.files().iter().all(|path| !path.contains("journal") && !path.contains("/read-")));
}

#[test]
fn a_signal_finishes_the_request_and_the_next_push_goes_on() {
    let world = world(&format!(
        "[userlane]\nfaults = [{{ path = \"{PATH}\", from = 2, kind = \"delay\", ms = 1500 }}]"
    ));
    users(&world);
    let child = world.folder.start(&[
        "push",
        "it.attributes",
        "--from",
        "users.csv",
        "--json",
        "--errors",
        "e.ndjson",
    ]);
    while world.writes().len() < 2 {
        std::thread::yield_now();
    }
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
    let outcome = crate::folder::Outcome::from(child.wait_with_output().expect("it ends"));
    assert_eq!((outcome.code, counts(&outcome)), (143, [2500, 1000, 0, 0, 0, 1500]), "{}", outcome.stderr);
    assert_eq!(outcome.json()["status"], "interrupted");
    assert_eq!(world.lines("e.ndjson").len(), 1500);
    let again = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
    assert_eq!(counts(&again), [2500, 1500, 1000, 0, 0, 0], "{}", again.stderr);
}

#[test]
fn a_vendor_that_says_yes_and_does_nothing_is_found_out() {
    let body = "{\\\"errors\\\":[]}";
    let world = world(&format!(
        "[userlane]\nfaults = [{{ path = \"{PATH}\", from = 2, kind = \"status\", status = 200, body = \"{body}\" }}]"
    ));
    world.folder.write("users.csv", "user_id,plan\nu-1,pro\n");
    let outcome =
        world.push(&["it.attributes", "--from", "users.csv", "--verify", "--errors", "e.ndjson", "--json"]);
    assert_eq!((outcome.code, counts(&outcome)), (1, [1, 0, 0, 1, 0, 0]), "{outcome:?}");
    assert_eq!(world.lines("e.ndjson")[0]["code"], "not_applied");
    let again = world.push(&["it.attributes", "--from", "users.csv", "--verify", "--json"]);
    assert_eq!((again.code, values(&world, "property", "u-1")), (0, json!({ "plan": "pro" })), "{again:?}");
    // Without `--verify` the counter would have told, where there is one.
    let body = "{\\\"userValuesApplied\\\":0,\\\"errors\\\":[]}";
    let world = self::world(&format!(
        "[userlane]\nfaults = [{{ path = \"{PATH}\", from = 2, kind = \"status\", status = 200, body = \"{body}\" }}]"
    ));
    world.folder.write("users.csv", "user_id,plan\nu-1,pro\n");
    let outcome = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
    assert_eq!(
        (outcome.code, outcome.json()["error"]["code"].as_str()),
        (1, Some("import_ignored")),
        "{outcome:?}"
    );
}

#[test]
fn refusals_of_the_credential_stop_everything_and_are_explained() {
    for (switch, code, words) in [
        ("not_admin = \"on\"", "forbidden", "must be a company admin"),
        ("rotate_token_after = \"2\"", "credentials", "replaced by a newer one"),
    ] {
        let world = world(&format!("[userlane]\nswitches = {{ {switch} }}"));
        world.folder.write("users.csv", "user_id,plan\nu-1,pro\nu-2,free\n");
        let outcome = world.push(&["it.attributes", "--from", "users.csv", "--json", "--errors", "e.ndjson"]);
        assert_eq!((outcome.code, counts(&outcome)), (1, [2, 0, 0, 0, 0, 2]), "{outcome:?}");
        assert_eq!(outcome.json()["error"]["code"], code);
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
        assert!(world.writes().len() <= 1, "{:?}", world.writes());
        assert_eq!(world.lines("e.ndjson")[0]["code"], "not_sent");
    }
}

#[test]
fn an_answer_that_cannot_be_mapped_or_read_leaves_the_rows_unknown() {
    for body in
        ["{\\\"errors\\\":[{\\\"userId\\\":\\\"nobody\\\",\\\"reason\\\":\\\"x\\\"}]}", "{\\\"ok\\\":true}"]
    {
        let world = world(&format!(
            "[userlane]\nfaults = [{{ path = \"{PATH}\", from = 2, kind = \"status\", status = 207, body = \"{body}\" }}]"
        ));
        world.folder.write("users.csv", "user_id,plan\nu-1,pro\n");
        let outcome = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
        assert_eq!((outcome.code, counts(&outcome)), (1, [1, 0, 0, 0, 1, 0]), "{outcome:?}");
        let again = world.push(&["it.attributes", "--from", "users.csv", "--json"]);
        assert_eq!((again.code, counts(&again)), (0, [1, 1, 0, 0, 0, 0]), "{again:?}");
    }
}
