//! The questions of surveys, as far as answers are read by them.

use std::collections::HashMap;

use userhaul_connector::rows::Rows;

use crate::choices::Options;

/// The questions that were looked up in `surveys`: each is read once.
#[derive(Debug, Default)]
pub(crate) struct Questions<'a> {
    known: HashMap<(Option<&'a str>, Option<&'a str>), Options>,
}

impl<'a> Questions<'a> {
    /// The options of a question; none where its survey or itself is not known.
    pub(crate) fn of(
        &mut self,
        rows: &Rows<'a>,
        survey: Option<&'a str>,
        question: Option<&'a str>,
    ) -> &Options {
        self.known.entry((survey, question)).or_insert_with(|| {
            let found = survey.and_then(|id| rows.lookup("surveys", id));
            let mut asked = found.into_iter().flat_map(|survey| survey.objects("questions"));
            let asked = asked.find(|asked| question.is_some() && asked.text("id") == question);
            asked.and_then(|asked| asked.text("options")).map(Options::read).unwrap_or_default()
        })
    }
}
