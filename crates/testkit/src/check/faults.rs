//! Faults, one run each: where in the run it happens, and whether what is promised follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use userhaul_runner::record::{RunStatus, StreamStatus};

use super::PEOPLE;
use crate::{
    fault::{FAULTS, Fault, Verdict},
    run::{Ran, Setting, folder, run, same_rows, texts},
    subject::{Subject, World},
    wire::Plan,
};

/// Plays all faults of a check at the first, the second and the last request that they apply to.
pub(super) fn play(subject: &dyn Subject, check: &str) -> Vec<String> {
    let world = subject.open(PEOPLE);
    let stage = Stage::new(&world);
    // How a token is had matters to few faults; the others are played with the same connector's key.
    let matters = |fault: &&Fault| !stage.clean.renewable || WITH_TOKENS.contains(&fault.name);
    let faults = FAULTS.iter().filter(|fault| fault.check == check).filter(matters);
    faults.flat_map(|fault| stage.play(fault)).collect()
}

/// Faults that are played where the credential is a token, too.
const WITH_TOKENS: &[&str] = &["401, token", "403", "503", "429, seconds", "connection refused"];

struct Stage<'a> {
    world: &'a Arc<dyn World>,
    setting: Setting,
    clean: Ran,
    volatile: BTreeSet<String>,
    /// A destination that a clean run has filled: what must fail must leave it as it is.
    held: tempfile::TempDir,
}

impl<'a> Stage<'a> {
    fn new(world: &'a Arc<dyn World>) -> Self {
        let setting = Setting { full: true, ..Setting::quick() };
        let held = folder();
        let clean = run(world, &setting, Plan::default(), held.path());
        Self { world, setting, clean, volatile: super::runs::volatile(world.as_ref()), held }
    }

    fn play(&self, fault: &'static Fault) -> Vec<String> {
        if self.clean.told() != "Ok " {
            return vec![format!("a clean run: {}", self.clean.told())];
        }
        let last = self.applicable(fault);
        let mut problems = Vec::new();
        if let Some(verdict) = fault.once {
            let places: BTreeSet<usize> =
                [1, 2, last].into_iter().filter(|from| (1..=last).contains(from)).collect();
            problems.extend(places.into_iter().flat_map(|from| self.one(fault, from, false, verdict)));
        }
        if let Some(verdict) = fault.stays.filter(|_| last > 0) {
            problems.extend(self.one(fault, last.min(2), true, verdict));
        }
        problems
    }

    /// How many requests of a clean run a fault applies to.
    fn applicable(&self, fault: &Fault) -> usize {
        let registration = self.world.registration();
        let Ok(spec) = userhaul_connector::spec::ConnectorSpec::parse(registration.facts, None) else {
            return 0;
        };
        let applies = |exchange: &&crate::wire::Exchange| {
            let stream = crate::wire::stream_of(&spec, &exchange.url);
            let renewable = self.clean.renewable;
            (fault.applies)(&crate::fault::Asked { stream, url: &exchange.url, get: exchange.get, renewable })
        };
        self.clean.exchanges.iter().filter(applies).count()
    }

    /// What is wrong with one run.
    fn one(&self, fault: &'static Fault, from: usize, stays: bool, verdict: Verdict) -> Vec<String> {
        let fresh = folder();
        let place = match verdict {
            Verdict::Fails(_) | Verdict::Unproven => self.held.path(),
            Verdict::Recovers | Verdict::Absorbed | Verdict::Kept => fresh.path(),
        };
        let plan = Plan { fault: Some((fault, from, stays)), kill_at: None };
        let ran = run(self.world, &self.setting, plan, place);
        let how = if stays { "from request" } else { "at request" };
        if ran.hit.is_empty() {
            // The order of requests side by side may vary; the last one of a clean run need not come.
            return Vec::new();
        }
        let mut wrong = self.judge(&ran, verdict);
        if ran.exchanges.iter().any(|exchange| exchange.astray) {
            wrong.push("a request went to another origin".to_owned());
        }
        let hit = ran.hit.first().cloned().unwrap_or_default();
        let line = |what: String| format!("{} {how} {from} ({hit}): {what}; {}", fault.name, ran.told());
        wrong.into_iter().take(2).map(line).collect()
    }

    fn judge(&self, ran: &Ran, verdict: Verdict) -> Vec<String> {
        let ended = ran.record.as_ref().map(|record| record.status);
        let mut problems = match verdict {
            Verdict::Recovers | Verdict::Absorbed | Verdict::Kept if ended != Some(RunStatus::Ok) => {
                vec!["not everything was done".to_owned()]
            }
            Verdict::Kept => self.same_keys(ran),
            _ => same_rows(&self.clean.tables, &ran.tables, &self.volatile),
        };
        match verdict {
            Verdict::Recovers if ran.exchanges.len() <= self.clean.exchanges.len() => {
                problems.push("nothing was asked again".to_owned());
            }
            Verdict::Fails(codes) => problems.extend(failed(ran, codes)),
            Verdict::Unproven => {
                let named = |(name, _): &(&String, _)| ran.hit.contains(name);
                let unproven = ran.streams().find(named).map(|(_, stream)| stream.status);
                if (ended, unproven) != (Some(RunStatus::Partial), Some(StreamStatus::Unproven)) {
                    problems.push(format!("{ended:?}, the stream is {unproven:?}"));
                }
            }
            Verdict::Recovers | Verdict::Absorbed | Verdict::Kept => {}
        }
        problems
    }

    /// Whether every vendor table has the rows of a clean run, by their keys.
    fn same_keys(&self, ran: &Ran) -> Vec<String> {
        let keys = |ran: &Ran| -> BTreeMap<String, Vec<String>> {
            let tables = ran.tables.iter().filter(|(name, _)| !name.starts_with("unified/"));
            tables
                .filter_map(|(name, table)| {
                    let table = table.as_ref().ok()?;
                    let key = super::whole::key_of(self.world.as_ref(), name);
                    let others = table.schema.fields().iter().map(|field| field.name().clone());
                    let others = others.filter(|name| !key.contains(name)).collect();
                    Some((name.clone(), texts(table, &others)))
                })
                .collect()
        };
        if keys(&self.clean) == keys(ran) { Vec::new() } else { vec!["the keys differ".to_owned()] }
    }
}

/// That something failed, and only for one of these reasons.
fn failed(ran: &Ran, codes: &[&str]) -> Vec<String> {
    let errors: Vec<&str> =
        ran.streams().filter_map(|(_, stream)| Some(stream.error.as_ref()?.code.as_str())).collect();
    let ended = ran.record.as_ref().map(|record| record.status);
    if !matches!(ended, Some(RunStatus::Partial | RunStatus::Failed)) {
        return vec![format!("{codes:?} expected")];
    }
    let named = errors.iter().any(|code| codes.contains(code));
    let others = errors.iter().find(|code| !codes.contains(code) && **code != "needs");
    if named && others.is_none() { Vec::new() } else { vec![format!("{codes:?} expected, {errors:?} found")] }
}
