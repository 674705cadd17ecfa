//! The invented world: who uses which property, and every row of every dated stream, oldest first.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::core::{
    people::{Person, person},
    seed::Seed,
    server::Core,
};

use super::{PROPERTIES, announcements, answers, guides, heart, progress, streams::Stream, tags, wire::Wire};

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The days of the world, counted since 1970: 2024-11-01 up to and without 2026-11-01.
pub(super) const DAYS: std::ops::Range<i64> = 20_028..20_758;

/// 2026-11-01T00:00:00Z: everything lies before it.
pub(super) const END_MS: i64 = DAYS.end * DAY_MS;

/// 2026-10-20T12:00:00Z, at which much happens at once: a tie that is longer than a small page.
const BURST_MS: i64 = END_MS - 12 * DAY_MS + DAY_MS / 2;

/// A row as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// When, in milliseconds since 1970; the start of its day where the row names a day.
    pub(super) at_ms: i64,
    pub(super) body: Map<String, Value>,
}

/// An end-user of a property.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) person: Person,
    /// The customer's own id of the user, which events and imports use.
    pub(super) user_id: String,
    /// Userlane's id of the user.
    pub(super) internal_id: String,
}

/// All that does not change while the simulator runs.
#[derive(Debug)]
pub(super) struct World {
    /// The end-users of each property, in the order of `PROPERTIES`.
    pub(super) members: Vec<Vec<Member>>,
    rows: BTreeMap<(Stream, usize), Vec<Row>>,
    restated: Vec<Vec<Row>>,
}

/// What makes the rows of one property.
pub(super) struct Maker<'a> {
    pub(super) core: &'a Core,
    pub(super) wire: &'a Wire,
    /// The index of the property.
    pub(super) property: usize,
    pub(super) members: &'a [Member],
}

impl Maker<'_> {
    /// The numbers of one member's rows of a stream, different for each property.
    pub(super) fn numbers(&self, label: &str, member: &Member) -> Seed {
        Seed::of(
            self.core.seed,
            &format!("userlane {label} {}", PROPERTIES[self.property]),
            member.person.number as u64,
        )
    }

    /// The user of a row: now and then one who is deleted by now and has no profile.
    pub(super) fn user(&self, member: &Member, numbers: &mut Seed) -> String {
        if numbers.chance(3) {
            return format!("gone-{}", numbers.hex(6));
        }
        self.wire.user_id(&member.user_id, &member.internal_id)
    }

    /// The same where no user is allowed too.
    pub(super) fn maybe_user(&self, member: &Member, numbers: &mut Seed) -> Option<String> {
        let user = self.user(member, numbers);
        (!numbers.chance(8)).then_some(user)
    }
}

impl World {
    pub(super) fn new(core: &Core, wire: &Wire) -> Self {
        let members: Vec<Vec<Member>> =
            (0..PROPERTIES.len()).map(|property| members(core, property)).collect();
        let mut rows = BTreeMap::new();
        let mut restated = Vec::new();
        for (property, members) in members.iter().enumerate() {
            let maker = Maker { core, wire, property, members };
            let off = core.switches.on("heart_off");
            let runs = guides::runs(&maker);
            rows.insert((Stream::Heart, property), if off { Vec::new() } else { heart::rows(&maker, false) });
            rows.insert((Stream::Tags, property), if off { Vec::new() } else { tags::rows(&maker) });
            rows.insert((Stream::Nps, property), answers::nps(&maker));
            rows.insert((Stream::Surveys, property), answers::surveys(&maker));
            rows.insert((Stream::GuideEvents, property), guides::rows(&maker, &runs));
            rows.insert((Stream::GuideProgress, property), progress::rows(&maker, &runs));
            rows.insert((Stream::AnnouncementEvents, property), announcements::rows(&maker));
            restated.push(if off { Vec::new() } else { heart::rows(&maker, true) });
        }
        for rows in rows.values_mut() {
            rows.sort_by_key(|row| row.at_ms);
        }
        Self { members, rows, restated }
    }

    /// The rows of a dated stream, oldest first; HEART scores as they are told later if `restated`.
    pub(super) fn rows(&self, stream: Stream, property: usize, restated: bool) -> &[Row] {
        if restated && stream == Stream::Heart {
            return self.restated.get(property).map_or(&[], Vec::as_slice);
        }
        self.rows.get(&(stream, property)).map_or(&[], Vec::as_slice)
    }
}

/// Who uses a property: four fifths of all people the first, two thirds the second, so that most use both.
fn members(core: &Core, property: usize) -> Vec<Member> {
    let belongs = |number: &usize| if property == 0 { number % 5 != 4 } else { number % 3 != 1 };
    (0..core.users)
        .filter(belongs)
        .map(|number| {
            let mut numbers = Seed::of(core.seed, "userlane member", number as u64);
            let person = person(core.seed, number);
            let internal_id = format!("u_{}{number:x}", numbers.hex(4));
            Member { user_id: user_id(&person, &mut numbers), internal_id, person }
        })
        .collect()
}

/// User ids are whatever the customer passes (section 3.8): addresses, made-up ids, free text, digits beyond 2^53.
fn user_id(person: &Person, numbers: &mut Seed) -> String {
    let number = person.number;
    match number % 20 {
        3 => person.email.clone(),
        7 => format!("anon-{}{number:x}", numbers.hex(5)),
        11 => format!("Büro {number}/Ost 100%20+é"),
        13 => format!("{}", 9_007_199_254_740_993_u64.saturating_add(number as u64)),
        17 => numbers.uuid(),
        _ => person.external_id.clone(),
    }
}

/// An instant of the world: two in five in its last eight days, some at one and the same instant or at the edge of a day.
pub(super) fn moment(numbers: &mut Seed) -> i64 {
    let day = |numbers: &mut Seed| DAYS.start + signed(numbers.below(730));
    match numbers.below(100) {
        0..5 => BURST_MS,
        5..42 => END_MS - 1 - signed(numbers.below(8 * 86_400_000)),
        42..45 => day(numbers) * DAY_MS,
        45..48 => (day(numbers) + 1) * DAY_MS - 1,
        _ => day(numbers) * DAY_MS + signed(numbers.below(86_400_000)),
    }
}

/// A small number of the generator as a signed one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Builds a row field by field.
#[derive(Debug, Default)]
pub(super) struct Draft(Map<String, Value>);

impl Draft {
    pub(super) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A nullable field: without a value it is null, or absent in half of the cases.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>, numbers: &mut Seed) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None if numbers.below(2) == 0 => self,
            None => self.set(name, Value::Null),
        }
    }

    /// Fields that the reference does not know, on one row of eight (A-11: they may come at any time).
    pub(super) fn extras(self, numbers: &mut Seed) -> Self {
        match numbers.below(32) {
            0 => self.set("appVersion", "7.4.0-β").set("traceNumber", u64::MAX),
            1 => self.set(
                "client",
                json!({ "browser": { "name": "Firefox", "version": [128, 0] }, "screen": {} }),
            ),
            2 => self.set("labels", json!([])).set("flags", json!({})).set("note", ""),
            3 => {
                let deep = json!([[[{ "a": { "b": [null, true, 1.5e-7, "\u{0} \" \\ \u{2028}"] } }]], {}]);
                self.set("debugPayload", deep)
            }
            _ => self,
        }
    }

    pub(super) fn done(self) -> Map<String, Value> {
        self.0
    }
}

/// A name that is sometimes unknown or empty.
pub(super) fn loose_name(name: &str, numbers: &mut Seed) -> Option<String> {
    match numbers.below(20) {
        0 | 1 => None,
        2 => Some(String::new()),
        _ => Some(name.to_owned()),
    }
}
