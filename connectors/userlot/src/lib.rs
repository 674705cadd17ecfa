//! The userlot connector: facts in `connector.toml`, and what facts cannot say. Section and assumption
//! numbers are those of vendors/userlot.md.

mod companies;
mod metrics;
mod source;
mod tasks;
#[cfg(test)]
mod tests;
mod users;

use userhaul_connector::{
    Computed, Connector, Registration,
    auth::AuthSpec,
    rows::{Rows, UnifyError},
    settings::{SettingKind, SettingSpec, SettingValue, Settings, SettingsError},
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::{Attributes, Table, Unified};

/// The connector as the registry knows it.
pub const REGISTRATION: Registration = Registration {
    name: "userlot",
    facts: include_str!("../connector.toml"),
    settings: &[SettingSpec {
        name: "api_key",
        kind: SettingKind::Secret,
        required: true,
        help: "a key of one product, from the product settings under Api Keys",
        example: "\"${USERLOT_API_KEY}\"",
    }],
    unifies: &[
        ("companies", &[Table::Companies]),
        ("company_revenue", &[Table::Metrics]),
        ("end_users", &[Table::Users]),
    ],
    wire: userhaul_connector::as_facts,
    build,
};

struct Userlot {
    spec: ConnectorSpec,
    auth: AuthSpec,
}

fn build(mut spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    spec.base_url = Some(source::base_url(&spec, settings)?);
    let mut trimmed = settings.clone();
    trimmed.set("api_key", SettingValue::Secret(source::key(settings)?));
    let auth = spec.auth.as_ref().expect("the facts say how the key travels").sign_with(&trimmed)?;
    Ok(Box::new(Userlot { auth, spec }))
}

impl Connector for Userlot {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, _stream: &StreamSpec) -> AuthSpec {
        self.auth.clone()
    }

    fn compute(&self, stream: &StreamSpec, rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        if stream.name == "tasks" { tasks::compute(rows) } else { Ok(Vec::new()) }
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        match stream.name.as_str() {
            "companies" => companies::unify(rows, into),
            "company_revenue" => metrics::unify(rows, into),
            "end_users" => users::unify(rows, into),
            _ => Ok(()),
        }
    }
}

/// Custom fields as attributes.
fn attributes<'a>(fields: Vec<(&'a str, Option<&'a str>)>) -> Attributes<'a> {
    fields.into_iter().map(|(name, value)| (name.into(), value.map(Into::into))).collect()
}
