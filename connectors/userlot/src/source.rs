//! Where a source is, and its key.

use secrecy::{ExposeSecret, SecretString};
use userhaul_connector::{
    settings::{Settings, SettingsError},
    spec::ConnectorSpec,
};

/// What stands before `/api/v1`. No default: the vendor does not publish where its customers' hosts are (A1).
pub(crate) fn base_url(spec: &ConnectorSpec, settings: &Settings) -> Result<String, SettingsError> {
    let given = settings.text("base_url").or(spec.base_url.as_deref());
    let url = given.map(without_version).filter(|url| !url.is_empty());
    let missing = "every customer has an own host: set `base_url`, `https://acme.userlot.app` for example";
    url.map(str::to_owned).ok_or_else(|| SettingsError::about("base_url", missing))
}

/// The key as it was given (A2: a prefix can be set where one is needed), but for white space around it.
pub(crate) fn key(settings: &Settings) -> Result<SecretString, SettingsError> {
    let key = settings.secret("api_key").map(|key| key.expose_secret().trim()).filter(|key| !key.is_empty());
    key.map(SecretString::from).ok_or_else(|| SettingsError::about("api_key", "`api_key` is empty"))
}

/// A pasted address without the version that each path brings itself (1.1).
fn without_version(url: &str) -> &str {
    let url = url.trim().trim_end_matches('/');
    let before = |path| {
        let rest = url.strip_suffix(path)?.trim_end_matches('/');
        // A host of the name `api` is no path.
        rest.contains("://").then_some(rest)
    };
    before("/api/v1").or_else(|| before("/api")).unwrap_or(url)
}
