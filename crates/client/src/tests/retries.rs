//! Which failures are repeated, when, and what is told in the end.

use std::time::Duration;

use futures::future::join_all;
use userhaul_connector::request::Target;

use super::script::{Script, client, fault, get, observed, ok, reply, wide};
use crate::{ErrorKind, Event, Limit, Reason, SendError, gzip::compress};

async fn failure(replies: Vec<super::script::Reply>) -> SendError {
    client(wide(), &Script::play(replies)).send(&get("/users")).await.expect_err("a failure")
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_back_whole_and_signed() {
    let script = Script::play(vec![ok().with("x-total", "7")]);
    let mut request = get("/users");
    request.query = vec![("page".into(), "1".into())];
    let page = client(wide(), &script).send(&request).await.expect("a page");
    assert_eq!(
        (page.status, page.headers.get("X-Total"), &*page.body),
        (200, Some("7"), &b"{\"ok\":true}"[..])
    );
    assert_eq!((page.attempts.requests, page.attempts.wire_bytes), (1, 11));
    let asked = &script.asked()[0];
    assert_eq!(asked.outgoing.url.as_str(), "https://api.example/v1/users?page=1");
    assert_eq!(asked.header("apikey"), Some("s3cret-key"));
    assert_eq!(asked.header("accept-encoding"), Some("gzip"));
}

#[tokio::test(start_paused = true)]
async fn a_request_may_be_sent_from_any_thread() {
    fn movable<T: Send>(future: T) -> T {
        future
    }
    let client = client(wide(), &Script::play(vec![ok()]));
    let request = get("/users");
    assert!(movable(client.send(&request)).await.is_ok());
    assert!(movable(client.open(&request)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn passing_failures_are_repeated_until_they_pass() {
    let script = Script::play(vec![reply(503, ""), fault(Reason::CutShort), reply(500, "<html>"), ok()]);
    let (client, diary) = observed(wide(), &script);
    let page = client.send(&get("/users")).await.expect("a page");
    assert_eq!((page.attempts.requests, page.attempts.retries), (4, 3));
    let retries = diary.events().iter().filter(|event| matches!(event, Event::Retrying { .. })).count();
    assert_eq!(retries, 3);
}

#[tokio::test(start_paused = true)]
async fn six_tries_are_enough_and_the_error_says_so() {
    let error = failure(vec![reply(502, "gate s3cret-key of ann@example.com")]).await;
    assert_eq!((error.kind(), error.status(), error.tries()), (ErrorKind::Transient, Some(502), 6));
    assert_eq!(error.limit(), Limit::Tries(6));
    assert_eq!(error.excerpt(), Some("gate *** of ***@***"));
    let text = error.to_string();
    assert!(text.starts_with("`https://api.example/v1/users` answered 502, tried 6 times in "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_told_within_fifteen_seconds() {
    let error = failure(vec![fault(Reason::Refused)]).await;
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Transient, 5));
    assert!(error.elapsed() < Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn lasting_statuses_fail_at_once_with_their_kind() {
    for (status, kind) in [
        (304, ErrorKind::Settings),
        (400, ErrorKind::Vendor),
        (401, ErrorKind::Credentials),
        (403, ErrorKind::Credentials),
        (404, ErrorKind::Vendor),
        (410, ErrorKind::Vendor),
        (422, ErrorKind::Vendor),
        (501, ErrorKind::Vendor),
        (505, ErrorKind::Vendor),
        (599, ErrorKind::Vendor),
    ] {
        let error = failure(vec![reply(status, "")]).await;
        assert_eq!((error.kind(), error.status(), error.tries()), (kind, Some(status), 1), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_status_is_an_answer() {
    let mut request = get("/users/9");
    request.accept = vec![404];
    let page = client(wide(), &Script::play(vec![reply(404, "{}")])).send(&request).await.expect("a page");
    assert_eq!(page.status, 404);
}

#[tokio::test(start_paused = true)]
async fn no_content_is_an_empty_page_and_so_is_an_empty_body() {
    for status in [200, 204] {
        let page =
            client(wide(), &Script::play(vec![reply(status, "")])).send(&get("/x")).await.expect("a page");
        assert_eq!((page.status, page.body.len()), (status, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_repeated_once() {
    let error = failure(vec![reply(409, "")]).await;
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Vendor, 2));
}

#[tokio::test(start_paused = true)]
async fn html_is_repeated_twice_and_never_a_page() {
    let page = reply(200, " \n<!DOCTYPE html><title>Sign in</title>")
        .with("content-type", "text/html; charset=utf-8");
    let error = failure(vec![page.clone()]).await;
    assert_eq!((error.kind(), error.tries(), error.reason()), (ErrorKind::Vendor, 3, &Reason::Html));
    assert!(error.hint().is_some_and(|hint| hint.contains("base_url")));
    let script = Script::play(vec![page.clone(), page, ok()]);
    assert!(client(wide(), &script).send(&get("/users")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn wrong_encodings_are_asked_for_once_more_without() {
    let zipped = ok().with("content-encoding", "gzip").bytes(compress(b"[1]"));
    let page = client(wide(), &Script::play(vec![zipped.clone()])).send(&get("/x")).await.expect("a page");
    assert_eq!(&*page.body, b"[1]");

    let script = Script::play(vec![ok().with("content-encoding", "gzip"), ok()]);
    let one = client(wide(), &script);
    for _ in 0..2 {
        one.send(&get("/x")).await.expect("a page");
    }
    let codings: Vec<_> =
        script.asked().iter().map(|asked| asked.header("accept-encoding").map(str::to_owned)).collect();
    assert_eq!(codings, ["gzip", "identity", "identity"].map(|coding| Some(coding.to_owned())));

    let error = failure(vec![ok().with("content-encoding", "br")]).await;
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Vendor, 2));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_with_its_connection_must_be_whole_json() {
    let mut cut = ok().bytes(b"{\"rows\":[1,2".to_vec());
    cut.headers.clear();
    let mut whole = ok();
    whole.headers.clear();
    let script = Script::play(vec![cut, whole]);
    let page = client(wide(), &script).send(&get("/x")).await.expect("a page");
    assert_eq!((page.attempts.retries, &*page.body), (1, &b"{\"ok\":true}"[..]));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_at_its_timeout() {
    let script = Script::play(vec![ok().after(Duration::from_secs(121)), ok()]);
    let page = client(wide(), &script).send(&get("/x")).await.expect("a page");
    assert_eq!(page.attempts.requests, 2);
    assert!(script.times()[1] >= 120.0);
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_at_home_only() {
    let script = Script::play(vec![reply(301, "").with("location", "/v2/users"), ok()]);
    assert!(client(wide(), &script).send(&get("/users")).await.is_ok());
    assert_eq!(script.asked()[1].outgoing.url.as_str(), "https://api.example/v2/users");

    // A hop is no try that failed.
    let error = failure(vec![reply(301, "").with("location", "/v2/users"), reply(404, "")]).await;
    assert_eq!((error.tries(), error.attempts().requests), (1, 2));

    let script = Script::play(vec![reply(302, "").with("location", "https://evil.example/x?k=1")]);
    let error = client(wide(), &script).send(&get("/users")).await.expect_err("a refusal");
    let want =
        Reason::RedirectElsewhere { from: "https://api.example".into(), to: "https://evil.example".into() };
    assert_eq!((error.kind(), error.reason(), script.asked().len()), (ErrorKind::Settings, &want, 1));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_loop_ends_after_five_hops() {
    let script = Script::of(|_, number| reply(302, "").with("location", &format!("/v1/{number}")));
    let error = client(wide(), &script).send(&get("/users")).await.expect_err("a loop");
    assert_eq!((error.reason(), script.asked().len()), (&Reason::RedirectLoop, 6));
}

#[tokio::test(start_paused = true)]
async fn a_link_to_another_origin_is_refused_before_sending() {
    let script = Script::play(vec![ok()]);
    let mut request = get("/x");
    request.target = Target::Url("https://evil.example/next".into());
    let error = client(wide(), &script).send(&request).await.expect_err("a refusal");
    assert_eq!((error.kind(), script.asked().len()), (ErrorKind::Vendor, 0));
}

#[tokio::test(start_paused = true)]
async fn the_retry_budget_is_shared() {
    let script = Script::play(vec![reply(503, "")]);
    let client = client(wide(), &script);
    let requests: Vec<_> = (0..20).map(|_| get("/x")).collect();
    let errors = join_all(requests.iter().map(|request| client.send(request))).await;
    assert!(errors.iter().any(|error| error.as_ref().is_err_and(|error| error.limit() == Limit::Budget)));
    // 20 first tries, 10 retries, and a fifth of all.
    assert!(script.asked().len() <= 38, "{}", script.asked().len());
}

#[tokio::test(start_paused = true)]
async fn an_open_body_is_read_piece_by_piece() {
    let script = Script::play(vec![reply(503, ""), ok()]);
    let mut body = client(wide(), &script).open(&get("/list")).await.expect("a body");
    assert_eq!(body.head.status, 200);
    assert_eq!(body.chunk().await.expect("a piece").as_deref(), Some(&b"{\"ok\":true}"[..]));
    assert_eq!(body.chunk().await.expect("an end"), None);
    assert_eq!((body.attempts().requests, body.attempts().wire_bytes), (2, 11));
}

fn payload(repeatable: bool) -> crate::Payload {
    crate::Payload { body: Some("{}".into()), content_type: Some("application/json"), repeatable }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_written_again_only_where_that_does_no_harm() {
    let mut request = get("/users");
    request.method = userhaul_connector::request::Method::Post;
    for (first, arrived) in [
        (fault(Reason::CutShort), true),
        (reply(500, ""), true),
        (reply(422, ""), false),
        (fault(Reason::Html), true),
    ] {
        let script = Script::play(vec![first.clone(), ok()]);
        let error = client(wide(), &script).write(&request, &payload(false)).await.expect_err("a failure");
        assert_eq!((script.asked().len(), error.may_have_arrived()), (1, arrived));
        let script = Script::play(vec![first, ok()]);
        let written = client(wide(), &script).write(&request, &payload(true)).await;
        assert_eq!((written.is_ok(), script.asked().len()), (arrived, if arrived { 2 } else { 1 }));
    }
    let never =
        [fault(Reason::Refused), fault(Reason::Connect), reply(429, "").with("retry-after", "1"), ok()];
    let script = Script::play(never.to_vec());
    assert!(client(wide(), &script).write(&request, &payload(false)).await.is_ok());
    let asked = script.asked();
    assert_eq!(
        (asked.len(), asked[3].header("content-type"), asked[3].form().as_str()),
        (4, Some("application/json"), "{}")
    );
}
