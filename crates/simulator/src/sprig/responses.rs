//! `GET /v1/responses`; section 3.2 of the reference.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use super::{
    Sprig,
    access::{Refusal, Word},
    answers,
    query::Query,
    surveys::{Question, Survey},
    values::{BEGIN_MS, DAY_MS, END_MS, add_unknown, below, free_form, iso, number, object},
    visitors::{Visitor, visitor},
    walk::{self, Row, Span},
};
use crate::core::{scenario::Switches, seed::Seed, server::Core};

/// One answered question.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) at: i64,
    number: u64,
    pub(super) survey: i64,
    is_link: bool,
    /// The visitor's number.
    pub(super) visitor: usize,
    pub(super) deleted: Option<i64>,
    /// The fields that no flag adds.
    pub(super) body: Map<String, Value>,
}

impl Row for Answer {
    fn at(&self) -> i64 {
        self.at
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// The `with_*` flags of a request.
#[derive(Debug, Clone, Copy)]
struct Flags {
    snapshots: bool,
    urls: bool,
    meta: bool,
    custom_metadata: bool,
    deleted: bool,
}

/// All answers of all visitors, ordered by creation: some three a person, most of a submission in one millisecond.
pub(super) fn answers(core: &Core, surveys: &[Survey]) -> Vec<Answer> {
    let open: Vec<&Survey> = surveys.iter().filter(|survey| !survey.questions.is_empty()).collect();
    let mut answers = Vec::new();
    let mut previous = None;
    for person in 0..core.users {
        let visitor = visitor(core.seed, person);
        if !visitor.has_answered || open.is_empty() {
            continue;
        }
        for submission in 0..if person % 3 == 0 { 2 } else { 1 } {
            let survey = open[(person + submission * 7) % open.len()];
            let index = person as u64 * 2 + submission as u64;
            let mut numbers = Seed::of(core.seed, "submission", index);
            let span = END_MS - DAY_MS - survey.at;
            let mut at = survey.at + below(&mut numbers, span);
            // One submission in five begins in the millisecond of the one before.
            if let Some(before) = previous.filter(|_| index.is_multiple_of(5)) {
                at = before;
            }
            previous = Some(at);
            submit(core, &visitor, survey, at, &mut numbers, &mut answers);
        }
    }
    answers.sort_by_key(|answer| (answer.at, answer.number));
    answers
}

fn submit(
    core: &Core,
    visitor: &Visitor,
    survey: &Survey,
    mut at: i64,
    numbers: &mut Seed,
    answers: &mut Vec<Answer>,
) {
    let group = numbers.uuid();
    let is_instant = numbers.chance(60);
    let answered = if numbers.chance(60) { survey.questions.len() } else { 1 + below_len(numbers, survey) };
    let mut questions: Vec<(&Question, bool)> =
        survey.questions.iter().take(answered).map(|question| (question, false)).collect();
    if core.switches.get("response_key") == "repeated" && numbers.chance(20) {
        questions
            .extend(questions.first().map(|&(question, _)| (question, true)).into_iter().collect::<Vec<_>>());
    }
    for (question, is_follow_up) in questions {
        let mut body = answer(&core.switches, visitor, survey, question, at, numbers);
        body.insert("responseGroupUid".to_owned(), json!(group));
        let lag = match numbers.below(5) {
            _ if is_follow_up => 3 * DAY_MS,
            0 => 1 + below(numbers, 20 * 60_000),
            _ => 0,
        };
        body.insert("updatedAt".to_owned(), json!(iso((at + lag).min(END_MS))));
        let number = answers.len() as u64;
        let deleted = (number % 17 == 4).then(|| (at + below(numbers, 30 * DAY_MS)).min(END_MS));
        let is_link = survey.is_link;
        answers.push(Answer {
            at,
            number,
            survey: survey.id,
            is_link,
            visitor: visitor.person.number,
            deleted,
            body,
        });
        if !is_instant {
            at += 1 + below(numbers, 15_000);
        }
    }
}

fn below_len(numbers: &mut Seed, survey: &Survey) -> usize {
    usize::try_from(numbers.below(survey.questions.len() as u64)).unwrap_or(0)
}

fn answer(
    switches: &Switches,
    visitor: &Visitor,
    survey: &Survey,
    question: &Question,
    at: i64,
    numbers: &mut Seed,
) -> Map<String, Value> {
    let (response, selected) = answers::response(switches, numbers, &question.kind, at);
    let mut body = object(json!({
        "surveyId": number(switches, survey.id, false),
        "questionId": number(switches, question.id, false),
        "questionText": question.text,
        "questionType": question.kind,
        "response": response,
        "visitorId": number(switches, visitor.id, true),
        "createdAt": iso(at),
    }));
    if let Some(selected) = selected {
        body.insert("selectedIndexes".to_owned(), selected);
    }
    // Old rows lack it.
    if at > BEGIN_MS + 60 * DAY_MS {
        body.insert("visitorUuid".to_owned(), json!(visitor.uuid));
    }
    let anonymous = match (switches.get("anonymous_id"), visitor.person.number / 8 % 3) {
        ("empty", _) | ("mixed", 1) => Some(json!("")),
        ("absent", _) | ("mixed", 2) => None,
        _ => Some(Value::Null),
    };
    if let Some(id) = visitor.user_id.as_ref().map(|id| json!(id)).or(anonymous) {
        body.insert("externalUserId".to_owned(), id);
    }
    if numbers.chance(10) {
        body.insert("partnerAnonymousId".to_owned(), json!(if numbers.chance(50) { "" } else { "anon_é" }));
    }
    add_unknown(switches, numbers, &mut body);
    body
}

impl Answer {
    /// The row with what the flags add.
    fn render(&self, core: &Core, flags: Flags) -> Value {
        let mut row = self.body.clone();
        let mut numbers = Seed::of(core.seed, "flags", self.number);
        let page = format!("https://shop.example.com/pay?step={}&q=%C3%A9#größe", numbers.below(9));
        if flags.urls {
            row.insert("url".to_owned(), json!(page));
        }
        if flags.meta {
            row.insert("meta".to_owned(), meta(&mut numbers.clone(), &page));
        }
        if flags.custom_metadata && self.is_link {
            let mut metadata = match numbers.clone().below(4) {
                0 => json!({}),
                _ => json!({ "campaign": "may-panel", "with.dot and space": 9_007_199_254_740_993_i64 }),
            };
            if let Some(members) = metadata.as_object_mut().filter(|members| !members.is_empty()) {
                members.insert("深い".to_owned(), free_form(&mut numbers.clone()));
            }
            row.insert("customMetadata".to_owned(), metadata);
        }
        if flags.snapshots {
            row.insert("visitorSnapshot".to_owned(), self.snapshot(core, &mut numbers));
        }
        if flags.deleted {
            row.insert("deletedAt".to_owned(), self.deleted.map_or(Value::Null, |at| json!(iso(at))));
        }
        Value::Object(row)
    }

    fn snapshot(&self, core: &Core, numbers: &mut Seed) -> Value {
        let visitor = visitor(core.seed, self.visitor);
        let spelling =
            if core.switches.get("snapshot_spelling") == "attribtues" { "attribtues" } else { "attributes" };
        let attributes = match numbers.below(4) {
            0 => json!({}),
            _ => json!({ "plan": *numbers.pick(&["pro", "free", ""]), "seats": below(numbers, 40),
                "first name": visitor.person.first_name, "free": free_form(numbers) }),
        };
        // It need not be the row's own submission.
        let group = if numbers.chance(20) {
            json!(numbers.uuid())
        } else {
            self.body.get("responseGroupUid").cloned().unwrap_or_default()
        };
        json!({
            "visitorId": visitor.uuid,
            "externalUserId": visitor.user_id,
            "responseGroupUid": group,
            "triggeringEvent": *numbers.pick(&["Viewed Payment", "", "Événement 🦊"]),
            spelling: attributes,
            "events": if numbers.chance(20) { json!({}) } else { json!({ "Viewed Payment": 3, "Signed In": 1 }) },
            "eventProperties": { "cart_value": below(numbers, 900), "nested": free_form(numbers) },
        })
    }
}

fn meta(numbers: &mut Seed, page: &str) -> Value {
    let mut meta = object(json!({
        "browser": *numbers.pick(&["Firefox", "Chrome", "Safari"]),
        "os": *numbers.pick(&["Linux", "macOS", "iOS"]),
        "language": *numbers.pick(&["de-DE", "en", "zh-Hant-TW"]),
        "href": page,
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) …",
        "client": { "height": 880, "width": 1440 },
        "screen": { "height": 1080, "width": 1920 },
    }));
    match numbers.below(6) {
        0 => meta.clear(),
        1 => {
            meta.remove("screen");
        }
        2 => {
            meta.insert("os".to_owned(), Value::Null);
        }
        _ => {}
    }
    Value::Object(meta)
}

/// Every answer with every flag, deleted ones too; or the live ones without flags.
pub(super) fn truth(core: &Core, answers: &[Answer], is_full: bool) -> Vec<Value> {
    let on = is_full;
    let flags = Flags { snapshots: on, urls: on, meta: on, custom_metadata: on, deleted: on };
    let shown = answers.iter().filter(|answer| is_full || answer.deleted.is_none());
    shown.map(|answer| answer.render(core, flags)).collect()
}

/// `GET /v1/responses`.
pub(super) async fn list(State(sprig): State<Arc<Sprig>>, headers: HeaderMap, uri: Uri) -> Response {
    let result = page(&sprig, &headers, &uri);
    sprig.answer(result).await
}

fn page(sprig: &Sprig, headers: &HeaderMap, uri: &Uri) -> Result<Response, Refusal> {
    sprig.authorize(headers, Word::Bearer)?;
    let known = [
        "start",
        "end",
        "cursor",
        "limit",
        "sid",
        "with_snapshots",
        "with_urls",
        "with_meta",
        "with_custom_metadata",
        "with_deleted_responses",
    ];
    let mut query = Query::parse(sprig, uri.query(), &known)?;
    let place = walk::place(sprig, "responses", &mut query)?;
    let span = Span::of(sprig, &query)?;
    let limit = query.limit(sprig)?;
    let sid = query.integer("sid")?;
    let flags = Flags {
        snapshots: query.flag("with_snapshots")?,
        urls: query.flag("with_urls")?,
        meta: query.flag("with_meta")?,
        custom_metadata: query.flag("with_custom_metadata")?,
        deleted: query.flag("with_deleted_responses")?,
    };
    let mut world = sprig.world();
    world.age(&sprig.core);
    world.check_survey(sid)?;
    let only_deleted = flags.deleted && sprig.is("deleted", "only");
    let rows = world.answers.iter().filter(|answer| {
        let shown = match answer.deleted {
            Some(_) => flags.deleted,
            None => !only_deleted,
        };
        shown && sid.is_none_or(|sid| sid == answer.survey) && span.holds(answer.at)
    });
    let list = ("responses", &query, limit);
    walk::page(sprig, list, place.as_ref(), rows.collect(), |answer| answer.render(&sprig.core, flags))
}
