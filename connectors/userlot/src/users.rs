//! `end_users` as users.

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Table, Unified, User};

/// Columns that are the vendor's as they stand.
const SAME: &[(&str, &str)] = &[
    ("external_id", "external_id"),
    ("email", "email"),
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("full_name", "name"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
    ("last_seen_at", "last_seen_at"),
    ("attributes", "custom_fields"),
];

/// One user a person. The vendor tells no status, role or language (4.5); a custom field of such a name is
/// the customer's own and stays an attribute.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    rows.whole(into, Table::Users, SAME)?;
    let id = rows.text("id")?;
    // The row's key, where rows come without ids (A17).
    let own_key = rows.text("_key").ok();
    let company_id = rows.text("company_id")?;
    for (row, lineage) in rows.lineage()? {
        let user = User {
            vendor_user_id: id.get(row).or_else(|| own_key?.get(row)).unwrap_or_default(),
            vendor_company_id: company_id.get(row),
            ..User::default()
        };
        into.user(lineage, user);
    }
    Ok(())
}
