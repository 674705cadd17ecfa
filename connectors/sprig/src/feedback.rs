//! `feedback` from `responses`: one record an answer.

use std::borrow::Cow;

use userhaul_connector::{
    Words,
    rows::{Rows, UnifyError},
};
use userhaul_record::{Feedback, FeedbackKind, Unified};

use crate::questions::Questions;

/// The questions whose answers are more than a text.
pub(crate) const KINDS: Words = Words {
    stream: "responses",
    column: "question_type",
    into: "kind",
    pairs: &[
        ("NPS", FeedbackKind::Nps.as_str()),
        ("LIKERT", FeedbackKind::Survey.as_str()),
        ("MULTIPLECHOICE", FeedbackKind::Survey.as_str()),
        ("MULTIPLESELECT", FeedbackKind::Survey.as_str()),
    ],
};

/// A row that the vendor has deleted makes no record: nothing in the table would tell it from the others.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (visitors, users) = (rows.text("visitor_uuid")?, rows.text("external_user_id")?);
    let (surveys, questions) = (rows.text("survey_id")?, rows.text("question_id")?);
    let (wordings, types) = (rows.text("question_text")?, rows.text("question_type")?);
    let (responses, indexes) = (rows.text("response")?, rows.text("selected_indexes")?);
    let (texts, numbers) = (rows.text("response_text")?, rows.double("response_number")?);
    let (created, deleted) = (rows.instant("created_at")?, rows.instant("deleted_at")?);
    let mut asked = Questions::default();
    for (row, lineage) in rows.lineage()? {
        if deleted.get(row).is_some() {
            continue;
        }
        let (survey_id, question_id) = (surveys.get(row), questions.get(row));
        let survey = survey_id.and_then(|id| rows.lookup("surveys", id));
        let mut answer = Feedback {
            vendor_user_id: visitors.get(row),
            user_external_id: users.get(row),
            kind: FeedbackKind::Survey,
            survey_id,
            survey_name: survey.and_then(|survey| survey.text("name")),
            question_id,
            question_text: wordings.get(row),
            question_type: types.get(row),
            occurred_at: created.get(row),
            ..Feedback::default()
        };
        match answer.question_type {
            Some("NPS") => {
                answer.kind = FeedbackKind::Nps;
                (answer.score_min, answer.score_max) = (Some(0.0), Some(10.0));
                answer.score = numbers.get(row);
            }
            Some("LIKERT") => {
                answer.score = numbers.get(row);
                let highest = asked.of(rows, survey_id, question_id).highest();
                (answer.score_min, answer.score_max) = range(highest, answer.score);
            }
            Some("MULTIPLECHOICE" | "MULTIPLESELECT") => {
                let options = asked.of(rows, survey_id, question_id);
                let taken = responses.get(row).map(|response| options.taken(response, indexes.get(row)));
                answer.choices = taken.unwrap_or_default().into_iter().map(Cow::Owned).collect();
            }
            _ => {}
        }
        if answer.score.is_none() && answer.choices.is_empty() {
            answer.text = texts.get(row);
        }
        into.feedback(lineage, answer);
    }
    Ok(())
}

/// A scale begins at 1; an answer outside it shows that its end is not known.
fn range(highest: f64, score: Option<f64>) -> (Option<f64>, Option<f64>) {
    let inside = score.is_none_or(|score| (1.0..=highest).contains(&score));
    if inside { (Some(1.0), Some(highest)) } else { (None, None) }
}
