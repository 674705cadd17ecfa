//! What can be written: companies, end users, and who is active (vendors/userlot.md 5).

mod identify;
mod upsert;

use std::sync::atomic::{AtomicBool, Ordering};

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{
        Answer, Body, Call, Fault, Memory, Repeat, Stop, TargetSpec, Value, Verdict, field_of, reason_of,
    },
    request::Method,
    settings::{Settings, SettingsError},
    spec::{ConnectorSpec, PushSpec},
};

use crate::source;

/// The targets, for the registry.
pub(crate) const TARGETS: &[TargetSpec] = &[upsert::COMPANIES, upsert::END_USERS, identify::SPEC];

/// Statuses of which the answer is looked at (6).
const ACCEPT: &[u16] = &[400, 404, 405, 409, 413, 415, 422];

/// The steps: JSON first, and a form where that is not taken (A19).
const JSON: &str = "json";
const FORM: &str = "form";

/// A PUT of one flat record, in the encoding that the server takes.
struct Put {
    facts: PushSpec,
    auth: AuthSpec,
    /// A form was taken where JSON was not.
    form: AtomicBool,
    /// JSON was taken.
    json: AtomicBool,
}

impl Put {
    fn new(target: &str, spec: &ConnectorSpec, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            facts: spec.push.get(target).cloned().unwrap_or_default(),
            auth: AuthSpec::of(spec.header_auth(), &source::key(settings)?),
            form: AtomicBool::new(false),
            json: AtomicBool::new(false),
        })
    }

    fn call(
        &self,
        step: &'static str,
        items: &[usize],
        fields: Vec<(String, Value)>,
        repeat: Repeat,
    ) -> Call {
        let form = step == FORM || self.form.load(Ordering::Relaxed);
        let text = |value: &Value| {
            value.as_text().map_or_else(
                || if *value == Value::Null { String::new() } else { value.json() },
                str::to_owned,
            )
        };
        let body = match form {
            true => Body::Form(fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()),
            false => Body::Json(Value::Object(fields).json().into_bytes()),
        };
        Call {
            step: if form { FORM } else { JSON },
            items: items.to_vec(),
            method: Method::Put,
            path: self.facts.path("upsert", &[]),
            query: Vec::new(),
            body,
            auth: self.auth.clone(),
            accept: ACCEPT.to_vec(),
            repeat,
            learns: Memory::new(),
        }
    }

    fn judge(&self, call: &Call, answer: Answer<'_>) -> Verdict {
        match answer.status {
            // Whatever the body (A22).
            200..=299 => {
                let taken = if call.step == FORM { &self.form } else { &self.json };
                taken.store(true, Ordering::Relaxed);
                Verdict::Done { faults: Vec::new(), notes: Vec::new() }
            }
            400 | 415 if call.step == JSON && !self.json.load(Ordering::Relaxed) => Verdict::Next(FORM),
            400 | 404 | 409 | 413 | 422 => {
                let reason = reason_of(answer.body, answer.status);
                let reason = match field_of(answer.body) {
                    Some(field) if !reason.contains(&field) => format!("{field}: {reason}"),
                    _ if answer.status == 404 => format!("the vendor knows no such id ({reason})"),
                    _ => reason,
                };
                let fault = Fault::of_record(call.items[0], None, Code::Rejected, reason);
                Verdict::Refused(Fault { status: Some(answer.status), ..fault })
            }
            status => Verdict::Stop(Stop {
                code: Code::VendorError,
                message: format!("answered {status}: {}", reason_of(answer.body, status)),
                hint: Some("check `base_url`, or correct the paths under `wire.push`".to_owned()),
            }),
        }
    }
}

fn forbidden(status: u16) -> Verdict {
    let (code, message) = if status == 403 {
        (Code::Forbidden, "answered 403: the key is of another product, or the plan does not have this")
    } else {
        (Code::Credentials, "answered 401: the key is missing or wrong")
    };
    let hint =
        "use a key of its own from the product settings, Api Keys; that of the browser snippet may not do";
    Verdict::Stop(Stop { code, message: message.to_owned(), hint: Some(hint.to_owned()) })
}
