//! Client credentials: how many tokens are fetched, and where secrets go.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::join_all;
use tokio::time::advance;
use userhaul_connector::{
    auth::AuthSpec,
    quota::QuotaMode,
    request::{Request, Target},
};

use super::script::{Reply, Script, client, oauth, ok, quota, reply, wide};
use crate::{ErrorKind, Reason};

fn token(number: usize, expires_in: &str) -> Reply {
    reply(200, &format!(r#"{{"access_token":"t{number}","token_type":"bEaReR","expires_in":{expires_in}}}"#))
}

/// A login that numbers its tokens, and a source that takes only those from `valid_from` on.
fn world(valid_from: usize) -> std::sync::Arc<Script> {
    let issued = AtomicUsize::new(0);
    Script::of(move |outgoing, _| {
        if outgoing.url.host_str() == Some("login.example") {
            return token(issued.fetch_add(1, Ordering::Relaxed) + 1, "3600").after(Duration::from_secs(1));
        }
        let header = outgoing.headers.get("authorization").and_then(|value| value.to_str().ok());
        let number: usize = header.and_then(|text| text.strip_prefix("Bearer t")?.parse().ok()).unwrap_or(0);
        if number >= valid_from { ok() } else { reply(401, "") }
    })
}

fn logins(script: &Script) -> usize {
    script.asked().iter().filter(|asked| asked.outgoing.url.host_str() == Some("login.example")).count()
}

#[tokio::test(start_paused = true)]
async fn one_token_serves_however_many_wait() {
    let script = world(1);
    let client = client(wide(), &script);
    let request = oauth(Some("api/read"));
    let pages = join_all((0..20).map(|_| client.send(&request))).await;
    assert!(pages.iter().all(Result::is_ok));
    assert_eq!(logins(&script), 1);
    let login = &script.asked()[0];
    assert_eq!(login.form(), "grant_type=client_credentials&scope=api%2Fread");
    assert_eq!(login.header("authorization"), Some("Basic aWQ6czNjcmV0"));
    let attempts: u32 = pages.iter().flatten().map(|page| page.attempts.requests).sum();
    assert_eq!(attempts, 21);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_for_all() {
    let script = world(2);
    let client = client(wide(), &script);
    let request = oauth(None);
    let pages = join_all((0..8).map(|_| client.send(&request))).await;
    assert!(pages.iter().all(Result::is_ok));
    assert_eq!(logins(&script), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_final() {
    let script = world(usize::MAX);
    let error = client(wide(), &script).send(&oauth(None)).await.expect_err("a refusal");
    assert_eq!((error.kind(), error.status(), error.tries()), (ErrorKind::Credentials, Some(401), 2));
    assert_eq!(logins(&script), 2);
}

/// A source whose tokens serve so many requests each. It refuses faster than it answers.
fn sparing(most: u32) -> std::sync::Arc<Script> {
    let issued = AtomicUsize::new(0);
    let used: std::sync::Mutex<std::collections::HashMap<String, u32>> = std::sync::Mutex::default();
    Script::of(move |outgoing, _| {
        if outgoing.url.host_str() == Some("login.example") {
            return token(issued.fetch_add(1, Ordering::Relaxed) + 1, "3600");
        }
        let header = outgoing.headers.get("authorization").and_then(|value| value.to_str().ok());
        let mut used = used.lock().expect("nobody panics");
        let uses = used.entry(header.unwrap_or_default().to_owned()).or_default();
        *uses += 1;
        if *uses > most { reply(401, "") } else { ok().after(Duration::from_millis(50)) }
    })
}

#[tokio::test(start_paused = true)]
async fn a_token_that_others_have_used_up_is_no_wrong_credential() {
    let script = sparing(5);
    let client = client(wide(), &script);
    let request = oauth(None);
    for _ in 0..10 {
        let pages = join_all((0..4).map(|_| client.send(&request))).await;
        assert!(pages.iter().all(Result::is_ok));
    }
    assert_eq!(logins(&script), 8);
}

#[tokio::test(start_paused = true)]
async fn however_many_use_a_token_up_each_is_answered() {
    for most in 1..=5 {
        let script = sparing(most);
        let client = client(wide(), &script);
        client.send(&oauth(None)).await.expect("a page");
        let requests: Vec<Request> = (0..60)
            .map(|number| Request { target: Target::Path(format!("/stream/{number}")), ..oauth(None) })
            .collect();
        let pages = join_all(requests.iter().map(|request| client.send(request))).await;
        let refused = pages.iter().filter(|page| page.is_err()).count();
        assert_eq!(refused, 0, "with {most} requests a token");
    }
}

/// The login goes on, but what it gives is refused from now on.
#[tokio::test(start_paused = true)]
async fn a_credential_that_is_revoked_under_way_is_seen_by_one_token_that_nobody_else_had() {
    let sent = AtomicUsize::new(0);
    let issued = AtomicUsize::new(0);
    let script = Script::of(move |outgoing, _| {
        if outgoing.url.host_str() == Some("login.example") {
            return token(issued.fetch_add(1, Ordering::Relaxed) + 1, "3600");
        }
        if sent.fetch_add(1, Ordering::Relaxed) < 3 { ok() } else { reply(401, "") }
    });
    let client = client(wide(), &script);
    let requests: Vec<Request> = (0..60)
        .map(|number| Request { target: Target::Path(format!("/stream/{number}")), ..oauth(None) })
        .collect();
    let pages = join_all(requests.iter().map(|request| client.send(request))).await;
    assert_eq!(pages.iter().filter(|page| page.is_ok()).count(), 3);
    assert_eq!(logins(&script), 3);
    // What is asked later finds it in the same state, and logs in no more.
    for request in &requests[..5] {
        assert_eq!(client.send(request).await.expect_err("a refusal").status(), Some(401));
    }
    assert_eq!(logins(&script), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_at_nine_tenths_of_its_life() {
    for (life, seconds) in [("100", 100), ("\"100\"", 100), ("null", 3600), ("\"soon\"", 3600)] {
        let script = Script::of(move |outgoing, number| {
            if outgoing.url.host_str() == Some("login.example") { token(number, life) } else { ok() }
        });
        let client = client(wide(), &script);
        for (wait, want) in [(0, 1), (seconds * 89 / 100, 1), (seconds / 50, 2)] {
            advance(Duration::from_secs(wait)).await;
            client.send(&oauth(None)).await.expect("a page");
            assert_eq!(logins(&script), want, "{life} after {wait}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_moves_into_the_form_only_when_refused_in_the_header() {
    let script = Script::of(|outgoing, number| match outgoing.url.host_str() {
        Some("login.example") if outgoing.headers.contains_key("authorization") => reply(401, "{}"),
        Some("login.example") => token(number, "10"),
        _ => ok(),
    });
    let client = client(wide(), &script);
    for _ in 0..2 {
        client.send(&oauth(None)).await.expect("a page");
        advance(Duration::from_secs(20)).await;
    }
    let forms: Vec<_> = script
        .asked()
        .iter()
        .filter(|one| one.outgoing.body.is_some())
        .map(super::script::Asked::form)
        .collect();
    let full = "grant_type=client_credentials&client_id=id&client_secret=s3cret";
    assert_eq!(forms, ["grant_type=client_credentials", full, full]);
}

/// A login that takes one form only, and a request whose secret differs from form to form.
fn special(takes: &'static str) -> (std::sync::Arc<Script>, Request) {
    let script = Script::of(move |outgoing, number| {
        let header = outgoing.headers.get("authorization").and_then(|value| value.to_str().ok());
        match outgoing.url.host_str() {
            Some("login.example") if header != Some(takes) => reply(401, "{}"),
            Some("login.example") => token(number, "3600"),
            _ => ok(),
        }
    });
    let mut request = oauth(None);
    if let AuthSpec::ClientCredentials { client_secret, .. } = &mut request.auth {
        *client_secret = "a+b%c d".into();
    }
    (script, request)
}

/// `id:a+b%c d`, and each of both parts as a form has it.
const AS_IT_IS: &str = "Basic aWQ6YStiJWMgZA==";
const ENCODED: &str = "Basic aWQ6YSUyQmIlMjVjK2Q=";

#[tokio::test(start_paused = true)]
async fn a_secret_is_form_encoded_first_where_that_differs() {
    let (script, request) = special(ENCODED);
    client(wide(), &script).send(&request).await.expect("a page");
    assert_eq!(logins(&script), 1);
    // A vendor that is known to take it as it is gets nothing else in the header.
    let (script, request) = special(AS_IT_IS);
    let mut plain = request;
    if let AuthSpec::ClientCredentials { form_encoded, .. } = &mut plain.auth {
        *form_encoded = false;
    }
    client(wide(), &script).send(&plain).await.expect("a page");
    assert_eq!((logins(&script), script.asked()[0].header("authorization")), (1, Some(AS_IT_IS)));
    let refused = Script::play(vec![reply(401, "{}")]);
    client(wide(), &refused).send(&plain).await.expect_err("a refusal");
    let asked = refused.asked();
    let forms: Vec<_> = asked.iter().map(|one| one.header("authorization")).collect();
    assert_eq!(forms, [Some(AS_IT_IS), None]);
}

#[tokio::test(start_paused = true)]
async fn what_a_login_took_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let (script, request) = special(AS_IT_IS);
    let process = || super::history::keeping(folder.path(), &script);
    process().send(&request).await.expect("a page");
    assert_eq!(logins(&script), 2);
    process().send(&request).await.expect("a page");
    assert_eq!(logins(&script), 3);
    for file in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
        let text = String::from_utf8_lossy(&std::fs::read(file.path()).expect("a file")).into_owned();
        assert!(!format!("{:?}{text}", file.file_name()).contains("a+b"), "{:?}", file.file_name());
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_scope_is_left_out_and_stays_out() {
    let script = Script::of(|outgoing, number| {
        let form = String::from_utf8_lossy(outgoing.body.as_deref().unwrap_or_default()).into_owned();
        match outgoing.url.host_str() {
            Some("login.example") if form.contains("scope") => reply(400, r#"{"error":"invalid_scope"}"#),
            Some("login.example") => token(number, "10"),
            _ => ok(),
        }
    });
    let client = client(wide(), &script);
    for _ in 0..2 {
        client.send(&oauth(Some("api/read"))).await.expect("a page");
        advance(Duration::from_secs(20)).await;
    }
    assert_eq!(logins(&script), 3);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_told_without_the_secret() {
    let script = Script::play(vec![reply(401, r#"{"error":"invalid_client","hint":"s3cret is wrong"}"#)]);
    let client = client(wide(), &script);
    let request = oauth(None);
    let errors = join_all((0..5).map(|_| client.send(&request))).await;
    for error in errors.iter().map(|result| result.as_ref().expect_err("a refusal")) {
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Credentials, &Reason::TokenRefused));
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("s3cret"));
    }
    // Once each way, however many waited, and never again.
    let later = client.send(&get_other()).await.expect_err("a refusal");
    assert_eq!(later.reason(), &Reason::TokenRefused);
    assert_eq!(script.asked().len(), 2);
    let told = errors.iter().flat_map(|result| result.as_ref().err()).chain([&later]);
    assert_eq!(told.map(|error| error.attempts().requests).sum::<u32>(), 2);
}

fn get_other() -> Request {
    Request { target: Target::Path("/teams".to_owned()), ..oauth(None) }
}

/// Nothing tells a wrong secret from a source that takes no token at all: two tokens are enough to see it.
#[tokio::test(start_paused = true)]
async fn tokens_that_are_refused_everywhere_are_had_twice() {
    let script = world(usize::MAX);
    let client = client(wide(), &script);
    let requests: Vec<Request> = (0..20)
        .map(|number| Request { target: Target::Path(format!("/stream/{number}")), ..oauth(None) })
        .collect();
    let errors = join_all(requests.iter().map(|request| client.send(request))).await;
    assert_eq!(logins(&script), 2);
    // Eight in flight with each token, and those that ask one after the other.
    let sent = script.asked().len();
    assert!(sent <= 2 + 8 + 8 + 2, "{sent}");
    let told = errors.iter().flat_map(|result| result.as_ref().err());
    assert_eq!(told.map(|error| error.attempts().requests as usize).sum::<usize>(), sent);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_its_token_keeps_nobody_else_from_being_answered() {
    let issued = AtomicUsize::new(0);
    let script = Script::of(move |outgoing, _| match (outgoing.url.host_str(), outgoing.url.path()) {
        (Some("login.example"), _) => token(issued.fetch_add(1, Ordering::Relaxed) + 1, "3600"),
        (_, "/v1/teams") => reply(401, "not for you"),
        _ => ok(),
    });
    let client = client(wide(), &script);
    for _ in 0..3 {
        client.send(&oauth(None)).await.expect("a page");
        let error = client.send(&get_other()).await.expect_err("a refusal");
        assert_eq!((error.status(), error.excerpt()), (Some(401), Some("not for you")));
    }
    assert!(logins(&script) <= 4, "{}", logins(&script));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_bearer_token_is_the_vendors_fault() {
    for body in ["{}", "[]", r#"{"access_token":"x","token_type":"mac"}"#, r#"{"access_token":""}"#] {
        let error =
            client(wide(), &Script::play(vec![reply(200, body)])).send(&oauth(None)).await.expect_err(body);
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Vendor, &Reason::TokenUnreadable));
    }
}

#[tokio::test(start_paused = true)]
async fn token_calls_to_the_same_origin_count() {
    let mut request = oauth(None);
    if let userhaul_connector::auth::AuthSpec::ClientCredentials { token_url, .. } = &mut request.auth {
        "https://api.example/oauth2/token".clone_into(token_url);
    }
    let script =
        Script::of(
            |outgoing, number| {
                if outgoing.url.path() == "/oauth2/token" { token(number, "3600") } else { ok() }
            },
        );
    let client = client(quota(1, 300, QuotaMode::Window), &script);
    client.send(&request).await.expect("a page");
    assert!(script.times()[1] >= 300.0);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_runs_out_while_its_request_waits_is_renewed_before_sending() {
    let script =
        Script::of(
            |outgoing, number| {
                if outgoing.url.host_str() == Some("login.example") { token(number, "60") } else { ok() }
            },
        );
    let client = client(quota(1, 300, QuotaMode::Window), &script);
    for _ in 0..2 {
        client.send(&oauth(None)).await.expect("a page");
    }
    let last = script.asked().last().cloned().expect("asked");
    assert_eq!(last.header("authorization"), Some("Bearer t3"));
}

#[tokio::test(start_paused = true)]
async fn a_plain_token_endpoint_elsewhere_is_refused() {
    let mut request = oauth(None);
    if let userhaul_connector::auth::AuthSpec::ClientCredentials { token_url, .. } = &mut request.auth {
        "http://login.example/token".clone_into(token_url);
    }
    let script = Script::play(vec![ok()]);
    let error = client(wide(), &script).send(&request).await.expect_err("a refusal");
    assert_eq!((error.kind(), script.asked().len()), (ErrorKind::Settings, 0));
}
