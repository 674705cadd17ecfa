//! A connector that is facts alone: a file of the user's, or a built-in one that needs no more.
//!
//! Its requests are signed as `auth` says, its pages walked as `paging` says, and its rows become unified records as
//! the `unified` blocks of its streams say.

mod acts;
mod records;
mod unstated;
mod values;

use std::collections::HashMap;

use userhaul_record::Unified;

use crate::{
    auth::AuthSpec,
    connector::{Computed, Connector, pager_of},
    nearest::nearest,
    pager::Pager,
    rows::{Rows, UnifyError},
    settings::{Settings, SettingsError},
    spec::{AuthFacts, ConnectorSpec, SpecError, StreamSpec},
};

struct Declared {
    spec: ConnectorSpec,
    auth: AuthSpec,
    /// What streams are signed with that have a credential, or a header, of their own.
    own: HashMap<String, AuthSpec>,
}

/// Makes a connector of facts and a source's settings.
///
/// # Errors
/// When a setting is missing that `auth` needs.
pub fn build(spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    let auth = spec.auth.as_ref().unwrap_or(&AuthFacts::None).sign_with(settings)?;
    let mut own = HashMap::new();
    for stream in spec.streams.values() {
        if let Some(facts) = stream.signed_with() {
            own.insert(stream.name.clone(), facts.sign_with(settings)?);
        }
    }
    Ok(Box::new(Declared { spec, auth, own }))
}

/// Refuses facts that only a connector with code of its own can use, and those that could not act.
///
/// # Errors
/// When a stream has computed columns, a key or an alias names no field of it, or a fact has no effect.
pub fn check(spec: &ConnectorSpec) -> Result<(), SpecError> {
    let refused = |stream: &StreamSpec, key: &str, message: String| SpecError {
        place: format!("streams.{}.{key}", stream.name),
        message,
    };
    for stream in spec.streams.values() {
        if !stream.table.computed.is_empty() {
            let message = "computed columns need a connector that is built in".to_owned();
            return Err(refused(stream, "computed", message));
        }
        let fields = || stream.table.columns.iter().map(|column| column.field.as_str());
        let keys = [("synthetic_key", &stream.table.synthetic_key), ("generic_key", &stream.generic_key)];
        for (key, named) in keys {
            let named = named.as_deref().filter(|field| !field.is_empty());
            if let Some(field) = named.filter(|named| fields().all(|field| field != *named)) {
                let near = nearest(field, fields()).map(|near| format!("; did you mean `{near}`?"));
                let message = format!("unknown field `{field}`{}", near.unwrap_or_default());
                return Err(refused(stream, key, message));
            }
        }
    }
    acts::check(spec)
}

impl Connector for Declared {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, stream: &StreamSpec) -> AuthSpec {
        self.own.get(&stream.name).unwrap_or(&self.auth).clone()
    }

    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        match stream.paging_stated.0 {
            true => pager_of(stream),
            // One warning a parent would be too many.
            false => Box::new(unstated::Unstated { warns: stream.parent().is_none() }),
        }
    }

    fn compute(&self, _stream: &StreamSpec, _rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        Ok(Vec::new())
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        records::push(&stream.unified, rows, into)
    }
}
