//! How a credential travels, and that it stays nowhere.

use serde_json::json;

use crate::{
    Declared, SECRET, record,
    server::{Answer, Asked, Server},
};

fn connector(auth: &str) -> String {
    format!(
        "connector = \"crm\"\nauth = {{ {auth} }}\nheaders = {{ X-Version = \"2026-01-01\" }}\n[streams.people]\n\
         path = \"/people\"\nprimary_key = [\"id\"]\nparams = {{ active = \"true\" }}\n[streams.people.columns]\nid = \"id\"\n"
    )
}

fn sync(auth: &str, source: &str, proves: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Declared {
    let server = Server::start(move |asked, _| {
        if asked.path == "/oauth/token" {
            let body =
                format!("{} {}", asked.body, asked.headers.get("authorization").cloned().unwrap_or_default());
            let right =
                asked.method == "POST" && body.contains("client_credentials") && body.contains("scope=a+b");
            return match right {
                true => Answer::json(
                    &json!({ "access_token": "t0ken-for-tests", "expires_in": 3600, "token_type": "bearer" }),
                ),
                false => Answer::refused(400, &body),
            };
        }
        let fixed = asked.headers.get("x-version").map(String::as_str) == Some("2026-01-01")
            && asked.query.get("active").map(String::as_str) == Some("true");
        match fixed && proves(asked) {
            true => Answer::json(&json!([{ "id": 1 }])),
            false => Answer::refused(401, "who are you"),
        }
    });
    let declared = Declared::new(server, &connector(auth), source);
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{auth}: {} {:#?}", outcome.stderr, declared.server.asked());
    assert_eq!(record(&outcome, "people")["rows"], 1);
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(SECRET));
    }
    for file in declared.folder.files() {
        let bytes = std::fs::read(declared.folder.path().join(&file)).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SECRET) && !text.contains("t0ken-for-tests"), "{file}");
    }
    declared
}

fn header(asked: &Asked, name: &str, value: &str) -> bool {
    asked.headers.get(name).map(String::as_str) == Some(value)
}

#[test]
fn every_kind() {
    sync("kind = \"none\"", "", |asked| !asked.headers.contains_key("authorization"));
    sync("kind = \"bearer\"", "token = \"${SECRET}\"", |asked| {
        header(asked, "authorization", &format!("Bearer {SECRET}"))
    });
    sync("kind = \"header\", header = \"X-Api-Key\"", "api_key = \"${SECRET}\"", |asked| {
        header(asked, "x-api-key", SECRET)
    });
    sync(
        "kind = \"header\", header = \"Authorization\", scheme = \"Token\", setting = \"access_key\"",
        "access_key = { env = \"SECRET\" }",
        |asked| header(asked, "authorization", &format!("Token {SECRET}")),
    );
    sync("kind = \"query\", parameter = \"api_token\"", "api_key = \"${SECRET}\"", |asked| {
        asked.query.get("api_token").map(String::as_str) == Some(SECRET)
    });
    // base64 of `ada:s3cr3t-k3y-0f-the-tests`, of the key alone with a colon, and of `key:` before it.
    sync("kind = \"basic\"", "username = \"ada\"\npassword = \"${SECRET}\"", |asked| {
        header(asked, "authorization", "Basic YWRhOnMzY3IzdC1rM3ktMGYtdGhlLXRlc3Rz")
    });
    sync("kind = \"basic\", password = \"\"", "api_key = \"${SECRET}\"", |asked| {
        header(asked, "authorization", "Basic czNjcjN0LWszeS0wZi10aGUtdGVzdHM6")
    });
    sync("kind = \"basic\", username = \"key\"", "api_key = \"${SECRET}\"", |asked| {
        header(asked, "authorization", "Basic a2V5OnMzY3IzdC1rM3ktMGYtdGhlLXRlc3Rz")
    });
}

#[test]
fn oauth_client_credentials() {
    let auth = "kind = \"oauth_client_credentials\", token_url = \"https://login.example.com/oauth/token\", scopes = [\"a\", \"b\"]";
    // The origin of the source's own `base_url` takes the place of the file's.
    let declared = sync(auth, "client_id = \"ada\"\nclient_secret = \"${SECRET}\"", |asked| {
        header(asked, "authorization", "Bearer t0ken-for-tests")
    });
    assert_eq!(declared.server.asked().iter().filter(|asked| asked.path == "/oauth/token").count(), 1);
}

#[test]
fn a_key_in_the_query_is_not_shown_when_it_is_wrong() {
    let server = Server::start(|asked, _| Answer::refused(403, &format!("bad key {:?}", asked.query)));
    let connector = connector("kind = \"query\", parameter = \"key\"");
    let declared = Declared::new(server, &connector, "api_key = \"${SECRET}\"");
    for arguments in [&["check"][..], &["-v", "sync", "--json"]] {
        let outcome = declared.run(arguments);
        assert_eq!(outcome.code, 1, "{}", outcome.stderr);
        assert!(!outcome.stderr.contains(SECRET) && !outcome.stdout.contains(SECRET), "{}", outcome.stderr);
        let told = format!("{}{}", outcome.stderr, outcome.stdout);
        assert!(told.contains("403"), "{told}");
    }
}

#[test]
fn one_stream_may_have_a_credential_of_another_kind() {
    let server = Server::start(|asked, _| {
        let right = match asked.path.as_str() {
            "/people" => {
                header(asked, "authorization", "Basic YWRhOnMzY3IzdC1rM3ktMGYtdGhlLXRlc3Rz")
                    && asked.query.is_empty()
            }
            "/profiles" => {
                asked.query.get("token").map(String::as_str) == Some("other")
                    && !asked.headers.contains_key("authorization")
            }
            _ => header(asked, "x-key", "other"),
        };
        if right { Answer::json(&json!([{ "id": 1 }])) } else { Answer::refused(401, "who are you") }
    });
    let rest = "primary_key = [\"id\"]\ncolumns = { id = \"id\" }\n";
    let connector = format!(
        "connector = \"crm\"\nauth = {{ kind = \"basic\" }}\n[streams.people]\npath = \"/people\"\n{rest}\
         [streams.profiles]\npath = \"/profiles\"\nauth = {{ kind = \"query\", parameter = \"token\" }}\n{rest}\
         [streams.keyed]\npath = \"/keyed\"\nauth = {{ kind = \"header\", header = \"X-Key\" }}\n{rest}"
    );
    let declared = Declared::new(
        server,
        &connector,
        "username = \"ada\"\npassword = \"${SECRET}\"\napi_key = \"other\"",
    );
    let outcome = declared.sync();
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
}
