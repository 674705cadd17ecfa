//! Where the facts of an event stand, stream by stream: one reading serves all four.

use std::borrow::Cow;

use userhaul_connector::rows::{BoolColumn, IntColumn, Rows, TextColumn, UnifyError};
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
    pub(crate) texts: &'static [&'static str],
    pub(crate) numbers: &'static [&'static str],
    pub(crate) flags: &'static [&'static str],
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
        object_name: None,
        texts: &["name", "content_type", "data", "with"],
        numbers: &[],
        flags: &[],
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
        texts: &["completion_type"],
        numbers: &["content_version"],
        flags: &["had_due_date", "is_rpl"],
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
        texts: &["assignment_id", "audience_id"],
        numbers: &[],
        flags: &[],
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
        texts: &["category.category_id", "category.name", "description"],
        numbers: &["duration_minutes"],
        flags: &["is_verified"],
    },
];

/// The columns that become an event's properties, under their own names; what is null is left out.
pub(crate) struct Properties<'a> {
    texts: Vec<(&'static str, TextColumn<'a>)>,
    numbers: Vec<(&'static str, IntColumn<'a>)>,
    flags: Vec<(&'static str, BoolColumn<'a>)>,
}

impl<'a> Properties<'a> {
    pub(crate) fn of(layout: &Layout, rows: &Rows<'a>) -> Result<Self, UnifyError> {
        Ok(Self {
            texts: named(layout.texts, |name| rows.text(name))?,
            numbers: named(layout.numbers, |name| rows.int(name))?,
            flags: named(layout.flags, |name| rows.bool(name))?,
        })
    }

    pub(crate) fn get(&self, row: usize) -> Attributes<'a> {
        let texts = self.texts.iter().filter_map(|(name, texts)| Some((*name, Cow::from(texts.get(row)?))));
        let numbers = self
            .numbers
            .iter()
            .filter_map(|(name, numbers)| Some((*name, numbers.get(row)?.to_string().into())));
        let flags =
            self.flags.iter().filter_map(|(name, flags)| Some((*name, flags.get(row)?.to_string().into())));
        texts.chain(numbers).chain(flags).map(|(name, value)| (name.into(), Some(value))).collect()
    }
}

fn named<T>(
    names: &[&'static str],
    column: impl Fn(&'static str) -> Result<T, UnifyError>,
) -> Result<Vec<(&'static str, T)>, UnifyError> {
    names.iter().map(|&name| Ok((name, column(name)?))).collect()
}
