//! `PUT /identify`: this person of this company is active (5.4). What it does beyond that is not published (A21).

use userhaul_connector::{
    code::Code,
    push::{
        Answer, Batch, Call, Fault, FieldKind, FieldSpec, Known, Memory, Need, Open, Options, ReadBack,
        Record, Repeat, RowFields, Seen, SettleError, Setup, Target, TargetSpec, Value, Verdict,
    },
    settings::{Settings, SettingsError},
    spec::ConnectorSpec,
};

use super::{JSON, Put};

const fn field(
    name: &'static str,
    also: &'static [&'static str],
    kind: FieldKind,
    help: &'static str,
) -> FieldSpec {
    FieldSpec { name, also, kind, help }
}

pub(super) const SPEC: TargetSpec = TargetSpec {
    name: "identify",
    about: "Who of which company is active: end users and companies come to be where they are unknown",
    fields: &[
        field(
            "user_external_id",
            &[],
            FieldKind::Id,
            "your own id of the end user; this or the address is required",
        ),
        field("user_email", &[], FieldKind::Email, "address of the end user"),
        field("company_external_id", &[], FieldKind::Id, "your own id of the company"),
        field("company_name", &[], FieldKind::Text(0), "name of the company"),
    ],
    open: Open::Closed,
    read_only: &[],
    replaces: None,
    confirm: None,
    scoped: false,
    stream: None,
    eventual: false,
    build,
};

struct Identify(Put);

fn build(
    spec: &ConnectorSpec,
    settings: &Settings,
    _options: &Options,
) -> Result<Box<dyn Target>, SettingsError> {
    Ok(Box::new(Identify(Put::new("identify", spec, settings)?)))
}

impl Target for Identify {
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
        let fields = row.checked(&SPEC)?;
        let text = |names: [&str; 2]| {
            let entry = names.iter().find_map(|name| fields.iter().find(|entry| entry.name == *name));
            entry.map(|entry| format!("{}={}", entry.name, entry.value.as_text().unwrap_or_default()))
        };
        let Some(user) = text(["user_external_id", "user_email"]) else {
            let reason = "has neither `user_external_id` nor `user_email`: it would identify nobody";
            return Err(vec![Fault::of_row(row.row, None, Code::NoIdentifier, reason)]);
        };
        let company = text(["company_external_id", "company_name"]).unwrap_or_default();
        Ok(vec![Record {
            key: format!("{user}\0{company}"),
            fields,
            rows: vec![row.row],
            ..Record::default()
        }])
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
        // By name or address alone each repeat might create another one (5.1).
        let company = record.get("company_name").is_none() || record.get("company_external_id").is_some();
        let repeat =
            if company && record.get("user_external_id").is_some() { Repeat::Safe } else { Repeat::Never };
        let fields = record.fields.iter().map(|entry| (entry.name.clone(), entry.value.clone())).collect();
        self.0.call(step, items, fields, repeat)
    }

    fn judge(&self, call: &Call, _records: &[Record], answer: Answer<'_>) -> Verdict {
        self.0.judge(call, answer)
    }

    fn doubt(&self, _call: &Call) -> Option<&'static str> {
        None
    }

    fn forbidden(&self, _call: &Call, status: u16) -> Verdict {
        super::forbidden(status)
    }

    fn read_back(&self) -> ReadBack {
        ReadBack::No("what it does is not published")
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
