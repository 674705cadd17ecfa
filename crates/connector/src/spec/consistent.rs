//! Facts checked against each other: names that they use exist, and are of a type that serves.

use std::collections::HashMap;

use super::{Axis, ConnectorSpec, Paging, PartitionBy, SpecError, StreamSpec};
use crate::column::ColumnType;

/// Headers that are the client's own, or a credential's.
const RESERVED_HEADERS: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
];

/// Refuses facts that contradict each other.
pub(crate) fn consistent(spec: &ConnectorSpec) -> Result<(), SpecError> {
    if !is_name(&spec.name) {
        return Err(SpecError::at(
            "connector",
            "a name is made of small letters, digits and `_`, a letter first",
        ));
    }
    headers(spec)?;
    if !spec.streams.contains_key(&spec.check.stream) {
        return Err(SpecError::at("check.stream", format!("no stream `{}`", spec.check.stream)));
    }
    for (name, stream) in &spec.streams {
        let place = format!("streams.{name}");
        if !is_name(name) {
            let message = "a stream's name is made of small letters, digits and `_`, a letter first";
            return Err(SpecError::at(place, message));
        }
        for other in stream.depends_on() {
            if !spec.streams.contains_key(other) {
                return Err(SpecError::at(&place, format!("no stream `{other}`")));
            }
        }
        columns(&place, stream)?;
        aliases(&place, stream)?;
        named_columns(&place, stream)?;
        request(&place, stream)?;
        parent(spec, &place, stream)?;
        derived(spec, &place, stream)?;
        paging(&place, stream)?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn headers(spec: &ConnectorSpec) -> Result<(), SpecError> {
    for (name, value) in &spec.headers {
        let place = format!("headers.{name}");
        if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let message =
                "cannot be a fixed header; credentials are settings, and `auth` says how they travel";
            return Err(SpecError::at(place, message));
        }
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(SpecError::at(place, "no name of a header"));
        }
        if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(SpecError::at(place, "a header's value is printable ASCII"));
        }
    }
    Ok(())
}

/// No two columns have one name, and none has one of ours.
fn columns(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let mut fields: HashMap<&str, &str> = HashMap::new();
    for column in stream.columns() {
        let at = format!("{place}.columns.{}", column.field);
        if matches!(column.name.as_str(), "_source" | "_run_id" | "_extracted_at" | "_extra" | "") {
            let message =
                format!("`{}` cannot be a column: leave it out, and it stays in `_extra`", column.field);
            return Err(SpecError::at(at, message));
        }
        if let Some(other) = fields.insert(&column.name, &column.field) {
            let message = format!("`{other}` and `{}` are both the column `{}`", column.field, column.name);
            return Err(SpecError::at(at, format!("{message}: leave one out, and it stays in `_extra`")));
        }
    }
    Ok(())
}

/// Other names are names, or lead to a member of an object.
fn aliases(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let wrong = |path: &str| path.split('/').count() > 2 || path.split('/').any(str::is_empty);
    match stream.table.aliases.iter().find(|alias| wrong(&alias.path)) {
        Some(alias) => Err(SpecError::at(
            format!("{place}.aliases.{}", alias.field),
            format!("`{}`: a name, or `object/member`; two steps at most", alias.path),
        )),
        None => Ok(()),
    }
}

/// The columns that facts name exist and have a type that serves.
fn named_columns(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    const KEYS: &[&str] = &["id", "text", "int", "date", "instant", "millis", "id_or_object", "json"];
    const TIMES: &[&str] = &["instant", "millis", "date"];
    let mut named: Vec<(&str, &str, Option<&[&str]>)> = Vec::new();
    named.extend(stream.table.primary_key.iter().map(|column| ("primary_key", column.as_str(), Some(KEYS))));
    named.extend(stream.cursor.iter().map(|column| ("cursor", column.as_str(), None)));
    named.extend(stream.version.iter().map(|column| ("version", column.as_str(), None)));
    match &stream.partition {
        PartitionBy::Month(column) => named.push(("partition", column, Some(TIMES))),
        PartitionBy::Value(column) => {
            named.push(("partition", column, Some(&["id", "text", "id_or_object"])))
        }
        PartitionBy::One | PartitionBy::Bucket => {}
    }
    let by = stream.window().map(|window| window.by.as_str()).filter(|by| !by.is_empty());
    named.extend(by.map(|by| ("axes", by, Some(TIMES))));
    named.extend(stream.paging.last_column().map(|column| {
        let kinds: &[&str] = &["id", "text", "int"];
        ("paging", column, Some(kinds))
    }));
    let all_of = stream.passes().iter().filter_map(|pass| pass.all_of.as_deref());
    named.extend(all_of.map(|column| ("axes", column, Some(&["bool"][..]))));
    let schema = stream.table.schema();
    for (key, column, kinds) in named {
        let at = format!("{place}.{key}");
        if schema.field_with_name(column).is_err() {
            return Err(SpecError::at(at, no_column(stream, column)));
        }
        let kind = stream.columns().find(|own| own.name == column).map(|own| own.kind.describe());
        if let (Some(kind), Some(kinds)) = (kind, kinds)
            && !kinds.contains(&kind.as_str())
        {
            let message = format!("column `{column}` is `{kind}`, expected {}", kinds.join(" or "));
            return Err(SpecError::at(at, message));
        }
    }
    if stream.table.primary_key.is_empty() {
        return Err(SpecError::at(format!("{place}.primary_key"), "`primary_key` is empty"));
    }
    Ok(())
}

/// That a column is not there, with those that are.
pub(crate) fn no_column(stream: &StreamSpec, column: &str) -> String {
    let known: Vec<String> = stream.columns().map(|own| format!("`{}`", own.name)).collect();
    format!("no column `{column}`; there are {}", known.join(", "))
}

/// Where the rows are is told by pointers and the words for special places.
fn items(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let word = |pointer: &str| matches!(pointer, "" | "{}" | "null");
    match stream.items.iter().find(|pointer| !word(pointer) && !pointer.starts_with('/')) {
        Some(pointer) => Err(SpecError::at(
            format!("{place}.items"),
            format!("`{pointer}` is no pointer: `/{pointer}` is what stands under `{pointer}` in the answer"),
        )),
        None => Ok(()),
    }
}

/// The path begins with a slash, and every placeholder of it is filled by an axis.
fn request(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    if stream.derived.is_some() {
        return Ok(());
    }
    items(place, stream)?;
    if stream.path.is_empty() {
        return Err(SpecError::at(place, "missing field `path`"));
    }
    let at = format!("{place}.path");
    if !stream.path.starts_with('/') {
        return Err(SpecError::at(at, "`path` must begin with `/`"));
    }
    if stream.path.contains(['?', '#']) {
        return Err(SpecError::at(at, "`path` is without a query: parameters go into `params`"));
    }
    let other_ways = stream.fallback.iter().flat_map(|fallback| &fallback.axes);
    let filled: Vec<&str> = stream
        .axes
        .iter()
        .chain(other_ways)
        .filter_map(|axis| match axis {
            Axis::Property { param, .. } => Some(param.as_str()),
            Axis::Parent(parent) => Some(parent.param.as_str()),
            Axis::Window(_) | Axis::Passes(_) => None,
        })
        .collect();
    for rest in stream.path.split('{').skip(1) {
        let name = rest.split('}').next().unwrap_or_default();
        if !filled.contains(&name) {
            return Err(SpecError::at(at, format!("no axis fills `{{{name}}}` of the path")));
        }
    }
    Ok(())
}

/// The column that children are asked by is one whose texts can be asked for.
fn parent(spec: &ConnectorSpec, place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let Some(axis) = stream.parent() else { return Ok(()) };
    let Some(parent) = spec.stream(&axis.stream) else { return Ok(()) };
    let at = format!("{place}.axes");
    let Some(column) = parent.columns().find(|column| column.name == axis.key) else {
        if axis.key == "_key" {
            return Ok(());
        }
        return Err(SpecError::at(
            at,
            format!("`key`: {} in `{}`", no_column(parent, &axis.key), axis.stream),
        ));
    };
    if !matches!(column.kind, ColumnType::Id | ColumnType::Text | ColumnType::IdOrObject) {
        let kind = column.kind.describe();
        let message = format!("`key`: column `{}` of `{}` is `{kind}`, expected id", axis.key, axis.stream);
        return Err(SpecError::at(at, message));
    }
    Ok(())
}

/// Rows inside rows stand in rows that are asked for, and repeat fields that those have.
fn derived(spec: &ConnectorSpec, place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let Some(derived) = &stream.derived else { return Ok(()) };
    let Some(parent) = spec.stream(&derived.stream) else { return Ok(()) };
    let at = format!("{place}.derived");
    if parent.derived.is_some() {
        let message = format!(
            "`{}` is derived itself, and rows inside rows inside rows cannot be reached: make the field a column there",
            derived.stream
        );
        return Err(SpecError::at(at, message));
    }
    let has = |field: &String| {
        parent.table.given.iter().chain(&parent.table.columns).any(|column| column.field == *field)
    };
    match derived.inherits.iter().find(|field| !has(field)) {
        Some(field) => Err(SpecError::at(
            at,
            format!("`inherits`: `{}` has no column for a field `{field}`", derived.stream),
        )),
        None => Ok(()),
    }
}

fn paging(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let at = format!("{place}.paging");
    for (key, found) in stream.paging.places() {
        let header = found.strip_prefix("header:").is_some_and(|name| !name.is_empty());
        let pointer = found.len() > 1 && found.starts_with('/');
        if !(header || pointer) {
            let message =
                format!("`{key}` is a pointer such as `/meta/{key}`, or `header:NAME`, found `{found}`");
            return Err(SpecError::at(at, message));
        }
    }
    let sized = match &stream.paging {
        Paging::PageNumber(paging) => (&paging.size, paging.rows),
        Paging::Offset(paging) => (&paging.size, paging.rows),
        Paging::Cursor(paging) => (&paging.size, paging.rows),
        Paging::LastId(paging) => (&paging.size, paging.rows),
        Paging::NextUrl(paging) => (&paging.size, paging.rows),
        Paging::LinkHeader(paging) => (&paging.size, paging.rows),
        Paging::None | Paging::Unknown => return Ok(()),
    };
    match sized {
        (None, Some(_)) => Err(SpecError::at(at, "`rows` needs `size`, the parameter that asks for so many")),
        (_, Some(0)) => Err(SpecError::at(at, "`rows` must be at least 1")),
        _ => Ok(()),
    }
}
