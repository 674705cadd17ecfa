//! `_extra`: what no column takes, as it came.

use std::ops::Range;

use super::{
    builder::{ColumnBuilder, Values},
    met::Met,
};

/// A member of a row that goes into `_extra`: byte ranges of the page, the key with its quotes.
#[derive(Debug, Clone)]
pub(crate) struct Leftover {
    pub(crate) key: std::ops::Range<usize>,
    pub(crate) value: std::ops::Range<usize>,
}

/// Appends a row's object of leftovers, under the vendor's names, privacy rules applied; of equal names the last.
/// `distinct` tells that no name comes twice.
pub(crate) fn append(
    extra: &mut ColumnBuilder,
    page: &[u8],
    leftovers: &[Leftover],
    distinct: bool,
    met: &mut Met,
) {
    let Values::Json(texts) = &mut extra.values else { return };
    let mut last: std::collections::HashMap<&[u8], usize> = std::collections::HashMap::new();
    let repeated = !distinct && leftovers.len() > 1;
    if repeated {
        for (index, leftover) in leftovers.iter().enumerate() {
            last.insert(&page[leftover.key.clone()], index);
        }
    }
    let start = texts.bytes.len();
    for (index, leftover) in leftovers.iter().enumerate() {
        let key = &page[leftover.key.clone()];
        if repeated && last.get(key) != Some(&index) {
            met.duplicate_keys += 1;
            continue;
        }
        let begun = texts.bytes.len();
        texts.bytes.push(if begun == start { b'{' } else { b',' });
        let Range { start: value, end } = leftover.value;
        if met.rules.is_empty() && value == leftover.key.end + 1 {
            // Only the colon stands between them: one piece.
            met.keep(&page[leftover.key.start..end], &mut texts.bytes);
        } else if !met.keep_member(key, &page[value..end], &mut texts.bytes) {
            texts.bytes.truncate(begun);
        }
    }
    let any = texts.bytes.len() > start;
    if any {
        texts.bytes.push(b'}');
    }
    texts.close();
    extra.valid.push(any);
}
