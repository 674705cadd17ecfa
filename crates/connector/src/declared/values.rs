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
struct Entries<'a, 'b> {
    made: Attributes<'a>,
    taken: HashSet<Cow<'b, str>>,
}

impl<'a> Entries<'a, '_> {
    fn put(&mut self, name: &str, path: impl Fn() -> String, value: Option<Cow<'a, str>>) {
        let mut name = name.to_owned();
        if self.taken.contains(name.as_str()) {
            name = path();
        }
        let plain = name.len();
        let mut number = 2;
        // A key of the customer's own may look like a path.
        while self.taken.contains(name.as_str()) {
            name.truncate(plain);
            name.push_str(&format!(" ({number})"));
            number += 1;
        }
        self.taken.insert(Cow::Owned(name.clone()));
        self.made.push((Cow::Owned(name), value));
    }
}

/// The maps of a unified column.
///
/// Columns and members of objects have the same name in every row, whatever is null: the first of a name goes by it, the
/// others by their paths, and so do entries of maps with such a name.
pub(super) struct Maps<'a> {
    /// The maps, each with its path.
    maps: Vec<(String, MapColumn<'a>)>,
    /// The other values, each with its name.
    singles: Vec<(String, Cells<'a>)>,
}

impl<'a> Maps<'a> {
    pub(super) fn open(block: &UnifiedSpec, column: &str, rows: &Rows<'a>) -> Result<Self, UnifyError> {
        let paths = match block.source(column) {
            Some(Source::Column(path)) => std::slice::from_ref(path),
            Some(Source::Columns(paths)) => paths.as_slice(),
            Some(Source::Fixed(_) | Source::Words { .. }) | None => &[],
        };
        let mut opened = Self { maps: Vec::new(), singles: Vec::new() };
        let mut known = HashSet::new();
        for path in paths {
            opened.add(path.clone(), Cells::open(rows, path)?, &mut known);
        }
        Ok(opened)
    }

    /// Adds a value, or the members of an object; `known` are the paths so far: what is listed twice comes once.
    fn add(&mut self, path: String, cells: Cells<'a>, known: &mut HashSet<String>) {
        match cells {
            Cells::Members(members) => {
                for (name, cells) in members {
                    self.add(format!("{path}.{name}"), cells, known);
                }
            }
            _ if !known.insert(path.clone()) => {}
            Cells::Map(column) => self.maps.push((path, column)),
            single => {
                let name = path.rsplit('.').next().unwrap_or(&path);
                let taken = self.singles.iter().any(|(other, _)| other == name);
                let name = if taken { path } else { name.to_owned() };
                self.singles.push((name, single));
            }
        }
    }

    pub(super) fn get(&self, row: usize) -> Attributes<'a> {
        if let ([(_, column)], []) = (self.maps.as_slice(), self.singles.as_slice()) {
            let entries = column.get(row);
            return entries.map(|(key, value)| (key.into(), value.map(Cow::Borrowed))).collect();
        }
        let taken = self.singles.iter().map(|(name, _)| Cow::Borrowed(name.as_str())).collect();
        let mut entries = Entries { made: Attributes::new(), taken };
        for (name, single) in &self.singles {
            entries.made.extend(single.text(row).map(|text| (Cow::Owned(name.clone()), Some(text))));
        }
        for (path, column) in &self.maps {
            for (key, value) in column.get(row) {
                entries.put(key, || format!("{path}.{key}"), value.map(Cow::Borrowed));
            }
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
