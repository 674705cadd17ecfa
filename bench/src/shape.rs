//! The shapes of rows that are served.

/// What a row looks like. The figures are bytes of JSON a row, measured over a thousand rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A person of a learning platform: scalars, two lists, one object with free keys, one list of objects. 947 bytes.
    Users,
    /// The same with sixty further scalar fields that no schema knows beforehand.
    Wide,
    /// The same with objects inside objects, eight deep.
    Deep,
    /// The same with names and texts outside ASCII, escaped and not.
    Unicode,
}

impl Shape {
    /// All shapes by their names on the command line.
    pub const ALL: [(&'static str, Self); 4] =
        [("users", Self::Users), ("wide", Self::Wide), ("deep", Self::Deep), ("unicode", Self::Unicode)];

    /// The shape of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape)
    }
}
