//! What a stream's reading does with its archive: nothing, keep what comes, or play what came.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use userhaul_connector::{
    code::{self, Code},
    decode::{Act, Rule, widened},
    plan::{self, PlanInputs},
    slice::{Slice, Walk},
    spec::StreamSpec,
};

use super::{
    keeper::Keeper,
    notes::{Applied, Note, Place, ReadingNote, Summary, VERSION, short_hash},
    player::Player,
    shelf::Shelf,
    track::Track,
};
use crate::{
    error::StreamError,
    reading::{Kind, Reading},
    source::Source,
    stream::SourceRun,
};

/// What a run does with the archive of its sources.
#[derive(Debug, Default)]
pub(crate) enum Archive {
    /// Nothing.
    #[default]
    Off,
    /// Keeps what comes.
    Keep(Shelf),
    /// Plays what came, of these streams.
    Play {
        shelf: Shelf,
        streams: BTreeMap<String, Summary>,
        /// Streams that the facts ask for otherwise than the archived run did.
        inexact: Arc<Mutex<BTreeSet<String>>>,
    },
}

impl Archive {
    /// Whether a stream is left out of a replay.
    pub(crate) fn lacks(&self, stream: &str) -> bool {
        matches!(self, Self::Play { streams, .. } if !streams.contains_key(stream))
    }

    /// Notes that a stream is asked for otherwise than in the archived run.
    pub(crate) fn asked_otherwise(&self, stream: &str) {
        if let Self::Play { inexact, .. } = self {
            inexact.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.to_owned());
        }
    }
}

/// The archive of one stream's reading.
pub(crate) enum Tape {
    Off,
    Keep(Keeper),
    Play(Player),
}

impl Tape {
    /// Begins the archive of a stream, or opens that of an earlier run.
    pub(crate) fn begin(
        run: &SourceRun<'_>,
        stream: &StreamSpec,
        derived: &[&StreamSpec],
    ) -> Result<Self, StreamError> {
        match &run.archive {
            Archive::Off => Ok(Self::Off),
            Archive::Keep(shelf) => {
                let tables: Vec<_> =
                    std::iter::once(&stream.table).chain(derived.iter().map(|spec| &spec.table)).collect();
                let rules = widened(&run.source.rules, &tables);
                Ok(Self::Keep(Keeper::begin(shelf, about(run, stream), rules)?))
            }
            Archive::Play { shelf, streams, .. } => match streams.get(&stream.name) {
                Some(summary) => Ok(Self::Play(Player::open(shelf, summary)?)),
                None => Err(StreamError::not_archived(format!("nothing of `{}`", stream.name))),
            },
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    pub(crate) fn is_keeping(&self) -> bool {
        matches!(self, Self::Keep(_))
    }

    pub(crate) fn is_playing(&self) -> bool {
        matches!(self, Self::Play(_))
    }

    /// How the archived run read the stream.
    pub(crate) fn kind(&self, otherwise: bool) -> Option<Kind> {
        let Self::Play(player) = self else { return None };
        player.reading(otherwise).map(|(_, note)| note.kind.clone())
    }

    /// What was known of a list that comes whole: in a replay as the archived run knew it.
    pub(crate) fn known_whole(&self, now: Option<u64>) -> Option<u64> {
        let Self::Play(player) = self else { return now };
        player.summary.best().and_then(|note| note.known_whole)
    }

    /// The parents that an archived run asked for.
    pub(crate) fn asked(&self, slices: &[Slice]) -> Option<BTreeSet<String>> {
        let walks = || slices.iter().flat_map(|slice| &slice.walks);
        self.is_playing().then(|| walks().filter_map(|walk| walk.parent.clone()).collect())
    }

    /// A reading begins.
    pub(crate) async fn reading(
        &self,
        otherwise: bool,
        reading: &Reading,
        known_whole: Option<u64>,
    ) -> Result<(), StreamError> {
        match self {
            Self::Off => Ok(()),
            Self::Keep(keeper) => {
                let note = ReadingNote { otherwise, kind: reading.kind.clone(), known_whole, whole: false };
                let based_on = reading.state.as_ref().map(|state| state.run_id.clone());
                keeper.reading(note, based_on).await
            }
            Self::Play(player) => player.begin(otherwise),
        }
    }

    /// The slices of the archived reading, as the facts ask for them now.
    pub(crate) fn slices(&self, stream: &StreamSpec, inputs: &PlanInputs<'_>) -> Option<Vec<Slice>> {
        let Self::Play(player) = self else { return None };
        let again = |place: &Place| {
            let at = (place.pass, place.window(), place.property.as_deref());
            plan::again(stream, at, &place.parents, inputs)
        };
        Some(player.places().into_iter().filter_map(again).collect())
    }

    /// Why not all rows can be there, as far as the archive tells: it was broken off, or holds nothing of some parents.
    pub(crate) fn gap(
        &self,
        whole: bool,
        asked: &BTreeSet<String>,
        parents: &BTreeSet<String>,
    ) -> Option<code::Note> {
        let Self::Play(player) = self else { return None };
        if !player.is_whole() {
            return Some(Code::NotArchived.note("the archived run did not read all of it"));
        }
        let never = parents.difference(asked).count();
        let text = || format!("the archived run did not ask for {never} of the parents");
        (whole && never > 0).then(|| Code::NotArchived.note(text()))
    }

    /// Every walk has come to its end.
    pub(crate) fn came_whole(&self) {
        if let Self::Keep(keeper) = self {
            keeper.came_whole();
        }
    }

    /// A slice begins.
    pub(crate) async fn slice(&self, number: usize, slice: &Slice) -> Result<(), StreamError> {
        let Self::Keep(keeper) = self else { return Ok(()) };
        keeper.note(Note::Slice { slice: number, place: Place::of(slice) }).await
    }

    /// A slice is read in halves instead.
    pub(crate) async fn cut(&self, number: usize) -> Result<(), StreamError> {
        let Self::Keep(keeper) = self else { return Ok(()) };
        keeper.note(Note::Cut { slice: number }).await
    }

    /// A slice is over.
    pub(crate) async fn over(&self, number: usize) -> Result<(), StreamError> {
        let Self::Keep(keeper) = self else { return Ok(()) };
        keeper.note(Note::Over { slice: number }).await
    }

    /// A walk begins, or begins anew.
    pub(crate) async fn track<'a>(
        &'a self,
        (source, stream): (&'a Source, &'a StreamSpec),
        (number, slice): (usize, &Slice),
        walk: &Walk,
    ) -> Result<Track<'a>, StreamError> {
        Ok(match self {
            Self::Off => Track::Off,
            Self::Keep(keeper) => {
                let walk = keeper.walk(number, walk.parent.clone()).await?;
                Track::Keep { keeper, source, stream, walk }
            }
            Self::Play(player) => {
                Track::Play { player, playing: Mutex::new(player.walk(slice, walk.parent.as_ref())) }
            }
        })
    }

    /// Notes the first of the runs that the table's rows will be of.
    pub(crate) fn rests_on(
        &self,
        first: impl FnOnce() -> Result<String, StreamError>,
    ) -> Result<(), StreamError> {
        if let Self::Keep(keeper) = self {
            keeper.rests_on(first()?);
        }
        Ok(())
    }

    /// The answers are complete, or the run gives the stream up. Only the first call counts.
    pub(crate) async fn seal(&self, error: Option<&StreamError>) -> Result<(), StreamError> {
        match self {
            Self::Keep(keeper) => keeper.seal(error.map(|error| error.code().word())).await,
            Self::Off | Self::Play(_) => Ok(()),
        }
    }

    /// Whether the facts ask otherwise than the archived run did.
    pub(crate) fn is_inexact(&self) -> bool {
        matches!(self, Self::Play(player) if player.is_inexact())
    }
}

fn about(run: &SourceRun<'_>, stream: &StreamSpec) -> Summary {
    let source = run.source;
    Summary {
        version: VERSION,
        source: source.name.clone(),
        stream: stream.name.clone(),
        run_id: run.options.run_id.clone(),
        now: run.options.now,
        start: source.start,
        from: run.options.from,
        to: run.options.to,
        wanted: source.selected.contains(&stream.name),
        account: short_hash(&source.identity),
        rules: source.rules.iter().map(Applied::of).collect(),
        settings: source.axis_settings.clone(),
        ..Summary::default()
    }
}

/// The rules that archived answers are decoded with: what was hashed is not hashed again. And whether the answers were
/// kept under the rules that hold now, or looser ones.
pub(crate) fn rules_of(summary: &Summary, rules: &[Rule]) -> (Vec<Rule>, bool) {
    let now: Vec<Applied> = rules.iter().map(Applied::of).collect();
    let same = summary.rules.iter().all(|applied| now.contains(applied));
    let hashed: Vec<&Applied> = summary.rules.iter().filter(|applied| !applied.drop).collect();
    let was_hashed = |rule: &Rule| hashed.iter().any(|applied| applied.name == rule.name);
    let fresh = rules.iter().filter(|rule| matches!(rule.act, Act::Drop) || !was_hashed(rule)).cloned();
    let dropped = |name: &str| rules.iter().any(|rule| rule.name == name && matches!(rule.act, Act::Drop));
    let before = hashed.iter().filter(|applied| !dropped(&applied.name));
    let before = before.map(|applied| Rule { name: applied.name.clone(), act: Act::Hashed });
    (fresh.chain(before).collect(), same)
}
