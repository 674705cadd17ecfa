//! `POST /v2/purge/visitors`: erasure requests, at most 100 visitors a call.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use userhaul_connector::{
    code::Code,
    push::{
        Answer, Batch, Body, Call, Entry, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open, Options,
        ReadBack, Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value, Verdict,
        chunks, reason_of,
    },
    request::Method,
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, PushSpec},
};

const DELAY: &str = "delaySeconds";

/// A field of a row, and the list of the body that it goes to.
const LISTS: [(&str, &str); 3] = [("userId", "userIds"), ("email", "emails"), ("visitorId", "visitorIds")];

pub(super) const SPEC: TargetSpec = TargetSpec {
    name: "purge",
    about: "Erasure requests: the visitors named, and all that is known of them, are purged for good",
    fields: &[
        FieldSpec {
            name: "userId",
            also: &["externalUserId"],
            kind: FieldKind::Id,
            help: "your own id of the user",
        },
        FieldSpec { name: "email", also: &["emailAddress"], kind: FieldKind::Email, help: "e-mail address" },
        FieldSpec {
            name: "visitorId",
            also: &["visitorUuid"],
            kind: FieldKind::Uuid,
            help: "the visitor's UUID (`visitor_uuid` of answers), not its number",
        },
        FieldSpec {
            name: DELAY,
            also: &[],
            kind: FieldKind::Count,
            help: "wait before purging; ten days unless given. One of the first three is required",
        },
    ],
    open: Open::Closed,
    read_only: &[],
    replaces: None,
    confirm: Some("what is purged cannot be brought back"),
    scoped: false,
    stream: None,
    eventual: true,
    build,
};

/// The steps: the word of the reference page first, then the other one, once (1.4).
const BEARER: &str = "bearer";
const API_KEY: &str = "api_key";

struct Purge {
    facts: PushSpec,
    auth: super::Auth,
    /// The second word was the right one.
    second_word: AtomicBool,
}

fn build(
    spec: &ConnectorSpec,
    settings: &Settings,
    _options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    let facts = spec.push.get("purge").cloned().unwrap_or_default();
    Ok(Box::new(Purge { facts, auth: super::auth(spec, settings)?, second_word: AtomicBool::new(false) }))
}

impl Target for Purge {
    fn spec(&self) -> &'static TargetSpec {
        &SPEC
    }

    fn scope(&self) -> &str {
        ""
    }

    fn account(&self) -> &str {
        ""
    }

    fn one_at_a_time(&self) -> bool {
        true
    }

    /// Each id that a row names is a record of its own: they may be of one visitor or of several.
    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>> {
        let fields = row.checked(&SPEC)?;
        let delay = fields.iter().find(|entry| entry.name == DELAY);
        let mut records = Vec::new();
        for (name, list) in LISTS {
            let Some(entry) = fields.iter().find(|entry| entry.name == name) else { continue };
            let key = format!("{list}\0{}", entry.value.as_text().unwrap_or_default());
            let mut fields = vec![Entry { name: list.to_owned(), ..entry.clone() }];
            fields.extend(delay.cloned());
            records.push(Record { key, fields, rows: vec![row.row], ..Record::default() });
        }
        if records.is_empty() {
            let reason = "names nobody: `userId`, `email` or `visitorId` is needed";
            return Err(vec![Fault::of_row(row.row, None, Code::MissingValue, reason)]);
        }
        Ok(records)
    }

    fn needs(&self, _batch: &Batch, _memory: &Memory) -> Need {
        Need::Nothing
    }

    fn settle(&self, _batch: &mut Batch, _known: Known<'_>) -> Result<Setup, SettleError> {
        Ok(Setup::default())
    }

    fn plan(&self, records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let mut by_delay: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for &index in which {
            by_delay.entry(records[index].text(DELAY)).or_default().push(index);
        }
        let groups = by_delay
            .into_values()
            .flat_map(|items| chunks(&items, self.facts.limit("visitors"), usize::MAX, |_| 0));
        groups.map(|items| (BEARER, items)).collect()
    }

    fn waits(&self, _step: &'static str) -> bool {
        false
    }

    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call {
        let mut body = Vec::new();
        for (_, list) in LISTS {
            let named: Vec<Value> =
                items.iter().filter_map(|&item| records[item].get(list).cloned()).collect();
            if !named.is_empty() {
                body.push((list.to_owned(), Value::List(named)));
            }
        }
        body.extend(records[items[0]].get(DELAY).map(|delay| (DELAY.to_owned(), delay.clone())));
        let second = step == API_KEY || self.second_word.load(Ordering::Relaxed);
        Call {
            step: if second { API_KEY } else { BEARER },
            items: items.to_vec(),
            method: Method::Post,
            path: self.facts.path("purge", &[]),
            query: Vec::new(),
            body: Body::Json(Value::Object(body).json().into_bytes()),
            auth: if second { &self.auth.of_users } else { &self.auth.general }.clone(),
            accept: super::ACCEPT.to_vec(),
            // The same set (4.2).
            repeat: Repeat::Safe,
            learns: Memory::new(),
        }
    }

    fn judge(&self, call: &Call, _records: &[Record], answer: Answer<'_>) -> Verdict {
        if call.step == API_KEY {
            self.second_word.store(true, Ordering::Relaxed);
        }
        match answer.status {
            200..=299 => Verdict::Done { faults: Vec::new(), notes: Vec::new() },
            // None of those named exists (assumption 27): reported, and no failure.
            400 | 404 => Verdict::Absent(Code::AlreadyGone.note(format!(
                "the vendor answered {} ({}), by which it says that it knows none of a group of {} named",
                answer.status,
                reason_of(answer.body, answer.status),
                call.items.len()
            ))),
            409 | 413 | 422 => {
                let fault = Fault::of_record(
                    call.items[0],
                    None,
                    Code::Rejected,
                    reason_of(answer.body, answer.status),
                );
                Verdict::Split(Fault { status: Some(answer.status), ..fault })
            }
            _ => super::wrong_request(answer),
        }
    }

    fn doubt(&self, _call: &Call) -> Option<&'static str> {
        None
    }

    fn forbidden(&self, call: &Call, status: u16) -> Verdict {
        if call.step == BEARER { Verdict::Next(API_KEY) } else { super::forbidden(status) }
    }

    fn read_back(&self) -> ReadBack {
        ReadBack::No("the vendor purges after a delay, and shows no request")
    }

    fn look_up(&self, _record: &Record) -> Option<Call> {
        None
    }

    fn shown(&self, _record: &Record, _answer: Answer<'_>) -> Option<Seen> {
        None
    }

    fn stored(&self, _row: &[(String, Value)]) -> Vec<(Vec<String>, Seen)> {
        Vec::new()
    }

    fn arrived(&self, _record: &Record, _seen: Option<&Seen>) -> Option<bool> {
        None
    }

    fn undo(&self, _record: &Record, _before: Option<&Seen>) -> Option<Value> {
        None
    }
}
