//! Parts of a stream's facts.

use super::{alone, one_line};
use crate::{
    column::{Column, ColumnType, snake_case},
    spec::{AuthFacts, Axis, PartitionBy, SpecError, auth::AuthFile},
};

/// A credential of another kind than that of the file.
pub(super) fn own_auth(place: &str, value: toml::Value) -> Result<AuthFacts, SpecError> {
    let place = format!("{place}.auth");
    alone(&place, &value, &["none"])?;
    let file: Result<AuthFile, toml::de::Error> = value.try_into();
    let file = file.map_err(|error| SpecError::at(&place, one_line(&error)))?;
    file.read().map_err(|message| SpecError::at(place, message))
}

pub(super) fn columns(table: &toml::Table) -> Result<Vec<Column>, String> {
    table
        .iter()
        .map(|(field, notation)| Column::parse(field, notation).map_err(|error| error.to_string()))
        .collect()
}

pub(super) fn given_columns(axis: &Axis) -> Vec<Column> {
    match axis {
        Axis::Property { column, .. } => vec![identifier(column, "the property that was asked")],
        Axis::Parent(parent) => {
            vec![identifier(&parent.column, &format!("`{}` of {}", parent.key, parent.stream))]
        }
        Axis::Window(window) if window.years => {
            let names = match &window.columns {
                Some((from, to)) => vec![from, to],
                None => std::iter::once(&window.from).chain(&window.to).collect(),
            };
            names
                .into_iter()
                .map(|field| Column {
                    field: field.clone(),
                    name: snake_case(field),
                    kind: ColumnType::Instant,
                    doc: "end of the period that was asked for".to_owned(),
                })
                .collect()
        }
        Axis::Window(_) | Axis::Passes(_) => Vec::new(),
    }
}

pub(super) fn identifier(field: &str, doc: &str) -> Column {
    Column { field: field.to_owned(), name: snake_case(field), kind: ColumnType::Id, doc: doc.to_owned() }
}

pub(super) fn partition(text: &str) -> Result<PartitionBy, String> {
    match text.split_once(':') {
        None if text == "one" => Ok(PartitionBy::One),
        None if text == "bucket" => Ok(PartitionBy::Bucket),
        Some(("value", column)) => Ok(PartitionBy::Value(column.to_owned())),
        Some(("month", column)) => Ok(PartitionBy::Month(column.to_owned())),
        _ => Err(format!("unknown partition `{text}`; one of one, bucket, value:COLUMN, month:COLUMN")),
    }
}
