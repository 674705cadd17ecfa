//! How an endpoint wants to be signed: a value. Signing happens in the client.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::spec::HeaderAuth;

/// How a request proves who asks.
///
/// The secrets are redacted in `Debug`.
#[derive(Debug, Clone)]
pub enum AuthSpec {
    /// Not at all.
    Anonymous,
    /// A key in a named header, behind a scheme word where there is one: `ApiKey: k`, `Authorization: Bearer k`.
    Header {
        /// The header's name.
        name: String,
        /// The word before the key, without the space between them.
        scheme: Option<String>,
        /// The key.
        key: SecretString,
    },
    /// `Authorization: Basic base64(username ":" password)`.
    Basic {
        /// The user name, not secret.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// `Authorization: Basic base64(key ":" password)`: the key stands in the place of the user name.
    KeyAsUser {
        /// The key.
        key: SecretString,
        /// The word in the place of the password, mostly empty.
        password: String,
    },
    /// A key in a query parameter of every request.
    Query {
        /// The parameter.
        parameter: String,
        /// The key.
        key: SecretString,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4), then `Authorization: Bearer token`.
    ClientCredentials {
        /// The token endpoint: absolute, or a path below the base URL.
        token_url: String,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: SecretString,
        /// The scope to ask for; left out once where the server calls it invalid.
        scope: Option<String>,
        /// Whether id and secret go form-encoded into the header first (RFC 6749, section 2.3.1), and as they are where
        /// that is refused; or only as they are. Where both are refused, they go into the form.
        form_encoded: bool,
    },
}

impl AuthSpec {
    /// A key as the facts say that it travels; not at all where they say nothing.
    pub fn of(facts: Option<&HeaderAuth>, key: &SecretString) -> Self {
        match facts {
            Some(facts) => {
                Self::Header { name: facts.header.clone(), scheme: facts.scheme.clone(), key: key.clone() }
            }
            None => Self::Anonymous,
        }
    }
    /// A name and a password as the facts say that they travel: encoded together, or else the password alone.
    pub fn of_pair(facts: Option<&HeaderAuth>, username: &str, password: &SecretString) -> Self {
        match facts {
            Some(facts) if facts.is_basic() && facts.header.eq_ignore_ascii_case("authorization") => {
                Self::Basic { username: username.to_owned(), password: password.clone() }
            }
            Some(facts) if facts.is_basic() => {
                let pair = STANDARD.encode(format!("{username}:{}", password.expose_secret()));
                Self::of(Some(facts), &pair.into())
            }
            facts => Self::of(facts, password),
        }
    }
}
