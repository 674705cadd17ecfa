//! A growing column of texts that are the same for many rows on end.

use arrow_array::StringArray;

/// Texts with the number of rows that have each.
#[derive(Debug, Default)]
pub(crate) struct Runs(Vec<(String, usize)>);

impl Runs {
    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some((last, rows)) if last == text => *rows += 1,
            _ => self.0.push((text.to_owned(), 1)),
        }
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        let mut left = rows;
        self.0.retain_mut(|(_, rows)| {
            *rows = left.min(*rows);
            left -= *rows;
            *rows > 0
        });
    }

    /// The column; afterwards it is empty.
    pub(crate) fn finish(&mut self) -> StringArray {
        let made = match self.0.as_slice() {
            [(text, rows)] => StringArray::new_repeated(text.as_str(), *rows),
            runs => {
                let rows = runs.iter().flat_map(|(text, rows)| std::iter::repeat_n(text.as_str(), *rows));
                rows.map(Some).collect()
            }
        };
        self.0.clear();
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_order() {
        let mut runs = Runs::default();
        for text in ["a", "a", "b", "a"] {
            runs.push(text);
        }
        assert_eq!(runs.finish(), StringArray::from(vec!["a", "a", "b", "a"]));
        for text in ["a", "a", "b"] {
            runs.push(text);
        }
        runs.truncate(1);
        runs.push("a");
        assert_eq!(runs.finish(), StringArray::from(vec!["a", "a"]));
        assert_eq!(runs.finish(), StringArray::from(Vec::<&str>::new()));
    }
}
