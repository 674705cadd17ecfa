//! Ids out of the objects that tasks embed, so that tasks join with the tables of these objects (4.8).

use userhaul_connector::{
    Computed,
    rows::{Rows, UnifyError},
};

/// The computed columns of `tasks`, in the order of the facts.
pub(crate) fn compute(rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
    ["task_status.id", "task_category.id", "user.id", "team.id"]
        .into_iter()
        .map(|path| {
            let ids = rows.text(path)?;
            Ok(Computed::Text((0..rows.len()).map(|row| ids.get(row).map(str::to_owned)).collect()))
        })
        .collect()
}
