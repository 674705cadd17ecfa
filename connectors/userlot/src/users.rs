//! `end_users` as users.

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Unified, User};

use crate::attributes;

/// One user a person. The vendor tells no status, role or language (4.5); a custom field of such a name is
/// the customer's own and stays an attribute.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let id = rows.text("id")?;
    // The row's key, where rows come without ids (A17).
    let own_key = rows.text("_key").ok();
    let external_id = rows.text("external_id")?;
    let email = rows.text("email")?;
    let first_name = rows.text("first_name")?;
    let last_name = rows.text("last_name")?;
    let name = rows.text("name")?;
    let company_id = rows.text("company_id")?;
    let created_at = rows.instant("created_at")?;
    let updated_at = rows.instant("updated_at")?;
    let last_seen_at = rows.instant("last_seen_at")?;
    let custom_fields = rows.map("custom_fields")?;
    for (row, lineage) in rows.lineage()? {
        let user = User {
            vendor_user_id: id.get(row).or_else(|| own_key?.get(row)).unwrap_or_default(),
            external_id: external_id.get(row),
            email: email.get(row),
            first_name: first_name.get(row),
            last_name: last_name.get(row),
            full_name: name.get(row),
            vendor_company_id: company_id.get(row),
            created_at: created_at.get(row),
            updated_at: updated_at.get(row),
            last_seen_at: last_seen_at.get(row),
            attributes: attributes(custom_fields.get(row)),
            ..User::default()
        };
        into.user(lineage, user);
    }
    Ok(())
}
