//! Every key of `connector.toml`, for the documentation. A test compares them with what the reader takes.

mod axes;
mod connector;
mod paging;
mod stream;

/// The keys of one table of the file.
#[derive(Debug, Clone, Copy)]
pub struct KeyGroup {
    /// The table: `the file`, `paging cursor`.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [KeySpec],
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// A value, as TOML.
    pub example: &'static str,
    /// What it means, without a full stop.
    pub meaning: &'static str,
}

const fn key(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> KeySpec {
    KeySpec { name, kind, default, example, meaning }
}

/// All tables of the file, in the order in which one writes them.
pub fn key_groups() -> impl Iterator<Item = &'static KeyGroup> {
    [connector::GROUPS, stream::GROUPS, paging::GROUPS, axes::GROUPS].into_iter().flatten()
}
