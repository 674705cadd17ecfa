//! The attribute import (vendors/userlane.md 4): one user never in two requests, values wrapped, answers by row.

mod answer;
mod types;

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{
        Answer, Batch, Body, Call, Entry, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open, Options,
        ReadBack, Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value, Verdict,
        chunks,
    },
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, PushSpec},
};

/// The targets, for the registry.
pub(crate) const TARGETS: &[TargetSpec] = &[TargetSpec {
    name: "attributes",
    about: "Attributes of end-users, for segments: in one application, or in all of a company",
    fields: &[FieldSpec {
        name: USER,
        also: &["user"],
        kind: FieldKind::Id,
        help: "your own id of the end-user; required",
    }],
    open: Open::All,
    read_only: &[],
    replaces: Some("removes every other value that a user of the input has in the scope"),
    confirm: None,
    scoped: true,
    stream: Some("user_profiles"),
    eventual: false,
    build,
}];

const USER: &str = "userId";

/// The steps: `values`, and before them `definitions`.
const VALUES: &str = "values";
const DEFINITIONS: &str = "definitions";

/// Statuses by which the import says more than yes or no (4.5, A-37).
const ACCEPT: &[u16] = &[400, 404, 405, 413, 415, 422];

#[derive(Debug)]
enum Scope {
    Company(String),
    Property(String),
}

struct Attributes {
    facts: PushSpec,
    auth: AuthSpec,
    scope: Scope,
    /// The scope in the user's words.
    scope_text: String,
    options: Options,
}

fn build(
    spec: &ConnectorSpec,
    settings: &Settings,
    options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    crate::settings::check(settings)?;
    let scope = scope(settings, options.scope.as_deref())?;
    let scope_text = match &scope {
        Scope::Company(_) => "company".to_owned(),
        Scope::Property(id) => format!("property:{id}"),
    };
    for (attribute, kind) in &options.types {
        if types::Type::named(kind).is_none() {
            let known = types::Type::ALL.map(types::Type::name).join(", ");
            return Err(SettingsError::general(format!(
                "type `{kind}` of `{attribute}` is unknown; one of {known}"
            )));
        }
    }
    let facts = spec.push.get("attributes").cloned().unwrap_or_default();
    Ok(Box::new(Attributes {
        facts,
        auth: crate::auth(spec, settings)?,
        scope,
        scope_text,
        options: options.clone(),
    }))
}

/// What `--scope` says; without it the company where there is one, else the only property.
fn scope(settings: &Settings, given: Option<&str>) -> Result<Scope, SettingsError> {
    let company = settings.integer("company_id").map(|id| id.to_string());
    let properties = settings.list("property_ids");
    match given.map(|scope| (scope, scope.strip_prefix("property:"))) {
        Some((_, Some(id))) if !id.is_empty() => Ok(Scope::Property(id.to_owned())),
        Some(("company", _)) => company.map(Scope::Company).ok_or_else(|| {
            SettingsError::about(
                "company_id",
                "is needed for scope `company`: its number, as the Portal shows it",
            )
        }),
        Some((scope, _)) => {
            Err(SettingsError::general(format!("unknown scope `{scope}`; `company` or `property:ID`")))
        }
        None => match (company, properties) {
            (Some(id), _) => Ok(Scope::Company(id)),
            (None, [only]) => Ok(Scope::Property(only.clone())),
            (None, _) => Err(SettingsError::general(
                "no scope: name one, `--scope property:ID`, or set `company_id`; there is more than one application",
            )),
        },
    }
}

impl Attributes {
    fn name(&self, purpose: &str) -> &str {
        self.facts.name(purpose)
    }

    fn call(&self, step: &'static str, items: &[usize], body: Vec<(String, Value)>) -> Call {
        let path = match &self.scope {
            Scope::Company(id) => self.facts.path("company", &[("companyId", id)]),
            Scope::Property(id) => self.facts.path("property", &[("propertyId", id)]),
        };
        Call {
            step,
            items: items.to_vec(),
            method: self.facts.method(),
            path,
            query: Vec::new(),
            body: Body::Json(Value::Object(body).json().into_bytes()),
            auth: self.auth.clone(),
            accept: ACCEPT.to_vec(),
            // 5.4: an upsert; in replace mode the identical body too, as nothing newer is sent in between.
            repeat: Repeat::Safe,
            learns: Memory::new(),
        }
    }

    /// A user's entry, without its id in the map form.
    fn profile(&self, record: &Record) -> (String, Value) {
        let wrap = |value: &Value| Value::Object(vec![(self.name("value").to_owned(), value.clone())]);
        let values = record.fields.iter().map(|entry| (entry.name.clone(), wrap(&entry.value))).collect();
        let mut members = vec![(self.name("user_attributes").to_owned(), Value::Object(values))];
        if self.name("profiles_form") != "map" {
            members.insert(0, (self.name("profile_id").to_owned(), Value::text(&record.key)));
        }
        (record.key.clone(), Value::Object(members))
    }
}

impl Target for Attributes {
    fn spec(&self) -> &'static TargetSpec {
        &TARGETS[0]
    }

    fn scope(&self) -> &str {
        &self.scope_text
    }

    fn account(&self) -> &str {
        match &self.scope {
            Scope::Company(id) | Scope::Property(id) => id,
        }
    }

    /// 4.3 rule 4.
    fn one_at_a_time(&self) -> bool {
        true
    }

    fn records(&self, row: &RowFields) -> Result<Vec<Record>, Vec<Fault>> {
        let fixed = row.checked(self.spec())?;
        let Some(key) = fixed.first().and_then(|entry| entry.value.as_text()) else {
            return Err(vec![Fault::of_row(row.row, Some(USER), Code::MissingValue, "is missing")]);
        };
        let mut record = Record {
            key: key.to_owned(),
            clear: row.clear.clone(),
            rows: vec![row.row],
            ..Record::default()
        };
        let mut faults = Vec::new();
        for (name, value) in &row.open {
            let values = match value {
                Value::Object(members) if self.holds_attributes(name) => members.clone(),
                _ => vec![(name.clone(), value.clone())],
            };
            for (name, value) in values.into_iter().filter(|(_, value)| !value.is_nothing()) {
                match FieldKind::Any.take(&value) {
                    // What a CSV file says stays untyped until all rows of the column are known.
                    Ok(_) => record.fields.push(Entry { name, value, row: row.row }),
                    Err(reason) => {
                        faults.push(
                            Fault::of_row(row.row, Some(&name), Code::InvalidValue, reason).with_key(key),
                        );
                    }
                }
            }
        }
        if faults.is_empty() { Ok(vec![record]) } else { Err(faults) }
    }

    fn needs(&self, batch: &Batch, memory: &Memory) -> Need {
        if self.options.replace || self.options.known_users_only {
            return Need::All;
        }
        let new = |entry: &Entry| !memory.contains_key(&types::type_key(&entry.name));
        if batch.records.iter().flat_map(|record| &record.fields).any(new) {
            Need::Sample
        } else {
            Need::Nothing
        }
    }

    fn settle(&self, batch: &mut Batch, known: Known<'_>) -> Result<Setup, SettleError> {
        if self.options.known_users_only {
            let Some(stored) = known.stored else {
                let message =
                    "the vendor's users are not known, so that unknown ones cannot be refused".to_owned();
                return Err(SettleError { message, hint: Some("sync `user_profiles` first".to_owned()) });
            };
            types::refuse(batch, Code::UnknownUser, "the vendor knows no such user", |record| {
                !stored.rows.contains_key(&record.key)
            });
        }
        if self.options.replace {
            types::refuse(
                batch,
                Code::NoValues,
                "has no value, and `--replace` would remove all that the user has",
                |record| record.fields.is_empty(),
            );
        } else {
            let cleared = batch.records.iter().filter(|record| !record.clear.is_empty()).count();
            if cleared > 0 {
                batch.notes.push(Code::ValuesStay.note(format!(
                    "{cleared} of the users have values to clear, which only `--replace` can do: they stay"
                )));
            }
            batch.records.retain(|record| !record.fields.is_empty());
        }
        let table = types::infer(&self.options, &batch.records, known)?;
        types::convert(&table, batch);
        let mut setup = Setup { shown: table.shown(), learned: table.learned(), ..Setup::default() };
        for definitions in table.definitions().chunks(self.facts.limit("definitions")) {
            let entries = definitions.iter().map(|definition| {
                Value::Object(vec![
                    (self.name("definition_key").to_owned(), Value::text(&definition.key)),
                    (self.name("definition_name").to_owned(), Value::text(&definition.name)),
                    (self.name("definition_type").to_owned(), Value::text(definition.kind.name())),
                ])
            });
            let body = vec![
                (self.name("idempotent").to_owned(), Value::Bool(false)),
                (self.name("definitions").to_owned(), Value::List(entries.collect())),
            ];
            let mut call = self.call(DEFINITIONS, &[], body);
            call.learns = definitions.iter().flat_map(types::Definition::memory).collect();
            setup.calls.push(call);
        }
        Ok(setup)
    }

    fn plan(&self, records: &[Record], which: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        // Room for what stands around the profiles.
        let bytes = self.facts.limit("bytes").saturating_sub(256);
        let weigh = |item: usize| {
            let (key, profile) = self.profile(&records[item]);
            profile.json().len() + key.len() + 8
        };
        chunks(which, self.facts.limit("profiles"), bytes, weigh)
            .into_iter()
            .map(|group| (VALUES, group))
            .collect()
    }

    fn waits(&self, _step: &'static str) -> bool {
        false
    }

    fn compose(&self, step: &'static str, records: &[Record], items: &[usize]) -> Call {
        let profiles = items.iter().map(|&item| self.profile(&records[item]));
        let profiles = match self.name("profiles_form") {
            "map" => Value::Object(profiles.collect()),
            _ => Value::List(profiles.map(|(_, profile)| profile).collect()),
        };
        let body = vec![
            (self.name("idempotent").to_owned(), Value::Bool(self.options.replace)),
            (self.name("profiles").to_owned(), profiles),
        ];
        self.call(step, items, body)
    }

    fn judge(&self, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict {
        answer::judge(self, call, records, answer)
    }

    fn doubt(&self, _call: &Call) -> Option<&'static str> {
        None
    }

    fn forbidden(&self, _call: &Call, status: u16) -> Verdict {
        answer::forbidden(status)
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
        let cell = |name: &str| row.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let text = |name: &str| cell(name).and_then(Value::as_text);
        let map = match &self.scope {
            Scope::Company(_) => "company_attributes",
            Scope::Property(id) if text("property_id") == Some(id) => "property_attributes",
            Scope::Property(_) => return Vec::new(),
        };
        let Some(user) = text("user_id") else { return Vec::new() };
        let fields = match cell(map) {
            Some(Value::Object(members)) => members.clone(),
            _ => Vec::new(),
        };
        let fields = fields.into_iter().filter(|(_, value)| !value.is_nothing()).collect();
        vec![(vec![user.to_owned()], Seen { fields, whole: true })]
    }

    /// A user whom no application shows may still have values of the company.
    fn arrived(&self, _record: &Record, seen: Option<&Seen>) -> Option<bool> {
        match (&self.scope, seen) {
            (Scope::Property(_), None) => Some(false),
            _ => None,
        }
    }

    fn undo(&self, record: &Record, before: Option<&Seen>) -> Option<Value> {
        let mut members = vec![(USER.to_owned(), Value::text(&record.key))];
        let mut clear = Vec::new();
        let empty = Vec::new();
        let before = before.map_or(&empty, |before| &before.fields);
        let named = |name: &str| record.fields.iter().any(|entry| entry.name == name);
        members.extend(before.iter().filter(|(name, _)| self.options.replace || named(name)).cloned());
        for entry in &record.fields {
            if !before.iter().any(|(name, _)| *name == entry.name) {
                clear.push(Value::text(&entry.name));
            }
        }
        if !clear.is_empty() {
            members.push((userhaul_connector::push::CLEAR.to_owned(), Value::List(clear)));
        }
        Some(Value::Object(members))
    }
}

impl Attributes {
    /// Columns whose members are attributes: those of the table that an export writes.
    fn holds_attributes(&self, name: &str) -> bool {
        let own = match self.scope {
            Scope::Company(_) => ["company_attributes", "companyAttributes"],
            Scope::Property(_) => ["property_attributes", "propertyAttributes"],
        };
        name == "attributes" || own.contains(&name)
    }
}
