//! `events` from the streams `activities`, `completions`, `enrolments` and `cpd_entries`.

mod layout;

use std::borrow::Cow;

use userhaul_connector::{
    Words,
    rows::{Rows, TextColumn, UnifyError},
};
use userhaul_record::{Event, Unified};

use layout::{LAYOUTS, Properties};

/// The one kind of thing of which there is a list: its title is looked up.
pub(crate) const CONTENT: Words = Words {
    stream: "activities",
    column: "context_type",
    into: "object_type",
    pairs: &[("content", "content")],
};

pub(crate) fn unify<'a>(stream: &str, rows: &Rows<'a>, into: &mut Unified) -> Result<(), UnifyError> {
    let Some(layout) = LAYOUTS.iter().find(|layout| layout.stream == stream) else { return Ok(()) };
    let column = |name: Option<&'static str>| name.map(|name| rows.text(name)).transpose();
    let (vendor_word, object_type) = (column(layout.vendor_word)?, column(layout.object_type)?);
    let (object_id, object_name) = (column(layout.object_id)?, column(layout.object_name)?);
    let (user, occurred_at) = (rows.text(layout.user)?, rows.instant(layout.occurred_at)?);
    let properties = Properties::of(layout, rows)?;
    for (row, lineage) in rows.lineage()? {
        let get = |column: Option<TextColumn<'a>>| column.and_then(|column| column.get(row));
        let word = get(vendor_word);
        let event_type: Cow<'_, str> = match (layout.vendor_word, word) {
            (None, _) => layout.event_type.into(),
            (Some(_), Some(word)) if !word.is_empty() => format!("{}{word}", layout.event_type).into(),
            (Some(_), _) => "other".into(),
        };
        let object_type = if layout.object_type.is_some() { get(object_type) } else { Some("content") };
        let object_id = get(object_id);
        let content = object_id.filter(|_| object_type.is_some_and(|kind| CONTENT.ours(kind).is_some()));
        let title = content.and_then(|id| rows.lookup("contents", id)).and_then(|found| found.text("title"));
        into.event(
            lineage,
            Event {
                vendor_user_id: user.get(row),
                user_external_id: None,
                event_type: &event_type,
                vendor_event_type: word,
                object_type,
                object_id,
                // A name without a thing, `Logged in` for example, is that of what happened.
                object_name: title.or_else(|| {
                    get(object_name).filter(|_| layout.object_id.is_none() || object_id.is_some())
                }),
                occurred_at: occurred_at.get(row),
                properties: properties.get(row),
            },
        );
    }
    Ok(())
}
