//! The userlot connector: facts in `connector.toml`, and what facts cannot say. Section and assumption
//! numbers are those of vendors/userlot.md.

mod companies;
mod metrics;
mod push;
mod source;
mod tasks;
#[cfg(test)]
mod tests;
mod users;

use std::sync::Arc;

use secrecy::SecretString;
use userhaul_connector::{
    Computed, Connector, Registration,
    auth::AuthSpec,
    pager::{Finding, Pager, Unknown},
    pager_of,
    rows::{Rows, UnifyError},
    settings::{SettingKind, SettingSpec, Settings, SettingsError},
    spec::{ConnectorSpec, Paging, StreamSpec},
};
use userhaul_record::{Table, Unified};

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
    words: &[],
    targets: push::TARGETS,
    wire: userhaul_connector::as_facts,
    build,
};

struct Userlot {
    spec: ConnectorSpec,
    key: SecretString,
    /// Whether the lists of single companies have pages: the first one with rows tells for all (3.1, rule 8).
    of_companies: Arc<Finding>,
}

fn build(mut spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    spec.base_url = Some(source::base_url(&spec, settings)?);
    let key = source::key(settings)?;
    Ok(Box::new(Userlot { key, spec, of_companies: Arc::default() }))
}

impl Connector for Userlot {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, stream: &StreamSpec) -> AuthSpec {
        AuthSpec::of(self.spec.auth_of(stream), &self.key)
    }

    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        match stream.paging {
            Paging::Unknown if stream.parent().is_some() => {
                Box::new(Unknown::sharing(Arc::clone(&self.of_companies)))
            }
            _ => pager_of(stream),
        }
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
