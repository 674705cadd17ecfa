//! A credential that is refused: what is asked with it nevertheless, and what is told.

use futures::future::join_all;

use super::script::{Script, client, get, ok, reply, wide};
use crate::{ErrorKind, Reason};

/// A source that takes the credential for nothing but these paths.
fn taking(paths: &'static [&'static str]) -> std::sync::Arc<Script> {
    Script::of(|outgoing, _| match paths.contains(&outgoing.url.path()) {
        true => ok(),
        false => reply(401, "no"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_refusal_concerns_what_was_asked_for_alone() {
    let script = taking(&["/v1/users", "/v1/teams"]);
    let client = client(wide(), &script);
    let first = client.send(&get("/tags")).await.expect_err("a refusal");
    assert_eq!((first.kind(), first.status()), (ErrorKind::Credentials, Some(401)));
    assert!(first.hint().is_some_and(|hint| hint.contains("it is wrong, expired")));
    assert!(client.send(&get("/users")).await.is_ok());
    for number in 0..5 {
        let error = client.send(&get(&format!("/other/{number}"))).await.expect_err("a refusal");
        assert_eq!(error.status(), Some(401));
        assert!(error.hint().is_some_and(|hint| hint.contains("it was taken for other requests")));
    }
    assert!(client.send(&get("/teams")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_nothing_takes_is_not_sent_again_after_three_addresses() {
    let script = taking(&[]);
    let client = client(wide(), &script);
    for path in ["/users", "/users", "/teams", "/tags"] {
        let error = client.send(&get(path)).await.expect_err("a refusal");
        assert_eq!(error.status(), Some(401));
    }
    let error = client.send(&get("/tasks")).await.expect_err("a refusal");
    assert_eq!((error.kind(), error.status(), error.attempts().requests), (ErrorKind::Credentials, None, 0));
    assert!(matches!(error.reason(), Reason::RefusedBefore { at } if at.len() == 3));
    assert!(
        error.to_string().ends_with(
            "was not asked: `https://api.example/v1/users`, `https://api.example/v1/teams`, \
             `https://api.example/v1/tags` answered 401, and nothing has taken the credential"
        ),
        "{error}"
    );
    assert_eq!(script.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn behind_a_refusal_requests_go_out_one_after_the_other() {
    let script = taking(&[]);
    let client = client(wide(), &script);
    // One address, as with the windows of one stream: eight in flight at once.
    let same: Vec<_> = (0..8).map(|_| get("/users")).collect();
    let others: Vec<_> = (0..30).map(|number| get(&format!("/other/{number}"))).collect();
    let errors = join_all(same.iter().chain(&others).map(|request| client.send(request))).await;
    assert!(errors.iter().all(Result::is_err));
    assert_eq!(script.asked().len(), 8 + 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_frees_those_that_wait_behind_a_refusal() {
    let script = Script::of(|outgoing, _| match outgoing.url.path() {
        "/v1/tags" => reply(401, "no"),
        _ => ok(),
    });
    let client = client(wide(), &script);
    let requests: Vec<_> =
        ["/tags"].into_iter().map(get).chain((0..20).map(|number| get(&format!("/a/{number}")))).collect();
    let answers = join_all(requests.iter().map(|request| client.send(request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_request_has_cost_is_told() {
    let script = Script::play(vec![ok().after(std::time::Duration::from_secs(5))]);
    let shared = client(wide(), &script);
    let client = shared.with_own_account();
    let request = get("/users");
    let wait = tokio::time::timeout(std::time::Duration::from_secs(1), client.send(&request));
    assert!(wait.await.is_err());
    assert_eq!(shared.take_unheard().requests, 0);
    assert_eq!((client.take_unheard().requests, client.take_unheard().requests), (1, 0));
    assert_eq!(client.send(&request).await.expect("a page").attempts.requests, 1);
    assert_eq!(client.take_unheard().requests, 0);
}
