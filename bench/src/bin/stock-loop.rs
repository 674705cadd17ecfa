//! The yardstick in Rust: stock reqwest, arrow-json and parquet, one page after the other, zstd-1, nothing else.
//!
//! `stock-loop URL PER_PAGE FILE`: reads all pages of `URL/rest/v1/users` into one Parquet file. No lineage, no unknown
//! fields, no repeats, no second table, no retry, no proof.

use std::{fs::File, sync::Arc};

use arrow_array::{RecordBatch, cast::AsArray};
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

type Failure = Box<dyn std::error::Error>;

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn instant(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)
}

fn texts(name: &str) -> Field {
    Field::new_list(name, Field::new("item", DataType::Utf8, true), true)
}

/// The columns of a person, as the built-in connector types them; objects with free keys as structs of what is known.
fn user() -> Fields {
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: stock-loop URL PER_PAGE FILE");
    let (url, per_page, file) = (argument()?, argument()?, argument()?);
    let row = Field::new_struct("item", user(), true);
    let pages = Field::new("totalPages", DataType::Int64, true);
    let page_schema = Arc::new(Schema::new(vec![
        Field::new_list("results", row, true),
        Field::new_struct("pagination", vec![pages], true),
    ]));
    let schema = Arc::new(Schema::new(user()));
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut writer = ArrowWriter::try_new(File::create(file)?, schema.clone(), Some(properties))?;
    let client = reqwest::Client::new();
    let mut decoder = ReaderBuilder::new(page_schema).build_decoder()?;
    let (mut page, mut total) = (1, 1);
    while page <= total {
        let query = [("page", page.to_string()), ("perPage", per_page.clone())];
        let request = client.get(format!("{url}/rest/v1/users")).query(&query);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        decoder.decode(&body)?;
        let batch = decoder.flush()?.ok_or("an empty page")?;
        let rows = batch.column(0).as_list::<i32>().values().as_struct().clone();
        total =
            batch.column(1).as_struct().column(0).as_primitive::<arrow_array::types::Int64Type>().value(0);
        writer.write(&RecordBatch::from(rows))?;
        page += 1;
    }
    writer.close()?;
    Ok(())
}
