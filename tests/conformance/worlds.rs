//! The subjects: each connector of the registry with the simulator of its name, each example with its server, and what the simulator holds as a
//! reader of its tables is to see it.
//!
//! `CONFORMANCE_ONLY=NAME` leaves those whose name begins so.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokio::runtime::Runtime;
use userhaul_cli::CONNECTORS;
use userhaul_client::Transport;
use userhaul_connector::{Registration, quota::Quota, settings::SettingValue};
use userhaul_simulator::{
    Counting, Limit, Options, Running, Scenario, Vendor, sprig, thrive, userlane, userlot,
};
use userhaul_testkit::{Reference, Subject, World, expect};

use crate::examples::declared;

/// Everything that the checks run over.
pub(crate) fn subjects() -> Vec<Box<dyn Subject>> {
    let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(Reference::whole())];
    subjects.extend(connectors().into_iter().map(|(_, subject)| subject));
    #[expect(clippy::disallowed_methods, reason = "whoever looks for one failure asks for one connector so")]
    let only = std::env::var("CONFORMANCE_ONLY");
    subjects.retain(|subject| only.as_ref().map_or(true, |only| subject.name().starts_with(only)));
    subjects
}

/// The connectors that a source can name, each with that name: those of the registry, and the declared examples.
pub(crate) fn connectors() -> Vec<(String, Box<dyn Subject>)> {
    let mut subjects: Vec<(String, Box<dyn Subject>)> = Vec::new();
    for registration in CONNECTORS {
        let vendor = Vendor::ALL.into_iter().find(|vendor| vendor.name() == registration.name);
        let vendor =
            vendor.unwrap_or_else(|| panic!("`{}` has no simulator to be proven against", registration.name));
        let profiles =
            (0..credentials(vendor).len()).map(|profile| Simulated { registration, vendor, profile });
        subjects.extend(
            profiles.map(|simulated| (registration.name.to_owned(), Box::new(simulated) as Box<dyn Subject>)),
        );
    }
    subjects.extend(declared());
    subjects
}

/// The ways to sign in that a simulator takes, each with what a source needs besides.
fn credentials(vendor: Vendor) -> Vec<Vec<(&'static str, SettingValue)>> {
    let text = |text: &str| SettingValue::Text(text.to_owned());
    let secret = |text: &str| SettingValue::Secret(text.into());
    match vendor {
        Vendor::Sprig => vec![vec![("api_key", secret(sprig::API_KEY))]],
        Vendor::Thrive => vec![
            vec![("tenant_id", text(thrive::TENANT_ID)), ("api_key", secret(thrive::API_KEY))],
            vec![
                ("tenant_id", text(thrive::TENANT_ID)),
                ("client_id", text(thrive::CLIENT_ID)),
                ("client_secret", secret(thrive::CLIENT_SECRET)),
            ],
        ],
        Vendor::Userlane => {
            let properties = userlane::PROPERTIES.map(str::to_owned).to_vec();
            vec![vec![
                ("token", secret(userlane::TOKEN)),
                ("property_ids", SettingValue::TextList(properties)),
            ]]
        }
        Vendor::Userlot => vec![vec![("api_key", secret(userlot::API_KEY))]],
    }
}

/// A connector with its simulator.
struct Simulated {
    registration: &'static Registration,
    vendor: Vendor,
    /// Which of the credentials.
    profile: usize,
}

impl Subject for Simulated {
    fn name(&self) -> String {
        match self.profile {
            0 => self.registration.name.to_owned(),
            profile => format!("{} (credential {})", self.registration.name, profile + 1),
        }
    }

    fn open(&self, people: usize) -> Arc<dyn World> {
        let mut scenario = Scenario::default();
        // The checks count requests on their own clock; the simulator's would be the wall's.
        scenario.sprig.limit = Some(Limit {
            requests: u32::MAX,
            per_ms: 1,
            counting: Counting::Fixed,
            count_refused: false,
            retry_after: "none".to_owned(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = Options { users: people, seed: 1, scenario, port: 0 };
        let running =
            runtime.block_on(userhaul_simulator::start(self.vendor, &options)).expect("a simulator");
        let settings = credentials(self.vendor).swap_remove(self.profile);
        Arc::new(Simulation { running, settings, registration: self.registration, _runtime: runtime })
    }
}

struct Simulation {
    running: Running,
    settings: Vec<(&'static str, SettingValue)>,
    registration: &'static Registration,
    _runtime: Runtime,
}

#[async_trait]
impl World for Simulation {
    async fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.running.answer(request).await
    }

    fn truth(&self, stream: &str) -> Option<Vec<Value>> {
        as_read(&self.running, stream)
    }

    fn violations(&self) -> Vec<String> {
        self.running.violations()
    }

    fn registration(&self) -> &'static Registration {
        self.registration
    }

    fn settings(&self) -> Vec<(&'static str, SettingValue)> {
        self.settings.clone()
    }

    fn start(&self) -> Option<i64> {
        // 2024-11-01: before the first row of the one simulator whose vendor needs a beginning.
        (self.running.vendor == Vendor::Userlane).then_some(1_730_419_200_000_000)
    }

    fn limit(&self) -> Option<Quota> {
        None
    }

    fn transport(&self, wire: Arc<dyn Transport>) -> Arc<dyn Transport> {
        wire
    }
}

/// The rows of a table: what the simulator holds, as far as a source without further settings can see it.
fn as_read(running: &Running, stream: &str) -> Option<Vec<Value>> {
    match (running.vendor, stream) {
        // Answers that were deleted, and people whom no answer names, are not asked for.
        (Vendor::Sprig, "responses") => {
            Some(latest(running.truth("responses_plain")?, &["responseGroupUid", "questionId"]))
        }
        (Vendor::Sprig, "users") => running.truth("users_seen"),
        (Vendor::Sprig, "user_events") => {
            let seen = running.truth("users_seen")?;
            let known =
                |row: &Value| seen.iter().any(|user| user["requestedUserId"] == row["requestedUserId"]);
            Some(running.truth(stream)?.into_iter().filter(known).collect())
        }
        (Vendor::Sprig, "survey_questions") => Some(each(running.truth(stream)?, |row| {
            row.as_object_mut().map(|row| row.remove("ordinal"));
        })),
        (Vendor::Sprig, "themes") => {
            let rows = each(running.truth(stream)?, |row| {
                if row["id"].is_null() {
                    row["id"] = row["theme"].clone();
                }
            });
            Some(latest(rows, &["id", "responseGroupUid", "questionId"]))
        }
        // Its windows are ours: calendar years.
        (Vendor::Thrive, "cpd_user_summaries") => {
            let year = |year: i32| {
                running
                    .truth(&format!("{stream}@{year}-01-01T00:00:00@{year}-12-31T23:59:59"))
                    .unwrap_or_default()
            };
            Some((2010..=2026).flat_map(year).collect())
        }
        (Vendor::Userlane, "user_profiles") => Some(each(running.truth(stream)?, scopes)),
        _ => running.truth(stream),
    }
}

fn each(mut rows: Vec<Value>, change: impl Fn(&mut Value)) -> Vec<Value> {
    rows.iter_mut().for_each(change);
    rows
}

/// Attributes come in one object with the scopes as members (vendors/userlane.md, A-23).
fn scopes(row: &mut Value) {
    let Some(members) = row.as_object_mut() else { return };
    let Some(Value::Object(scopes)) = members.remove("attributes") else { return };
    members.extend(scopes.into_iter().map(|(scope, values)| (format!("{scope}Attributes"), values)));
}

/// Of rows with one key the one that changed last.
fn latest(rows: Vec<Value>, key: &[&str]) -> Vec<Value> {
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
    for row in rows {
        let name = format!("{:?}", key.iter().map(|field| &row[*field]).collect::<Vec<_>>());
        let older =
            |known: &Value| expect::instant(&known["updatedAt"]) <= expect::instant(&row["updatedAt"]);
        if kept.get(&name).is_none_or(older) {
            kept.insert(name, row);
        }
    }
    kept.into_values().collect()
}
