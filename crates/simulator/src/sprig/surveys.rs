//! `GET /v1/surveys`; section 3.1 of the reference.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use super::{
    Sprig,
    access::{Refusal, Word},
    query::Query,
    values::{BEGIN_MS, DAY_MS, TEXTS, add_unknown, below, iso, number, object},
    walk::{self, Row, Span},
};
use crate::core::{scenario::Switches, seed::Seed, server::Core};

const STATUSES: &[&str] = &["IN_PROGRESS", "PAUSED", "COMPLETED", "DRAFT", "ARCHIVED", "NEW"];
const PLATFORMS: &[&str] = &["web", "web", "link", "mobile", "ios", "android", "email"];

/// The question types of section 3.2.3, but for `OPEN`, with which every survey begins.
const TYPES: &[&str] = &[
    "NPS",
    "LIKERT",
    "MULTIPLECHOICE",
    "MULTIPLESELECT",
    "MATRIX",
    "RANKORDER",
    "MAXDIFF",
    "CONSENTLEGAL",
    "TEXTURLPROMPT",
    "VIDEOVOICE",
    "RECORDEDTASK",
    "OPEN",
];

/// The labels of a choice question's options.
pub(super) const OPTIONS: &[&str] =
    &["Weekly digest", "Address form", "Größe / size", "日本語", "It's 100% \"fine\"."];

/// A survey as the list gives it, with what answers need of it.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) id: i64,
    pub(super) at: i64,
    number: u64,
    status: String,
    /// Whether it is delivered by link, so that answers have `customMetadata`.
    pub(super) is_link: bool,
    /// None for a draft, or a survey whose questions are not shown.
    pub(super) questions: Vec<Question>,
    pub(super) body: Value,
}

/// A question of a survey.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) text: String,
}

impl Row for Survey {
    fn at(&self) -> i64 {
        self.at
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// All surveys, none for a world without people.
pub(super) fn surveys(core: &Core) -> Vec<Survey> {
    let count = if core.users == 0 { 0 } else { (core.users / 8).clamp(26, 400) };
    (0..count as u64).map(|number| survey(core, number)).collect()
}

fn survey(core: &Core, index: u64) -> Survey {
    let switches = &core.switches;
    let mut numbers = Seed::of(core.seed, "survey", index);
    // Surveys come in pairs of one creation time.
    let at = BEGIN_MS + below(&mut Seed::of(core.seed, "survey time", index / 2), 400 * DAY_MS);
    let position = usize::try_from(index).unwrap_or(0);
    let is_new = switches.on("new_values") && index % 9 == 7;
    let status = if is_new { "SCHEDULED" } else { STATUSES[position % STATUSES.len()] };
    let platform = if is_new { "tv" } else { PLATFORMS[position % PLATFORMS.len()] };
    let id = 4107 + i64::try_from(index).unwrap_or(0) * 7;
    let questions = questions(core, index, id);
    let shown = index % 13;
    let launched = at + below(&mut numbers, 9 * DAY_MS);
    let has_launched = !matches!(status, "DRAFT" | "NEW") && index % 7 != 3;
    let mut body = object(json!({
        "id": number(switches, id, false),
        "name": name(index),
        "status": status,
        "platform": platform,
        "type": if is_new { "ONE_TIME" } else { "CONTINUOUS" },
        "totalResponseLimit": if index.is_multiple_of(3) { number(switches, 500, false) } else { Value::Null },
        "launchedAt": has_launched.then(|| iso(launched)),
        "completedAt": (status == "COMPLETED").then(|| iso(launched + 40 * DAY_MS)),
        "createdAt": iso(at),
        "updatedAt": iso(launched + below(&mut numbers, 60 * DAY_MS)),
    }));
    match shown {
        11 => body.insert("questions".to_owned(), json!([])),
        12 => None,
        _ => {
            let shown = questions.iter().enumerate();
            let shown: Vec<Value> = shown.map(|(place, question)| show(core, place, question)).collect();
            body.insert("questions".to_owned(), Value::from(shown))
        }
    };
    match index % 11 {
        9 => body.insert("constraints".to_owned(), json!([])),
        10 => None,
        _ => body.insert("constraints".to_owned(), constraints(switches, &mut numbers)),
    };
    add_unknown(switches, &mut numbers, &mut body);
    let takes_answers = shown < 11 && !matches!(status, "DRAFT" | "NEW");
    Survey {
        id,
        at,
        number: index,
        status: status.to_owned(),
        is_link: platform == "link",
        questions: if takes_answers { questions } else { Vec::new() },
        body: Value::Object(body),
    }
}

fn name(index: u64) -> String {
    match index {
        5 => String::new(),
        index if index % 4 == 1 => format!("Étude n° {index}: 検索 🦊 “checkout”"),
        index => format!("Checkout friction {index}"),
    }
}

fn questions(core: &Core, index: u64, survey: i64) -> Vec<Question> {
    let mut kinds = vec!["OPEN"];
    let position = usize::try_from(index).unwrap_or(0);
    kinds.extend((0..3).map(|place| TYPES[(position * 3 + place) % TYPES.len()]));
    if core.switches.on("new_values") {
        kinds.push("CONJOINT");
    }
    let mut numbers = Seed::of(core.seed, "questions", index);
    kinds
        .into_iter()
        .zip(0..)
        .map(|(kind, place)| Question {
            id: 80_000 + survey * 10 + place,
            kind: kind.to_owned(),
            text: match numbers.below(5) {
                0 => "What slowed you down, {{user.firstName}}?".to_owned(),
                1 => "Wie \"glatt\" lief’s heute? 日本語".to_owned(),
                _ => format!("Question {place} of survey {survey}"),
            },
        })
        .collect()
}

fn show(core: &Core, place: usize, question: &Question) -> Value {
    let switches = &core.switches;
    let mut numbers = Seed::of(core.seed, "question", u64::try_from(question.id).unwrap_or(0));
    let is_choice =
        matches!(question.kind.as_str(), "MULTIPLECHOICE" | "MULTIPLESELECT" | "RANKORDER" | "MAXDIFF");
    let options: Vec<Value> = if is_choice {
        let options = OPTIONS.iter().zip(1..);
        options
            .map(|(label, order)| json!({ "id": question.id * 10 + order, "value": label, "order": order }))
            .collect()
    } else {
        Vec::new()
    };
    let properties = match question.kind.as_str() {
        "LIKERT" => json!({ "labels": { "left": "Painful", "right": "Effortless" }, "introText": "" }),
        "NPS" => json!({ "labels": { "left": "Unlikely — très" } }),
        "CONSENTLEGAL" => json!({ "introText": *numbers.pick(TEXTS) }),
        "MATRIX" => json!({}),
        _ => Value::Null,
    };
    let routing = if numbers.chance(30) {
        json!([{ "group": [{ "questionIndex": 0, "comparator": "lte", "value": 2 }, 2,
            { "questionIndex": place, "comparator": "list_alo", "value": [1, "x", null] }], "target": -1 }])
    } else {
        Value::Null
    };
    let mut body = object(json!({
        "id": number(switches, question.id, false),
        "questionText": question.text,
        "type": question.kind,
        "options": options,
        "optionsProperties": properties,
        "routingOptions": routing,
    }));
    add_unknown(switches, &mut numbers, &mut body);
    Value::Object(body)
}

fn constraints(switches: &Switches, numbers: &mut Seed) -> Value {
    let mut rules = vec![json!({ "type": "SESSION_COUNT", "comparisonType": "gte", "event": null,
        "value": number(switches, 2, false) })];
    if numbers.chance(60) {
        let event = match numbers.below(3) {
            0 => json!("Viewed Payment"),
            1 => json!({ "name": "Viewed Payment", "properties": { "cart value": [{ "gt": 42 }] } }),
            _ => Value::Null,
        };
        rules.push(
            json!({ "type": "TIME_ON_PAGE_DELAY", "comparisonType": "eq", "event": event, "value": 1.5 }),
        );
    }
    Value::from(rules)
}

/// The rows of an array of every survey, each with `surveyId` and its `ordinal` from 0.
pub(super) fn children(surveys: &[Survey], array: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for survey in surveys {
        let id = survey.body.get("id").cloned().unwrap_or_default();
        for (child, ordinal) in
            survey.body.get(array).and_then(Value::as_array).into_iter().flatten().zip(0_u64..)
        {
            let mut row: Map<String, Value> = object(child.clone());
            row.insert("surveyId".to_owned(), id.clone());
            row.insert("ordinal".to_owned(), Value::from(ordinal));
            rows.push(Value::Object(row));
        }
    }
    rows
}

/// `GET /v1/surveys`.
pub(super) async fn list(State(sprig): State<Arc<Sprig>>, headers: HeaderMap, uri: Uri) -> Response {
    let result = page(&sprig, &headers, &uri);
    sprig.answer(result).await
}

fn page(sprig: &Sprig, headers: &HeaderMap, uri: &Uri) -> Result<Response, Refusal> {
    sprig.authorize(headers, Word::Bearer)?;
    let known = ["start", "end", "cursor", "limit", "status", "status[]"];
    let mut query = Query::parse(sprig, uri.query(), &known)?;
    let place = walk::place(sprig, "surveys", &mut query)?;
    let span = Span::of(sprig, &query)?;
    let limit = query.limit(sprig)?;
    let statuses = query.words("status", STATUSES)?;
    let world = sprig.world();
    let rows = world.surveys.iter().filter(|survey| {
        let wanted = match &statuses {
            Some(statuses) => statuses.contains(&survey.status),
            None if sprig.is("default_status", "active") => {
                !matches!(survey.status.as_str(), "DRAFT" | "ARCHIVED")
            }
            None => true,
        };
        wanted && span.holds(survey.at)
    });
    walk::page(sprig, ("surveys", &query, limit), place.as_ref(), rows.collect(), |survey| {
        survey.body.clone()
    })
}
