//! `company_revenue` as metrics.

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Date, Metric, Micros, Subject, Unified};

const DAY: i64 = 86_400_000_000;

/// Two metrics a revenue record, monthly and annual; an amount that is null stays null. They are for the day
/// from which the amounts hold, or else for the day on which they were entered.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let company_id = rows.text("company_id")?;
    let mrr = rows.decimal("mrr")?;
    let arr = rows.decimal("arr")?;
    let start_date = rows.date("start_date")?;
    let created_at = rows.instant("created_at")?;
    for (row, lineage) in rows.lineage()? {
        let date = start_date.get(row).map(Date).or_else(|| day_of(created_at.get(row)?));
        for (metric, amount) in [("revenue.mrr", mrr.get(row)), ("revenue.arr", arr.get(row))] {
            let subject = company_id.get(row).map_or(Subject::Unknown, Subject::Company);
            into.metric(lineage, Metric { subject, date, metric, value: amount.and_then(double) });
        }
    }
    Ok(())
}

fn day_of(instant: Micros) -> Option<Date> {
    i32::try_from(instant.0.div_euclid(DAY)).ok().map(Date)
}

/// The double nearest to an amount in units of 10⁻⁹; by way of its text, as dividing would round twice.
fn double(amount: i128) -> Option<f64> {
    format!("{amount}e-9").parse().ok()
}
