//! The values that records are made of, where a bare number would not say its unit.

use std::borrow::Cow;

/// Digits after the point of every decimal column.
pub const DECIMAL_SCALE: i8 = 9;

/// Digits of every decimal column, the most that 128 bits hold.
pub(crate) const DECIMAL_PRECISION: u8 = 38;

/// An instant: microseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

/// A calendar day without a zone: days since 1970-01-01, negative before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// An exact decimal number in units of 10⁻⁹: `Decimal(1_500_000_000)` is 1.5.
///
/// At most 38 digits; it is the caller's duty to keep to this, as arrow does not look at it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

/// Free-form names and values in the vendor's order; a value that is not text is its JSON text.
///
/// Empty means that nothing is known, and the column is null. An entry without a name is left out.
pub type Attributes<'a> = Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>;
