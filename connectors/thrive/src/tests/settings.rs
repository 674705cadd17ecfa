use super::*;
use userhaul_connector::auth::AuthSpec;

/// The connector's origin and authentication, or the key and message of its refusal.
fn built(texts: &[(&'static str, &str)], secrets: &[&'static str]) -> Result<(String, String), String> {
    let mut settings = Settings::default();
    for &(name, text) in texts {
        settings.set(name, SettingValue::Text(text.to_owned()));
    }
    for &name in secrets {
        settings.set(name, SettingValue::Secret("hidden".to_owned().into()));
    }
    let built = (crate::REGISTRATION.build)(spec(), &settings);
    let connector = built.map_err(|error| format!("{}: {error}", error.key.unwrap_or("-")))?;
    let auth = match connector.auth(&connector.spec().streams["users"]) {
        AuthSpec::Basic { username, .. } => format!("basic {username}"),
        AuthSpec::ClientCredentials { token_url, client_id, scope, .. } => {
            format!("oauth {client_id} {} at {token_url}", scope.unwrap_or_default())
        }
        other => panic!("no other scheme: {other:?}"),
    };
    Ok((connector.spec().base_url.clone().unwrap_or_default(), auth))
}

fn ok(origin: &str, auth: &str) -> Result<(String, String), String> {
    Ok((origin.to_owned(), auth.to_owned()))
}

#[test]
fn exactly_one_credential() {
    let tenant = ("tenant_id", "eu-west-2_Test00000");
    let refused = |texts: &[_], secrets: &[_]| built(texts, secrets).expect_err("refused");
    assert_eq!(refused(&[], &["api_key"]), "tenant_id: `tenant_id` is missing");
    assert_eq!(
        refused(&[tenant], &[]),
        "-: no credential: set either `api_key`, or `client_id` and `client_secret`"
    );
    let two = "api_key: two credentials: set either `api_key`, or `client_id` and `client_secret`";
    assert_eq!(refused(&[tenant, ("client_id", "c")], &["api_key", "client_secret"]), two);
    assert_eq!(refused(&[tenant, ("client_id", "c")], &["api_key"]), two);
    assert_eq!(refused(&[tenant], &["api_key", "client_secret"]), two);
    assert_eq!(
        refused(&[tenant, ("client_id", "c")], &[]),
        "client_secret: `client_id` needs `client_secret` too"
    );
    assert_eq!(refused(&[tenant], &["client_secret"]), "client_id: `client_secret` needs `client_id` too");
}

#[test]
fn where_requests_go() {
    let tenant = ("tenant_id", "eu-west-2_Test00000");
    let basic = "basic eu-west-2_Test00000";
    assert_eq!(built(&[tenant], &["api_key"]), ok("https://public.api.learn.link", basic));
    for (environment, origin) in [
        ("production", "https://public.api.learn.link"),
        ("staging", "https://public.api.learnstaging.link"),
        ("production-mea", "https://public.api.mea.learn.tech"),
        ("staging-mea", "https://public.api.meastaging.learn.tech"),
    ] {
        assert_eq!(built(&[tenant, ("environment", environment)], &["api_key"]), ok(origin, basic));
    }
    for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/rest/v1/"] {
        let texts = [tenant, ("environment", "staging"), ("base_url", url)];
        assert_eq!(built(&texts, &["api_key"]), ok("http://127.0.0.1:8080", basic));
    }
}

#[test]
fn where_tokens_come_from() {
    let client = [("tenant_id", "eu/1"), ("client_id", "c")];
    let origin = "https://public.api.learn.link";
    assert_eq!(built(&client, &["client_secret"]), ok(origin, "oauth c api/read at /oauth2/token/eu%2F1"));
    let texts = [client[0], client[1], ("token_url", "https://login.example.com/t")];
    assert_eq!(
        built(&texts, &["client_secret"]),
        ok(origin, "oauth c api/read at https://login.example.com/t")
    );
}
