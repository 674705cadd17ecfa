//! `events`: one row a thing that a user did.

use crate::cells::Row;
use crate::column::{Column, Kind, column, instant, text};
use crate::unified::Prefix;
use crate::value::{Attributes, Micros};

/// A thing that a user did. Its key is made of the row's lineage.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// The vendor's id of the user; becomes `user_key`.
    pub vendor_user_id: Option<&'a str>,
    /// The customer's own id of the user, filled wherever it is known.
    pub user_external_id: Option<&'a str>,
    /// What happened, in our words: `guide.started`, …, or `other`.
    pub event_type: &'a str,
    /// What happened, in the vendor's words.
    pub vendor_event_type: Option<&'a str>,
    /// Kind of the thing that it happened to.
    pub object_type: Option<&'a str>,
    /// The vendor's id of that thing.
    pub object_id: Option<&'a str>,
    /// Name of that thing.
    pub object_name: Option<&'a str>,
    /// When it happened.
    pub occurred_at: Option<Micros>,
    /// Everything else that is known by name.
    pub properties: Attributes<'a>,
}

pub(crate) const COLUMNS: &[Column] = &[
    text("event_key", "the row's key: `<source>:<stream>:<primary key>`"),
    text("user_key", "who did it: `users.user_key`; null where only the customer's id is known"),
    text("user_external_id", "the customer's own id of who did it"),
    text("event_type", "what happened, in words that all vendors share"),
    text("vendor_event_type", "what happened, in the vendor's words"),
    text("object_type", "kind of the thing that it happened to"),
    text("object_id", "the vendor's id of that thing"),
    text("object_name", "name of that thing"),
    instant("occurred_at", "when it happened"),
    column("properties", Kind::Map, "everything else that is known by name; JSON text for what is not text"),
];

impl Event<'_> {
    pub(crate) fn fill(&self, row: &mut Row<'_>, prefix: &Prefix, key: &str) {
        row.key(&prefix.row, Some(key))
            .key(&prefix.id, self.vendor_user_id)
            .text(self.user_external_id)
            .text(Some(self.event_type))
            .text(self.vendor_event_type)
            .text(self.object_type)
            .text(self.object_id)
            .text(self.object_name)
            .instant(self.occurred_at)
            .map(&self.properties);
    }
}
