//! Which runs a table is made of: the latest full pass and what went on from it.

use std::collections::{BTreeMap, BTreeSet};

use userhaul_connector::spec::ConnectorSpec;

use super::{notes::Summary, shelf::Shelf};
use crate::error::StreamError;

/// The runs to replay, in order.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    /// For each run its streams.
    pub(crate) runs: BTreeMap<String, BTreeMap<String, Summary>>,
    /// For each stream that is to be rebuilt, the runs that it is made of.
    pub(crate) made_of: BTreeMap<String, Chain>,
}

/// The runs that one table is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    /// The oldest first.
    pub(crate) runs: Vec<String>,
    /// The newest run that the archive has of the stream.
    pub(crate) newest: String,
    /// Whether nothing came before the first of them that the table should hold.
    pub(crate) reaches_back: bool,
}

/// The chain of the latest run that a table can be made of, the oldest first.
pub(crate) fn latest(summaries: &[Summary]) -> Vec<&Summary> {
    let wanted = || summaries.iter().filter(|summary| summary.wanted);
    wanted().rfind(|summary| summary.usable()).map(|head| back_from(summaries, head).0).unwrap_or_default()
}

/// The runs that `head` went on from and itself, the oldest first, and whether the first of them begins anew.
fn back_from<'a>(summaries: &'a [Summary], head: &'a Summary) -> (Vec<&'a Summary>, bool) {
    let mut chain = vec![head];
    let mut at = head;
    loop {
        if at.is_full() {
            break (chain.into_iter().rev().collect(), true);
        }
        let Some(before) = &at.based_on else { break (chain.into_iter().rev().collect(), true) };
        let found = summaries.iter().find(|summary| summary.wanted && summary.run_id == *before);
        match found.filter(|found| found.run_id < at.run_id) {
            Some(found) => {
                chain.push(found);
                at = found;
            }
            None => break (chain.into_iter().rev().collect(), false),
        }
    }
}

/// Chooses the runs for these streams: the latest there are, or up to one run.
pub(crate) fn choose(
    shelf: &Shelf,
    source: &str,
    spec: &ConnectorSpec,
    streams: &BTreeSet<String>,
    run: Option<&str>,
) -> Result<Chains, StreamError> {
    let mut kept: BTreeMap<String, Vec<Summary>> = BTreeMap::new();
    for name in spec.streams.keys() {
        kept.insert(name.clone(), shelf.list(source, name)?);
    }
    let mut chains = Chains::default();
    let mut roots: Vec<&String> = Vec::new();
    for stream in streams {
        let Some(summaries) = kept.get(stream) else { continue };
        let candidates =
            || summaries.iter().filter(|one| one.wanted && run.is_none_or(|run| one.run_id == run));
        let Some(head) = candidates().rfind(|one| one.usable()).or_else(|| candidates().next_back()) else {
            continue;
        };
        let (chain, reaches_back) = back_from(summaries, head);
        let newest = summaries.iter().rfind(|one| one.wanted).map(|one| one.run_id.clone());
        chains.made_of.insert(
            stream.clone(),
            Chain {
                runs: chain.iter().map(|one| one.run_id.clone()).collect(),
                newest: newest.unwrap_or_default(),
                reaches_back,
            },
        );
        add(&mut chains.runs, stream, chain);
        roots.push(stream);
    }
    for stream in roots {
        let runs = chains.made_of.get(stream).map(|chain| chain.runs.clone()).unwrap_or_default();
        for needed in needs(spec, stream) {
            let Some(summaries) = kept.get(&needed) else { continue };
            let before = |one: &&Summary| one.usable() && runs.last().is_some_and(|head| one.run_id <= *head);
            if let Some(head) = summaries.iter().rfind(|one| one.wanted && before(one)) {
                add(&mut chains.runs, &needed, back_from(summaries, head).0);
            }
            let beside = summaries.iter().filter(|one| !one.wanted && runs.contains(&one.run_id));
            add(&mut chains.runs, &needed, beside.collect());
        }
    }
    Ok(chains)
}

fn add(runs: &mut BTreeMap<String, BTreeMap<String, Summary>>, stream: &str, chain: Vec<&Summary>) {
    for summary in chain {
        let streams = runs.entry(summary.run_id.clone()).or_default();
        streams.entry(stream.to_owned()).or_insert_with(|| summary.clone());
    }
}

/// All that a stream needs, and what those need.
fn needs(spec: &ConnectorSpec, stream: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![stream.to_owned()];
    while let Some(name) = waiting.pop() {
        for needed in spec.stream(&name).map(|stream| stream.depends_on()).unwrap_or_default() {
            if found.insert(needed.to_owned()) {
                waiting.push(needed.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{archive::notes::ReadingNote, reading::Kind};

    fn summary(run_id: &str, kind: Kind, based_on: Option<&str>) -> Summary {
        Summary {
            run_id: run_id.to_owned(),
            wanted: true,
            based_on: based_on.map(str::to_owned),
            readings: vec![ReadingNote { otherwise: false, kind, known_whole: None, whole: true }],
            ..Summary::default()
        }
    }

    fn ids(chain: &[&Summary]) -> Vec<String> {
        chain.iter().map(|summary| summary.run_id.clone()).collect()
    }

    #[test]
    fn a_table_is_made_of_the_latest_full_pass_and_what_went_on_from_it() {
        let windows = || Kind::Windows(Vec::new());
        let mut all = vec![
            summary("1", Kind::Full, None),
            summary("2", Kind::Full, None),
            summary("3", windows(), Some("2")),
            // This one died before its checkpoint was saved: the next one went on from 3 again.
            summary("4", windows(), Some("3")),
            summary("5", windows(), Some("3")),
        ];
        assert_eq!(ids(&latest(&all)), ["2", "3", "5"]);
        all[4].error = Some("shrunk".to_owned());
        assert_eq!(ids(&latest(&all)), ["2", "3", "4"]);
        all.remove(2);
        assert_eq!(ids(&latest(&all)), ["4"]);
        assert!(!back_from(&all, &all[2]).1);
    }
}
