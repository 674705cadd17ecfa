//! What makes the data: ids, instants with ties, and what is irregular about some rows.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::core::{seed::Seed, server::Core};

use super::instants::{WORLD_END, WORLD_START};

/// Text that must survive every hop.
pub(super) const ODD_TEXTS: &[&str] = &[
    "",
    " ",
    "line one\nline two\r\n\ttabbed",
    "quoted \"twice\" and 'once', back\\slash",
    "naïve café — ½ ✓ 👩🏽‍🚀 \u{2028} \u{202e}right to left",
    "李娜 / שלום / 100 % & more",
    "<p>Ten <b>rules</b>.</p>",
    "null",
    "=1+1",
];

/// The size and the seed of the world to make.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) seed: u64,
    pub(super) users: usize,
    pub(super) irregular: bool,
    /// Whether a derived change moves `updatedAt` (row 14).
    pub(super) derived_updates: bool,
    /// Whether every user has a status, so that lists by status find everyone (row 11).
    pub(super) status_always: bool,
}

impl Maker {
    pub(super) fn new(core: &Core) -> Self {
        Self {
            seed: core.seed,
            users: core.users,
            irregular: core.switches.on("irregular"),
            derived_updates: core.switches.on("derived_updates"),
            status_always: core.switches.get("unfiltered_users") != "all",
        }
    }

    /// The numbers of item `index` of `label`.
    pub(super) fn numbers(&self, label: &str, index: usize) -> Seed {
        Seed::of(self.seed, label, index as u64)
    }

    /// The id of item `index` of `label`: 24 hexadecimal digits, upper case in some.
    pub(super) fn id(&self, label: &str, index: usize) -> String {
        let mut numbers = self.numbers(&format!("id {label}"), index);
        let id = numbers.hex(24);
        if self.irregular && numbers.chance(4) { id.to_ascii_uppercase() } else { id }
    }

    /// An index into `length` things, 0 where there are none.
    pub(super) fn index(numbers: &mut Seed, length: usize) -> usize {
        usize::try_from(numbers.below(length as u64)).unwrap_or(0)
    }

    /// An instant of the world, the same for up to seven neighbours in a row.
    pub(super) fn time(&self, label: &str, index: usize) -> Timestamp {
        let tied = self.numbers(&format!("tie {label}"), index / 7).chance(35);
        let slot = if tied { index - index % 7 } else { index };
        let mut numbers = self.numbers(&format!("time {label}"), slot);
        Self::between(&mut numbers, WORLD_START, WORLD_END)
    }

    /// An instant that is not before `created`, with ties where that allows it.
    pub(super) fn later(&self, label: &str, index: usize, created: Timestamp) -> Timestamp {
        let at = self.time(label, index);
        if at >= created { at } else { Self::between(&mut self.numbers(label, index), created, WORLD_END) }
    }

    /// An instant from `from` up to and without `to`; `from` itself where there is no room.
    pub(super) fn between(numbers: &mut Seed, from: Timestamp, to: Timestamp) -> Timestamp {
        let room = u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0);
        let mut offset = i64::try_from(numbers.below(room)).unwrap_or(0);
        if numbers.chance(30) {
            // On a whole second, which prints without milliseconds half of the time.
            offset -= (from.as_millisecond() + offset) % 1000;
        }
        (from + SignedDuration::from_millis(offset)).max(from)
    }

    /// A text, odd in some rows.
    pub(super) fn said(&self, numbers: &mut Seed, plain: &str) -> String {
        if self.irregular && numbers.chance(15) {
            (*numbers.pick(ODD_TEXTS)).to_owned()
        } else {
            plain.to_owned()
        }
    }

    /// Makes some rows irregular (row 2): one of the `loose` fields is null or absent, or there are unknown ones.
    pub(super) fn spoiled(&self, numbers: &mut Seed, mut value: Value, loose: &[&str]) -> Value {
        if !self.irregular {
            return value;
        }
        let Some(fields) = value.as_object_mut() else { return value };
        if !loose.is_empty() && numbers.chance(14) {
            let field = *numbers.pick(loose);
            if numbers.chance(50) {
                fields.remove(field);
            } else {
                fields.insert(field.to_owned(), Value::Null);
            }
        }
        match numbers.below(24) {
            0 => drop(fields.insert("x_newScalar".to_owned(), json!(9_007_199_254_740_993_u64))),
            1 => drop(fields.insert("newObject".to_owned(), json!({"a": {"b": [1, {"c": null}]}, "ö": "é"}))),
            2 => drop(fields.insert("newArray".to_owned(), json!([1, "two", null, [], {}]))),
            3 => drop(fields.insert("__v".to_owned(), json!(0))),
            _ => {}
        }
        value
    }

    /// A free-form value, deep in some rows.
    pub(super) fn free_form(&self, numbers: &mut Seed) -> Value {
        if !self.irregular {
            return json!({"source": {"source": "feed"}});
        }
        match numbers.below(7) {
            0 => json!({}),
            1 => (0..20)
                .fold(json!("bottom"), |inner, level| json!({"level": level, "in": inner, "list": [[[]]]})),
            2 => json!({"big": u64::MAX, "small": i64::MIN, "tiny": 1e-300, "whole": 1.0, "": "empty name"}),
            3 => json!({"response": ODD_TEXTS, "nul": "a\u{0}b", "choices": [], "scaled": 0.1}),
            4 => {
                json!({"source": "search", "search": "fire & rescue", "searchresults": 12, "discover": false})
            }
            _ => json!({"source": {"source": "feed"}, "duration": "312", "version": 2}),
        }
    }
}
