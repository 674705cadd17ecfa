//! `companies` as companies.

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Company, Table, Unified};

/// Columns that are the vendor's as they stand.
const SAME: &[(&str, &str)] = &[
    ("external_id", "external_id"),
    ("name", "name"),
    ("mrr", "mrr"),
    ("arr", "arr"),
    ("owner", "owner_user_id"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
    ("attributes", "custom_fields"),
];

/// One company a row. The vendor tells neither domain nor currency (4.1). The status is the customer's word
/// for `status_id`; an id that `company_statuses` does not have says nothing.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    rows.whole(into, Table::Companies, SAME)?;
    let (id, status_id) = (rows.text("id")?, rows.text("status_id")?);
    for (row, lineage) in rows.lineage()? {
        let status = status_id.get(row).and_then(|id| rows.lookup("company_statuses", id));
        let company = Company {
            vendor_company_id: id.get(row).unwrap_or_default(),
            status: status.and_then(|status| status.text("name")),
            ..Company::default()
        };
        into.company(lineage, company);
    }
    Ok(())
}
