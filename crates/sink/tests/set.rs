//! Parts that are written together hold what each would hold alone.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::SchemaRef;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use proptest::prelude::*;
use tempfile::tempdir;
use userhaul_sink::{PartSet, PartWriter, TableSpec, read};

#[derive(Debug, Clone)]
struct Person {
    id: String,
    email: Option<String>,
    seen: Option<i64>,
    active: Option<bool>,
    fields: Vec<(String, Option<String>)>,
}

/// A map whose leaves have these names.
fn map(people: &[Person], [entries, key, value]: [&str; 3]) -> ArrayRef {
    let names = MapFieldNames { entry: entries.into(), key: key.into(), value: value.into() };
    let mut map = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for person in people {
        for (key, value) in &person.fields {
            map.keys().append_value(key);
            map.values().append_option(value.as_ref());
        }
        map.append(!person.fields.is_empty()).unwrap();
    }
    Arc::new(map.finish())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(texts.collect::<StringArray>())
}

fn seen(people: &[Person]) -> ArrayRef {
    let instants = people.iter().map(|person| person.seen);
    Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn vendor(people: &[Person]) -> RecordBatch {
    batch(vec![
        ("id", texts(people.iter().map(|person| Some(person.id.as_str())))),
        ("email", texts(people.iter().map(|person| person.email.as_deref()))),
        ("last_login", seen(people)),
        ("active", Arc::new(people.iter().map(|person| person.active).collect::<BooleanArray>())),
        ("fields", map(people, ["key_value", "name", "text"])),
        ("_run_id", texts(people.iter().map(|_| Some("run")))),
    ])
}

/// As the vendor's, but for texts that are empty: those are null.
fn unified(people: &[Person]) -> RecordBatch {
    let keys: Vec<String> = people.iter().map(|person| format!("app:{}", person.id)).collect();
    batch(vec![
        ("key", texts(keys.iter().map(|key| Some(key.as_str())))),
        ("id", texts(people.iter().map(|person| Some(person.id.as_str())))),
        ("mail", texts(people.iter().map(|person| person.email.as_deref().filter(|mail| !mail.is_empty())))),
        ("last_seen_at", seen(people)),
        ("attributes", map(people, ["entries", "key", "value"])),
        ("_run_id", texts(people.iter().map(|_| Some("run")))),
    ])
}

/// One row a field of a person.
fn fields(people: &[Person]) -> Option<RecordBatch> {
    let all: Vec<(usize, &str)> = people
        .iter()
        .flat_map(|person| person.fields.iter().map(|(key, _)| (person.id.len(), key.as_str())))
        .collect();
    let lengths = all.iter().map(|(length, _)| i64::try_from(*length).ok()).collect::<Int64Array>();
    let batch =
        batch(vec![("length", Arc::new(lengths)), ("name", texts(all.iter().map(|(_, key)| Some(*key))))]);
    (batch.num_rows() > 0).then_some(batch)
}

fn spec(schema: SchemaRef, key: &str) -> TableSpec {
    let primary_key = if key.is_empty() { Vec::new() } else { vec![key.to_owned()] };
    TableSpec { primary_key, row_group_bytes: 3000, ..TableSpec::new(schema) }
}

fn specs() -> [TableSpec; 3] {
    let field = Person {
        id: String::new(),
        email: None,
        seen: None,
        active: None,
        fields: vec![(String::new(), None)],
    };
    let one = [field];
    [
        spec(vendor(&one).schema(), "id"),
        spec(unified(&one).schema(), "key"),
        spec(fields(&one).unwrap().schema(), ""),
    ]
}

fn metadata(path: &Path) -> ParquetMetaData {
    ParquetMetaDataReader::new().parse_and_finish(&File::open(path).unwrap()).unwrap()
}

/// The rows of a file as one batch.
fn content(path: &Path, schema: &SchemaRef) -> RecordBatch {
    let batches: Vec<_> = read(path, None).unwrap().map(Result::unwrap).collect();
    let columns = (0..schema.fields().len()).map(|column| {
        let arrays: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(column).as_ref()).collect();
        arrow_select::concat::concat(&arrays).unwrap()
    });
    RecordBatch::try_new(batches[0].schema(), columns.collect()).unwrap()
}

/// Nulls of each leaf of a file, and rows by row group.
fn counts(metadata: &ParquetMetaData) -> (Vec<Option<u64>>, i64) {
    let groups = metadata.row_groups();
    let leaves = metadata.file_metadata().schema_descr().num_columns();
    let nulls = |leaf: usize| {
        let nulls = |group: &parquet::file::metadata::RowGroupMetaData| {
            group.column(leaf).statistics()?.null_count_opt()
        };
        groups.iter().map(nulls).sum()
    };
    ((0..leaves).map(nulls).collect(), groups.iter().map(|group| group.num_rows()).sum())
}

fn person() -> impl Strategy<Value = Person> {
    let field = ("[a-c]{1,2}", proptest::option::of("[äa-z]{0,5}"));
    // An empty address is rare, so that columns part after some row groups, and in some tables never.
    let email = proptest::option::of(prop_oneof![400 => "[a-z]{1,12}@example.com", 1 => Just(String::new())]);
    let rest = (proptest::option::of(0..1_000_000_i64), proptest::option::of(any::<bool>()));
    (any::<u32>(), email, rest, proptest::collection::vec(field, 0..3)).prop_map(
        |(id, email, (seen, active), fields)| Person { id: id.to_string(), email, seen, active, fields },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn parts_of_a_set_hold_what_each_would_hold_alone(
        batches in proptest::collection::vec(
            (proptest::collection::vec(person(), 1..900), proptest::bool::weighted(0.2)),
            1..16,
        ),
    ) {
        let folder = tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let specs = specs();
        let part = |name: &str, index: usize| PartWriter::create(path(name), &specs[index]).unwrap();
        let mut set = PartSet::new(part("vendor", 0), vec![part("unified", 1), part("fields", 2)]);
        let mut alone = [part("vendor alone", 0), part("unified alone", 1), part("fields alone", 2)];
        for (people, is_paused) in &batches {
            set.write(&vendor(people), [Some(unified(people)), fields(people)]).unwrap();
            alone[0].write(&vendor(people)).unwrap();
            alone[1].write(&unified(people)).unwrap();
            if let Some(fields) = fields(people) {
                alone[2].write(&fields).unwrap();
            }
            if *is_paused {
                set.pause().unwrap();
            }
        }
        let (vendor, others) = set.finish().unwrap();
        let alone = alone.map(|part| part.finish().unwrap());
        for ((part, alone), spec) in std::iter::once(&vendor).chain(&others).zip(&alone).zip(&specs) {
            prop_assert_eq!(part.rows, alone.rows);
            if part.rows > 0 {
                prop_assert_eq!(content(&part.path, &spec.schema), content(&alone.path, &spec.schema));
            }
            prop_assert_eq!(counts(&metadata(&part.path)), counts(&metadata(&alone.path)));
        }
    }
}

#[test]
fn a_pause_ends_row_groups_that_are_more_than_a_sample() {
    let folder = tempdir().unwrap();
    let [first, second, third] = specs().map(|spec| TableSpec { row_group_bytes: 2 << 20, ..spec });
    let writer = |name: &str, spec: &TableSpec| PartWriter::create(folder.path().join(name), spec).unwrap();
    let others = vec![writer("unified", &second), writer("fields", &third)];
    let mut set = PartSet::new(writer("vendor", &first), others);
    let people = |count: usize| -> Vec<Person> {
        let field = vec![("site".to_owned(), None)];
        (0..count)
            .map(|id| Person {
                id: id.to_string(),
                email: None,
                seen: None,
                active: None,
                fields: field.clone(),
            })
            .collect()
    };
    for count in [100, 5000, 10] {
        let people = people(count);
        set.write(&vendor(&people), [Some(unified(&people)), fields(&people)]).unwrap();
        set.pause().unwrap();
        set.pause().unwrap();
    }
    let (vendor, others) = set.finish().unwrap();
    for part in [&vendor].into_iter().chain(&others) {
        assert_eq!((part.rows, metadata(&part.path).num_row_groups()), (5110, 2), "{}", part.path.display());
    }
}

#[test]
fn pages_that_do_not_stay_in_memory_are_written_and_lent_all_the_same() {
    let folder = tempdir().unwrap();
    let [first, second, _] = specs().map(|spec| TableSpec { row_group_bytes: 2 << 20, ..spec });
    let writer = |name: &str, spec: &TableSpec| PartWriter::create(folder.path().join(name), spec).unwrap();
    let mut set = PartSet::new(writer("vendor", &first), vec![writer("unified", &second)]);
    let mut all = Vec::new();
    for number in 0..20 {
        // Texts that do not compress: several row groups, each larger than what stays in memory.
        let person = |row: u64| {
            let mixed = (number * 10_000 + row).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let email = format!("{mixed:x}{:x}@example.com", mixed.rotate_left(29) ^ row);
            Person { id: format!("{mixed:x}"), email: Some(email), seen: None, active: None, fields: vec![] }
        };
        let people: Vec<Person> = (0..10_000).map(person).collect();
        set.write(&vendor(&people), [Some(unified(&people))]).unwrap();
        all.extend(people);
    }
    let (part, others) = set.finish().unwrap();
    assert!(metadata(&part.path).num_row_groups() > 2);
    assert!(content(&part.path, &first.schema) == vendor(&all));
    assert!(content(&others[0].path, &second.schema) == unified(&all));
}

/// The values of the first column chunks, byte by byte.
fn chunk(path: &Path, leaf: &str) -> Vec<u8> {
    let metadata = metadata(path);
    let columns = metadata.row_group(0).columns();
    let (start, length) =
        columns.iter().find(|column| column.column_path().string() == leaf).unwrap().byte_range();
    let all = std::fs::read(path).unwrap();
    all[usize::try_from(start).unwrap()..usize::try_from(start + length).unwrap()].to_vec()
}

#[test]
fn columns_of_equal_values_are_the_same_bytes_under_other_names() {
    let folder = tempdir().unwrap();
    let [first, second, _] = specs();
    let people: Vec<Person> = (0..5000)
        .map(|number| Person {
            id: format!("{number}"),
            email: Some(format!("p{number}@example.com")),
            seen: Some(number),
            active: Some(true),
            fields: vec![("site".into(), Some(format!("{}", number % 7)))],
        })
        .collect();
    let writer = |name: &str, spec: &TableSpec| PartWriter::create(folder.path().join(name), spec).unwrap();
    let mut set = PartSet::new(writer("vendor", &first), vec![writer("unified", &second)]);
    set.write(&vendor(&people), [Some(unified(&people))]).unwrap();
    let (vendor, unified) = set.finish().unwrap();
    for (ours, theirs) in [
        ("mail", "email"),
        ("last_seen_at", "last_login"),
        ("attributes.entries.key", "fields.key_value.name"),
        ("attributes.entries.value", "fields.key_value.text"),
    ] {
        assert!(chunk(&unified[0].path, ours) == chunk(&vendor.path, theirs), "{ours}");
    }
    // A reader that looks for a key finds the filter of the table's own.
    let group = metadata(&unified[0].path);
    let filter = |leaf: usize| group.row_group(0).column(leaf).bloom_filter_offset();
    assert!(filter(0).is_some() && filter(1).is_none());
}
