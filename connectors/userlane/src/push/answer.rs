//! What an answer of the import means (vendors/userlane.md 4.5).

use std::collections::HashMap;

use userhaul_connector::{
    code::Code,
    push::{Answer, Call, Fault, Record, Stop, Value, Verdict, reason_of},
};

use super::{Attributes, DEFINITIONS};

/// Names under which an entry of `errors` may tell its user, its attribute and its reason; only `errors` is published.
const USERS: &[&str] = &["userId", "user_id", "publicUserId", "user", "id"];
const ATTRIBUTES: &[&str] = &["attribute", "attributeKey", "attribute_key", "key", "field"];
const REASONS: &[&str] = &["reason", "message", "error", "detail"];

pub(super) fn judge(target: &Attributes, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict {
    match answer.status {
        // A 200 with entries in `errors` is conceivable, so the list decides and not the code.
        200..=299 => applied(target, call, records, answer),
        // Nothing was applied. A body that is too large becomes smaller in halves.
        400 | 413 | 422 => Verdict::Split(refusal(records, call, answer)),
        status => Verdict::Stop(Stop {
            code: Code::VendorError,
            message: format!("the import answered {status}: {}", reason_of(answer.body, status)),
            hint: Some(match status {
                404 => "check the company's number or the property's id; or the path is another: correct it under `wire.import`",
                405 => "the import may want another verb: correct `method` under `wire.import`",
                _ => "the import may look different: correct it under `wire.import`",
            }.to_owned()),
        }),
    }
}

pub(super) fn forbidden(status: u16) -> Verdict {
    let (code, message, hint) = if status == 403 {
        (
            Code::Forbidden,
            "the import answered 403: the Manager whose token this is must be a company admin, for company and property alike",
            "let a company admin create the token (Settings, API Token); moderators and contributors may read only",
        )
    } else {
        (
            Code::Credentials,
            "the import answered 401: the token is wrong, expired, or was replaced by a newer one of the same Manager",
            "set the newest token; a Manager has one that works",
        )
    };
    Verdict::Stop(Stop { code, message: message.to_owned(), hint: Some(hint.to_owned()) })
}

fn applied(target: &Attributes, call: &Call, records: &[Record], answer: Answer<'_>) -> Verdict {
    let parsed = Value::parse(answer.body).ok();
    let Some(Value::List(errors)) = parsed.as_ref().and_then(|body| body.get(target.name("errors"))) else {
        return Verdict::Unknown(format!(
            "the answer {} has no list `{}`",
            answer.status,
            target.name("errors")
        ));
    };
    if call.step == DEFINITIONS {
        return match errors.first() {
            None => Verdict::Done { faults: Vec::new(), notes: Vec::new() },
            Some(first) => {
                let attribute = word(first, ATTRIBUTES).unwrap_or("an attribute");
                let reason = word(first, REASONS).map_or_else(|| first.json(), str::to_owned);
                Verdict::Stop(Stop {
                    code: Code::DefinitionRefused,
                    message: format!("the definition of `{attribute}` was refused: {reason}"),
                    hint: Some(
                        "another type may be in force: `--type ATTRIBUTE=TYPE` sends values as that"
                            .to_owned(),
                    ),
                })
            }
        };
    }
    let users: HashMap<&str, usize> =
        call.items.iter().map(|&item| (records[item].key.as_str(), item)).collect();
    let mut faults = Vec::new();
    for entry in errors {
        let item = word(entry, USERS).and_then(|user| users.get(user).copied());
        let attribute = word(entry, ATTRIBUTES);
        let sent = |item: usize| attribute.is_none_or(|name| records[item].get(name).is_some());
        let Some(item) = item.filter(|&item| sent(item)) else {
            return Verdict::Unknown(format!(
                "the answer names what was not in the request: {}",
                entry.json()
            ));
        };
        let reason = word(entry, REASONS).map_or_else(|| entry.json(), str::to_owned);
        faults.push(Fault {
            status: Some(answer.status),
            ..Fault::of_record(item, attribute, Code::Rejected, reason)
        });
    }
    let sent: usize = call.items.iter().map(|&item| records[item].fields.len()).sum();
    counted(target, &parsed, sent, faults)
}

/// Compares the counters with what was sent.
fn counted(target: &Attributes, body: &Option<Value>, sent: usize, faults: Vec<Fault>) -> Verdict {
    let counter = |purpose: &str| {
        let value = body.as_ref().and_then(|body| body.get(target.name(purpose)));
        value.and_then(Value::as_number).and_then(|digits| digits.parse::<usize>().ok())
    };
    let applied = counter("applied");
    if applied == Some(0) && sent > 0 && faults.is_empty() {
        return Verdict::Stop(Stop {
            code: Code::ImportIgnored,
            message: "the import answered that nothing was applied and nothing was wrong: it did not see the values".to_owned(),
            hint: Some("the members of the body may have other names: correct them under `wire.import`".to_owned()),
        });
    }
    let mut notes = Vec::new();
    // A fault without an attribute is of all values of its user, so that the sum is not known then.
    let whole = faults.iter().all(|fault| fault.field.is_some());
    if let Some(applied) = applied.filter(|&applied| whole && applied + faults.len() != sent) {
        notes.push(Code::PushCountDiffers.note(format!(
            "{sent} values were sent, {} refused, but {applied} applied by the vendor's count",
            faults.len()
        )));
    }
    if let Some(created) = counter("created").filter(|&created| created > 0) {
        notes.push(Code::AttributesCreated.note(format!(
            "the vendor created {created} attributes that nobody defined: a key may have been renamed in the Portal"
        )));
    }
    Verdict::Done { faults, notes }
}

/// The fault of a single user, from the body of a refusal: `path` may tell the attribute.
fn refusal(records: &[Record], call: &Call, answer: Answer<'_>) -> Fault {
    let body = Value::parse(answer.body).ok();
    let first = body.as_ref().and_then(|body| body.get("errors")).and_then(|errors| errors.items().first());
    let path = first.and_then(|entry| word(entry, &["path"]));
    let only = call.items.first().copied().unwrap_or_default();
    let field = records.get(only).filter(|_| call.items.len() == 1).and_then(|record| {
        let named = |name: &str| {
            path.is_some_and(|path| {
                path.split(".attributes.").nth(1).is_some_and(|rest| rest.starts_with(name))
            })
        };
        record
            .fields
            .iter()
            .map(|entry| entry.name.as_str())
            .filter(|name| named(name))
            .max_by_key(|name| name.len())
    });
    let reason = first
        .and_then(|entry| word(entry, REASONS))
        .map_or_else(|| reason_of(answer.body, answer.status), str::to_owned);
    Fault { status: Some(answer.status), ..Fault::of_record(only, field, Code::Rejected, reason) }
}

fn word<'a>(entry: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| entry.get(name).and_then(Value::as_text))
}
