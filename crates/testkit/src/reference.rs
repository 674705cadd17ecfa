//! A connector as small as one can be, over a server of its own, and its broken variations: one for each check, which
//! fails that check and no other.
//!
//! A variation is named by its check. What is broken is one thing: a fact, a pager, a mapping, the server's real limit,
//! or the way to it.

mod broken;
mod server;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use userhaul_client::Transport;
use userhaul_connector::{
    Computed, Connector, Registration,
    auth::AuthSpec,
    pager::Pager,
    pager_of,
    quota::{Quota, QuotaMode},
    rows::{Rows, UnifyError},
    settings::{SettingKind, SettingSpec, SettingValue, Settings, SettingsError},
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::{Table, Unified, User};

use crate::subject::{Subject, World};

/// The key that the server takes.
const KEY: &str = "reference-key-of-nobody";

const fn setting(name: &'static str, kind: SettingKind) -> SettingSpec {
    SettingSpec { name, kind, required: true, help: "For tests", example: "\"x\"" }
}

static REGISTRATION: Registration = Registration {
    name: "reference",
    facts: include_str!("reference/connector.toml"),
    settings: &[
        setting("key", SettingKind::Secret),
        setting("broken", SettingKind::Text),
        setting("world", SettingKind::Integer),
    ],
    unifies: &[("people", &[Table::Users])],
    words: &[],
    targets: &[],
    wire: userhaul_connector::as_facts,
    build,
};

/// The reference connector, whole or broken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference {
    broken: &'static str,
}

impl Reference {
    /// The one that passes every check.
    pub fn whole() -> Self {
        Self::default()
    }

    /// The one that fails the check of this name; as the whole one, where nobody has broken it yet.
    pub fn broken(check: &'static str) -> Self {
        Self { broken: check }
    }
}

impl Subject for Reference {
    fn name(&self) -> String {
        match self.broken {
            "" => "reference".to_owned(),
            check => format!("reference, broken for `{check}`"),
        }
    }

    fn open(&self, people: usize) -> Arc<dyn World> {
        static WORLDS: AtomicU64 = AtomicU64::new(1);
        let number = i64::try_from(WORLDS.fetch_add(1, Ordering::Relaxed)).unwrap_or(0);
        Arc::new(Nobody { people, broken: self.broken, number })
    }
}

/// The server's world. It has no state: the same request always has the same answer.
struct Nobody {
    people: usize,
    broken: &'static str,
    number: i64,
}

#[async_trait]
impl World for Nobody {
    async fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        server::answer(self.people, &request)
    }

    fn truth(&self, stream: &str) -> Option<Vec<Value>> {
        server::rows(self.people, stream)
    }

    fn violations(&self) -> Vec<String> {
        Vec::new()
    }

    fn registration(&self) -> &'static Registration {
        &REGISTRATION
    }

    fn settings(&self) -> Vec<(&'static str, SettingValue)> {
        vec![
            ("key", SettingValue::Secret(KEY.into())),
            ("broken", SettingValue::Text(self.broken.to_owned())),
            ("world", SettingValue::Integer(self.number)),
        ]
    }

    fn start(&self) -> Option<i64> {
        None
    }

    fn limit(&self) -> Option<Quota> {
        Some(Quota { requests: 5, per: std::time::Duration::from_secs(10), mode: QuotaMode::Window })
    }

    fn transport(&self, wire: Arc<dyn Transport>) -> Arc<dyn Transport> {
        broken::transport(self.broken, wire)
    }
}

/// The connector; `broken` is the name of the check that it fails, empty for none.
struct Made {
    spec: ConnectorSpec,
    broken: String,
    world: i64,
}

fn build(mut spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    let broken = settings.text("broken").unwrap_or_default().to_owned();
    broken::facts(&broken, &mut spec);
    Ok(Box::new(Made { spec, broken, world: settings.integer("world").unwrap_or_default() }))
}

impl Connector for Made {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, _stream: &StreamSpec) -> AuthSpec {
        AuthSpec::Header { name: "X-Key".to_owned(), scheme: None, key: KEY.into() }
    }

    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        broken::pager(&self.broken, self.world, stream, pager_of(stream))
    }

    fn compute(&self, _stream: &StreamSpec, rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        let names = rows.text("full_name")?;
        let first = |row| names.get(row).and_then(|name| name.chars().next()).map(String::from);
        let initials = (0..rows.len()).map(|row| broken::initial(&self.broken, first(row)));
        Ok(vec![Computed::Text(initials.collect())])
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        if stream.name != "people" {
            return Ok(());
        }
        let (ids, emails) = (rows.text("id")?, rows.text("email")?);
        for (row, lineage) in rows.lineage()? {
            let id = ids.get(row).filter(|id| self.broken != "keys" || *id != "p0").unwrap_or(" ");
            into.user(lineage, User { vendor_user_id: id, email: emails.get(row), ..User::default() });
        }
        Ok(())
    }
}
