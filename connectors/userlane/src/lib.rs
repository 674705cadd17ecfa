//! Userlane: facts in `connector.toml`, settings and signing here, one file a unified table.

mod events;
mod feedback;
mod metrics;
mod push;
mod settings;
#[cfg(test)]
mod tests;
mod users;
mod wire;
mod words;

use secrecy::SecretString;
use userhaul_connector::auth::AuthSpec;
use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_connector::settings::{Settings, SettingsError};
use userhaul_connector::spec::{ConnectorSpec, StreamSpec};
use userhaul_connector::{Computed, Connector, Registration};
use userhaul_record::{FeedbackKind, Table, Unified};

/// Userlane, as the registry knows it.
pub const REGISTRATION: Registration = Registration {
    name: "userlane",
    facts: include_str!("../connector.toml"),
    settings: settings::SETTINGS,
    unifies: &[
        ("heart_scores", &[Table::Metrics]),
        ("nps_responses", &[Table::Feedback]),
        ("survey_responses", &[Table::Feedback]),
        ("tag_interactions", &[Table::Events]),
        ("guide_events", &[Table::Events]),
        ("guide_progress", &[Table::Events]),
        ("announcement_events", &[Table::Events]),
        ("user_profiles", &[Table::Users]),
    ],
    words: words::ALL,
    targets: push::TARGETS,
    wire: wire::corrections,
    build,
};

struct Userlane {
    spec: ConnectorSpec,
    token: SecretString,
}

fn build(mut spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    settings::check(settings)?;
    let token = settings.secret("token").ok_or_else(|| SettingsError::about("token", "is missing"))?;
    let token = token.clone();
    spec.streams.values_mut().for_each(wire::alias_snake_case);
    Ok(Box::new(Userlane { spec, token }))
}

/// How the token travels.
fn auth(spec: &ConnectorSpec, settings: &Settings) -> Result<AuthSpec, SettingsError> {
    spec.auth.as_ref().expect("the facts say how the token travels").sign_with(settings)
}

impl Connector for Userlane {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, stream: &StreamSpec) -> AuthSpec {
        AuthSpec::of(self.spec.auth_of(stream), &self.token)
    }

    fn compute(&self, _stream: &StreamSpec, _rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        Ok(Vec::new())
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        match stream.name.as_str() {
            "heart_scores" => metrics::unify(rows, into),
            "nps_responses" => feedback::unify(FeedbackKind::Nps, rows, into),
            "survey_responses" => feedback::unify(FeedbackKind::Survey, rows, into),
            "user_profiles" => users::unify(rows, into),
            _ => events::unify(stream, rows, into),
        }
    }
}
