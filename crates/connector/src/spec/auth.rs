//! How a credential travels, as facts; which settings hold it; and both together as a value to sign with.

use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    auth::AuthSpec,
    settings::{SettingKind, Settings, SettingsError},
};

/// How a credential travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthFacts {
    /// Nobody is asked who they are.
    None,
    /// A key in a header.
    Header(HeaderAuth),
    /// User name and password, by HTTP Basic.
    Basic(BasicAuth),
    /// A key in a query parameter.
    Query {
        /// The parameter.
        parameter: String,
        /// The setting of the key.
        setting: String,
    },
    /// OAuth 2.0 client credentials; the settings are `client_id`, `client_secret` and `token_url`.
    ClientCredentials {
        /// The token endpoint: absolute, or a path below the base URL.
        token_url: String,
        /// The scopes, with spaces between them.
        scope: Option<String>,
    },
}

/// A credential in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderAuth {
    /// The header's name.
    pub header: String,
    /// The word before the credential; none where it stands alone.
    pub scheme: Option<String>,
    /// The setting of the credential.
    pub setting: String,
    /// The path of the token endpoint, where tokens are bought with another credential.
    pub token_path: Option<String>,
    /// What such a token may do.
    pub scope: Option<String>,
}

impl HeaderAuth {
    /// Whether the credential is a name and a password, encoded as RFC 7617 has it.
    pub fn is_basic(&self) -> bool {
        self.scheme.as_deref() == Some("Basic")
    }
}

/// What takes the two places of HTTP Basic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BasicAuth {
    /// Two settings.
    Both {
        /// The setting of the user name.
        username: String,
        /// The setting of the password.
        password: String,
    },
    /// A key in the place of the user name, and a fixed word in that of the password.
    KeyFirst {
        /// The setting of the key.
        setting: String,
        /// The word.
        password: String,
    },
    /// A fixed word in the place of the user name, and a key in that of the password.
    KeyLast {
        /// The word.
        username: String,
        /// The setting of the key.
        setting: String,
    },
}

/// A setting that holds a credential or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSetting {
    /// The key in the configuration.
    pub name: String,
    /// What its value is.
    pub kind: SettingKind,
    /// Whether a source is refused without it.
    pub required: bool,
    /// One sentence, without a full stop.
    pub help: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub(crate) enum AuthFile {
    None,
    Header {
        header: String,
        scheme: Option<String>,
        #[serde(default = "api_key")]
        setting: String,
        token_path: Option<String>,
        scope: Option<String>,
    },
    Bearer {
        #[serde(default = "token")]
        setting: String,
    },
    Basic {
        username: Option<String>,
        password: Option<String>,
        username_setting: Option<String>,
        password_setting: Option<String>,
    },
    Query {
        parameter: String,
        #[serde(default = "api_key")]
        setting: String,
    },
    OauthClientCredentials {
        token_url: String,
        #[serde(default)]
        scopes: Vec<String>,
    },
}

/// What one endpoint does otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamAuthFile {
    header: Option<String>,
    scheme: Option<String>,
}

impl StreamAuthFile {
    /// The whole of it, over what holds for all endpoints.
    pub(crate) fn over(self, all: Option<&HeaderAuth>) -> Result<HeaderAuth, String> {
        let mut auth = match (all, &self.header) {
            (Some(all), _) => all.clone(),
            (None, Some(header)) => HeaderAuth {
                header: header.clone(),
                scheme: None,
                setting: api_key(),
                token_path: None,
                scope: None,
            },
            (None, None) => return Err("`auth.header` is missing".to_owned()),
        };
        auth.header = self.header.unwrap_or(auth.header);
        if let Some(scheme) = self.scheme {
            auth.scheme = word(scheme);
        }
        Ok(auth)
    }
}

/// The word before a credential; none for `raw`.
fn word(scheme: String) -> Option<String> {
    match scheme.as_str() {
        "raw" | "" => None,
        "bearer" => Some("Bearer".to_owned()),
        "basic" => Some("Basic".to_owned()),
        _ => Some(scheme),
    }
}

fn api_key() -> String {
    "api_key".to_owned()
}

fn token() -> String {
    "token".to_owned()
}

impl AuthFile {
    pub(crate) fn read(self) -> Result<AuthFacts, String> {
        Ok(match self {
            Self::None => AuthFacts::None,
            Self::Header { header, scheme, setting, token_path, scope } => {
                let scheme = scheme.and_then(word);
                AuthFacts::Header(HeaderAuth { header, scheme, setting, token_path, scope })
            }
            Self::Bearer { setting } => {
                let (header, scheme) = ("Authorization".to_owned(), Some("Bearer".to_owned()));
                AuthFacts::Header(HeaderAuth { header, scheme, setting, token_path: None, scope: None })
            }
            Self::Basic { username, password, username_setting, password_setting } => {
                AuthFacts::Basic(basic(username, password, username_setting, password_setting)?)
            }
            Self::Query { parameter, setting } => AuthFacts::Query { parameter, setting },
            Self::OauthClientCredentials { token_url, scopes } => {
                let scope = (!scopes.is_empty()).then(|| scopes.join(" "));
                AuthFacts::ClientCredentials { token_url, scope }
            }
        })
    }
}

fn basic(
    username: Option<String>,
    password: Option<String>,
    username_setting: Option<String>,
    password_setting: Option<String>,
) -> Result<BasicAuth, String> {
    let twice = |part: &str| format!("`{part}` is fixed and a setting at once: leave out one of the two");
    match (username, password) {
        (Some(_), Some(_)) => {
            Err("`username` and `password` are both fixed: secrets are settings".to_owned())
        }
        (Some(_), None) if username_setting.is_some() => Err(twice("username")),
        (None, Some(_)) if password_setting.is_some() => Err(twice("password")),
        (Some(username), None) => {
            Ok(BasicAuth::KeyLast { username, setting: password_setting.unwrap_or_else(api_key) })
        }
        (None, Some(password)) => {
            Ok(BasicAuth::KeyFirst { setting: username_setting.unwrap_or_else(api_key), password })
        }
        (None, None) => Ok(BasicAuth::Both {
            username: username_setting.unwrap_or_else(|| "username".to_owned()),
            password: password_setting.unwrap_or_else(|| "password".to_owned()),
        }),
    }
}

impl AuthFacts {
    /// With every path of a token endpoint put through `path`.
    pub(crate) fn prefixed(self, path: &dyn Fn(String) -> String) -> Self {
        match self {
            Self::Header(header) => {
                Self::Header(HeaderAuth { token_path: header.token_path.map(path), ..header })
            }
            other => other,
        }
    }

    /// The settings that a source needs for it.
    pub fn settings(&self) -> Vec<AuthSetting> {
        let setting = |name: &str, kind: SettingKind, required: bool, help: &'static str| AuthSetting {
            name: name.to_owned(),
            kind,
            required,
            help,
        };
        let secret = |name: &str, help: &'static str| setting(name, SettingKind::Secret, true, help);
        match self {
            Self::None => Vec::new(),
            Self::Header(HeaderAuth { setting: name, .. })
            | Self::Query { setting: name, .. }
            | Self::Basic(
                BasicAuth::KeyFirst { setting: name, .. } | BasicAuth::KeyLast { setting: name, .. },
            ) => {
                vec![secret(name, "The key that the vendor gave you")]
            }
            Self::Basic(BasicAuth::Both { username, password }) => vec![
                setting(username, SettingKind::Text, true, "The user's name, for HTTP Basic"),
                secret(password, "The user's password, for HTTP Basic"),
            ],
            Self::ClientCredentials { .. } => vec![
                setting("client_id", SettingKind::Text, true, "The client's id, for OAuth 2.0"),
                secret("client_secret", "The client's secret, for OAuth 2.0"),
                setting("token_url", SettingKind::Text, false, "Another token endpoint than the connector's"),
            ],
        }
    }

    /// The value that requests are signed with.
    ///
    /// # Errors
    /// When a setting is missing.
    pub fn sign_with(&self, settings: &Settings) -> Result<AuthSpec, SettingsError> {
        Ok(match self {
            Self::None => AuthSpec::Anonymous,
            Self::Header(HeaderAuth { header, scheme, setting, .. }) => AuthSpec::Header {
                name: header.clone(),
                scheme: scheme.clone(),
                key: secret(settings, setting)?,
            },
            Self::Query { parameter, setting } => {
                AuthSpec::Query { parameter: parameter.clone(), key: secret(settings, setting)? }
            }
            Self::Basic(BasicAuth::Both { username, password }) => AuthSpec::Basic {
                username: text(settings, username)?.to_owned(),
                password: secret(settings, password)?,
            },
            Self::Basic(BasicAuth::KeyFirst { setting, password }) => {
                AuthSpec::KeyAsUser { key: secret(settings, setting)?, password: password.clone() }
            }
            Self::Basic(BasicAuth::KeyLast { username, setting }) => {
                AuthSpec::Basic { username: username.clone(), password: secret(settings, setting)? }
            }
            Self::ClientCredentials { token_url, scope } => AuthSpec::ClientCredentials {
                token_url: token_endpoint(token_url, settings),
                client_id: text(settings, "client_id")?.to_owned(),
                client_secret: secret(settings, "client_secret")?,
                scope: scope.clone(),
                form_encoded: true,
            },
        })
    }
}

/// The user's token endpoint; else the facts', below the user's base URL where there is one (contract section 2).
fn token_endpoint(facts: &str, settings: &Settings) -> String {
    if let Some(own) = settings.text("token_url") {
        return own.to_owned();
    }
    let path = facts.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest.split_at(at).1));
    match path {
        Some(path) if settings.has("base_url") => path.to_owned(),
        _ => facts.to_owned(),
    }
}

fn secret(settings: &Settings, name: &str) -> Result<SecretString, SettingsError> {
    settings.secret(name).cloned().ok_or_else(|| SettingsError::general(format!("missing key `{name}`")))
}

fn text<'a>(settings: &'a Settings, name: &str) -> Result<&'a str, SettingsError> {
    settings.text(name).ok_or_else(|| SettingsError::general(format!("missing key `{name}`")))
}
