//! The growing columns of one table: the vendor's, the given ones, the key and the lineage.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    builder::{ColumnBuilder, Values, builders},
    private::{Rule, redact},
    runs::Runs,
    shape::Shape,
    table::{Lineage, TableLayout},
};
use crate::{
    column::ColumnType,
    json::{canonical, instant, scan::Scanner},
};

/// The growing columns of one table.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    pub(crate) schema: SchemaRef,
    pub(crate) given: Vec<ColumnBuilder>,
    pub(crate) ordinal: Option<ColumnBuilder>,
    pub(crate) shape: Shape,
    pub(crate) computed: Vec<ColumnBuilder>,
    pub(crate) synthetic: Option<Synthetic>,
    pub(crate) source: Runs,
    pub(crate) run_id: Runs,
    pub(crate) extracted_at: ColumnBuilder,
    pub(crate) extra: ColumnBuilder,
    /// The names of the vendor's fields, by index.
    pub(crate) names: Vec<String>,
    pub(crate) key: Vec<KeyColumn>,
    pub(crate) rows: usize,
}

#[derive(Debug)]
pub(crate) struct Synthetic {
    pub(crate) column: ColumnBuilder,
    /// The index of the field that is the id where a row has it.
    pub(crate) id: Option<usize>,
    pub(crate) stream: String,
    /// A row is hashed as it may be kept.
    pub(crate) rules: Vec<Rule>,
    /// How often the same row has been seen in this walk.
    pub(crate) duplicates: BTreeMap<[u8; 32], u32>,
    /// For each row, a hash of its id or content, without the number of equal rows before it.
    pub(crate) content: Vec<u64>,
}

/// Where a column of the primary key is grown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyColumn {
    Given(usize),
    Ordinal,
    Field(usize),
    Synthetic,
}

impl TableBuilder {
    pub(crate) fn new(layout: &TableLayout, rules: &[Rule]) -> Self {
        let shape = Shape::new(&layout.columns, &layout.aliases, rules);
        let key = layout.primary_key.iter().filter_map(|name| key_column(layout, name)).collect();
        Self {
            schema: layout.schema(),
            given: builders(&layout.given, rules),
            ordinal: layout.ordinal.then(|| ColumnBuilder::new(&ColumnType::Int, rules)),
            shape,
            computed: builders(&layout.computed, rules),
            synthetic: layout.synthetic_key.as_ref().map(|field| Synthetic {
                column: ColumnBuilder::new(&ColumnType::Id, &[]),
                id: layout.columns.iter().position(|column| column.field == *field),
                stream: layout.stream.clone(),
                rules: rules.to_vec(),
                duplicates: BTreeMap::new(),
                content: Vec::new(),
            }),
            source: Runs::default(),
            run_id: Runs::default(),
            extracted_at: ColumnBuilder::new(&ColumnType::Instant, &[]),
            extra: ColumnBuilder::new(&ColumnType::Json, &[]),
            names: layout.columns.iter().map(|column| column.name.clone()).collect(),
            key,
            rows: 0,
        }
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        self.shape.truncate(rows);
        let others = self.given.iter_mut().chain(self.ordinal.as_mut()).chain(&mut self.computed);
        for column in others.chain(self.synthetic.as_mut().map(|synthetic| &mut synthetic.column)) {
            column.truncate(rows);
        }
        if let Some(synthetic) = &mut self.synthetic {
            synthetic.content.truncate(rows);
        }
        self.source.truncate(rows);
        self.run_id.truncate(rows);
        self.extracted_at.truncate(rows);
        self.extra.truncate(rows);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.shape.fields.iter().map(|field| field.builder.bytes()).sum::<usize>() + self.extra.bytes()
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let schema = Arc::clone(&self.schema);
        let fields = schema.fields();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for column in self.given.iter_mut().chain(self.ordinal.as_mut()) {
            arrays.push(column.finish(fields[arrays.len()].data_type())?);
        }
        for field in &mut self.shape.fields {
            arrays.push(field.builder.finish(fields[arrays.len()].data_type())?);
        }
        for column in
            self.computed.iter_mut().chain(self.synthetic.as_mut().map(|synthetic| &mut synthetic.column))
        {
            arrays.push(column.finish(fields[arrays.len()].data_type())?);
        }
        arrays.push(Arc::new(self.source.finish()));
        arrays.push(Arc::new(self.run_id.finish()));
        arrays.push(self.extracted_at.finish(fields[arrays.len()].data_type())?);
        arrays.push(self.extra.finish(fields[arrays.len()].data_type())?);
        self.rows = 0;
        if let Some(synthetic) = &mut self.synthetic {
            synthetic.content.clear();
        }
        RecordBatch::try_new(schema, arrays)
    }

    pub(crate) fn key_builder(&self, column: KeyColumn) -> Option<&ColumnBuilder> {
        match column {
            KeyColumn::Given(index) => self.given.get(index),
            KeyColumn::Ordinal => self.ordinal.as_ref(),
            KeyColumn::Field(index) => self.shape.fields.get(index).map(|field| &field.builder),
            KeyColumn::Synthetic => self.synthetic.as_ref().map(|synthetic| &synthetic.column),
        }
    }
}

pub(crate) fn key_column(layout: &TableLayout, name: &str) -> Option<KeyColumn> {
    if name == "ordinal" && layout.ordinal {
        return Some(KeyColumn::Ordinal);
    }
    if name == "_key" && layout.synthetic_key.is_some() {
        return Some(KeyColumn::Synthetic);
    }
    let given = layout.given.iter().position(|column| column.name == name).map(KeyColumn::Given);
    given.or_else(|| layout.columns.iter().position(|column| column.name == name).map(KeyColumn::Field))
}

/// The column of a parent row that a derived row repeats: one of the vendor's fields, or a given one.
pub(crate) fn parent_column(layout: &TableLayout, field: &str) -> Option<KeyColumn> {
    let own = layout.columns.iter().position(|column| column.field == field).map(KeyColumn::Field);
    own.or_else(|| layout.given.iter().position(|column| column.field == field).map(KeyColumn::Given))
}

pub(crate) fn push_text(column: &mut ColumnBuilder, value: Option<&str>) {
    match (&mut column.values, value) {
        (
            Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts, _),
            Some(value),
        ) => {
            texts.push(value.as_bytes());
            column.valid.push(true);
        }
        (Values::Date(days), Some(value)) => match instant::day(value.as_bytes()) {
            Some(day) => {
                days.push(day);
                column.valid.push(true);
            }
            None => column.push_null(),
        },
        (Values::Instant(instants), Some(value)) => match instant::instant(value.as_bytes()) {
            Some(instant) => {
                instants.push(instant);
                column.valid.push(true);
            }
            None => column.push_null(),
        },
        _ => column.push_null(),
    }
}

pub(crate) fn close_lineage(table: &mut TableBuilder, lineage: &Lineage<'_>) {
    table.source.push(lineage.source);
    table.run_id.push(lineage.run_id);
    if let Values::Instant(instants) = &mut table.extracted_at.values {
        instants.push(lineage.extracted_at);
        table.extracted_at.valid.push(true);
    }
}

/// `_key`: the row's id, or the hash of given columns, stream and row (vendors/userlane.md 2.2), with the number of
/// equal rows before it.
pub(crate) fn synthesise(
    table: &mut TableBuilder,
    page: &[u8],
    row: std::ops::Range<usize>,
    lineage: &Lineage<'_>,
) {
    let index = table.rows;
    let Some(synthetic) = &mut table.synthetic else { return };
    let id = synthetic
        .id
        .and_then(|field| table.shape.fields[field].builder.text(index))
        .filter(|id| !id.is_empty());
    if let Some(id) = id {
        let id = id.to_vec();
        synthetic.content.push(content_hash(&id));
        if let Values::Id(texts) = &mut synthetic.column.values {
            texts.push(&id);
            synthetic.column.valid.push(true);
        }
        return;
    }
    let mut hash = Sha256::new();
    for given in lineage.given {
        hash.update(given.as_deref().unwrap_or_default());
        hash.update([0]);
    }
    hash.update(&synthetic.stream);
    hash.update([0]);
    let mut canonical_row = Vec::new();
    let mut kept = Vec::new();
    let mut scanner = Scanner { bytes: page, at: row.start };
    if !synthetic.rules.is_empty() {
        redact(&page[row.clone()], &synthetic.rules, &mut kept);
        scanner = Scanner::new(&kept);
    }
    // The row was read once already, so it is JSON.
    if canonical::append(&mut scanner, &mut canonical_row).is_err() {
        canonical_row = page[row].to_vec();
    }
    hash.update(&canonical_row);
    let digest: [u8; 32] = hash.finalize().into();
    synthetic.content.push(content_hash(&digest));
    let ordinal = synthetic.duplicates.entry(digest).or_default();
    let mut key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if *ordinal > 0 {
        key.push_str(&format!("-{ordinal}"));
    }
    *ordinal += 1;
    push_text(&mut synthetic.column, Some(&key));
}

/// A hash of a row's key or content. The hashes of one walk are compared with each other and never stored.
pub(crate) fn content_hash(content: &[u8]) -> u64 {
    xxh3_64(content)
}
