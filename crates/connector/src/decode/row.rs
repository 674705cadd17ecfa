//! Rows of a page, into the columns of their table and of the tables derived from it.

use std::collections::BTreeMap;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use sha2::{Digest, Sha256};

use super::{
    Counts, CustomFields, DecodeError, DecodeOptions, PageRows, Taken,
    builder::{ColumnBuilder, Texts, Values},
    names,
    private::{Act, Rule, hashed, rule_for},
    shape::{Shape, Target},
    table::{Lineage, TableLayout},
    value::{Entries, Fit, Met, earlier_duplicates, private_text, read_private, target_of},
};
use crate::{
    column::ColumnType,
    json::{
        canonical,
        scan::{JsonError, Kind, Scanner, StringSpan},
        text,
    },
};

/// A row without a column of its primary key; see [`DecodeError::NullKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NullKey;

/// The growing columns of one table.
#[derive(Debug)]
struct TableBuilder {
    schema: SchemaRef,
    given: Vec<ColumnBuilder>,
    ordinal: Option<ColumnBuilder>,
    shape: Shape,
    computed: Vec<ColumnBuilder>,
    synthetic: Option<Synthetic>,
    source: Texts,
    run_id: Texts,
    extracted_at: ColumnBuilder,
    extra: ColumnBuilder,
    /// The names of the vendor's fields, by index.
    names: Vec<String>,
    key: Vec<KeyColumn>,
    rows: usize,
}

#[derive(Debug)]
struct Synthetic {
    column: ColumnBuilder,
    /// The index of the field that is the id where a row has it.
    id: Option<usize>,
    stream: String,
    /// How often the same row has been seen in this walk.
    duplicates: BTreeMap<[u8; 32], u32>,
    /// For each row, a hash of its id or content, without the number of equal rows before it.
    content: Vec<u64>,
}

/// Where a column of the primary key is grown.
#[derive(Debug, Clone, Copy)]
enum KeyColumn {
    Given(usize),
    Ordinal,
    Field(usize),
    Synthetic,
}

impl TableBuilder {
    fn new(layout: &TableLayout, rules: &[Rule]) -> Self {
        let shape = Shape::new(&layout.columns, &layout.aliases, rules);
        let key = layout.primary_key.iter().filter_map(|name| key_column(layout, name)).collect();
        Self {
            schema: layout.schema(),
            given: super::builder::builders(&layout.given, rules),
            ordinal: layout.ordinal.then(|| ColumnBuilder::new(&ColumnType::Int, rules)),
            shape,
            computed: super::builder::builders(&layout.computed, rules),
            synthetic: layout.synthetic_key.as_ref().map(|field| Synthetic {
                column: ColumnBuilder::new(&ColumnType::Id, &[]),
                id: layout.columns.iter().position(|column| column.field == *field),
                stream: layout.stream.clone(),
                duplicates: BTreeMap::new(),
                content: Vec::new(),
            }),
            source: Texts::default(),
            run_id: Texts::default(),
            extracted_at: ColumnBuilder::new(&ColumnType::Instant, &[]),
            extra: ColumnBuilder::new(&ColumnType::Json, &[]),
            names: layout.columns.iter().map(|column| column.name.clone()).collect(),
            key,
            rows: 0,
        }
    }

    fn truncate(&mut self, rows: usize) {
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

    fn bytes(&self) -> usize {
        self.shape.fields.iter().map(|field| field.builder.bytes()).sum::<usize>() + self.extra.bytes()
    }

    fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let schema = std::sync::Arc::clone(&self.schema);
        let fields = schema.fields();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for column in self.given.iter_mut().chain(self.ordinal.as_mut()) {
            arrays.push(column.finish(fields[arrays.len()].data_type())?);
        }
        for field in &mut self.shape.fields {
            arrays.push(field.builder.finish(fields[arrays.len()].data_type())?);
        }
        for column in self.computed.iter_mut().chain(self.synthetic.as_mut().map(|synthetic| &mut synthetic.column)) {
            arrays.push(column.finish(fields[arrays.len()].data_type())?);
        }
        arrays.push(std::sync::Arc::new(self.source.finish(None)?));
        arrays.push(std::sync::Arc::new(self.run_id.finish(None)?));
        arrays.push(self.extracted_at.finish(fields[arrays.len()].data_type())?);
        arrays.push(self.extra.finish(fields[arrays.len()].data_type())?);
        self.rows = 0;
        if let Some(synthetic) = &mut self.synthetic {
            synthetic.content.clear();
        }
        RecordBatch::try_new(schema, arrays)
    }

    fn key_builder(&self, column: KeyColumn) -> Option<&ColumnBuilder> {
        match column {
            KeyColumn::Given(index) => self.given.get(index),
            KeyColumn::Ordinal => self.ordinal.as_ref(),
            KeyColumn::Field(index) => self.shape.fields.get(index).map(|field| &field.builder),
            KeyColumn::Synthetic => self.synthetic.as_ref().map(|synthetic| &synthetic.column),
        }
    }
}

fn key_column(layout: &TableLayout, name: &str) -> Option<KeyColumn> {
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
fn parent_column(layout: &TableLayout, field: &str) -> Option<KeyColumn> {
    let own = layout.columns.iter().position(|column| column.field == field).map(KeyColumn::Field);
    own.or_else(|| layout.given.iter().position(|column| column.field == field).map(KeyColumn::Given))
}

/// A derived table and where its rows stand.
#[derive(Debug)]
struct Derived {
    stream: String,
    table: TableBuilder,
    field: Vec<u8>,
    /// For each given column, the parent's column that it repeats.
    inherits: Vec<Option<KeyColumn>>,
    single: bool,
    /// Where the current row's value begins in the page.
    at: Option<usize>,
}

/// Reads the rows of a stream's pages.
#[derive(Debug)]
pub(crate) struct RowReader {
    table: TableBuilder,
    derived: Vec<Derived>,
    custom: Option<(usize, CustomFields)>,
    rules: Vec<Rule>,
    counts: Counts,
    met: Met,
    leftovers: Vec<Leftover>,
    watch_keys: bool,
    watch_cursor: Option<KeyColumn>,
    layout: TableLayout,
}

/// What a second reading of a row passes over: byte offsets of keys, ascending.
#[derive(Debug)]
struct Again {
    /// A later equal key supersedes them.
    superseded: Vec<usize>,
    /// Another name of the same field is read instead.
    outvoted: Vec<usize>,
}

/// A member of a row that goes into `_extra`.
#[derive(Debug, Clone)]
struct Leftover {
    key: std::ops::Range<usize>,
    value: std::ops::Range<usize>,
    /// What stands for the value where a privacy rule says so.
    replaced: Option<String>,
}

impl RowReader {
    pub(crate) fn new(options: &DecodeOptions) -> Self {
        let layout = options.table.clone();
        let derived = options.derived.iter().map(|derived| Derived {
            stream: derived.stream.clone(),
            table: TableBuilder::new(&derived.table, &options.rules),
            field: derived.field.as_bytes().to_vec(),
            inherits: derived.inherits.iter().map(|field| parent_column(&layout, field)).collect(),
            single: derived.single,
            at: None,
        });
        let custom = options.custom.as_ref().and_then(|custom| {
            let column = layout.columns.iter().position(|column| column.field == custom.column)?;
            Some((column, custom.clone()))
        });
        Self {
            table: TableBuilder::new(&layout, &options.rules),
            derived: derived.collect(),
            custom,
            rules: options.rules.clone(),
            counts: Counts::default(),
            met: Met::default(),
            leftovers: Vec::new(),
            watch_keys: false,
            watch_cursor: None,
            layout,
        }
    }

    /// Whether two rows of one key hash are the same row.
    pub(crate) fn exact_keys(&self) -> bool {
        self.table.synthetic.is_none()
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        std::sync::Arc::clone(&self.table.schema)
    }

    pub(crate) fn rows(&self) -> usize {
        self.table.rows
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes() + self.derived.iter().map(|derived| derived.table.bytes()).sum::<usize>()
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn watch(&mut self, keys: bool, cursor: Option<&str>) {
        self.watch_keys = keys;
        self.watch_cursor = cursor.and_then(|name| key_column(&self.layout, name));
    }

    /// The number of rows of every table, to go back to.
    pub(crate) fn mark(&self) -> Vec<usize> {
        std::iter::once(self.table.rows).chain(self.derived.iter().map(|derived| derived.table.rows)).collect()
    }

    pub(crate) fn roll_back(&mut self, mark: &[usize]) {
        let tables = std::iter::once(&mut self.table).chain(self.derived.iter_mut().map(|derived| &mut derived.table));
        for (table, &rows) in tables.zip(mark) {
            table.truncate(rows);
        }
    }

    /// Forgets how often equal rows came: a walk begins anew.
    pub(crate) fn begin_walk(&mut self) {
        let tables = std::iter::once(&mut self.table).chain(self.derived.iter_mut().map(|derived| &mut derived.table));
        for synthetic in tables.filter_map(|table| table.synthetic.as_mut()) {
            synthetic.duplicates.clear();
        }
    }

    pub(crate) fn take(&mut self) -> Result<Taken, ArrowError> {
        let mut taken = Taken::default();
        if self.table.rows > 0 {
            taken.rows = Some(self.table.finish()?);
        }
        for derived in &mut self.derived {
            if derived.table.rows > 0 {
                taken.derived.push((derived.stream.clone(), derived.table.finish()?));
            }
        }
        Ok(taken)
    }

    /// Reads the array of rows that begins at the scanner.
    pub(crate) fn array(&mut self, scanner: &mut Scanner<'_>, lineage: &Lineage<'_>) -> Result<(), DecodeError> {
        if scanner.enter_array()? {
            let mut index = 0;
            loop {
                self.row(scanner, lineage, index)?;
                index += 1;
                if !scanner.next_element()? {
                    break;
                }
            }
        }
        self.settle();
        Ok(())
    }

    /// Reads rows that stand one after the other with commas between them, up to the end.
    pub(crate) fn elements(&mut self, scanner: &mut Scanner<'_>, lineage: &Lineage<'_>) -> Result<(), DecodeError> {
        let mut index = 0;
        loop {
            scanner.space();
            if scanner.peek().is_none() {
                break;
            }
            if index > 0 {
                scanner.expect(b',', "a comma between rows")?;
            }
            self.row(scanner, lineage, index)?;
            index += 1;
        }
        self.settle();
        Ok(())
    }

    /// Reads the single row that begins at the scanner.
    pub(crate) fn one(&mut self, scanner: &mut Scanner<'_>, lineage: &Lineage<'_>) -> Result<(), DecodeError> {
        self.row(scanner, lineage, 0)?;
        self.settle();
        Ok(())
    }

    fn settle(&mut self) {
        self.counts.surrogates += std::mem::take(&mut self.met.surrogates);
        self.counts.duplicate_keys += std::mem::take(&mut self.met.duplicate_keys);
    }

    fn row(&mut self, scanner: &mut Scanner<'_>, lineage: &Lineage<'_>, index: usize) -> Result<(), DecodeError> {
        scanner.space();
        if scanner.peek() != Some(b'{') {
            return Err(DecodeError::NotAnObject { row: index });
        }
        let start = *scanner;
        let row = self.table.rows;
        if !self.members(scanner, None)? {
            // A key stands twice, or two names of one field: the row is read again, without those that lose.
            self.table.shape.truncate(row);
            *scanner = start;
            let superseded = earlier_duplicates(start, &mut self.met)?;
            let outvoted = names::outvoted(start, &self.table.shape, &self.layout.columns, &superseded)?;
            self.members(scanner, Some(&Again { superseded, outvoted }))?;
        }
        self.close_row(scanner.bytes, start.at..scanner.at, lineage);
        self.require_key(start, row, index)?;
        self.derive(scanner.bytes, lineage)?;
        Ok(())
    }

    /// Reads the members of a row; false where a field came twice and the row must be read again.
    fn members(&mut self, scanner: &mut Scanner<'_>, again: Option<&Again>) -> Result<bool, JsonError> {
        self.table.shape.begin();
        self.leftovers.clear();
        for derived in &mut self.derived {
            derived.at = None;
        }
        let mut custom_entries = false;
        let mut position = 0;
        let mut more = scanner.enter_object()?;
        while more {
            let at = scanner.at;
            let key = scanner.string()?;
            let key_range = at..scanner.at;
            scanner.colon()?;
            let target = target_of(&mut self.table.shape, position, key, &mut self.met);
            position += 1;
            if again.is_some_and(|again| again.superseded.binary_search(&at).is_ok()) {
                scanner.skip()?;
            } else {
                let start = *scanner;
                match target {
                    Target::Field(index) if self.is_custom_column(index) => {
                        custom_entries |= self.custom_object(scanner, key_range, index)?;
                    }
                    Target::Field(_) if again.is_some_and(|again| again.outvoted.binary_search(&at).is_ok()) => {
                        // A name without a value says nothing that would be lost.
                        if scanner.kind()? == Kind::Null { scanner.literal("null")? } else { self.leave(scanner, key_range)? }
                    }
                    Target::Field(index) if self.table.shape.fields[index].seen.is_some() => {
                        if again.is_none() {
                            return Ok(false);
                        }
                        self.leave(scanner, key_range)?;
                    }
                    Target::Field(index) => self.field(scanner, index, key_range)?,
                    Target::Container(container) => self.container(scanner, container, key_range)?,
                    Target::Unknown if self.is_custom(key) => {
                        self.custom_entry(scanner, key)?;
                        custom_entries = true;
                    }
                    Target::Unknown => {
                        self.leave(scanner, key_range)?;
                        self.count_new(key);
                    }
                }
                for derived in &mut self.derived {
                    if derived.field == key.inner {
                        derived.at = Some(start.at);
                    }
                }
            }
            more = scanner.next_member()?;
        }
        self.close_custom(custom_entries);
        self.table.shape.end();
        Ok(true)
    }

    fn field(
        &mut self,
        scanner: &mut Scanner<'_>,
        index: usize,
        key: std::ops::Range<usize>,
    ) -> Result<(), JsonError> {
        scanner.space();
        let start = scanner.at;
        let field = &mut self.table.shape.fields[index];
        field.seen = Some(key.start);
        let fit = read_private(&mut field.builder, field.private.as_ref(), scanner, &mut self.met)?;
        if fit != Fit::Whole {
            *self.counts.type_mismatches.entry(self.table.names[index].clone()).or_default() += 1;
            self.leftovers.push(Leftover { key, value: start..scanner.at, replaced: None });
        }
        Ok(())
    }

    /// Reads an object whose members are columns. What it has besides makes the whole of it a leftover.
    fn container(
        &mut self,
        scanner: &mut Scanner<'_>,
        container: usize,
        key: std::ops::Range<usize>,
    ) -> Result<(), JsonError> {
        scanner.space();
        let start = scanner.at;
        let mut kept = true;
        if scanner.peek() == Some(b'{') {
            let mut more = scanner.enter_object()?;
            while more {
                let member = scanner.string()?;
                scanner.colon()?;
                let found = self.table.shape.contained(container, member.inner);
                match found.filter(|&index| self.table.shape.fields[index].seen.is_none()) {
                    Some(index) => {
                        let field = &mut self.table.shape.fields[index];
                        field.seen = Some(usize::MAX);
                        let private = field.private.as_ref();
                        kept &= read_private(&mut field.builder, private, scanner, &mut self.met)? == Fit::Whole;
                    }
                    None => {
                        scanner.skip()?;
                        kept = false;
                    }
                }
                more = scanner.next_member()?;
            }
        } else {
            scanner.skip()?;
            kept = false;
        }
        if !kept {
            self.leftovers.push(Leftover { key, value: start..scanner.at, replaced: None });
        }
        Ok(())
    }

    /// Keeps a member for `_extra`, under the privacy rule of its name.
    fn leave(&mut self, scanner: &mut Scanner<'_>, key: std::ops::Range<usize>) -> Result<(), JsonError> {
        let kind = scanner.kind()?;
        let start = *scanner;
        let value = scanner.skip()?;
        if self.rules.is_empty() {
            self.leftovers.push(Leftover { key, value, replaced: None });
            return Ok(());
        }
        let name = String::from_utf8_lossy(&scanner.bytes[key.start + 1..key.end - 1]).into_owned();
        let replaced = match rule_for(&self.rules, &name, &crate::column::snake_case(&name)) {
            Some(Act::Drop) => return Ok(()),
            Some(Act::Hash(secret)) => Some(hashed(secret, &private_text(start, value.clone(), kind)?)),
            None => None,
        };
        self.leftovers.push(Leftover { key, value, replaced });
        Ok(())
    }

    fn count_new(&mut self, key: StringSpan<'_>) {
        let known = std::str::from_utf8(key.inner).ok().and_then(|name| self.counts.new_fields.get_mut(name));
        if let Some(count) = known {
            *count += 1;
        } else if self.counts.new_fields.len() < 1000 {
            self.counts.new_fields.insert(String::from_utf8_lossy(key.inner).into_owned(), 1);
        }
    }

    fn is_custom_column(&self, index: usize) -> bool {
        self.custom.as_ref().is_some_and(|(column, _)| *column == index)
    }

    fn is_custom(&self, key: StringSpan<'_>) -> bool {
        self.custom.as_ref().is_some_and(|(_, custom)| {
            std::str::from_utf8(key.inner).is_ok_and(|name| custom.names.contains(name))
        })
    }

    fn custom_entry(&mut self, scanner: &mut Scanner<'_>, key: StringSpan<'_>) -> Result<(), JsonError> {
        let Some((column, _)) = &self.custom else { return Ok(()) };
        let private = rule_for(&self.rules, &String::from_utf8_lossy(key.inner), "").cloned();
        let Values::Map { keys, values, valid, .. } = &mut self.table.shape.fields[*column].builder.values else {
            return Ok(());
        };
        if let Some(act) = private {
            let kind = scanner.kind()?;
            let start = *scanner;
            let range = scanner.skip()?;
            if let Act::Hash(secret) = act {
                keys.push(key.inner);
                values.push(hashed(&secret, &private_text(start, range, kind)?).as_bytes());
                valid.push(true);
            }
            return Ok(());
        }
        text::append(key, &mut keys.bytes);
        keys.close();
        Entries { keys, values, valid, wrapped: false }.value(scanner, &mut self.met)
    }

    /// Reads an object of custom fields, or null, under the map column's own name; anything else is a leftover.
    fn custom_object(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: std::ops::Range<usize>,
        index: usize,
    ) -> Result<bool, JsonError> {
        match scanner.kind()? {
            Kind::Object => {}
            Kind::Null => {
                scanner.literal("null")?;
                return Ok(false);
            }
            _ => {
                self.leave(scanner, key)?;
                return Ok(false);
            }
        }
        let Values::Map { keys, values, valid, .. } = &mut self.table.shape.fields[index].builder.values else {
            return Ok(false);
        };
        Entries { keys, values, valid, wrapped: false }.append(scanner, &mut self.met)?;
        Ok(true)
    }

    /// Ends the current row of the custom fields' map.
    fn close_custom(&mut self, any: bool) {
        let Some((column, _)) = &self.custom else { return };
        let field = &mut self.table.shape.fields[*column];
        if !any {
            return;
        }
        if let Values::Map { ends, keys, values, valid, .. } = &mut field.builder.values {
            let start = super::builder::last_end(ends);
            Entries { keys, values, valid, wrapped: false }.unique(start, &mut self.met);
            ends.push(i32::try_from(keys.len()).unwrap_or(i32::MAX));
        }
        field.builder.valid.push(true);
        field.seen = Some(0);
    }

    /// Appends the row's columns that are not the vendor's.
    fn close_row(&mut self, page: &[u8], row: std::ops::Range<usize>, lineage: &Lineage<'_>) {
        let table = &mut self.table;
        for (column, value) in table.given.iter_mut().zip(lineage.given) {
            push_text(column, value.as_deref());
        }
        for column in &mut table.computed {
            column.push_null();
        }
        synthesise(table, page, row, lineage);
        close_lineage(table, lineage);
        append_extra(&mut table.extra, page, &self.leftovers, &mut self.met);
        table.rows += 1;
    }

    /// Fails where a column of the primary key is null.
    fn require_key(&self, start: Scanner<'_>, row: usize, index: usize) -> Result<(), DecodeError> {
        for (number, &column) in self.table.key.iter().enumerate() {
            let null = self.table.key_builder(column).is_some_and(|builder| builder.valid.get(row) == Some(&false));
            if null {
                return Err(DecodeError::NullKey {
                    row: index,
                    column: self.layout.primary_key.get(number).cloned().unwrap_or_default(),
                    fields: field_names(start)?,
                });
            }
        }
        Ok(())
    }

    /// Reads the rows of the derived tables that stand in the row just read.
    fn derive(&mut self, page: &[u8], lineage: &Lineage<'_>) -> Result<(), DecodeError> {
        let row = self.table.rows - 1;
        for derived in &mut self.derived {
            let Some(at) = derived.at else { continue };
            let mut scanner = Scanner { bytes: page, at };
            scanner.space();
            let inherited: Vec<Option<String>> = derived
                .inherits
                .iter()
                .map(|field| {
                    self.table.key_builder((*field)?)?.text(row).map(|text| String::from_utf8_lossy(text).into_owned())
                })
                .collect();
            let lineage = Lineage { given: &inherited, ..*lineage };
            derived.read(&mut scanner, &lineage, &mut self.met, &mut self.counts)?;
        }
        Ok(())
    }

    /// Hashes and cursor values of the rows from `first` on, as far as they are watched.
    pub(crate) fn page_rows(&self, first: usize) -> PageRows {
        let rows = self.table.rows - first;
        let mut page = PageRows { rows, ..PageRows::default() };
        if self.watch_keys {
            page.keys = (first..self.table.rows).map(|row| self.key_hash(row)).collect();
        }
        if let Some(cursor) = self.watch_cursor.and_then(|column| self.table.key_builder(column)) {
            let unit = if matches!(cursor.values, Values::Date(_)) { 86_400_000_000 } else { 1 };
            page.cursors = (first..self.table.rows).map(|row| cursor.number(row).map(|number| number * unit)).collect();
        }
        page
    }

    fn key_hash(&self, row: usize) -> u64 {
        use std::hash::Hasher;
        let mut hasher = siphasher();
        for &column in &self.table.key {
            if let (KeyColumn::Synthetic, Some(synthetic)) = (column, &self.table.synthetic) {
                hasher.write_u64(synthetic.content.get(row).copied().unwrap_or_default());
                continue;
            }
            let Some(builder) = self.table.key_builder(column) else { continue };
            match builder.text(row) {
                Some(text) => hasher.write(text),
                None => hasher.write_i64(builder.number(row).unwrap_or(i64::MIN)),
            }
            hasher.write_u8(0xFF);
        }
        hasher.finish()
    }
}

impl Derived {
    fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
        met: &mut Met,
        counts: &mut Counts,
    ) -> Result<(), DecodeError> {
        match (scanner.peek(), self.single) {
            (Some(b'['), false) => {
                let mut ordinal = 0;
                let mut more = scanner.enter_array()?;
                while more {
                    scanner.space();
                    if scanner.peek() == Some(b'{') {
                        self.row(scanner, lineage, ordinal, met, counts)?;
                    } else {
                        // The parent's column kept it.
                        scanner.skip()?;
                    }
                    ordinal += 1;
                    more = scanner.next_element()?;
                }
                Ok(())
            }
            (Some(b'{'), true) => self.row(scanner, lineage, 0, met, counts),
            _ => Ok(()),
        }
    }

    fn row(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
        ordinal: i64,
        met: &mut Met,
        counts: &mut Counts,
    ) -> Result<(), DecodeError> {
        let start = *scanner;
        let row = self.table.rows;
        let mut leftovers = Vec::new();
        if !self.members(scanner, None, &mut leftovers, met, counts)? {
            self.table.shape.truncate(row);
            *scanner = start;
            leftovers.clear();
            let superseded = earlier_duplicates(start, met)?;
            self.members(scanner, Some(&superseded), &mut leftovers, met, counts)?;
        }
        let table = &mut self.table;
        for (column, value) in table.given.iter_mut().zip(lineage.given) {
            push_text(column, value.as_deref());
        }
        if let Some(column) = &mut table.ordinal
            && let Values::Int(numbers) = &mut column.values
        {
            numbers.push(ordinal);
            column.valid.push(true);
        }
        for column in &mut table.computed {
            column.push_null();
        }
        synthesise(table, scanner.bytes, start.at..scanner.at, lineage);
        close_lineage(table, lineage);
        append_extra(&mut table.extra, scanner.bytes, &leftovers, met);
        table.rows += 1;
        let keyless =
            table.key.iter().any(|&column| table.key_builder(column).is_some_and(|key| key.valid.get(row) == Some(&false)));
        if keyless {
            // Without its key a derived row cannot stand; the parent's column has it.
            table.truncate(row);
            *counts.type_mismatches.entry(format!("{}:key", self.stream)).or_default() += 1;
        }
        Ok(())
    }

    fn members(
        &mut self,
        scanner: &mut Scanner<'_>,
        superseded: Option<&[usize]>,
        leftovers: &mut Vec<Leftover>,
        met: &mut Met,
        counts: &mut Counts,
    ) -> Result<bool, JsonError> {
        let shape = &mut self.table.shape;
        shape.begin();
        let mut position = 0;
        let mut more = scanner.enter_object()?;
        while more {
            let at = scanner.at;
            let key = scanner.string()?;
            let key_range = at..scanner.at;
            scanner.colon()?;
            let target = target_of(shape, position, key, met);
            position += 1;
            let repeated = superseded.is_some_and(|keys| keys.binary_search(&at).is_ok());
            match target {
                _ if repeated => {
                    scanner.skip()?;
                }
                Target::Field(index) if shape.fields[index].seen.is_none() => {
                    scanner.space();
                    let start = scanner.at;
                    let field = &mut shape.fields[index];
                    field.seen = Some(at);
                    if read_private(&mut field.builder, field.private.as_ref(), scanner, met)? != Fit::Whole {
                        *counts.type_mismatches.entry(format!("{}:{}", self.stream, self.table.names[index])).or_default() += 1;
                        leftovers.push(Leftover { key: key_range, value: start..scanner.at, replaced: None });
                    }
                }
                Target::Field(_) if superseded.is_none() => return Ok(false),
                Target::Field(_) | Target::Container(_) | Target::Unknown => {
                    let value = scanner.skip()?;
                    leftovers.push(Leftover { key: key_range, value, replaced: None });
                }
            }
            more = scanner.next_member()?;
        }
        shape.end();
        Ok(true)
    }
}

fn push_text(column: &mut ColumnBuilder, value: Option<&str>) {
    match (&mut column.values, value) {
        (Values::Text(texts) | Values::Id(texts) | Values::Json(texts) | Values::IdOrObject(texts), Some(value)) => {
            texts.push(value.as_bytes());
            column.valid.push(true);
        }
        (Values::Date(days), Some(value)) => match crate::json::instant::day(value.as_bytes()) {
            Some(day) => {
                days.push(day);
                column.valid.push(true);
            }
            None => column.push_null(),
        },
        (Values::Instant(instants), Some(value)) => match crate::json::instant::instant(value.as_bytes()) {
            Some(instant) => {
                instants.push(instant);
                column.valid.push(true);
            }
            None => column.push_null(),
        },
        _ => column.push_null(),
    }
}

fn close_lineage(table: &mut TableBuilder, lineage: &Lineage<'_>) {
    table.source.push(lineage.source.as_bytes());
    table.run_id.push(lineage.run_id.as_bytes());
    if let Values::Instant(instants) = &mut table.extracted_at.values {
        instants.push(lineage.extracted_at);
        table.extracted_at.valid.push(true);
    }
}

/// `_key`: the row's id, or the hash of given columns, stream and row (vendors/userlane.md 2.2), with the number of
/// equal rows before it.
fn synthesise(table: &mut TableBuilder, page: &[u8], row: std::ops::Range<usize>, lineage: &Lineage<'_>) {
    let index = table.rows;
    let Some(synthetic) = &mut table.synthetic else { return };
    let id = synthetic.id.and_then(|field| table.shape.fields[field].builder.text(index)).filter(|id| !id.is_empty());
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
    // The row was read once already, so it is JSON.
    if canonical::append(&mut Scanner { bytes: page, at: row.start }, &mut canonical_row).is_err() {
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

fn content_hash(content: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = siphasher();
    hasher.write(content);
    hasher.finish()
}

/// SipHash with fixed keys: the hashes of one walk are compared with each other and never stored.
#[expect(deprecated, reason = "the only fixed SipHash of the standard library; it is good enough here")]
fn siphasher() -> std::hash::SipHasher {
    std::hash::SipHasher::new()
}

/// `_extra`: what no column took, under the vendor's names; of equal names the last.
fn append_extra(extra: &mut ColumnBuilder, page: &[u8], leftovers: &[Leftover], met: &mut Met) {
    let Values::Json(texts) = &mut extra.values else { return };
    if leftovers.is_empty() {
        texts.close();
        extra.valid.push(false);
        return;
    }
    let mut last: std::collections::HashMap<&[u8], usize> = std::collections::HashMap::new();
    if leftovers.len() > 1 {
        for (index, leftover) in leftovers.iter().enumerate() {
            last.insert(&page[leftover.key.clone()], index);
        }
    }
    texts.bytes.push(b'{');
    let mut first = true;
    for (index, leftover) in leftovers.iter().enumerate() {
        let key = &page[leftover.key.clone()];
        if leftovers.len() > 1 && last.get(key) != Some(&index) {
            met.duplicate_keys += 1;
            continue;
        }
        if !first {
            texts.bytes.push(b',');
        }
        first = false;
        met.surrogates += u64::from(text::append_raw(key, &mut texts.bytes));
        texts.bytes.push(b':');
        match &leftover.replaced {
            Some(hash) => text::append_quoted(hash, &mut texts.bytes),
            None => {
                met.surrogates += u64::from(text::append_raw(&page[leftover.value.clone()], &mut texts.bytes));
            }
        }
    }
    texts.bytes.push(b'}');
    texts.close();
    extra.valid.push(true);
}

/// The names of a row's fields, for a message; values are personal data and stay out.
fn field_names(mut scanner: Scanner<'_>) -> Result<String, JsonError> {
    let mut names = Vec::new();
    let mut more = scanner.enter_object()?;
    while more {
        let mut name = Vec::new();
        text::append(scanner.string()?, &mut name);
        scanner.colon()?;
        scanner.skip()?;
        if names.len() < 40 {
            names.push(String::from_utf8_lossy(&name).into_owned());
        }
        more = scanner.next_member()?;
    }
    Ok(names.join(", "))
}
