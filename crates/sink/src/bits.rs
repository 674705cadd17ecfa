//! A set of row numbers, a bit each.

/// Puts a row in.
pub(crate) fn set(bits: &mut Vec<u64>, row: u64) {
    let index = usize::try_from(row / 64).expect("the rows of a commit have room in memory as bits");
    if index >= bits.len() {
        bits.resize(index + 1, 0);
    }
    bits[index] |= 1 << (row % 64);
}

/// Whether a row is in; rows beyond the end are not.
pub(crate) fn contains(bits: &[u64], row: u64) -> bool {
    let word = usize::try_from(row / 64).ok().and_then(|index| bits.get(index));
    word.is_some_and(|word| word >> (row % 64) & 1 == 1)
}

/// The rows that are in, in order.
pub(crate) fn rows(bits: &[u64]) -> impl Iterator<Item = u64> {
    let within = |word: u64| (0..64).filter(move |bit| word >> bit & 1 == 1);
    (0_u64..).zip(bits).flat_map(move |(index, &word)| within(word).map(move |bit| index * 64 + bit))
}
