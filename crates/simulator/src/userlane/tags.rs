//! Interactions with tagged features, at one of three grains (section 3.4, A-19).

use std::collections::{BTreeMap, BTreeSet};

use crate::core::seed::Seed;

use super::{
    heart::{calendar, day_of},
    world::{DAY_MS, Draft, Maker, Row, loose_name, moment},
};

const TAGS: &[(&str, &str)] = &[
    ("t_204", "Export button"),
    ("t_205", "Suche / Filter 🔍"),
    ("t_206", "Export button"),
    ("t 207/a%20ü", "Odd id"),
];

struct Click {
    at_ms: i64,
    tag: (&'static str, &'static str),
    user: Option<String>,
}

/// The interactions at the grain that the switch `tag_grain` says.
pub(super) fn rows(maker: &Maker<'_>) -> Vec<Row> {
    let clicks = clicks(maker);
    match maker.core.switches.get("tag_grain") {
        "day" => by_day(maker, &clicks, false),
        "user_day" => by_day(maker, &clicks, true),
        _ => clicks.iter().enumerate().map(|(index, click)| one(maker, index, click)).collect(),
    }
}

/// About three clicks a person; some clicks are doubled within the same millisecond.
fn clicks(maker: &Maker<'_>) -> Vec<Click> {
    let mut clicks = Vec::new();
    for member in maker.members {
        let mut numbers = maker.numbers("tags", member);
        for _ in 0..numbers.below(7) {
            let at_ms = moment(&mut numbers);
            let tag = *numbers.pick(TAGS);
            let user = match numbers.below(10) {
                0..3 => None,
                3 | 4 => Some(format!("p_{}", numbers.hex(8))),
                _ => Some(maker.user(member, &mut numbers)),
            };
            if numbers.below(16) == 0 {
                clicks.push(Click { at_ms, tag, user: user.clone() });
            }
            clicks.push(Click { at_ms, tag, user });
        }
    }
    clicks
}

fn one(maker: &Maker<'_>, index: usize, click: &Click) -> Row {
    // The same for the two halves of a double click, so that without an id they are equal.
    let mut numbers = Seed::of(maker.core.seed, "userlane click", click.at_ms.unsigned_abs());
    let name = loose_name(click.tag.1, &mut numbers);
    let draft = Draft::default()
        .set("id", format!("ti_{}", 88_010 + index))
        .set("tagId", click.tag.0)
        .maybe("tagName", name, &mut numbers)
        .maybe("userId", click.user.clone(), &mut numbers)
        .set("occurredAt", maker.wire.instant(click.at_ms))
        .extras(&mut numbers);
    let mut of_row = Seed::of(maker.core.seed, "userlane click id", index as u64);
    Row { at_ms: click.at_ms, body: maker.wire.finish(draft.done(), &mut of_row) }
}

/// Day since 1970, tag, and the user where the grain has users.
type Group<'a> = (i64, (&'static str, &'static str), Option<&'a str>);

fn by_day(maker: &Maker<'_>, clicks: &[Click], by_user: bool) -> Vec<Row> {
    let mut groups: BTreeMap<Group<'_>, Vec<&Click>> = BTreeMap::new();
    for click in clicks {
        let user = if by_user { click.user.as_deref() } else { None };
        groups.entry((day_of(maker, click.at_ms), click.tag, user)).or_default().push(click);
    }
    let mut rows = Vec::new();
    for ((day, (tag, name), user), clicks) in groups {
        let mut numbers = Seed::of(maker.core.seed, "userlane tag day", rows.len() as u64);
        let name = loose_name(name, &mut numbers);
        let mut draft = Draft::default()
            .set("id", format!("td_{}", rows.len()))
            .set("tagId", tag)
            .maybe("tagName", name, &mut numbers)
            .set("date", calendar(day))
            .set("count", clicks.len());
        if by_user {
            draft = draft.maybe("userId", user, &mut numbers);
        } else {
            let users: BTreeSet<_> = clicks.iter().filter_map(|click| click.user.as_deref()).collect();
            draft = draft.set("uniqueUsers", users.len());
        }
        let body = maker.wire.finish(draft.extras(&mut numbers).done(), &mut numbers);
        rows.push(Row { at_ms: day * DAY_MS, body });
    }
    rows
}
