//! The values of a unified column, whatever the type of the vendor's column that they stand in.

use std::{borrow::Cow, collections::HashSet};

use arrow_array::{
    Array, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, MapArray,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use userhaul_record::{Attributes, DECIMAL_SCALE, Date, Decimal, Micros};

use crate::{
    rows::{BoolColumn, DateColumn, DecimalColumn, DoubleColumn, InstantColumn, IntColumn, MapColumn, Rows},
    rows::{TextColumn, TextsColumn, UnifyError, ValueColumn},
    spec::{Source, UnifiedSpec},
};

const DAY: i64 = 86_400_000_000;

/// A column of the vendor's table.
enum Cells<'a> {
    Text(TextColumn<'a>),
    Int(IntColumn<'a>),
    Bool(BoolColumn<'a>),
    Double(DoubleColumn<'a>),
    Decimal(DecimalColumn<'a>),
    Instant(InstantColumn<'a>),
    Date(DateColumn<'a>),
    Texts(TextsColumn<'a>),
    Map(MapColumn<'a>),
    /// A list of anything but texts.
    Nested(ValueColumn<'a>),
    /// The members of an object, by name.
    Members(Vec<(String, Cells<'a>)>),
}

impl<'a> Cells<'a> {
    fn open(rows: &Rows<'a>, path: &str) -> Result<Self, UnifyError> {
        let array = rows.array(path)?;
        Self::of(array).ok_or_else(|| UnifyError { column: path.to_owned(), kind: "unified" })
    }

    fn of(array: &'a dyn Array) -> Option<Self> {
        let any = array.as_any();
        None.or_else(|| any.downcast_ref::<StringArray>().map(|array| Self::Text(TextColumn(array))))
            .or_else(|| any.downcast_ref::<Int64Array>().map(|array| Self::Int(IntColumn(array))))
            .or_else(|| any.downcast_ref::<BooleanArray>().map(|array| Self::Bool(BoolColumn(array))))
            .or_else(|| any.downcast_ref::<Float64Array>().map(|array| Self::Double(DoubleColumn(array))))
            .or_else(|| {
                any.downcast_ref::<Decimal128Array>().map(|array| Self::Decimal(DecimalColumn(array)))
            })
            .or_else(|| {
                any.downcast_ref::<TimestampMicrosecondArray>()
                    .map(|array| Self::Instant(InstantColumn(array)))
            })
            .or_else(|| any.downcast_ref::<Date32Array>().map(|array| Self::Date(DateColumn(array))))
            .or_else(|| {
                any.downcast_ref::<ListArray>().map(|array| match array.value_type() {
                    DataType::Utf8 => Self::Texts(TextsColumn(array)),
                    _ => Self::Nested(ValueColumn(array)),
                })
            })
            .or_else(|| any.downcast_ref::<MapArray>().map(|array| Self::Map(MapColumn(array))))
            .or_else(|| {
                let object = any.downcast_ref::<StructArray>()?;
                let members = object.fields().iter().zip(object.columns());
                let members = members
                    .filter_map(|(field, array)| Some((field.name().clone(), Self::of(array.as_ref())?)));
                Some(Self::Members(members.collect()))
            })
    }

    /// The value as a text; none where it is null, or has no text.
    fn text(&self, row: usize) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(column) => column.get(row).map(Cow::Borrowed),
            Self::Int(column) => column.get(row).map(|number| number.to_string().into()),
            Self::Bool(column) => column.get(row).map(|bit| bit.to_string().into()),
            Self::Double(column) => column.get(row).map(|number| number.to_string().into()),
            Self::Decimal(column) => column.get(row).map(|amount| decimal_text(amount).into()),
            Self::Instant(column) => {
                let at = jiff::Timestamp::from_microsecond(column.get(row)?.0).ok()?;
                Some(at.to_string().into())
            }
            Self::Date(column) => {
                let days = jiff::Span::new().try_days(column.get(row)?).ok()?;
                Some(jiff::civil::date(1970, 1, 1).checked_add(days).ok()?.to_string().into())
            }
            Self::Texts(column) => serde_json::to_string(&column.get(row)?).ok().map(Cow::Owned),
            Self::Nested(column) => column.get(row),
            Self::Map(_) | Self::Members(_) => None,
        }
    }

    /// The value as entries of a map, each with its path: under the last step of `path` where it is a single one.
    fn entries(&self, path: &str, row: usize, into: &mut Entries<'a>) {
        match self {
            Self::Map(column) => {
                for (key, value) in column.get(row).into_iter() {
                    into.put(key.into(), || format!("{path}.{key}"), value.map(Cow::Borrowed));
                }
            }
            Self::Members(members) => {
                for (name, cells) in members {
                    cells.entries(&format!("{path}.{name}"), row, into);
                }
            }
            single => {
                if let Some(text) = single.text(row) {
                    let name = path.rsplit('.').next().unwrap_or(path);
                    into.put(Cow::Owned(name.to_owned()), || path.to_owned(), Some(text));
                }
            }
        }
    }
}

fn decimal_text(amount: i128) -> String {
    let unit = 10_i128.pow(DECIMAL_SCALE.unsigned_abs().into());
    let (whole, part) = (amount / unit, (amount % unit).unsigned_abs());
    let sign = if amount < 0 && whole == 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:09}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// The texts of a unified column.
pub(super) struct Texts<'a> {
    source: Option<&'a Source>,
    cells: Option<Cells<'a>>,
    /// Where it is made of several columns.
    parts: Vec<Cells<'a>>,
    /// What stands where a word of the vendor has none of ours.
    other: Option<&'static str>,
}

impl<'a> Texts<'a> {
    pub(super) fn open(
        block: &'a UnifiedSpec,
        column: &str,
        rows: &Rows<'a>,
        other: Option<&'static str>,
    ) -> Result<Self, UnifyError> {
        let source = block.source(column);
        let parts = match source {
            Some(Source::Columns(paths)) => {
                paths.iter().map(|path| Cells::open(rows, path)).collect::<Result<_, _>>()?
            }
            Some(Source::Column(_) | Source::Fixed(_) | Source::Words { .. }) | None => Vec::new(),
        };
        Ok(Self { source, cells: cells(source, rows)?, parts, other })
    }

    pub(super) fn get(&self, row: usize) -> Option<Cow<'a, str>> {
        let text = || self.cells.as_ref().and_then(|cells| cells.text(row));
        match self.source? {
            Source::Fixed(word) => Some(Cow::Borrowed(word.as_str())),
            Source::Column(_) => text(),
            Source::Columns(_) => {
                let parts: Option<Vec<Cow<'a, str>>> = self.parts.iter().map(|part| part.text(row)).collect();
                Some(Cow::Owned(parts?.join("/")))
            }
            Source::Words { words, .. } => {
                let vendors = text()?;
                let ours = words.iter().find(|(_, theirs)| theirs.iter().any(|word| *word == *vendors));
                match (ours, self.other) {
                    (Some((word, _)), _) => Some(Cow::Borrowed(word.as_str())),
                    (None, Some(other)) => Some(Cow::Borrowed(other)),
                    (None, None) => Some(vendors),
                }
            }
        }
    }
}

fn cells<'a>(source: Option<&Source>, rows: &Rows<'a>) -> Result<Option<Cells<'a>>, UnifyError> {
    match source {
        Some(Source::Column(path) | Source::Words { column: path, .. }) => Cells::open(rows, path).map(Some),
        Some(Source::Columns(_) | Source::Fixed(_)) | None => Ok(None),
    }
}

/// The instants, days and numbers of a unified column.
pub(super) struct Numbers<'a> {
    fixed: Option<f64>,
    cells: Option<Cells<'a>>,
}

impl<'a> Numbers<'a> {
    pub(super) fn open(block: &UnifiedSpec, column: &str, rows: &Rows<'a>) -> Result<Self, UnifyError> {
        let source = block.source(column);
        let fixed = match source {
            Some(Source::Fixed(number)) => number.parse().ok(),
            _ => None,
        };
        Ok(Self { fixed, cells: cells(source, rows)? })
    }

    pub(super) fn instant(&self, row: usize) -> Option<Micros> {
        match self.cells.as_ref()? {
            Cells::Instant(column) => column.get(row),
            Cells::Date(column) => column.get(row).map(|day| Micros(i64::from(day) * DAY)),
            _ => None,
        }
    }

    pub(super) fn day(&self, row: usize) -> Option<Date> {
        match self.cells.as_ref()? {
            Cells::Date(column) => column.get(row).map(Date),
            Cells::Instant(column) => i32::try_from(column.get(row)?.0.div_euclid(DAY)).ok().map(Date),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the column holds doubles")]
    pub(super) fn double(&self, row: usize) -> Option<f64> {
        match (&self.cells, self.fixed) {
            (_, Some(fixed)) => Some(fixed),
            (Some(Cells::Double(column)), _) => column.get(row),
            (Some(Cells::Int(column)), _) => column.get(row).map(|number| number as f64),
            (Some(Cells::Decimal(column)), _) => decimal_text(column.get(row)?).parse().ok(),
            _ => None,
        }
    }

    pub(super) fn decimal(&self, row: usize) -> Option<Decimal> {
        match self.cells.as_ref()? {
            Cells::Decimal(column) => column.get(row).map(Decimal),
            Cells::Int(column) => {
                let unit = 10_i128.pow(DECIMAL_SCALE.unsigned_abs().into());
                column.get(row).map(|number| Decimal(i128::from(number) * unit))
            }
            _ => None,
        }
    }
}

/// Entries of a map, each key once: of two with one name the second is called by its whole path.
#[derive(Default)]
struct Entries<'a> {
    made: Attributes<'a>,
    names: HashSet<String>,
}

impl<'a> Entries<'a> {
    fn put(&mut self, name: Cow<'a, str>, path: impl Fn() -> String, value: Option<Cow<'a, str>>) {
        if self.names.insert(name.to_string()) {
            self.made.push((name, value));
            return;
        }
        let path = path();
        if self.names.insert(path.clone()) {
            self.made.push((Cow::Owned(path), value));
        }
    }
}

/// The maps of a unified column.
pub(super) struct Maps<'a>(Vec<(String, Cells<'a>)>);

impl<'a> Maps<'a> {
    pub(super) fn open(block: &UnifiedSpec, column: &str, rows: &Rows<'a>) -> Result<Self, UnifyError> {
        let paths = match block.source(column) {
            Some(Source::Column(path)) => std::slice::from_ref(path),
            Some(Source::Columns(paths)) => paths.as_slice(),
            Some(Source::Fixed(_) | Source::Words { .. }) | None => &[],
        };
        let open = |path: &String| Cells::open(rows, path).map(|cells| (path.clone(), cells));
        paths.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn get(&self, row: usize) -> Attributes<'a> {
        if let [(_, Cells::Map(column))] = self.0.as_slice() {
            let entries = column.get(row).into_iter();
            return entries.map(|(key, value)| (key.into(), value.map(Cow::Borrowed))).collect();
        }
        let mut entries = Entries::default();
        for (path, cells) in &self.0 {
            cells.entries(path, row, &mut entries);
        }
        entries.made
    }
}

/// The lists of texts of a unified column; a single text is a list of one.
pub(super) struct Lists<'a>(Option<Cells<'a>>);

impl<'a> Lists<'a> {
    pub(super) fn open(block: &UnifiedSpec, column: &str, rows: &Rows<'a>) -> Result<Self, UnifyError> {
        cells(block.source(column), rows).map(Self)
    }

    pub(super) fn get(&self, row: usize) -> Vec<Cow<'a, str>> {
        match &self.0 {
            Some(Cells::Texts(column)) => {
                column.get(row).unwrap_or_default().into_iter().map(Cow::Borrowed).collect()
            }
            Some(single) => single.text(row).into_iter().collect(),
            None => Vec::new(),
        }
    }
}
