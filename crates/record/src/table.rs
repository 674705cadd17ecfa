//! The unified tables by name, with their schemas.

use std::sync::{Arc, LazyLock};

use arrow_schema::{Schema, SchemaRef};

use crate::column::{Column, Kind, column};
use crate::{companies, events, feedback, metrics, users};

/// Version of names, types and order of the columns. Who writes a file puts it into its metadata.
pub const SCHEMA_VERSION: u32 = 1;

/// A unified table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row a vendor account.
    Users,
    /// One row a customer's company.
    Companies,
    /// One row a thing that a user did.
    Events,
    /// One row an answer of a user.
    Feedback,
    /// One row a measured number.
    Metrics,
}

/// Schema of a unified table: `source`, `vendor`, the table's columns, `_run_id`, `_extracted_at`.
///
/// Each field has a sentence of documentation in its metadata, under the key `doc`.
pub fn schema(table: Table) -> SchemaRef {
    static SCHEMAS: LazyLock<[SchemaRef; 5]> = LazyLock::new(|| Table::ALL.map(build));
    let [users, companies, events, feedback, metrics] = &*SCHEMAS;
    Arc::clone(match table {
        Table::Users => users,
        Table::Companies => companies,
        Table::Events => events,
        Table::Feedback => feedback,
        Table::Metrics => metrics,
    })
}

impl Table {
    /// Every table, in the order in which [`Unified::finish`](crate::Unified::finish) gives them.
    pub const ALL: [Self; 5] = [Self::Users, Self::Companies, Self::Events, Self::Feedback, Self::Metrics];

    /// The table's name and folder: `users`, `companies`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Companies => "companies",
            Self::Events => "events",
            Self::Feedback => "feedback",
            Self::Metrics => "metrics",
        }
    }

    /// The column that is unique over the whole table, all sources together.
    pub const fn primary_key(self) -> &'static str {
        match self {
            Self::Users => "user_key",
            Self::Companies => "company_key",
            Self::Events => "event_key",
            Self::Feedback => "feedback_key",
            Self::Metrics => "metric_key",
        }
    }

    pub(crate) fn columns(self) -> impl Iterator<Item = &'static Column> {
        let own = match self {
            Self::Users => users::COLUMNS,
            Self::Companies => companies::COLUMNS,
            Self::Events => events::COLUMNS,
            Self::Feedback => feedback::COLUMNS,
            Self::Metrics => metrics::COLUMNS,
        };
        FIRST.iter().chain(own).chain(LAST)
    }
}

const FIRST: &[Column] = &[
    column("source", Kind::Word, "name of the source in the configuration"),
    column("vendor", Kind::Word, "connector of the source"),
];

const LAST: &[Column] = &[
    column("_run_id", Kind::Word, "run that wrote the row"),
    column("_extracted_at", Kind::Moment, "when the page that held the row was received"),
];

fn build(table: Table) -> SchemaRef {
    Arc::new(Schema::new(table.columns().map(Column::field).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_starts_and_ends_alike_and_documents_every_column() {
        for table in Table::ALL {
            let schema = schema(table);
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(names[..3], ["source", "vendor", table.primary_key()]);
            assert_eq!(names[names.len() - 2..], ["_run_id", "_extracted_at"]);
            assert!(schema.fields().iter().all(|field| !field.metadata()["doc"].is_empty()));
        }
    }

    #[test]
    fn users_have_the_columns_of_the_contract_in_order() {
        let names: Vec<_> = schema(Table::Users).fields().iter().map(|field| field.name().clone()).collect();
        let expected = "source vendor user_key vendor_user_id external_id email first_name last_name full_name status \
            vendor_status role job_title language time_zone company_key manager_key created_at updated_at \
            first_seen_at last_seen_at attributes _run_id _extracted_at";
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn the_other_tables_have_the_columns_of_the_contract_in_order() {
        let names = |table| {
            let schema = schema(table);
            schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names(Table::Companies),
            "source vendor company_key vendor_company_id external_id name domain status mrr arr currency owner \
             created_at updated_at attributes _run_id _extracted_at"
        );
        assert_eq!(
            names(Table::Events),
            "source vendor event_key user_key user_external_id event_type vendor_event_type object_type object_id \
             object_name occurred_at properties _run_id _extracted_at"
        );
        assert_eq!(
            names(Table::Feedback),
            "source vendor feedback_key user_key user_external_id kind survey_id survey_name question_id \
             question_text question_type score score_min score_max text choices occurred_at _run_id _extracted_at"
        );
        assert_eq!(
            names(Table::Metrics),
            "source vendor metric_key subject date metric value _run_id _extracted_at"
        );
    }
}
