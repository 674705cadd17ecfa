//! Facts of a user's file that would have no effect: they are refused, as whoever writes them counts on them.

use crate::{
    column::{Column, ColumnType},
    spec::{Axis, ConnectorSpec, SpecError, StreamSpec, SyncMode},
};

/// Refuses what could not act.
pub(super) fn check(spec: &ConnectorSpec) -> Result<(), SpecError> {
    no_variables("headers", &spec.headers)?;
    no_variables("check.params", &spec.check.params)?;
    for stream in spec.streams.values() {
        let place = format!("streams.{}", stream.name);
        no_variables(&format!("{place}.params"), &stream.params)?;
        for pass in stream.axes.iter().flat_map(passes) {
            no_variables(&format!("{place}.axes"), pass)?;
        }
        if stream.path.contains("${") {
            return Err(variable(format!("{place}.path"), &stream.path));
        }
        aliases(&place, stream)?;
        mode(&place, stream)?;
    }
    Ok(())
}

fn passes(axis: &Axis) -> Vec<&[(String, String)]> {
    match axis {
        Axis::Passes(passes) => passes.iter().map(|pass| pass.params.as_slice()).collect(),
        Axis::Window(_) | Axis::Property { .. } | Axis::Parent(_) => Vec::new(),
    }
}

fn no_variables(place: &str, texts: &[(String, String)]) -> Result<(), SpecError> {
    match texts.iter().find(|(_, text)| text.contains("${")) {
        Some((name, text)) => Err(variable(format!("{place}.{name}"), text)),
        None => Ok(()),
    }
}

fn variable(place: String, text: &str) -> SpecError {
    let message = format!(
        "`{text}`: the file holds no variables; what differs from user to user stands in the source, as a key that \
         `auth` or an axis of kind `property` names"
    );
    SpecError { place, message }
}

/// Other names are those of fields that have a column.
fn aliases(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    for alias in &stream.table.aliases {
        if let Err((step, known)) = named(&stream.table.columns, &alias.field) {
            let known: Vec<String> = known.iter().map(|column| format!("`{}`", column.field)).collect();
            return Err(SpecError {
                place: format!("{place}.aliases.{}", alias.field),
                message: format!("unknown field `{step}`, expected one of {}", known.join(", ")),
            });
        }
    }
    Ok(())
}

/// Whether `field`, or `field/member`, is there; else the step that is not, with those that are.
fn named<'a>(columns: &'a [Column], field: &'a str) -> Result<(), (&'a str, &'a [Column])> {
    if columns.iter().any(|column| column.field == field) {
        return Ok(());
    }
    let (step, rest) = field.split_once('/').map_or((field, None), |(step, rest)| (step, Some(rest)));
    let column = columns.iter().find(|column| column.field == step).ok_or((step, columns))?;
    let Some(rest) = rest else { return Ok(()) };
    let mut kind = &column.kind;
    while let ColumnType::List(element) = kind {
        kind = element;
    }
    match kind {
        ColumnType::Struct(members) => named(members, rest),
        ColumnType::IdOrObject | ColumnType::WrappedMap => Ok(()),
        _ => Err((rest, &[])),
    }
}

/// Later runs ask for less only where something says what to ask for.
fn mode(place: &str, stream: &StreamSpec) -> Result<(), SpecError> {
    let asks_for_less = stream.window().is_some() || stream.since.is_some() || stream.parent().is_some();
    if stream.mode != SyncMode::Incremental || asks_for_less || stream.derived.is_some() {
        return Ok(());
    }
    Err(SpecError {
        place: format!("{place}.mode"),
        message: "`incremental` needs a window among `axes`, or `since`: nothing else says what a later run may leave out"
            .to_owned(),
    })
}
