//! `PUT /companies` and `PUT /end_users`: upserts by one of three ids, and never without one (5.1, 5.3).

use userhaul_connector::{
    code::Code,
    push::{
        Answer, Batch, CLEAR, Call, Entry, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open, Options,
        ReadBack, Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value, Verdict,
        as_told,
    },
    request::Method,
    settings::{Settings, SettingsError},
    spec::ConnectorSpec,
};

use super::{JSON, Put};

const fn field(name: &'static str, kind: FieldKind, help: &'static str) -> FieldSpec {
    FieldSpec { name, also: &[], kind, help }
}

/// The ids, in the order in which they are looked at (A20).
const IDS: [&str; 3] = ["id", "external_id", "source_external_id"];

const ID: FieldSpec = field("id", FieldKind::Uuid, "Userlot's own id; one of the three ids is required");
const EXTERNAL: FieldSpec = field("external_id", FieldKind::Id, "your own id");
const SOURCE: FieldSpec =
    field("source_external_id", FieldKind::Id, "an id of a third system; it cannot be read back");

pub(super) const COMPANIES: TargetSpec = TargetSpec {
    name: "companies",
    about: "Companies with revenue, dates and custom fields: created where the id is unknown, updated otherwise",
    fields: &[
        ID,
        EXTERNAL,
        SOURCE,
        field("name", FieldKind::Text(0), "name; needed to create"),
        field("mrr", FieldKind::Decimal, "revenue a month"),
        field("arr", FieldKind::Decimal, "revenue a year"),
        field("start_date", FieldKind::Date, "first day of the subscription"),
        field("renewal_date", FieldKind::Date, "day of the renewal"),
    ],
    open: Open::Custom("company_fields"),
    read_only: &[
        "created_at",
        "updated_at",
        "friendly_id",
        "emails",
        "health_score",
        "health_score_diff",
        "last_seen_at",
        "health_category",
        "owner_user_id",
        "life_cycle_stage_id",
        "status_id",
        "life_cycle_id",
    ],
    replaces: None,
    confirm: None,
    scoped: false,
    stream: Some("companies"),
    eventual: false,
    build: companies,
};

pub(super) const END_USERS: TargetSpec = TargetSpec {
    name: "end_users",
    about: "End users of companies, with custom fields: created where the id is unknown, updated otherwise",
    fields: &[
        ID,
        EXTERNAL,
        SOURCE,
        field("first_name", FieldKind::Text(0), "given name"),
        field("last_name", FieldKind::Text(0), "family name"),
        field("email", FieldKind::Email, "address; never an id, so that it alone would create a duplicate"),
        field("company_id", FieldKind::Uuid, "Userlot's own id of the company, not yours"),
    ],
    open: Open::Custom("end_user_fields"),
    read_only: &["created_at", "updated_at", "friendly_id", "name", "last_seen_at", "company"],
    replaces: None,
    confirm: None,
    scoped: false,
    stream: Some("end_users"),
    eventual: false,
    build: end_users,
};

struct Upsert {
    spec: &'static TargetSpec,
    put: Put,
    options: Options,
}

fn companies(
    spec: &ConnectorSpec,
    settings: &Settings,
    options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    build(&COMPANIES, spec, settings, options)
}

fn end_users(
    spec: &ConnectorSpec,
    settings: &Settings,
    options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    build(&END_USERS, spec, settings, options)
}

fn build(
    target: &'static TargetSpec,
    spec: &ConnectorSpec,
    settings: &Settings,
    options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    let put = Put::new(target.name, spec, settings)?;
    Ok(Box::new(Upsert { spec: target, put, options: options.clone() }))
}

impl Target for Upsert {
    fn spec(&self) -> &'static TargetSpec {
        self.spec
    }

    fn scope(&self) -> &str {
        ""
    }

    /// A customer has an address of its own.
    fn account(&self) -> &str {
        ""
    }

    fn one_at_a_time(&self) -> bool {
        false
    }

    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>> {
        let mut fields = row.checked(self.spec)?;
        let id = IDS.iter().find_map(|name| fields.iter().find(|entry| entry.name == *name));
        let Some(id) = id else {
            let reason = "has none of `id`, `external_id` and `source_external_id`: each push of it would create a duplicate";
            return Err(vec![Fault::of_row(row.row, None, Code::NoIdentifier, reason)]);
        };
        let key = format!("{}\0{}", id.name, id.value.as_text().unwrap_or_default());
        for (name, value) in &row.open {
            let values = match value {
                Value::Object(members) if name == "custom_fields" => members.clone(),
                _ => vec![(name.clone(), value.clone())],
            };
            for (name, value) in values.into_iter().filter(|(_, value)| !value.is_nothing()) {
                let value = as_told(&self.options.types, &name, &value).map_err(|reason| {
                    vec![Fault::of_row(row.row, Some(&name), Code::InvalidValue, reason)]
                })?;
                fields.push(Entry { name, value, row: row.row });
            }
        }
        Ok(vec![Record { key, fields, clear: row.clear.clone(), rows: vec![row.row] }])
    }

    fn needs(&self, _batch: &Batch, _memory: &Memory) -> Need {
        Need::Nothing
    }

    fn settle(&self, _batch: &mut Batch, _known: Known<'_>) -> Result<Setup, SettleError> {
        Ok(Setup::default())
    }

    fn plan(&self, _records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        which.iter().map(|&index| (JSON, vec![index])).collect()
    }

    fn waits(&self, _step: &'static str) -> bool {
        false
    }

    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call {
        let record = &records[items[0]];
        let values = record.fields.iter().map(|entry| (entry.name.clone(), entry.value.clone()));
        let cleared = record.clear.iter().map(|name| (name.clone(), Value::Null));
        // With one of the three ids a repeat updates what the first one made (6).
        self.put.call(step, items, values.chain(cleared).collect(), Repeat::Safe)
    }

    fn judge(&self, call: &Call, _records: &[Record], answer: Answer<'_>) -> Verdict {
        self.put.judge(call, answer)
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

    /// By the list's filter on the external id, else by the id in the path; a `source_external_id` is not returned (4.1).
    fn look_up(&self, record: &Record) -> Option<Call> {
        let facts = &self.put.facts;
        let (path, query) = match (record.text("external_id"), record.text("id")) {
            (_, Some(id)) if self.spec.name == "companies" => (facts.path("one", &[("id", id)]), Vec::new()),
            (Some(external), _) => {
                (facts.path("list", &[]), vec![("external_id".to_owned(), external.to_owned())])
            }
            (None, Some(id)) => (facts.path("one", &[("id", id)]), Vec::new()),
            (None, None) => return None,
        };
        let mut call = self.put.call(JSON, &[], Vec::new(), Repeat::Safe);
        call.method = Method::Get;
        call.body = userhaul_connector::push::Body::Empty;
        (call.path, call.query, call.accept) = (path, query, vec![404]);
        Some(call)
    }

    fn shown(&self, record: &Record, answer: Answer<'_>) -> Option<Seen> {
        let body = Value::parse(answer.body).ok().filter(|_| answer.status != 404)?;
        let is = |row: &Value, name: &str| {
            record.text(name).is_none_or(|id| row.get(name).and_then(Value::as_text) == Some(id))
        };
        // A filter that is ignored returns everything: what comes must be what was asked for (A13).
        let asked = |row: &&Value| matches!(row, Value::Object(_)) && is(row, "id") && is(row, "external_id");
        let wrapped = || match &body {
            Value::Object(members) => members.iter().find_map(|(_, value)| match value {
                Value::List(rows) => rows.iter().find(asked),
                row => Some(row).filter(asked),
            }),
            _ => None,
        };
        let row = body.items().iter().find(asked).or_else(|| Some(&body).filter(asked)).or_else(wrapped)?;
        let Value::Object(members) = row else { return None };
        let mut seen = Seen { fields: members.clone(), whole: false };
        for holder in ["custom_fields", "custom_attributes"] {
            if let Some(Value::Object(custom)) = row.get(holder) {
                seen.fields.extend(custom.iter().cloned());
            }
        }
        // What has no value may be left out (A4).
        let names = record.fields.iter().map(|entry| &entry.name).chain(&record.clear);
        for name in names.filter(|name| *name != "source_external_id") {
            if seen.get(name).is_none() {
                seen.fields.push((name.clone(), Value::Null));
            }
        }
        Some(seen)
    }

    fn stored(&self, row: &[(String, Value)]) -> Vec<(Vec<String>, Seen)> {
        let cell = |name: &str| row.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let key = |name: &&str| Some(format!("{name}\0{}", cell(name)?.as_text()?));
        let keys: Vec<String> = ["id", "external_id"].iter().filter_map(key).collect();
        let mut fields: Vec<(String, Value)> = row.to_vec();
        if let Some(Value::Object(custom)) = cell("custom_fields") {
            fields.extend(custom.iter().cloned());
        }
        vec![(keys, Seen { fields, whole: false })]
    }

    fn arrived(&self, record: &Record, seen: Option<&Seen>) -> Option<bool> {
        (seen.is_none() && self.look_up(record).is_some()).then_some(false)
    }

    fn undo(&self, record: &Record, before: Option<&Seen>) -> Option<Value> {
        let before = before?;
        let mut members = Vec::new();
        let mut clear = Vec::new();
        for entry in &record.fields {
            match before.get(&entry.name) {
                _ if IDS.contains(&entry.name.as_str()) => {
                    members.push((entry.name.clone(), entry.value.clone()))
                }
                Some(Value::Null) | None => clear.push(Value::text(&entry.name)),
                Some(value) => members.push((entry.name.clone(), value.clone())),
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
