//! `check`, and what a user is told when a source does not answer as it should.

use userhaul_simulator::Vendor;

use crate::{
    folder::{Folder, Outcome},
    scripted::Scripted,
    vendors::{self, closed, config, lms, surveys},
};

const WRONG: &str = "WRONG-KEY-7f3a";

fn wrong(source: String) -> String {
    source.replace("demo-thrive-key", WRONG).replace("demo-sprig-key", WRONG)
}

fn stable(outcome: &Outcome, addresses: &[&str]) -> String {
    let text =
        addresses.iter().fold(outcome.stderr.clone(), |text, address| text.replace(address, "[origin]"));
    text.lines().map(|line| line.split(" ok, ").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_good() {
    let (thrive, sprig) = (vendors::start(Vendor::Thrive, ""), vendors::start(Vendor::Sprig, ""));
    let folder =
        Folder::with(&config(&[lms(&thrive.running.base_url, ""), surveys(&sprig.running.base_url, "")]));
    let outcome = folder.run(&["check"]);
    assert_eq!(
        (outcome.code, stable(&outcome, &[]).as_str(), outcome.stdout.as_str()),
        (0, "lms:\nsurveys:", "")
    );
    assert_eq!((thrive.running.requests(), sprig.running.requests()), (1, 1));
    assert_eq!(folder.run(&["check", "lms"]).code, 0);
    assert_eq!((thrive.running.requests(), sprig.running.requests()), (2, 1));
}

#[test]
fn a_clock_that_differs_is_a_warning_with_a_code() {
    let vendor = Scripted::with_headers("Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n", |_| {
        (200, r#"{"results":[],"pagination":{"totalResults":0,"totalPages":0}}"#.to_owned())
    });
    let folder = Folder::with(&config(&[lms(&vendor.url, "")]));
    let outcome = folder.run(&["check", "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(" s ahead of the vendor's [clock_differs]\n"), "{}", outcome.stderr);
    assert_eq!(outcome.json()[0]["warnings"][0]["code"], "clock_differs");
}

#[test]
fn a_429_within_the_published_limit_is_a_warning_with_a_code() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let vendor = Scripted::with_headers("Retry-After: 0\r\n", move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        (if first { 429 } else { 200 }, r#"{"cursor":null,"data":[]}"#.to_owned())
    });
    let folder = Folder::with(&config(&[surveys(&vendor.url, "")]));
    let outcome = folder.run(&["check"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let told = "warning: surveys: the vendor answered 429 within its published limit; one request every ";
    let line = outcome.stderr.lines().find(|line| line.starts_with(told)).unwrap_or_default();
    assert!(line.ends_with(" ms from now on [quota_stricter]"), "{}", outcome.stderr);
}

#[test]
fn one_bad_of_two_is_partly_done() {
    let (thrive, sprig) = (vendors::start(Vendor::Thrive, ""), vendors::start(Vendor::Sprig, ""));
    let (thrive, sprig) = (&thrive.running.base_url, &sprig.running.base_url);
    let folder = Folder::with(&config(&[wrong(lms(thrive, "")), surveys(sprig, "")]));
    let outcome = folder.run(&["check"]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!(stable(&outcome, &[thrive, sprig]), @r#"
    error: lms: `[origin]/rest/v1/users` answered 401: {"error":"Unauthorized","message":"the tenant id or API key is wrong","status":401} [credentials]
      hint: check the credential: it is wrong, expired or of another account (`api_key` in [sources.lms] of userhaul.toml:4)
    surveys:
    "#);
}

#[test]
fn all_bad_is_failed() {
    let (thrive, sprig) = (vendors::start(Vendor::Thrive, ""), vendors::start(Vendor::Sprig, ""));
    let (thrive, sprig) = (&thrive.running.base_url, &sprig.running.base_url);
    let folder = Folder::with(&config(&[wrong(lms(thrive, "")), wrong(surveys(sprig, ""))]));
    let outcome = folder.run(&["check"]);
    assert_eq!(outcome.code, 1);
    assert!(
        !outcome.stderr.contains(WRONG) && outcome.stderr.contains("[sources.surveys] of userhaul.toml:12"),
        "{outcome:?}"
    );
}

#[test]
fn a_source_that_is_down_is_told_within_seconds() {
    let address = closed();
    let folder = Folder::with(&config(&[lms(&address, "")]));
    let outcome = folder.run(&["sync", "lms.users", "lms.tags", "--json"]);
    assert_eq!(outcome.code, 1);
    let streams = &outcome.json()["sources"]["lms"]["streams"];
    assert_eq!(streams["users"]["error"]["code"], "source_unavailable");
    // Five tries, after at most 0.5 + 1 + 2 + 4 s: the bound is in the number of tries, not in a clock.
    assert!(streams["users"]["requests"].as_u64() <= Some(5));
    let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error")).collect();
    assert!(errors.len() == 1 && errors[0].contains("refused the connection"), "{errors:?}");
    assert!(errors[0].ends_with("1 more stream likewise: tags [source_unavailable]"), "{errors:?}");
    assert!(
        outcome.stderr.contains("  hint: check `base_url` and the network; run again when the source is up")
    );
}

#[test]
fn each_fault_of_a_source_is_named_with_its_remedy() {
    let scenario = r#"
        [thrive]
        faults = [
            { path = "/rest/v1/tags", times = 0, kind = "status", status = 403, body = "ann.lee@example.com may not" },
            { path = "/rest/v1/users", times = 0, kind = "redirect", location = "https://other.example.com/x?k=1" },
            { path = "/rest/v1/audiences", times = 0, kind = "status", status = 404 },
            { path = "/rest/v1/skills", times = 0, kind = "status", status = 418 },
        ]"#;
    let thrive = vendors::start(Vendor::Thrive, scenario);
    let address = &thrive.running.base_url;
    let folder = Folder::with(&config(&[lms(address, "")]));
    let streams = ["lms.tags", "lms.users", "lms.audience_members", "lms.skill_levels", "lms.cpd_categories"];
    let outcome = folder.run(&[&["sync"][..], &streams, &["-q"]].concat());
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!(stable(&outcome, &[address]), @"
    error: lms.users: `[origin]/rest/v1/users` redirects from `[origin]` to `https://other.example.com`, which was not followed [settings]
      hint: check `base_url`: it must be the final address
    error: lms.audiences: `[origin]/rest/v1/audiences` answered 404 [vendor_error]
      hint: check `base_url` and the identifiers in the configuration
    error: lms.audience_members: `audiences`, which it is read from, failed [needs]
      hint: mend what keeps `audiences` from being read
    error: lms.tags: `[origin]/rest/v1/tags` answered 403: ***@*** may not [forbidden]
      hint: check the credential and its permissions: it is wrong, or lacks the scope `api/read` (`api_key` in [sources.lms] of userhaul.toml:4)
    error: lms.skill_levels: `[origin]/rest/v1/skills/levels` answered 418 [vendor_error]
      hint: check `base_url` and the identifiers in the configuration, or correct the facts under `wire`
    ");
    assert!(!folder.files().iter().any(|path| path.starts_with("w/lms/tags/")), "{:?}", folder.files());
    assert_eq!(folder.rows("w/lms/cpd_categories"), 7);
}

#[test]
fn html_with_200_is_no_empty_page() {
    let scenario = "[thrive]\nfaults = [{ path = \"/rest/v1/tags\", times = 0, kind = \"html\" }]";
    let thrive = vendors::start(Vendor::Thrive, scenario);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let outcome = folder.run(&["sync", "lms.tags"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("answered with HTML instead of JSON"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("a wrong host or path often shows a login page"), "{}", outcome.stderr);
}
