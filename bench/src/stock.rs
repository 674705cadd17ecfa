//! The columns of a person for stock arrow-json: objects with free keys as structs of what is known to come.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn instant(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)
}

fn texts(name: &str) -> Field {
    Field::new_list(name, Field::new("item", DataType::Utf8, true), true)
}

/// The columns of a person, typed as the built-in connector types them.
#[must_use]
pub fn user() -> Fields {
    let manager = Fields::from(vec![text("id"), text("name"), text("ref")]);
    let position = Fields::from(vec![
        text("id"),
        Field::new_struct("manager", manager, true),
        text("ouId"),
        text("title"),
        Field::new("isActive", DataType::Boolean, true),
        instant("startDate"),
        instant("endDate"),
    ]);
    let mut fields: Vec<Field> =
        ["id", "ref", "firstName", "lastName", "email", "role", "status"].map(text).to_vec();
    fields.push(Field::new_list("positions", Field::new_struct("item", position, true), true));
    fields.push(Field::new_struct("additionalFields", vec![text("location"), text("team")], true));
    fields.push(text("languageCode"));
    fields.push(Field::new("deleted", DataType::Boolean, true));
    fields.push(Field::new("compliance", DataType::Float64, true));
    fields.push(Field::new("level", DataType::Int64, true));
    fields.push(instant("firstLogin"));
    fields.push(instant("lastLogin"));
    fields.push(Field::new_struct("tags", vec![texts("skills")], true));
    fields.push(instant("createdAt"));
    fields.push(instant("updatedAt"));
    fields.push(Field::new("hasPicture", DataType::Boolean, true));
    fields.push(text("timeZone"));
    fields.push(text("summary"));
    fields.push(Field::new("relevancy", DataType::Float64, true));
    let rank = ["currentCategory", "currentLevel"].map(|name| Field::new(name, DataType::Int64, true));
    fields.push(Field::new_struct("rank", rank.to_vec(), true));
    fields.push(Field::new("onboarded", DataType::Boolean, true));
    fields.push(texts("audiences"));
    fields.push(Field::new("singleSignOn", DataType::Boolean, true));
    fields.into()
}

/// A page: its rows as one list, and its number of pages.
#[must_use]
pub fn page() -> SchemaRef {
    let row = Field::new_struct("item", user(), true);
    let pages = Field::new("totalPages", DataType::Int64, true);
    Arc::new(Schema::new(vec![
        Field::new_list("results", row, true),
        Field::new_struct("pagination", vec![pages], true),
    ]))
}
