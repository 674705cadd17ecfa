//! `POST /v2/users`: one user a call, merged by the vendor; events apart, because they are counted and never merged.

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{
        Answer, Batch, Body, Call, Entry, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open, Options,
        ReadBack, Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value, Verdict,
        as_told, field_of, milliseconds, reason_of,
    },
    request::Method,
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, PushSpec},
};

const USER: &str = "userId";
const EMAIL: &str = "emailAddress";
const ATTRIBUTES: &str = "attributes";
const EVENTS: &str = "events";

pub(super) const SPEC: TargetSpec = TargetSpec {
    name: "users",
    about: "Users with e-mail address, attributes and past events: created where the id is unknown, merged otherwise",
    fields: &[
        FieldSpec {
            name: USER,
            also: &["externalUserId"],
            kind: FieldKind::Id,
            help: "your own id of the user; required",
        },
        FieldSpec { name: EMAIL, also: &["email"], kind: FieldKind::Email, help: "e-mail address" },
        FieldSpec {
            name: ATTRIBUTES,
            also: &[],
            kind: FieldKind::Object,
            help: "attributes by name: texts, whole numbers, booleans; at most 100. A column `attributes.NAME` is one",
        },
        FieldSpec {
            name: EVENTS,
            also: &[],
            kind: FieldKind::List,
            help: "past events, `{\"event\": …, \"timestamp\": milliseconds}`; each is sent once, and never again",
        },
    ],
    open: Open::Below(ATTRIBUTES),
    read_only: &["id", "createdAt", "requested_user_id"],
    replaces: None,
    confirm: None,
    scoped: false,
    stream: Some("users"),
    eventual: true,
    build,
};

/// The steps.
const PROFILE: &str = "profile";
const HISTORY: &str = "events";

struct Users {
    facts: PushSpec,
    auth: AuthSpec,
    options: Options,
}

fn build(
    spec: &ConnectorSpec,
    settings: &Settings,
    options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    let facts = spec.push.get("users").cloned().unwrap_or_default();
    let auth = super::auth(spec, settings)?.of_users;
    Ok(Box::new(Users { facts, auth, options: options.clone() }))
}

fn is_event(record: &Record) -> bool {
    record.key.starts_with("event\0")
}

/// Whom a record is about.
fn user(record: &Record) -> &str {
    if is_event(record) { record.key.split('\0').nth(1).unwrap_or_default() } else { &record.key }
}

impl Users {
    fn attributes(&self, row: &RowFields, fixed: &mut Vec<Entry>) -> Result<(), Vec<Fault>> {
        let mut values = row.open.clone();
        if let Some(at) = fixed.iter().position(|entry| entry.name == ATTRIBUTES)
            && let Value::Object(members) = fixed.remove(at).value
        {
            values.extend(members.into_iter().filter(|(_, value)| !value.is_nothing()));
        }
        let mut faults = Vec::new();
        if values.len() > self.facts.limit("attributes") {
            let reason = format!(
                "has {} attributes, at most {} are taken",
                values.len(),
                self.facts.limit("attributes")
            );
            faults.push(Fault::of_row(row.row, Some(ATTRIBUTES), Code::TooMany, reason));
        }
        for (name, value) in values {
            let name_in_full = format!("{ATTRIBUTES}.{name}");
            match as_told(&self.options.types, &name, &value).and_then(attribute) {
                Ok(value) => fixed.push(Entry { name: name_in_full, value, row: row.row }),
                Err(reason) => {
                    faults.push(Fault::of_row(row.row, Some(&name_in_full), Code::InvalidValue, reason))
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn call(&self, step: &'static str, items: &[usize], repeat: Repeat, body: Vec<(String, Value)>) -> Call {
        Call {
            step,
            items: items.to_vec(),
            method: Method::Post,
            path: self.facts.path("upsert", &[]),
            query: Vec::new(),
            body: Body::Json(Value::Object(body).json().into_bytes()),
            auth: self.auth.clone(),
            accept: super::ACCEPT.to_vec(),
            repeat,
            learns: Memory::new(),
        }
    }
}

/// An attribute is a text, a whole number or a boolean; dates are texts.
fn attribute(value: Value) -> Result<Value, String> {
    match value {
        Value::Number(digits) if digits.contains(['.', 'e', 'E']) => {
            Err("must be a text, a whole number or a boolean".to_owned())
        }
        Value::List(_) => Err("must be a text, a whole number or a boolean, found a list".to_owned()),
        Value::Date(text) | Value::Instant(text) => Ok(Value::Text(text)),
        value => Ok(value),
    }
}

/// An event with its time in milliseconds.
fn event(value: &Value) -> Option<(String, String)> {
    let name = value.get("event").and_then(Value::as_text).filter(|name| !name.is_empty())?;
    let at = value.get("timestamp")?;
    let digits = match at.as_number() {
        Some(digits) => digits.parse::<i64>().ok()?.to_string(),
        None => milliseconds(at.as_text()?)?.to_string(),
    };
    Some((name.to_owned(), digits))
}

impl Target for Users {
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
        false
    }

    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>> {
        let mut fields = row.checked(&SPEC)?;
        let Some(at) = fields.iter().position(|entry| entry.name == USER) else {
            return Err(vec![Fault::of_row(row.row, Some(USER), Code::MissingValue, "is missing")]);
        };
        let key = fields.remove(at).value.as_text().unwrap_or_default().to_owned();
        let events = fields.iter().position(|entry| entry.name == EVENTS).map(|at| fields.remove(at).value);
        self.attributes(row, &mut fields)?;
        let mut records = Vec::new();
        for item in events.as_ref().map(Value::items).unwrap_or_default() {
            let Some((name, at)) = event(item) else {
                let reason = "must be a list of `{\"event\": text, \"timestamp\": milliseconds}`";
                return Err(vec![Fault::of_row(row.row, Some(EVENTS), Code::InvalidValue, reason)]);
            };
            let value = Value::Object(vec![
                ("event".to_owned(), Value::text(&name)),
                ("timestamp".to_owned(), Value::Number(at.clone())),
            ]);
            let fields = vec![Entry { name: "event".to_owned(), value, row: row.row }];
            let key = format!("event\0{key}\0{name}\0{at}");
            records.push(Record { key, fields, rows: vec![row.row], ..Record::default() });
        }
        if !fields.is_empty() || records.is_empty() {
            records.insert(0, Record { key, fields, clear: row.clear.clone(), rows: vec![row.row] });
        }
        Ok(records)
    }

    fn needs(&self, _batch: &Batch, _memory: &Memory) -> Need {
        Need::Nothing
    }

    fn settle(&self, batch: &mut Batch, _known: Known<'_>) -> Result<Setup, SettleError> {
        if batch.records.iter().any(|record| !record.clear.is_empty()) {
            batch.notes.push(Code::ValuesStay.note("values cannot be cleared at this vendor: they stay"));
            batch.records.iter_mut().for_each(|record| record.clear.clear());
        }
        Ok(Setup::default())
    }

    /// Users first; then the events of each in one call.
    fn plan(&self, records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let mut steps = Vec::new();
        let mut events: std::collections::BTreeMap<&str, Vec<usize>> = std::collections::BTreeMap::new();
        for &index in which {
            if is_event(&records[index]) {
                events.entry(user(&records[index])).or_default().push(index);
            } else {
                steps.push((PROFILE, vec![index]));
            }
        }
        steps.extend(events.into_values().map(|items| (HISTORY, items)));
        steps
    }

    fn waits(&self, step: &'static str) -> bool {
        step == HISTORY
    }

    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call {
        let first = &records[items[0]];
        let mut body = vec![(USER.to_owned(), Value::text(user(first)))];
        if step == HISTORY {
            let events = items.iter().filter_map(|&item| records[item].get("event").cloned());
            body.push((EVENTS.to_owned(), Value::List(events.collect())));
            return self.call(step, items, Repeat::Never, body);
        }
        let mut attributes = Vec::new();
        for entry in &first.fields {
            match entry.name.strip_prefix("attributes.") {
                Some(name) => attributes.push((name.to_owned(), entry.value.clone())),
                None => body.push((entry.name.clone(), entry.value.clone())),
            }
        }
        if !attributes.is_empty() {
            body.push((ATTRIBUTES.to_owned(), Value::Object(attributes)));
        }
        // Attributes converge (4.1).
        self.call(step, items, Repeat::Safe, body)
    }

    fn judge(&self, call: &Call, _records: &[Record], answer: Answer<'_>) -> Verdict {
        match answer.status {
            // Queued; the body is no JSON.
            200..=299 => Verdict::Done { faults: Vec::new(), notes: Vec::new() },
            400 | 409 | 413 | 422 => {
                let reason = reason_of(answer.body, answer.status);
                let fault =
                    Fault::of_record(call.items[0], field_of(answer.body).as_deref(), Code::Rejected, reason);
                let fault = Fault { status: Some(answer.status), ..fault };
                if call.step == HISTORY {
                    Verdict::Split(fault)
                } else {
                    Verdict::Refused(Fault { field: None, ..fault })
                }
            }
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
        ReadBack::Record
    }

    fn look_up(&self, record: &Record) -> Option<Call> {
        let mut call = self.call("read", &[], Repeat::Safe, Vec::new());
        call.method = Method::Get;
        call.body = Body::Empty;
        call.path = self.facts.path("user", &[("userId", user(record))]);
        call.accept = vec![404];
        Some(call)
    }

    fn shown(&self, record: &Record, answer: Answer<'_>) -> Option<Seen> {
        let body = Value::parse(answer.body).ok().filter(|_| answer.status != 404)?;
        let mut seen = Seen::default();
        if let Some(Value::Object(members)) = body.get(ATTRIBUTES) {
            seen.fields
                .extend(members.iter().map(|(name, value)| (format!("{ATTRIBUTES}.{name}"), value.clone())));
        }
        // An attribute that is not shown has no value; the address is never shown (3.4).
        for entry in record.fields.iter().filter(|entry| entry.name.starts_with("attributes.")) {
            if seen.get(&entry.name).is_none() {
                seen.fields.push((entry.name.clone(), Value::Null));
            }
        }
        let events = body.get(EVENTS).cloned().unwrap_or(Value::List(Vec::new()));
        seen.fields.push((EVENTS.to_owned(), events));
        Some(seen)
    }

    fn stored(&self, row: &[(String, Value)]) -> Vec<(Vec<String>, Seen)> {
        let cell = |name: &str| row.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let id = cell("external_user_id")
            .and_then(Value::as_text)
            .or_else(|| cell("requested_user_id").and_then(Value::as_text));
        let Some(id) = id else { return Vec::new() };
        let fields = match cell(ATTRIBUTES) {
            Some(Value::Object(members)) => members.clone(),
            _ => Vec::new(),
        };
        let fields = fields.into_iter().map(|(name, value)| (format!("{ATTRIBUTES}.{name}"), value));
        vec![(vec![id.to_owned()], Seen { fields: fields.collect(), whole: false })]
    }

    /// The aggregate of events holds the first and the last time: what lies between them cannot be told (3.4).
    fn arrived(&self, record: &Record, seen: Option<&Seen>) -> Option<bool> {
        let seen = seen?;
        let value = record.get("event")?;
        let at: i64 = value.get("timestamp")?.as_text()?.parse().ok()?;
        let name = value.get("event")?.as_text()?;
        let events = seen.get(EVENTS)?.items();
        let Some(found) =
            events.iter().find(|known| known.get("event").and_then(Value::as_text) == Some(name))
        else {
            return Some(false);
        };
        let edge = |name: &str| found.get(name)?.as_number()?.parse::<f64>().ok().map(round);
        match (edge("createdAt")?, edge("updatedAt")?) {
            (first, last) if at == first || at == last => Some(true),
            (first, last) if at < first || at > last => Some(false),
            _ => None,
        }
    }

    fn undo(&self, record: &Record, before: Option<&Seen>) -> Option<Value> {
        let before = before.filter(|_| !is_event(record))?;
        let attributes: Vec<(String, Value)> = record
            .fields
            .iter()
            .filter_map(|entry| {
                Some((entry.name.strip_prefix("attributes.")?.to_owned(), before.get(&entry.name)?.clone()))
            })
            .filter(|(_, value)| !value.is_nothing())
            .collect();
        let attributes =
            Some(Value::Object(attributes)).filter(|value| *value != Value::Object(Vec::new()))?;
        Some(Value::Object(vec![
            (USER.to_owned(), Value::text(&record.key)),
            (ATTRIBUTES.to_owned(), attributes),
        ]))
    }
}

/// Milliseconds of an instant, which may come with a fraction (`12.0`).
#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of this era are far below the limit of both"
)]
fn round(number: f64) -> i64 {
    number.round() as i64
}
