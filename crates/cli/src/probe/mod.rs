//! `check --probe`: which facts a source confirms, and which corrections would make the others right.
//!
//! A few reads a stream, within the quota: a first page of two rows, the page after it, and for windows of time one
//! from before the rows that came. Where an answer contradicts the facts, what the facts list as alternatives is tried;
//! what works is proposed, and in force for the rest of the probe. Nothing is written.

mod asking;
mod reading;
mod repair;
mod report;
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use toml::{Table, Value};
use userhaul_connector::spec::{Aspect, StreamSpec};
use userhaul_runner::{Source, progress::Progress};

use crate::{
    config::{SourceConfig, Wire},
    corrections,
    failure::Failure,
    sources::{self, Prepared, quota_dir},
};

pub(crate) use report::{Finding, Report, Verdict};

/// Requests that a probe of one source may send.
const MOST_REQUESTS: u32 = 150;

/// A probe of one source.
pub(crate) struct Probe<'a> {
    config: &'a SourceConfig,
    file: Option<&'a Path>,
    progress: &'a Arc<dyn Progress>,
    /// What the user has corrected already.
    written: Table,
    /// What the probe would correct besides.
    proposed: Table,
    prepared: Prepared,
    source: Source,
    findings: Vec<Finding>,
    requests: u32,
    /// Whether the form of the credential is known to be right.
    signed: bool,
    /// Rows of streams that others are asked by: a value of each column.
    parents: BTreeMap<String, BTreeMap<String, String>>,
}

/// Probes a source: the streams that are selected, and whether experimental ones exist.
pub(crate) async fn probe(
    config: &SourceConfig,
    file: Option<&Path>,
    selected: &BTreeSet<String>,
    progress: &Arc<dyn Progress>,
) -> Result<Report, Failure> {
    let written = corrections::read(config, file)?.map(|own| own.table).unwrap_or_default();
    let prepared = sources::prepare(config, file)?;
    let source = prepared.source(selected.clone(), progress, quota_dir())?;
    let mut probe = Probe {
        config,
        file,
        progress,
        written,
        proposed: Table::new(),
        prepared,
        source,
        findings: Vec::new(),
        requests: 0,
        signed: false,
        parents: BTreeMap::new(),
    };
    let check = probe.source.connector.spec().check.stream.clone();
    if probe.credential(&check).await? {
        for name in probe.order(selected) {
            probe.stream(&name).await?;
        }
    }
    Ok(probe.report())
}

impl Probe<'_> {
    /// The streams to ask, those before others that are asked by their rows.
    fn order(&self, selected: &BTreeSet<String>) -> Vec<String> {
        let spec = self.source.connector.spec();
        let mut order: Vec<String> = Vec::new();
        for stream in spec.streams.values() {
            let wanted = selected.contains(&stream.name) || stream.experimental;
            if !wanted || stream.derived.is_some() {
                continue;
            }
            let parent = stream.parent().map(|parent| parent.stream.clone());
            for name in parent.into_iter().chain([stream.name.clone()]) {
                if !order.contains(&name) {
                    order.push(name);
                }
            }
        }
        // What the reference assumes is told first, so it is asked first where the requests might run out.
        order.sort_by_key(|name| {
            let stream = spec.stream(name);
            let child = stream.is_some_and(|stream| stream.parent().is_some());
            let assumed = stream.is_some_and(|stream| stream.assumption.is_some());
            (child, !assumed)
        });
        order
    }

    fn spec_of(&self, name: &str) -> Option<StreamSpec> {
        self.source.connector.spec().stream(name).cloned()
    }

    /// Whether the stream rests on an assumption.
    fn assumed(&self, name: &str) -> bool {
        self.source.connector.spec().stream(name).is_some_and(|stream| stream.assumption.is_some())
    }

    /// The source with more corrections.
    fn with(&self, more: &Table) -> Result<(Prepared, Source), Failure> {
        let mut table = self.written.clone();
        over(&mut table, &self.proposed);
        over(&mut table, more);
        let config = SourceConfig { wire: Some(Wire::Inline(table)), ..self.config.clone() };
        let prepared = sources::prepare(&config, self.file)?;
        let source = prepared.source(self.source.selected.clone(), self.progress, quota_dir())?;
        Ok((prepared, source))
    }

    /// Goes on with these corrections, and proposes them.
    fn adopt(&mut self, more: &Table) -> Result<(), Failure> {
        let (prepared, source) = self.with(more)?;
        (self.prepared, self.source) = (prepared, source);
        over(&mut self.proposed, more);
        Ok(())
    }

    /// What the facts list as other forms of this.
    fn alternatives(&self, of: Aspect) -> Vec<Table> {
        let all = self.source.connector.spec().alternatives.iter();
        all.filter(|alternative| alternative.of == of)
            .map(|alternative| alternative.correct.clone())
            .collect()
    }

    fn find(&mut self, fact: impl Into<String>, assumed: bool, verdict: Verdict, detail: impl Into<String>) {
        self.findings.push(Finding { fact: fact.into(), assumed, verdict, detail: detail.into() });
    }

    fn report(mut self) -> Report {
        self.findings.sort_by_key(|finding| !finding.assumed);
        let inline = match &self.config.wire {
            None => None,
            Some(Wire::Inline(_)) => Some(format!("[sources.{}.wire]", self.config.name)),
            Some(Wire::File(path)) => Some(path.display().to_string()),
        };
        Report {
            source: self.config.name.clone(),
            findings: self.findings,
            proposed: self.proposed,
            beside: inline,
            into_file: matches!(self.config.wire, Some(Wire::File(_))),
            requests: self.requests,
        }
    }
}

/// Puts corrections over others.
fn over(under: &mut Table, corrections: &Table) {
    for (key, value) in corrections {
        match (under.get_mut(key), value) {
            (Some(Value::Table(under)), Value::Table(value)) => over(under, value),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A table with one value at the end of a path.
fn nested(path: &[&str], value: Value) -> Table {
    let value = path
        .iter()
        .rev()
        .fold(value, |inner, key| Value::Table(Table::from_iter([((*key).to_owned(), inner)])));
    match value {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}
