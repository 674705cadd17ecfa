//! How many rows a second a part takes: `cargo run --release -p userhaul-sink --example throughput`.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement is printed for a person"
)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use userhaul_sink::{PartWriter, TableSpec, commit};

const ROWS: u64 = 1_000_000;
const BATCH: u64 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/throughput".to_owned());
    let batches: Vec<RecordBatch> =
        (0..ROWS / BATCH).map(|index| batch(index * BATCH)).collect::<Result<_, _>>()?;
    let mut spec = TableSpec::new(batches[0].schema());
    write("without a key", &spec, &batches, Path::new(&folder))?;
    spec.primary_key = vec!["id".to_owned()];
    spec.version = Some("updated_at".to_owned());
    write("with a key", &spec, &batches, Path::new(&folder))
}

fn write(what: &str, spec: &TableSpec, batches: &[RecordBatch], folder: &Path) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let mut writer = PartWriter::create(folder.join("1.part"), spec)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    let first = writer.finish()?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: part {seconds:.2} s, {:.0} rows/s, {} bytes", ROWS as f64 / seconds, first.bytes);

    let begin = Instant::now();
    let target = folder.join("all.parquet");
    let committed = commit(spec, vec![first], &target, &mut |_| Ok(()))?;
    println!("{what}: commit {:.2} s, {committed:?}", begin.elapsed().as_secs_f64());

    let parts = [0, batches.len() / 2].map(|from| -> Result<_, Box<dyn Error>> {
        let mut writer = PartWriter::create(folder.join(format!("{from}.part")), spec)?;
        batches[from..].iter().try_for_each(|batch| writer.write(batch))?;
        Ok(writer.finish()?)
    });
    let [all, half] = parts;
    let begin = Instant::now();
    let committed = commit(spec, vec![all?, half?], &target, &mut |_| Ok(()))?;
    println!("{what}: merge {:.2} s, {committed:?}", begin.elapsed().as_secs_f64());
    Ok(())
}

fn batch(first: u64) -> Result<RecordBatch, Box<dyn Error>> {
    let noise = |index: u64| (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = |index: u64| i64::try_from(noise(index) >> 20).unwrap_or_default();
    let rows = first..first + BATCH;
    let text = |make: &dyn Fn(u64) -> String| -> ArrayRef {
        Arc::new(rows.clone().map(|index| Some(make(index))).collect::<StringArray>())
    };
    let instant = |past: i64| -> ArrayRef {
        let values = rows.clone().map(|index| Some(1_700_000_000_000_000 + number(index) / 1000 * past));
        Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("id", text(&|index| format!("{:016x}", noise(index))), true),
        ("email", text(&|index| format!("person.{index}@example.com")), true),
        ("first_name", text(&|index| format!("Name{}", noise(index) % 800)), true),
        (
            "status",
            text(&|index| {
                ["active", "invited", "suspended"][usize::from(index % 3 == 0) + usize::from(index % 5 == 0)]
                    .into()
            }),
            true,
        ),
        ("company", text(&|index| format!("company-{}", noise(index) % 5000)), true),
        ("created_at", instant(1), true),
        ("updated_at", instant(2), true),
        (
            "logins",
            Arc::new(rows.clone().map(|index| Some(number(index) % 1000)).collect::<Int64Array>()),
            true,
        ),
        (
            "score",
            Arc::new(rows.clone().map(|index| Some(number(index) as f64 / 7.0)).collect::<Float64Array>()),
            true,
        ),
        ("_run_id", text(&|_| "0198c2a4-0000-7000-8000-000000000000".into()), true),
    ])?)
}
