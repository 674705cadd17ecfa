//! How the credential travels, as far as it is a fact.

use serde::Deserialize;

/// A credential in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderAuth {
    /// The header's name.
    pub header: String,
    /// The word before the credential; none where it stands alone.
    pub scheme: Option<String>,
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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthFile {
    header: String,
    /// `raw`, `bearer`, `basic`, or the word itself.
    scheme: String,
    token_path: Option<String>,
    scope: Option<String>,
}

/// What one endpoint does otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamAuthFile {
    header: Option<String>,
    scheme: Option<String>,
}

impl From<AuthFile> for HeaderAuth {
    fn from(file: AuthFile) -> Self {
        Self {
            header: file.header,
            scheme: word(file.scheme),
            token_path: file.token_path,
            scope: file.scope,
        }
    }
}

impl StreamAuthFile {
    /// The whole of it, over what holds for all endpoints.
    pub(crate) fn over(self, all: Option<&HeaderAuth>) -> Result<HeaderAuth, String> {
        let mut auth = match (all, &self.header) {
            (Some(all), _) => all.clone(),
            (None, Some(header)) => {
                HeaderAuth { header: header.clone(), scheme: None, token_path: None, scope: None }
            }
            (None, None) => return Err("`auth.header` is missing".to_owned()),
        };
        auth.header = self.header.unwrap_or(auth.header);
        if let Some(scheme) = self.scheme {
            auth.scheme = word(scheme);
        }
        Ok(auth)
    }
}

fn word(scheme: String) -> Option<String> {
    match scheme.as_str() {
        "raw" => None,
        "bearer" => Some("Bearer".to_owned()),
        "basic" => Some("Basic".to_owned()),
        _ => Some(scheme),
    }
}
