//! Answers that no simulator gives: odd ids, rows beside the range that was asked for, refusals.

use crate::{folder::Folder, scripted::Scripted, vendors};

/// An answer to a survey by a user, as Sprig lists it.
fn answer(number: u32, user: &str, created_at: &str) -> String {
    format!(
        r#"{{"responseGroupUid":"g{number}","surveyId":1,"questionId":2,"questionType":"NPS","response":9,"visitorId":3,
            "visitorUuid":"v{number}","externalUserId":"{user}","createdAt":"{created_at}","updatedAt":"{created_at}"}}"#
    )
}

/// A Sprig with these answers, whatever range is asked for, and with every user.
fn sprig(answers: &[String]) -> Scripted {
    let answers = format!(r#"{{"cursor":null,"data":[{}]}}"#, answers.join(","));
    Scripted::start(move |target| match target.split('?').next().unwrap_or_default() {
        "/v1/responses" => (200, answers.clone()),
        "/v1/surveys" | "/v1/themes" => (404, String::new()),
        user => (200, format!(r#"{{"id":"of {user}","createdAt":1714638990000}}"#)),
    })
}

#[test]
fn an_id_that_no_path_can_carry_counts_as_missing() {
    let ids = [".", "..", "a/../b", "u-1"];
    let answers: Vec<String> =
        (0..).zip(ids).map(|(number, id)| answer(number, id, "2025-05-02T08:30:00.125Z")).collect();
    let vendor = sprig(&answers);
    let folder = Folder::with(&vendors::config(&[vendors::surveys(&vendor.url, "")]));

    let outcome = folder.run(&["sync"]);

    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!((folder.rows("w/surveys/users"), folder.rows("w/surveys/users_missing")), (2, 2));
    let told =
        "surveys.users: 2 ids cannot be sent: addresses take `.` and `..` for folders [ids_unsendable]\n";
    assert!(outcome.stderr.contains(told) && !outcome.stderr.contains("[ids_missing]"), "{}", outcome.stderr);
    let mut asked = vendor.asked("/v2/");
    asked.sort();
    assert_eq!(asked, ["/v2/users/a%2F..%2Fb", "/v2/users/u-1"]);
}

#[test]
fn rows_before_the_start_date_are_dropped_though_a_millisecond_more_is_asked_for() {
    let answers = [answer(0, "", "2025-03-31T23:59:59.999Z"), answer(1, "", "2025-04-01T00:00:00.000Z")];
    let vendor = sprig(&answers);
    let more = "start_date = \"2025-04-01\"\nstreams = [\"responses\"]";
    let folder = Folder::with(&vendors::config(&[vendors::surveys(&vendor.url, more)]));

    let outcome = folder.run(&["sync"]);

    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!((folder.rows("w/surveys/responses"), folder.rows("w/unified/feedback")), (1, 1));
    assert!(vendor.asked("/v1/responses")[0].contains("start=1743465599999"));
}

#[test]
fn a_refused_request_is_not_cut_into_smaller_ones_where_windows_have_no_fixed_length() {
    let vendor = Scripted::start(|target| match target.split('?').next().unwrap_or_default() {
        "/v1/responses" => (400, r#"{"error":"\"start\" must be a valid date"}"#.to_owned()),
        _ => (404, String::new()),
    });
    let more = "streams = [\"responses\"]";
    let folder = Folder::with(&vendors::config(&[vendors::surveys(&vendor.url, more)]));

    let outcome = folder.run(&["sync"]);

    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("must be a valid date"), "{}", outcome.stderr);
    assert_eq!(vendor.asked("/v1/responses").len(), 1);
}
