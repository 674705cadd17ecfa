//! The fields that nobody knows, counted over the rows of a page.

use std::collections::BTreeMap;

/// So many names are told at most.
const MAX_NAMES: usize = 1000;

/// So many places of a row are remembered. Looking a name up among them is linear, and a row may have any number of fields.
const MAX_PLACES: usize = 256;

/// Unknown fields of the rows, which mostly have the same ones in the same order.
#[derive(Debug, Default)]
pub(crate) struct NewFields {
    /// The names of the row before this one, no name twice, each with the rows that had it at that place.
    order: Vec<(Vec<u8>, u64)>,
    /// How many of them this row has had.
    met: usize,
    /// Whether a name of this row came twice, as far as is known.
    repeated: bool,
    /// Counts of names that are no longer in `order`.
    former: BTreeMap<Vec<u8>, u64>,
}

impl NewFields {
    /// Begins a row.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.met = 0;
        self.repeated = false;
    }

    /// Counts the next unknown field of the row, by its name as written.
    #[inline]
    pub(crate) fn meet(&mut self, name: &[u8]) {
        match self.order.get_mut(self.met) {
            Some((expected, count)) if expected == name => *count += 1,
            _ => self.turn(name),
        }
        self.met += 1;
    }

    /// Another field than in the row before.
    #[cold]
    fn turn(&mut self, name: &[u8]) {
        for (name, count) in self.order.drain(self.met.min(self.order.len())..) {
            add(&mut self.former, name, count);
        }
        let full = self.order.len() < self.met || self.met == MAX_PLACES;
        if full || self.order.iter().any(|(known, _)| known == name) {
            self.repeated = true;
            add(&mut self.former, name.to_vec(), 1);
        } else {
            self.order.push((name.to_vec(), 1));
        }
    }

    /// Whether no unknown field of this row came twice, as far as is known.
    pub(crate) fn distinct(&self) -> bool {
        !self.repeated
    }

    /// Adds the counts to `counts` and begins anew.
    pub(crate) fn settle(&mut self, counts: &mut BTreeMap<String, u64>) {
        let former = std::mem::take(&mut self.former);
        let current = self.order.iter_mut().map(|(name, count)| (name.clone(), std::mem::take(count)));
        for (name, count) in former.into_iter().chain(current).filter(|(_, count)| *count > 0) {
            add(counts, String::from_utf8_lossy(&name).into_owned(), count);
        }
    }
}

/// Counts a name, if it is counted already or there is room for one more.
fn add<Name: Ord>(counts: &mut BTreeMap<Name, u64>, name: Name, count: u64) {
    if counts.len() < MAX_NAMES || counts.contains_key(&name) {
        *counts.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rows: &[&[&str]]) -> (Vec<bool>, BTreeMap<String, u64>) {
        let mut fields = NewFields::default();
        let mut distinct = Vec::new();
        for row in rows {
            fields.begin();
            row.iter().for_each(|name| fields.meet(name.as_bytes()));
            distinct.push(fields.distinct());
        }
        let mut counts = BTreeMap::new();
        fields.settle(&mut counts);
        (distinct, counts)
    }

    #[test]
    fn fields_are_counted_whatever_their_order() {
        let (distinct, counts) =
            counted(&[&["a", "b", "c"], &["a", "c"], &["c", "b", "a"], &["a", "b", "a", "d"]]);
        assert_eq!(distinct, [true, true, true, false]);
        let counts: Vec<_> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(counts, [("a", 5), ("b", 3), ("c", 3), ("d", 1)]);
    }

    #[test]
    fn rows_of_very_many_fields_are_counted_as_far_as_names_are_told() {
        let names: Vec<String> = (0..2000).map(|number| format!("field {number:04}")).collect();
        let row: Vec<&str> = names.iter().map(String::as_str).collect();
        let (distinct, counts) = counted(&[&row, &row]);
        assert_eq!(distinct, [false, false]);
        assert_eq!(counts.len(), MAX_NAMES);
        assert!(counts.values().all(|&count| count == 2));
    }
}
