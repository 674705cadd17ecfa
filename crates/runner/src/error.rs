//! Why a stream failed.

use userhaul_client::{ErrorKind, SendError};
use userhaul_connector::{
    code::Code, decode::DecodeError, pager::PagingError, plan::PlanError, rows::UnifyError,
};
use userhaul_sink::SinkError;

use crate::panics;

/// A stream failed. Holds no personal data and no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The source did not answer as it should.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A page cannot be read.
    #[error("`{path}`, page {page}: {source}")]
    Decode {
        /// The path that was asked.
        path: String,
        /// The page's number in its walk, from 1.
        page: u64,
        /// Why.
        source: DecodeError,
    },
    /// A long answer is no array of rows of bounded size.
    #[error("`{path}` sent an answer that is {what}")]
    Body {
        /// The path that was asked.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The pages contradict each other.
    #[error("`{path}`: {source}")]
    Paging {
        /// The path that was asked.
        path: String,
        /// How.
        source: PagingError,
    },
    /// No plan can be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The server does not filter by date as it is asked to.
    #[error("rows more than two days outside the window {window} came back: the date filter is ignored")]
    FilterIgnored {
        /// The window.
        window: String,
    },
    /// No row of a page has the column by which the stream is cut.
    #[error("no row of a page has `{column}`, by which the stream is cut")]
    SchemaMismatch {
        /// The column.
        column: String,
    },
    /// Two rows of a page have one primary key, though the facts say that it is unique, if nothing else is found.
    #[error("two rows of one page have the same primary key")]
    KeyRepeats,
    /// A full snapshot lost more than half of its rows.
    #[error("{rows} rows came where {before} stand in the table")]
    Shrunk {
        /// Rows that came.
        rows: u64,
        /// Rows of the table as it stands.
        before: u64,
    },
    /// A stream that this one needs failed.
    #[error("`{stream}`, which it is read from, failed")]
    Needs {
        /// The other stream.
        stream: String,
    },
    /// The destination failed.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A newer version of the program wrote the checkpoint.
    #[error(
        "`{path}` was written by a newer version of userhaul (format version {found}, this one knows {known})"
    )]
    NewerState {
        /// The file.
        path: String,
        /// Its format's version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The archived run was refused here.
    #[error("`{path}` answered {status} in the archived run")]
    Refused {
        /// The path that was asked.
        path: String,
        /// The status.
        status: u16,
    },
    /// The archive does not hold what is needed.
    #[error("the archive has {what}")]
    NotArchived {
        /// What is missing.
        what: String,
        /// The archived walk came to its end before that.
        behind_the_end: bool,
    },
    /// A file of the archive is not as it was written.
    #[error("`{path}` is damaged")]
    ArchiveDamaged {
        /// The file.
        path: String,
    },
    /// A table has rows of runs after the last one that is archived.
    #[error("the table was written by run {run_id}, which is not archived")]
    Ahead {
        /// The run.
        run_id: String,
    },
    /// A folder or file of the destination failed.
    #[error("cannot {act} `{path}`: {source}")]
    Folder {
        /// What was tried.
        act: &'static str,
        /// The path.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The connector asks for a column that its facts do not have: a bug.
    #[error(transparent)]
    Unify(#[from] UnifyError),
    /// The run was asked to end.
    #[error("ended before the stream was read")]
    Stopped,
    /// A panic, or a worker that is gone: a bug.
    #[error("internal error: {what}")]
    Bug {
        /// What happened.
        what: String,
    },
}

impl StreamError {
    /// The archive does not hold something at all.
    pub(crate) fn not_archived(what: String) -> Self {
        Self::NotArchived { what, behind_the_end: false }
    }

    /// A connector or this program panicked on this thread. What was said then may quote a row, and is not told.
    pub(crate) fn panicked() -> Self {
        let place = panics::take_place().map(|place| format!(" at {place}")).unwrap_or_default();
        Self::Bug { what: format!("the reading of the stream panicked{place}") }
    }

    /// What is to be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Send(error) => error.kind(),
            Self::Decode { .. }
            | Self::Body { .. }
            | Self::Paging { .. }
            | Self::FilterIgnored { .. }
            | Self::SchemaMismatch { .. }
            | Self::KeyRepeats
            | Self::Shrunk { .. }
            | Self::Refused { .. }
            | Self::NotArchived { .. }
            | Self::Needs { .. } => ErrorKind::Vendor,
            Self::Plan(_) => ErrorKind::Settings,
            Self::Stopped => ErrorKind::Transient,
            Self::Sink(error) => match error.kind() {
                userhaul_sink::ErrorKind::Output => ErrorKind::Output,
                userhaul_sink::ErrorKind::Vendor => ErrorKind::Vendor,
                _ => ErrorKind::Bug,
            },
            Self::Folder { .. }
            | Self::NewerState { .. }
            | Self::ArchiveDamaged { .. }
            | Self::Ahead { .. } => ErrorKind::Output,
            Self::Unify(_) | Self::Bug { .. } => ErrorKind::Bug,
        }
    }

    /// The message with the system's reason, where the destination failed.
    pub fn told(&self) -> String {
        match self {
            Self::Sink(SinkError::Io { source, .. }) => {
                format!("{self}: {}", userhaul_storage::reason(source))
            }
            Self::Sink(SinkError::Parquet { source, .. }) => format!("{self}: {source}"),
            Self::Sink(SinkError::Rewrite { source }) => format!("{self}: {source}"),
            Self::Folder { act, path, source } => {
                format!("cannot {act} `{path}`: {}", userhaul_storage::reason(source))
            }
            _ => self.to_string(),
        }
    }

    /// A word that scripts may look for.
    pub fn code(&self) -> Code {
        match self {
            Self::Send(error) => error.code(),
            Self::Decode { source: DecodeError::NullKey { .. }, .. } => Code::NullKey,
            Self::Decode { source: DecodeError::NoItems { .. } | DecodeError::NoKey { .. }, .. } => {
                Code::SchemaMismatch
            }
            Self::Decode { .. } | Self::Body { .. } => Code::InvalidPage,
            Self::Paging { source: PagingError::CursorLoop { .. }, .. } => Code::CursorLoop,
            Self::Paging { .. } => Code::Paging,
            Self::Plan(_) => Code::Settings,
            Self::FilterIgnored { .. } => Code::FilterIgnored,
            Self::SchemaMismatch { .. } => Code::SchemaMismatch,
            Self::KeyRepeats => Code::KeyRepeats,
            Self::Shrunk { .. } => Code::Shrunk,
            Self::Needs { .. } => Code::Needs,
            Self::NewerState { .. } => Code::NewerState,
            Self::Refused { .. } => Code::VendorError,
            Self::NotArchived { .. } => Code::NotArchived,
            Self::ArchiveDamaged { .. } => Code::ArchiveDamaged,
            Self::Ahead { .. } => Code::ArchiveBehind,
            Self::Sink(_) | Self::Folder { .. } => Code::Output,
            Self::Stopped => Code::Interrupted,
            Self::Unify(_) | Self::Bug { .. } => Code::Internal,
        }
    }

    /// What the user can do, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Send(error) => error.hint(),
            Self::Decode { source: DecodeError::NoKey { column, .. }, .. } => Some(format!(
                "the vendor may name `{column}` otherwise: `userhaul streams --wire` prints the names in force, and \
                 `aliases` under `wire` adds another (docs/corrections.md)"
            )),
            Self::Decode { source: DecodeError::NoItems { .. } | DecodeError::NullKey { .. }, .. } => {
                Some("the vendor may name it otherwise: correct the facts under `wire`".to_owned())
            }
            Self::Decode { source: DecodeError::NotAnObject { .. }, .. } => {
                Some("the rows may stand elsewhere in the answer: correct `items` under `wire`".to_owned())
            }
            Self::Plan(_) => Some("set `start_date` for the source, or under `[defaults]`".to_owned()),
            Self::FilterIgnored { .. } => {
                Some("the date parameters may have other names: correct the facts under `wire`".to_owned())
            }
            Self::SchemaMismatch { .. } => {
                Some("the vendor may name the field otherwise: correct the facts under `wire`".to_owned())
            }
            Self::NewerState { .. } => Some(
                "use that version, or forget the checkpoint with `userhaul state reset` to read everything anew"
                    .to_owned(),
            ),
            Self::NotArchived { .. } => Some("`archive = true` on the source keeps what the next `sync` reads".to_owned()),
            Self::ArchiveDamaged { .. } => Some("remove the file and the one beside it, and run `sync`".to_owned()),
            Self::Ahead { .. } => {
                Some("the table was kept; `sync --full` brings table and archive to one state".to_owned())
            }
            Self::Sink(_) | Self::Folder { .. } => {
                let remedy = userhaul_storage::remedy(self.system()?)?;
                Some(format!("{remedy}; every table is as it was or as it will be"))
            }
            Self::Needs { stream } => Some(format!("mend what keeps `{stream}` from being read")),
            Self::Shrunk { .. } => Some(
                "the old table was kept; if the rows are really gone, run again with `--allow-shrink`"
                    .to_owned(),
            ),
            Self::Bug { .. } | Self::Unify(_) => {
                Some("this is a bug: please report it; other streams are not concerned".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the destination has no room left.
    pub(crate) fn lacks_room(&self) -> bool {
        self.system().is_some_and(userhaul_storage::lacks_room)
    }

    /// The answer of the system, where the destination failed.
    fn system(&self) -> Option<&std::io::Error> {
        match self {
            Self::Sink(SinkError::Io { source, .. }) | Self::Folder { source, .. } => Some(source),
            Self::Sink(SinkError::Rewrite { source }) => source.downcast_ref::<Self>()?.system(),
            _ => None,
        }
    }

    /// Whether a smaller slice may succeed.
    pub(crate) fn smaller_may_help(&self) -> bool {
        match self {
            Self::Send(error) => {
                matches!(error.status(), Some(400 | 413 | 414 | 422 | 500 | 502 | 503 | 504))
                    || matches!(
                        error.reason(),
                        userhaul_client::Reason::Timeout { .. }
                            | userhaul_client::Reason::TooSlow
                            | userhaul_client::Reason::CutShort
                            | userhaul_client::Reason::TooLarge { .. }
                    )
            }
            _ => false,
        }
    }
}
