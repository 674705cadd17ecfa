//! Proves to the source who asks.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};
use userhaul_connector::auth::AuthSpec;

use crate::{error::Reason, target::encode};

/// Adds the credential to a request's headers; for client credentials the token that they were exchanged for.
pub(crate) fn sign(
    headers: &mut HeaderMap,
    auth: &AuthSpec,
    token: Option<&SecretString>,
) -> Result<(), Reason> {
    match auth {
        AuthSpec::Anonymous => Ok(()),
        AuthSpec::Header { name, scheme, key } => {
            let name: HeaderName = name.parse().map_err(|_| Reason::BadCredential)?;
            let value = match scheme {
                Some(scheme) => sensitive(&format!("{scheme} {}", key.expose_secret()))?,
                None => sensitive(key.expose_secret())?,
            };
            headers.insert(name, value);
            Ok(())
        }
        AuthSpec::Basic { username, password } => {
            headers.insert(header::AUTHORIZATION, basic(username, password)?);
            Ok(())
        }
        AuthSpec::KeyAsUser { key, password } => {
            let value = sensitive(&format!(
                "Basic {}",
                encoded_pair(key.expose_secret(), &password.as_str().into())
            ))?;
            headers.insert(header::AUTHORIZATION, value);
            Ok(())
        }
        // The key is in the URL: see `in_query`.
        AuthSpec::Query { .. } => Ok(()),
        AuthSpec::ClientCredentials { .. } => {
            if let Some(token) = token {
                let value = sensitive(&format!("Bearer {}", token.expose_secret()))?;
                headers.insert(header::AUTHORIZATION, value);
            }
            Ok(())
        }
    }
}

/// Puts a key that travels in the query there, over whatever the server's own link had under that name.
pub(crate) fn in_query(url: &mut Url, auth: &AuthSpec) {
    let AuthSpec::Query { parameter, key } = auth else { return };
    let is_ours = |pair: &&str| {
        form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name == parameter.as_str())
    };
    let pairs = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<String> = pairs.filter(|pair| !is_ours(pair)).map(str::to_owned).collect();
    pairs.push(format!("{}={}", encode(parameter), encode(key.expose_secret())));
    url.set_query(Some(&pairs.join("&")));
}

/// The value of an `Authorization` header of scheme Basic (RFC 7617).
pub(crate) fn basic(username: &str, password: &SecretString) -> Result<HeaderValue, Reason> {
    if username.contains(':') {
        return Err(Reason::BadCredential);
    }
    sensitive(&format!("Basic {}", encoded_pair(username, password)))
}

/// What must never be shown of a credential, in each form in which it is sent.
pub(crate) fn secrets(auth: &AuthSpec) -> Vec<SecretString> {
    match auth {
        AuthSpec::Anonymous => Vec::new(),
        AuthSpec::Header { key, .. } | AuthSpec::Query { key, .. } => vec![key.clone()],
        AuthSpec::KeyAsUser { key, password } => {
            vec![encoded_pair(key.expose_secret(), &password.as_str().into()).into(), key.clone()]
        }
        AuthSpec::Basic { username: name, password: secret } => {
            vec![encoded_pair(name, secret).into(), secret.clone()]
        }
        AuthSpec::ClientCredentials { client_id: name, client_secret: secret, .. } => {
            let encoded: SecretString = form_encoded(secret.expose_secret()).into();
            vec![
                encoded_pair(name, secret).into(),
                encoded_pair(&form_encoded(name), &encoded).into(),
                encoded,
                secret.clone(),
            ]
        }
    }
}

/// What tells one credential from another. Secret itself: only to be hashed.
pub(crate) fn identity(auth: &AuthSpec) -> SecretString {
    match auth {
        AuthSpec::Anonymous => SecretString::default(),
        // The scheme is left out: one key in two forms is one credential.
        AuthSpec::Header { key, .. } | AuthSpec::Query { key, .. } | AuthSpec::KeyAsUser { key, .. } => {
            key.clone()
        }
        AuthSpec::Basic { username: name, password: secret }
        | AuthSpec::ClientCredentials { client_id: name, client_secret: secret, .. } => {
            format!("{name}\0{}", secret.expose_secret()).into()
        }
    }
}

/// A text as a form has it (`application/x-www-form-urlencoded`).
pub(crate) fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn encoded_pair(username: &str, password: &SecretString) -> String {
    STANDARD.encode(format!("{username}:{}", password.expose_secret()))
}

fn sensitive(text: &str) -> Result<HeaderValue, Reason> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Reason::BadCredential)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(auth: &AuthSpec) -> Result<HeaderMap, Reason> {
        let mut headers = HeaderMap::new();
        sign(&mut headers, auth, Some(&"t0ken".into())).map(|()| headers)
    }

    fn key(scheme: Option<&str>, key: &str) -> AuthSpec {
        AuthSpec::Header { name: "ApiKey".into(), scheme: scheme.map(str::to_owned), key: key.into() }
    }

    #[test]
    fn a_key_goes_into_its_header_and_is_sensitive() {
        let headers = signed(&key(None, "k1")).expect("signed");
        assert_eq!(headers["apikey"], "k1");
        assert!(headers["apikey"].is_sensitive());
        assert!(!format!("{headers:?}").contains("k1"));
        assert_eq!(signed(&key(Some("API-Key"), "k1")).expect("signed")["apikey"], "API-Key k1");
    }

    #[test]
    fn basic_follows_the_rfc() {
        let auth = AuthSpec::Basic { username: "Aladdin".into(), password: "open sesame".into() };
        let headers = signed(&auth).expect("signed");
        assert_eq!(headers[header::AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_key_in_the_place_of_the_user_is_no_less_a_secret() {
        let auth = AuthSpec::KeyAsUser { key: "sk_1".into(), password: String::new() };
        let headers = signed(&auth).expect("signed");
        assert_eq!(headers[header::AUTHORIZATION], "Basic c2tfMTo=");
        assert!(secrets(&auth).iter().any(|secret| secret.expose_secret() == "sk_1"));
    }

    #[test]
    fn a_key_in_the_query_replaces_what_a_link_had() {
        let auth = AuthSpec::Query { parameter: "key".into(), key: "a b&c".into() };
        let mut url: Url = "https://api.example.com/v1/users?page=2&key=old".parse().expect("a URL");
        in_query(&mut url, &auth);
        assert_eq!(url.query(), Some("page=2&key=a%20b%26c"));
        let mut url: Url = "https://api.example.com/v1/users".parse().expect("a URL");
        in_query(&mut url, &auth);
        assert_eq!(url.query(), Some("key=a%20b%26c"));
    }

    #[test]
    fn a_key_with_a_line_break_is_refused() {
        assert_eq!(signed(&key(None, "k1\r\nX: y")).err(), Some(Reason::BadCredential));
    }
}
