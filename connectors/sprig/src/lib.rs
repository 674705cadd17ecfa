//! The Sprig connector.
//!
//! `connector.toml` states the facts. Here stands which streams become which unified tables. It leaves asking and
//! writing to others.

mod choices;
mod feedback;
mod pager;
mod push;
mod questions;
mod response;
mod settings;
#[cfg(test)]
mod tests;
mod users;

use std::sync::Arc;

use secrecy::SecretString;
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

/// Sprig, for the registry.
pub const REGISTRATION: Registration = Registration {
    name: "sprig",
    facts: include_str!("../connector.toml"),
    settings: settings::SETTINGS,
    unifies: &[("responses", &[Table::Feedback]), ("users", &[Table::Users])],
    words: &[feedback::KINDS],
    targets: push::TARGETS,
    wire: userhaul_connector::as_facts,
    build,
};

struct Sprig {
    spec: ConnectorSpec,
    api_key: SecretString,
    run: Arc<pager::Run>,
}

fn build(mut spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    let api_key = settings::apply(&mut spec, settings)?;
    let run = Arc::new(pager::Run::new(spec.stream("surveys")));
    Ok(Box::new(Sprig { spec, api_key, run }))
}

impl Connector for Sprig {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, stream: &StreamSpec) -> AuthSpec {
        AuthSpec::of(self.spec.auth_of(stream), &self.api_key)
    }

    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        match &stream.paging {
            Paging::Cursor(paging) => Box::new(pager::List::new(stream, paging, Arc::clone(&self.run))),
            _ => pager_of(stream),
        }
    }

    fn compute(&self, _stream: &StreamSpec, rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        response::compute(rows)
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        match stream.name.as_str() {
            "responses" => feedback::unify(rows, into),
            "users" => users::unify(rows, into),
            _ => Ok(()),
        }
    }
}
