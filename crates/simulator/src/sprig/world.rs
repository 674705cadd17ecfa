//! The world: what the simulator holds, how it ages, and what a purge takes away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    access::Refusal,
    responses::{self, Answer},
    surveys::{self, Survey},
    themes::{self, Theme},
    users::{self, User},
    values::{END_MS, iso},
};
use crate::core::server::Core;

/// All rows. Surveys stand in the order of their numbers, answers and themes in that of their creation.
#[derive(Debug)]
pub(super) struct World {
    pub(super) surveys: Vec<Survey>,
    pub(super) answers: Vec<Answer>,
    pub(super) themes: Vec<Theme>,
    /// By the customer's user id.
    pub(super) users: BTreeMap<String, User>,
    /// Upserts that no read shows yet, by user id, with the reads that still show the old state.
    pub(super) pending: BTreeMap<String, (u64, Vec<Map<String, Value>>)>,
    /// The numbers of the visitors who were purged.
    pub(super) purged: BTreeSet<usize>,
    /// Requests to responses so far.
    walked: u64,
    /// Purges and created users so far.
    pub(super) written: u64,
}

impl World {
    /// The world of a seed, a number of people and switches.
    pub(super) fn new(core: &Core) -> Self {
        let surveys = surveys::surveys(core);
        let answers = responses::answers(core, &surveys);
        let themes = themes::themes(core, &answers);
        let (users, pending) = (users::users(core), BTreeMap::new());
        Self { surveys, answers, themes, users, pending, purged: BTreeSet::new(), walked: 0, written: 0 }
    }

    /// Counts a request to responses. After as many as the switch says, transcripts arrive and rows are deleted
    /// (section 3.2.4).
    pub(super) fn age(&mut self, core: &Core) {
        self.walked += 1;
        let after = core.switches.number("mutate_after");
        if after == 0 || self.walked != after + 1 {
            return;
        }
        for (answer, index) in self.answers.iter_mut().zip(0_u64..) {
            if index % 13 == 6 && answer.deleted.is_none() {
                answer.deleted = Some(END_MS);
            }
            let response = answer.body.get_mut("response").and_then(Value::as_object_mut);
            let Some(response) =
                response.filter(|response| response.get("transcription") == Some(&Value::Null))
            else {
                continue;
            };
            response.insert("transcription".to_owned(), json!("It arrived late, désolé."));
            if core.switches.get("late_edits") != "silent" {
                answer.body.insert("updatedAt".to_owned(), json!(iso(END_MS)));
            }
        }
    }

    /// Refuses a survey id that no survey has.
    pub(super) fn check_survey(&self, sid: Option<i64>) -> Result<(), Refusal> {
        match sid {
            Some(sid) if !self.surveys.iter().any(|survey| survey.id == sid) => {
                Err(Refusal::Empty("unknown_sid"))
            }
            _ => Ok(()),
        }
    }

    /// Takes away visitors (by number) and users (by user id), or marks their answers as deleted.
    pub(super) fn purge(&mut self, core: &Core, visitors: &[usize], users: &[String]) {
        if core.switches.get("purged") == "deleted_at" {
            for answer in self.answers.iter_mut().filter(|answer| visitors.contains(&answer.visitor)) {
                answer.deleted.get_or_insert(END_MS);
            }
        } else {
            self.answers.retain(|answer| !visitors.contains(&answer.visitor));
        }
        self.purged.extend(visitors);
        self.themes.retain(|theme| !visitors.contains(&theme.visitor));
        for id in users {
            self.users.remove(id);
            self.pending.remove(id);
        }
    }
}
