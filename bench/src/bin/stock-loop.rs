//! The yardstick in Rust: stock reqwest, arrow-json and parquet, one page after the other, zstd-1, nothing else.
//!
//! `stock-loop URL PER_PAGE FILE`: reads all pages of `URL/rest/v1/users` into one Parquet file. No lineage, no unknown
//! fields, no repeats, no second table, no retry, no proof.

// A yardstick is made of what is at hand, without the caps that the product keeps.
#![allow(clippy::disallowed_methods)]

use std::{fs::File, sync::Arc};

use arrow_array::{RecordBatch, cast::AsArray};
use arrow_json::ReaderBuilder;
use arrow_schema::Schema;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use userhaul_bench::stock;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: stock-loop URL PER_PAGE FILE");
    let (url, per_page, file) = (argument()?, argument()?, argument()?);
    let schema = Arc::new(Schema::new(stock::user()));
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut writer = ArrowWriter::try_new(File::create(file)?, schema.clone(), Some(properties))?;
    let client = reqwest::Client::new();
    let mut decoder = ReaderBuilder::new(stock::page()).build_decoder()?;
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
