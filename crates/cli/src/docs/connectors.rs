//! The pages of connectors, from their facts.

use arrow_schema::Field;
use userhaul_connector::{
    Registration,
    quota::{QuotaMode, Span},
    spec::{Axis, ConnectorSpec, Paging, PartitionBy, StreamSpec, WindowAxis},
};

use super::{code, codes, keys, markdown, tables};

const NOTE: &str = "<!-- Made from the facts of the connectors: UPDATE_DOCS=1 cargo test --test docs -->\n";

/// The index of all connectors.
pub(super) fn index(specs: &[ConnectorSpec]) -> String {
    format!("{NOTE}\n# Connectors\n\n{}", table(specs, ""))
}

/// One row a connector; its page is in `folder`.
pub(super) fn table(specs: &[ConnectorSpec], folder: &str) -> String {
    let rows = specs.iter().map(|spec| {
        let streams = spec.streams.values();
        let stable = streams.clone().filter(|stream| !stream.experimental);
        let off: Vec<&str> = streams.filter(|s| s.experimental).map(|s| s.name.as_str()).collect();
        let mut listed = codes(stable.map(|stream| stream.name.as_str()));
        if !off.is_empty() {
            listed.push_str(&format!("; when named: {}", codes(off)));
        }
        vec![
            format!("[`{}`]({folder}{}.md)", spec.name, spec.name),
            spec.about.trim_end_matches('.').to_owned(),
            listed,
            quota(spec),
        ]
    });
    markdown(&["connector", "vendor", "streams", "quota"], rows)
}

/// The page of one connector.
pub(super) fn page(registration: &Registration, spec: &ConnectorSpec) -> String {
    let origin = match &spec.base_url {
        Some(url) => code(url),
        None => "a host of your own: `base_url` is required".to_owned(),
    };
    let mut text = format!(
        "{NOTE}\n# {}: connector `{}`\n\n{}.\n\n- Vendor documentation: <{}>\n- Address: {origin}\n- Quota: {} ({})\n\
         - Requests at a time: {}, each for {} at most\n- `userhaul check` asks for {}\n",
        spec.title,
        spec.name,
        spec.about.trim_end_matches('.'),
        spec.docs,
        quota(spec),
        linked(&spec.quota_docs),
        spec.concurrency,
        Span(spec.timeout),
        code(&spec.check.stream),
    );
    text.push_str("\n## Settings\n\nBesides those of [every source](../configuration.md#every-source):\n\n");
    text.push_str(&keys::of(registration.settings));
    text.push_str("\n## Streams\n\n");
    let rows = spec.streams.values().map(|stream| {
        vec![
            format!("[{}](#{})", stream.name, stream.name),
            codes(stream.table.primary_key.iter().map(String::as_str)),
            code(stream.cursor.as_deref().unwrap_or_default()),
            stream.mode.name().to_owned(),
            unified(registration, stream),
            if stream.experimental { "when named".to_owned() } else { "yes".to_owned() },
        ]
    });
    text.push_str(&markdown(&["stream", "primary key", "cursor", "sync mode", "unified", "read"], rows));
    for stream in spec.streams.values() {
        text.push_str(&section(registration, stream));
    }
    text.push_str(&super::targets::sections(registration, spec));
    text
}

fn quota(spec: &ConnectorSpec) -> String {
    let how = match spec.quota.mode {
        QuotaMode::Window => "in bursts",
        QuotaMode::Paced => "evenly spaced",
    };
    format!("{}, {how}", spec.quota)
}

fn unified(registration: &Registration, stream: &StreamSpec) -> String {
    let found = registration.unifies.iter().find(|(name, _)| *name == stream.name);
    codes(found.into_iter().flat_map(|(_, tables)| *tables).map(|table| table.name()))
}

fn section(registration: &Registration, stream: &StreamSpec) -> String {
    let mut text = format!("\n### {}\n\n{}.\n\n", stream.name, stream.about.trim_end_matches('.'));
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("- {name}: {value}\n"));
        }
    };
    match &stream.derived {
        Some(derived) if derived.field.is_empty() => {
            fact("Comes with", format!("{}: what the vendor no longer has", code(&derived.stream)));
        }
        Some(derived) => {
            let place = format!("{}, in its field {}", code(&derived.stream), code(&derived.field));
            fact("Comes with", place);
        }
        None => {
            fact("Request", code(&format!("GET {}", stream.path)));
            let sent = stream.params.iter().map(|(name, value)| format!("{name}={value}"));
            fact("Parameters", codes(sent.collect::<Vec<_>>().iter().map(String::as_str)));
            fact("Rows", rows(stream));
            fact("Pages", paging(&stream.paging));
            let axes: Vec<String> = stream.axes.iter().map(axis).collect();
            fact("Cut into", axes.join("; "));
            let empty: Vec<String> = stream.empty.iter().map(u16::to_string).collect();
            fact("Statuses that mean no rows", empty.join(", "));
        }
    }
    fact("Primary key", codes(stream.table.primary_key.iter().map(String::as_str)));
    let generic = stream.with_generic_key().map(|generic| generic.table.primary_key).unwrap_or_default();
    fact("Key where that one is missing or stands twice", codes(generic.iter().map(String::as_str)));
    fact("Cursor", code(stream.cursor.as_deref().unwrap_or_default()));
    fact("Newer of two rows by", code(stream.version.as_deref().unwrap_or_default()));
    fact("Sync mode", stream.mode.name().to_owned());
    fact("Read again", read_again(stream));
    fact("Files", partition(&stream.partition));
    fact("Needs", codes(stream.depends_on()));
    fact("Unified", unified(registration, stream));
    fact("Vendor documentation", format!("<{}>", stream.docs));
    fact("Assumptions", stream.assumption.clone().unwrap_or_default());
    text.push('\n');
    let mut columns = Vec::new();
    for field in stream.table.schema().fields() {
        column(&mut columns, "", field);
    }
    text.push_str(&markdown(&["column", "type", "vendor's name", "meaning"], columns));
    text
}

/// What an incremental run reads again, and when everything is read.
fn read_again(stream: &StreamSpec) -> String {
    let mut parts = Vec::new();
    if stream.window().is_some() && !stream.look_back.is_zero() {
        parts.push(format!("{} before the checkpoint", span(stream.look_back)));
    }
    if let Some(since) = &stream.since {
        let overlap = span(since.overlap);
        parts.push(format!(
            "by {}, {overlap} before the last pass, where a full pass is long",
            code(&since.param)
        ));
    }
    if let Some(every) = stream.full_every {
        let what = if stream.parent().is_some() { "each id" } else { "everything" };
        parts.push(format!("{what} after {}", span(every)));
    }
    parts.join("; ")
}

/// A span in its largest whole unit.
fn span(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) =
        units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    crate::render::counted(seconds / unit, name)
}

/// A column, and below it the members that the vendor documents.
fn column(rows: &mut Vec<Vec<String>>, above: &str, field: &Field) {
    let name = format!("{above}{}", field.name());
    let metadata = |key: &str| field.metadata().get(key).cloned().unwrap_or_default();
    rows.push(vec![
        code(&name),
        code(&tables::name(field.data_type())),
        code(&metadata("vendor_field")),
        metadata("doc"),
    ]);
    for member in tables::members(field) {
        column(rows, &format!("{name}."), member);
    }
}

fn rows(stream: &StreamSpec) -> String {
    if stream.single {
        return "the answer is one row".to_owned();
    }
    let places = stream.items.iter().map(|pointer| match pointer.as_str() {
        "" => "the answer itself".to_owned(),
        "/*" => "the only array of the answer".to_owned(),
        "{}" => "the answer as one row".to_owned(),
        "null" => "null, which is no rows".to_owned(),
        pointer => code(pointer),
    });
    places.collect::<Vec<_>>().join(", or else ")
}

fn paging(paging: &Paging) -> String {
    let sized = |size: &Option<String>, rows: Option<u32>| match (size, rows) {
        (Some(size), Some(rows)) => format!(", {rows} rows each by {}", code(size)),
        _ => String::new(),
    };
    match paging {
        Paging::None => "the answer is everything".to_owned(),
        Paging::Unknown => "not published: the walk finds out".to_owned(),
        Paging::Cursor(cursor) => {
            let next = format!("by cursor, from {} to {}", code(&cursor.next), code(&cursor.param));
            format!("{next}{}", sized(&cursor.size, cursor.rows))
        }
        Paging::Offset(offset) => {
            let text = format!("by the number of rows to pass over in {}", code(&offset.offset));
            format!("{text}{}", sized(&offset.size, offset.rows))
        }
        Paging::LastId(last) => {
            let text = format!("by {} of the last row in {}", code(&last.column), code(&last.param));
            format!("{text}{}", sized(&last.size, last.rows))
        }
        Paging::NextUrl(next) => {
            format!("by the URL at {}{}", code(&next.next), sized(&next.size, next.rows))
        }
        Paging::LinkHeader(link) => {
            format!("by the header {}{}", code("Link"), sized(&link.size, link.rows))
        }
        Paging::PageNumber(numbers) => {
            let mut text = format!("by number in {} from {}", code(&numbers.page), numbers.first);
            text.push_str(&sized(&numbers.size, numbers.rows));
            if let Some(total) = &numbers.total_rows {
                text.push_str(&format!("; the total is at {}", code(total)));
            }
            text
        }
    }
}

fn axis(axis: &Axis) -> String {
    match axis {
        Axis::Window(window) => window_axis(window),
        Axis::Property { setting, .. } => format!("one walk a value of {}", code(setting)),
        Axis::Parent(parent) => {
            let of = format!("one request a {} of {}", code(&parent.key), code(&parent.stream));
            match &parent.file {
                Some(setting) => format!("{of}, and an id of the file {}", code(setting)),
                None => of,
            }
        }
        Axis::Passes(passes) => {
            let texts = passes.iter().map(|pass| {
                let params: Vec<String> =
                    pass.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let params =
                    if params.is_empty() { "without parameters".to_owned() } else { code(&params.join("&")) };
                match &pass.all_of {
                    Some(column) => format!("{params} (all with {})", code(column)),
                    None => params,
                }
            });
            format!("passes that are merged by key: {}", texts.collect::<Vec<_>>().join(", "))
        }
    }
}

fn window_axis(window: &WindowAxis) -> String {
    let length = match (window.years, window.days) {
        (true, _) => "calendar years".to_owned(),
        (false, Some(1)) => "windows of one day".to_owned(),
        (false, Some(days)) => format!("windows of {days} days"),
        (false, None) => "one window, halved where it is too large".to_owned(),
    };
    let ends: Vec<String> = std::iter::once(&window.from).chain(&window.to).map(|name| code(name)).collect();
    let params = ends.join(" and ");
    let needed = if window.start_required { ", which need a `start_date`" } else { "" };
    format!("{length} of {} by {params}{needed}", code(&window.by))
}

fn partition(partition: &PartitionBy) -> String {
    match partition {
        PartitionBy::One => "one".to_owned(),
        PartitionBy::Value(column) => format!("one a value of {}", code(column)),
        PartitionBy::Month(column) => format!("one a month of {}", code(column)),
        PartitionBy::Bucket => "sixteen, by a hash of the primary key".to_owned(),
    }
}

/// A URL as a link; assumptions as they are.
fn linked(docs: &str) -> String {
    if docs.starts_with("https://") { format!("<{docs}>") } else { docs.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn what_a_connector_unifies_are_streams_of_it() {
        for registration in registry::CONNECTORS {
            let spec = ConnectorSpec::parse(registration.facts, None).expect("the facts parse");
            for (stream, _) in registration.unifies {
                assert!(spec.stream(stream).is_some(), "{}.{stream}", registration.name);
            }
        }
    }
}
