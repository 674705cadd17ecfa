//! Which vendor column each unified column comes from, found by trying: made-up rows go through a connector's own
//! `unify`, one column at a time is taken away or changed, and what changes in the records came from it.
//!
//! ```text
//! { "firstName": "1", "deleted": false, … }  ->  first_name = 1, status = unknown, …
//! { "firstName": "2", "deleted": false, … }  ->  first_name = 2                      first_name <- first_name
//! { "firstName": "1", "deleted": true, … }   ->  status = deleted                    status <- deleted
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow_array::{Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value, json};
use userhaul_connector::{
    Computed, Connector, Registration, Words,
    column::{Column, ColumnType},
    decode::{DecodeOptions, Decoder, Lineage},
    rows::{Lookups, Rows},
    settings::{SettingKind, SettingValue, Settings},
    spec::{ConnectorSpec, StreamSpec},
};
use userhaul_record::{Table, Unified};

/// Kinds of JSON values that are tried.
const KINDS: usize = 3;

/// Rows with the same kind everywhere, and mixed ones.
const SHAPES: usize = 2 * KINDS;

/// A word that no vendor has.
pub(super) const UNHEARD: &str = "‹word›";

/// What was found of one unified column.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// The vendor's columns it comes from, with the words of the stream's vocabulary under which it does.
    pub(super) columns: BTreeMap<String, BTreeSet<Option<&'static str>>>,
    /// The columns of other tables, with their stream in front.
    pub(super) looked_up: BTreeSet<String>,
    /// Values that were seen.
    pub(super) values: BTreeSet<String>,
    /// How a value is put together, where it is more than another column's.
    pub(super) pattern: Option<String>,
}

/// One record: its table, its columns' values as texts, in order.
type Record = (Table, Vec<Option<String>>);

/// A stream of a connector, ready to be tried.
pub(super) struct Trial<'a> {
    connector: Box<dyn Connector>,
    stream: StreamSpec,
    vocabulary: Option<&'a Words>,
    leaves: Vec<Leaf>,
    /// Columns whose rows make no record: they are null in all rows that are tried.
    hidden: Vec<Leaf>,
}

/// A column that can be taken away or changed.
#[derive(Debug, Clone)]
enum Leaf {
    /// What the request gives to each row.
    Given(usize, String),
    /// A field, by the vendor's names, and the column's name.
    Field(Vec<String>, String),
}

/// A made-up row.
#[derive(Debug, Clone)]
struct Row {
    given: Vec<Option<String>>,
    members: Value,
    word: Option<&'static str>,
}

impl<'a> Trial<'a> {
    /// Makes the connector with settings that nobody has.
    pub(super) fn new(registration: &'a Registration, stream: &str) -> Self {
        let connector = connector(registration);
        let stream = connector.spec().stream(stream).expect("a stream that the connector unifies").clone();
        let given = stream.table.given.iter().enumerate();
        let mut leaves: Vec<Leaf> =
            given.map(|(index, column)| Leaf::Given(index, column.name.clone())).collect();
        for column in &stream.table.columns {
            add_leaves(&mut leaves, &column.kind, vec![column.field.clone()], column.name.clone());
        }
        let vocabulary = registration.words.iter().find(|words| words.stream == stream.name);
        let mut trial = Self { connector, stream, vocabulary, leaves, hidden: Vec::new() };
        trial.hide();
        trial
    }

    /// Finds the columns whose rows make no record.
    fn hide(&mut self) {
        let makes = |trial: &Self, row: Row| !trial.records(&[row], &Lookups::default())[0].is_empty();
        let row = self.row(0, false);
        if makes(self, row.clone()) {
            return;
        }
        let (hidden, leaves) = std::mem::take(&mut self.leaves)
            .into_iter()
            .partition(|leaf| makes(self, leaf.applied(row.clone(), take_away)));
        (self.hidden, self.leaves) = (hidden, leaves);
    }

    /// The columns whose rows are left out.
    pub(super) fn left_out(&self) -> impl Iterator<Item = &str> {
        self.hidden.iter().map(Leaf::name)
    }

    /// The primary key's columns.
    pub(super) fn key(&self) -> &[String] {
        &self.stream.table.primary_key
    }

    /// What each column of a unified table comes from; several records of one row are told apart by `metric`.
    pub(super) fn origins(&self, table: Table) -> BTreeMap<(String, Option<String>), Origin> {
        let mut found = BTreeMap::new();
        for kind in 0..self.lookup_kinds() {
            // The last time the other tables are not there.
            let known = kind < KINDS;
            let lookups = if known { self.lookups(|_, row| row, kind) } else { Lookups::default() };
            let rows = self.rows();
            let before = self.records(&rows, &lookups);
            for (records, row) in before.iter().zip(&rows) {
                for (name, metric, value) in columns_of(records, table) {
                    let origin: &mut Origin = found.entry((name, metric)).or_default();
                    origin.values.extend(value.filter(|_| row.word != Some(UNHEARD)));
                }
            }
            for leaf in &self.leaves {
                for change in [take_away, alter] {
                    let changed: Vec<Row> =
                        rows.iter().map(|row| leaf.applied(row.clone(), change)).collect();
                    let after = self.records(&changed, &lookups);
                    for ((before, after), row) in before.iter().zip(&after).zip(&rows) {
                        note(&mut found, table, before, after, |origin| {
                            origin.columns.entry(leaf.name().to_owned()).or_default().insert(row.word);
                        });
                    }
                }
            }
            if known {
                self.try_lookups(table, &rows, &before, kind, &mut found);
            }
        }
        self.patterns(table, &mut found);
        found
    }

    /// The value of a unified column where the vendor's column has this word.
    pub(super) fn ours(&self, words: &Words, word: Option<&'static str>) -> Option<String> {
        let field = self.field_of(words.column);
        let mut row = self.row(0, false);
        row.members[field] = word.map_or(Value::Null, Value::from);
        let records = self.records(&[row], &Lookups::default());
        let table = records.first()?.first()?.0;
        columns_of(records.first()?, table).find(|(name, ..)| *name == words.into)?.2
    }

    fn field_of(&self, column: &str) -> &str {
        let found = self.stream.table.columns.iter().find(|known| known.name == column);
        &found.expect("words are of a column of the stream").field
    }

    /// Rows of all shapes: each kind of JSON value, flags on and off, each word, and each column missing once.
    fn rows(&self) -> Vec<Row> {
        let words: Vec<Option<&'static str>> = match self.vocabulary {
            None => vec![None],
            Some(words) => words.pairs.iter().map(|(word, _)| *word).chain([UNHEARD]).map(Some).collect(),
        };
        let mut rows = Vec::new();
        for word in words {
            let with_word = |mut row: Row| {
                if let (Some(words), Some(word)) = (self.vocabulary, word) {
                    row.members[self.field_of(words.column)] = word.into();
                    row.word = Some(word);
                }
                row
            };
            for shape in 0..SHAPES {
                rows.extend([false, true].map(|flag| with_word(self.row(shape, flag))));
            }
            let leaves = self.leaves.iter().filter(|leaf| !self.in_key(leaf));
            rows.extend(leaves.map(|leaf| with_word(leaf.applied(self.row(0, false), take_away))));
        }
        rows
    }

    /// Without tables of other streams there is nothing to vary.
    fn lookup_kinds(&self) -> usize {
        if self.stream.needs.is_empty() { 1 } else { KINDS + 1 }
    }

    fn in_key(&self, leaf: &Leaf) -> bool {
        self.key().iter().any(|name| name == leaf.name())
    }

    /// A row whose columns of JSON are all of one kind, or of different ones.
    fn row(&self, shape: usize, flag: bool) -> Row {
        let members = self.stream.table.columns.iter().enumerate();
        let kind = |place: usize| if shape < KINDS { shape } else { (shape + 2 * place) % KINDS };
        let members: Map<String, Value> = members
            .map(|(place, column)| (column.field.clone(), made(&column.kind, kind(place), flag)))
            .collect();
        let given = vec![Some("1".to_owned()); self.stream.table.given.len()];
        let row = Row { given, members: Value::Object(members), word: None };
        self.hidden.iter().fold(row, |row, leaf| leaf.applied(row, take_away))
    }

    /// The tables of other streams, one row each, changed as the caller likes.
    fn lookups(&self, change: impl Fn(&StreamSpec, Row) -> Row, kind: usize) -> Lookups {
        let mut lookups = Lookups::default();
        for stream in self.stream.needs.iter().filter_map(|needed| self.connector.spec().stream(needed)) {
            let trial = Trial {
                connector: Box::new(Nothing),
                stream: stream.clone(),
                vocabulary: None,
                leaves: Vec::new(),
                hidden: Vec::new(),
            };
            let row = change(stream, trial.row(kind, false));
            let batches = trial.decoded(&[row]).into_iter().collect();
            lookups.insert(&stream.name, &stream.table.primary_key, batches).expect("the key is there");
        }
        lookups
    }

    fn try_lookups(
        &self,
        table: Table,
        rows: &[Row],
        before: &[Vec<Record>],
        kind: usize,
        found: &mut BTreeMap<(String, Option<String>), Origin>,
    ) {
        for stream in self.stream.needs.iter().filter_map(|needed| self.connector.spec().stream(needed)) {
            let mut leaves = Vec::new();
            for column in stream.table.columns.iter() {
                add_leaves(&mut leaves, &column.kind, vec![column.field.clone()], column.name.clone());
            }
            for leaf in
                leaves.iter().filter(|leaf| !stream.table.primary_key.iter().any(|name| name == leaf.name()))
            {
                let change = |of: &StreamSpec, row| {
                    if of.name == stream.name { leaf.applied(row, take_away) } else { row }
                };
                let after = self.records(rows, &self.lookups(change, kind));
                for (before, after) in before.iter().zip(&after) {
                    note(found, table, before, after, |origin| {
                        origin.looked_up.insert(format!("{}.{}", stream.name, leaf.name()));
                    });
                }
            }
        }
    }

    /// How values are put together, told by rows whose texts are the names of their columns.
    fn patterns(&self, table: Table, found: &mut BTreeMap<(String, Option<String>), Origin>) {
        let mut row = self.row(0, false);
        let marked = |name: &str| format!("{{{name}}}");
        for leaf in &self.leaves {
            row = leaf.applied(row, |value| {
                if value == "1" {
                    *value = marked(leaf.name()).into();
                }
            });
        }
        for records in self.records(&[row], &Lookups::default()) {
            for (name, metric, value) in columns_of(&records, table) {
                let Some(value) = value else { continue };
                let names = self.leaves.iter().filter(|leaf| value.contains(&marked(leaf.name())));
                let mixed =
                    names.clone().count() > 1 || names.clone().any(|leaf| value != marked(leaf.name()));
                if mixed && !value.contains(": ") {
                    found.entry((name, metric)).or_default().pattern = Some(value);
                }
            }
        }
    }

    /// The records of each row; a row without its key has none.
    fn records(&self, rows: &[Row], lookups: &Lookups) -> Vec<Vec<Record>> {
        let mut records = vec![Vec::new(); rows.len()];
        let Some(batch) = self.decoded(rows) else { return records };
        let key = &self.stream.table.primary_key;
        let batch = self.computed(&batch, key, lookups);
        let view = Rows::new(&batch, key, lookups).expect("the key is there");
        let lineage =
            userhaul_record::Lineage { source: "<source>", vendor: "any", stream: &self.stream.name };
        let mut unified = Unified::new(lineage);
        self.connector.unify(&self.stream, &view, &mut unified).expect("the columns are there");
        let options = FormatOptions::default();
        for (table, batch) in unified.finish() {
            let columns: Vec<ArrayFormatter<'_>> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).expect("a column can be shown"))
                .collect();
            // The instant of its page tells which row a record is of.
            let pages: &TimestampMicrosecondArray =
                batch.columns().last().and_then(|last| last.as_any().downcast_ref()).expect("instants");
            for record in 0..batch.num_rows() {
                let shown = columns.iter().zip(batch.columns());
                let values = shown.map(|(formatter, column)| {
                    column.is_valid(record).then(|| formatter.value(record).to_string())
                });
                let row = usize::try_from(pages.value(record)).expect("the number of a row");
                records[row].push((table, values.collect()));
            }
        }
        records
    }

    fn computed(&self, batch: &RecordBatch, key: &[String], lookups: &Lookups) -> RecordBatch {
        if self.stream.table.computed.is_empty() {
            return batch.clone();
        }
        let rows = Rows::new(batch, key, lookups).expect("the key is there");
        let values = self.connector.compute(&self.stream, &rows).expect("the columns are there");
        let mut columns = batch.columns().to_vec();
        for (column, values) in self.stream.table.computed.iter().zip(values) {
            let index = batch.schema().index_of(&column.name).expect("a computed column");
            columns[index] = match values {
                Computed::Text(texts) => Arc::new(StringArray::from(texts)),
                Computed::Double(numbers) => Arc::new(Float64Array::from(numbers)),
            };
        }
        RecordBatch::try_new(batch.schema(), columns).expect("computed columns have their types")
    }

    /// The rows that have a key as a batch, the number of each as its instant.
    fn decoded(&self, rows: &[Row]) -> Option<RecordBatch> {
        let options = DecodeOptions {
            table: self.stream.table.clone(),
            derived: Vec::new(),
            items: vec![String::new()],
            single: false,
            custom: None,
            rules: Vec::new(),
        };
        let mut decoder = Decoder::new(&options);
        for (number, row) in rows.iter().enumerate() {
            let extracted_at = i64::try_from(number).expect("not that many rows");
            let lineage = Lineage { source: "<source>", run_id: "any", extracted_at, given: &row.given };
            // A row that is refused has lost its key.
            let _ = decoder.page(json!([row.members]).to_string().as_bytes(), &lineage);
        }
        decoder.take().ok()?.rows
    }
}

/// A connector of no use, for tables that are only decoded.
struct Nothing;

impl Connector for Nothing {
    fn spec(&self) -> &ConnectorSpec {
        unreachable!("nobody asks")
    }

    fn auth(&self, _: &StreamSpec) -> userhaul_connector::auth::AuthSpec {
        unreachable!("nobody asks")
    }

    fn compute(
        &self,
        _: &StreamSpec,
        _: &Rows<'_>,
    ) -> Result<Vec<Computed>, userhaul_connector::rows::UnifyError> {
        Ok(Vec::new())
    }

    fn unify(
        &self,
        _: &StreamSpec,
        _: &Rows<'_>,
        _: &mut Unified,
    ) -> Result<(), userhaul_connector::rows::UnifyError> {
        Ok(())
    }
}

fn connector(registration: &Registration) -> Box<dyn Connector> {
    let spec = ConnectorSpec::parse(registration.facts, None).expect("the facts parse");
    let mut settings = Settings::default();
    settings.set("base_url", SettingValue::Text("https://example.com".to_owned()));
    // A key is required everywhere, though with some vendors another credential may stand for it.
    for setting in
        registration.settings.iter().filter(|setting| setting.required || setting.name == "api_key")
    {
        settings.set(
            setting.name,
            match setting.kind {
                SettingKind::Secret => SettingValue::Secret("none".into()),
                SettingKind::Integer => SettingValue::Integer(1),
                SettingKind::TextList => SettingValue::TextList(vec!["1".to_owned()]),
                SettingKind::File => SettingValue::File("none".into()),
                SettingKind::Text | SettingKind::Choice(_) => SettingValue::Text("none".to_owned()),
            },
        );
    }
    (registration.build)(spec, &settings).map_err(|error| error.message).expect("the settings are enough")
}

fn add_leaves(leaves: &mut Vec<Leaf>, kind: &ColumnType, path: Vec<String>, name: String) {
    match kind {
        ColumnType::List(element) => add_leaves(leaves, element, path, name),
        ColumnType::Struct(members) => {
            for Column { field, name: member, kind, .. } in members {
                let path = path.iter().chain([field]).cloned().collect();
                add_leaves(leaves, kind, path, format!("{name}.{member}"));
            }
        }
        _ => leaves.push(Leaf::Field(path, name)),
    }
}

/// A value of a type. All texts and ids are `1`, so that rows of other tables are found.
fn made(kind: &ColumnType, json: usize, flag: bool) -> Value {
    match kind {
        ColumnType::Text | ColumnType::Id | ColumnType::IdOrObject => "1".into(),
        ColumnType::Int | ColumnType::Double | ColumnType::Decimal => 1.into(),
        ColumnType::Bool => flag.into(),
        ColumnType::Instant | ColumnType::Millis => "2025-01-02T03:04:05Z".into(),
        ColumnType::Date => "2025-01-02".into(),
        ColumnType::Json => [json!("1"), json!(["1", "3"]), json!([1, 2])][json].clone(),
        ColumnType::Map | ColumnType::WrappedMap => json!({ "1": "1" }),
        // Two that differ: which of them counts may depend on a flag.
        ColumnType::List(element) => {
            let first = made(element, json, false);
            let mut second = made(element, json, true);
            each_text(&mut second, &mut |text| *text = "3".to_owned());
            json!([first, second])
        }
        ColumnType::Struct(members) => {
            let members = members.iter();
            Value::Object(
                members.map(|member| (member.field.clone(), made(&member.kind, json, flag))).collect(),
            )
        }
    }
}

fn each_text(value: &mut Value, act: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) if !text.contains('-') => act(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, act)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, act)),
        _ => {}
    }
}

fn take_away(value: &mut Value) {
    *value = Value::Null;
}

fn alter(value: &mut Value) {
    *value = match &*value {
        Value::Bool(flag) => (!flag).into(),
        Value::Number(_) => 2.into(),
        Value::String(text) if text.contains('T') => "2026-02-03T04:05:06Z".into(),
        Value::String(text) if text.contains('-') => "2026-02-03".into(),
        Value::String(text) => format!("{text}2").into(),
        Value::Array(items) => items.iter().cloned().rev().collect(),
        Value::Object(_) => json!({ "2": "2" }),
        Value::Null => Value::Null,
    };
}

impl Leaf {
    fn name(&self) -> &str {
        match self {
            Self::Given(_, name) | Self::Field(_, name) => name,
        }
    }

    fn applied(&self, mut row: Row, change: impl Fn(&mut Value)) -> Row {
        match self {
            Self::Given(index, _) => {
                let mut value = row.given[*index].take().map_or(Value::Null, Value::from);
                change(&mut value);
                row.given[*index] = value.as_str().map(str::to_owned);
            }
            Self::Field(path, _) => at(&mut row.members, path, &change),
        }
        row
    }
}

/// Changes what is at a path, in every element of lists on the way.
fn at(value: &mut Value, path: &[String], change: &impl Fn(&mut Value)) {
    match (value, path) {
        (value, []) => change(value),
        (Value::Array(items), path) => items.iter_mut().for_each(|item| at(item, path, change)),
        (value, [first, rest @ ..]) => {
            if let Some(member) = value.get_mut(first) {
                at(member, rest, change);
            }
        }
    }
}

/// The columns of the records of a table that are its own: name, metric where there are several records, value.
fn columns_of(
    records: &[Record],
    table: Table,
) -> impl Iterator<Item = (String, Option<String>, Option<String>)> {
    let schema = userhaul_record::schema(table);
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let metric = names.iter().position(|name| name == "metric");
    let own = records.iter().filter(move |(of, _)| *of == table);
    let columns = own.flat_map(move |(_, values)| {
        let metric = metric.and_then(|metric| values[metric].clone());
        // The lineage before and behind is alike in all tables; keys of rows are told by the facts.
        let first = if matches!(table, Table::Users | Table::Companies) { 2 } else { 3 };
        let cells = names.iter().cloned().zip(values.iter().cloned()).skip(first);
        let own = names.len() - 2 - first;
        cells.take(own).map(move |(name, value)| (name, metric.clone(), value)).collect::<Vec<_>>()
    });
    columns.collect::<Vec<_>>().into_iter()
}

/// Notes the columns in which the records of one row differ.
fn note(
    found: &mut BTreeMap<(String, Option<String>), Origin>,
    table: Table,
    before: &[Record],
    after: &[Record],
    mut act: impl FnMut(&mut Origin),
) {
    if before.len() != after.len() {
        return;
    }
    for ((name, metric, one), (_, _, other)) in columns_of(before, table).zip(columns_of(after, table)) {
        if one != other {
            act(found.entry((name, metric)).or_default());
        }
    }
}
