//! `feedback`: one row an answer. 4 of 10 and 4 of 5 mean opposite things, so each row names its scale.

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Feedback, FeedbackKind, Unified};

use crate::users::vendor_user_id;

/// Answers to the net promoter question (0 to 10) or, as `kind` says, to custom surveys (1 to 5).
pub(crate) fn unify(kind: FeedbackKind, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (lowest, highest) = match kind {
        FeedbackKind::Nps => (0.0, 10.0),
        FeedbackKind::Survey => (1.0, 5.0),
    };
    let of_survey = |column| match kind {
        FeedbackKind::Nps => Ok(None),
        FeedbackKind::Survey => rows.text(column).map(Some),
    };
    let (surveys, names) = (of_survey("survey_id")?, of_survey("survey_name")?);
    let questions = of_survey("question")?;
    let (property_ids, user_ids) = (rows.text("property_id")?, rows.text("user_id")?);
    let (scores, comments) = (rows.int("score")?, rows.text("comment")?);
    let instants = rows.instant("responded_at")?;
    for (row, lineage) in rows.lineage()? {
        let vendor_user_id = vendor_user_id(property_ids.get(row), user_ids.get(row));
        let feedback = Feedback {
            vendor_user_id: vendor_user_id.as_deref(),
            user_external_id: user_ids.get(row),
            kind,
            survey_id: surveys.and_then(|surveys| surveys.get(row)),
            survey_name: names.and_then(|names| names.get(row)),
            question_text: questions.and_then(|questions| questions.get(row)),
            score: scores.get(row).map(double),
            score_min: Some(lowest),
            score_max: Some(highest),
            text: comments.get(row),
            occurred_at: instants.get(row),
            ..Feedback::default()
        };
        into.feedback(lineage, feedback);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "scores have one or two digits; a double holds sixteen")]
fn double(score: i64) -> f64 {
    score as f64
}

#[cfg(test)]
mod tests {
    use crate::tests::{records, rows};

    #[test]
    fn an_nps_answer_has_the_scale_of_nps() {
        let page = r#"{ "data": [
            { "id": "nps_7A", "userId": "emp-1", "score": 9, "comment": "Quick.",
              "respondedAt": "2025-03-02T08:15:30.000Z" },
            { "id": "nps_7B", "userId": "", "score": 0, "comment": "",
              "respondedAt": "2025-03-02T10:41:02+01:00" } ],
            "pagination": { "page": 1, "pageSize": 100, "totalItems": 2, "totalPages": 1 } }"#;
        assert_eq!(
            rows("nps_responses", page),
            [
                "property_id=k3f9a | id=nps_7A | user_id=emp-1 | score=9 | comment=Quick. | \
                 responded_at=2025-03-02 08:15:30 | _key=nps_7A",
                "property_id=k3f9a | id=nps_7B | user_id= | score=0 | comment= | \
                 responded_at=2025-03-02 09:41:02 | _key=nps_7B",
            ]
        );
        assert_eq!(
            records("nps_responses", page),
            [
                "feedback_key=adoption:nps_responses:k3f9a/nps_7A | user_key=adoption:k3f9a/emp-1 | \
                 user_external_id=emp-1 | kind=nps | score=9.0 | score_min=0.0 | score_max=10.0 | \
                 text=Quick. | occurred_at=2025-03-02 08:15:30",
                "feedback_key=adoption:nps_responses:k3f9a/nps_7B | kind=nps | score=0.0 | score_min=0.0 | \
                 score_max=10.0 | occurred_at=2025-03-02 09:41:02",
            ]
        );
    }

    #[test]
    fn a_survey_answer_names_its_survey() {
        let page = r#"{ "data": [
            { "id": "sv_1", "surveyId": 31, "surveyName": "Leave form", "question": "Was it easy?",
              "userId": "emp-1", "score": 4, "comment": null, "respondedAt": "2025-03-02T10:03:11.500Z" } ] }"#;
        assert_eq!(
            rows("survey_responses", page),
            ["property_id=k3f9a | id=sv_1 | survey_id=31 | survey_name=Leave form | question=Was it \
              easy? | user_id=emp-1 | score=4 | responded_at=2025-03-02 10:03:11.500 | _key=sv_1"]
        );
        assert_eq!(
            records("survey_responses", page),
            ["feedback_key=adoption:survey_responses:k3f9a/sv_1 | user_key=adoption:k3f9a/emp-1 | \
              user_external_id=emp-1 | kind=survey | survey_id=31 | survey_name=Leave form | \
              question_text=Was it easy? | score=4.0 | score_min=1.0 | score_max=5.0 | \
              occurred_at=2025-03-02 10:03:11.500"]
        );
    }

    #[test]
    fn answers_without_ids_get_keys_of_their_own() {
        let answer = r#"{ "userId": "emp-1", "score": 3, "respondedAt": "2025-03-02T08:00:00Z" }"#;
        let records = records("nps_responses", &format!("[{answer}, {answer}]"));
        let key = |record: &String| record.split(" | ").next().map(str::to_owned).unwrap_or_default();
        assert_eq!(format!("{}-1", key(&records[0])), key(&records[1]));
    }
}
