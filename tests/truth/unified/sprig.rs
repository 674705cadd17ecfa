//! Sprig: visitors are users, answers are feedback.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Records, instant, key, map, number, text};

/// What Sprig's rows make. `users` are those that were found, `answers` each once, `index_base` is where the numbers
/// of options begin.
pub(crate) fn records(
    users: &[Value],
    answers: &[Value],
    surveys: &[Value],
    questions: &[Value],
    index_base: usize,
) -> Records {
    let mut records = Records::default();
    for user in users.iter().filter(|user| !text(&user["id"]).is_null()) {
        let own = text(&user["externalUserId"]);
        records.add(
            "users",
            [
                ("user_key", key(&user["id"])),
                ("vendor_user_id", text(&user["id"])),
                ("external_id", if own.is_null() { text(&user["requestedUserId"]) } else { own }),
                ("status", "unknown".into()),
                ("created_at", instant(&user["createdAt"])),
                ("attributes", map(members(&user["attributes"]))),
            ],
        );
    }
    let names: BTreeMap<String, &Value> =
        surveys.iter().map(|survey| (survey["id"].to_string(), &survey["name"])).collect();
    let asked: BTreeMap<(String, String), &Value> = questions
        .iter()
        .map(|question| ((question["surveyId"].to_string(), question["id"].to_string()), question))
        .collect();
    for answer in answers.iter().filter(|answer| answer["deletedAt"].is_null()) {
        let question = asked.get(&(answer["surveyId"].to_string(), answer["questionId"].to_string()));
        let said = said(answer, question.copied(), index_base);
        let part = |name: &str| answer[name].as_str().map_or_else(|| answer[name].to_string(), str::to_owned);
        let own = format!("it:responses:{}/{}", part("responseGroupUid"), part("questionId"));
        records.add(
            "feedback",
            [
                ("feedback_key", own.into()),
                ("user_key", key(&answer["visitorUuid"])),
                ("user_external_id", text(&answer["externalUserId"])),
                ("kind", if answer["questionType"] == "NPS" { "nps" } else { "survey" }.into()),
                ("survey_id", text(&answer["surveyId"])),
                (
                    "survey_name",
                    names.get(&answer["surveyId"].to_string()).map_or(Value::Null, |name| text(name)),
                ),
                ("question_id", text(&answer["questionId"])),
                ("question_text", text(&answer["questionText"])),
                ("question_type", text(&answer["questionType"])),
                ("score", said.score),
                ("score_min", said.range.0),
                ("score_max", said.range.1),
                ("text", said.text),
                ("choices", said.choices),
                ("occurred_at", instant(&answer["createdAt"])),
            ],
        );
    }
    records
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

#[derive(Debug, Default)]
struct Said {
    score: Value,
    range: (Value, Value),
    text: Value,
    choices: Value,
}

/// What an answer says (vendors/sprig.md 3.2.3).
fn said(answer: &Value, question: Option<&Value>, index_base: usize) -> Said {
    let response = &answer["response"];
    let mut said = Said::default();
    match answer["questionType"].as_str().unwrap_or_default() {
        "NPS" => {
            said.score = number(response);
            said.range = (0.0.into(), 10.0.into());
        }
        "LIKERT" => {
            said.score = number(response);
            said.range = (1.0.into(), 5.0.into());
        }
        "MULTIPLECHOICE" | "MULTIPLESELECT" => said.choices = choices(answer, question, index_base),
        _ => {}
    }
    if said.score.is_null() && said.choices.is_null() {
        said.text = written(response, answer["questionType"].as_str().unwrap_or_default());
    }
    said
}

/// The labels; of several options those that the numbers name, where the answer's own label is among them.
fn choices(answer: &Value, question: Option<&Value>, index_base: usize) -> Value {
    let labels: Vec<Value> = match &answer["response"] {
        Value::String(label) => {
            let numbers = answer["selectedIndexes"].as_array().cloned().unwrap_or_default();
            let options =
                question.and_then(|question| question["options"].as_array()).cloned().unwrap_or_default();
            let chosen: Vec<Value> = numbers
                .iter()
                .filter_map(|number| number.as_f64())
                .filter_map(|number| format!("{number}").parse::<usize>().ok()?.checked_sub(index_base))
                .filter_map(|place| options.get(place).map(|option| option["value"].clone()))
                .collect();
            let agrees = chosen.contains(&answer["response"])
                || chosen.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ") == *label;
            if chosen.len() > 1 && agrees { chosen } else { vec![label.clone().into()] }
        }
        Value::Array(labels) => labels.clone(),
        _ => Vec::new(),
    };
    let labels: Vec<Value> = labels.iter().map(text).filter(|label| !label.is_null()).collect();
    if labels.is_empty() { Value::Null } else { labels.into() }
}

/// What was written or said.
fn written(response: &Value, kind: &str) -> Value {
    match response {
        Value::String(_) => text(response),
        Value::Array(labels) if labels.iter().all(|label| label.is_string() || label.is_null()) => {
            let labels: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
            text(&labels.join("\n").into())
        }
        Value::Object(media) if !matches!(kind, "MATRIX" | "RANKORDER") => match media.get("transcription") {
            Some(Value::String(words)) => text(&words.clone().into()),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}
