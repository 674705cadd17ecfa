//! The data: tables of rows as the vendor sends them, with what the vendor knows and does not send.
//!
//! Rows of a table stand in the order in which they came to be. Writes go through [`World::tick`], so that two runs
//! of the same writes give the same rows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::core::{seed::Seed, server::Core};

use super::{
    instants::{WORLD_END, printed},
    made_duties, made_learning, made_people,
    maker::Maker,
};

/// A table whose rows have a key of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Users,
    Audiences,
    Contents,
    Activities,
    Completions,
    Assignments,
    Enrolments,
    Tags,
    CpdCategories,
    CpdEntries,
    CpdRequirements,
}

impl Name {
    /// The field that holds the key.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Users
            | Self::Audiences
            | Self::Contents
            | Self::Activities
            | Self::Completions
            | Self::Assignments
            | Self::Enrolments
            | Self::Tags => "id",
            Self::CpdCategories => "categoryId",
            Self::CpdEntries => "logEntryId",
            Self::CpdRequirements => "audienceRequirementId",
        }
    }

    /// What one row is called in a message.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Audiences => "audience",
            Self::Contents => "content",
            Self::Activities => "activity",
            Self::Completions => "completion",
            Self::Assignments => "assignment",
            Self::Enrolments => "enrolment",
            Self::Tags => "tag",
            Self::CpdCategories => "CPD category",
            Self::CpdEntries => "CPD entry",
            Self::CpdRequirements => "CPD requirement",
        }
    }
}

/// A row, with the instants that filters use.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    /// When it happened, or came to be.
    pub(super) at: Timestamp,
    /// When it last changed; none where the vendor does not know, and `updatedSince` never finds it.
    pub(super) changed: Option<Timestamp>,
    /// The row as it is sent.
    pub(super) value: Value,
}

impl Row {
    pub(super) fn new(name: Name, value: Value, at: Timestamp, changed: Option<Timestamp>) -> Self {
        Self { id: text(&value, name.key()).to_owned(), at, changed, value }
    }

    /// Whether `updatedSince` lets it through; inclusive (row 10).
    pub(super) fn changed_since(&self, since: Option<Timestamp>) -> bool {
        since.is_none_or(|since| self.changed.is_some_and(|changed| changed >= since))
    }

    /// A text field, empty where it is none.
    pub(super) fn text(&self, field: &str) -> &str {
        text(&self.value, field)
    }

    /// Moves `updatedAt`.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.changed = Some(now);
        self.value["updatedAt"] = json!(printed(now));
    }
}

/// A text field, empty where it is none.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Everything that the tenant has.
#[derive(Debug)]
pub(super) struct World {
    tables: BTreeMap<Name, Vec<Row>>,
    /// Audience id to member rows, as sent.
    pub(super) members: BTreeMap<String, Vec<Value>>,
    /// Audience id to manager rows, as sent.
    pub(super) managers: BTreeMap<String, Vec<Value>>,
    pub(super) skill_levels: Vec<Value>,
    /// User id to those lifecycle fields that a v1 user does not show.
    pub(super) lifecycle: BTreeMap<String, Value>,
    seed: u64,
    writes: u64,
    insertions_left: u64,
    deletions_left: u64,
    /// Whether lists begin with the oldest row.
    oldest_first: bool,
}

impl World {
    /// The world of this seed and size.
    pub(super) fn make(core: &Core) -> Self {
        let maker = Maker::new(core);
        let mut world = Self {
            tables: BTreeMap::new(),
            members: BTreeMap::new(),
            managers: BTreeMap::new(),
            skill_levels: made_learning::skill_levels(),
            lifecycle: BTreeMap::new(),
            seed: core.seed,
            writes: 0,
            insertions_left: core.switches.number("insert_between_pages"),
            deletions_left: core.switches.number("delete_between_pages"),
            oldest_first: core.switches.get("order") == "oldest",
        };
        made_people::fill(&maker, &mut world);
        made_learning::fill(&maker, &mut world);
        made_duties::fill(&maker, &mut world);
        if core.switches.get("deleted_users") == "removed" {
            world.rows_mut(Name::Users).retain(|row| row.value["deleted"] != json!(true));
        }
        world
    }

    /// Takes the rows of a table, in any order.
    pub(super) fn fill(&mut self, name: Name, mut rows: Vec<Row>) {
        rows.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        self.tables.insert(name, rows);
    }

    pub(super) fn rows(&self, name: Name) -> &[Row] {
        self.tables.get(&name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn rows_mut(&mut self, name: Name) -> &mut Vec<Row> {
        self.tables.entry(name).or_default()
    }

    pub(super) fn row(&self, name: Name, id: &str) -> Option<&Row> {
        self.rows(name).iter().find(|row| row.id == id)
    }

    pub(super) fn row_mut(&mut self, name: Name, id: &str) -> Option<&mut Row> {
        self.rows_mut(name).iter_mut().find(|row| row.id == id)
    }

    /// The id of the audience that has this id or reference.
    pub(super) fn audience_id(&self, id_or_reference: &str) -> Option<String> {
        let audiences = self.rows(Name::Audiences);
        audiences
            .iter()
            .find(|row| row.id == id_or_reference)
            .or_else(|| audiences.iter().find(|row| row.text("reference") == id_or_reference))
            .map(|row| row.id.clone())
    }

    /// Whether this audience is a structure.
    pub(super) fn is_structure(&self, id: &str) -> bool {
        self.row(Name::Audiences, id).is_some_and(|row| row.text("category") == "structure")
    }

    /// The member rows of an audience; of a structure, those of its children, each person once.
    pub(super) fn members_of(&self, id: &str, rolled_up: bool) -> Vec<&Value> {
        if !self.is_structure(id) {
            return self.members.get(id).map(|rows| rows.iter().collect()).unwrap_or_default();
        }
        if !rolled_up {
            return Vec::new();
        }
        let mut seen = std::collections::BTreeSet::new();
        self.rows(Name::Audiences)
            .iter()
            .filter(|row| row.value["parent"]["id"] == json!(id))
            .flat_map(|row| self.members.get(&row.id).into_iter().flatten())
            .filter(|member| seen.insert(text(member, "userId").to_owned()))
            .collect()
    }

    /// The instant of a write: one second after that of the write before.
    pub(super) fn tick(&mut self) -> Timestamp {
        self.writes += 1;
        WORLD_END + SignedDuration::from_secs(i64::try_from(self.writes).unwrap_or(0))
    }

    /// An id that nothing has.
    pub(super) fn new_id(&mut self) -> String {
        self.writes += 1;
        Seed::of(self.seed, "written", self.writes).hex(24)
    }

    /// Adds or removes a row between two pages, as often as the switches say.
    ///
    /// What is removed is the row that a list of those that `keep` lets through sends first.
    pub(super) fn shift(&mut self, name: Name, keep: impl Fn(&Row) -> bool) {
        let parent = matches!(name, Name::Audiences | Name::Assignments);
        let oldest_first = self.oldest_first;
        let mut rows = self.rows(name).iter();
        let sent = if oldest_first { rows.position(&keep) } else { rows.rposition(&keep) };
        if let (1.., false, Some(sent)) = (self.deletions_left, parent, sent) {
            self.deletions_left -= 1;
            self.rows_mut(name).remove(sent);
        }
        if self.insertions_left > 0 {
            let Some(mut row) = self.rows(name).first().cloned() else { return };
            self.insertions_left -= 1;
            let (id, now) = (self.new_id(), self.tick());
            row.value[name.key()] = json!(id);
            if name == Name::Users {
                row.value["ref"] = Value::Null;
                row.value["email"] = Value::Null;
            }
            if name == Name::Audiences {
                row.value["reference"] = Value::Null;
            }
            for field in ["date", "completedAt", "entryDate", "createdAt", "updatedAt"] {
                if row.value.get(field).is_some() {
                    row.value[field] = json!(printed(now));
                }
            }
            self.rows_mut(name).push(Row { id, at: now, changed: Some(now), value: row.value });
        }
    }
}
