//! `feedback` from `responses`: one record an answer.

use std::borrow::Cow;

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Feedback, FeedbackKind, Unified};

use crate::response;

/// A row that the vendor has deleted makes no record: nothing in the table would tell it from the others.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (visitors, users) = (rows.text("visitor_uuid")?, rows.text("external_user_id")?);
    let (surveys, questions) = (rows.text("survey_id")?, rows.text("question_id")?);
    let (wordings, types) = (rows.text("question_text")?, rows.text("question_type")?);
    let (responses, texts) = (rows.text("response")?, rows.text("response_text")?);
    let numbers = rows.double("response_number")?;
    let (created, deleted) = (rows.instant("created_at")?, rows.instant("deleted_at")?);
    for (row, lineage) in rows.lineage()? {
        if deleted.get(row).is_some() {
            continue;
        }
        let question_type = types.get(row);
        let survey = surveys.get(row).and_then(|id| rows.lookup("surveys", id));
        let mut answer = Feedback {
            vendor_user_id: visitors.get(row),
            user_external_id: users.get(row),
            survey_id: surveys.get(row),
            survey_name: survey.and_then(|survey| survey.text("name")),
            question_id: questions.get(row),
            question_text: wordings.get(row),
            question_type,
            occurred_at: created.get(row),
            ..Feedback::default()
        };
        match question_type {
            Some("NPS") => {
                answer.kind = FeedbackKind::Nps;
                (answer.score_min, answer.score_max) = (Some(0.0), Some(10.0));
                answer.score = numbers.get(row);
            }
            Some("LIKERT") => answer.score = numbers.get(row),
            // 3.2.3: of several choices the answer may name one; the others' labels cannot be told from their indexes.
            Some("MULTIPLECHOICE" | "MULTIPLESELECT") => {
                let labels = responses.get(row).and_then(response::labels).unwrap_or_default();
                answer.choices = labels.into_iter().map(Cow::Owned).collect();
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
