//! What a run is made of: sources, ready to be asked, and the options of the run.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use userhaul_client::Client;
use userhaul_connector::{Connector, Registration, decode::Rule};
use userhaul_sink::Compression;

/// A source, ready to be asked.
#[derive(Clone)]
pub struct Source {
    /// Its name in the configuration.
    pub name: String,
    /// Its connector, with settings and corrections applied.
    pub connector: Arc<dyn Connector>,
    /// What the registry says of the connector.
    pub registration: &'static Registration,
    /// The way to it.
    pub client: Client,
    /// The streams whose tables are wanted.
    pub selected: BTreeSet<String>,
    /// The first instant of windowed streams, in microseconds since 1970; none for all there is.
    pub start: Option<i64>,
    /// What tells the account apart from others that the same facts could be asked of: host, tenant. No secret.
    pub identity: String,
    /// How far back an incremental run reads again, over every stream's own.
    pub look_back: Option<std::time::Duration>,
    /// After how long everything is read again, over every stream's own.
    pub full_every: Option<std::time::Duration>,
    /// Whether rows that are gone are kept, with the time in `_deleted_at`.
    pub marks_deleted: bool,
    /// Whether former versions of rows are kept, in a table of their own beside each table.
    pub keeps_history: bool,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// The longest that one request may take.
    pub timeout: std::time::Duration,
    /// The values of settings that axes name.
    pub axis_settings: Vec<(String, Vec<String>)>,
    /// Ids from files, by the setting that names the file.
    pub id_files: Vec<(String, Vec<String>)>,
    /// Privacy rules.
    pub rules: Vec<Rule>,
    /// How long the vendor's answers are kept; none where they are not.
    pub archive: Option<std::time::Duration>,
}

/// The options of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The run's id, a UUIDv7 in its text form.
    pub run_id: String,
    /// When the run began, in microseconds since 1970.
    pub now: i64,
    /// The destination's folder.
    pub destination: PathBuf,
    /// The codec of data files.
    pub compression: Compression,
    /// The first instant wanted, over every source's own.
    pub from: Option<i64>,
    /// The first instant not wanted.
    pub to: Option<i64>,
    /// Whether everything is read, whatever the checkpoints say.
    pub full: bool,
    /// Whether a snapshot may lose more than half of its rows.
    pub allow_shrink: bool,
    /// The walk of a stream ends when it has so many rows; for previews.
    pub limit: Option<u64>,
}
