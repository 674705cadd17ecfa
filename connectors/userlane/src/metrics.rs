//! `metrics`: one row a day, application and HEART score.

use userhaul_connector::rows::{DoubleColumn, Rows, UnifyError};
use userhaul_record::{Date, Metric, Subject, Unified};

/// The scores and their columns. Users and sessions are counts and no scores: the vendor table has them.
const SCORES: [(&str, &str); 6] = [
    ("heart.overall", "heart_score"),
    ("heart.happiness", "happiness"),
    ("heart.engagement", "engagement"),
    ("heart.adoption", "adoption"),
    ("heart.retention", "retention"),
    ("heart.task_success", "task_success"),
];

/// A score without a basis is null, which is not 0 (vendors/userlane.md 3.1), and keeps its row.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (property_ids, dates) = (rows.text("property_id")?, rows.date("date")?);
    let scores: Vec<(&str, DoubleColumn<'_>)> = SCORES
        .iter()
        .map(|&(metric, column)| Ok((metric, rows.double(column)?)))
        .collect::<Result<_, UnifyError>>()?;
    for (row, lineage) in rows.lineage()? {
        let subject = property_ids.get(row).map_or(Subject::Unknown, Subject::Named);
        for (metric, score) in &scores {
            let date = dates.get(row).map(Date);
            into.metric(lineage, Metric { subject, date, metric, value: score.get(row) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::tests::{records, rows};

    #[test]
    fn every_score_is_a_row_and_null_is_not_zero() {
        let page = r#"{ "data": [
            { "date": "2025-03-01", "heartScore": 63, "happiness": null, "engagement": 0,
              "adoption": 58.5, "retention": "66", "taskSuccess": 57, "users": 412, "sessions": 903 } ] }"#;
        assert_eq!(
            rows("heart_scores", page),
            ["property_id=k3f9a | date=2025-03-01 | heart_score=63.0 | engagement=0.0 | adoption=58.5 | \
              retention=66.0 | task_success=57.0 | users=412 | sessions=903"]
        );
        let key = "metric_key=adoption:heart_scores:k3f9a/2025-03-01";
        let (subject, date) = ("subject=k3f9a", "date=2025-03-01");
        let expected = [
            ("heart.overall", " | value=63.0"),
            ("heart.happiness", ""),
            ("heart.engagement", " | value=0.0"),
            ("heart.adoption", " | value=58.5"),
            ("heart.retention", " | value=66.0"),
            ("heart.task_success", " | value=57.0"),
        ];
        let expected = expected
            .map(|(metric, value)| format!("{key}/{metric} | {subject} | {date} | metric={metric}{value}"));
        assert_eq!(records("heart_scores", page), expected);
    }

    #[test]
    fn scores_are_found_under_every_name() {
        let expected =
            ["property_id=k3f9a | date=2025-03-01 | heart_score=6.0 | happiness=1.0 | engagement=2.0 | \
                         adoption=3.0 | retention=4.0 | task_success=5.0 | users=7 | sessions=8"];
        for row in [
            r#""heart": 6, "h": 1, "e": 2, "a": 3, "r": 4, "t": 5, "userCount": 7, "sessionCount": 8"#,
            r#""overall_score": 6, "scores": { "happiness": 1, "engagement": 2, "adoption": 3, "retention": 4,
               "task_success": 5 }, "number_of_users": 7, "number_of_sessions": 8"#,
            r#""score": 6, "happinessScore": 1, "engagementScore": 2, "adoption_score": 3, "retentionScore": 4,
               "taskSuccessScore": 5, "users": 7, "sessions": 8"#,
        ] {
            assert_eq!(rows("heart_scores", &format!(r#"[{{ "date": "2025-03-01", {row} }}]"#)), expected);
        }
    }
}
