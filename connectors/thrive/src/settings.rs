//! What a user sets for a Thrive source, and what follows: how requests are signed and where they go.

use userhaul_connector::{
    auth::AuthSpec,
    request::encode_segment,
    settings::{SettingKind, SettingSpec, Settings, SettingsError},
};

pub(crate) const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "tenant_id",
        kind: SettingKind::Text,
        required: true,
        help: "The tenant, one a domain and environment",
        example: r#""eu-west-2_AbcdEfghI""#,
    },
    SettingSpec {
        name: "api_key",
        kind: SettingKind::Secret,
        required: false,
        help: "The API key, for HTTP Basic; or else client_id and client_secret",
        example: r#""${THRIVE_API_KEY}""#,
    },
    SettingSpec {
        name: "client_id",
        kind: SettingKind::Text,
        required: false,
        help: "The client's id, for OAuth 2.0 client credentials",
        example: r#""4f2kexample""#,
    },
    SettingSpec {
        name: "client_secret",
        kind: SettingKind::Secret,
        required: false,
        help: "The client's secret, for OAuth 2.0 client credentials",
        example: r#""${THRIVE_CLIENT_SECRET}""#,
    },
    SettingSpec {
        name: "environment",
        kind: SettingKind::Choice(&["production", "staging", "production-mea", "staging-mea"]),
        required: false,
        help: "Where the tenant lives, production unless set; base_url overrides it",
        example: r#""production""#,
    },
    SettingSpec {
        name: "token_url",
        kind: SettingKind::Text,
        required: false,
        help: "The whole URL of the token endpoint, where it is not below base_url",
        example: r#""https://public.api.learn.link/oauth2/token/eu-west-2_AbcdEfghI""#,
    },
];

/// The hosts of <https://docs.thrivelearning.com/apidocs/oauth-api-authentication>; that the data is on the token
/// endpoint's host is A:1 for all but the first.
const HOSTS: &[(&str, &str)] = &[
    ("production", "https://public.api.learn.link"),
    ("staging", "https://public.api.learnstaging.link"),
    ("production-mea", "https://public.api.mea.learn.tech"),
    ("staging-mea", "https://public.api.meastaging.learn.tech"),
];

/// An export only reads; the vendor's reference, section 1.3.
pub(crate) const READ: &str = "api/read";

/// A push writes, and reads what it changes.
pub(crate) const ALL: &str = "api/all";

/// The one credential that is set, for this scope.
pub(crate) fn auth(settings: &Settings, scope: &str) -> Result<AuthSpec, SettingsError> {
    let tenant = settings.text("tenant_id").filter(|tenant| !tenant.is_empty());
    let tenant = tenant.ok_or_else(|| SettingsError::about("tenant_id", "`tenant_id` is missing"))?;
    let client = (settings.text("client_id"), settings.secret("client_secret"));
    match (settings.secret("api_key"), client) {
        (Some(key), (None, None)) => {
            Ok(AuthSpec::Basic { username: tenant.to_owned(), password: key.clone() })
        }
        (None, (Some(id), Some(secret))) => Ok(AuthSpec::ClientCredentials {
            token_url: settings
                .text("token_url")
                .map_or_else(|| format!("/oauth2/token/{}", encode_segment(tenant)), str::to_owned),
            client_id: id.to_owned(),
            client_secret: secret.clone(),
            scope: Some(scope.to_owned()),
        }),
        (Some(_), _) => Err(SettingsError::about(
            "api_key",
            "two credentials: set either `api_key`, or `client_id` and `client_secret`",
        )),
        (None, (Some(_), None)) => {
            Err(SettingsError::about("client_secret", "`client_id` needs `client_secret` too"))
        }
        (None, (None, Some(_))) => {
            Err(SettingsError::about("client_id", "`client_secret` needs `client_id` too"))
        }
        (None, (None, None)) => Err(SettingsError::general(
            "no credential: set either `api_key`, or `client_id` and `client_secret`",
        )),
    }
}

/// The origin that paths are below: the user's, else the environment's, else that of the facts.
pub(crate) fn base_url(facts: Option<&str>, settings: &Settings) -> Result<Option<String>, SettingsError> {
    let chosen = match (settings.text("base_url"), settings.text("environment")) {
        (Some(url), _) => Some(url),
        (None, Some(environment)) => Some(host(environment)?),
        (None, None) => facts,
    };
    Ok(chosen.map(|url| {
        // The vendor calls `…/rest/v1` the base; the token endpoint is not below it.
        let url = url.trim_end_matches('/');
        url.strip_suffix("/rest/v1").unwrap_or(url).trim_end_matches('/').to_owned()
    }))
}

fn host(environment: &str) -> Result<&'static str, SettingsError> {
    let found = HOSTS.iter().find(|(name, _)| *name == environment);
    found
        .map(|(_, host)| *host)
        .ok_or_else(|| SettingsError::about("environment", format!("unknown environment `{environment}`")))
}
