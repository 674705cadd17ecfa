//! Members of audiences: added by the hundred, or a list replaced as a whole, and never by an empty one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{
        Answer, Batch, Body, Call, Entry, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open, Options,
        ReadBack, Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value, Verdict,
        chunks,
    },
    request::Method,
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, PushSpec},
};

use crate::settings;

const AUDIENCE: &str = "audienceId";
const MEMBER: &str = "member";
/// How often the list was replaced: an addition before that says nothing any more.
const GENERATION: &str = "generation";
/// What a row may name a member by, best first.
const NAMES: [&str; 3] = ["reference", "userId", "email"];

pub(super) const SPEC: TargetSpec = TargetSpec {
    name: "audience_members",
    about: "Members of audiences that are kept by hand: added, or with `--replace` the whole list",
    fields: &[
        FieldSpec {
            name: AUDIENCE,
            also: &["audience", "audienceReference"],
            kind: FieldKind::Id,
            help: "id or reference of the audience; required",
        },
        FieldSpec {
            name: "reference",
            also: &["ref", "member"],
            kind: FieldKind::Id,
            help: "the member's `ref`",
        },
        FieldSpec {
            name: "userId",
            also: &["id"],
            kind: FieldKind::Id,
            help: "the member's Thrive id, where there is no `reference`",
        },
        FieldSpec {
            name: "email",
            also: &[],
            kind: FieldKind::Email,
            help: "the member's address, where there is neither",
        },
    ],
    open: Open::Closed,
    read_only: &[],
    replaces: Some("removes every other member of each audience that the input names"),
    confirm: None,
    scoped: false,
    stream: Some("audience_members"),
    eventual: false,
    build,
};

/// The steps.
const ADD: &str = "add";
const REPLACE: &str = "replace";

struct Members {
    facts: PushSpec,
    auth: AuthSpec,
    tenant: String,
    replace: bool,
    /// By audience, the generation that a replacement begins.
    next: Mutex<BTreeMap<String, u64>>,
}

fn build(
    spec: &ConnectorSpec,
    settings: &Settings,
    options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    Ok(Box::new(Members {
        facts: spec.push.get("audience_members").cloned().unwrap_or_default(),
        auth: settings::auth(spec.header_auth(), settings, Some(settings::ALL))?,
        tenant: settings.text("tenant_id").unwrap_or_default().to_owned(),
        replace: options.replace,
        next: Mutex::default(),
    }))
}

fn audience(record: &Record) -> &str {
    record.key.split('\0').next().unwrap_or_default()
}

impl Members {
    /// The members that a record names.
    fn members<'a>(&self, record: &'a Record) -> Vec<&'a str> {
        if self.replace {
            return record.fields.iter().map(|entry| entry.name.as_str()).collect();
        }
        record.text(MEMBER).into_iter().collect()
    }
}

impl Target for Members {
    fn spec(&self) -> &'static TargetSpec {
        &SPEC
    }

    fn scope(&self) -> &str {
        ""
    }

    fn account(&self) -> &str {
        &self.tenant
    }

    fn one_at_a_time(&self) -> bool {
        true
    }

    /// A membership is a record; in replace mode a list is, with its members as fields.
    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>> {
        let audience = row.fields.iter().find(|(index, _)| SPEC.fields[*index].name == AUDIENCE);
        let audience = audience.and_then(|(_, value)| value.as_text()).unwrap_or_default().to_owned();
        let broken = |faults: Vec<Fault>| {
            faults.into_iter().map(|fault| fault.with_key(audience.clone())).collect::<Vec<_>>()
        };
        let fields = row.checked(&SPEC).map_err(broken)?;
        if audience.is_empty() {
            return Err(vec![Fault::of_row(row.row, Some(AUDIENCE), Code::MissingValue, "is missing")]);
        }
        let Some(member) = NAMES.iter().find_map(|name| fields.iter().find(|entry| entry.name == *name))
        else {
            let reason = "names nobody: `reference`, `userId` or `email` is needed";
            return Err(broken(vec![Fault::of_row(row.row, None, Code::MissingValue, reason)]));
        };
        let text = member.value.as_text().unwrap_or_default().to_owned();
        let (key, name) = match self.replace {
            true => (audience, text),
            false => (format!("{audience}\0{text}"), MEMBER.to_owned()),
        };
        let fields = vec![Entry { name, value: member.value.clone(), row: row.row }];
        Ok(vec![Record { key, fields, rows: vec![row.row], ..Record::default() }])
    }

    fn needs(&self, _batch: &Batch, _memory: &Memory) -> Need {
        if self.replace { Need::All } else { Need::Nothing }
    }

    fn settle(&self, batch: &mut Batch, known: Known<'_>) -> Result<Setup, SettleError> {
        let generation = |audience: &str| -> u64 {
            known.memory.get(&format!("list {audience}")).and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        let most = self.facts.limit("members");
        for record in &mut batch.records {
            if self.replace {
                let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
                next.insert(record.key.clone(), generation(&record.key) + 1);
                if record.fields.len() > most {
                    batch.notes.push(Code::LargeList.note(format!(
                        "a list of {} members is replaced in one request; the vendor's limit on that is not published",
                        record.fields.len()
                    )));
                }
                continue;
            }
            let number = generation(audience(record));
            let row = record.row_of(None);
            record.fields.push(Entry {
                name: GENERATION.to_owned(),
                value: Value::Number(number.to_string()),
                row,
            });
        }
        Ok(Setup::default())
    }

    fn plan(&self, records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        if self.replace {
            return which.iter().map(|&index| (REPLACE, vec![index])).collect();
        }
        let mut by_audience: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &index in which {
            by_audience.entry(audience(&records[index])).or_default().push(index);
        }
        let groups = by_audience
            .into_values()
            .flat_map(|items| chunks(&items, self.facts.limit("members"), usize::MAX, |_| 0));
        groups.map(|items| (ADD, items)).collect()
    }

    fn waits(&self, _step: &'static str) -> bool {
        false
    }

    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call {
        let first = &records[items[0]];
        let members = items.iter().flat_map(|&item| self.members(&records[item])).map(Value::text);
        let mut learns = Memory::new();
        if step == REPLACE {
            let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let number = next.get(&first.key).copied().unwrap_or(1);
            learns.insert(format!("list {}", first.key), number.to_string());
        }
        Call {
            step,
            items: items.to_vec(),
            method: if step == REPLACE { Method::Patch } else { Method::Post },
            path: self.facts.path("members", &[(AUDIENCE, audience(first))]),
            query: Vec::new(),
            body: Body::Json(Value::List(members.collect()).json().into_bytes()),
            auth: self.auth.clone(),
            accept: super::ACCEPT.to_vec(),
            // A list has each member once.
            repeat: Repeat::Safe,
            learns,
        }
    }

    fn judge(&self, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict {
        match answer.status {
            200..=299 => self.applied(call, records, answer),
            400 | 413 | 422 if call.step == ADD => Verdict::Split(super::refusal(call.items[0], answer)),
            404 => {
                let fault = Fault::of_record(
                    call.items[0],
                    None,
                    Code::Rejected,
                    "the vendor knows no such audience",
                );
                Verdict::Refused(Fault { status: Some(404), ..fault })
            }
            400 | 409 | 413 | 422 => Verdict::Refused(super::refusal(call.items[0], answer)),
            _ => super::wrong_request(answer),
        }
    }

    fn doubt(&self, _call: &Call) -> Option<&'static str> {
        None
    }

    fn forbidden(&self, _call: &Call, status: u16) -> Verdict {
        super::forbidden(status)
    }

    fn read_back(&self) -> ReadBack {
        ReadBack::Stream
    }

    fn look_up(&self, _record: &Record) -> Option<Call> {
        None
    }

    fn shown(&self, _record: &Record, _answer: Answer<'_>) -> Option<Seen> {
        None
    }

    fn stored(&self, row: &[(String, Value)]) -> Vec<(Vec<String>, Seen)> {
        let text =
            |name: &str| row.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_text());
        let Some(audience) = text("audience_id") else { return Vec::new() };
        let names: Vec<&str> = ["user_id", "reference", "email"].into_iter().filter_map(text).collect();
        if self.replace {
            let fields = names.iter().map(|name| ((*name).to_owned(), Value::text(*name))).collect();
            return vec![(vec![audience.to_owned()], Seen { fields, whole: true })];
        }
        let seen = |name: &&str| {
            let fields = vec![(MEMBER.to_owned(), Value::text(*name))];
            (vec![format!("{audience}\0{name}")], Seen { fields, whole: false })
        };
        names.iter().map(seen).collect()
    }

    /// An audience that is named by its reference is not found by its id.
    fn arrived(&self, record: &Record, seen: Option<&Seen>) -> Option<bool> {
        (seen.is_none() && is_id(audience(record))).then_some(false)
    }

    /// The former list, a row a member; an addition cannot be taken back so.
    fn undo(&self, record: &Record, before: Option<&Seen>) -> Option<Value> {
        let before = before.filter(|_| self.replace)?;
        let ids = before.fields.iter().filter(|(name, _)| is_id(name));
        let row = |(name, _): &(String, Value)| {
            Value::Object(vec![
                (AUDIENCE.to_owned(), Value::text(&record.key)),
                ("userId".to_owned(), Value::text(name)),
            ])
        };
        Some(Value::List(ids.map(row).collect()))
    }
}

impl Members {
    /// Reads who was not taken (4.2). A 207 that does not say is not believed.
    fn applied(&self, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict {
        let body = Value::parse(answer.body).ok();
        let failed =
            body.as_ref().and_then(|body| body.get("failure")).and_then(|failure| failure.get("entities"));
        let Some(failed) = failed else {
            if answer.status == 207 {
                return Verdict::Unknown("the answer 207 does not say who was not taken".to_owned());
            }
            return Verdict::Done { faults: Vec::new(), notes: Vec::new() };
        };
        let mut places: HashMap<&str, usize> = HashMap::new();
        for &item in &call.items {
            places.extend(self.members(&records[item]).into_iter().map(|member| (member, item)));
        }
        let mut faults = Vec::new();
        for entity in failed.items() {
            let reference = entity.get("reference").and_then(Value::as_text);
            let found = reference.and_then(|reference| Some((reference, *places.get(reference)?)));
            let Some((reference, item)) = found else {
                return Verdict::Unknown(format!(
                    "the answer names what was not in the request: {}",
                    entity.json()
                ));
            };
            let reason = entity.get("reason").and_then(Value::as_text).unwrap_or("refused without a reason");
            let field = self.replace.then_some(reference);
            faults.push(Fault {
                status: Some(answer.status),
                ..Fault::of_record(item, field, Code::Rejected, reason)
            });
        }
        Verdict::Done { faults, notes: Vec::new() }
    }
}

/// Thrive's own ids are 24 hex digits (3).
fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
