//! What a user can do about a request that failed.

use crate::error::{Detail, ErrorKind, Reason, passing};

pub(crate) fn hint(detail: &Detail) -> Option<String> {
    if detail.kind == ErrorKind::RateLimited {
        return Some(match detail.resume_at {
            Some(at) => format!("run again after {at:.0}: what is done is kept"),
            None => "run again later, or lower the quota: what is done is kept".to_owned(),
        });
    }
    let text = match (&detail.reason, detail.status) {
        (Reason::Refused | Reason::Dns { .. } | Reason::ConnectTimeout | Reason::Connect, _) => {
            "check `base_url` and the network; run again when the source is up"
        }
        (Reason::Tls { .. }, _) => "check `base_url`, and this machine's clock and certificates",
        (Reason::Html, _) => {
            "check `base_url`: a wrong host or path often shows a login page; or sign in to the network"
        }
        (Reason::Status, Some(304)) => {
            "nobody asked whether anything has changed: a cache or proxy in between may be wrong; run again later"
        }
        (Reason::RedirectElsewhere { .. } | Reason::RedirectLoop, _) | (Reason::Status, Some(300..=399)) => {
            "check `base_url`: it must be the final address"
        }
        (Reason::TokenUrl, _) => "use an `https` address for the token endpoint",
        (Reason::TokenRefused, _) => "check the client id, the client secret and the token endpoint",
        (Reason::BadCredential, _) => "check the credential for line breaks and other stray characters",
        (Reason::RefusedBefore { .. }, _) => "set the right credential, and run again",
        (Reason::Status, Some(401)) if detail.is_taken_elsewhere => {
            "check the credential: it was taken for other requests, so it may lack the right to this, or has just expired"
        }
        (Reason::Status, Some(401)) => "check the credential: it is wrong, expired or of another account",
        (Reason::Status, Some(403)) => {
            "check the credential and its permissions: it is wrong, or may not read this"
        }
        (Reason::Status, Some(404)) => "check `base_url` and the identifiers in the configuration",
        (Reason::Timeout { .. } | Reason::TooSlow | Reason::CutShort | Reason::Garbled, _) => {
            "run again later: what is done is kept"
        }
        (Reason::Status, Some(status)) if passing(status) => "run again later: what is done is kept",
        (Reason::Status, Some(_)) => {
            "check `base_url` and the identifiers in the configuration, or correct the facts under `wire`"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
