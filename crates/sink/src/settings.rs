//! How a table is laid out in Parquet: one function from a specification and its first rows to writer properties.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::Compression as Codec;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::SchemaDescriptor;

use crate::content;
use crate::encoder::GROUP_ROWS;
use crate::spec::TableSpec;

/// Rows by which the layout is judged; a table with fewer is judged whole. Two batches, as they come.
pub(crate) const SAMPLE_ROWS: usize = 4000;

/// How often a bloom filter may say that a key is there when it is not. It takes one to two bytes a
/// row.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Columns that hold one value over whole files, which the file's metadata has too: bounds of them tell a reader
/// nothing, and finding them compares each value with the one before. So it is with the elements of lists and maps.
const ALIKE: [&str; 4] = ["_source", "_run_id", "source", "vendor"];

/// Bytes in a page before compression. Each column that is being written has one in memory; larger pages are hardly
/// smaller in the end.
const PAGE_BYTES: usize = 32 << 10;

/// Values of a leaf by which it is judged: lists may have any number of them.
const MOST_VALUES: usize = 1 << 13;

/// How often a value must come in a row group, on average, for a dictionary of them to pay. It is kept in memory until the
/// row group ends, with a table of it, and looking each value up costs as much as compressing it.
const WORTH_REPEATS: usize = 16;

/// Rows in a page. The library keeps eight bytes a row of a page for each column with a dictionary, however few values it has.
const PAGE_ROWS: usize = 1 << 12;

/// The schema as Parquet has it; its columns are the leaves of ours, from left to right.
pub(crate) fn descriptor(schema: &Schema) -> Result<SchemaDescriptor, ParquetError> {
    ArrowSchemaConverter::new().convert(schema)
}

/// The properties of a file of which `sample` are the first rows, or all of them.
///
/// Data pages are version 1, as some readers still know no other, and version 2 saves nothing that matters here.
/// Integers and instants stay plain for the same reason: zstd finds most of what delta encoding would.
pub(crate) fn properties(
    spec: &TableSpec,
    sample: &[RecordBatch],
    sorted: bool,
) -> Result<WriterProperties, ParquetError> {
    let descriptor = descriptor(&spec.schema)?;
    let rows = sample.iter().map(RecordBatch::num_rows).sum::<usize>();
    // Half a megabyte a key column at first; the codec folds a filter to what the row group needs.
    let distinct = if rows < SAMPLE_ROWS { rows.max(1) } else { GROUP_ROWS };
    let metadata = spec.metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(format!("userhaul version {}", env!("CARGO_PKG_VERSION")))
        // Pages are compressed after the library has encoded them.
        .set_compression(Codec::UNCOMPRESSED)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        // Where each page stands is of use with bounds of each page only, and grows with the table until it is written.
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(metadata.collect()))
        .set_sorting_columns(sorted.then(|| sorting(spec, &descriptor)).flatten());
    for (column, dictionary) in descriptor.columns().iter().zip(dictionaries(&spec.schema, sample)) {
        let path = column.path().clone();
        builder = builder.set_column_dictionary_enabled(path.clone(), dictionary);
        let alike = matches!(path.parts(), [name] if ALIKE.contains(&name.as_str()));
        if alike || column.max_rep_level() > 0 {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if path.parts().first().is_some_and(|name| spec.primary_key.contains(name)) {
            builder = builder
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, distinct as u64);
        }
    }
    Ok(builder.build())
}

fn sorting(spec: &TableSpec, descriptor: &SchemaDescriptor) -> Option<Vec<SortingColumn>> {
    let position = |name: &String| {
        let leaf = descriptor.columns().iter().position(|column| column.path().parts() == [name.as_str()])?;
        let column_idx = i32::try_from(leaf).ok()?;
        Some(SortingColumn { column_idx, descending: false, nulls_first: true })
    };
    // Only a beginning of the list that can be told is true of the rows.
    let columns: Vec<_> = spec.sorted_by.as_ref()?.iter().map_while(position).collect();
    (!columns.is_empty()).then_some(columns)
}

/// For each leaf whether a dictionary pays.
fn dictionaries(schema: &Schema, sample: &[RecordBatch]) -> Vec<bool> {
    let rows = sample.iter().map(RecordBatch::num_rows).sum::<usize>();
    // What a row group has in proportion to the sample. Fewer rows are all there are.
    let times = if rows < SAMPLE_ROWS { 1 } else { (GROUP_ROWS / rows).max(1) };
    let mut pay = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let mut hashes = vec![Vec::new(); leaves(field.data_type())];
        for batch in sample {
            gather(batch.column(index), &mut hashes.iter_mut());
        }
        pay.extend(hashes.iter().map(|hashes| dictionary_pays(hashes, times)));
    }
    pay
}

/// How many leaves a column has.
pub(crate) fn leaves(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => {
            leaves(field.data_type())
        }
        _ => 1,
    }
}

/// Adds the hashes of an array's values, nulls apart, to those of its leaves.
fn gather<'a>(array: &dyn Array, leaves: &mut impl Iterator<Item = &'a mut Vec<u64>>) {
    match array.data_type() {
        DataType::Struct(_) => array.as_struct().columns().iter().for_each(|child| gather(child, leaves)),
        DataType::List(_) => gather(array.as_list::<i32>().values(), leaves),
        DataType::LargeList(_) => gather(array.as_list::<i64>().values(), leaves),
        DataType::Map(..) => gather(array.as_map().entries(), leaves),
        _ => {
            if let Some(leaf) = leaves.next() {
                let hashes = content::values(array).into_iter().enumerate();
                leaf.extend(hashes.filter(|(row, _)| array.is_valid(*row)).map(|(_, hash)| hash));
            }
        }
    }
}

/// Whether a dictionary of a leaf pays, by the hashes of some values, of which a row group has `times` as many.
///
/// It does where values come again far from each other: those that come again at once are found by the compression. So what
/// counts is how many different ones are to be expected in the row group, if new ones become rarer at the pace at which they
/// do from the first half of the sample to the second.
fn dictionary_pays(hashes: &[u64], times: usize) -> bool {
    let all = hashes.len() * times;
    let hashes = &hashes[..hashes.len().min(MOST_VALUES)];
    let (first, second) = hashes.split_at(hashes.len() / 2);
    let mut seen = Seen::default();
    let (early, late) = (seen.add(first), seen.add(second));
    if times == 1 {
        return (early + late) * 4 <= hashes.len() * 3;
    }
    // Such halves as make up the row group, the first one apart.
    let halves = 2 * all / hashes.len().max(1);
    let (mut expected, mut fresh) = (early, late);
    for _ in 1..halves {
        expected += fresh;
        fresh = fresh * late.min(early) / early.max(1);
    }
    expected * WORTH_REPEATS <= all
}

/// The values that were met, but for some in a hundred: those whose hashes agree in 16 bits are one.
struct Seen(Vec<u64>);

impl Default for Seen {
    fn default() -> Self {
        Self(vec![0; (1 << 16) / 64])
    }
}

impl Seen {
    /// How many of these had not been met.
    fn add(&mut self, hashes: &[u64]) -> usize {
        let mut fresh = 0;
        for hash in hashes {
            let place = hash >> 48;
            let (word, bit) = (&mut self.0[(place / 64) as usize], 1 << (place % 64));
            fresh += usize::from(*word & bit == 0);
            *word |= bit;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a dictionary pays of so many values that are made of their numbers.
    fn pays(value: impl Fn(u64) -> u64) -> bool {
        let mixed = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hashes: Vec<u64> =
            (0..SAMPLE_ROWS as u64).map(|row| mixed(value(mixed(row) >> 8 << 24 | row))).collect();
        dictionary_pays(&hashes, GROUP_ROWS / SAMPLE_ROWS)
    }

    const ROW: u64 = (1 << 24) - 1;

    #[test]
    fn a_dictionary_pays_of_values_that_come_again() {
        assert!(pays(|_| 1));
        assert!(pays(|chance| (chance >> 24) % 1000));
        // As many as there are in the sample, of which most are met for the first time.
        assert!(pays(|chance| (chance >> 24) % 3000));
    }

    #[test]
    fn no_dictionary_pays_of_values_that_come_again_at_once_or_never() {
        assert!(!pays(|row| row & ROW));
        assert!(!pays(|row| (row & ROW) / 10));
        assert!(!pays(|chance| (chance >> 24) % 100_000));
        // The first half is all alike.
        assert!(!pays(|row| (row & ROW).saturating_sub(SAMPLE_ROWS as u64 / 2)));
    }

    #[test]
    fn of_long_lists_the_first_values_are_looked_at() {
        let hashes: Vec<u64> =
            (0..500_000u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        assert!(!dictionary_pays(&hashes, 1) && !dictionary_pays(&hashes, GROUP_ROWS / SAMPLE_ROWS));
        let few: Vec<u64> = hashes.iter().map(|hash| hash >> 56 << 56).collect();
        assert!(dictionary_pays(&few, 1) && dictionary_pays(&few, GROUP_ROWS / SAMPLE_ROWS));
        assert!(dictionary_pays(&[], 1) && dictionary_pays(&[], GROUP_ROWS / SAMPLE_ROWS));
    }
}
