//! Codes of what this crate tells: of failures, and of warnings on their way to the log.

use std::fmt::Display;

use userhaul_connector::code::Code;

use crate::error::{ErrorKind, SendError};

/// Warns of what the work goes on without.
pub fn warn(code: Code, text: &str, error: &dyn Display) {
    tracing::event!(tracing::Level::WARN, code = code.word(), %error, "{text}");
}

impl SendError {
    /// What scripts may look for.
    pub fn code(&self) -> Code {
        match self.kind() {
            ErrorKind::Transient => Code::SourceUnavailable,
            ErrorKind::Credentials if self.status() == Some(403) => Code::Forbidden,
            ErrorKind::Credentials => Code::Credentials,
            ErrorKind::Settings => Code::Settings,
            ErrorKind::RateLimited => Code::RateLimited,
            ErrorKind::Vendor => Code::VendorError,
            ErrorKind::Output | ErrorKind::Bug => Code::Internal,
        }
    }
}
