//! What a stream's rows become in the unified tables, as facts: for each unified column where its value stands.
//!
//! ```toml
//! [streams.contacts.unified.users]
//! vendor_user_id = "id"
//! first_name = "name/first"
//! status = { column = "state", active = ["Active", "enabled"], suspended = ["blocked"] }
//! attributes = ["plan", "seats"]
//! ```

use arrow_schema::DataType;
use userhaul_record::{Table, schema};

use super::SpecError;
use crate::{
    column::{Column, ColumnType},
    decode::TableLayout,
};

/// One unified record a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnifiedSpec {
    /// The unified table.
    pub table: Table,
    /// The unified columns that are filled, with where their values stand.
    pub fields: Vec<(String, Source)>,
}

/// Where the value of a unified column stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a column of the vendor's table, or a member of one: `name`, `name.first`.
    Column(String),
    /// In several columns: of a map each an entry under its own name, of a text its parts with `/` between them.
    Columns(Vec<String>),
    /// The same in every row.
    Fixed(String),
    /// In a column of the vendor's table whose words are ours by another name: each of ours, with the vendor's.
    Words {
        /// The column.
        column: String,
        /// Our words, each with the vendor's for it.
        words: Vec<(String, Vec<String>)>,
    },
}

impl UnifiedSpec {
    /// Where the value of a unified column stands; none where the column stays null.
    pub fn source(&self, column: &str) -> Option<&Source> {
        self.fields.iter().find(|(name, _)| name == column).map(|(_, source)| source)
    }
}

/// The unified columns of a table that a user may fill.
pub(crate) fn settable(table: Table) -> Vec<(String, DataType)> {
    let ours = ["source", "vendor", table.primary_key(), "_run_id", "_extracted_at"];
    let schema = schema(table);
    let own = schema.fields().iter().filter(|field| !ours.contains(&field.name().as_str()));
    let mut columns: Vec<(String, DataType)> =
        own.map(|field| (field.name().clone(), field.data_type().clone())).collect();
    if table == Table::Metrics {
        columns.push(("company_key".to_owned(), DataType::Utf8));
    }
    columns
}

/// The columns without which a table's rows say nothing.
fn required(table: Table) -> &'static [&'static str] {
    match table {
        Table::Users => &["vendor_user_id"],
        Table::Companies => &["vendor_company_id"],
        Table::Events => &["event_type"],
        Table::Feedback => &[],
        Table::Metrics => &["metric", "value"],
    }
}

/// The words that a column may hold, where they are a closed list.
fn words_of(table: Table, column: &str) -> Option<&'static [&'static str]> {
    match (table, column) {
        (Table::Users, "status") => Some(&["active", "invited", "suspended", "deleted", "unknown"]),
        (Table::Feedback, "kind") => Some(&["nps", "survey"]),
        _ => None,
    }
}

/// Reads `[streams.NAME.unified]`.
pub(crate) fn read(
    stream: &str,
    tables: &toml::Table,
    layout: &TableLayout,
) -> Result<Vec<UnifiedSpec>, SpecError> {
    let mut specs = Vec::new();
    for (name, value) in tables {
        let place = format!("{stream}.unified.{name}");
        let Some(table) = Table::ALL.into_iter().find(|table| table.name() == name) else {
            return Err(SpecError::at(place, unknown("unified table", name, Table::ALL.map(Table::name))));
        };
        let blocks = match value {
            toml::Value::Table(block) => vec![block],
            toml::Value::Array(blocks) if table == Table::Metrics => {
                let blocks: Option<Vec<&toml::Table>> = blocks.iter().map(toml::Value::as_table).collect();
                blocks.ok_or_else(|| SpecError::at(&place, "expected tables in the list"))?
            }
            other => {
                let found = other.type_str();
                return Err(SpecError::at(
                    place,
                    format!("expected a table of unified columns, found {found}"),
                ));
            }
        };
        for block in blocks {
            let block = block_of(&place, table, block, layout)?;
            if let Some(message) = twice(&specs, &block) {
                return Err(SpecError::at(place, message));
            }
            specs.push(block);
        }
    }
    Ok(specs)
}

/// Why a row would give one metric twice, by this block and one before.
fn twice(before: &[UnifiedSpec], block: &UnifiedSpec) -> Option<String> {
    let same = |other: &&UnifiedSpec, column: &str| other.source(column) == block.source(column);
    let mut metrics =
        before.iter().filter(|other| other.table == Table::Metrics && other.table == block.table);
    let other = metrics.find(|other| same(other, "metric"))?;
    match block.source("metric") {
        Some(Source::Fixed(word)) => {
            Some(format!("two blocks give the metric `{word}`: a row has one value of it"))
        }
        _ if same(&other, "value") => {
            Some("two blocks give the same metric from the same columns".to_owned())
        }
        _ => None,
    }
}

fn block_of(
    place: &str,
    table: Table,
    block: &toml::Table,
    layout: &TableLayout,
) -> Result<UnifiedSpec, SpecError> {
    let settable = settable(table);
    let mut fields = Vec::new();
    for (name, value) in block {
        let at = format!("{place}.{name}");
        let Some((_, kind)) = settable.iter().find(|(column, _)| column == name) else {
            let known = settable.iter().map(|(column, _)| column.as_str());
            return Err(SpecError::at(at, unknown("unified column", name, known)));
        };
        let source = source(value, kind, words_of(table, name), vendor_words(block, name), layout)
            .map_err(|message| SpecError::at(at, message))?;
        fields.push((name.clone(), source));
    }
    imply(table, &mut fields, layout);
    for &name in required(table) {
        if !fields.iter().any(|(known, _)| known == name) {
            return Err(SpecError::at(place, format!("missing unified column `{name}`")));
        }
    }
    Ok(UnifiedSpec { table, fields })
}

/// What need not be said: the primary key as the id, and the vendor's word behind one of ours.
fn imply(table: Table, fields: &mut Vec<(String, Source)>, layout: &TableLayout) {
    let missing = |fields: &[(String, Source)], name: &str| !fields.iter().any(|(known, _)| known == name);
    let id = match table {
        Table::Users => Some("vendor_user_id"),
        Table::Companies => Some("vendor_company_id"),
        Table::Events | Table::Feedback | Table::Metrics => None,
    };
    if let Some(id) = id.filter(|id| missing(fields, id)) {
        let source = match layout.primary_key.as_slice() {
            [key] => Source::Column(key.clone()),
            keys => Source::Columns(keys.to_vec()),
        };
        fields.push((id.to_owned(), source));
    }
    for (ours, vendors) in [("status", "vendor_status"), ("event_type", "vendor_event_type")] {
        if table == Table::Companies || !missing(fields, vendors) {
            continue;
        }
        let column = fields.iter().find(|(name, _)| name == ours).and_then(|(_, source)| match source {
            Source::Column(column) | Source::Words { column, .. } => Some(column.clone()),
            Source::Columns(_) | Source::Fixed(_) => None,
        });
        fields.extend(column.map(|column| (vendors.to_owned(), Source::Column(column))));
    }
}

/// The column of the vendor's words that stands beside one of ours.
fn vendor_words<'a>(block: &'a toml::Table, name: &str) -> Option<&'a str> {
    block.get(&format!("vendor_{name}")).and_then(toml::Value::as_str)
}

fn source(
    value: &toml::Value,
    kind: &DataType,
    words: Option<&[&str]>,
    beside: Option<&str>,
    layout: &TableLayout,
) -> Result<Source, String> {
    match value {
        toml::Value::String(path) => Ok(Source::Column(fitting(path, kind, layout)?)),
        toml::Value::Array(paths) if matches!(kind, DataType::Map(..)) => {
            let paths = paths.iter().map(|path| {
                let path = path.as_str().ok_or("expected names of columns in the list")?;
                find(path, layout).map(|(path, _)| path)
            });
            Ok(Source::Columns(paths.collect::<Result<_, _>>()?))
        }
        toml::Value::Array(paths) if *kind == DataType::Utf8 && words.is_none() => {
            let paths = paths.iter().map(|path| {
                let path = path.as_str().ok_or("expected names of columns in the list")?;
                fitting(path, kind, layout)
            });
            Ok(Source::Columns(paths.collect::<Result<_, _>>()?))
        }
        toml::Value::Table(table) if table.contains_key("value") => fixed(table, kind, words),
        toml::Value::Table(table) if *kind == DataType::Utf8 => translated(table, words, beside, layout),
        other => Err(format!("expected the name of a column, found {}", other.type_str())),
    }
}

/// `{ value = "nps" }`
fn fixed(table: &toml::Table, kind: &DataType, words: Option<&[&str]>) -> Result<Source, String> {
    if let Some(other) = table.keys().find(|key| *key != "value") {
        return Err(format!("`value` stands alone, found `{other}` too"));
    }
    match (table.get("value"), kind) {
        (Some(toml::Value::String(text)), DataType::Utf8) => match words {
            Some(words) if !words.contains(&text.as_str()) => {
                Err(unknown("word", text, words.iter().copied()))
            }
            _ => Ok(Source::Fixed(text.clone())),
        },
        (Some(toml::Value::Integer(number)), DataType::Float64) => Ok(Source::Fixed(number.to_string())),
        (Some(toml::Value::Float(number)), DataType::Float64) => Ok(Source::Fixed(number.to_string())),
        (Some(found), kind) => {
            Err(format!("`value` must fit a column of {}, found {}", describe(kind), found.type_str()))
        }
        (None, _) => Err("`value` is missing".to_owned()),
    }
}

/// `{ column = "state", active = ["Active", "enabled"] }`
fn translated(
    table: &toml::Table,
    ours: Option<&[&str]>,
    beside: Option<&str>,
    layout: &TableLayout,
) -> Result<Source, String> {
    let path = match table.get("column") {
        Some(toml::Value::String(path)) => path.as_str(),
        Some(other) => return Err(format!("`column` must be a text, found {}", other.type_str())),
        None => beside.ok_or("`column` is missing: the column of the vendor's words")?,
    };
    let column = fitting(path, &DataType::Utf8, layout)?;
    let mut words = Vec::new();
    for (word, vendors) in table.iter().filter(|(key, _)| *key != "column") {
        if let Some(ours) = ours
            && !ours.contains(&word.as_str())
        {
            return Err(unknown("word", word, ours.iter().copied()));
        }
        let list = match vendors {
            toml::Value::Array(list) => list.as_slice(),
            single => std::slice::from_ref(single),
        };
        let vendors = list.iter().map(|vendor| match vendor {
            toml::Value::String(text) => Ok(text.clone()),
            toml::Value::Integer(number) => Ok(number.to_string()),
            toml::Value::Boolean(bit) => Ok(bit.to_string()),
            other => Err(format!("`{word}` must list the vendor's words, found {}", other.type_str())),
        });
        words.push((word.clone(), vendors.collect::<Result<_, _>>()?));
    }
    Ok(Source::Words { column, words })
}

/// The path of a column, if its values fit a unified column of this kind.
fn fitting(path: &str, kind: &DataType, layout: &TableLayout) -> Result<String, String> {
    let (found, column) = find(path, layout)?;
    let fits = match kind {
        DataType::Utf8 => {
            is_text(&column) || matches!(column, ColumnType::Int | ColumnType::Bool | ColumnType::Json)
        }
        DataType::Timestamp(..) | DataType::Date32 => {
            matches!(column, ColumnType::Instant | ColumnType::Millis | ColumnType::Date)
        }
        DataType::Float64 => matches!(column, ColumnType::Int | ColumnType::Double | ColumnType::Decimal),
        DataType::Decimal128(..) => matches!(column, ColumnType::Int | ColumnType::Decimal),
        DataType::List(_) => match &column {
            ColumnType::List(element) => is_text(element),
            other => is_text(other),
        },
        DataType::Map(..) => {
            matches!(column, ColumnType::Map | ColumnType::WrappedMap | ColumnType::Struct(_))
        }
        _ => false,
    };
    if fits {
        return Ok(found);
    }
    let hint = match (kind, &column) {
        (DataType::Decimal128(..), ColumnType::Double | ColumnType::Text) => {
            "; declare the column as `decimal`"
        }
        (DataType::Timestamp(..) | DataType::Date32, ColumnType::Text | ColumnType::Int) => {
            "; declare the column as `instant`"
        }
        (DataType::Float64, ColumnType::Text) => "; declare the column as `double`",
        (DataType::Utf8, ColumnType::Struct(_)) => "; name a member: `object/member`",
        (DataType::Map(..), _) => "; a list of columns makes a map",
        _ => "",
    };
    Err(format!("column `{path}` is `{}`, which does not fit {}{hint}", column.describe(), describe(kind)))
}

fn is_text(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Text | ColumnType::Id | ColumnType::IdOrObject)
}

/// The path in the table's own names, and its type; steps are the vendor's names of fields or ours of columns.
fn find(path: &str, layout: &TableLayout) -> Result<(String, ColumnType), String> {
    let own = |name: &str, kind: ColumnType| (name.to_owned(), kind);
    if path == "ordinal" && layout.ordinal {
        return Ok(own("ordinal", ColumnType::Int));
    }
    if path == "_key" && layout.synthetic_key.is_some() {
        return Ok(own("_key", ColumnType::Text));
    }
    let top: Vec<&Column> = layout.given.iter().chain(&layout.columns).chain(&layout.computed).collect();
    let known = |columns: &[&Column], step: &str| {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        unknown("column", step, names)
    };
    // A field's own name may hold a slash.
    if let Some(column) = top.iter().find(|column| column.name == path || column.field == path) {
        return Ok(own(&column.name, column.kind.clone()));
    }
    let mut columns = top;
    let mut steps = Vec::new();
    let mut rest = path.split('/').peekable();
    while let Some(step) = rest.next() {
        let column = columns.iter().find(|column| column.name == step || column.field == step);
        let Some(&column) = column else { return Err(known(&columns, step)) };
        steps.push(column.name.as_str());
        match &column.kind {
            kind if rest.peek().is_none() => return Ok((steps.join("."), kind.clone())),
            ColumnType::Struct(members) => columns = members.iter().collect(),
            kind => {
                return Err(format!("column `{step}` is `{}` and has no members", kind.describe()));
            }
        }
    }
    Err(known(&columns, path))
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    format!("unknown {what} `{name}`, expected one of {}", known.join(", "))
}

/// The types of columns that fit a unified column of this type.
pub(crate) fn fits(kind: &DataType) -> &'static str {
    match kind {
        DataType::Timestamp(..) | DataType::Date32 => "`instant`, `millis`, `date`",
        DataType::Float64 => "`int`, `double`, `decimal`",
        DataType::Decimal128(..) => "`int`, `decimal`",
        DataType::List(_) => "a list of `text` or `id`, or one",
        DataType::Map(..) => "`map`, `wrapped_map`, an object, or a list of columns",
        _ => "`text`, `id`, `int`, `bool`, `json`",
    }
}

/// A unified column's type in the words of columns.
fn describe(kind: &DataType) -> &'static str {
    match kind {
        DataType::Timestamp(..) => "instants",
        DataType::Date32 => "days",
        DataType::Float64 => "numbers",
        DataType::Decimal128(..) => "amounts",
        DataType::List(_) => "lists of texts",
        DataType::Map(..) => "maps",
        _ => "texts",
    }
}
