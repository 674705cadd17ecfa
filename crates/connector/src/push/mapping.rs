//! From the columns of an input to the fields of a target.

use super::{
    field::FieldSpec,
    target::{Open, TargetSpec},
};
use crate::column::snake_case;

/// A column whose content names the fields to clear, in files written by `--undo`.
pub const CLEAR: &str = "_clear";

/// Where a column's values go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To a declared field, by its index.
    Field(usize),
    /// To a name of the open set: an attribute, a custom field.
    Open(String),
    /// Nowhere, and nobody wanted it to: reserved names, and fields that only the vendor writes.
    Left,
    /// Nowhere, though it may be a custom field of the account.
    Unknown,
    /// The names of fields to clear.
    Clear,
}

/// The places of all columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The places, in the order of the columns.
    pub places: Vec<Place>,
}

/// Why a mapping is refused; it becomes exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MappingError {
    /// A lower-case phrase without a full stop.
    pub message: String,
    /// The words that could have been meant.
    pub known: Vec<String>,
    /// The word that is not known.
    pub word: String,
}

impl Mapping {
    /// Finds the place of each column: where the user says, else by its name. `custom` are names of the open set that are
    /// known to exist.
    ///
    /// # Errors
    /// When the user names a column or a field that there is not, or two columns go to one place.
    pub fn new(
        spec: &TargetSpec,
        columns: &[String],
        given: &[(String, String)],
        custom: &[String],
    ) -> Result<Self, MappingError> {
        for (column, _) in given {
            if !columns.contains(column) {
                let message = format!("`--map` names a column that the input does not have: `{column}`");
                return Err(MappingError { message, known: columns.to_vec(), word: column.clone() });
            }
        }
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let place = match given.iter().rev().find(|(known, _)| known == column) {
                Some((_, field)) => named(spec, field)?,
                None => by_name(spec, column, given, custom),
            };
            if !matches!(place, Place::Left | Place::Unknown)
                && let Some(other) = places.iter().position(|known| *known == place)
            {
                let message = format!(
                    "columns `{}` and `{column}` both go to `{}`",
                    columns[other],
                    name_of(spec, &place)
                );
                return Err(MappingError { message, known: Vec::new(), word: String::new() });
            }
            places.push(place);
        }
        Ok(Self { places })
    }
}

/// The name of a place.
pub fn name_of(spec: &TargetSpec, place: &Place) -> String {
    match place {
        Place::Field(index) => spec.fields[*index].name.to_owned(),
        Place::Open(name) => name.clone(),
        Place::Clear => CLEAR.to_owned(),
        Place::Left | Place::Unknown => String::new(),
    }
}

/// What the user named: a field in either spelling, a name of the open set, or nothing (`COLUMN=`) to leave it out.
fn named(spec: &TargetSpec, field: &str) -> Result<Place, MappingError> {
    if field.is_empty() {
        return Ok(Place::Left);
    }
    if let Some(place) = declared(spec, field) {
        return Ok(place);
    }
    if let Some(name) = behind_prefix(spec, field) {
        return Ok(Place::Open(name));
    }
    match spec.open {
        Open::All | Open::Custom(_) => Ok(Place::Open(field.to_owned())),
        Open::Below(_) | Open::Closed => {
            let known = spec.fields.iter().map(|field| field.name.to_owned()).collect();
            let below = match spec.open {
                Open::Below(prefix) => format!("; `{prefix}.{field}` would be a name of `{prefix}`"),
                _ => String::new(),
            };
            let message = format!("`{}` has no field `{field}`{below}", spec.name);
            Err(MappingError { message, known, word: field.to_owned() })
        }
    }
}

fn by_name(spec: &TargetSpec, column: &str, given: &[(String, String)], custom: &[String]) -> Place {
    if column == CLEAR {
        return Place::Clear;
    }
    // What the user mapped to a field is not also taken from the column of its name.
    if let Some(Place::Field(index)) = declared(spec, column) {
        let taken = given.iter().any(|(_, field)| declared(spec, field) == Some(Place::Field(index)));
        return if taken { Place::Left } else { Place::Field(index) };
    }
    if column.is_empty()
        || column.starts_with('_')
        || spec.read_only.iter().any(|name| *name == column || snake_case(name) == column)
    {
        return Place::Left;
    }
    if let Some(name) = behind_prefix(spec, column) {
        return Place::Open(name);
    }
    match spec.open {
        Open::All if given.iter().any(|(_, field)| field == column) => Place::Left,
        Open::All => Place::Open(column.to_owned()),
        Open::Custom(_) if custom.iter().any(|name| name == column) => Place::Open(column.to_owned()),
        Open::Custom(_) | Open::Below(_) | Open::Closed => Place::Unknown,
    }
}

fn declared(spec: &TargetSpec, name: &str) -> Option<Place> {
    let is = |field: &FieldSpec| {
        let names = std::iter::once(field.name).chain(field.also.iter().copied());
        names.into_iter().any(|known| known == name || snake_case(known) == name || camel_case(known) == name)
    };
    spec.fields.iter().position(is).map(Place::Field)
}

/// `attributes.plan` names `plan`.
fn behind_prefix(spec: &TargetSpec, name: &str) -> Option<String> {
    let prefix = match spec.open {
        Open::All => "attributes",
        Open::Below(prefix) => prefix,
        Open::Custom(_) => "custom_fields",
        Open::Closed => return None,
    };
    let rest = name.strip_prefix(prefix).or_else(|| name.strip_prefix(snake_case(prefix).as_str()))?;
    rest.strip_prefix('.').filter(|rest| !rest.is_empty()).map(str::to_owned)
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
