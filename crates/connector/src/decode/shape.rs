//! Where each member of an object goes.

use std::collections::HashMap;

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, Fields};

use super::{
    builder::ColumnBuilder,
    private::{Act, Rule, rule_for},
};
use crate::column::Column;

/// Another name under which a column's field may come.
///
/// A path of two steps, `scores/happiness`, finds the field inside an object; `scores/*` are all members of the object
/// that no other path names, as entries of a map column. A path that is itself the field of
/// another column lends that column's text where the field is absent or null. A field `visitor/id` names a member of
/// an object or of a list of objects; its path is then the member's other name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The vendor's name of the column's field.
    pub field: String,
    /// The other name, or `object/member`.
    pub path: String,
}

/// The last step of a path to all other members of an object.
const REST: &[u8] = b"*";

/// Where a member goes. As small as a register, as it is handed on for every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Into the column of this index.
    Field(u32),
    /// Its members go into columns: the container of this index.
    Container(u32),
    /// Nobody knows it.
    Unknown,
}

/// A member that is likely to come.
#[derive(Debug)]
struct Expected {
    /// Its key as it stands in the page, `"name":`.
    written: Vec<u8>,
    target: Target,
}

impl Expected {
    fn key(&self) -> &[u8] {
        self.written.get(1..self.written.len() - 2).unwrap_or_default()
    }

    /// Whether the page goes on with it. Keys are short, so that comparing words, of which the last two overlap, is faster
    /// than a call that compares bytes of any number.
    #[inline(always)]
    fn begins(&self, page: &[u8]) -> bool {
        let key = self.written.as_slice();
        let Some(found) = page.get(..key.len()) else { return false };
        let Some(last) = key.len().checked_sub(8) else { return found == key };
        let mut at = 0;
        while at < last {
            if word(found, at) != word(key, at) {
                return false;
            }
            at += 8;
        }
        word(found, last) == word(key, last)
    }
}

/// Eight bytes as one number; nothing where there are fewer.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.first_chunk().map(|chunk| u64::from_ne_bytes(*chunk))
}

/// A column and the builder that grows it.
#[derive(Debug)]
pub(crate) struct FieldBuilder {
    pub(crate) builder: ColumnBuilder,
    pub(crate) private: Option<Act>,
    /// Whether the current row has its value, and from the key at which byte.
    pub(crate) seen: Option<usize>,
}

/// The members of an object and their columns.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) fields: Vec<FieldBuilder>,
    targets: HashMap<Vec<u8>, Target>,
    containers: Vec<HashMap<Vec<u8>, usize>>,
    /// The members of the object before this one: objects of one list mostly have the same order.
    order: Vec<Expected>,
    /// Columns that take another column's text where they are null.
    lent: Vec<(usize, usize)>,
}

impl Shape {
    pub(crate) fn new(columns: &[Column], aliases: &[Alias], rules: &[Rule]) -> Self {
        let mut targets = HashMap::new();
        for (index, column) in columns.iter().enumerate() {
            targets.insert(column.field.as_bytes().to_vec(), Target::Field(number(index)));
        }
        let mut containers: Vec<HashMap<Vec<u8>, usize>> = Vec::new();
        let mut lent = Vec::new();
        for alias in ranked(aliases) {
            let Some(index) = columns.iter().position(|column| column.field == alias.field) else { continue };
            match alias.path.split_once('/') {
                None => {
                    let target = *targets
                        .entry(alias.path.as_bytes().to_vec())
                        .or_insert(Target::Field(number(index)));
                    if let Target::Field(other) = target
                        && other != number(index)
                    {
                        lent.push((index, other as usize));
                    }
                }
                Some((object, member)) => {
                    let next = containers.len();
                    let target =
                        *targets.entry(object.as_bytes().to_vec()).or_insert(Target::Container(number(next)));
                    if let Target::Container(container) = target {
                        if container == number(next) {
                            containers.push(HashMap::new());
                        }
                        containers[container as usize].insert(member.as_bytes().to_vec(), index);
                    }
                }
            }
        }
        let fields = columns
            .iter()
            .map(|column| FieldBuilder {
                builder: ColumnBuilder::aliased(&column.kind, &members_of(aliases, &column.field), rules),
                private: rule_for(rules, &column.field, &column.name).cloned(),
                seen: None,
            })
            .collect();
        Self { fields, targets, containers, order: Vec::new(), lent }
    }

    /// Where the member `key`, the `position`-th of its object, goes.
    #[inline]
    pub(crate) fn target(&mut self, position: usize, key: &[u8]) -> Target {
        if let Some(expected) = self.order.get(position)
            && expected.key() == key
        {
            return expected.target;
        }
        let target = self.named(key);
        // A name with a quote or backslash is written otherwise than it reads.
        if position < 4096 && !key.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
            self.order.truncate(position);
            if self.order.len() == position {
                self.order.push(Expected { written: [b"\"", key, b"\":"].concat(), target });
            }
        }
        target
    }

    /// Where the `position`-th member of its object goes, if its key, `"name":`, is the expected one and stands at the
    /// beginning of `page`; with the key's length, quotes and colon included.
    #[inline(always)]
    pub(crate) fn expected(&self, position: usize, page: &[u8]) -> Option<(usize, Target)> {
        let expected = self.order.get(position)?;
        expected.begins(page).then_some((expected.written.len(), expected.target))
    }

    /// Where a member of this name goes.
    pub(crate) fn named(&self, key: &[u8]) -> Target {
        self.targets.get(key).copied().unwrap_or(Target::Unknown)
    }

    pub(crate) fn contained(&self, container: u32, member: &[u8]) -> Option<usize> {
        self.containers.get(container as usize)?.get(member).copied().filter(|_| member != REST)
    }

    /// The map column that takes the members of a container that nothing else takes.
    pub(crate) fn rest_of(&self, container: u32) -> Option<usize> {
        self.containers.get(container as usize)?.get(REST).copied()
    }

    /// Begins a row: nothing has been seen.
    #[inline]
    pub(crate) fn begin(&mut self) {
        for field in &mut self.fields {
            field.seen = None;
        }
    }

    /// Ends a row: what has not been seen is null.
    #[inline]
    pub(crate) fn end(&mut self) {
        for field in &mut self.fields {
            if field.seen.is_none() {
                field.builder.push_null();
            }
        }
        for &(index, other) in &self.lent {
            let row = self.fields[other].builder.len() - 1;
            if let Some(text) = self.fields[other].builder.text(row).map(<[u8]>::to_vec) {
                self.fields[index].builder.fill_last(&text);
            }
        }
    }

    pub(crate) fn push_nulls(&mut self) {
        for field in &mut self.fields {
            field.builder.push_null();
        }
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        for field in &mut self.fields {
            field.builder.truncate(len);
        }
    }

    pub(crate) fn finish(&mut self, fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
        self.fields
            .iter_mut()
            .zip(fields)
            .map(|(field, arrow)| field.builder.finish(arrow.data_type()))
            .collect()
    }
}

/// The index of a column or container.
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a table has few columns")
}

/// The aliases, the first ones of each field before the second ones: a name that two fields list is rather that of the
/// field that lists it earlier, and lent to the other.
fn ranked(aliases: &[Alias]) -> impl Iterator<Item = &Alias> {
    let mut met: HashMap<&str, usize> = HashMap::new();
    let mut ranked: Vec<(usize, &Alias)> = aliases
        .iter()
        .map(|alias| {
            let rank = met.entry(&alias.field).and_modify(|rank| *rank += 1).or_default();
            (*rank, alias)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, alias)| alias)
}

/// The aliases that belong to the members of the column `field`.
fn members_of(aliases: &[Alias], field: &str) -> Vec<Alias> {
    let member = |alias: &Alias| {
        let member = alias.field.strip_prefix(field)?.strip_prefix('/')?;
        Some(Alias { field: member.to_owned(), path: alias.path.clone() })
    };
    aliases.iter().filter_map(member).collect()
}
