//! Rows of a page, into the columns of their table and of the tables derived from it.

use arrow_schema::{ArrowError, SchemaRef};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    Counts, CustomFields, DecodeError, DecodeOptions, PageRows, Taken,
    builder::Values,
    derived::Derived,
    extra::{self, Leftover},
    keyless,
    met::Met,
    names,
    new_fields::NewFields,
    shape::Target,
    structure::{Member, earlier_duplicates, member, read_private},
    table::{Lineage, TableLayout},
    table_builder::{
        KeyColumn, TableBuilder, close_lineage, content_hash, key_column, parent_column, push_text,
        synthesise,
    },
    value::Fit,
};
use crate::json::{
    pointer,
    scan::{JsonError, Kind, Scanner, StringSpan, Wanted},
};

/// Reads the rows of a stream's pages.
#[derive(Debug)]
pub(crate) struct RowReader {
    pub(crate) table: TableBuilder,
    derived: Vec<Derived>,
    pub(crate) custom: Option<(usize, CustomFields)>,
    counts: Counts,
    pub(crate) met: Met,
    leftovers: Vec<Leftover>,
    new_fields: NewFields,
    watch_keys: bool,
    watch_cursor: Option<KeyColumn>,
    watch_last: Option<KeyColumn>,
    layout: TableLayout,
}

/// What a second reading of a row passes over: byte offsets of keys, ascending.
#[derive(Debug)]
struct Again {
    /// A later equal key supersedes them.
    superseded: Vec<usize>,
    /// Another name of the same field is read instead.
    votes: names::Votes,
}
impl RowReader {
    pub(crate) fn new(options: &DecodeOptions) -> Self {
        let layout = options.table.clone();
        let derived = options.derived.iter().map(|derived| Derived {
            stream: derived.stream.clone(),
            table: TableBuilder::new(&derived.table, &options.rules),
            names: names_of(&layout, derived.field.split('/').next().unwrap_or_default()),
            below: derived.field.split_once('/').map_or_else(String::new, |(_, rest)| format!("/{rest}")),
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
            counts: Counts::default(),
            met: Met { rules: options.rules.clone(), ..Met::default() },
            leftovers: Vec::new(),
            new_fields: NewFields::default(),
            watch_keys: false,
            watch_cursor: None,
            watch_last: None,
            layout,
        }
    }

    /// Whether two rows of one key hash are the same row.
    pub(crate) fn exact_keys(&self) -> bool {
        self.table.synthetic.is_none()
    }

    /// Whether the table or a derived one takes a field of this name.
    pub(crate) fn knows(&self, field: &str) -> bool {
        let spelled = |name: &str| name.split('/').next() == Some(field);
        self.layout.columns.iter().any(|column| column.field == field)
            || self.layout.aliases.iter().any(|alias| spelled(alias.path.trim_start_matches('/')))
            || self.derived.iter().any(|derived| derived.names.iter().any(|name| name == field.as_bytes()))
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

    pub(crate) fn restore_counts(&mut self, counts: Counts) {
        self.counts = counts;
    }

    pub(crate) fn watch(&mut self, keys: bool, cursor: Option<&str>) {
        self.watch_keys = keys;
        self.watch_cursor = cursor.and_then(|name| key_column(&self.layout, name));
    }

    pub(crate) fn watch_last(&mut self, column: Option<&str>) {
        self.watch_last = column.and_then(|name| key_column(&self.layout, name));
    }

    /// The watched value of the last row, if there are rows from `first` on.
    pub(crate) fn last_text(&self, first: usize) -> Option<String> {
        let row = self.table.rows.checked_sub(1).filter(|&row| row >= first)?;
        let builder = self.table.key_builder(self.watch_last?)?;
        let text = builder.text(row).map(|text| String::from_utf8_lossy(text).into_owned());
        text.or_else(|| builder.number(row).map(|number| number.to_string()))
    }

    /// The number of rows of every table, to go back to.
    pub(crate) fn mark(&self) -> Vec<usize> {
        std::iter::once(self.table.rows)
            .chain(self.derived.iter().map(|derived| derived.table.rows))
            .collect()
    }

    pub(crate) fn roll_back(&mut self, mark: &[usize]) {
        let tables =
            std::iter::once(&mut self.table).chain(self.derived.iter_mut().map(|derived| &mut derived.table));
        for (table, &rows) in tables.zip(mark) {
            table.truncate(rows);
        }
    }

    /// Forgets how often equal rows came: a walk begins anew.
    pub(crate) fn begin_walk(&mut self) {
        let tables =
            std::iter::once(&mut self.table).chain(self.derived.iter_mut().map(|derived| &mut derived.table));
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
    pub(crate) fn array(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
    ) -> Result<(), DecodeError> {
        if scanner.enter_array()? {
            let mut index = 0;
            loop {
                if let Err(error) = self.row(scanner, lineage, index) {
                    return Err(keyless::of_all(error, &self.layout, scanner)?);
                }
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
    pub(crate) fn elements(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
    ) -> Result<(), DecodeError> {
        let mut index = 0;
        loop {
            scanner.space();
            if scanner.peek().is_none() {
                break;
            }
            if index > 0 {
                scanner.expect(b',', Wanted::NextRow)?;
            }
            self.row(scanner, lineage, index)?;
            index += 1;
        }
        self.settle();
        Ok(())
    }

    /// Reads the single row that begins at the scanner.
    pub(crate) fn one(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
    ) -> Result<(), DecodeError> {
        self.row(scanner, lineage, 0)?;
        self.settle();
        Ok(())
    }

    fn settle(&mut self) {
        self.counts.surrogates += std::mem::take(&mut self.met.surrogates);
        self.counts.duplicate_keys += std::mem::take(&mut self.met.duplicate_keys);
        self.new_fields.settle(&mut self.counts.new_fields);
    }

    fn row(
        &mut self,
        scanner: &mut Scanner<'_>,
        lineage: &Lineage<'_>,
        index: usize,
    ) -> Result<(), DecodeError> {
        scanner.space();
        if scanner.peek() != Some(b'{') {
            // A page that ends here was cut off, which is another matter than a row of another kind.
            scanner.kind()?;
            return Err(DecodeError::NotAnObject { row: index });
        }
        let start = *scanner;
        let row = self.table.rows;
        if !self.members(scanner, None)? {
            // A key stands twice, or two names of one field: the row is read again, without those that lose.
            self.table.shape.truncate(row);
            *scanner = start;
            let superseded = earlier_duplicates(start, &mut self.met)?;
            let votes = names::outvoted(start, &self.table.shape, &self.layout.columns, &superseded)?;
            self.members(scanner, Some(&Again { superseded, votes }))?;
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
        self.new_fields.begin();
        for derived in &mut self.derived {
            derived.at = None;
        }
        let mut custom_entries = false;
        let mut position = 0;
        let mut more = scanner.enter_object()?;
        while more {
            let at = scanner.at;
            let Member { target, key } = member(&mut self.table.shape, position, scanner, &mut self.met)?;
            let key = at..at + key as usize;
            position += 1;
            let start = scanner.at;
            match (target, again) {
                (Target::Field(index), None) if self.is_plain(index) => {
                    if self.table.shape.fields[index as usize].seen.is_some() {
                        return Ok(false);
                    }
                    self.field(scanner, index as usize, key.clone())?;
                }
                (_, Some(again)) if again.superseded.binary_search(&at).is_ok() => {
                    scanner.skip()?;
                    more = scanner.next_member()?;
                    continue;
                }
                _ => match self.other(scanner, target, key.clone(), again)? {
                    None => return Ok(false),
                    Some(entries) => custom_entries |= entries,
                },
            }
            if !self.derived.is_empty() {
                self.mark_derived(scanner, &key, start);
            }
            more = scanner.next_member()?;
        }
        self.close_custom(custom_entries);
        self.table.shape.end();
        Ok(true)
    }

    /// Whether a column takes its field and nothing else.
    #[inline]
    fn is_plain(&self, index: u32) -> bool {
        self.custom.is_none() || !self.is_custom_column(index as usize)
    }

    /// Reads a member that is not simply that of a column: whether it made entries of custom fields; none where its
    /// field came twice and the row must be read again.
    fn other(
        &mut self,
        scanner: &mut Scanner<'_>,
        target: Target,
        key: std::ops::Range<usize>,
        again: Option<&Again>,
    ) -> Result<Option<bool>, JsonError> {
        match target {
            Target::Field(index) if !self.is_plain(index) => {
                return self.custom_object(scanner, key, index as usize).map(Some);
            }
            Target::Field(index) => {
                let outvoted =
                    again.is_some_and(|again| again.votes.outvoted.binary_search(&key.start).is_ok());
                let repeated = self.table.shape.fields[index as usize].seen.is_some();
                if !outvoted && !repeated {
                    self.field(scanner, index as usize, key)?;
                } else if again.is_none() {
                    return Ok(None);
                } else if scanner.kind()? == Kind::Null {
                    // A name without a value says nothing that would be lost.
                    scanner.literal(Wanted::Null)?;
                } else {
                    self.leave(scanner, key)?;
                }
            }
            Target::Container(container) => {
                let held = again.map_or(&[][..], |again| &again.votes.held);
                self.container(scanner, container, key, held)?;
            }
            Target::Unknown => {
                if self.custom.is_some() {
                    let name = name(scanner.bytes, &key);
                    if self.is_custom(name) {
                        return self.custom_entry(scanner, name).map(|()| Some(true));
                    }
                }
                self.leave(scanner, key.clone())?;
                self.new_fields.meet(inside(scanner.bytes, &key));
            }
        }
        Ok(Some(false))
    }

    /// Remembers where the rows of derived tables begin that stand in this member.
    fn mark_derived(&mut self, scanner: &Scanner<'_>, key: &std::ops::Range<usize>, start: usize) {
        let name = inside(scanner.bytes, key);
        for derived in &mut self.derived {
            let named = derived.names.iter().any(|known| known == name);
            let null = || scanner.bytes.get(..scanner.at).is_some_and(|read| read.ends_with(b"null"));
            if named && (derived.at.is_none() || !null()) {
                derived.at = Some(start);
            }
        }
    }

    #[inline]
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
            self.leftovers.push(Leftover { key, value: start..scanner.at });
        }
        Ok(())
    }

    /// Reads an object whose members are columns. What it has besides, or what is `held` under another name, makes
    /// the whole of it a leftover.
    fn container(
        &mut self,
        scanner: &mut Scanner<'_>,
        container: u32,
        key: std::ops::Range<usize>,
        held: &[usize],
    ) -> Result<(), JsonError> {
        scanner.space();
        let start = scanner.at;
        let rest = self.table.shape.rest_of(container);
        let mut entries = false;
        let mut kept;
        if scanner.peek() == Some(b'{') {
            let mut more = scanner.enter_object()?;
            // An empty object is not the same as none.
            kept = more;
            while more {
                let name = scanner.string()?;
                scanner.colon()?;
                let found = self.table.shape.contained(container, name.inner);
                let free =
                    |index: &usize| self.table.shape.fields[*index].seen.is_none() && !held.contains(index);
                match found.filter(free) {
                    Some(index) => {
                        let field = &mut self.table.shape.fields[index];
                        field.seen = Some(usize::MAX);
                        let private = field.private.as_ref();
                        kept &=
                            read_private(&mut field.builder, private, scanner, &mut self.met)? == Fit::Whole;
                    }
                    None => match rest.filter(|index| found.is_none() && free(index)) {
                        Some(index) => {
                            self.map_entry(scanner, index, name)?;
                            entries = true;
                        }
                        None => {
                            scanner.skip()?;
                            kept = false;
                        }
                    },
                }
                more = scanner.next_member()?;
            }
            if let Some(index) = rest.filter(|_| entries) {
                self.close_map(index);
            }
        } else {
            scanner.skip()?;
            kept = false;
        }
        if !kept {
            self.leftovers.push(Leftover { key, value: start..scanner.at });
        }
        Ok(())
    }

    /// Keeps a member for `_extra`.
    pub(crate) fn leave(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: std::ops::Range<usize>,
    ) -> Result<(), JsonError> {
        let value = scanner.skip()?;
        self.leftovers.push(Leftover { key, value });
        Ok(())
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
        extra::append(&mut table.extra, page, &self.leftovers, self.new_fields.distinct(), &mut self.met);
        table.rows += 1;
    }

    /// Fails where a column of the primary key is null.
    fn require_key(&self, start: Scanner<'_>, row: usize, index: usize) -> Result<(), DecodeError> {
        for (number, &column) in self.table.key.iter().enumerate() {
            let null = self
                .table
                .key_builder(column)
                .is_some_and(|builder| row < builder.len() && !builder.valid.get(row));
            if null {
                return Err(DecodeError::NullKey {
                    row: index,
                    column: self.layout.primary_key.get(number).cloned().unwrap_or_default(),
                    fields: keyless::told(start)?,
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
            let Some(at) = inner(page, at, &derived.below)? else { continue };
            let mut scanner = Scanner { bytes: page, at };
            scanner.space();
            let inherited: Vec<Option<String>> = derived
                .inherits
                .iter()
                .map(|field| {
                    self.table
                        .key_builder((*field)?)?
                        .text(row)
                        .map(|text| String::from_utf8_lossy(text).into_owned())
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
            page.cursors =
                (first..self.table.rows).map(|row| cursor.number(row).map(|number| number * unit)).collect();
        }
        page
    }

    fn key_hash(&self, row: usize) -> u64 {
        let mut hasher = Xxh3Default::new();
        for &column in &self.table.key {
            if let (KeyColumn::Synthetic, Some(synthetic)) = (column, &self.table.synthetic) {
                hasher.update(&synthetic.content.get(row).copied().unwrap_or_default().to_le_bytes());
                continue;
            }
            let Some(builder) = self.table.key_builder(column) else { continue };
            match builder.text(row) {
                // Most keys are one text.
                Some(text) if self.table.key.len() == 1 => return content_hash(text),
                Some(text) => hasher.update(text),
                None => hasher.update(&builder.number(row).unwrap_or(i64::MIN).to_le_bytes()),
            }
            hasher.update(&[0xFF]);
        }
        hasher.digest()
    }
}

/// What stands between the quotes of a key.
fn inside<'a>(page: &'a [u8], key: &std::ops::Range<usize>) -> &'a [u8] {
    page.get(key.start + 1..key.end - 1).unwrap_or_default()
}

/// A key by its place in the page.
fn name<'a>(page: &'a [u8], key: &std::ops::Range<usize>) -> StringSpan<'a> {
    let inner = inside(page, key);
    StringSpan { inner, escaped: inner.contains(&b'\\') }
}

/// Where the value at a pointer below the value at `at` begins; none where there is none.
fn inner(page: &[u8], at: usize, pointer: &str) -> Result<Option<usize>, JsonError> {
    if pointer.is_empty() {
        return Ok(Some(at));
    }
    let found = pointer::find(page.get(at..).unwrap_or_default(), pointer)?;
    // `found` lies inside `page`; its offset is the difference of the addresses, without any pointer arithmetic.
    Ok(found.map(|found| found.as_ptr().addr() - page.as_ptr().addr()))
}

/// The names under which a field may come.
pub(super) fn names_of(layout: &TableLayout, field: &str) -> Vec<Vec<u8>> {
    let others = layout.aliases.iter().filter(|alias| alias.field == field).map(|alias| alias.path.as_str());
    std::iter::once(field).chain(others).map(|name| name.as_bytes().to_vec()).collect()
}
