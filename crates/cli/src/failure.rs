//! Why a command ends, and with which exit code.

use serde_json::Value;
use userhaul_client::ErrorKind;
pub(crate) use userhaul_connector::code::Code;
pub(crate) use userhaul_storage::reason;

use crate::{
    config::{ConfigError, Problem},
    console::Console,
};

/// The exit codes of contract section 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Ok = 0,
    /// Nothing was done.
    Failed = 1,
    /// Usage or configuration, before any request.
    Usage = 2,
    /// Partly done.
    Partial = 3,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// A command could not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What to tell, each with what to do about it.
    pub(crate) messages: Vec<Message>,
    pub(crate) exit: Exit,
}

/// One thing that is told.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) code: Code,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Message {
    pub(crate) fn tell(&self, before: &str, console: Console, facts: &[(&str, Value)]) {
        console.error_with(self.code, &format!("{before}{}", self.text), self.hint.as_deref(), facts);
    }
}

impl Failure {
    pub(crate) fn new(code: Code, text: impl Into<String>, hint: Option<String>, exit: Exit) -> Self {
        Self { messages: vec![Message { code, text: text.into(), hint }], exit }
    }

    pub(crate) fn usage(code: Code, text: impl Into<String>, hint: Option<String>) -> Self {
        Self::new(code, text, hint, Exit::Usage)
    }

    pub(crate) fn failed(code: Code, text: impl Into<String>, hint: Option<String>) -> Self {
        Self::new(code, text, hint, Exit::Failed)
    }

    /// A file or folder of this machine.
    pub(crate) fn file(act: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let hint = userhaul_storage::remedy(error).map(str::to_owned);
        Self::failed(Code::Output, format!("cannot {act} `{}`: {}", path.display(), reason(error)), hint)
    }

    /// A file that the configuration names.
    pub(crate) fn named_file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::usage(Code::Input, format!("cannot read `{}`: {}", path.display(), reason(error)), None)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let messages = error.problems.iter().map(Message::from).collect();
        Self { messages, exit: Exit::Usage }
    }
}

impl From<&Problem> for Message {
    fn from(problem: &Problem) -> Self {
        Self { code: Code::Settings, text: problem.to_string(), hint: problem.hint.clone() }
    }
}

impl From<userhaul_runner::RunError> for Failure {
    fn from(error: userhaul_runner::RunError) -> Self {
        use userhaul_runner::RunError;
        match &error {
            RunError::Locked { .. } => Self::failed(
                Code::Locked,
                error.to_string(),
                Some("wait until it is over, or stop it".to_owned()),
            ),
            RunError::Destination { path, source } => {
                let hint = match userhaul_storage::lacks_room(source) {
                    true => "make room there and run again",
                    false => "check `path` below `[destination]`, and the permissions there",
                };
                let text = format!("cannot write to `{path}`: {}", reason(source));
                Self::failed(Code::Output, text, Some(hint.to_owned()))
            }
            RunError::Table(table) => Self::failed(table.code(), table.told(), table.hint()),
            _ => Self::failed(Code::Output, error.to_string(), None),
        }
    }
}

impl From<userhaul_runner::push::PushError> for Failure {
    fn from(error: userhaul_runner::push::PushError) -> Self {
        use userhaul_runner::push::PushError;
        match &error {
            PushError::Locked => Self::failed(
                Code::Locked,
                error.to_string(),
                Some("wait until it is over, or stop it".to_owned()),
            ),
            PushError::State { .. } => Self::failed(
                Code::Output,
                error.to_string(),
                Some("remove that folder: everything is then sent again".to_owned()),
            ),
            PushError::Io { act, path, source } => Self::file(act, std::path::Path::new(path), source),
            PushError::Settle(settle) => Self::usage(Code::Settings, settle.to_string(), settle.hint.clone()),
            PushError::Read { hint, .. } => Self::failed(Code::VendorUnread, error.to_string(), hint.clone()),
            _ => Self::failed(Code::Output, error.to_string(), None),
        }
    }
}

/// The exit code of a failure that came before anything was done.
pub(crate) fn exit_of(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::Settings => Exit::Usage,
        _ => Exit::Failed,
    }
}
