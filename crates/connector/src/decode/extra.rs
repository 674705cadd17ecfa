//! `_extra`: what no column takes, as it came.

use std::{collections::HashMap, ops::Range};

use super::{
    builder::{ColumnBuilder, Values},
    met::Met,
};

/// A member of a row that goes into `_extra`: byte ranges of the page, the key with its quotes.
#[derive(Debug, Clone)]
pub(crate) struct Leftover {
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

impl Leftover {
    /// The member as it stands in the page, where only the colon stands between its key and its value.
    fn written(&self) -> Option<Range<usize>> {
        (self.value.start == self.key.end + 1).then_some(self.key.start..self.value.end)
    }
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
    let repeated = !distinct && leftovers.len() > 1;
    let start = texts.bytes.len();
    if repeated || !met.rules.is_empty() {
        one_by_one(&mut texts.bytes, page, leftovers, repeated, met);
    } else {
        in_pieces(&mut texts.bytes, page, leftovers, met);
    }
    let any = texts.bytes.len() > start;
    if any {
        texts.bytes.push(b'}');
    }
    texts.close();
    extra.valid.push(any);
}

/// Appends members, of which those that stand side by side in the page are one piece.
fn in_pieces(into: &mut Vec<u8>, page: &[u8], leftovers: &[Leftover], met: &mut Met) {
    let mut opened = b'{';
    let mut rest = leftovers;
    while let Some((first, mut after)) = rest.split_first() {
        into.push(std::mem::replace(&mut opened, b','));
        match first.written() {
            Some(mut piece) => {
                // Only the comma stands between them.
                while let Some((next, behind)) = after.split_first()
                    && let Some(written) = next.written()
                    && written.start == piece.end + 1
                {
                    piece.end = written.end;
                    after = behind;
                }
                met.keep(&page[piece], into);
            }
            None => {
                met.keep_member(&page[first.key.clone()], &page[first.value.clone()], into);
            }
        }
        rest = after;
    }
}

/// Appends members, but for those that a rule drops, and those that come again.
fn one_by_one(into: &mut Vec<u8>, page: &[u8], leftovers: &[Leftover], repeated: bool, met: &mut Met) {
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    if repeated {
        for (index, leftover) in leftovers.iter().enumerate() {
            last.insert(&page[leftover.key.clone()], index);
        }
    }
    let start = into.len();
    for (index, leftover) in leftovers.iter().enumerate() {
        let key = &page[leftover.key.clone()];
        if repeated && last.get(key) != Some(&index) {
            met.duplicate_keys += 1;
            continue;
        }
        let begun = into.len();
        into.push(if begun == start { b'{' } else { b',' });
        if !met.keep_member(key, &page[leftover.value.clone()], into) {
            into.truncate(begun);
        }
    }
}
