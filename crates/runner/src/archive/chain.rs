//! Which runs a table is made of: the latest full pass and what went on from it.

use std::collections::{BTreeMap, BTreeSet};

use userhaul_connector::spec::{ConnectorSpec, StreamSpec};

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
    /// Whether they give all of the table.
    pub(crate) begins_whole: bool,
}

/// The first of the runs that the latest table can be made of, and the committed one, too.
pub(crate) fn first_needed<'a>(summaries: &'a [Summary], committed: Option<&str>) -> Option<&'a str> {
    let wanted = || summaries.iter().filter(|summary| summary.wanted);
    let latest = wanted().rfind(|summary| summary.usable());
    let committed = wanted().find(|summary| Some(summary.run_id.as_str()) == committed);
    let heads = latest.into_iter().chain(committed);
    heads.filter_map(|head| Some(Found::of(summaries, head).runs.first()?.run_id.as_str())).min()
}

/// The runs that a run went on from and itself, the oldest first.
#[derive(Debug)]
struct Found<'a> {
    runs: Vec<&'a Summary>,
    /// Whether nothing came before the first of them that the table should hold.
    reaches_back: bool,
    /// Whether they give all of the table.
    whole: bool,
}

impl<'a> Found<'a> {
    fn of(summaries: &'a [Summary], head: &'a Summary) -> Self {
        let mut runs = vec![head];
        let mut at = head;
        let (reaches_back, whole) = loop {
            // No row is of an earlier run: all ids that are left were asked for since.
            if at.is_full() || head.rests_on.as_ref() == Some(&at.run_id) {
                break (true, true);
            }
            let Some(before) = &at.based_on else { break (true, false) };
            let found = summaries.iter().find(|summary| summary.wanted && summary.run_id == *before);
            match found.filter(|found| found.run_id < at.run_id) {
                Some(found) => {
                    runs.push(found);
                    at = found;
                }
                None => break (false, false),
            }
        };
        runs.reverse();
        Self { runs, reaches_back, whole }
    }

    /// What gives a table as it stood when a run ended; none where the archive has nothing of it.
    fn at(summaries: &'a [Summary], run: &str) -> Option<Self> {
        // One that was only read because others need it was read whole.
        if let Some(beside) = summaries.iter().find(|one| !one.wanted && one.run_id == run) {
            return Some(Self { runs: vec![beside], reaches_back: true, whole: true });
        }
        let before = |one: &&Summary| one.wanted && one.usable() && one.run_id.as_str() <= run;
        summaries.iter().rfind(before).map(|head| Self::of(summaries, head))
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
        let found = Found::of(summaries, head);
        let newest = summaries.iter().rfind(|one| one.wanted).map(|one| one.run_id.clone());
        chains.made_of.insert(
            stream.clone(),
            Chain {
                runs: found.runs.iter().map(|one| one.run_id.clone()).collect(),
                newest: newest.unwrap_or_default(),
                reaches_back: found.reaches_back,
                begins_whole: found.whole,
            },
        );
        add(&mut chains.runs, stream, found.runs);
        roots.push(stream);
    }
    for stream in roots {
        let Some(chain) = chains.made_of.get_mut(stream) else { continue };
        let ids_of = spec.stream(stream).filter(|stream| stream.full_every.is_some());
        let ids_of = ids_of.and_then(StreamSpec::parent).map(|parent| parent.stream.as_str());
        let runs = chain.runs.clone();
        for needed in needs(spec, stream) {
            let Some(summaries) = kept.get(&needed) else { continue };
            for run in &runs {
                let Some(found) = Found::at(summaries, run) else { continue };
                let last = runs.last() == Some(run);
                // Ids go with the rows that name them, run by run: a part of those rows must not stand for all.
                let of_use = if ids_of == Some(needed.as_str()) { found.whole } else { last };
                if last && !of_use {
                    (chain.reaches_back, chain.begins_whole) = (false, false);
                }
                if of_use {
                    add(&mut chains.runs, &needed, found.runs);
                }
            }
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

    fn made_of(summaries: &[Summary], head: &str) -> (Vec<String>, bool) {
        let head = summaries.iter().find(|summary| summary.run_id == head).expect("a run");
        let found = Found::of(summaries, head);
        (found.runs.iter().map(|summary| summary.run_id.clone()).collect(), found.whole)
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
        assert_eq!(made_of(&all, "5"), (["2", "3", "5"].map(str::to_owned).to_vec(), true));
        assert_eq!(first_needed(&all, Some("5")), Some("2"));
        all[4].error = Some("shrunk".to_owned());
        assert_eq!(first_needed(&all, Some("4")), Some("2"));
        all.remove(1);
        assert_eq!(made_of(&all, "4"), (["3", "4"].map(str::to_owned).to_vec(), false));
        assert_eq!(first_needed(&all, None), Some("3"));
    }

    #[test]
    fn of_ids_the_runs_are_needed_that_rows_are_of() {
        let ids = |run_id, before, rests_on: &str| Summary {
            rests_on: Some(rests_on.to_owned()),
            ..summary(run_id, Kind::Parents, Some(before))
        };
        let all = vec![
            summary("1", Kind::Full, None),
            ids("2", "1", "1"),
            ids("3", "2", "2"),
            ids("4", "3", "2"),
            ids("5", "4", "4"),
        ];
        assert_eq!(made_of(&all, "2"), (["1", "2"].map(str::to_owned).to_vec(), true));
        assert_eq!(made_of(&all, "4"), (["2", "3", "4"].map(str::to_owned).to_vec(), true));
        assert_eq!(made_of(&all, "5"), (["4", "5"].map(str::to_owned).to_vec(), true));
        assert_eq!(first_needed(&all, Some("5")), Some("4"));
        // What the checkpoint rests on stays, whatever came later.
        assert_eq!(first_needed(&all, Some("3")), Some("2"));
        assert_eq!(made_of(&all[2..], "4"), (["3", "4"].map(str::to_owned).to_vec(), false));
    }
}
