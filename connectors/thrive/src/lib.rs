//! Thrive Learning: what its facts in `connector.toml` cannot say.
//!
//! Credentials and hosts are in `settings`, the walk over users in `pager`, and one module a unified table.

mod events;
mod pager;
mod push;
mod settings;
#[cfg(test)]
mod tests;
mod users;

use userhaul_connector::{
    Computed, Connector, Registration,
    auth::AuthSpec,
    pager::Pager,
    pager_of,
    rows::{Rows, UnifyError},
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, Paging, StreamSpec},
};
use userhaul_record::{Table, Unified};

/// The connector as the registry knows it.
pub const REGISTRATION: Registration = Registration {
    name: "thrive",
    facts: include_str!("../connector.toml"),
    settings: settings::SETTINGS,
    unifies: &[
        ("users", &[Table::Users]),
        ("activities", &[Table::Events]),
        ("completions", &[Table::Events]),
        ("enrolments", &[Table::Events]),
        ("cpd_entries", &[Table::Events]),
    ],
    words: &[users::STANDINGS, events::CONTENT],
    targets: push::TARGETS,
    wire: userhaul_connector::as_facts,
    build,
};

#[derive(Debug)]
struct Thrive {
    spec: ConnectorSpec,
    auth: AuthSpec,
}

fn build(mut spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    let auth = settings::auth(spec.header_auth(), settings, None)?;
    spec.base_url = settings::base_url(&spec, settings)?;
    Ok(Box::new(Thrive { spec, auth }))
}

impl Connector for Thrive {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, _stream: &StreamSpec) -> AuthSpec {
        self.auth.clone()
    }

    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        match &stream.paging {
            Paging::PageNumber(paging) if stream.name == "users" => {
                Box::new(pager::StatusProbe::new(stream, paging))
            }
            _ => pager_of(stream),
        }
    }

    /// No stream has computed columns.
    fn compute(&self, _stream: &StreamSpec, _rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        Ok(Vec::new())
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        match stream.name.as_str() {
            "users" => users::unify(rows, into),
            name => events::unify(name, rows, into),
        }
    }
}
