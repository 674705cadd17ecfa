//! The stages of a sync by themselves, on the pages that the whole is measured with.
//!
//! `userhaul-stages` prints what a row costs in each, and what a request costs besides its vendor;
//! `userhaul-stages --times 3 decode` runs one stage so often, for `bench/instructions.py`, which counts its instructions.

// A yardstick for people at a terminal: it prints.
#![allow(clippy::print_stdout)]

mod requests;

use std::{hint::black_box, time::Instant};

use arrow_array::RecordBatch;
use userhaul_bench::{rows, shape::Shape, stock};
use userhaul_connector::{
    Connector,
    decode::{DecodeOptions, Decoder, Lineage},
    rows::{Lookups, Rows},
    settings::{SettingValue, Settings},
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::Unified;
use userhaul_sink::{PartWriter, TableSpec};

type Failure = Box<dyn std::error::Error>;

const ROWS_A_PAGE: u64 = 1000;
const PAGES: u64 = 10;
const ROUNDS: usize = 15;
const REQUESTS: u32 = 10_000;

struct Stages {
    connector: Box<dyn Connector>,
    stream: StreamSpec,
    pages: Vec<String>,
    batch: RecordBatch,
}

impl Stages {
    fn new(shape: Shape) -> Result<Self, Failure> {
        let registration = userhaul_thrive::REGISTRATION;
        let mut settings = Settings::default();
        settings.set("api_key", SettingValue::Secret("bench".into()));
        settings.set("tenant_id", SettingValue::Text("eu-west-2_AbcdEfghI".to_owned()));
        let spec = ConnectorSpec::parse(registration.facts, None)?;
        let connector = (registration.build)(spec, &settings)?;
        let stream = connector.spec().stream("users").ok_or("no stream `users`")?.clone();
        let total = PAGES * ROWS_A_PAGE;
        let pages = (1..=PAGES).map(|page| rows::page(page, ROWS_A_PAGE, total, shape)).collect();
        let mut stages = Self {
            connector,
            stream,
            pages,
            batch: RecordBatch::new_empty(userhaul_record::schema(userhaul_record::Table::Users)),
        };
        stages.batch = stages.decoded()?;
        Ok(stages)
    }

    fn decoded(&self) -> Result<RecordBatch, Failure> {
        let options = DecodeOptions {
            table: self.stream.table.clone(),
            derived: Vec::new(),
            items: self.stream.items.clone(),
            single: false,
            custom: None,
            rules: Vec::new(),
        };
        let lineage = Lineage { source: "lms", run_id: "0190", extracted_at: 0, given: &[] };
        let mut decoder = Decoder::new(&options);
        decoder.watch(true, None);
        for page in &self.pages {
            black_box(decoder.page(page.as_bytes(), &lineage)?);
        }
        Ok(decoder.take()?.rows.ok_or("no rows")?)
    }

    fn decode(&self) -> Result<(), Failure> {
        black_box(self.decoded()?);
        Ok(())
    }

    fn arrow_json(&self) -> Result<(), Failure> {
        let mut decoder = arrow_json::ReaderBuilder::new(stock::page()).build_decoder()?;
        for page in &self.pages {
            decoder.decode(page.as_bytes())?;
            black_box(decoder.flush()?);
        }
        Ok(())
    }

    fn unify(&self) -> Result<(), Failure> {
        let lookups = Lookups::default();
        let lineage = userhaul_record::Lineage { source: "lms", vendor: "thrive", stream: "users" };
        let mut unified = Unified::new(lineage);
        let rows = Rows::new(&self.batch, &self.stream.table.primary_key, &lookups)?;
        self.connector.unify(&self.stream, &rows, &mut unified)?;
        black_box(unified.finish());
        Ok(())
    }

    fn encode(&self) -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let spec = TableSpec {
            primary_key: self.stream.table.primary_key.clone(),
            version: self.stream.version.clone(),
            ..TableSpec::new(self.stream.table.schema())
        };
        let mut part = PartWriter::create(folder.path().join("part.parquet"), &spec)?;
        part.write(&self.batch)?;
        black_box(part.finish()?);
        Ok(())
    }

    fn run(&self, stage: &str) -> Result<(), Failure> {
        match stage {
            "decode" => self.decode(),
            "arrow-json" => self.arrow_json(),
            "unify" => self.unify(),
            "encode" => self.encode(),
            _ => Err(format!("no stage `{stage}`").into()),
        }
    }
}

/// The nanoseconds of the fastest of several rounds: what it costs; everything above it is the machine's.
fn least(mut run: impl FnMut() -> Result<(), Failure>) -> Result<u128, Failure> {
    let mut least = u128::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        run()?;
        least = least.min(begun.elapsed().as_nanos().max(1));
    }
    Ok(least)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [times, count, stage] = arguments.as_slice()
        && times == "--times"
    {
        let stages = Stages::new(Shape::Users)?;
        return (0..count.parse::<usize>()?).try_for_each(|_| stages.run(stage));
    }
    println!("| rows | stage | ns a row | MB of JSON a second |\n|---|---|---|---|");
    for (name, shape) in Shape::ALL {
        let stages = Stages::new(shape)?;
        let bytes: usize = stages.pages.iter().map(String::len).sum();
        for stage in ["decode", "arrow-json", "unify", "encode"] {
            let least = least(|| stages.run(stage))?;
            let rows = u128::from(PAGES * ROWS_A_PAGE);
            println!("| {name} | {stage} | {} | {} |", least / rows, bytes as u128 * 1000 / least);
        }
    }
    println!("\n| requests, throttled by | ns a request |\n|---|---|");
    for (name, mode, remembered) in requests::WAYS {
        let least = least(|| {
            let folder = tempfile::tempdir()?;
            requests::send(REQUESTS, mode, remembered.then(|| folder.path()))
        })?;
        println!("| {name} | {} |", least / u128::from(REQUESTS));
    }
    Ok(())
}
