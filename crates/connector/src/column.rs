//! Columns: what a vendor's field becomes in a table.
//!
//! In `connector.toml` the notation of a column has the shape of the value: a text is a scalar's type, with its
//! documentation behind a colon; `[ … ]` is a list; `{ … }` is an object with known members.
//!
//! ```toml
//! id = "id: survey id"
//! totalResponseLimit = "int"
//! usersFollowing = ["id"]
//! rank = { currentCategory = "double", currentLevel = "int" }
//! questions = [{ id = "id", questionText = "text" }]
//! ```

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Text; a number enters as its JSON text.
    Text,
    /// An identifier: text, whatever the vendor sends.
    Id,
    /// A whole number of 64 bits.
    Int,
    /// A finite double.
    Double,
    /// True or false.
    Bool,
    /// An instant: RFC 3339, or an epoch number told by its size.
    Instant,
    /// An instant whose numbers are documented as milliseconds since 1970.
    Millis,
    /// A calendar day.
    Date,
    /// Money: 38 digits, 9 of them behind the point.
    Decimal,
    /// Any value, as its JSON text.
    Json,
    /// An object with free keys: text values as they are, others as JSON text.
    Map,
    /// As [`ColumnType::Map`], but a value `{ "value": x }` is read as `x`.
    WrappedMap,
    /// An identifier that may come as an object with a member `id`.
    IdOrObject,
    /// An array.
    List(Box<ColumnType>),
    /// An object with documented members.
    Struct(Vec<Column>),
}

/// A column of a vendor table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The vendor's name of the field.
    pub field: String,
    /// The column's name: the field's in `snake_case`.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// What it means, empty where the vendor says nothing.
    pub doc: String,
}

/// Why a column's notation is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {reason}")]
pub struct ColumnError {
    /// The vendor's name of the field.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

const SCALARS: &[(&str, ColumnType)] = &[
    ("text", ColumnType::Text),
    ("id", ColumnType::Id),
    ("int", ColumnType::Int),
    ("double", ColumnType::Double),
    ("bool", ColumnType::Bool),
    ("instant", ColumnType::Instant),
    ("millis", ColumnType::Millis),
    ("date", ColumnType::Date),
    ("decimal", ColumnType::Decimal),
    ("json", ColumnType::Json),
    ("map", ColumnType::Map),
    ("wrapped_map", ColumnType::WrappedMap),
    ("id_or_object", ColumnType::IdOrObject),
];

/// The words of types, with what each holds.
pub(crate) fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCALARS.iter().map(|(word, kind)| {
        let holds = match kind {
            ColumnType::Text => "text; a number enters as it is written",
            ColumnType::Id => "an identifier: text, whether the vendor sends text or a number",
            ColumnType::Int => "a whole number of 64 bits",
            ColumnType::Double => "any other number",
            ColumnType::Bool => "true or false",
            ColumnType::Instant => "an instant: RFC 3339 (without a zone it is UTC), a day, or seconds or milliseconds since 1970, told by their size; with a fraction they are seconds. What is finer than microseconds stays in `_extra`",
            ColumnType::Millis => "an instant whose numbers are always milliseconds since 1970",
            ColumnType::Date => "a day: `2026-01-31`",
            ColumnType::Decimal => "money: exact, 9 digits behind the point",
            ColumnType::Json => "anything, as its JSON text: for what differs from row to row",
            ColumnType::Map => "an object with free keys: text values as they are, others as JSON text",
            ColumnType::WrappedMap => "the same, but a value `{ \"value\": x }` is read as `x`",
            ColumnType::IdOrObject => "an identifier that may come as an object with a member `id`",
            ColumnType::List(_) | ColumnType::Struct(_) => "",
        };
        (*word, holds)
    })
}

impl Column {
    /// Reads a column from its notation.
    ///
    /// # Errors
    /// When a type word is unknown, or a list has not exactly one element.
    pub fn parse(field: &str, notation: &toml::Value) -> Result<Self, ColumnError> {
        let refuse = |reason: String| ColumnError { field: field.to_owned(), reason };
        let (kind, doc) = match notation {
            toml::Value::String(text) => {
                let (word, doc) = text.split_once(':').unwrap_or((text, ""));
                (scalar(word.trim()).map_err(refuse)?, doc.trim().to_owned())
            }
            toml::Value::Array(elements) => {
                let [element] = elements.as_slice() else {
                    return Err(refuse("a list is written with exactly one element, its type".to_owned()));
                };
                let element = Self::parse(field, element)?;
                (ColumnType::List(Box::new(element.kind)), element.doc)
            }
            toml::Value::Table(members) => {
                let doc = members.get("_").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
                let columns = members.iter().filter(|(name, _)| *name != "_").map(|(name, notation)| {
                    Self::parse(name, notation).map_err(|error| ColumnError {
                        field: format!("{field}.{}", error.field),
                        reason: error.reason,
                    })
                });
                (ColumnType::Struct(columns.collect::<Result<_, _>>()?), doc)
            }
            other => {
                return Err(refuse(format!(
                    "expected a text, a list or a table, found {}",
                    other.type_str()
                )));
            }
        };
        Ok(Self { field: field.to_owned(), name: snake_case(field), kind, doc })
    }

    /// The Arrow field: always nullable, with the documentation and the vendor's name as metadata.
    pub fn arrow(&self) -> Field {
        let mut metadata = std::collections::HashMap::new();
        if !self.doc.is_empty() {
            metadata.insert("doc".to_owned(), self.doc.clone());
        }
        if self.field != self.name {
            metadata.insert("vendor_field".to_owned(), self.field.clone());
        }
        Field::new(&self.name, self.kind.arrow(), true).with_metadata(metadata)
    }
}

fn scalar(word: &str) -> Result<ColumnType, String> {
    SCALARS.iter().find(|(name, _)| *name == word).map(|(_, kind)| kind.clone()).ok_or_else(|| {
        let known: Vec<&str> = SCALARS.iter().map(|(name, _)| *name).collect();
        format!("unknown type `{word}`; one of {}", known.join(", "))
    })
}

impl ColumnType {
    /// The Arrow type.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Text | Self::Id | Self::Json | Self::IdOrObject => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Instant | Self::Millis => instant_type(),
            Self::Date => DataType::Date32,
            Self::Decimal => DataType::Decimal128(38, 9),
            Self::Map | Self::WrappedMap => map_type(),
            Self::List(element) => DataType::List(Arc::new(Field::new("item", element.arrow(), true))),
            Self::Struct(columns) => DataType::Struct(columns.iter().map(Column::arrow).collect()),
        }
    }

    /// The type in the words of `connector.toml`, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::List(element) => format!("list<{}>", element.describe()),
            Self::Struct(columns) => {
                let members: Vec<String> = columns
                    .iter()
                    .map(|column| format!("{}: {}", column.name, column.kind.describe()))
                    .collect();
                format!("struct<{}>", members.join(", "))
            }
            scalar => SCALARS
                .iter()
                .find(|(_, kind)| kind == scalar)
                .map_or_else(String::new, |(name, _)| (*name).to_owned()),
        }
    }
}

/// Microseconds since 1970, UTC.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// `map<string, string>`.
pub(crate) fn map_type() -> DataType {
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(map_entries()), false)), false)
}

pub(crate) fn map_entries() -> Fields {
    Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)])
}

/// A vendor's name in `snake_case`; a run of capitals is one word: `isRPL` becomes `is_rpl`.
pub fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !snake.ends_with('_') && (!snake.is_empty() || character == '_') {
                snake.push('_');
            }
            continue;
        }
        if character.is_uppercase() {
            let after_lower =
                index > 0 && (characters[index - 1].is_lowercase() || characters[index - 1].is_numeric());
            let before_lower = index > 0
                && characters[index - 1].is_uppercase()
                && characters.get(index + 1).is_some_and(|next| next.is_lowercase());
            if (after_lower || before_lower) && !snake.ends_with('_') {
                snake.push('_');
            }
        }
        snake.extend(character.to_lowercase());
    }
    while snake.ends_with('_') && snake.len() > 1 {
        snake.pop();
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        for (name, snake) in [
            ("id", "id"),
            ("responseGroupUid", "response_group_uid"),
            ("isRPL", "is_rpl"),
            ("HTMLBody", "html_body"),
            ("created_at", "created_at"),
            ("e-mail", "e_mail"),
            ("ouId", "ou_id"),
            ("step2Name", "step2_name"),
            ("_key", "_key"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn the_notation_has_the_shape_of_the_value() {
        let table: toml::Table = toml::from_str(
            r#"
            id = "id: survey id"
            tags = ["text"]
            rank = { _ = "standing", level = "int" }
            questions = [{ id = "id", labels = { left = "text" } }]
            "#,
        )
        .expect("the text is TOML");
        let described: Vec<String> = table
            .iter()
            .map(|(field, notation)| Column::parse(field, notation).expect("a column"))
            .map(|column| format!("{} {} {}", column.name, column.kind.describe(), column.doc))
            .collect();
        assert_eq!(
            described,
            [
                "id id survey id",
                "tags list<text> ",
                "rank struct<level: int> standing",
                "questions list<struct<id: id, labels: struct<left: text>>> ",
            ]
        );
    }

    #[test]
    fn an_unknown_type_is_refused_with_the_known_ones() {
        let error = Column::parse("id", &toml::Value::String("uuid".to_owned())).expect_err("no such type");
        assert!(
            error.to_string().starts_with("field `id`: unknown type `uuid`; one of text, id,"),
            "{error}"
        );
    }
}
