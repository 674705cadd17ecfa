//! `users` from the stream `users`.

use userhaul_connector::{
    Words,
    rows::{Rows, UnifyError},
};
use userhaul_record::{Status, Table, Unified, User};

/// Columns that are the vendor's as they stand.
const SAME: &[(&str, &str)] = &[
    ("vendor_user_id", "id"),
    ("external_id", "ref"),
    ("email", "email"),
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("vendor_status", "status"),
    ("role", "role"),
    ("language", "language_code"),
    ("time_zone", "time_zone"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
    ("first_seen_at", "first_login"),
    ("last_seen_at", "last_login"),
    ("attributes", "additional_fields"),
];

pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    rows.whole(into, Table::Users, SAME)?;
    let (id, status, deleted) = (rows.text("id")?, rows.text("status")?, rows.bool("deleted")?);
    let positions = rows.objects("positions")?;
    let (is_active, title) = (positions.bool("is_active"), positions.text("title"));
    let manager_id = positions.text("manager.id");
    for (row, lineage) in rows.lineage()? {
        // The position in force; the vendor may list several, or none that is.
        let in_force = positions.get(row).find(|&position| is_active.of(position) == Some(true));
        let position = in_force.or_else(|| positions.get(row).next());
        into.user(
            lineage,
            User {
                vendor_user_id: id.get(row).unwrap_or_default(),
                status: standing(deleted.get(row), status.get(row)),
                job_title: position.and_then(|position| title.of(position)),
                vendor_manager_id: position.and_then(|position| manager_id.of(position)),
                ..User::default()
            },
        );
    }
    Ok(())
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
