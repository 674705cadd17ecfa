//! `users` from `users`: one record a visitor whose user id is known.

use std::borrow::Cow;

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Unified, User};

/// When a person was seen is left open: events may be reported by servers, long after (vendors/sprig.md 4.1).
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (ids, requested) = (rows.text("id")?, rows.text("requested_user_id")?);
    let externals = rows.text("external_user_id")?;
    let (created, attributes) = (rows.instant("created_at")?, rows.map("attributes")?);
    for (row, lineage) in rows.lineage()? {
        // Without the vendor's id there is nothing that answers could join.
        let Some(id) = ids.get(row).filter(|id| !id.is_empty()) else { continue };
        let external = externals.get(row).filter(|external| !external.is_empty());
        let entries = attributes.get(row);
        into.user(
            lineage,
            User {
                vendor_user_id: id,
                external_id: external.or_else(|| requested.get(row)),
                created_at: created.get(row),
                attributes: entries
                    .map(|(name, value)| (Cow::Borrowed(name), value.map(Cow::Borrowed)))
                    .collect(),
                ..User::default()
            },
        );
    }
    Ok(())
}
