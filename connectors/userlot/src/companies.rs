//! `companies` as companies.

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Company, Decimal, Unified};

use crate::attributes;

/// One company a row. The vendor tells neither domain nor currency (4.1). The status is the customer's word
/// for `status_id`; an id that `company_statuses` does not have says nothing.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let id = rows.text("id")?;
    let external_id = rows.text("external_id")?;
    let name = rows.text("name")?;
    let status_id = rows.text("status_id")?;
    let mrr = rows.decimal("mrr")?;
    let arr = rows.decimal("arr")?;
    let owner_user_id = rows.text("owner_user_id")?;
    let created_at = rows.instant("created_at")?;
    let updated_at = rows.instant("updated_at")?;
    let custom_fields = rows.map("custom_fields")?;
    for (row, lineage) in rows.lineage()? {
        let status = status_id.get(row).and_then(|id| rows.lookup("company_statuses", id));
        let company = Company {
            vendor_company_id: id.get(row).unwrap_or_default(),
            external_id: external_id.get(row),
            name: name.get(row),
            status: status.and_then(|status| status.text("name")),
            mrr: mrr.get(row).map(Decimal),
            arr: arr.get(row).map(Decimal),
            owner: owner_user_id.get(row),
            created_at: created_at.get(row),
            updated_at: updated_at.get(row),
            attributes: attributes(custom_fields.get(row)),
            ..Company::default()
        };
        into.company(lineage, company);
    }
    Ok(())
}
