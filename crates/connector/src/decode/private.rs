//! Privacy rules: what happens to a field before anything is kept.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What is done to a field, by its name: the vendor's or the column's.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The field's or the column's name.
    pub name: String,
    /// What is done.
    pub act: Act,
}

/// What is done to a private value.
#[derive(Clone)]
pub enum Act {
    /// It is not kept.
    Drop,
    /// It is replaced by the hexadecimal HMAC-SHA-256 of its text under this key.
    Hash(Vec<u8>),
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Drop => "Drop",
            Self::Hash(_) => "Hash(…)",
        })
    }
}

/// The rule for a field, by either of its names.
pub(crate) fn rule_for<'a>(rules: &'a [Rule], field: &str, name: &str) -> Option<&'a Act> {
    rules.iter().find(|rule| rule.name == field || rule.name == name).map(|rule| &rule.act)
}

/// The hexadecimal HMAC-SHA-256 of a text.
pub(crate) fn hashed(key: &[u8], text: &[u8]) -> String {
    // HMAC takes keys of any length, so this branch is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
