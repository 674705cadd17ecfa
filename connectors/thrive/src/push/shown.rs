//! What reading shows of a user who was written.

use userhaul_connector::push::{Seen, Value};

use super::users::{ACTIVE, END, FIELDS};

/// The lifecycle fields in a v1 user, by which all reading is done: positions hold the job (4.1).
pub(super) fn seen(cell: impl Fn(&str) -> Option<Value>) -> Seen {
    let mut fields = Vec::new();
    for name in ["firstName", "lastName", "email", "role", "languageCode", "timeZone", FIELDS] {
        fields.extend(cell(name).map(|value| (name.to_owned(), value)));
    }
    fields.extend(cell("singleSignOn").map(|value| ("sso".to_owned(), value)));
    match cell("status").as_ref().and_then(Value::as_text) {
        Some("inactive") => fields.push((ACTIVE.to_owned(), Value::Bool(false))),
        Some("active" | "new") => fields.push((ACTIVE.to_owned(), Value::Bool(true))),
        _ => {}
    }
    let positions = cell("positions");
    if let Some(position) = positions.as_ref().and_then(|positions| positions.items().last()) {
        let member = |names: [&str; 2]| names.iter().find_map(|name| position.get(name)).cloned();
        fields.extend(member(["title", "title"]).map(|title| ("jobTitle".to_owned(), title)));
        fields.extend(member(["startDate", "start_date"]).map(|date| ("startDate".to_owned(), date)));
        fields.extend(member(["endDate", "end_date"]).map(|date| (END.to_owned(), date)));
        let manager = member(["manager", "manager"]);
        let reference = manager.as_ref().and_then(|manager| manager.get("ref")).cloned();
        fields.extend(reference.map(|reference| ("managerRef".to_owned(), reference)));
    }
    Seen { fields, whole: false }
}
