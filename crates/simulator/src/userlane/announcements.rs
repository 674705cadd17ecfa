//! Announcement events (section 3.7).

use crate::core::seed::Seed;

use super::{
    guides::GUIDES,
    world::{Draft, END_MS, Maker, Row, loose_name, moment, signed},
};

const ANNOUNCEMENTS: &[(&str, &str)] = &[
    ("an_12", "New expense policy"),
    ("an_13", "Office closed Friday"),
    ("an_14", "Ankündigung: «Wartung» ⚠️"),
];

const URLS: &[&str] = &["https://example.com/policy?a=1&b=%20", "https://example.com/größe#ü", ""];

struct Event {
    at_ms: i64,
    kind: &'static str,
    /// An index into the announcements; none for a push of several that names none.
    announcement: Option<usize>,
    guide: Option<&'static str>,
    url: Option<&'static str>,
}

/// About three events a person. A push of two is two rows with the same user and instant.
pub(super) fn rows(maker: &Maker<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for member in maker.members {
        let mut numbers = maker.numbers("announcements", member);
        for _ in 0..numbers.below(4) {
            let user = maker.maybe_user(member, &mut numbers);
            let at_ms = moment(&mut numbers);
            for event in group(at_ms, &mut numbers).into_iter().filter(|event| event.at_ms < END_MS) {
                let announcement = event.announcement.and_then(|index| ANNOUNCEMENTS.get(index));
                let title = announcement.and_then(|&(_, title)| loose_name(title, &mut numbers));
                let guide = event.guide.map(|id| maker.wire.guide_id(id));
                let draft = Draft::default()
                    .set("id", format!("ae_{}", 700 + rows.len()))
                    .set("eventType", event.kind)
                    .maybe("announcementId", announcement.map(|&(id, _)| id), &mut numbers)
                    .maybe("announcementTitle", title, &mut numbers)
                    .maybe("guideId", guide, &mut numbers)
                    .maybe("url", event.url, &mut numbers)
                    .maybe("userId", user.clone(), &mut numbers)
                    .set("occurredAt", maker.wire.instant(event.at_ms))
                    .extras(&mut numbers);
                rows.push(Row { at_ms: event.at_ms, body: maker.wire.finish(draft.done(), &mut numbers) });
            }
        }
    }
    rows
}

/// What follows from one push or one opening.
fn group(at_ms: i64, numbers: &mut Seed) -> Vec<Event> {
    let event = |at_ms, kind, announcement| Event { at_ms, kind, announcement, guide: None, url: None };
    let later = at_ms + signed(numbers.below(120_000));
    match numbers.below(6) {
        0 => vec![event(at_ms, "announcement_pushed", Some(2))],
        1 => vec![event(at_ms, "announcement_pushed", None)],
        2 | 3 => {
            vec![event(at_ms, "announcement_pushed", Some(0)), event(at_ms, "announcement_pushed", Some(1))]
        }
        4 => {
            let url = Some(*numbers.pick(URLS));
            let clicked = Event { url, ..event(later, "announcement_link_clicked", Some(0)) };
            vec![event(at_ms, "announcement_opened", Some(0)), clicked]
        }
        _ => {
            let guide = Some(numbers.pick(GUIDES).id);
            let started = Event { guide, ..event(later, "announcement_guide_started", Some(1)) };
            vec![event(at_ms, "announcement_opened", Some(1)), started]
        }
    }
}
