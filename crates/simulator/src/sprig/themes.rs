//! `GET /v1/themes`; section 3.3 of the reference.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use super::{
    Sprig,
    access::{Refusal, Word},
    query::Query,
    responses::Answer,
    values::{BEGIN_MS, DAY_MS, END_MS, add_unknown, below, iso, number, object},
    walk::{self, Row, Span},
};
use crate::core::{seed::Seed, server::Core};

const LABELS: &[&str] = &["Address form too long", "住所", "Wants “dark mode” 🌒", "Price", ""];

/// A theme with one of its answers.
#[derive(Debug)]
pub(super) struct Theme {
    at: i64,
    number: u64,
    survey: i64,
    /// The answering visitor's number.
    pub(super) visitor: usize,
    pub(super) body: Value,
}

impl Row for Theme {
    fn at(&self) -> i64 {
        self.at
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// One to three themes for each live answer in words.
pub(super) fn themes(core: &Core, answers: &[Answer]) -> Vec<Theme> {
    let mut themes = Vec::new();
    for (answer, index) in answers.iter().zip(0..) {
        let text = answer.body.get("response").filter(|response| response.is_string());
        let is_open = answer.body.get("questionType") == Some(&json!("OPEN"));
        let (Some(text), true, None) = (text, is_open, answer.deleted) else { continue };
        let mut numbers = Seed::of(core.seed, "theme", index);
        let first = below(&mut numbers, 5);
        for place in 0..1 + below(&mut numbers, 3) {
            let label = (first + place) % 5;
            themes.push(theme(core, answer, text, label, themes.len() as u64));
        }
    }
    themes.sort_by_key(|theme| (theme.at, theme.number));
    themes
}

fn theme(core: &Core, answer: &Answer, text: &Value, label: i64, index: u64) -> Theme {
    let switches = &core.switches;
    let mut numbers = Seed::of(core.seed, "theme row", index);
    let of_theme = answer.survey * 100 + label;
    let at = if switches.get("theme_time") == "theme" {
        let mut numbers = Seed::of(core.seed, "theme time", u64::try_from(of_theme).unwrap_or(0));
        BEGIN_MS + below(&mut numbers, 700 * DAY_MS)
    } else {
        (answer.at + 600_000).min(END_MS)
    };
    let id = if switches.get("theme_id") == "link" {
        9_000_000 + i64::try_from(index).unwrap_or(0)
    } else {
        771_000 + of_theme
    };
    let mut body = object(json!({
        "theme": usize::try_from(label).ok().and_then(|label| LABELS.get(label)),
        "surveyId": answer.body.get("surveyId"),
        "questionId": answer.body.get("questionId"),
        "questionText": answer.body.get("questionText"),
        "questionType": answer.body.get("questionType"),
        "response": text,
        "responseGroupUid": answer.body.get("responseGroupUid"),
        "visitorId": answer.body.get("visitorId"),
        "createdAt": iso(at),
        "updatedAt": iso((at + below(&mut numbers, 2) * below(&mut numbers, 5 * DAY_MS)).min(END_MS)),
    }));
    // Old rows have neither.
    if answer.at > BEGIN_MS + 90 * DAY_MS {
        body.insert("id".to_owned(), number(switches, id, true));
        let description = match numbers.below(5) {
            0 => Value::Null,
            1 => json!(""),
            _ => json!("People tire of the number of address fields…\nAnd say so."),
        };
        body.insert("themeDescription".to_owned(), description);
    }
    add_unknown(switches, &mut numbers, &mut body);
    Theme { at, number: index, survey: answer.survey, visitor: answer.visitor, body: Value::Object(body) }
}

/// `GET /v1/themes`.
pub(super) async fn list(State(sprig): State<Arc<Sprig>>, headers: HeaderMap, uri: Uri) -> Response {
    let result = page(&sprig, &headers, &uri);
    sprig.answer(result).await
}

fn page(sprig: &Sprig, headers: &HeaderMap, uri: &Uri) -> Result<Response, Refusal> {
    sprig.authorize(headers, Word::Bearer)?;
    let mut query = Query::parse(sprig, uri.query(), &["start", "end", "cursor", "sid"])?;
    let place = walk::place(sprig, "themes", &mut query)?;
    let span = Span::of(sprig, &query)?;
    let sid = query.integer("sid")?;
    let limit = usize::try_from(sprig.core.switches.number("themes_page")).unwrap_or(100).max(1);
    let world = sprig.world();
    world.check_survey(sid)?;
    let rows =
        world.themes.iter().filter(|theme| sid.is_none_or(|sid| sid == theme.survey) && span.holds(theme.at));
    walk::page(sprig, ("themes", &query, limit), place.as_ref(), rows.collect(), |theme| theme.body.clone())
}
