//! Which entries of a growing column have a value.

use arrow_buffer::{BooleanBuffer, NullBuffer};

/// One mark an entry; none is kept as long as all entries have a value.
#[derive(Debug, Default)]
pub(crate) struct Valid {
    len: usize,
    marks: Vec<bool>,
}

impl Valid {
    #[inline]
    pub(crate) fn push(&mut self, valid: bool) {
        if !valid && self.marks.is_empty() {
            self.marks.resize(self.len, true);
        }
        if !valid || !self.marks.is_empty() {
            self.marks.push(valid);
        }
        self.len += 1;
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the entry is there and has a value.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> bool {
        index < self.len && self.marks.get(index).is_none_or(|&valid| valid)
    }

    /// Gives the last entry a value.
    pub(crate) fn fill_last(&mut self) {
        if let Some(last) = self.marks.last_mut() {
            *last = true;
        }
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.marks.truncate(len);
    }

    /// The nulls, if there are any; afterwards there are no entries.
    pub(crate) fn finish(&mut self) -> Option<NullBuffer> {
        let nulls = Some(&self.marks).filter(|marks| marks.contains(&false));
        let nulls = nulls.map(|marks| NullBuffer::new(BooleanBuffer::from(marks.as_slice())));
        self.len = 0;
        self.marks.clear();
        nulls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_as_they_were_pushed() {
        let mut valid = Valid::default();
        for pushed in [true, true, false, true] {
            valid.push(pushed);
        }
        let entries = |valid: &Valid| (0..5).map(|index| valid.get(index)).collect::<Vec<_>>();
        assert_eq!(entries(&valid), [true, true, false, true, false]);
        valid.truncate(2);
        valid.push(true);
        assert_eq!((entries(&valid), valid.len()), (vec![true, true, true, false, false], 3));
        assert_eq!(valid.finish(), None);
        valid.push(false);
        assert_eq!(valid.finish().map(|nulls| (nulls.len(), nulls.null_count())), Some((1, 1)));
        assert_eq!(valid.len(), 0);
    }

    #[test]
    fn a_truncated_column_may_begin_with_nulls() {
        let mut valid = Valid::default();
        valid.push(false);
        valid.truncate(0);
        valid.push(true);
        valid.push(false);
        assert_eq!(valid.finish().map(|nulls| nulls.iter().collect::<Vec<_>>()), Some(vec![true, false]));
    }
}
