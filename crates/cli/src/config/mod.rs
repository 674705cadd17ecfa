//! The configuration: what the user asks for, read from TOML and checked as a whole before anything is done.
//!
//! It checks what can be known without a connector's facts and without a request: keys, types, ranges, variables, files.
//! What a connector says about its own settings together (one credential of two), and whether streams exist, is left to
//! those who have the facts. All problems are told at once, and none of them shows a secret.

mod destination;
mod expand;
pub(crate) mod keys;
mod problem;
mod push;
mod reading;
mod run;
mod set;
mod source;
mod template;
mod texts;
mod values;

#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use indexmap::IndexMap;
use jiff::civil::Date;
use secrecy::SecretString;
use toml::de::DeTable;
use url::Url;
use userhaul_connector::{
    Registration,
    quota::{Quota, QuotaMode},
    settings::{SettingSpec, Settings},
};

pub use destination::{Compression, Destination, DestinationKind, DestinationPath};
pub use problem::{ConfigError, Problem};
pub(crate) use push::KEYS as PUSH_KEYS;
pub use push::PushConfig;
pub use run::RunConfig;
pub use set::one_source;
pub use template::{TemplateSource, template};

use reading::{Reading, Section};

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the configuration must know of a connector.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorEntry {
    /// Its name, the value of `connector`.
    pub name: &'static str,
    /// Its own keys.
    pub settings: &'static [SettingSpec],
    /// Whether every customer of the vendor has an origin of their own, so that there is no default.
    pub base_url_required: bool,
}

/// A whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// Where the tables go.
    pub destination: Destination,
    /// The sources by name, as they stand in the file; at least one.
    pub sources: IndexMap<String, SourceConfig>,
    /// What each run does besides.
    pub run: RunConfig,
    /// Pushes by name.
    pub pushes: IndexMap<String, PushConfig>,
}

/// One source, with the defaults put in.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name; the connector's name for a source from the command line.
    pub name: String,
    /// The connector's name.
    pub connector: &'static str,
    /// The connector itself, where the source declares it by a file.
    pub declared: Option<&'static Registration>,
    /// The origin that replaces the vendor's.
    pub base_url: Option<Url>,
    /// Names or globs of the streams to read; empty for all stable ones.
    pub streams: Vec<String>,
    /// The first day of windowed streams; none is unbounded.
    pub start_date: Option<Date>,
    /// The limit that replaces the vendor's.
    pub rate_limit: Option<RateLimit>,
    /// Requests at a time; at least 1.
    pub max_concurrency: Option<u16>,
    /// How long one request may take; at least a millisecond.
    pub timeout: Option<Duration>,
    /// What happens to rows that the vendor no longer has.
    pub deletes: Deletes,
    /// Whether former versions of rows are kept.
    pub history: bool,
    /// How far before its checkpoint a stream is asked again.
    pub look_back: Option<Duration>,
    /// How often everything is read from the beginning.
    pub full_every: Option<Duration>,
    /// What must not be kept in the clear.
    pub privacy: Option<Privacy>,
    /// How long the vendor's answers are kept for `replay`; none where they are not.
    pub archive: Option<Duration>,
    /// Corrections of the connector's facts.
    pub wire: Option<Wire>,
    /// The connector's own keys.
    pub settings: Settings,
    /// The line of the file where the source begins, from 1; 0 for a source from the command line.
    pub line: usize,
}

/// A limit on requests as the user states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a window; at least 1.
    pub requests: u32,
    /// The window; at least a millisecond.
    pub per: Duration,
    /// How the limit is kept, if not as the connector does it.
    pub mode: Option<QuotaMode>,
}

impl RateLimit {
    /// The quota, kept as the connector does it unless the user said how.
    pub fn quota(self, mode: QuotaMode) -> Quota {
        Quota { requests: self.requests, per: self.per, mode: self.mode.unwrap_or(mode) }
    }
}

/// What happens to rows that a complete pass no longer finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deletes {
    /// They are removed.
    #[default]
    Remove,
    /// They are kept, with the time in `_deleted_at`.
    Mark,
}

/// What must not be kept in the clear.
#[derive(Debug, Clone)]
pub struct Privacy {
    /// Columns that are replaced by a keyed hash.
    pub hash: Vec<String>,
    /// The key of the hash; there is one if any column is hashed.
    pub key: Option<SecretString>,
    /// Columns that are emptied.
    pub drop: Vec<String>,
}

/// Corrections of a connector's facts.
#[derive(Debug, Clone, PartialEq)]
pub enum Wire {
    /// They stand in the configuration.
    Inline(toml::Table),
    /// They stand in a TOML file of their own: its absolute path.
    File(PathBuf),
}

impl Config {
    /// Reads and checks a configuration file. Variables and files that it refers to are read too.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. While it is not TOML, only that is told.
    pub fn load(
        path: &Path,
        connectors: &[ConnectorEntry],
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        Self::parse(path, &read(path)?, connectors, environment)
    }

    /// As [`load`](Self::load), of a text that is said to stand in that file.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn parse(
        path: &Path,
        text: &str,
        connectors: &[ConnectorEntry],
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reading = Reading::of_file(path, text, environment);
        if !errors.is_empty() {
            reading.refuse_syntax(&errors);
            return reading.finish(None);
        }
        let root = Section::new("", 0, root.get_ref());
        let known = ["destination", "defaults", "run", "sources", "push"];
        reading.refuse_unknown(&root, &known, |_| root.keys_hint(&known));
        let destination = destination::read(&mut reading, &root);
        let sources = source::read_all(&mut reading, &root, connectors);
        let run = run::read(&mut reading, &root);
        let pushes = push::read_all(&mut reading, &root);
        let file = path.to_path_buf();
        let config = destination.map(|destination| Self { file, destination, sources, run, pushes });
        reading.finish(config)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let hint = "`userhaul init` writes one, `-c FILE` names another";
        let problem = Problem {
            file: Some(path.to_path_buf()),
            line: None,
            key: None,
            message: format!("cannot read the configuration: {}", texts::reason(&error)),
            hint: missing.then(|| hint.to_owned()),
        };
        ConfigError { problems: vec![problem] }
    })
}
