//! Every connector, by name. Adding one is a folder under `connectors/` and a line here.

use userhaul_connector::Registration;

use crate::config::ConnectorEntry;

/// The connectors, in alphabetical order.
pub const CONNECTORS: &[&Registration] = &[
    &userhaul_sprig::REGISTRATION,
    &userhaul_thrive::REGISTRATION,
    &userhaul_userlane::REGISTRATION,
    &userhaul_userlot::REGISTRATION,
];

/// A connector by its name.
pub(crate) fn find(name: &str) -> Option<&'static Registration> {
    CONNECTORS.iter().copied().find(|connector| connector.name == name)
}

/// What the configuration must know of the connectors.
pub(crate) fn entries() -> Vec<ConnectorEntry> {
    CONNECTORS
        .iter()
        .map(|connector| ConnectorEntry {
            name: connector.name,
            settings: connector.settings,
            base_url_required: !connector.facts.lines().any(|line| line.starts_with("base_url")),
        })
        .collect()
}
