//! Refusals: of a credential, of a login, of a page's size. What is asked nevertheless, what it costs, what is told.

use serde_json::{Value, json};

use crate::{
    folder::{Folder, Outcome},
    scripted::Scripted,
    vendors::{config, lms},
};

/// What lists of Thrive have in common: `rows` rows, in pages of the size that is asked for.
fn list(target: &str, rows: u64) -> (u16, String) {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str| asked(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    let (page, size) = (number("page"), number("perPage"));
    let ids = ((page - 1) * size)..(page * size).min(rows);
    let results: Vec<Value> =
        ids.map(|id| json!({ "id": format!("r{id}"), "tag": "t", "name": "n" })).collect();
    let pagination =
        json!({ "page": page, "perPage": size, "totalPages": rows.div_ceil(size), "totalResults": rows });
    (200, json!({ "results": results, "pagination": pagination }).to_string())
}

/// The requests that a record tells of.
fn told(outcome: &Outcome) -> u64 {
    let record = outcome.json();
    let streams = record["sources"]["lms"]["streams"].as_object().expect("streams").clone();
    streams.values().filter_map(|stream| stream["requests"].as_u64()).sum()
}

fn errors(outcome: &Outcome, vendor: &Scripted) -> String {
    let text = outcome.stderr.replace(&vendor.url, "[origin]");
    text.lines().skip_while(|line| !line.starts_with("error")).take(4).collect::<Vec<_>>().join("\n")
}

const STREAMS: &str = "streams = [\"tags\", \"audiences\", \"contents\", \"cpd_categories\", \"cpd_requirements\", \
     \"users\", \"skill_levels\"]";

#[test]
fn a_credential_that_one_stream_is_refused_is_asked_for_all_others() {
    let vendor = Scripted::start(|target| match target.split('?').next().unwrap_or_default() {
        "/rest/v1/tags" => (401, r#"{"message":"not yours"}"#.to_owned()),
        _ => list(target, 2),
    });
    let folder =
        Folder::with(&config(&[lms(&vendor.url, "streams = [\"tags\", \"audiences\", \"contents\"]")]));
    let outcome = folder.run(&["sync", "--json"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let told_of = outcome.json()["sources"]["lms"]["streams"].clone();
    assert_eq!(
        (&told_of["audiences"]["status"], &told_of["contents"]["status"]),
        (&json!("ok"), &json!("ok"))
    );
    assert_eq!(vendor.asked("/rest/v1/tags").len(), 1);
    let errors = errors(&outcome, &vendor);
    assert!(
        errors.starts_with(
            "error: lms.tags: `[origin]/rest/v1/tags` answered 401: {\"message\":\"not yours\"} [credentials]\n"
        ),
        "{errors}"
    );
}

#[test]
fn a_credential_that_nothing_takes_is_sent_a_few_times_and_the_answer_is_told_of_those_that_were_asked() {
    let vendor = Scripted::start(|_| (401, r#"{"message":"no"}"#.to_owned()));
    let folder = Folder::with(&config(&[lms(&vendor.url, STREAMS)]));
    let outcome = folder.run(&["sync", "--json"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    // Four in flight, and two that ask one after the other.
    let sent = vendor.asked("/").len() as u64;
    assert!((3..=6).contains(&sent) && told(&outcome) == sent, "{sent}, {} told", told(&outcome));
    let errors = errors(&outcome, &vendor);
    let lines: Vec<&str> = errors.lines().collect();
    assert!(lines[0].contains("` answered 401: {\"message\":\"no\"}; "), "{errors}");
    assert!(lines[1].starts_with("  hint: check the credential: it is wrong"), "{errors}");
    assert!(lines[2].contains(" was not asked: `[origin]/rest/v1/"), "{errors}");
    assert!(lines[2].contains("` answered 401, and nothing has taken the credential; "), "{errors}");
    assert!(lines[3].starts_with("  hint: set the right credential, and run again ("), "{errors}");
}

fn with_login(vendor: &Scripted) -> Folder {
    let source = lms(&vendor.url, STREAMS);
    let source: Vec<&str> = source.lines().filter(|line| !line.starts_with("api_key")).collect();
    let login = "client_id = \"id\"\nclient_secret = \"s3cret/+=&\"";
    Folder::with(&config(&[format!("{}\n{login}\n", source.join("\n"))]))
}

#[test]
fn a_login_that_is_refused_is_tried_in_each_form_once_a_run() {
    let vendor = Scripted::start(|_| (401, r#"{"error":"invalid_client"}"#.to_owned()));
    let folder = with_login(&vendor);
    let outcome = folder.run(&["sync", "--json"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert_eq!((vendor.asked("/oauth2/").len(), vendor.asked("/").len(), told(&outcome)), (2, 2, 2));
    let errors = errors(&outcome, &vendor);
    assert!(
        errors.contains("/oauth2/token/") && errors.contains(" answered 401, tried 2 times in "),
        "{errors}"
    );
}

#[test]
fn a_token_that_nothing_takes_is_had_twice_and_every_request_is_counted() {
    let vendor = Scripted::start(|target| match target.starts_with("/oauth2/") {
        true => (200, r#"{"access_token":"t","token_type":"Bearer"}"#.to_owned()),
        false => (401, "{}".to_owned()),
    });
    let folder = with_login(&vendor);
    let outcome = folder.run(&["sync", "--json"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    let sent = vendor.asked("/").len() as u64;
    assert_eq!((vendor.asked("/oauth2/").len(), told(&outcome)), (2, sent));
    assert!(sent <= 2 + 4 + 4 + 2, "{sent}");
}

#[test]
fn a_page_size_that_is_refused_is_halved_remembered_and_told_once() {
    let bodies = [
        (400, r#"{"message":"perPage must not be greater than 30"}"#),
        (422, r#"{"errors":[{"field":"perPage"}]}"#),
        (413, ""),
        (414, ""),
    ];
    for (status, body) in bodies {
        let vendor = Scripted::start(move |target| {
            let size = target.split("perPage=").nth(1).and_then(|rest| rest.split('&').next());
            let large = size.and_then(|size| size.parse().ok()).is_some_and(|size: u32| size > 30);
            if large { (status, body.to_owned()) } else { list(target, 70) }
        });
        let folder = Folder::with(&config(&[lms(&vendor.url, "")]));
        let outcome = folder.run(&["sync", "lms.tags", "--json"]);
        assert_eq!((outcome.code, folder.rows("w/lms/tags")), (0, 70), "{status}: {}", outcome.stderr);
        // 100, 50, then pages of 25 and the total again.
        assert_eq!(vendor.asked("/").len(), 2 + 3 + 1, "{:?}", vendor.asked("/"));
        let warnings: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("warning")).collect();
        assert!(
            warnings.len() == 1 && warnings[0].ends_with(": asked for 25 rows a page [smaller_pages]"),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_refusal_that_does_not_say_why_is_met_with_half_a_page_once() {
    // Half a page is taken: the size was to blame.
    let vendor = Scripted::start(|target| match target.contains("perPage=100") {
        true => (400, "{}".to_owned()),
        false => list(target, 70),
    });
    let folder = Folder::with(&config(&[lms(&vendor.url, "")]));
    assert_eq!(folder.run(&["sync", "lms.tags"]).code, 0);
    // It is refused as the whole one was, and nothing else is tried.
    let vendor = Scripted::start(|_| (400, "{}".to_owned()));
    let folder = Folder::with(&config(&[lms(&vendor.url, "")]));
    assert_eq!((folder.run(&["sync", "lms.tags"]).code, vendor.asked("/").len()), (1, 2));
}

#[test]
fn what_is_not_proven_says_what_to_do() {
    let vendor = Scripted::start(|target| {
        let (status, body) = list(target, 2);
        (status, body.replace("\"totalResults\":2", "\"totalResults\":9"))
    });
    let folder = Folder::with(&config(&[lms(&vendor.url, "")]));
    let outcome = folder.run(&["sync", "lms.tags"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let hint =
        "[count_differs]\n  hint: if it lasts, the count may include rows that this credential may not see";
    assert!(outcome.stderr.contains(hint), "{}", outcome.stderr);
}
