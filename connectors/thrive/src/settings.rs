//! What a user sets for a Thrive source, and what follows: how requests are signed and where they go.

use userhaul_connector::{
    auth::AuthSpec,
    request::encode_segment,
    settings::{SettingKind, SettingSpec, Settings, SettingsError},
    spec::{ConnectorSpec, HeaderAuth},
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

/// A push writes, and reads what it changes; the facts say what an export may do.
pub(crate) const ALL: &str = "api/all";

/// The one credential that is set, for the scope of the facts or another one.
pub(crate) fn auth(
    facts: Option<&HeaderAuth>,
    settings: &Settings,
    scope: Option<&str>,
) -> Result<AuthSpec, SettingsError> {
    let tenant = settings.text("tenant_id").filter(|tenant| !tenant.is_empty());
    let tenant = tenant.ok_or_else(|| SettingsError::about("tenant_id", "`tenant_id` is missing"))?;
    let client = (settings.text("client_id"), settings.secret("client_secret"));
    match (settings.secret("api_key"), client) {
        (Some(key), (None, None)) => Ok(AuthSpec::of_pair(facts, tenant, key)),
        (None, (Some(id), Some(secret))) => Ok(AuthSpec::ClientCredentials {
            token_url: settings.text("token_url").map_or_else(|| token_path(facts, tenant), str::to_owned),
            client_id: id.to_owned(),
            client_secret: secret.clone(),
            scope: scope.or(facts.and_then(|facts| facts.scope.as_deref())).map(str::to_owned),
            form_encoded: false,
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

fn token_path(facts: Option<&HeaderAuth>, tenant: &str) -> String {
    let path = facts.and_then(|facts| facts.token_path.as_deref()).unwrap_or_default();
    path.replace("{tenantId}", &encode_segment(tenant))
}

/// The origin that paths are below: the user's, else the environment's, else that of the facts.
pub(crate) fn base_url(spec: &ConnectorSpec, settings: &Settings) -> Result<Option<String>, SettingsError> {
    let chosen = match (settings.text("base_url"), settings.text("environment")) {
        (Some(url), _) => Some(url),
        (None, Some(environment)) => Some(host(spec, environment)?),
        (None, None) => spec.base_url.as_deref(),
    };
    Ok(chosen.map(|url| {
        // The vendor calls `…/rest/v1` the base; the token endpoint is not below it.
        let url = url.trim_end_matches('/');
        url.strip_suffix("/rest/v1").unwrap_or(url).trim_end_matches('/').to_owned()
    }))
}

fn host<'a>(spec: &'a ConnectorSpec, environment: &str) -> Result<&'a str, SettingsError> {
    let found = spec.hosts.get(environment);
    found
        .map(String::as_str)
        .ok_or_else(|| SettingsError::about("environment", format!("unknown environment `{environment}`")))
}
