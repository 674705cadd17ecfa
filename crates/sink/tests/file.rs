//! What stands in a file: values of every type, metadata, statistics, bloom filters, layout.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::basic::{Compression as Codec, Encoding};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use support::{keyed, part, rows};
use tempfile::tempdir;
use userhaul_sink::{Compression, SinkError, TableSpec, read, stats};

fn metadata(path: &Path) -> ParquetMetaData {
    let file = File::open(path).unwrap();
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&file)
        .unwrap()
}

fn tags() -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("x"), None]);
    list.append_value([] as [Option<&str>; 0]);
    list.append_null();
    Arc::new(list.finish())
}

fn attributes() -> ArrayRef {
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut map = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("plan");
    map.values().append_value("gold");
    map.append(true).unwrap();
    map.append(true).unwrap();
    map.append(false).unwrap();
    Arc::new(map.finish())
}

fn every_type() -> RecordBatch {
    let name: ArrayRef = Arc::new(StringArray::from(vec![Some("Ada"), None, Some("")]));
    let inner = Field::new("list", tags().data_type().clone(), true);
    let name_field = Field::new("name", DataType::Utf8, true);
    let person = StructArray::from(vec![(Arc::new(name_field), name.clone()), (Arc::new(inner), tags())]);
    let instants = TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1)]).with_timezone("UTC");
    let money = Decimal128Array::from(vec![Some(i128::pow(10, 37)), None, Some(-1)]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("text", name),
        ("person", Arc::new(person)),
        ("tags", tags()),
        ("attributes", attributes()),
        ("at", Arc::new(instants)),
        ("on", Arc::new(Date32Array::from(vec![Some(0), Some(-5), None]))),
        ("money", Arc::new(money.with_precision_and_scale(38, 9).unwrap())),
        ("score", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::NAN)]))),
        ("count", Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None]))),
        ("yes", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("blob", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\xff".as_slice()), None, Some(b"")]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

#[test]
fn every_type_comes_back_as_it_went_in() {
    let folder = tempdir().unwrap();
    let batch = every_type();
    for compression in [Compression::Zstd, Compression::Snappy, Compression::None] {
        let path = folder.path().join("1.part");
        let spec = TableSpec { compression, ..TableSpec::new(batch.schema()) };
        part(&path, &spec, std::slice::from_ref(&batch)).unwrap();
        let back: Vec<_> = read(&path, None).unwrap().map(Result::unwrap).collect();
        // NaN is not equal to itself.
        assert_eq!(format!("{:?}", back[0].columns()), format!("{:?}", batch.columns()));
        assert_eq!(back[0].schema().fields(), batch.schema().fields());
    }
}

#[test]
fn only_the_columns_asked_for_are_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("1.part");
    part(&path, &TableSpec::new(every_type().schema()), &[every_type()]).unwrap();
    let back: Vec<_> = read(&path, Some(&["count", "person"])).unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = back[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["person", "count"]);
    assert!(matches!(read(&path, Some(&["nobody"])), Err(SinkError::UnknownColumn { .. })));
}

#[test]
fn metadata_and_documentation_of_columns_are_kept() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("1.part");
    let field =
        Field::new("id", DataType::Utf8, true).with_metadata([("doc".into(), "the id".into())].into());
    let pairs =
        vec![("userhaul.run_id".to_owned(), "01".to_owned()), ("userhaul.stream".to_owned(), "u".to_owned())];
    let spec =
        TableSpec { metadata: pairs.clone(), ..TableSpec::new(Arc::new(Schema::new(vec![field.clone()]))) };
    part(&path, &spec, &[]).unwrap();
    let stats = stats(&path).unwrap();
    assert_eq!((stats.rows, stats.metadata), (0, pairs));
    assert_eq!(stats.schema.field(0), &field);
    let created_by = metadata(&path).file_metadata().created_by().unwrap().to_owned();
    assert!(created_by.starts_with("userhaul version "), "{created_by}");
}

fn one_group(rows_of: &[(Option<&str>, i64)], spec: &TableSpec) -> (ParquetMetaData, u64, Sbbf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("1.part");
    let part = part(&path, spec, &[rows(rows_of)]).unwrap();
    let metadata = metadata(&path);
    let file = File::open(&path).unwrap();
    let bloom = Sbbf::read_from_column_chunk(metadata.row_group(0).column(0), &file).unwrap().unwrap();
    (metadata, part.bytes, bloom)
}

fn dictionaries(group: &RowGroupMetaData) -> Vec<bool> {
    group
        .columns()
        .iter()
        .map(|column| column.encodings().any(|found| found == Encoding::RLE_DICTIONARY))
        .collect()
}

#[test]
fn a_small_file_stays_small() {
    let ten: Vec<String> = (0..10).map(|index| format!("id {index}")).collect();
    let ten: Vec<_> = ten.iter().map(|id| (Some(id.as_str()), 1)).collect();
    let (_, bytes, _) = one_group(&ten, &keyed());
    assert!(bytes < 3000, "{bytes} bytes");
}

#[test]
fn the_key_has_a_bloom_filter_and_every_column_statistics() {
    let ids: Vec<String> = (0..5000).map(|index| format!("id {index}")).collect();
    let given: Vec<_> = ids.iter().map(|id| (Some(id.as_str()), 7)).collect();
    let spec = TableSpec { sorted_by: Some(vec!["number".into()]), ..keyed() };
    let (metadata, _, bloom) = one_group(&given, &spec);
    assert!(ids.iter().all(|id| bloom.check(&id.as_str())));
    assert!((0..1000).filter(|index| bloom.check(&format!("other {index}").as_str())).count() < 50);
    let group = metadata.row_group(0);
    assert!(group.column(1).bloom_filter_offset().is_none());
    assert!(group.columns().iter().all(|column| column.statistics().is_some()));
    assert!(metadata.column_index().is_none() && metadata.offset_index().is_none());
    assert!(matches!(group.column(0).compression(), Codec::ZSTD(_)));
    let sorting = group.sorting_columns().unwrap();
    assert_eq!((sorting.len(), sorting[0].column_idx, sorting[0].descending), (1, 1, false));
}

#[test]
fn a_dictionary_is_made_where_values_repeat() {
    let ids: Vec<String> = (0..5000).map(|index| format!("id {index}")).collect();
    let given: Vec<_> = ids.iter().zip(0..).map(|(id, index)| (Some(id.as_str()), index % 9)).collect();
    let (metadata, _, _) = one_group(&given, &keyed());
    assert_eq!(dictionaries(metadata.row_group(0)), [false, true]);
}

#[test]
fn row_groups_are_cut_by_bytes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("1.part");
    let spec = TableSpec { row_group_bytes: 20_000, ..keyed() };
    let ids: Vec<String> =
        (0..20_000u64).map(|index| format!("{:016x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let given: Vec<_> = ids.iter().map(|id| (Some(id.as_str()), 1)).collect();
    let batches: Vec<_> = given.chunks(500).map(rows).collect();
    part(&path, &spec, &batches).unwrap();
    assert!(stats(&path).unwrap().row_groups > 3);
    let sizes: Vec<_> = metadata(&path).row_groups().iter().map(RowGroupMetaData::compressed_size).collect();
    assert!(sizes.iter().all(|&size| size < 120_000), "{sizes:?}");
}
