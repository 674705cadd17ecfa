//! `users` from the stream `users`.

use userhaul_connector::{
    Words,
    rows::{Object, ObjectsColumn, Rows, UnifyError},
};
use userhaul_record::{Status, Unified, User};

pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let text = |name| rows.text(name);
    let (id, external_id, email, role) = (text("id")?, text("ref")?, text("email")?, text("role")?);
    let (first_name, last_name, status) = (text("first_name")?, text("last_name")?, text("status")?);
    let (language, time_zone, deleted) = (text("language_code")?, text("time_zone")?, rows.bool("deleted")?);
    let (created_at, updated_at) = (rows.instant("created_at")?, rows.instant("updated_at")?);
    let (first_login, last_login) = (rows.instant("first_login")?, rows.instant("last_login")?);
    let (positions, additional_fields) = (rows.objects("positions")?, rows.map("additional_fields")?);
    for (row, lineage) in rows.lineage()? {
        let position = position(positions, row);
        let attributes = additional_fields.get(row).into_iter();
        into.user(
            lineage,
            User {
                vendor_user_id: id.get(row).unwrap_or_default(),
                external_id: external_id.get(row),
                email: email.get(row),
                first_name: first_name.get(row),
                last_name: last_name.get(row),
                full_name: None,
                status: standing(deleted.get(row), status.get(row)),
                vendor_status: status.get(row),
                role: role.get(row),
                job_title: position.and_then(|position| position.text("title")),
                language: language.get(row),
                time_zone: time_zone.get(row),
                vendor_company_id: None,
                vendor_manager_id: position.and_then(|position| position.text("manager.id")),
                created_at: created_at.get(row),
                updated_at: updated_at.get(row),
                first_seen_at: first_login.get(row),
                last_seen_at: last_login.get(row),
                attributes: attributes.map(|(key, value)| (key.into(), value.map(Into::into))).collect(),
            },
        );
    }
    Ok(())
}

/// The position in force; the vendor may list several, or none that is.
fn position<'a>(positions: ObjectsColumn<'a>, row: usize) -> Option<Object<'a>> {
    let in_force = |position: &Object<'_>| position.bool("is_active") == Some(true);
    positions.get(row).find(in_force).or_else(|| positions.get(row).next())
}

/// The vendor's standings in our words; `inactive` means suspended (A:11).
pub(crate) const STANDINGS: Words = Words {
    stream: "users",
    column: "status",
    into: "status",
    pairs: &[
        ("active", Status::Active.as_str()),
        ("new", Status::Invited.as_str()),
        ("inactive", Status::Suspended.as_str()),
        ("expired", Status::Suspended.as_str()),
    ],
};

/// A deleted user may have any status.
fn standing(deleted: Option<bool>, status: Option<&str>) -> Status {
    if deleted == Some(true) {
        return Status::Deleted;
    }
    status.and_then(|word| STANDINGS.ours(word)).and_then(Status::named).unwrap_or_default()
}
