//! A thin typed view of a batch of vendor rows, so that connectors name no Arrow type.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray,
    MapArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, make_array,
};
use userhaul_record::{Micros, RowLineage, Table, Unified};

mod value;

pub use value::ValueColumn;

/// Rows of one stream.
#[derive(Debug)]
pub struct Rows<'a> {
    batch: &'a RecordBatch,
    keys: Keys<'a>,
    lookups: &'a Lookups,
}

/// The primary keys of rows as texts.
#[derive(Debug)]
enum Keys<'a> {
    /// They are the texts of one column.
    Column(&'a StringArray),
    Made(Vec<String>),
}

/// Tables of other streams that `unify` may ask, by stream and then by key.
#[derive(Debug, Default, Clone)]
pub struct Lookups {
    tables: HashMap<String, LookupTable>,
}

/// One of these tables.
#[derive(Debug, Default, Clone)]
pub struct LookupTable {
    batches: Vec<RecordBatch>,
    by_key: HashMap<String, (usize, usize)>,
}

/// A row that was looked up.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

/// A column that is not there, or is of another type: a bug of the connector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {kind} column `{column}`")]
pub struct UnifyError {
    /// The column.
    pub column: String,
    /// The type that was asked for.
    pub kind: &'static str,
}

/// A text column.
#[derive(Debug, Clone, Copy)]
pub struct TextColumn<'a>(pub(crate) &'a StringArray);
/// A column of instants, in microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct InstantColumn<'a>(pub(crate) &'a TimestampMicrosecondArray);
/// A column of calendar days, in days since 1970.
#[derive(Debug, Clone, Copy)]
pub struct DateColumn<'a>(pub(crate) &'a Date32Array);
/// A column of whole numbers.
#[derive(Debug, Clone, Copy)]
pub struct IntColumn<'a>(pub(crate) &'a Int64Array);
/// A column of doubles.
#[derive(Debug, Clone, Copy)]
pub struct DoubleColumn<'a>(pub(crate) &'a Float64Array);
/// A column of amounts, times 10^9.
#[derive(Debug, Clone, Copy)]
pub struct DecimalColumn<'a>(pub(crate) &'a Decimal128Array);
/// A column of booleans.
#[derive(Debug, Clone, Copy)]
pub struct BoolColumn<'a>(pub(crate) &'a BooleanArray);
/// A column of maps with free keys.
#[derive(Debug, Clone, Copy)]
pub struct MapColumn<'a>(pub(crate) &'a MapArray);
/// A column of lists of texts.
#[derive(Debug, Clone, Copy)]
pub struct TextsColumn<'a>(pub(crate) &'a ListArray);
/// A column of lists of objects with known members.
#[derive(Debug, Clone, Copy)]
pub struct ObjectsColumn<'a> {
    lists: &'a ListArray,
    objects: &'a StructArray,
}
/// A member of the objects of such a column, found once for all of them.
#[derive(Debug, Clone, Copy)]
pub struct MemberColumn<T>(Option<T>);
/// One object of such a list.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    objects: &'a StructArray,
    index: usize,
}

macro_rules! scalar_column {
    ($column:ident, $value:ty, $convert:expr) => {
        impl<'a> $column<'a> {
            /// The value of a row; none where it is null.
            pub fn get(&self, row: usize) -> Option<$value> {
                let array: &'a _ = self.0;
                array.is_valid(row).then(|| $convert(array.value(row)))
            }
        }
    };
}

scalar_column!(TextColumn, &'a str, |text: &'a str| text);
scalar_column!(InstantColumn, Micros, Micros);
scalar_column!(DateColumn, i32, |day| day);
scalar_column!(IntColumn, i64, |number| number);
scalar_column!(DoubleColumn, f64, |number| number);
scalar_column!(DecimalColumn, i128, |amount| amount);
scalar_column!(BoolColumn, bool, |bit| bit);

impl<'a> MapColumn<'a> {
    /// The entries of a row: none where it is null.
    pub fn get(&self, row: usize) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let map: &'a MapArray = self.0;
        let entries = || {
            let offsets = map.value_offsets();
            let ends = (usize::try_from(offsets[row]).ok()?, usize::try_from(offsets[row + 1]).ok()?);
            let keys: &'a StringArray = map.keys().as_any().downcast_ref()?;
            let values: &'a StringArray = map.values().as_any().downcast_ref()?;
            Some((keys, values, ends))
        };
        let entries = Some(()).filter(|()| map.is_valid(row)).and_then(|()| entries());
        entries.into_iter().flat_map(|(keys, values, (start, end))| {
            (start..end).map(move |at| (keys.value(at), values.is_valid(at).then(|| values.value(at))))
        })
    }
}

impl<'a> TextsColumn<'a> {
    /// The texts of a row, nulls left out: none where it is null.
    pub fn get(&self, row: usize) -> Option<Vec<&'a str>> {
        let (start, end) = list_range(self.0, row)?;
        let texts = self.0.values().as_any().downcast_ref::<StringArray>()?;
        Some((start..end).filter(|&entry| texts.is_valid(entry)).map(|entry| texts.value(entry)).collect())
    }
}

impl<'a> ObjectsColumn<'a> {
    /// The objects of a row, nulls left out: none where it is null.
    pub fn get(&self, row: usize) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let objects = self.objects;
        let (start, end) = list_range(self.lists, row).unwrap_or_default();
        (start..end).filter(move |&index| objects.is_valid(index)).map(move |index| Object { objects, index })
    }
}

impl<'a> ObjectsColumn<'a> {
    /// A member of each object that is a text.
    pub fn text(&self, path: &str) -> MemberColumn<TextColumn<'a>> {
        MemberColumn(member(self.objects, path).map(TextColumn))
    }

    /// A member of each object that is a boolean.
    pub fn bool(&self, path: &str) -> MemberColumn<BoolColumn<'a>> {
        MemberColumn(member(self.objects, path).map(BoolColumn))
    }
}

impl<'a> MemberColumn<TextColumn<'a>> {
    /// The member of an object of this column; none where it is null or no text.
    pub fn of(&self, object: Object<'a>) -> Option<&'a str> {
        self.0?.get(object.index)
    }
}

impl MemberColumn<BoolColumn<'_>> {
    /// The member of an object of this column; none where it is null or no boolean.
    pub fn of(&self, object: Object<'_>) -> Option<bool> {
        self.0?.get(object.index)
    }
}

impl<'a> Object<'a> {
    /// A text member; none where it is null or no text.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        TextColumn(member(self.objects, path)?).get(self.index)
    }

    /// A boolean member; none where it is null or no boolean.
    pub fn bool(&self, path: &str) -> Option<bool> {
        BoolColumn(member(self.objects, path)?).get(self.index)
    }
}

fn list_range(list: &ListArray, row: usize) -> Option<(usize, usize)> {
    if list.is_null(row) {
        return None;
    }
    let offsets = list.value_offsets();
    Some((usize::try_from(offsets[row]).ok()?, usize::try_from(offsets[row + 1]).ok()?))
}

fn objects<'a>(batch: &'a RecordBatch, path: &str) -> Option<ObjectsColumn<'a>> {
    let lists: &'a ListArray = column(batch, path, "list of objects").ok()?;
    Some(ObjectsColumn { lists, objects: lists.values().as_any().downcast_ref()? })
}

/// The column at a path: `meta.client.height` steps into structs.
fn column<'a, T: 'static>(
    batch: &'a RecordBatch,
    path: &str,
    kind: &'static str,
) -> Result<&'a T, UnifyError> {
    let missing = || UnifyError { column: path.to_owned(), kind };
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let array = batch.column_by_name(first).ok_or_else(missing)?;
    match rest {
        None => array.as_any().downcast_ref(),
        Some(rest) => array.as_any().downcast_ref().and_then(|parent| member(parent, rest)),
    }
    .ok_or_else(missing)
}

/// The member at a path below a struct.
fn member<'a, T: 'static>(parent: &'a StructArray, path: &str) -> Option<&'a T> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let array: &'a ArrayRef = parent.column_by_name(first)?;
    match rest {
        None => array.as_any().downcast_ref(),
        Some(rest) => member(array.as_any().downcast_ref()?, rest),
    }
}

impl<'a> Rows<'a> {
    /// A view of `batch`, whose rows have the primary keys `primary_key`.
    ///
    /// # Errors
    /// When a column of the primary key is not there.
    pub fn new(
        batch: &'a RecordBatch,
        primary_key: &[String],
        lookups: &'a Lookups,
    ) -> Result<Self, UnifyError> {
        let column = match primary_key {
            [name] => batch.column_by_name(name).and_then(|array| array.as_any().downcast_ref()),
            _ => None,
        };
        let keys = match column {
            Some(texts) => Keys::Column(texts),
            None => Keys::Made(keys(batch, primary_key)?),
        };
        Ok(Self { batch, keys, lookups })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each row's index, and where it comes from: run, time, and primary key with its parts joined by `/`.
    ///
    /// # Errors
    /// When the lineage columns are not there.
    pub fn lineage(&self) -> Result<impl Iterator<Item = (usize, RowLineage<'_>)>, UnifyError> {
        let run_ids = self.text("_run_id")?;
        let instants = self.instant("_extracted_at")?;
        Ok((0..self.len()).map(move |row| {
            let lineage = RowLineage {
                run_id: run_ids.get(row).unwrap_or_default(),
                extracted_at: instants.get(row).unwrap_or(Micros(0)),
                key: match &self.keys {
                    Keys::Column(texts) => texts.value(row),
                    Keys::Made(keys) => &keys[row],
                },
            };
            (row, lineage)
        }))
    }

    /// Gives columns of a unified table that are a column of these rows each, `(column, path)`, and those of the lineage.
    /// Every row must make one record of that table then, in order.
    ///
    /// # Errors
    /// When there is no such column, or it has another type than the unified one.
    pub fn whole(
        &self,
        into: &mut Unified,
        table: Table,
        columns: &[(&'static str, &str)],
    ) -> Result<(), UnifyError> {
        let lineage = [("_run_id", "_run_id"), ("_extracted_at", "_extracted_at")];
        for &(column, path) in columns.iter().chain(&lineage) {
            let array = make_array(self.array(path)?.to_data());
            let other = |_| UnifyError { column: path.to_owned(), kind: column };
            into.whole(table, column, array).map_err(other)?;
        }
        Ok(())
    }

    /// A column of any type.
    pub(crate) fn array(&self, path: &str) -> Result<&'a dyn Array, UnifyError> {
        let missing = || UnifyError { column: path.to_owned(), kind: "unified" };
        let mut steps = path.split('.');
        let first = steps.next().and_then(|name| self.batch.column_by_name(name)).ok_or_else(missing)?;
        steps.try_fold(first.as_ref(), |array: &'a dyn Array, step| {
            let object: Option<&'a StructArray> = array.as_any().downcast_ref();
            object.and_then(|object| object.column_by_name(step)).map(AsRef::as_ref).ok_or_else(missing)
        })
    }

    /// A text, identifier or JSON column.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn text(&self, path: &str) -> Result<TextColumn<'a>, UnifyError> {
        column(self.batch, path, "text").map(TextColumn)
    }

    /// A column of instants.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn instant(&self, path: &str) -> Result<InstantColumn<'a>, UnifyError> {
        column(self.batch, path, "instant").map(InstantColumn)
    }

    /// A column of days.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn date(&self, path: &str) -> Result<DateColumn<'a>, UnifyError> {
        column(self.batch, path, "date").map(DateColumn)
    }

    /// A column of whole numbers.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn int(&self, path: &str) -> Result<IntColumn<'a>, UnifyError> {
        column(self.batch, path, "int").map(IntColumn)
    }

    /// A column of doubles.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn double(&self, path: &str) -> Result<DoubleColumn<'a>, UnifyError> {
        column(self.batch, path, "double").map(DoubleColumn)
    }

    /// A column of amounts.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn decimal(&self, path: &str) -> Result<DecimalColumn<'a>, UnifyError> {
        column(self.batch, path, "decimal").map(DecimalColumn)
    }

    /// A column of booleans.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn bool(&self, path: &str) -> Result<BoolColumn<'a>, UnifyError> {
        column(self.batch, path, "bool").map(BoolColumn)
    }

    /// A column of maps.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn map(&self, path: &str) -> Result<MapColumn<'a>, UnifyError> {
        column(self.batch, path, "map").map(MapColumn)
    }

    /// A column of any type, its values as texts.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn value(&self, path: &str) -> Result<ValueColumn<'a>, UnifyError> {
        let missing = || UnifyError { column: path.to_owned(), kind: "vendor" };
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let mut array: &'a ArrayRef = self.batch.column_by_name(first).ok_or_else(missing)?;
        for step in rest.into_iter().flat_map(|rest| rest.split('.')) {
            let parent: &'a StructArray = array.as_any().downcast_ref().ok_or_else(missing)?;
            array = parent.column_by_name(step).ok_or_else(missing)?;
        }
        Ok(ValueColumn(array.as_ref()))
    }

    /// A column of lists of texts.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn texts(&self, path: &str) -> Result<TextsColumn<'a>, UnifyError> {
        column(self.batch, path, "list of texts").map(TextsColumn)
    }

    /// A column of lists of objects.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn objects(&self, path: &str) -> Result<ObjectsColumn<'a>, UnifyError> {
        objects(self.batch, path)
            .ok_or_else(|| UnifyError { column: path.to_owned(), kind: "list of objects" })
    }

    /// The row of another stream, which the facts name under `needs`, by its primary key; none where there is none.
    pub fn lookup(&self, stream: &str, key: &str) -> Option<Found<'a>> {
        let table = self.lookups.tables.get(stream)?;
        let &(batch, row) = table.by_key.get(key)?;
        Some(Found { batch: &table.batches[batch], row })
    }
}

impl<'a> Found<'a> {
    /// A text; none where it is null or no text.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        TextColumn(column(self.batch, path, "text").ok()?).get(self.row)
    }

    /// The objects of a list; none where it is null or no list of objects.
    pub fn objects(&self, path: &str) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let row = self.row;
        objects(self.batch, path).into_iter().flat_map(move |objects| objects.get(row))
    }
}

impl Lookups {
    /// Adds the table of a stream.
    ///
    /// # Errors
    /// When a column of the primary key is not there.
    pub fn insert(
        &mut self,
        stream: &str,
        primary_key: &[String],
        batches: Vec<RecordBatch>,
    ) -> Result<(), UnifyError> {
        let mut by_key = HashMap::new();
        for (number, batch) in batches.iter().enumerate() {
            for (row, key) in keys(batch, primary_key)?.into_iter().enumerate() {
                by_key.insert(key, (number, row));
            }
        }
        self.tables.insert(stream.to_owned(), LookupTable { batches, by_key });
        Ok(())
    }
}

/// The primary keys of a batch's rows as texts, their parts joined by `/`.
fn keys(batch: &RecordBatch, primary_key: &[String]) -> Result<Vec<String>, UnifyError> {
    let mut keys = vec![String::new(); batch.num_rows()];
    for (number, name) in primary_key.iter().enumerate() {
        let missing = || UnifyError { column: name.clone(), kind: "key" };
        let array = Arc::clone(batch.column_by_name(name).ok_or_else(missing)?);
        for (row, key) in keys.iter_mut().enumerate() {
            if number > 0 {
                key.push('/');
            }
            push_part(&array, row, key).ok_or_else(missing)?;
        }
    }
    Ok(keys)
}

fn push_part(array: &ArrayRef, row: usize, key: &mut String) -> Option<()> {
    use std::fmt::Write;
    if array.is_null(row) {
        return Some(());
    }
    let any = array.as_any();
    if let Some(texts) = any.downcast_ref::<StringArray>() {
        key.push_str(texts.value(row));
    } else if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        write!(key, "{}", numbers.value(row)).ok()?;
    } else if let Some(days) = any.downcast_ref::<Date32Array>() {
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days.value(row))).ok()?;
        write!(key, "{date}").ok()?;
    } else if let Some(instants) = any.downcast_ref::<TimestampMicrosecondArray>() {
        let instant = jiff::Timestamp::from_microsecond(instants.value(row)).ok()?;
        write!(key, "{instant}").ok()?;
    } else {
        return None;
    }
    Some(())
}
