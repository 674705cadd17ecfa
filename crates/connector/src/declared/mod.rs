//! A connector that is facts alone: a file of the user's, or a built-in one that needs no more.
//!
//! Its requests are signed as `auth` says, its pages walked as `paging` says, and its rows become unified records as
//! the `unified` blocks of its streams say.

mod records;
mod values;

use userhaul_record::Unified;

use crate::{
    auth::AuthSpec,
    connector::{Computed, Connector},
    rows::{Rows, UnifyError},
    settings::{Settings, SettingsError},
    spec::{AuthFacts, ConnectorSpec, SpecError, StreamSpec},
};

struct Declared {
    spec: ConnectorSpec,
    auth: AuthSpec,
}

/// Makes a connector of facts and a source's settings.
///
/// # Errors
/// When a setting is missing that `auth` needs.
pub fn build(spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    let auth = spec.auth.as_ref().unwrap_or(&AuthFacts::None).sign_with(settings)?;
    Ok(Box::new(Declared { spec, auth }))
}

/// Refuses facts that only a connector with code of its own can use.
///
/// # Errors
/// When a stream has computed columns.
pub fn check(spec: &ConnectorSpec) -> Result<(), SpecError> {
    match spec.streams.values().find(|stream| !stream.table.computed.is_empty()) {
        Some(stream) => Err(SpecError {
            place: format!("streams.{}.computed", stream.name),
            message: "computed columns need a connector that is built in".to_owned(),
        }),
        None => Ok(()),
    }
}

impl Connector for Declared {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, _stream: &StreamSpec) -> AuthSpec {
        self.auth.clone()
    }

    fn compute(&self, _stream: &StreamSpec, _rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        Ok(Vec::new())
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        stream.unified.iter().try_for_each(|block| records::push(block, rows, into))
    }
}
