//! Users by their `ref`: updated where they are, created where they are not, suspended where they are no longer active.
//!
//! An update is a PATCH and may be repeated; it also tells whether the user is there. A create is a POST that must not arrive
//! twice: when its fate is not known, the update finds out.

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{
        Answer, Batch, Body, CLEAR, Call, Entry, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open,
        Options, ReadBack, Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value,
        Verdict,
    },
    request::Method,
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, PushSpec},
};

use super::shown::seen;
use crate::settings;

const fn field(
    name: &'static str,
    also: &'static [&'static str],
    kind: FieldKind,
    help: &'static str,
) -> FieldSpec {
    FieldSpec { name, also, kind, help }
}

const REF: &str = "ref";
pub(super) const ACTIVE: &str = "active";
const ACTION: &str = "action";
pub(super) const FIELDS: &str = "additionalFields";
pub(super) const END: &str = "endDate";

pub(super) const SPEC: TargetSpec = TargetSpec {
    name: "users",
    about: "Users by their `ref`: created, updated, suspended",
    fields: &[
        field(REF, &["reference"], FieldKind::Id, "your own id of the person; required, and never changed"),
        field("firstName", &[], FieldKind::Text(0), "given name; needed to create"),
        field("lastName", &[], FieldKind::Text(0), "family name; needed to create"),
        field("email", &[], FieldKind::Email, "address; needed to create unless `loginMethod` is `ref`"),
        field("loginMethod", &[], FieldKind::Word(&["email", "ref"]), "how the person logs in"),
        field(
            "role",
            &[],
            FieldKind::Word(&["administrator", "learneradmin", "learner"]),
            "what the person may do",
        ),
        field("jobTitle", &[], FieldKind::Text(0), "job title"),
        field("managerRef", &[], FieldKind::Id, "`ref` of the line manager"),
        field("startDate", &[], FieldKind::Date, "first day"),
        field(END, &[], FieldKind::Date, "last day; goes with the suspension where there is one"),
        field("timeZone", &[], FieldKind::Text(0), "IANA name, `Europe/London` for example"),
        field("languageCode", &[], FieldKind::Text(0), "language, `en-gb` for example"),
        field("sso", &["singleSignOn"], FieldKind::Boolean, "whether the person logs in by single sign-on"),
        field("domain", &[], FieldKind::Text(0), "domain"),
        field(FIELDS, &[], FieldKind::Object, "your own fields; a column `additionalFields.NAME` is one"),
        field(
            ACTIVE,
            &[],
            FieldKind::Boolean,
            "`false` suspends; `true` changes nothing, as the vendor describes no way back",
        ),
        field(
            "status",
            &[],
            FieldKind::Word(&["active", "new", "expired", "inactive", "suspended"]),
            "the same in the words of the export: `inactive` and `suspended` suspend",
        ),
        field(
            ACTION,
            &[],
            FieldKind::Word(&["upsert", "create", "update", "suspend"]),
            "what the row may do; `upsert` unless given",
        ),
    ],
    open: Open::Below(FIELDS),
    read_only: &[
        "id",
        "positions",
        "deleted",
        "compliance",
        "level",
        "firstLogin",
        "lastLogin",
        "tags",
        "usersFollowing",
        "tagsFollowing",
        "createdAt",
        "updatedAt",
        "hasPicture",
        "summary",
        "relevancy",
        "rank",
        "agreedTerms",
        "onboarded",
        "audiences",
    ],
    replaces: None,
    confirm: None,
    scoped: false,
    stream: Some("users"),
    eventual: false,
    build,
};

/// The steps.
const UPDATE: &str = "update";
const CREATE: &str = "create";
const SUSPEND: &str = "suspend";

struct Users {
    facts: PushSpec,
    auth: AuthSpec,
    tenant: String,
}

fn build(
    spec: &ConnectorSpec,
    settings: &Settings,
    _options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    Ok(Box::new(Users {
        facts: spec.push.get("users").cloned().unwrap_or_default(),
        auth: settings::auth(spec.header_auth(), settings, Some(settings::ALL))?,
        tenant: settings.text("tenant_id").unwrap_or_default().to_owned(),
    }))
}

/// Whether a record says that the person is no longer active.
fn suspends(record: &Record) -> bool {
    record.text(ACTIVE) == Some("false") || record.text(ACTION) == Some("suspend")
}

/// Whether there is anything to write but a suspension.
fn updates(record: &Record) -> bool {
    let own = |name: &str| [ACTIVE, ACTION].contains(&name) || (name == END && suspends(record));
    record.fields.iter().any(|entry| !own(&entry.name)) || !record.clear.is_empty()
}

/// What a creation lacks.
fn lacks(record: &Record) -> Vec<&'static str> {
    let mut lacks: Vec<&str> =
        ["firstName", "lastName"].into_iter().filter(|name| record.get(name).is_none()).collect();
    if record.text("loginMethod") != Some("ref") && record.get("email").is_none() {
        lacks.push("email");
    }
    lacks
}

impl Users {
    fn call(
        &self,
        step: &'static str,
        items: &[usize],
        method: Method,
        path: String,
        body: Option<Vec<(String, Value)>>,
    ) -> Call {
        Call {
            step,
            items: items.to_vec(),
            method,
            path,
            query: Vec::new(),
            body: body.map_or(Body::Empty, |body| Body::Json(Value::Object(body).json().into_bytes())),
            auth: self.auth.clone(),
            accept: super::ACCEPT.to_vec(),
            repeat: if step == CREATE { Repeat::Never } else { Repeat::Safe },
            learns: Memory::new(),
        }
    }
}

impl Target for Users {
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
        false
    }

    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>> {
        let mut fields = row.checked(&SPEC)?;
        let Some(at) = fields.iter().position(|entry| entry.name == REF) else {
            return Err(vec![Fault::of_row(row.row, Some(REF), Code::MissingValue, "is missing")]);
        };
        let key = fields.remove(at).value.as_text().unwrap_or_default().to_owned();
        if let Some(at) = fields.iter().position(|entry| entry.name == "status") {
            let status = fields.remove(at);
            let active = !matches!(status.value.as_text(), Some("inactive" | "suspended"));
            let tells = status.value.as_text() != Some("expired");
            if tells && fields.iter().all(|entry| entry.name != ACTIVE) {
                fields.push(Entry { name: ACTIVE.to_owned(), value: Value::Bool(active), row: row.row });
            }
        }
        if !row.open.is_empty() {
            let at = fields.iter().position(|entry| entry.name == FIELDS);
            let mut members = match at.map(|at| fields.remove(at).value) {
                Some(Value::Object(members)) => members,
                _ => Vec::new(),
            };
            for (name, value) in &row.open {
                let taken = FieldKind::Any.take(value);
                let value = taken
                    .map_err(|reason| vec![Fault::of_row(row.row, Some(name), Code::InvalidValue, reason)])?;
                members.retain(|(known, _)| known != name);
                members.push((name.clone(), value));
            }
            fields.push(Entry { name: FIELDS.to_owned(), value: Value::Object(members), row: row.row });
        }
        if let Some(wrong) =
            row.clear.iter().find(|name| ["ref", "firstName", "lastName"].contains(&name.as_str()))
        {
            return Err(vec![Fault::of_row(row.row, Some(wrong), Code::InvalidValue, "cannot be cleared")]);
        }
        if fields.iter().all(|entry| entry.name == ACTION)
            && row.clear.is_empty()
            && fields.iter().all(|entry| entry.value.as_text() != Some("suspend"))
        {
            return Ok(Vec::new());
        }
        Ok(vec![Record { key, fields, clear: row.clear.clone(), rows: vec![row.row] }])
    }

    fn needs(&self, _batch: &Batch, _memory: &Memory) -> Need {
        Need::Nothing
    }

    fn settle(&self, _batch: &mut Batch, _known: Known<'_>) -> Result<Setup, SettleError> {
        Ok(Setup::default())
    }

    fn plan(&self, records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let step = |record: &Record| match record.text(ACTION) {
            Some("create") => CREATE,
            Some("suspend") => SUSPEND,
            _ if updates(record) => UPDATE,
            _ if suspends(record) => SUSPEND,
            _ => UPDATE,
        };
        which.iter().map(|&index| (step(&records[index]), vec![index])).collect()
    }

    fn waits(&self, _step: &'static str) -> bool {
        false
    }

    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call {
        let record = &records[items[0]];
        let of_suspension =
            |name: &str| [ACTIVE, ACTION].contains(&name) || (name == END && suspends(record));
        let mut body: Vec<(String, Value)> = Vec::new();
        if step == SUSPEND {
            body.extend(record.get(END).map(|end| (END.to_owned(), end.clone())));
            let path = self.facts.path("suspend", &[(REF, &record.key)]);
            return self.call(step, items, Method::Patch, path, Some(body));
        }
        if step == CREATE {
            body.push((REF.to_owned(), Value::text(&record.key)));
        }
        let sent = record.fields.iter().filter(|entry| !of_suspension(&entry.name));
        body.extend(sent.map(|entry| (entry.name.clone(), entry.value.clone())));
        if step == CREATE {
            return self.call(step, items, Method::Post, self.facts.path("create", &[]), Some(body));
        }
        // An explicit null clears (4.1).
        body.extend(record.clear.iter().map(|name| (name.clone(), Value::Null)));
        self.call(step, items, Method::Patch, self.facts.path("update", &[(REF, &record.key)]), Some(body))
    }

    fn judge(&self, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict {
        let record = &records[call.items[0]];
        let refused = |reason: String| {
            let fault = Fault::of_record(call.items[0], None, Code::Rejected, reason);
            Verdict::Refused(Fault { status: Some(answer.status), ..fault })
        };
        match (answer.status, call.step) {
            (200..=299, SUSPEND) => Verdict::Done { faults: Vec::new(), notes: Vec::new() },
            (200..=299, _) if suspends(record) => Verdict::Next(SUSPEND),
            (200..=299, _) => Verdict::Done { faults: Vec::new(), notes: Vec::new() },
            (404, UPDATE) if record.text(ACTION) == Some("update") => {
                refused("the vendor knows nobody of this `ref`".to_owned())
            }
            (404, UPDATE) => match lacks(record).as_slice() {
                [] => Verdict::Next(CREATE),
                lacks => refused(format!(
                    "the vendor knows nobody of this `ref`, and without {} nobody can be created",
                    lacks.join(", ")
                )),
            },
            (404, SUSPEND) => refused("the vendor knows nobody of this `ref`".to_owned()),
            // Somebody of this `ref` came to be in between.
            (409, CREATE) if record.text(ACTION) != Some("create") => Verdict::Next(UPDATE),
            (400 | 404 | 409 | 413 | 422, _) => Verdict::Refused(super::refusal(call.items[0], answer)),
            _ => super::wrong_request(answer),
        }
    }

    fn doubt(&self, call: &Call) -> Option<&'static str> {
        (call.step == CREATE).then_some(UPDATE)
    }

    fn forbidden(&self, _call: &Call, status: u16) -> Verdict {
        super::forbidden(status)
    }

    fn read_back(&self) -> ReadBack {
        ReadBack::Record
    }

    fn look_up(&self, record: &Record) -> Option<Call> {
        let path = self.facts.path("user", &[(REF, &record.key)]);
        let mut call = self.call("read", &[], Method::Get, path, None);
        call.accept = vec![404];
        Some(call)
    }

    fn shown(&self, _record: &Record, answer: Answer<'_>) -> Option<Seen> {
        let body = Value::parse(answer.body).ok().filter(|_| answer.status != 404)?;
        Some(seen(|name| body.get(name).cloned()))
    }

    fn stored(&self, row: &[(String, Value)]) -> Vec<(Vec<String>, Seen)> {
        let cell = |name: &str| {
            let snake = userhaul_connector::column::snake_case(name);
            row.iter().find(|(known, _)| *known == snake).map(|(_, value)| value.clone())
        };
        let Some(Value::Text(key)) = cell(REF) else { return Vec::new() };
        vec![(vec![key], seen(cell))]
    }

    /// A user whom nobody finds was not written.
    fn arrived(&self, _record: &Record, seen: Option<&Seen>) -> Option<bool> {
        if seen.is_none() { Some(false) } else { None }
    }

    /// Who was created is suspended again; a suspension cannot be taken back (A:21).
    fn undo(&self, record: &Record, before: Option<&Seen>) -> Option<Value> {
        let mut members = vec![(REF.to_owned(), Value::text(&record.key))];
        let Some(before) = before else {
            // Nor is anything to be taken back where nothing can come to be.
            if record.text(ACTION).is_some_and(|action| action != "create") || !lacks(record).is_empty() {
                return None;
            }
            members.push((ACTIVE.to_owned(), Value::Bool(false)));
            return Some(Value::Object(members));
        };
        let mut clear = Vec::new();
        for entry in &record.fields {
            match before.get(&entry.name) {
                Some(Value::Null) => clear.push(Value::text(&entry.name)),
                Some(value) => members.push((entry.name.clone(), value.clone())),
                None => {}
            }
        }
        for name in &record.clear {
            members.extend(
                before
                    .get(name)
                    .filter(|value| **value != Value::Null)
                    .map(|value| (name.clone(), value.clone())),
            );
        }
        if !clear.is_empty() {
            members.push((CLEAR.to_owned(), Value::List(clear)));
        }
        Some(Value::Object(members))
    }
}
