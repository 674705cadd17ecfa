//! Answers to the NPS question and to surveys (sections 3.2 and 3.3).

use crate::core::seed::Seed;

use super::world::{Draft, Maker, Row, loose_name, moment};

const COMMENTS: &[&str] = &[
    "Saves me a call to IT.",
    "Upload step unclear",
    "",
    "Très bien 👍 — danke",
    "two\nlines,\t\"quoted\", and a ; semicolon",
    "没有意见",
    "=1+1",
    "null",
];

/// id, title, question. Titles and questions repeat on purpose: only the id tells surveys apart.
const SURVEYS: &[(&str, &str, &str)] = &[
    ("s_31", "Travel request form", "How easy was this?"),
    ("s_32", "Travel request form", "How easy was this?"),
    ("s_33", "Spesenabrechnung", "Wie zufrieden sind Sie?"),
    ("s_34", "新功能", ""),
];

/// About three answers a person, scores 0 to 10.
pub(super) fn nps(maker: &Maker<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for member in maker.members {
        let mut numbers = maker.numbers("nps", member);
        for _ in 0..numbers.below(7) {
            let at_ms = moment(&mut numbers);
            let comment = comment(&mut numbers);
            let draft = Draft::default()
                .set("id", format!("nps_{:04x}", 0x7000 + rows.len()))
                .set("userId", maker.user(member, &mut numbers))
                .set("score", numbers.below(11))
                .maybe("comment", comment, &mut numbers)
                .set("respondedAt", maker.wire.instant(at_ms))
                .extras(&mut numbers);
            rows.push(Row { at_ms, body: maker.wire.finish(draft.done(), &mut numbers) });
        }
    }
    rows
}

/// About three answers a person, scores 1 to 5; one person may answer two surveys at the same instant (2.2).
pub(super) fn surveys(maker: &Maker<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for member in maker.members {
        let mut numbers = maker.numbers("surveys", member);
        for _ in 0..numbers.below(5) {
            let at_ms = moment(&mut numbers);
            let user = maker.user(member, &mut numbers);
            for _ in 0..1 + numbers.below(2) {
                let &(survey, title, question) = numbers.pick(SURVEYS);
                let known = numbers.below(15) != 0;
                let comment = comment(&mut numbers);
                let title = loose_name(title, &mut numbers);
                let question = loose_name(question, &mut numbers);
                let draft = Draft::default()
                    .set("id", format!("sv_{:x}", 0x19a + rows.len()))
                    .maybe("surveyId", known.then_some(survey), &mut numbers)
                    .maybe("surveyName", title, &mut numbers)
                    .maybe("question", question, &mut numbers)
                    .set("userId", user.as_str())
                    .set("score", 1 + numbers.below(5))
                    .maybe("comment", comment, &mut numbers)
                    .set("respondedAt", maker.wire.instant(at_ms))
                    .extras(&mut numbers);
                rows.push(Row { at_ms, body: maker.wire.finish(draft.done(), &mut numbers) });
            }
        }
    }
    rows
}

fn comment(numbers: &mut Seed) -> Option<&'static str> {
    if numbers.below(3) == 0 { None } else { Some(*numbers.pick(COMMENTS)) }
}
