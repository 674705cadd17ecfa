//! `feedback`: one row an answer of a user.

use std::borrow::Cow;

use crate::cells::Row;
use crate::column::{Column, Kind, column, instant, text};
use crate::unified::Prefix;
use crate::value::Micros;

/// An answer of a user. Its key is made of the row's lineage.
#[derive(Debug, Clone, Default)]
pub struct Feedback<'a> {
    /// The vendor's id of the user; becomes `user_key`.
    pub vendor_user_id: Option<&'a str>,
    /// The customer's own id of the user, filled wherever it is known.
    pub user_external_id: Option<&'a str>,
    /// What was asked for.
    pub kind: FeedbackKind,
    /// The vendor's id of the survey.
    pub survey_id: Option<&'a str>,
    /// Name of the survey.
    pub survey_name: Option<&'a str>,
    /// The vendor's id of the question.
    pub question_id: Option<&'a str>,
    /// The question.
    pub question_text: Option<&'a str>,
    /// Kind of the question, in the vendor's words.
    pub question_type: Option<&'a str>,
    /// The number that was given.
    pub score: Option<f64>,
    /// The lowest number that could be given.
    pub score_min: Option<f64>,
    /// The highest number that could be given.
    pub score_max: Option<f64>,
    /// The text that was given.
    pub text: Option<&'a str>,
    /// The choices that were taken; none is null.
    pub choices: Vec<Cow<'a, str>>,
    /// When the answer was given.
    pub occurred_at: Option<Micros>,
}

/// What an answer was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum FeedbackKind {
    /// Net promoter score, 0 to 10.
    Nps,
    /// Any other survey.
    #[default]
    Survey,
}

impl FeedbackKind {
    /// The word that stands in the column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nps => "nps",
            Self::Survey => "survey",
        }
    }
}

pub(crate) const COLUMNS: &[Column] = &[
    text("feedback_key", "the row's key: `<source>:<stream>:<primary key>`"),
    text("user_key", "who answered: `users.user_key`; null where only the customer's id is known"),
    text("user_external_id", "the customer's own id of who answered"),
    text("kind", "`nps` or `survey`"),
    text("survey_id", "the vendor's id of the survey"),
    text("survey_name", "name of the survey"),
    text("question_id", "the vendor's id of the question"),
    text("question_text", "the question"),
    text("question_type", "kind of the question, in the vendor's words"),
    column("score", Kind::Double, "the number that was given"),
    column("score_min", Kind::Double, "the lowest number that could be given"),
    column("score_max", Kind::Double, "the highest number that could be given"),
    text("text", "the text that was given"),
    column("choices", Kind::Texts, "the choices that were taken"),
    instant("occurred_at", "when the answer was given"),
];

impl Feedback<'_> {
    pub(crate) fn fill(&self, row: &mut Row<'_>, prefix: &Prefix, key: &str) {
        row.key(&prefix.row, Some(key))
            .key(&prefix.id, self.vendor_user_id)
            .text(self.user_external_id)
            .text(Some(self.kind.as_str()))
            .text(self.survey_id)
            .text(self.survey_name)
            .text(self.question_id)
            .text(self.question_text)
            .text(self.question_type)
            .double(self.score)
            .double(self.score_min)
            .double(self.score_max)
            .text(self.text)
            .texts(&self.choices)
            .instant(self.occurred_at);
    }
}
