//! What an archive says: of a run's stream as a whole, and of each answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use userhaul_connector::{
    decode::{Act, Rule},
    slice::{Slice, Window},
};

use crate::reading::Kind;

/// The version of the files that this program writes.
pub(crate) const VERSION: u32 = 1;

/// One run's answers of one stream.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) version: u32,
    pub(crate) source: String,
    pub(crate) stream: String,
    pub(crate) run_id: String,
    /// When the run began, and the range that it was to read (microseconds since 1970).
    pub(crate) now: i64,
    pub(crate) start: Option<i64>,
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
    /// Whether the table was wanted, and not only what others need of it.
    pub(crate) wanted: bool,
    /// The run whose checkpoint this one went on from.
    pub(crate) based_on: Option<String>,
    /// Of a stream that is read id by id, each with an age of its own: the first of the runs that the table's rows are of.
    #[serde(default)]
    pub(crate) rests_on: Option<String>,
    /// A hash of what tells the account apart.
    pub(crate) account: String,
    /// The privacy rules that the answers were kept under.
    pub(crate) rules: Vec<Applied>,
    /// The values of the settings that axes name.
    pub(crate) settings: Vec<(String, Vec<String>)>,
    /// Each time that the stream was read.
    pub(crate) readings: Vec<ReadingNote>,
    /// Why the run gave the stream up.
    pub(crate) error: Option<String>,
    pub(crate) answers: u64,
    /// For each frame of the answers' file its length and that of what it holds.
    pub(crate) frames: Vec<(u64, u64)>,
}

/// A privacy rule that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    pub(crate) name: String,
    pub(crate) drop: bool,
    /// What tells one key from another.
    pub(crate) key: String,
}

impl Applied {
    pub(crate) fn of(rule: &Rule) -> Self {
        Self {
            name: rule.name.clone(),
            drop: matches!(rule.act, Act::Drop),
            key: short_hash(&rule.act.fingerprint()),
        }
    }
}

/// One reading of a stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReadingNote {
    /// Whether it was asked for in the other way that the facts know.
    pub(crate) otherwise: bool,
    pub(crate) kind: Kind,
    /// The rows of the list when it last came whole, where that was known.
    pub(crate) known_whole: Option<u64>,
    /// Whether every walk came to its end, whatever was made of the answers.
    pub(crate) whole: bool,
}

impl Summary {
    /// The reading that a replay goes by.
    pub(crate) fn best(&self) -> Option<&ReadingNote> {
        self.readings.iter().rev().find(|reading| reading.whole).or(self.readings.last())
    }

    /// Whether it read everything.
    pub(crate) fn is_full(&self) -> bool {
        self.best().is_some_and(|reading| reading.kind == Kind::Full)
    }

    /// Whether a table can be made of it: some reading is whole, and was not given up for what it lacked.
    pub(crate) fn usable(&self) -> bool {
        self.readings.iter().any(|reading| reading.whole) && self.error.as_deref() != Some("shrunk")
    }
}

/// What makes a slice the one it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) pass: usize,
    pub(crate) property: Option<String>,
    /// Both ends of the window.
    pub(crate) window: Option<(Option<i64>, i64)>,
    pub(crate) parents: Vec<String>,
}

impl Place {
    pub(crate) fn of(slice: &Slice) -> Self {
        Self {
            pass: slice.pass,
            property: slice.property.clone(),
            window: slice.window.map(|window| (window.from, window.to)),
            parents: slice.walks.iter().filter_map(|walk| walk.parent.clone()).collect(),
        }
    }

    pub(crate) fn window(&self) -> Option<Window> {
        self.window.map(|(from, to)| Window { from, to })
    }
}

/// One line of an archive; `Answer` and `Part` are followed by so many bytes and a line break.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Note {
    /// A reading begins.
    Reading { reading: usize },
    /// A slice begins.
    Slice { slice: usize, place: Place },
    /// The slice proved too large: two halves are read instead.
    Cut { slice: usize },
    /// The slice is over: of rows that come in several slices, the last one's count.
    Over { slice: usize },
    /// A walk of a slice begins, or begins anew.
    Walk { walk: u64, slice: usize, parent: Option<String> },
    /// An answer.
    Answer(AnswerNote),
    /// Some elements of a long answer.
    Part { walk: u64, bytes: usize },
    /// A request that had no answer that could be read.
    Refused { walk: u64, status: Option<u16> },
    /// A walk came to its end.
    End { walk: u64 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AnswerNote {
    pub(crate) walk: u64,
    /// Path and query, or the whole URL that the server gave.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// Microseconds since 1970.
    pub(crate) received_at: i64,
    /// Whether only what stands around the rows was of interest.
    pub(crate) aside: bool,
    /// What follows: all of it, its elements in parts, or nothing because it could not be kept.
    pub(crate) body: BodyNote,
    pub(crate) bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyNote {
    Whole,
    Parts,
    /// Privacy rules cannot be applied to what is no JSON.
    Withheld,
}

/// The first half of a SHA-256, in hexadecimal.
pub(crate) fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
