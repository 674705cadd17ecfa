//! `plan`: what a sync would do, told before and after one.

use serde_json::{Value, json};
use userhaul_simulator::Vendor;

use crate::{
    folder::Folder,
    vendors::{self, config, lms, surveys},
};

fn stream<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let streams = plan["streams"].as_array().expect("a list");
    streams.iter().find(|stream| stream["stream"] == name).expect("a stream")
}

#[test]
fn before_and_after_a_run() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let plan = folder.run(&["plan", "--json"]).json();
    assert_eq!(thrive.running.requests(), 0);
    assert_eq!(
        (&stream(&plan, "users")["requests_are"], &stream(&plan, "users")["slices"]),
        (&json!("at_least"), &json!(1))
    );
    assert_eq!(stream(&plan, "skill_levels")["requests_are"], "exact");
    assert_eq!(stream(&plan, "audience_members")["slices"], Value::Null);
    assert_eq!(plan["sources"][0]["requests_are"], "at_least");
    let text = folder.run(&["plan"]);
    assert!(
        text.stdout.contains("\nlms: at least ")
            && text.stdout.contains(" under the quota of 1000 requests per 1s\n"),
        "{}",
        text.stdout
    );

    let record = folder.run(&["sync", "--json"]).json();
    let plan = folder.run(&["plan", "--json"]).json();
    for (name, done) in record["sources"]["lms"]["streams"].as_object().expect("streams") {
        let planned = stream(&plan, name);
        assert_eq!(planned["requests"], done["requests"], "{name}");
        assert_eq!(planned["bytes"], done["bytes_received"], "{name}");
        assert_eq!(planned["files"], done["files"], "{name}");
    }
    assert_eq!(stream(&plan, "users")["requests_are"], "estimated");
    assert!(folder.run(&["plan"]).stdout.contains("\nlms: about "));
    assert_eq!(folder.run(&["plan", "lms.nope"]).code, 2);
}

#[test]
fn minutes_under_the_quota() {
    let sprig = vendors::start(Vendor::Sprig, "");
    for mode in ["window", "paced"] {
        let minutes = |requests: f64| {
            if mode == "window" { (requests / 10.0).ceil() - 1.0 } else { (requests - 1.0) / 10.0 }
        };
        let folder = Folder::with(&config(&[surveys(&sprig.running.base_url, "")]));
        assert_eq!(folder.run(&["sync", "surveys.users", "surveys.responses"]).code, 0);
        let limited = surveys(
            &sprig.running.base_url,
            &format!("rate_limit = {{ requests = 10, per = \"1m\", mode = \"{mode}\" }}"),
        );
        folder.write("userhaul.toml", &config(&[limited]));
        let plan = folder.run(&["plan", "--json", "surveys.users", "surveys.responses"]).json();
        let source = &plan["sources"][0];
        let requests = source["requests"].as_f64().expect("a number");
        let told = source["minutes"].as_f64().expect("a number");
        assert!(
            requests > 20.0 && (told - minutes(requests)).abs() < 1e-6,
            "{mode}: {requests} requests, {told} minutes"
        );
    }
}
