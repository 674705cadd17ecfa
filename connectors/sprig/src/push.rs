//! What can be written: users, and erasure requests (vendors/sprig.md 4.1, 4.2).

mod purge;
mod users;

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{Answer, Stop, TargetSpec, Verdict, reason_of},
    settings::{Settings, SettingsError},
    spec::ConnectorSpec,
};

/// The targets, for the registry.
pub(crate) const TARGETS: &[TargetSpec] = &[users::SPEC, purge::SPEC];

/// Statuses of which the answer is looked at (5.1).
const ACCEPT: &[u16] = &[400, 404, 405, 409, 413, 415, 422];

/// One key, two scheme words (1.4), both as reading has them.
struct Auth {
    /// As most endpoints want it.
    general: AuthSpec,
    /// As the endpoint of users wants it.
    of_users: AuthSpec,
}

fn auth(spec: &ConnectorSpec, settings: &Settings) -> Result<Auth, SettingsError> {
    let key = settings.secret("api_key");
    let key = key.ok_or_else(|| SettingsError::about("api_key", "a key is needed"))?;
    let users = spec.stream("users").and_then(|users| spec.auth_of(users));
    Ok(Auth { general: AuthSpec::of(spec.header_auth(), key), of_users: AuthSpec::of(users, key) })
}

fn forbidden(status: u16) -> Verdict {
    Verdict::Stop(Stop {
        code: Code::Credentials,
        message: format!("answered {status}: the key is missing, wrong, or of another environment"),
        hint: Some(
            "take the key of the environment that is written to; Admins and Developers see it".to_owned(),
        ),
    })
}

/// A status that is no row's fault.
fn wrong_request(answer: Answer<'_>) -> Verdict {
    Verdict::Stop(Stop {
        code: Code::VendorError,
        message: format!("answered {}: {}", answer.status, reason_of(answer.body, answer.status)),
        hint: Some("check `base_url`, or correct the paths under `wire.push`".to_owned()),
    })
}
