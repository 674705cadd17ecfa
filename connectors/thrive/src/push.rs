//! What can be written: users and the members of audiences (vendors/thrive.md 4).

mod members;
mod shown;
mod users;

use userhaul_connector::{
    code::Code,
    push::{Answer, Fault, Stop, TargetSpec, Verdict, field_of, reason_of},
};

/// The targets, for the registry.
pub(crate) const TARGETS: &[TargetSpec] = &[users::SPEC, members::SPEC];

/// Statuses of which the answer is looked at (5.1).
const ACCEPT: &[u16] = &[400, 404, 405, 409, 413, 415, 422];

/// A record's fault, from a refusal. The field goes before the reason: the whole row is refused.
fn refusal(record: usize, answer: Answer<'_>) -> Fault {
    let reason = reason_of(answer.body, answer.status);
    let reason = match field_of(answer.body) {
        Some(field) if !reason.contains(&field) => format!("{field}: {reason}"),
        _ => reason,
    };
    Fault { status: Some(answer.status), ..Fault::of_record(record, None, Code::Rejected, reason) }
}

fn forbidden(status: u16) -> Verdict {
    let (code, message, hint) = if status == 403 {
        (
            Code::Forbidden,
            "answered 403: the credential may not write",
            "an OAuth client needs the scope `api/write` or `api/all`; ask the vendor's support for it",
        )
    } else {
        (
            Code::Credentials,
            "answered 401: the credential is wrong or expired",
            "check the tenant and the key, or the client's id and secret",
        )
    };
    Verdict::Stop(Stop { code, message: message.to_owned(), hint: Some(hint.to_owned()) })
}

/// A status that is no row's fault.
fn wrong_request(answer: Answer<'_>) -> Verdict {
    Verdict::Stop(Stop {
        code: Code::VendorError,
        message: format!("answered {}: {}", answer.status, reason_of(answer.body, answer.status)),
        hint: Some("check `base_url` and the environment, or correct the paths under `wire.push`".to_owned()),
    })
}
