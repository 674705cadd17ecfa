//! Where the facts of an event stand, stream by stream: one reading serves all four.

use userhaul_connector::rows::{Rows, UnifyError, ValueColumn};
use userhaul_record::Attributes;

/// In which columns of a stream the facts of an event stand.
pub(crate) struct Layout {
    pub(crate) stream: &'static str,
    /// The event's type, or what stands before the vendor's word.
    pub(crate) event_type: &'static str,
    pub(crate) vendor_word: Option<&'static str>,
    pub(crate) user: &'static str,
    pub(crate) occurred_at: &'static str,
    /// None where the object is always content.
    pub(crate) object_type: Option<&'static str>,
    pub(crate) object_id: Option<&'static str>,
    pub(crate) object_name: Option<&'static str>,
    pub(crate) properties: &'static [&'static str],
}

pub(crate) const LAYOUTS: &[Layout] = &[
    Layout {
        stream: "activities",
        event_type: "learning.",
        vendor_word: Some("type"),
        user: "user",
        occurred_at: "date",
        object_type: Some("context_type"),
        object_id: Some("context_id"),
        // "Ladder safety basics": a page's name is that of the content (3.6).
        object_name: Some("name"),
        properties: &["name", "content_type", "data", "with"],
    },
    Layout {
        stream: "completions",
        event_type: "content.completed",
        vendor_word: None,
        user: "user_id",
        occurred_at: "completed_at",
        object_type: None,
        object_id: Some("content_id"),
        object_name: None,
        properties: &[
            "completion_type",
            "content_version",
            "had_due_date",
            "is_rpl",
            "skills",
            "active_until",
        ],
    },
    // The row holds the status in force, so its event happened at the last change.
    Layout {
        stream: "enrolments",
        event_type: "enrolment.",
        vendor_word: Some("status"),
        user: "user_id",
        occurred_at: "updated_at",
        object_type: None,
        object_id: Some("primary_content_id"),
        object_name: None,
        properties: &["assignment_id", "audience_id", "available_date", "due_date", "last_completed_at"],
    },
    Layout {
        stream: "cpd_entries",
        event_type: "cpd.logged",
        vendor_word: None,
        user: "user_id",
        occurred_at: "entry_date",
        object_type: Some("activity.type"),
        object_id: None,
        object_name: Some("activity.name"),
        properties: &[
            "category.category_id",
            "category.name",
            "description",
            "duration_minutes",
            "is_verified",
        ],
    },
];

/// The columns that become an event's properties, under their own names; what is null is left out.
pub(crate) struct Properties<'a>(Vec<(&'static str, ValueColumn<'a>)>);

impl<'a> Properties<'a> {
    pub(crate) fn of(layout: &Layout, rows: &Rows<'a>) -> Result<Self, UnifyError> {
        let column = |&name: &&'static str| Ok((name, rows.value(name)?));
        Ok(Self(layout.properties.iter().map(column).collect::<Result<_, _>>()?))
    }

    pub(crate) fn get(&self, row: usize) -> Attributes<'a> {
        self.0.iter().filter_map(|(name, column)| Some(((*name).into(), Some(column.get(row)?)))).collect()
    }
}
