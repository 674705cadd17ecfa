//! What reading meets on the way: things to count, and things to keep private.

use super::private::{self, Act, Rule};
use crate::json::text;

/// What was met while reading, counted, and what must be kept private on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met {
    pub(crate) surrogates: u64,
    pub(crate) duplicate_keys: u64,
    pub(crate) rules: Vec<Rule>,
}

impl Met {
    /// Keeps a raw value: as it came, but for lone surrogates and private members.
    #[inline]
    pub(crate) fn keep(&mut self, raw: &[u8], into: &mut Vec<u8>) {
        if self.rules.is_empty() {
            self.surrogates += u64::from(text::append_raw(raw, into));
        } else {
            let mut redacted = Vec::with_capacity(raw.len());
            private::redact(raw, &self.rules, &mut redacted);
            self.surrogates += u64::from(text::append_raw(&redacted, into));
        }
    }

    /// Keeps a member of an object, `"key":value`; false, with nothing kept, where it is to be dropped.
    pub(crate) fn keep_member(&mut self, key: &[u8], raw: &[u8], into: &mut Vec<u8>) -> bool {
        match private::rule_of_key(&self.rules, key).cloned() {
            Some(Act::Drop) => return false,
            Some(Act::Hash(secret)) => {
                self.surrogates += u64::from(text::append_raw(key, into));
                into.push(b':');
                private::append_hashed(raw, &secret, into);
            }
            Some(Act::Hashed) => {
                self.surrogates += u64::from(text::append_raw(key, into));
                into.push(b':');
                self.surrogates += u64::from(text::append_raw(raw, into));
            }
            None => {
                self.surrogates += u64::from(text::append_raw(key, into));
                into.push(b':');
                self.keep(raw, into);
            }
        }
        true
    }
}
