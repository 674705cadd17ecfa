//! Commits against a naive model: whatever the parts, the file holds what a map would.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use proptest::prelude::*;

use crate::part::PartWriter;
use crate::spec::TableSpec;
use crate::{Committed, Part, commit, read};

/// A text key, a number key, a version, a payload.
type Row = (String, i64, Option<i64>, i64);

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("number", DataType::Int64, true),
        Field::new("version", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("payload", DataType::Int64, true),
        Field::new("_run_id", DataType::Utf8, true),
    ]))
}

fn spec(keyed: bool, versioned: bool) -> TableSpec {
    let mut spec = TableSpec::new(schema());
    spec.row_group_bytes = 256;
    if keyed {
        spec.primary_key = vec!["name".into(), "number".into()];
    }
    if versioned {
        spec.version = Some("version".into());
    }
    spec
}

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<arrow_array::ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.2).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>()),
        Arc::new((0..rows.len()).map(|index| Some(format!("run {index}"))).collect::<StringArray>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let name = batch.column(0).as_string::<i32>().iter();
    let number = batch.column(1).as_primitive::<Int64Type>().iter();
    let version = batch.column(2).as_primitive::<TimestampMicrosecondType>().iter();
    let payload = batch.column(3).as_primitive::<Int64Type>().iter();
    name.zip(number)
        .zip(version.zip(payload))
        .map(|((name, number), (version, payload))| {
            (name.unwrap().to_owned(), number.unwrap(), version, payload.unwrap())
        })
        .collect()
}

fn content(path: &Path) -> Vec<Row> {
    read(path, None).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect()
}

/// The rows that stay, in order, with the counts of duplicates and conflicts.
fn model(all: &[Row], keyed: bool, versioned: bool) -> (Vec<Row>, u64, u64) {
    let mut winners: BTreeMap<(String, i64), usize> = BTreeMap::new();
    let mut left_out = vec![false; all.len()];
    let (mut duplicates, mut conflicts) = (0, 0);
    for (index, row) in all.iter().enumerate().filter(|_| keyed) {
        let key = (row.0.clone(), row.1);
        let Some(&before) = winners.get(&key) else {
            winners.insert(key, index);
            continue;
        };
        let later_wins = !versioned || row.2 >= all[before].2;
        let (winner, loser) = if later_wins { (index, before) } else { (before, index) };
        winners.insert(key, winner);
        left_out[loser] = true;
        duplicates += 1;
        conflicts += u64::from((all[winner].2, all[winner].3) != (all[loser].2, all[loser].3));
    }
    let kept = all.iter().zip(left_out).filter(|(_, out)| !out).map(|(row, _)| row.clone()).collect();
    (kept, duplicates, conflicts)
}

fn parts(folder: &Path, spec: &TableSpec, parts: &[Vec<Row>], run_entries: usize) -> Vec<Part> {
    let write = |(index, rows): (usize, &Vec<Row>)| {
        let path = folder.join(format!("{index}.part"));
        let mut writer = PartWriter::with_runs(path, spec, run_entries).unwrap();
        for chunk in rows.chunks(7.max(rows.len() / 20)) {
            writer.write(&batch(chunk)).unwrap();
        }
        assert_eq!(writer.rows(), rows.len() as u64);
        writer.finish().unwrap()
    };
    parts.iter().enumerate().map(write).collect()
}

fn row() -> impl Strategy<Value = Row> {
    ("[ab]{0,2}", 0..4i64, prop::option::of(-1..3i64), 0..2i64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_commit_holds_what_the_model_holds(
        given in prop::collection::vec(prop::collection::vec(row(), 0..40), 0..5),
        keyed: bool,
        versioned: bool,
        run_entries in 1..9usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("data/table.parquet");
        let spec = spec(keyed, versioned);
        let making = folder.path().join("parts");
        let parts = parts(&making, &spec, &given, run_entries);
        let mut seen = Vec::new();
        let committed = commit(&spec, parts, &target, &mut |batch| { seen.extend(rows(batch)); Ok(()) }).unwrap();

        let (expected, duplicates, conflicts) = model(&given.concat(), keyed, versioned);
        prop_assert_eq!(&content(&target), &expected);
        prop_assert_eq!((committed.rows, committed.duplicates), (expected.len() as u64, duplicates));
        prop_assert_eq!(committed.conflicts, conflicts);
        prop_assert_eq!(committed.bytes, std::fs::metadata(&target).unwrap().len());
        if committed.rewritten { prop_assert_eq!(&seen, &expected) } else { prop_assert!(seen.is_empty()) }
        let left = std::fs::read_dir(&making).map_or(0, Iterator::count);
        prop_assert_eq!(left, 0);
    }
}

#[test]
fn thousands_of_entries_pass_through_runs_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let spec = TableSpec { row_group_bytes: 1 << 16, ..spec(true, false) };
    let rows: Vec<Row> = (0..20_000).map(|index| ("k".to_owned(), index % 15_000, None, index)).collect();
    let given: Vec<Vec<Row>> = rows.chunks(6_000).map(<[Row]>::to_vec).collect();
    let parts = parts(folder.path(), &spec, &given, 1000);
    let keys = |name: &str| folder.path().join(name).exists();
    assert!(keys("0.part.keys"));
    let target = folder.path().join("table.parquet");
    let committed = commit(&spec, parts, &target, &mut |_| Ok(())).unwrap();
    let expected = Committed { rows: 15_000, duplicates: 5_000, conflicts: 5_000, ..committed };
    assert_eq!(committed, expected);
    assert!(!keys("0.part.keys"));
    assert_eq!(content(&target), model(&rows, true, false).0);
}
